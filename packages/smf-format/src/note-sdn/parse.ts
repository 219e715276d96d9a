// note.sdn text to its typed form. Columns are found by name, in any order, in both dialects; what is missing is empty;
// what is unknown is kept as text.
import { NOTE_TERMINATOR } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import type { SmfLimits } from '../limits.js';
import { parseSdnTree } from '../sdn/parse.js';
import { inlineSdn } from '../sdn/print.js';
import { plainValue, type SdnDictNode, type SdnEntry, type SdnNode, type SdnValue } from '../sdn/value.js';
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

/**
 * Parses the text of a note, with or without its `# END_NOTE` line (what comes after the line is ignored).
 *
 * @throws SdnSyntaxError for text that is not SDN; SmfFormatError ERR_SMF_BAD_NOTE where a known table is something else,
 * ERR_SMF_LIMIT
 * @example
 * parseNoteSdn(text).possible.map((row) => row.mangledName) // ['fn$sum$f64', …]
 */
export function parseNoteSdn(
  text: string,
  limits?: Partial<Pick<SmfLimits, 'maxSdnLength' | 'maxSdnDepth'>>,
): NoteSdnMetadata {
  const source = noteBody(text);
  const tree = parseSdnTree(source, { loose: true, ...(limits === undefined ? {} : { limits }) });
  if (tree.kind !== 'dict' || tree.inline) {
    throw bad('the note holds no tables', tree.start, 'tables such as "possible |template, …|"', tree.kind);
  }
  const unknown: string[] = [];
  const tables = new Map<string, SdnEntry>();
  for (const entry of tree.entries) {
    if (KNOWN.has(entry.key)) tables.set(entry.key, entry);
    else unknown.push(`${source.slice(entry.start, entry.end).trimEnd()}\n`);
  }
  const rows = <Row>(field: NoteTableField): Row[] =>
    readRows<Row>(tables.get(NOTE_TABLE_NAMES[field]), NOTE_TABLES[field] as unknown as readonly Column<Row>[]);
  const build = readBuild(tables.get('build'));
  const leading = source.slice(0, lineStart(source, tree.entries[0]?.start ?? source.length)).trim();
  return {
    instantiations: rows('instantiations'),
    possible: rows('possible'),
    typeInferences: rows('typeInferences'),
    dependencies: rows('dependencies'),
    circularWarnings: rows('circularWarnings'),
    circularErrors: rows('circularErrors'),
    ...(build === undefined ? {} : { build }),
    ...(leading === '' ? {} : { leadingComments: `${leading}\n` }),
    ...(unknown.length === 0 ? {} : { unknown }),
  };
}

const KNOWN = new Set<string>([...Object.values(NOTE_TABLE_NAMES), 'build']);

/** The text up to the terminator line, the line before it ended. */
export function noteBody(text: string): string {
  if (text.startsWith(NOTE_TERMINATOR.slice(1))) return '';
  const end = text.indexOf(NOTE_TERMINATOR);
  return end < 0 ? text : text.slice(0, end + 1);
}

const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1;

/** The rows of a known table in their typed form. */
export function readRows<Row>(entry: SdnEntry | undefined, columns: readonly Column<Row>[]): Row[] {
  if (entry === undefined || isNothing(entry.value)) return [];
  const table = entry.value;
  if (table.kind !== 'table' || table.fields === undefined) {
    throw bad(`"${entry.key}" is not a table`, entry.start, `${entry.key} |column, …|`, table.kind);
  }
  const fields = table.fields;
  const positions = columns.map(([, name, older]) => {
    const at = fields.indexOf(name);
    return at < 0 && older !== undefined ? fields.indexOf(older) : at;
  });
  return table.rows.map((cells) => {
    const row: Record<string, string | boolean> = {};
    columns.forEach(([field], i) => {
      const cell = cells[positions[i] as number];
      const text = cell === undefined ? '' : cellText(cell);
      row[field] = field === 'canDefer' ? text === 'true' : text;
    });
    return row as Row;
  });
}

const isNothing = (node: SdnNode): boolean => node.kind === 'scalar' && node.value === null;

/** A cell as text, whether it was quoted or not; several type arguments may be a list. */
function cellText(node: SdnNode): string {
  return node.kind === 'scalar' ? scalarText(node.value) : valueText(plainValue(node));
}

function valueText(value: SdnValue): string {
  return Array.isArray(value) ? value.map(valueText).join(',') : scalarText(value);
}

function scalarText(value: SdnValue): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : inlineSdn(value);
}

/** The `build:` block in its typed form. */
export function readBuild(entry: SdnEntry | undefined): NoteBuild | undefined {
  if (entry === undefined) return undefined;
  if (entry.value.kind !== 'dict') {
    if (isNothing(entry.value)) return undefined;
    throw bad('"build" is not a block', entry.start, 'build: and indented lines', entry.value.kind);
  }
  const block: SdnDictNode = entry.value;
  const find = (name: string): SdnValue => {
    const found = block.entries.find((candidate) => candidate.key === name);
    return found === undefined ? null : plainValue(found.value);
  };
  const build: Record<string, string | string[]> = {};
  for (const [field, name] of BUILD_FIELDS) build[field] = valueText(find(name));
  for (const [field, name] of BUILD_LISTS) {
    const value = find(name);
    if (Array.isArray(value)) build[field] = value.map(valueText);
    else build[field] = value === null ? [] : [valueText(value)];
  }
  return build as unknown as NoteBuild;
}

const bad = (message: string, offset: number, expected: string, found: string): SmfFormatError =>
  new SmfFormatError('ERR_SMF_BAD_NOTE', message, { structure: 'note.sdn', offset, expected, found });
