// Compiled functions in an SMF file, as specified in docs/spec/smf-format.md, "Persisted code": machine code in a Code
// section of its own, with ordinary symbols and relocations, so that any SMF tool can read it; and beside it tables of
// SDN with what only the JIT needs. This file reads and writes them; check-persisted.ts decides what may be used.
import {
  parseSdn,
  parseSmf,
  RelocationType,
  SdnSyntaxError,
  SdnTable,
  type SdnValue,
  SectionType,
  SmfBuilder,
  type SmfFile,
  SmfFormatError,
  SymbolBinding,
  SymbolFlags,
  SymbolType,
  stringifySdn,
} from '@simple-jit/smf-format';
import { IrSyntaxError, type Signature, type TrapKind, typeToString } from '@simple-jit/template-ir';
import { type FunctionImport, type LinkableFunction, sha256 } from './function.js';
import { parseTypeArgs, printTypeArgs } from './type-args.js';

const CODE_SECTION = '.jit.code';
const TABLE_SECTION = 'jit.sdn';
const FUNCTION_ALIGNMENT = 16;
const INT3 = 0xcc;
/** A GotPcRel displacement counts from the end of its 4 bytes. */
const GOT_ADDEND = -4n;

/** One function as it is in a file, unchecked. `code.code` is a view of the file. */
export interface PersistedFunction {
  readonly code: LinkableFunction;
  /** SHA-256 of the code as it was written, hex. */
  readonly codeHash: string;
}

/** What a file holds, by symbol. `damage` says why nothing of it can be read; then it holds nothing. */
export interface PersistedFunctions {
  readonly functions: ReadonlyMap<string, PersistedFunction>;
  readonly damage: string | undefined;
}

/** True for the Code section that holds persisted functions: its code is the JIT's to check and link. */
export function isPersistedSection(section: { readonly name: string }): boolean {
  return section.name === CODE_SECTION;
}

/** Reads a file's persisted functions. Damaged tables are told of, not thrown: the templates can still be compiled. */
export function readPersisted(file: SmfFile): PersistedFunctions {
  const code = file.findSection(CODE_SECTION);
  const tables = file.findSection(TABLE_SECTION);
  if (code === undefined || tables === undefined) return { functions: new Map(), damage: undefined };
  try {
    return { functions: decode(file, code.index, file.sectionData(tables.index)), damage: undefined };
  } catch (error) {
    if (!(error instanceof SmfFormatError || error instanceof SdnSyntaxError || error instanceof IrSyntaxError)) {
      throw error;
    }
    return { functions: new Map(), damage: `${TABLE_SECTION}: ${error.message}` };
  }
}

/**
 * The file's bytes with these functions persisted in it, beside those that were there before; a function of the same
 * symbol is replaced. One whose template the file holds in another version is left out: it was compiled from an older file.
 *
 * @throws SmfFormatError if the file is damaged
 */
export function persistInto(bytes: Uint8Array, fresh: Iterable<LinkableFunction>): Uint8Array {
  const file = parseSmf(bytes);
  const functions = new Map<string, LinkableFunction>();
  for (const [symbol, { code }] of readPersisted(file).functions) functions.set(symbol, code);
  for (const code of fresh) if (!isOutdated(file, code)) functions.set(code.symbol, code);
  return write(file, [...functions.values()]);
}

function isOutdated(file: SmfFile, { template, requirements }: LinkableFunction): boolean {
  const present = file.templates().find(({ name }) => name === template);
  return present !== undefined && sha256(present.entry) !== requirements.templateHash;
}

function write(file: SmfFile, functions: readonly LinkableFunction[]): Uint8Array {
  const builder = SmfBuilder.from(file);
  const { code, offsets } = layOut(functions);
  let section = builder.findSection(CODE_SECTION, SectionType.Code);
  if (section < 0) {
    section = builder.addSection({ type: SectionType.Code, name: CODE_SECTION, data: code, alignment: 64 });
  } else {
    builder.setRelocations(section, []);
    builder.removeSymbols(symbolsIn(file, section));
    builder.replaceSection(section, { data: code, virtualSize: code.length });
  }
  for (const [index, fn] of functions.entries()) {
    builder.addSymbol({
      name: fn.symbol,
      type: SymbolType.Function,
      binding: SymbolBinding.Global,
      flags: SymbolFlags.SPECIALIZED,
      value: offsets[index]!,
      size: fn.code.length,
      sectionIndex: section,
    });
  }
  builder.setRelocations(
    section,
    functions.flatMap((fn, index) =>
      fn.imports.flatMap(({ symbol, sites }) =>
        sites.map((site) => ({
          offset: offsets[index]! + site,
          symbolIndex: referenceTo(builder, symbol, section),
          type: RelocationType.GotPcRel,
          addend: GOT_ADDEND,
        })),
      ),
    ),
  );
  const data = new TextEncoder().encode(printTables(functions));
  const tables = builder.findSection(TABLE_SECTION, SectionType.RoData);
  if (tables < 0) builder.addSection({ type: SectionType.RoData, name: TABLE_SECTION, data });
  else builder.replaceSection(tables, { data, virtualSize: data.length });
  if (builder.note !== undefined)
    builder.setNote({ ...builder.note, instantiations: instantiations(builder, functions) });
  return builder.build();
}

