// Values on one line: `[array]`, `{dictionary}`, scalars.
import type { Cursor } from './cursor.js';
import { type Context, parseKey, parseScalar } from './parse-scalar.js';
import type { SdnArrayNode, SdnDictNode, SdnEntry, SdnNode } from './value.js';

export function parseValue(cursor: Cursor, context: Context): SdnNode {
  const character = cursor.text[cursor.at];
  if (character === '[') return parseArray(cursor);
  if (character === '{') return parseDict(cursor);
  return parseScalar(cursor, context);
}

function parseArray(cursor: Cursor): SdnArrayNode {
  cursor.enter();
  const start = cursor.at++;
  const items: SdnNode[] = [];
  cursor.spaces();
  while (!cursor.take(']')) {
    if (items.length > 0) {
      cursor.expect(',', 'between items, or "]"');
      cursor.spaces();
    }
    items.push(parseValue(cursor, 'inline'));
    cursor.spaces();
  }
  cursor.leave();
  return { kind: 'array', items, inline: true, start, end: cursor.at };
}

function parseDict(cursor: Cursor): SdnDictNode {
  cursor.enter();
  const start = cursor.at++;
  const entries: SdnEntry[] = [];
  const keys = new Set<string>();
  cursor.spaces();
  while (!cursor.take('}')) {
    if (entries.length > 0) {
      cursor.expect(',', 'between entries, or "}"');
      cursor.spaces();
    }
    const at = cursor.at;
    const key = parseKey(cursor);
    if (keys.has(key)) cursor.fail(`the key "${key}" stands here twice`, 'another key', at);
    keys.add(key);
    cursor.spaces();
    cursor.expect(':', 'after the key');
    cursor.spaces();
    const value = parseValue(cursor, 'inline');
    entries.push({ key, value, start: at, end: value.end });
    cursor.spaces();
  }
  cursor.leave();
  return { kind: 'dict', entries, inline: true, start, end: cursor.at };
}
