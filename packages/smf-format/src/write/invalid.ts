// What a builder says of input that would not make a well-formed file.
import { SmfFormatError } from '../errors.js';

export const invalidEdit = (structure: string, found: string, hint: string): SmfFormatError =>
  new SmfFormatError('ERR_SMF_INVALID_ARGUMENT', 'this would not make a well-formed file', { structure, found, hint });
