// A typed note to its text, in the form that every reader of notes takes: quoted cells, one row a line, the terminator.
import { NOTE_TERMINATOR } from '../definitions.js';
import { quoteSdn } from '../sdn/print.js';
import {
  BUILD_FIELDS,
  BUILD_LISTS,
  type Column,
  NOTE_TABLE_NAMES,
  NOTE_TABLES,
  type NoteSdnMetadata,
  type NoteTableField,
} from './model.js';

export interface StringifyNoteOptions {
  /** `older` calls two columns `to_obj` and `context`, for tools of that time. Default `current`. */
  readonly dialect?: 'current' | 'older';
}

/**
 * Prints a note with its `# END_NOTE` line: exactly what a note.sdn section holds. `parseNoteSdn` gives the note back.
 * Leading comments come first, unknown tables last.
 *
 * @example
 * new SmfBuilder().setNote({ ...emptyNote(), possible: [row] }) // setNote calls it for you
 */
export function stringifyNoteSdn(note: NoteSdnMetadata, options: StringifyNoteOptions = {}): string {
  const parts: string[] = [];
  if (note.leadingComments !== undefined) parts.push(endLine(note.leadingComments));
  for (const field of Object.keys(NOTE_TABLES) as NoteTableField[]) {
    const rows = note[field] as unknown as readonly Row[];
    parts.push(noteTable(rows, field, options.dialect === 'older'));
  }
  if (note.build !== undefined) parts.push(buildBlock(note.build));
  for (const text of note.unknown ?? []) parts.push(endLine(text));
  return `${parts.join('\n')}${NOTE_TERMINATOR}`;
}

const endLine = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`);

type Row = Readonly<Record<string, string | boolean>>;

/** One table with its header. */
export function noteTable(rows: readonly Row[], field: NoteTableField, older: boolean): string {
  const columns = NOTE_TABLES[field] as readonly Column<Row>[];
  const names = columns.map(([, name, olderName]) => (older ? (olderName ?? name) : name));
  let text = `${NOTE_TABLE_NAMES[field]} |${names.join(', ')}|\n`;
  for (const row of rows) text += `    ${columns.map(([name]) => noteCell(row[name])).join(', ')}\n`;
  return text;
}

export const noteCell = (value: string | boolean | undefined): string =>
  typeof value === 'boolean' ? String(value) : quoteSdn(value ?? '');

/** A value of the build block: text, or a list of it. */
export const buildValue = (value: string | readonly string[]): string =>
  typeof value === 'string' ? quoteSdn(value) : `[${value.map(quoteSdn).join(', ')}]`;

export function buildBlock(build: NonNullable<NoteSdnMetadata['build']>): string {
  let text = 'build:\n';
  for (const [field, name] of BUILD_FIELDS) text += `    ${name}: ${buildValue(build[field])}\n`;
  for (const [field, name] of BUILD_LISTS) text += `    ${name} = ${buildValue(build[field])}\n`;
  return text;
}
