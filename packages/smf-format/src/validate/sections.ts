// Section entries, beyond what a reader checks when it opens a file, and what can be read of each section.
import { isCompressed, type SmfCodecs } from '../compression/codec.js';
import { Compression, SECTION_ENTRY, SectionFlags, SectionType } from '../definitions.js';
import { LARGEST_FILE_ALIGNMENT } from '../limits.js';
import { isBss, type SmfSection, sectionLabel } from '../read/sections.js';
import { isNote, type SmfFile } from '../read/smf-file.js';
import type { DiagnosticSink } from './diagnostics.js';

/** The bytes of the sections that can be read, by index. */
export type Readable = ReadonlyMap<number, Uint8Array>;

export function checkSectionEntries(file: SmfFile, codecs: SmfCodecs | undefined, sink: DiagnosticSink): Readable {
  const readable = new Map<number, Uint8Array>();
  const names = new Set<string>();
  for (const section of file.sections) {
    const at = file.located.sectionTableAt + section.index * file.located.shape.sectionEntrySize;
    checkEntry(file, section, at, sink);
    if (section.name !== '' && names.has(section.name)) {
      sink.warn('WARN_DUPLICATE_NAME', sectionLabel(section), 'another section has this name', at + SECTION_ENTRY.name);
    }
    names.add(section.name);
    const data = readData(file, section, codecs, at, sink);
    if (data !== undefined) readable.set(section.index, data);
  }
  checkTables(file, sink);
  return readable;
}

function checkEntry(file: SmfFile, section: SmfSection, at: number, sink: DiagnosticSink): void {
  const label = sectionLabel(section);
  if (section.typeName.startsWith('unknown')) {
    sink.warn('WARN_UNKNOWN_VALUE', label, `type ${section.type} is not known`, at, 'Its bytes are kept as they are');
  }
  const known = SectionFlags.READ | SectionFlags.WRITE | SectionFlags.EXEC | SectionFlags.COMPRESSED;
  if ((section.flags & ~known) !== 0)
    sink.warn('WARN_RESERVED_BITS', label, `flags ${section.flags}`, at + SECTION_ENTRY.flags);
  const compressed = (section.flags & SectionFlags.COMPRESSED) !== 0;
  if (compressed && file.header.compression === Compression.None) {
    sink.warn('WARN_UNKNOWN_VALUE', label, 'COMPRESSED, and the header names no algorithm', at + SECTION_ENTRY.flags);
  }
  if (isBss(section) || isNote(section)) return;
  const aligned = section.alignment < 2 || section.offset % section.alignment === 0;
  if (file.layout === 'v1.1' && !aligned && section.alignment <= LARGEST_FILE_ALIGNMENT) {
    sink.warn(
      'WARN_MISALIGNED',
      label,
      `offset ${section.offset} is not a multiple of ${section.alignment}`,
      at + SECTION_ENTRY.offset,
    );
  }
  if (!isCompressed(section, file.header.compression) && section.virtualSize < section.size) {
    const message = `virtual_size ${section.virtualSize} is less than size ${section.size}`;
    sink.warn('WARN_SIZE_MISMATCH', label, message, at + SECTION_ENTRY.virtualSize);
  }
}

function readData(
  file: SmfFile,
  section: SmfSection,
  codecs: SmfCodecs | undefined,
  at: number,
  sink: DiagnosticSink,
): Uint8Array | undefined {
  if (!isBss(section) && section.offset + section.size > file.located.dataEnd - file.dataOffset) return undefined;
  if (isNote(section) && section.size === 0) return new Uint8Array(0); // checkNote reads it
  const label = sectionLabel(section);
  const { compression } = file.header;
  if (isCompressed(section, compression) && codecs?.[compression === Compression.Zstd ? 'zstd' : 'lz4'] === undefined) {
    sink.warn('WARN_NOT_CHECKED', label, 'it is compressed, and there is no codec', at, 'Pass codecs');
    return undefined;
  }
  return sink.attempt(label, at, () => file.sectionData(section.index));
}

/** No section may share bytes with the tables and strings (entries of type SymTab and StrTab name those very bytes). */
function checkTables(file: SmfFile, sink: DiagnosticSink): void {
  const { located, header } = file;
  const { sectionTableAt, symbolTableAt, symbolEntrySize, stringsAt, stringsEnd, shape } = located;
  const tables = [
    ['section table', sectionTableAt, header.sectionCount * shape.sectionEntrySize],
    ['symbol table', symbolTableAt, header.symbolCount * symbolEntrySize],
    ['string table', stringsAt, header.symbolCount === 0 ? 0 : stringsEnd - stringsAt],
  ] as const;
  for (const section of file.sections) {
    if (isBss(section) || section.type === SectionType.StrTab || section.type === SectionType.SymTab) continue;
    const start = located.base + section.offset;
    for (const [name, tableAt, size] of tables) {
      if (section.size === 0 || size === 0 || start >= tableAt + size || tableAt >= start + section.size) continue;
      sink.error('ERR_SMF_SECTION_OVERLAP', sectionLabel(section), `it shares bytes with the ${name}`, start);
    }
  }
}
