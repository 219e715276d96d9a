// Compiled functions in an SMF file, as specified in docs/spec/smf-format.md, "Persisted code": machine code in a Code
// section of its own, with ordinary symbols and relocations, so that any SMF tool can read it; and beside it tables of
// SDN with what only the JIT needs. This file reads them, persist.ts writes them, check-persisted.ts decides what may be used.

import type { ImportKind } from '@simple-jit/codegen';
import {
  parseSdn,
  RelocationType,
  SdnSyntaxError,
  type SmfFile,
  SmfFormatError,
  type SmfSymbol,
} from '@simple-jit/smf-format';
import { IrSyntaxError, parseTypeList, type TrapKind } from '@simple-jit/template-ir';
import type { FunctionImport, LinkableFunction } from './function.js';
import {
  CODE_SECTION,
  damaged,
  FUNCTION_FIELDS,
  GOT_ADDEND,
  groupBySymbol,
  IMPORT_FIELDS,
  LAYOUT_FIELDS,
  type Row,
  readSignature,
  readTable,
  TABLE_SECTION,
  TRAP_FIELDS,
} from './jit-tables.js';

/** One function as it is in a file, unchecked. `code.code` is a view of the file. */
export interface PersistedFunction {
  readonly code: LinkableFunction;
  /** `recordHash` of the function as it was written. */
  readonly recordHash: string;
}

/** What a file holds, by symbol. */
export interface PersistedFunctions {
  readonly functions: ReadonlyMap<string, PersistedFunction>;
  /** Functions that cannot be read, with the reasons; they are judged alone. */
  readonly broken: ReadonlyMap<string, string>;
  /** Why nothing of it can be read; then it holds nothing. */
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
  if (code === undefined || tables === undefined) return noFunctions(undefined);
  try {
    return decode(file, code.index, file.sectionData(tables.index));
  } catch (error) {
    return noFunctions(damageOf(error));
  }
}

/** What there is where nothing can be read. */
export function noFunctions(damage: string | undefined): PersistedFunctions {
  return { functions: new Map(), broken: new Map(), damage };
}

/** What damaged tables or sections are told of by. @throws the error if it is of another kind */
function damageOf(error: unknown): string {
  if (error instanceof SmfFormatError || error instanceof SdnSyntaxError || error instanceof IrSyntaxError) {
    return `${TABLE_SECTION}: ${error.message}`;
  }
  throw error;
}

function decode(file: SmfFile, codeSection: number, tables: Uint8Array): PersistedFunctions {
  const root = parseSdn(decodeUtf8(tables));
  const code = file.sectionData(codeSection);
  const symbols = symbolsOf(file, codeSection);
  const sites = sitesOf(file, codeSection);
  const imports = groupBySymbol(readTable(root, 'jit_imports', IMPORT_FIELDS));
  const layouts = groupBySymbol(readTable(root, 'jit_layouts', LAYOUT_FIELDS));
  const traps = groupBySymbol(readTable(root, 'jit_traps', TRAP_FIELDS));
  const functions = new Map<string, PersistedFunction>();
  const broken = new Map<string, string>();
  for (const row of readTable(root, 'jit_functions', FUNCTION_FIELDS)) {
    const name = row.symbol;
    try {
      const symbol = symbols.get(name);
      if (symbol === undefined || symbol.value + symbol.size > code.length) {
        throw damaged(`the function ${name} has no code in ${CODE_SECTION}`);
      }
      functions.set(name, {
        recordHash: row.record_hash,
        code: {
          symbol: name,
          template: row.template,
          typeArgs: parseTypeList(row.type_args),
          signature: readSignature(row.params, row.result),
          code: code.subarray(symbol.value, symbol.value + symbol.size),
          imports: readImports(imports.get(name) ?? [], sites(symbol.value, symbol.size)),
          traps: (traps.get(name) ?? []).map(({ offset, kind }) => readTrap(offset, kind, symbol.size)),
          requirements: {
            generator: row.generator,
            target: row.target,
            cpuFeatures: row.cpu_features === '' ? [] : row.cpu_features.split(','),
            templateHash: row.template_hash,
            layouts: (layouts.get(name) ?? []).map(({ type, layout }) => ({ type, layout })),
          },
        },
      });
    } catch (error) {
      broken.set(name, damageOf(error));
    }
  }
  return { functions, broken, damage: undefined };
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw damaged(`the tables are not UTF-8: ${error instanceof Error ? error.message : error}`);
  }
}

/** The functions of the section by name. Other sections may hold symbols of the same names. */
function symbolsOf(file: SmfFile, codeSection: number): Map<string, SmfSymbol> {
  const symbols = new Map<string, SmfSymbol>();
  for (const symbol of file.symbols) {
    if (symbol.sectionIndex === codeSection && symbol.isSpecialised) symbols.set(symbol.name, symbol);
  }
  return symbols;
}

const IMPORT_KINDS: readonly ImportKind[] = ['call', 'address', 'external'];

/** @param left what the relocations of the function say, by site; each is of one import */
function readImports(
  rows: readonly Row<(typeof IMPORT_FIELDS)[number]>[],
  left: Map<number, string>,
): FunctionImport[] {
  const imports = rows.map((row): FunctionImport => {
    const kind = IMPORT_KINDS.find((known) => known === row.kind);
    if (kind === undefined) throw damaged(`an import of kind ${row.kind}`);
    const sites = row.sites === '' ? [] : row.sites.split(' ').map(Number);
    for (const site of sites) {
      if (left.get(site) !== row.import) throw damaged(`no relocation for ${row.import} at ${site}`);
      left.delete(site);
    }
    return {
      kind,
      symbol: row.import,
      template: row.template,
      typeArgs: parseTypeList(row.type_args),
      signature: readSignature(row.params, row.result),
      sites,
    };
  });
  for (const [site, symbol] of left) throw damaged(`a relocation for ${symbol} at ${site} is of no import`);
  return imports;
}

/** Finds the displacements of one function and the symbols that they are for, by what the relocations say. */
function sitesOf(file: SmfFile, codeSection: number): (start: number, size: number) => Map<number, string> {
  const relocations = file.relocationsOf(codeSection).toSorted((a, b) => a.offset - b.offset);
  return (start, size) => {
    let low = 0;
    for (let high = relocations.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (relocations[middle]!.offset < start) low = middle + 1;
      else high = middle;
    }
    const sites = new Map<number, string>();
    for (let i = low; i < relocations.length && relocations[i]!.offset < start + size; i++) {
      const { offset, type, addend, symbolIndex } = relocations[i]!;
      if (type !== RelocationType.GotPcRel || addend !== GOT_ADDEND || offset + 4 > start + size) {
        throw damaged(`a relocation at ${offset} is not one that the JIT writes`);
      }
      sites.set(offset - start, file.symbols.at(symbolIndex)?.name ?? '');
    }
    return sites;
  };
}

const TRAP_KINDS: readonly TrapKind[] = ['divide', 'overflow', 'bounds', 'memory', 'unreachable', 'stack-overflow'];

function readTrap(offset: string, kind: string, size: number): { offset: number; kind: TrapKind } {
  const at = Number(offset);
  const known = TRAP_KINDS.find((candidate) => candidate === kind);
  if (known === undefined || !Number.isInteger(at) || at < 0 || at >= size)
    throw damaged(`a trap ${kind} at ${offset}`);
  return { offset: at, kind: known };
}
