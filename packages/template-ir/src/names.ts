// Names: what counts as an identifier, and which words mean something else.
import { MAX_NAME_LENGTH } from './limits.js';
import { BOUNDS, SCALAR_NAMES } from './types.js';

/** Words that start a statement, or are a literal: no value, block, type parameter, declaration or template has such a name. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  ...['module', 'fn', 'store', 'call', 'jump', 'branch', 'return', 'unreachable'],
  ...['true', 'false', 'null', 'inf', 'nan'],
]);

/** Names of types and bounds that are always there. (`fn` is a keyword.) */
export const TYPE_NAMES: ReadonlySet<string> = new Set<string>([...SCALAR_NAMES, 'ptr', 'array', ...BOUNDS]);

/** True for a letter or `_`, then letters, digits, `_` and `.`, at most 1024 characters, and no keyword. */
export function isName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && isIdentifier(name) && !KEYWORDS.has(name);
}

function isIdentifier(text: string): boolean {
  for (let i = 1; i < text.length; i++) if (!continuesName(text.charCodeAt(i))) return false;
  return startsName(text.charCodeAt(0));
}

/** True for the code of a letter or `_`. */
export function startsName(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
}

/** True for the code of a letter, digit, `_` or `.`; false for NaN, at the end of a text. */
export function continuesName(code: number): boolean {
  return startsName(code) || isDigit(code) || code === 46;
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** True for a name that a type parameter, struct or enum may have: not that of a type or bound. */
export function isDeclarationName(name: string): boolean {
  return isName(name) && !TYPE_NAMES.has(name);
}

/** True for a name that a field or variant may have: without dots, since a dot separates a variant from its field. */
export function isFieldName(name: string): boolean {
  return isName(name) && !name.includes('.');
}
