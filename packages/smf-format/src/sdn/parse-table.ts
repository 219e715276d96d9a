// Tables: `key |a, b|` with named columns, `key: table{i32, i32}` with typed ones; rows on the same line, indented below,
// or as a list of tuples.
import type { Cursor } from './cursor.js';
import { parseKey } from './parse-scalar.js';
import { parseValue } from './parse-value.js';
import { BARE, matchAt } from './scalars.js';
import type { SdnNode, SdnTableNode } from './value.js';

const TYPED_HEADER = /table[ \t]*\{/y;

/** @param indent of the statement that the table is the value of; the cursor is at the `|` */
export function parseNamedTable(cursor: Cursor, indent: number): SdnTableNode {
  const start = cursor.at++;
  const fields = new Set<string>();
  do {
    cursor.spaces();
    const at = cursor.at;
    const field = parseKey(cursor);
    if (fields.has(field)) cursor.fail(`the column "${field}" stands here twice`, 'another column', at);
    fields.add(field);
    cursor.spaces();
  } while (cursor.take(','));
  cursor.expect('|', 'end of the columns');
  return parseRows(cursor, indent, start, [...fields], undefined, fields.size);
}

export function isAtTypedTable({ text, at }: Cursor): boolean {
  return matchAt(TYPED_HEADER, text, at) !== undefined;
}

/** @param indent as for `parseNamedTable`; the cursor is where `isAtTypedTable` */
export function parseTypedTable(cursor: Cursor, indent: number): SdnTableNode {
  const start = cursor.at;
  cursor.at = cursor.text.indexOf('{', start) + 1;
  const types: string[] = [];
  do {
    cursor.spaces();
    const match = matchAt(BARE, cursor.text, cursor.at);
    if (match === undefined) cursor.fail('no type here', 'a type name');
    types.push(match[0]);
    cursor.at += match[0].length;
    cursor.spaces();
  } while (cursor.take(','));
  cursor.expect('}', 'end of the types');
  const headerEnd = cursor.at;
  cursor.spaces();
  if (!cursor.take('=')) {
    cursor.at = headerEnd;
    return parseRows(cursor, indent, start, undefined, types, types.length);
  }
  cursor.spaces();
  cursor.expect('[', 'start of the rows');
  const rows: SdnNode[][] = [];
  cursor.spaces();
  while (!cursor.take(']')) {
    if (rows.length > 0) {
      cursor.expect(',', 'between rows, or "]"');
      cursor.spaces();
    }
    rows.push(parseTuple(cursor, types.length));
    cursor.spaces();
  }
  const end = cursor.at;
  cursor.endLine();
  return { kind: 'table', fields: undefined, types, rows, start, end, headerEnd };
}

/** One row on the same line, or indented rows. */
function parseRows(
  cursor: Cursor,
  indent: number,
  start: number,
  fields: readonly string[] | undefined,
  types: readonly string[] | undefined,
  width: number,
): SdnTableNode {
  const rows: SdnNode[][] = [];
  const headerEnd = cursor.at;
  cursor.spaces();
  let end = headerEnd;
  if (!cursor.isAtEndOfLine()) {
    rows.push(parseRow(cursor, width));
    end = cursor.at;
    cursor.endLine();
  } else {
    cursor.endLine();
    const next = cursor.peekLine();
    if (next > indent) {
      cursor.nextLine();
      do {
        rows.push(parseRow(cursor, width));
        end = cursor.at;
        cursor.endLine();
      } while (cursor.continues(next));
    }
  }
  return { kind: 'table', fields, types, rows, start, end, headerEnd };
}

function parseRow(cursor: Cursor, width: number): SdnNode[] {
  if (cursor.text[cursor.at] === '(') return parseTuple(cursor, width);
  const start = cursor.at;
  const cells = [parseValue(cursor, 'cell')];
  let end = cursor.at;
  cursor.spaces();
  while (cursor.take(',')) {
    cursor.spaces();
    cells.push(parseValue(cursor, 'cell'));
    end = cursor.at;
    cursor.spaces();
  }
  cursor.at = end;
  checkWidth(cursor, cells.length, width, start);
  return cells;
}

function parseTuple(cursor: Cursor, width: number): SdnNode[] {
  const start = cursor.at;
  cursor.expect('(', 'start of a row');
  const cells: SdnNode[] = [];
  do {
    cursor.spaces();
    cells.push(parseValue(cursor, 'inline'));
    cursor.spaces();
  } while (cursor.take(','));
  cursor.expect(')', 'end of the row');
  checkWidth(cursor, cells.length, width, start);
  return cells;
}

function checkWidth(cursor: Cursor, found: number, width: number, at: number): void {
  if (found !== width) cursor.fail(`a row of ${found} values`, `${width}, as the table's header says`, at);
}
