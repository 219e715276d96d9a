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

export function readTable<Field extends string>(root: SdnValue, name: string, fields: readonly Field[]): Row<Field>[] {
  const table = root instanceof Map ? (root as ReadonlyMap<string, SdnValue>).get(name) : undefined;
  if (!(table instanceof SdnTable) || table.fields === undefined) throw damaged(`no table ${name}`);
  const columns = fields.map((field) => table.fields!.indexOf(field));
  const missing = columns.indexOf(-1);
  if (missing >= 0) throw damaged(`table ${name} has no column ${fields[missing]}`);
  return table.rows.map(
    (cells) => Object.fromEntries(fields.map((field, i) => [field, String(cells[columns[i]!] ?? '')])) as Row<Field>,
  );
}

export function groupBySymbol<T extends { readonly symbol: string }>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.symbol);
    if (group === undefined) groups.set(row.symbol, [row]);
    else group.push(row);
  }
  return groups;
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
