// The section table: one plain object per section, all bounds checked once, when the file is opened.
import { decodeUtf8, fits, u32, u64 } from '../bytes.js';
import { SECTION_ENTRY, SectionFlags, SectionType, sectionTypeName } from '../definitions.js';
import { SmfFormatError } from '../errors.js';

/** One entry of the section table. `offset` counts from where the SMF data begins (`SmfFile.dataOffset`). */
export interface SmfSection {
  readonly index: number;
  /** See `SectionType`; other numbers are kept as they are. */
  readonly type: number;
  /** `Code`, `Data`, …, or `unknown(n)`. */
  readonly typeName: string;
  /** See `SectionFlags`. */
  readonly flags: number;
  readonly offset: number;
  /** Bytes in the file; 0 for Bss, and for a `note.sdn` whose end is its terminator line. */
  readonly size: number;
  /** Bytes in memory: the uncompressed size; for Bss the size of the zeros. Above 2^53 - 1 rounded. */
  readonly virtualSize: number;
  /** A power of two, or 0. */
  readonly alignment: number;
  readonly name: string;
}

/** How a section is called in messages: `section 3 (.text)`. */
export const sectionLabel = (section: { index: number; name: string }): string =>
  `section ${section.index} (${section.name})`;

/** True where the section has no bytes in the file, whatever its size field says. */
export const isBss = (section: { type: number }): boolean => section.type === SectionType.Bss;

/** Reads `count` entries at `at`; the caller has checked that the table lies in the input. */
export function readSections(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  count: number,
  entrySize: number,
): SmfSection[] {
  const sections: SmfSection[] = new Array(count);
  for (let index = 0; index < count; index++) {
    const entry = at + index * entrySize;
    const type = bytes[entry + SECTION_ENTRY.type] as number;
    sections[index] = {
      index,
      type,
      typeName: sectionTypeName(type),
      flags: u32(view, entry + SECTION_ENTRY.flags),
      offset: u64(view, entry + SECTION_ENTRY.offset),
      size: u64(view, entry + SECTION_ENTRY.size),
      virtualSize: u64(view, entry + SECTION_ENTRY.virtualSize),
      alignment: u64(view, entry + SECTION_ENTRY.alignment),
      name: sectionName(bytes, entry + SECTION_ENTRY.name),
    };
  }
  return sections;
}

function sectionName(bytes: Uint8Array, at: number): string {
  let end = at;
  while (end < at + SECTION_ENTRY.nameLength && bytes[end] !== 0) end++;
  return decodeUtf8(bytes, at, end);
}

/**
 * Checks every section against the `dataSize` bytes of SMF data: bounds, alignment, no section both writable and
 * executable, no two that share bytes. `base` and `tableAt` serve the messages.
 */
export function checkSections(
  sections: readonly SmfSection[],
  dataSize: number,
  base: number,
  tableAt: number,
  entrySize: number,
): void {
  for (const section of sections) {
    const entry = tableAt + section.index * entrySize;
    if (!isBss(section) && !fits(section.offset, section.size, dataSize)) {
      throw new SmfFormatError('ERR_SMF_SECTION_OUT_OF_BOUNDS', 'the section runs past the end of the data', {
        structure: sectionLabel(section),
        offset: entry + SECTION_ENTRY.offset,
        expected: `offset + size <= ${dataSize}`,
        found: `${section.offset} + ${section.size}`,
        hint: 'The file may be truncated',
      });
    }
    if (!isPowerOfTwoOrZero(section.alignment)) {
      throw new SmfFormatError('ERR_SMF_BAD_ALIGNMENT', 'the alignment is not a power of two', {
        structure: sectionLabel(section),
        offset: entry + SECTION_ENTRY.alignment,
        expected: '0 or a power of two',
        found: `${section.alignment}`,
      });
    }
    if ((section.flags & SectionFlags.WRITE) !== 0 && (section.flags & SectionFlags.EXEC) !== 0) {
      throw new SmfFormatError('ERR_SMF_WRITABLE_CODE', 'the section is both writable and executable', {
        structure: sectionLabel(section),
        offset: entry + SECTION_ENTRY.flags,
        expected: 'WRITE or EXEC, not both',
        found: `flags ${section.flags}`,
        hint: 'Split it into a Code and a Data section',
      });
    }
  }
  const pair = findOverlap(sections);
  if (pair !== undefined) {
    throw new SmfFormatError('ERR_SMF_SECTION_OVERLAP', `it shares bytes with ${sectionLabel(pair[0])}`, {
      structure: sectionLabel(pair[1]),
      offset: base + pair[1].offset,
    });
  }
}

export function isPowerOfTwoOrZero(value: number): boolean {
  if (value === 0) return true;
  return Number.isInteger(Math.log2(value)) && 2 ** Math.log2(value) === value;
}

/** The first two sections that share bytes of the file, in order of offset. */
export function findOverlap(sections: readonly SmfSection[]): readonly [SmfSection, SmfSection] | undefined {
  const inFile = sections.filter((section) => !isBss(section) && section.size > 0);
  if (inFile.length < 2) return undefined;
  inFile.sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < inFile.length; i++) {
    const before = inFile[i - 1] as SmfSection;
    const after = inFile[i] as SmfSection;
    if (before.offset + before.size > after.offset) return [before, after];
  }
  return undefined;
}
