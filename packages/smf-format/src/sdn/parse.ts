// The SDN 1.0 parser: recursive descent over lines and indentation. It yields a tree with positions, from which come
// plain values (parseSdn) and edits in place (SdnDocument). Here are statements and blocks; parse-table.ts, parse-value.ts
// and parse-scalar.ts have what stands on a line. docs/spec/smf-format.md, section 5.
import { DEFAULT_LIMITS, type SmfLimits } from '../limits.js';
import { Cursor } from './cursor.js';
import { keyEnd, parseKey } from './parse-scalar.js';
import { isAtTypedTable, parseNamedTable, parseTypedTable } from './parse-table.js';
import { parseValue } from './parse-value.js';
import {
  plainValue,
  type SdnArrayNode,
  type SdnDictNode,
  type SdnEntry,
  type SdnNode,
  type SdnValue,
} from './value.js';

export interface ParseSdnOptions {
  readonly limits?: Partial<Pick<SmfLimits, 'maxSdnLength' | 'maxSdnDepth'>>;
  /** Take unquoted strings of any characters where they are unambiguous, as notes by other tools have them. */
  readonly loose?: boolean;
}

/**
 * Parses SDN text. A document of `key: …` statements is a Map; of several values, one a line, an array; of one value
 * alone, that value.
 *
 * @throws SdnSyntaxError with line, column and what was expected; SmfFormatError ERR_SMF_LIMIT for text too long or
 * nested too deeply
 * @example
 * parseSdn('name: demo\nsizes = [1, 2]') // Map { 'name' → 'demo', 'sizes' → [1n, 2n] }
 */
export function parseSdn(text: string, options?: ParseSdnOptions): SdnValue {
  return plainValue(parseSdnTree(text, options));
}

/** Parses SDN text to a tree with positions. */
export function parseSdnTree(text: string, options: ParseSdnOptions = {}): SdnNode {
  const cursor = new Cursor(text, { ...DEFAULT_LIMITS, ...options.limits }, options.loose ?? false);
  const indent = cursor.nextLine();
  if (indent < 0) return { kind: 'dict', entries: [], inline: false, start: text.length, end: text.length };
  const dash = isAtDash(cursor);
  const node = parseBlock(cursor, indent);
  const lone = node.kind === 'array' && node.items.length === 1 && !dash;
  if (cursor.nextLine() >= 0) cursor.fail('less indentation than the first line', `${indent} spaces`);
  return lone ? (node.items[0] as SdnNode) : node;
}

/** The cursor is at the block's first content. */
function parseBlock(cursor: Cursor, indent: number): SdnDictNode | SdnArrayNode {
  cursor.enter();
  const node = isAtStatement(cursor) ? parseDictBlock(cursor, indent) : parseArrayBlock(cursor, indent);
  cursor.leave();
  return node;
}

function parseDictBlock(cursor: Cursor, indent: number): SdnDictNode {
  const start = cursor.at;
  const entries: SdnEntry[] = [];
  const keys = new Set<string>();
  let end = start;
  do {
    if (!isAtStatement(cursor)) cursor.fail('not a statement', '"key: value", "key = value" or "key |columns|"');
    const entry = parseStatement(cursor, indent);
    if (keys.has(entry.key)) cursor.fail(`the key "${entry.key}" stands here twice`, 'another key', entry.start);
    keys.add(entry.key);
    entries.push(entry);
    end = entry.end;
  } while (cursor.continues(indent));
  return { kind: 'dict', entries, inline: false, start, end };
}

function parseArrayBlock(cursor: Cursor, indent: number): SdnArrayNode {
  const start = cursor.at;
  const items: SdnNode[] = [];
  do {
    if (isAtStatement(cursor)) cursor.fail('a statement among values', 'a value');
    if (isAtDash(cursor)) {
      cursor.at++;
      cursor.spaces();
    }
    items.push(parseValue(cursor, 'value'));
    cursor.endLine();
  } while (cursor.continues(indent));
  return { kind: 'array', items, inline: false, start, end: (items.at(-1) as SdnNode).end };
}

function isAtDash({ text, at }: Cursor): boolean {
  const next = text[at + 1];
  return text[at] === '-' && (next === ' ' || next === '\t');
}

/** A key, then `: `, `=` or `|`. */
function isAtStatement({ text, at: start }: Cursor): boolean {
  let at = keyEnd(text, start);
  if (at < 0) return false;
  if (text[at] === ':') return text[at + 1] === undefined || ' \t\r\n'.includes(text[at + 1] as string);
  while (text[at] === ' ' || text[at] === '\t') at++;
  return text[at] === '=' || text[at] === '|';
}

function parseStatement(cursor: Cursor, indent: number): SdnEntry {
  const start = cursor.at;
  const key = parseKey(cursor);
  cursor.spaces();
  const value = parseStatementValue(cursor, indent);
  return { key, value, start, end: value.end };
}

/** The cursor is at the sign behind the key. */
function parseStatementValue(cursor: Cursor, indent: number): SdnNode {
  const sign = cursor.text[cursor.at];
  if (sign === '|') return parseNamedTable(cursor, indent);
  cursor.at++;
  cursor.spaces();
  if (sign === ':' && isAtTypedTable(cursor)) return parseTypedTable(cursor, indent);
  if (sign === ':' && cursor.isAtEndOfLine()) return parseIndented(cursor, indent);
  const value = parseValue(cursor, 'value');
  cursor.endLine();
  return value;
}

/** What follows `key:` on the next lines; null where nothing does. */
function parseIndented(cursor: Cursor, indent: number): SdnNode {
  const here = cursor.at;
  cursor.endLine();
  const next = cursor.peekLine();
  if (next <= indent) return { kind: 'scalar', value: null, start: here, end: here };
  cursor.nextLine();
  return parseBlock(cursor, next);
}
