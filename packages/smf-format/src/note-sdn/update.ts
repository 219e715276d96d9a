// Rewriting a note without loss: only the tables that change are touched, a row that stays keeps its very bytes (extra
// columns and the comment above it included), and everything that we do not know stays where it is.
import { NOTE_TERMINATOR } from '../definitions.js';
import { lineEnd } from '../sdn/lines.js';
import { parseSdnTree } from '../sdn/parse.js';
import type { SdnEntry, SdnNode, SdnTableNode } from '../sdn/value.js';
import {
  BUILD_FIELDS,
  BUILD_LISTS,
  type Column,
  NOTE_TABLE_NAMES,
  NOTE_TABLES,
  type NoteBuild,
  type NoteSdnMetadata,
  type NoteTableField,
} from './model.js';
import { noteBody, readBuild, readRows } from './parse.js';
import { buildBlock, buildValue, noteCell, noteTable } from './print.js';

type Row = Record<string, string | boolean>;

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The text of a note with some of its tables changed to what `changes` say. Tables that `changes` do not name, unknown
 * ones, comments and order stay byte for byte; the columns of a changed table stay what they are.
 *
 * @returns the whole text with its `# END_NOTE` line
 * @throws SdnSyntaxError, SmfFormatError ERR_SMF_BAD_NOTE
 * @example
 * updateNoteSdn(text, { instantiations: [...note.instantiations, row] })
 */
export function updateNoteSdn(text: string, changes: Partial<NoteSdnMetadata>): string {
  const body = noteBody(text);
  const tree = parseSdnTree(body, { loose: true });
  const entries = tree.kind === 'dict' ? tree.entries : [];
  const edits: Edit[] = [];
  let added = '';
  for (const field of Object.keys(NOTE_TABLES) as NoteTableField[]) {
    const rows = changes[field] as unknown as readonly Row[] | undefined;
    if (rows === undefined) continue;
    const entry = entries.find((candidate) => candidate.key === NOTE_TABLE_NAMES[field]);
    if (entry?.value.kind === 'table') {
      const edit = tableEdit(body, entry, entry.value, field, rows);
      if (edit !== undefined) edits.push(edit);
    } else if (entry !== undefined) edits.push({ ...span(entry), text: noteTable(rows, field, false).trimEnd() });
    else if (rows.length > 0) added += `\n${noteTable(rows, field, false)}`;
  }
  if (changes.build !== undefined) {
    const entry = entries.find((candidate) => candidate.key === 'build');
    if (entry === undefined) added += `\n${buildBlock(changes.build)}`;
    else edits.push(...buildEdits(body, entry, changes.build));
  }
  edits.sort((a, b) => b.start - a.start);
  let result = body;
  for (const edit of edits) result = result.slice(0, edit.start) + edit.text + result.slice(edit.end);
  return `${`${result.trimEnd()}\n${added}`.trimEnd()}\n${NOTE_TERMINATOR}`;
}

/** Statements of the block whose values change; new ones come after its last. All else in it stays, known or not. */
function buildEdits(text: string, entry: SdnEntry, wanted: NoteBuild): Edit[] {
  const old = readBuild(entry);
  const block = entry.value;
  const last = block.kind === 'dict' ? block.entries.at(-1) : undefined;
  if (old === undefined || block.kind !== 'dict' || last === undefined) {
    return [{ ...span(entry), text: buildBlock(wanted).trimEnd() }];
  }
  const edits: Edit[] = [];
  const added: string[] = [];
  for (const [field, name] of [...BUILD_FIELDS, ...BUILD_LISTS]) {
    const value = buildValue(wanted[field]);
    if (buildValue(old[field]) === value) continue;
    const statement = block.entries.find((candidate) => candidate.key === name);
    if (statement === undefined) added.push(`${name}: ${value}`);
    else edits.push({ ...span(statement), text: `${name}: ${value}` });
  }
  if (added.length === 0) return edits;
  if (block.inline) return [...edits, { start: last.end, end: last.end, text: `, ${added.join(', ')}` }];
  const at = lineEnd(text, last.end);
  const indent = indentOf(text, last.start);
  const lines = added.map((statement) => `${indent}${statement}\n`).join('');
  return [...edits, { start: at, end: at, text: text[at - 1] === '\n' ? lines : `\n${lines}` }];
}

const span = ({ start, end }: SdnEntry): { start: number; end: number } => ({ start, end });

function tableEdit(
  text: string,
  entry: SdnEntry,
  table: SdnTableNode,
  field: NoteTableField,
  wanted: readonly Row[],
): Edit | undefined {
  const columns = NOTE_TABLES[field] as unknown as readonly Column<Row>[];
  const old = readRows<Row>(entry, columns);
  const keys = wanted.map((row) => rowKey(row, columns));
  if (old.length === wanted.length && old.every((row, i) => rowKey(row, columns) === keys[i])) return undefined;
  const first = table.rows[0]?.[0];
  const onLines = first === undefined || text.slice(table.headerEnd, first.start).includes('\n');
  const header = onLines
    ? text.slice(entry.start, lineEnd(text, table.headerEnd))
    : text.slice(entry.start, table.headerEnd);
  const kept = new Map<string, string[]>();
  let from = lineEnd(text, table.headerEnd);
  old.forEach((row, i) => {
    const cells = table.rows[i] as readonly SdnNode[];
    const to = lineEnd(text, (cells.at(-1) as SdnNode).end);
    if (!onLines) return;
    const key = rowKey(row, columns);
    kept.set(key, [...(kept.get(key) ?? []), withLineEnd(text.slice(from, to))]);
    from = to;
  });
  const indent = onLines && first !== undefined ? indentOf(text, first.start) : `${indentOf(text, entry.start)}    `;
  const printRow = rowPrinter(table, columns);
  const lines = wanted.map((row, i) => kept.get(keys[i] as string)?.shift() ?? `${indent}${printRow(row)}\n`);
  return { start: entry.start, end: lineEnd(text, entry.end), text: `${withLineEnd(header)}${lines.join('')}` };
}

const withLineEnd = (line: string): string => (line.endsWith('\n') ? line : `${line}\n`);

const indentOf = (text: string, at: number): string => ' '.repeat(at - (text.lastIndexOf('\n', at - 1) + 1));

const rowKey = (row: Row, columns: readonly Column<Row>[]): string =>
  JSON.stringify(columns.map(([field]) => row[field] ?? ''));

/** In the table's own columns: `id` counts on, other columns that we do not know are null. */
function rowPrinter(table: SdnTableNode, columns: readonly Column<Row>[]): (row: Row) => string {
  const fields = table.fields as readonly string[];
  const known = fields.map((name) => columns.find(([, current, older]) => name === current || name === older)?.[0]);
  const idAt = fields.indexOf('id');
  let id = table.rows.reduce((most, row) => {
    const cell = row[idAt];
    return cell?.kind === 'scalar' && typeof cell.value === 'bigint' && cell.value > most ? cell.value : most;
  }, -1n);
  return (row) =>
    known
      .map((field, i) => {
        if (field !== undefined) return noteCell(row[field]);
        if (i !== idAt) return 'null';
        id += 1n;
        return id.toString();
      })
      .join(', ');
}
