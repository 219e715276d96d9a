// The bytes of a v1.1 file: first every position is reserved, then everything is written once. The order is
// [stub] [sections] [section table] [symbol table] [string table] [header]; the same content gives the same bytes, always.
import { alignUp, encodeUtf8, putU64, viewOf } from '../bytes.js';
import {
  HEADER_COMMON,
  HEADER_V11_RESERVED,
  HeaderFlags,
  LAYOUTS,
  SECTION_ENTRY,
  SECTION_ENTRY_SIZE_V11,
  SectionType,
  SMF_HEADER_SIZE,
  SMF_MAGIC,
  SYMBOL_ENTRY,
  SYMBOL_ENTRY_SIZE_V11,
  SymbolBinding,
} from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import { fnv1a64 } from '../hashes.js';
import { LARGEST_FILE, LARGEST_FILE_ALIGNMENT } from '../limits.js';
import type { BuilderSection, BuilderSymbol, SmfHeaderInput } from './model.js';
import { StringTable } from './strings.js';

export interface EmitInput {
  readonly header: Required<SmfHeaderInput>;
  readonly compression: number;
  readonly compressionLevel: number;
  /** Bytes 14..15 and 83..127 of a v1.1 header that is being rewritten. */
  readonly keptHeader: Uint8Array | undefined;
  readonly sections: readonly BuilderSection[];
  readonly symbols: readonly BuilderSymbol[];
  /** A string table that is being kept; new names come after it. */
  readonly keptStrings: Uint8Array;
  /** Where names of symbols that were removed still stand in it: written again, they take no new room. */
  readonly keptNames: ReadonlyMap<string, number>;
  readonly stub: Uint8Array;
}

export function emitSmf(input: EmitInput): Uint8Array {
  const strings = collectStrings(input);
  const offsets: number[] = [];
  let at = 0;
  for (const section of input.sections) {
    if (section.extent === undefined)
      at = alignUp(at, Math.min(Math.max(section.alignment, 1), LARGEST_FILE_ALIGNMENT));
    offsets.push(at);
    if (section.extent === undefined && section.type !== SectionType.Bss)
      at += section.noteCapacity ?? section.data.length;
  }
  const sectionTable = alignUp(at, 8);
  const symbolTable = alignUp(sectionTable + input.sections.length * SECTION_ENTRY_SIZE_V11, 8);
  const stringTable = symbolTable + input.symbols.length * SYMBOL_ENTRY_SIZE_V11;
  const dataSize = stringTable + strings.bytes.length;
  const total = input.stub.length + dataSize + SMF_HEADER_SIZE;
  if (total > LARGEST_FILE) {
    throw new SmfFormatError('ERR_SMF_LIMIT', 'the file would be too large', {
      structure: 'file',
      expected: `at most ${LARGEST_FILE} bytes`,
      found: `${total}`,
      hint: 'Split the module',
    });
  }
  const file = new Uint8Array(total);
  file.set(input.stub);
  const data = file.subarray(input.stub.length, input.stub.length + dataSize);
  const view = viewOf(data);
  input.sections.forEach((section, i) => {
    const entry = sectionTable + i * SECTION_ENTRY_SIZE_V11;
    if (section.extent === undefined) {
      if (section.type !== SectionType.Bss) data.set(section.data, offsets[i]);
      writeSection(data, view, entry, section, offsets[i] as number, storedSize(section), section.virtualSize);
    } else {
      const [start, size] =
        section.extent === 'strings'
          ? [stringTable, strings.bytes.length]
          : [symbolTable, input.symbols.length * SYMBOL_ENTRY_SIZE_V11];
      writeSection(data, view, entry, section, start, size, size);
    }
  });
  input.symbols.forEach((symbol, i) => {
    writeSymbol(data, view, symbolTable + i * SYMBOL_ENTRY_SIZE_V11, symbol, strings.offsets[i] as number);
  });
  data.set(strings.bytes, stringTable);
  writeHeader(file.subarray(total - SMF_HEADER_SIZE), input, sectionTable, symbolTable, fnv1a64(data));
  return file;
}

const storedSize = (section: BuilderSection): number =>
  section.noteCapacity !== undefined || section.type === SectionType.Bss ? 0 : section.data.length;

/** Kept names stay where they are; each new name is written once. */
function collectStrings(input: EmitInput): { bytes: Uint8Array; offsets: number[] } {
  const table = new StringTable(input.keptStrings);
  for (const { name, nameOffset } of input.symbols) if (nameOffset !== undefined) table.know(name, nameOffset);
  for (const [name, offset] of input.keptNames) table.know(name, offset);
  const offsets = input.symbols.map(({ name, nameOffset }) => nameOffset ?? table.offsetOf(name));
  return { bytes: table.bytes, offsets };
}

