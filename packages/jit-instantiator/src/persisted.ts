// Compiled functions in an SMF file, as specified in docs/spec/smf-format.md, "Persisted code": machine code in a Code
// section of its own, with ordinary symbols and relocations, so that any SMF tool can read it; and beside it tables of
// SDN with what only the JIT needs. This file reads them, persist.ts writes them, check-persisted.ts decides what may be used.
import { parseSdn, RelocationType, SdnSyntaxError, type SmfFile, SmfFormatError } from '@simple-jit/smf-format';
import { IrSyntaxError, parseTypeList, type TrapKind } from '@simple-jit/template-ir';
import type { FunctionImport, LinkableFunction } from './function.js';
import {
  CODE_SECTION,
  damaged,
  FUNCTION_FIELDS,
  GOT_ADDEND,
  groupBySymbol,
  IMPORT_FIELDS,
  readSignature,
  readTable,
  TABLE_SECTION,
  TRAP_FIELDS,
} from './jit-tables.js';

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
        typeArgs: parseTypeList(row.type_args),
        signature: readSignature(row.params, row.result),
        code: code.subarray(symbol.value, symbol.value + symbol.size),
        imports: (imports.get(name) ?? []).map(
          (needs): FunctionImport => ({
            symbol: needs.import,
            template: needs.template,
            typeArgs: parseTypeList(needs.type_args),
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

const TRAP_KINDS: readonly TrapKind[] = ['divide', 'memory', 'unreachable', 'stack-overflow'];

function readTrap(offset: string, kind: string, size: number): { offset: number; kind: TrapKind } {
  const at = Number(offset);
  const known = TRAP_KINDS.find((candidate) => candidate === kind);
  if (known === undefined || !Number.isInteger(at) || at < 0 || at >= size)
    throw damaged(`a trap ${kind} at ${offset}`);
  return { offset: at, kind: known };
}
