// Whether the native code of a file may run: by its signature if it has one, else by its owner (the trust rule of smf-cache).
import type { MappedSmf, Trust } from '@simple-jit/smf-cache';
import { parseSmf, type SmfFile, SmfFormatError } from '@simple-jit/smf-format';
import { builtinCodecs } from '@simple-jit/smf-format/node';
import { checkIntegrity, fingerprint, isSigned, type KeyRing } from './signature.js';

/** What was found of a file. */
export interface Judged {
  readonly trust: Trust;
  /** What is to be used in place of the mapped file, where others could change that after its signature was verified. */
  readonly copy?: SmfFile;
}

/**
 * A file whose signature does not fit is refused, whoever owns it; one signed with a trusted key is trusted, whoever owns
 * it; every other is judged by its owner. Reads the whole of a signed file.
 */
export function judge({ file, trust: owner }: MappedSmf, keys: KeyRing): Judged {
  if (!isSigned(file)) return { trust: owner };
  const refused = (reason: string): Judged => ({ trust: { trusted: false, reason } });
  try {
    // What is trusted for its signature alone, others can change: what is verified must be what is used.
    const fixed = owner.trusted ? file : parseSmf(file.bytes.slice(), { codecs: builtinCodecs() });
    const integrity = checkIntegrity(fixed);
    if (integrity.state === 'broken') return refused(integrity.reason);
    if (owner.trusted || integrity.state === 'unsigned') return { trust: owner };
    if (keys.find(integrity.key) !== undefined) return { trust: { trusted: true }, copy: fixed };
    return refused(`${owner.reason}; signed with key ${fingerprint(integrity.key)}, which is not trusted`);
  } catch (error) {
    if (error instanceof SmfFormatError) return refused(error.message); // too large to be read as a whole, or damaged
    throw error;
  }
}