function writeSection(
  data: Uint8Array,
  view: DataView,
  at: number,
  section: BuilderSection,
  offset: number,
  size: number,
  virtualSize: number,
): void {
  view.setUint8(at + SECTION_ENTRY.type, section.type);
  view.setUint32(at + SECTION_ENTRY.flags, section.flags, true);
  putU64(view, at + SECTION_ENTRY.offset, offset);
  putU64(view, at + SECTION_ENTRY.size, size);
  putU64(view, at + SECTION_ENTRY.virtualSize, virtualSize);
  putU64(view, at + SECTION_ENTRY.alignment, section.alignment);
  data.set(encodeUtf8(section.name).subarray(0, SECTION_ENTRY.nameLength), at + SECTION_ENTRY.name);
  if (section.reserved !== undefined) data.set(section.reserved, at + SECTION_ENTRY.name + SECTION_ENTRY.nameLength);
}

function writeSymbol(data: Uint8Array, view: DataView, at: number, symbol: BuilderSymbol, nameOffset: number): void {
  if (symbol.original !== undefined) data.set(symbol.original, at);
  view.setUint32(at + SYMBOL_ENTRY.nameOffset, nameOffset, true);
  view.setUint32(at + SYMBOL_ENTRY.nameHash, symbol.nameHash, true);
  view.setUint8(at + SYMBOL_ENTRY.type, symbol.type);
  view.setUint8(at + SYMBOL_ENTRY.binding, symbol.binding);
  view.setUint8(at + SYMBOL_ENTRY.visibility, symbol.visibility);
  view.setUint8(at + SYMBOL_ENTRY.flags, symbol.flags);
  putExactOrKept(view, at + SYMBOL_ENTRY.value, symbol.value);
  putExactOrKept(view, at + SYMBOL_ENTRY.size, symbol.size);
  view.setUint32(at + SYMBOL_ENTRY.typeId, symbol.typeId, true);
  view.setUint32(at + SYMBOL_ENTRY.version, symbol.version, true);
  view.setUint8(at + SYMBOL_ENTRY.templateParamCount, symbol.templateParamCount);
  putExactOrKept(view, at + SYMBOL_ENTRY.templateOffset, symbol.templateOffset);
  view.setUint32(at + SYMBOL_ENTRY.sectionIndex, symbol.sectionIndex, true);
}

/** A kept value above 2^53 was rounded when it was read: the original bytes, already there, are the exact ones. */
function putExactOrKept(view: DataView, at: number, value: number): void {
  if (Number.isSafeInteger(value)) putU64(view, at, value);
}

function writeHeader(
  header: Uint8Array,
  input: EmitInput,
  sectionTable: number,
  symbolTable: number,
  moduleHash: bigint,
): void {
  const f = LAYOUTS['v1.1'].header as Required<(typeof LAYOUTS)['v1.1']['header']>;
  const view = viewOf(header);
  if (input.keptHeader !== undefined) {
    header.set(input.keptHeader.subarray(14, 16), 14);
    header.set(input.keptHeader.subarray(HEADER_V11_RESERVED), HEADER_V11_RESERVED);
  }
  const stubSize = input.stub.length;
  const flags = stubSize > 0 ? input.header.flags | HeaderFlags.HAS_STUB : input.header.flags & ~HeaderFlags.HAS_STUB;
  const exported = (s: BuilderSymbol): boolean =>
    s.binding === SymbolBinding.Global || s.binding === SymbolBinding.Weak;
  view.setUint32(HEADER_COMMON.magic, SMF_MAGIC, true);
  view.setUint8(HEADER_COMMON.versionMajor, 1);
  view.setUint8(HEADER_COMMON.versionMinor, 1);
  view.setUint8(HEADER_COMMON.platform, input.header.platform);
  view.setUint8(HEADER_COMMON.arch, input.header.arch);
  view.setUint32(HEADER_COMMON.flags, flags, true);
  view.setUint8(f.compression, input.compression);
  view.setUint8(f.compressionLevel, input.compressionLevel);
  view.setUint32(f.sectionCount, input.sections.length, true);
  putU64(view, f.sectionTableOffset, sectionTable);
  putU64(view, f.symbolTableOffset, symbolTable);
  view.setUint32(f.symbolCount, input.symbols.length, true);
  view.setUint32(f.exportedCount, input.symbols.filter(exported).length, true);
  putU64(view, f.entryPoint, input.header.entryPoint);
  view.setUint32(f.stubSize, stubSize, true);
  view.setUint32(f.smfDataOffset, stubSize, true);
  view.setBigUint64(f.moduleHash, moduleHash, true);
  view.setBigUint64(f.sourceHash, input.header.sourceHash, true);
  view.setUint8(f.appType, input.header.appType);
  view.setUint16(f.windowWidth, input.header.windowWidth, true);
  view.setUint16(f.windowHeight, input.header.windowHeight, true);
  view.setUint8(f.prefetchHint, input.header.prefetchHint ? 1 : 0);
  view.setUint8(f.prefetchFileCount, input.header.prefetchFileCount);
}