function layOut(functions: readonly LinkableFunction[]): { code: Uint8Array; offsets: number[] } {
  let size = 0;
  const offsets = functions.map(({ code }) => {
    const offset = Math.ceil(size / FUNCTION_ALIGNMENT) * FUNCTION_ALIGNMENT;
    size = offset + code.length;
    return offset;
  });
  const code = new Uint8Array(size).fill(INT3);
  for (const [index, fn] of functions.entries()) code.set(fn.code, offsets[index]!);
  return { code, offsets };
}

/** The symbols of the persisted section: the functions, and what they refer to without it being defined there. */
function symbolsIn(file: SmfFile, section: number): number[] {
  const indices: number[] = [];
  for (const symbol of file.symbols) if (symbol.sectionIndex === section) indices.push(symbol.index);
  return indices;
}

/** A symbol of the file by that name; one that says only the name, where the file has none. */
function referenceTo(builder: SmfBuilder, name: string, section: number): number {
  const known = builder.findSymbol(name);
  if (known >= 0) return known;
  return builder.addSymbol({ name, type: SymbolType.None, binding: SymbolBinding.Local, sectionIndex: section });
}

function instantiations(builder: SmfBuilder, functions: readonly LinkableFunction[]) {
  const rows = builder.note?.instantiations ?? [];
  const ours = new Set(functions.map(({ symbol }) => symbol));
  return [
    ...rows.filter(({ mangledName }) => !ours.has(mangledName)),
    ...functions.map(({ symbol, template, typeArgs }) => ({
      template,
      typeArgs: printTypeArgs(typeArgs),
      mangledName: symbol,
      fromFile: '',
      fromLoc: '',
      outputFile: '',
      status: 'jit_compiled',
    })),
  ];
}

const FUNCTION_FIELDS = [
  'symbol',
  'template',
  'type_args',
  'params',
  'result',
  'generator',
  'target',
  'cpu_features',
  'template_hash',
  'code_hash',
] as const;
const IMPORT_FIELDS = ['symbol', 'import', 'template', 'type_args', 'params', 'result'] as const;
const TRAP_FIELDS = ['symbol', 'offset', 'kind'] as const;

function printTables(functions: readonly LinkableFunction[]): string {
  const rows = (each: (fn: LinkableFunction) => SdnValue[][]): SdnValue[][] => functions.flatMap(each);
  return stringifySdn(
    new Map<string, SdnValue>([
      [
        'jit_functions',
        new SdnTable(
          FUNCTION_FIELDS,
          undefined,
          rows(({ symbol, template, typeArgs, signature, code, requirements }) => [
            [
              symbol,
              template,
              printTypeArgs(typeArgs),
              ...printSignature(signature),
              requirements.generator,
              requirements.target,
              requirements.cpuFeatures.join(','),
              requirements.templateHash,
              sha256(code),
            ],
          ]),
        ),
      ],
      [
        'jit_imports',
        new SdnTable(
          IMPORT_FIELDS,
          undefined,
          rows(({ symbol, imports }) =>
            imports.map((needs) => [
              symbol,
              needs.symbol,
              needs.template,
              printTypeArgs(needs.typeArgs),
              ...printSignature(needs.signature),
            ]),
          ),
        ),
      ],
      [
        'jit_traps',
        new SdnTable(
          TRAP_FIELDS,
          undefined,
          rows(({ symbol, traps }) => traps.map(({ offset, kind }) => [symbol, BigInt(offset), kind])),
        ),
      ],
    ]),
  );
}

