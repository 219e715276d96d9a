// Keys, and values that are no collection: quoted and bare strings, numbers, true, false, null.
import type { Cursor } from './cursor.js';
import {
  BARE,
  BARE_CELL,
  ESCAPES,
  isSdnInteger,
  KEY,
  KEYWORDS,
  LOOSE_CELL,
  LOOSE_VALUE,
  matchAt,
  NUMBER,
} from './scalars.js';
import type { SdnScalar, SdnScalarNode } from './value.js';

/** What surrounds a value, which says where a bare string ends: a line, brackets, or the commas of a row. */
export type Context = 'value' | 'inline' | 'cell';

const QUOTED = /"(?:[^"\\\n]|\\[^\n])*"/y;
const BEGINS_NUMBER = /[0-9+-]/;
const END_OF_CELL = /[ \t]*(?:,|\r|\n|$)|[ \t]+#/y;
const END_OF_VALUE = /[ \t]*(?:\r|\n|$)|[ \t]+#/y;

/** Where the key that begins at `start` ends; -1 if none begins there. */
export function keyEnd(text: string, start: number): number {
  const match = matchAt(text[start] === '"' ? QUOTED : KEY, text, start);
  return match === undefined ? -1 : start + match[0].length;
}

export function parseKey(cursor: Cursor): string {
  if (cursor.text[cursor.at] === '"') return parseQuoted(cursor);
  const match = matchAt(KEY, cursor.text, cursor.at);
  if (match === undefined) cursor.fail('no key here', 'a name, or a quoted string');
  cursor.at += match[0].length;
  return match[0];
}

export function parseScalar(cursor: Cursor, context: Context): SdnScalarNode {
  const start = cursor.at;
  const character = cursor.text[start];
  if (character === '"') return scalar(cursor, start, parseQuoted(cursor));
  if (character !== undefined && BEGINS_NUMBER.test(character)) {
    const number = parseNumber(cursor, context);
    if (number !== undefined) return number;
  }
  return parseBare(cursor, context);
}

function scalar(cursor: Cursor, start: number, value: SdnScalar): SdnScalarNode {
  return { kind: 'scalar', value, start, end: cursor.at };
}

function parseQuoted(cursor: Cursor): string {
  const { text } = cursor;
  let value = '';
  let from = cursor.at + 1;
  for (let at = from; ; at++) {
    const character = text[at];
    if (character === '"') {
      cursor.at = at + 1;
      return value + text.slice(from, at);
    }
    if (character === undefined || character === '\n') cursor.fail('a string without end', '"', at);
    if (character !== '\\') continue;
    const meant = ESCAPES.get(text[at + 1] ?? '');
    if (meant === undefined) cursor.fail('an escape that SDN does not have', '\\\\ \\" \\n \\r or \\t', at);
    value += text.slice(from, at) + meant;
    at++;
    from = at + 1;
  }
}

/** Undefined where it is the beginning of a loose string. */
function parseNumber(cursor: Cursor, context: Context): SdnScalarNode | undefined {
  const start = cursor.at;
  const loose = cursor.loose && context !== 'inline';
  const match = matchAt(NUMBER, cursor.text, start);
  const end = start + (match?.[0].length ?? 0);
  const next = cursor.text[end];
  if (match === undefined || (next !== undefined && !' \t\r\n,]})'.includes(next))) {
    if (loose) return undefined;
    cursor.fail('not a number', 'digits, with _ between them, a fraction, an exponent', end);
  }
  if (loose && !endsValue(cursor.text, end, context)) return undefined;
  const digits = match[0].replaceAll('_', '').replace(/^\+/, '');
  cursor.at = end;
  if (match[1] !== undefined || match[2] !== undefined) return scalar(cursor, start, Number(digits));
  // Twenty digits and a sign are the most: a longer one is not worth converting.
  const value = digits.length > 21 ? undefined : BigInt(digits);
  if (value === undefined || !isSdnInteger(value)) {
    cursor.fail('an integer beyond 64 bits', '-2^63 to 2^64 - 1', start);
  }
  return scalar(cursor, start, value);
}

function parseBare(cursor: Cursor, context: Context): SdnScalarNode {
  const { text, at: start } = cursor;
  const match = matchAt(context === 'cell' ? BARE_CELL : BARE, text, start);
  const end = start + (match?.[0].length ?? 0);
  if (cursor.loose && context !== 'inline' && (match === undefined || !endsValue(text, end, context))) {
    const loose = matchAt(context === 'cell' ? LOOSE_CELL : LOOSE_VALUE, text, start);
    if (loose === undefined) cursor.fail('no value here', 'a value');
    const value = loose[0].trimEnd();
    cursor.at = start + value.length;
    return scalar(cursor, start, value);
  }
  if (match === undefined) {
    cursor.fail('no value here', 'a string, number, true, false, null, [array] or {dictionary}');
  }
  cursor.at = end;
  const keyword = KEYWORDS.get(match[0]);
  return scalar(cursor, start, keyword === undefined ? match[0] : keyword);
}

/** Nothing but spaces up to the comma, the comment or the end of the line. */
function endsValue(text: string, at: number, context: Context): boolean {
  return matchAt(context === 'cell' ? END_OF_CELL : END_OF_VALUE, text, at) !== undefined;
}
