// Writes compiled functions into an SMF file: the other half of persisted.ts.
import {
  DEFAULT_LIMITS,
  parseSmf,
  RelocationType,
  SdnTable,
  type SdnValue,
  SectionType,
  SmfBuilder,
  type SmfFile,
  SymbolBinding,
  SymbolFlags,
  SymbolType,
  stringifySdn,
} from '@simple-jit/smf-format';
import { type LinkableFunction, recordHash, sha256 } from './function.js';
import {
  CODE_SECTION,
  FUNCTION_FIELDS,
  GOT_ADDEND,
  IMPORT_FIELDS,
  LAYOUT_FIELDS,
  printSignature,
  TABLE_SECTION,
  TRAP_FIELDS,
} from './jit-tables.js';
import { readPersisted } from './persisted.js';
import { printTypeArgs } from './type-args.js';

const FUNCTION_ALIGNMENT = 16;
const INT3 = 0xcc;

/**
 * The file's bytes with these functions persisted in it, beside those that were there before; a function of the same
 * symbol is replaced. Left out are those whose template the file holds in another version (they were compiled from an
 * older file), and those that were in it but are not what was written: they must not get a new, right hash here.
 *
 * @throws SmfFormatError if the file is damaged
 */
export function persistInto(bytes: Uint8Array, fresh: Iterable<LinkableFunction>): Uint8Array {
  const file = parseSmf(bytes);
  const functions = new Map<string, LinkableFunction>();
  const before = readPersisted(file);
  for (const symbol of before.symbols) {
    const found = before.find(symbol);
    if (found === undefined || 'broken' in found) continue;
    if (recordHash(found.code) === found.recordHash) functions.set(symbol, found.code);
  }
  for (const code of fresh) functions.set(code.symbol, code);
  const written = write(file, withoutOutdated(file, functions.values()));
  parseSmf(written); // what we could not read again must not take the place of what can be read
  return written;
}

/** Why a function cannot be kept in an SMF file, if so: names there end with NUL and have a limit. */
export function persistProblem({ symbol, imports }: LinkableFunction): string | undefined {
  for (const name of [symbol, ...imports.map((needs) => needs.symbol)]) {
    if (name.includes('\0')) return `the symbol ${JSON.stringify(name)} has a NUL in it`;
    const size = new TextEncoder().encode(name).length;
    if (size > DEFAULT_LIMITS.maxNameLength) {
      return `a symbol of ${size} bytes is longer than SMF files allow (${DEFAULT_LIMITS.maxNameLength}): give it a shorter name in a table`;
    }
  }
  return undefined;
}

/** The functions but those whose template the file holds in another version. */
export function withoutOutdated(file: SmfFile, functions: Iterable<LinkableFunction>): LinkableFunction[] {
  const present = new Map(file.templates().map(({ name, entry }) => [name, entry]));
  const hashes = new Map<string, string>();
  return [...functions].filter(({ template, requirements }) => {
    const entry = present.get(template);
    if (entry === undefined) return true;
    const hash = hashes.get(template) ?? sha256(entry);
    hashes.set(template, hash);
    return hash === requirements.templateHash;
  });
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

function printTables(functions: readonly LinkableFunction[]): string {
  const rows = (each: (fn: LinkableFunction) => SdnValue[][]): SdnValue[][] => functions.flatMap(each);
  return stringifySdn(
    new Map<string, SdnValue>([
      [
        'jit_functions',
        new SdnTable(
          FUNCTION_FIELDS,
          undefined,
          rows((fn) => {
            const { symbol, template, typeArgs, signature, requirements } = fn;
            return [
              [
                symbol,
                template,
                printTypeArgs(typeArgs),
                ...printSignature(signature),
                requirements.generator,
                requirements.target,
                requirements.cpuFeatures.join(','),
                requirements.templateHash,
                recordHash(fn),
              ],
            ];
          }),
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
              needs.kind,
              needs.template,
              printTypeArgs(needs.typeArgs),
              ...printSignature(needs.signature),
              needs.sites.join(' '),
            ]),
          ),
        ),
      ],
      [
        'jit_layouts',
        new SdnTable(
          LAYOUT_FIELDS,
          undefined,
          rows(({ symbol, requirements }) => requirements.layouts.map(({ type, layout }) => [symbol, type, layout])),
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