function decode(file: SmfFile, codeSection: number, tables: Uint8Array): Map<string, PersistedFunction> {
  const root = parseSdn(new TextDecoder('utf-8', { fatal: true }).decode(tables));
  const code = file.sectionData(codeSection);
  const sites = sitesOf(file, codeSection);
  const imports = groupBySymbol(readTable(root, 'jit_imports', IMPORT_FIELDS));
  const traps = groupBySymbol(readTable(root, 'jit_traps', TRAP_FIELDS));
  const functions = new Map<string, PersistedFunction>();
  for (const row of readTable(root, 'jit_functions', FUNCTION_FIELDS)) {
    const name = row.symbol;
    const symbol = file.findSymbol(name);
    if (symbol?.sectionIndex !== codeSection || symbol.value + symbol.size > code.length) {
      throw damaged(`the function ${name} has no code in ${CODE_SECTION}`);
    }
    functions.set(name, {
      codeHash: row.code_hash,
      code: {
        symbol: name,
        template: row.template,
        typeArgs: parseTypeArgs(row.type_args),
        signature: readSignature(row.params, row.result),
        code: code.subarray(symbol.value, symbol.value + symbol.size),
        imports: (imports.get(name) ?? []).map(
          (needs): FunctionImport => ({
            symbol: needs.import,
            template: needs.template,
            typeArgs: parseTypeArgs(needs.type_args),
            signature: readSignature(needs.params, needs.result),
            sites: sites(symbol.value, symbol.size, needs.import),
          }),
        ),
        traps: (traps.get(name) ?? []).map(({ offset, kind }) => readTrap(offset, kind, symbol.size)),
        requirements: {
          generator: row.generator,
          target: row.target,
          cpuFeatures: row.cpu_features === '' ? [] : row.cpu_features.split(','),
          templateHash: row.template_hash,
        },
      },
    });
  }
  return functions;
}

/** Finds the displacements of one import in one function, by what the relocations say. */
function sitesOf(file: SmfFile, codeSection: number): (start: number, size: number, symbol: string) => number[] {
  const relocations = file.relocationsOf(codeSection).toSorted((a, b) => a.offset - b.offset);
  return (start, size, symbol) => {
    let low = 0;
    for (let high = relocations.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (relocations[middle]!.offset < start) low = middle + 1;
      else high = middle;
    }
    const sites: number[] = [];
    for (let i = low; i < relocations.length && relocations[i]!.offset < start + size; i++) {
      const { offset, type, addend, symbolIndex } = relocations[i]!;
      if (type !== RelocationType.GotPcRel || addend !== GOT_ADDEND || offset + 4 > start + size) {
        throw damaged(`a relocation at ${offset} is not one that the JIT writes`);
      }
      if (file.symbols.at(symbolIndex)?.name === symbol) sites.push(offset - start);
    }
    return sites;
  };
}

type Row<Field extends string> = Readonly<Record<Field, string>>;

function readTable<Field extends string>(root: SdnValue, name: string, fields: readonly Field[]): Row<Field>[] {
  const table = root instanceof Map ? (root as ReadonlyMap<string, SdnValue>).get(name) : undefined;
  if (!(table instanceof SdnTable) || table.fields === undefined) throw damaged(`no table ${name}`);
  const columns = fields.map((field) => table.fields!.indexOf(field));
  const missing = columns.indexOf(-1);
  if (missing >= 0) throw damaged(`table ${name} has no column ${fields[missing]}`);
  return table.rows.map(
    (cells) => Object.fromEntries(fields.map((field, i) => [field, String(cells[columns[i]!] ?? '')])) as Row<Field>,
  );
}

function groupBySymbol<T extends { readonly symbol: string }>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.symbol);
    if (group === undefined) groups.set(row.symbol, [row]);
    else group.push(row);
  }
  return groups;
}

function printSignature({ params, result }: Signature): [params: string, result: string] {
  return [printTypeArgs(params), result === undefined ? '' : typeToString(result)];
}

function readSignature(params: string, result: string): Signature {
  return { params: parseTypeArgs(params), result: parseTypeArgs(result)[0] };
}

const TRAP_KINDS: readonly TrapKind[] = ['divide', 'memory', 'unreachable', 'stack-overflow'];

function readTrap(offset: string, kind: string, size: number): { offset: number; kind: TrapKind } {
  const at = Number(offset);
  const known = TRAP_KINDS.find((candidate) => candidate === kind);
  if (known === undefined || !Number.isInteger(at) || at < 0 || at >= size)
    throw damaged(`a trap ${kind} at ${offset}`);
  return { offset: at, kind: known };
}

function damaged(message: string): SmfFormatError {
  return new SmfFormatError('ERR_SMF_BAD_SYMBOL', message, {
    structure: TABLE_SECTION,
    hint: 'It is written anew with the next results',
  });
}
