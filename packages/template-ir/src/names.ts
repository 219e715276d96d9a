// Names: what counts as an identifier, and which words mean something else.
import { MAX_NAME_LENGTH } from './limits.js';
import { SCALAR_NAMES } from './types.js';

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_.]*$/;

/** Words that start a statement, or are a literal: no value, block, type parameter or template has such a name. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  ...['module', 'fn', 'store', 'call', 'jump', 'branch', 'return', 'unreachable'],
  ...['true', 'false', 'null', 'inf', 'nan'],
]);

/** Names of types that are always there. */
export const TYPE_NAMES: ReadonlySet<string> = new Set<string>([...SCALAR_NAMES, 'ptr']);

/** True for a letter or `_`, then letters, digits, `_` and `.`, at most 1024 characters, and no keyword. */
export function isName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && IDENTIFIER.test(name) && !KEYWORDS.has(name);
}

/** True for a name that a type parameter may have. */
export function isTypeParamName(name: string): boolean {
  return isName(name) && !TYPE_NAMES.has(name);
}
