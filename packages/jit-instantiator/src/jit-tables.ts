// The tables of the `jit.sdn` section (docs/spec/smf-format.md, "Persisted code"): their columns, and cells to values.
import { SdnTable, type SdnValue, SmfFormatError } from '@simple-jit/smf-format';
import { parseTypeList, type Signature, typeToString } from '@simple-jit/template-ir';
import { printTypeArgs } from './type-args.js';

export const CODE_SECTION = '.jit.code';
export const TABLE_SECTION = 'jit.sdn';
/** A GotPcRel displacement counts from the end of its 4 bytes. */
export const GOT_ADDEND = -4n;

export const FUNCTION_FIELDS = [
  'symbol',
  'template',
  'type_args',
  'params',
  'result',
  'generator',
  'target',
  'cpu_features',
  'template_hash',
  'record_hash',
] as const;
export const IMPORT_FIELDS = [
  'symbol',
  'import',
  'kind',
  'template',
  'type_args',
  'params',
  'result',
  'sites',
] as const;
export const LAYOUT_FIELDS = ['symbol', 'type', 'layout'] as const;
export const TRAP_FIELDS = ['symbol', 'offset', 'kind'] as const;

/** The cells of a row as text. */
export type Row<Field extends string> = Readonly<Record<Field, string>>;

/** A table whose rows are found by their symbol, and read when they are. */
export interface TableBySymbol<Field extends string> {
  readonly symbols: Iterable<string>;
  rows(symbol: string): Row<Field>[];
}

export function readTable<Field extends string>(
  root: SdnValue,
  name: string,
  fields: readonly Field[],
): TableBySymbol<Field> {
  const table = root instanceof Map ? (root as ReadonlyMap<string, SdnValue>).get(name) : undefined;
  if (!(table instanceof SdnTable) || table.fields === undefined) throw damaged(`no table ${name}`);
  const columns = fields.map((field) => table.fields!.indexOf(field));
  const missing = columns.indexOf(-1);
  if (missing >= 0) throw damaged(`table ${name} has no column ${fields[missing]}`);
  const symbolAt = table.fields.indexOf('symbol');
  const groups = new Map<string, (readonly SdnValue[])[]>();
  for (const cells of table.rows) {
    const symbol = String(cells[symbolAt] ?? '');
    const group = groups.get(symbol);
    if (group === undefined) groups.set(symbol, [cells]);
    else group.push(cells);
  }
  const read = (cells: readonly SdnValue[]): Row<Field> =>
    Object.fromEntries(fields.map((field, i) => [field, String(cells[columns[i]!] ?? '')])) as Row<Field>;
  return { symbols: groups.keys(), rows: (symbol) => (groups.get(symbol) ?? []).map(read) };
}

export function printSignature({ params, result }: Signature): [params: string, result: string] {
  return [printTypeArgs(params), result === undefined ? '' : typeToString(result)];
}

export function readSignature(params: string, result: string): Signature {
  return { params: parseTypeList(params), result: parseTypeList(result)[0] };
}

export function damaged(message: string): SmfFormatError {
  return new SmfFormatError('ERR_SMF_BAD_SYMBOL', message, {
    structure: TABLE_SECTION,
    hint: 'It is written anew with the next results',
  });
}
