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
  type SmfRelocation,
  type SmfSymbol,
} from '@simple-jit/smf-format';
import { IrSyntaxError, parseTypeList, type TrapKind } from '@simple-jit/template-ir';
import type { FunctionImport, LinkableFunction } from './function.js';
import {
  CODE_SECTION,
  damaged,
  FUNCTION_FIELDS,
  GOT_ADDEND,
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

/** What a file holds. */
export interface PersistedFunctions {
  readonly symbols: readonly string[];
  /** The function of that symbol, read when it is asked for; or why it cannot be read: each is judged alone. */
  find(symbol: string): PersistedFunction | { readonly broken: string } | undefined;
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
  return { symbols: [], find: () => undefined, damage };
}

/** What damaged tables or sections are told of by. @throws the error if it is of another kind */
function damageOf(error: unknown): string {
  if (error instanceof SmfFormatError || error instanceof SdnSyntaxError || error instanceof IrSyntaxError) {
    return `${TABLE_SECTION}: ${error.message}`;
  }
  throw error;
}

function decode(file: SmfFile, codeSection: number, text: Uint8Array): PersistedFunctions {
  const root = parseSdn(decodeUtf8(text));
  const functions = readTable(root, 'jit_functions', FUNCTION_FIELDS);
  const tables = {
    functions,
    imports: readTable(root, 'jit_imports', IMPORT_FIELDS),
    layouts: readTable(root, 'jit_layouts', LAYOUT_FIELDS),
    traps: readTable(root, 'jit_traps', TRAP_FIELDS),
  };
  const code = file.sectionData(codeSection);
  const symbolOf = symbolsOf(file, codeSection);
  const sites = sitesOf(file, codeSection);
  const read = (name: string, row: Row<(typeof FUNCTION_FIELDS)[number]>): PersistedFunction => {
    const symbol = symbolOf(name);
    if (symbol === undefined || symbol.value + symbol.size > code.length) {
      throw damaged(`the function ${name} has no code in ${CODE_SECTION}`);
    }
    return {
      recordHash: row.record_hash,
      code: {
        symbol: name,
        template: row.template,
        typeArgs: parseTypeList(row.type_args),
        signature: readSignature(row.params, row.result),
        code: code.subarray(symbol.value, symbol.value + symbol.size),
        imports: readImports(tables.imports.rows(name), sites(symbol.value, symbol.size)),
        traps: tables.traps.rows(name).map(({ offset, kind }) => readTrap(offset, kind, symbol.size)),
        requirements: {
          generator: row.generator,
          target: row.target,
          cpuFeatures: row.cpu_features === '' ? [] : row.cpu_features.split(','),
          templateHash: row.template_hash,
          layouts: tables.layouts.rows(name).map(({ type, layout }) => ({ type, layout })),
        },
      },
    };
  };
  const find = (name: string): PersistedFunction | { broken: string } | undefined => {
    const row = functions.rows(name).at(-1);
    if (row === undefined) return undefined;
    try {
      return read(name, row);
    } catch (error) {
      return { broken: damageOf(error) };
    }
  };
  return { symbols: [...functions.symbols], find, damage: undefined };
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw damaged(`the tables are not UTF-8: ${error instanceof Error ? error.message : error}`);
  }
}

/** Finds the functions of the section by name. Other sections may hold symbols of the same names. */
function symbolsOf(file: SmfFile, codeSection: number): (name: string) => SmfSymbol | undefined {
  const isOurs = (symbol: SmfSymbol): boolean => symbol.sectionIndex === codeSection && symbol.isSpecialised;
  let all: Map<string, SmfSymbol> | undefined;
  return (name) => {
    const first = file.findSymbol(name);
    if (first === undefined || isOurs(first)) return first;
    if (all === undefined) {
      all = new Map();
      for (const symbol of file.symbols) if (isOurs(symbol)) all.set(symbol.name, symbol);
    }
    return all.get(name);
  };
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
  let sorted: readonly SmfRelocation[] | undefined;
  return (start, size) => {
    sorted ??= file.relocationsOf(codeSection).toSorted((a, b) => a.offset - b.offset);
    const relocations = sorted;
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
