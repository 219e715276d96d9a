// The section table: one plain object per section, all bounds checked once, when the file is opened.
import { decodeUtf8, fits, u32, u64 } from '../bytes.js';
import { SECTION_ENTRY, SectionFlags, SectionType, sectionTypeName } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import type { Input } from './input.js';

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
export function readSections(input: Input, at: number, count: number, entrySize: number): SmfSection[] {
  const excerpt = input.excerpt(at, at + count * entrySize);
  const sections: SmfSection[] = new Array(count);
  for (let index = 0; index < count; index++) {
    const entry = excerpt.seek(at + index * entrySize, entrySize);
    const { bytes, view } = excerpt;
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
 * What is wrong with the sections, given `dataSize` bytes of SMF data: bounds, alignment, both writable and executable,
 * sharing bytes. A reader stops at the first, the validator takes them all. `base` and `tableAt` serve the messages.
 */
export function* sectionProblems(
  sections: readonly SmfSection[],
  dataSize: number,
  base: number,
  tableAt: number,
  entrySize: number,
): Generator<SmfFormatError, void, undefined> {
  for (const section of sections) {
    const entry = tableAt + section.index * entrySize;
    const structure = sectionLabel(section);
    if (!isBss(section) && !fits(section.offset, section.size, dataSize)) {
      yield new SmfFormatError('ERR_SMF_SECTION_OUT_OF_BOUNDS', 'the section runs past the end of the data', {
        structure,
        offset: entry + SECTION_ENTRY.offset,
        expected: `offset + size <= ${dataSize}`,
        found: `${section.offset} + ${section.size}`,
        hint: 'The file may be truncated',
      });
    }
    if (!isPowerOfTwoOrZero(section.alignment)) {
      yield new SmfFormatError('ERR_SMF_BAD_ALIGNMENT', 'the alignment is not a power of two', {
        structure,
        offset: entry + SECTION_ENTRY.alignment,
        expected: '0 or a power of two',
        found: `${section.alignment}`,
      });
    }
    if ((section.flags & SectionFlags.WRITE) !== 0 && (section.flags & SectionFlags.EXEC) !== 0) {
      yield new SmfFormatError('ERR_SMF_WRITABLE_CODE', 'the section is both writable and executable', {
        structure,
        offset: entry + SECTION_ENTRY.flags,
        expected: 'WRITE or EXEC, not both',
        found: `flags ${section.flags}`,
        hint: 'Split it into a Code and a Data section',
      });
    }
  }
  for (const [before, after] of overlaps(sections)) {
    yield new SmfFormatError('ERR_SMF_SECTION_OVERLAP', `it shares bytes with ${sectionLabel(before)}`, {
      structure: sectionLabel(after),
      offset: base + after.offset,
    });
  }
}

export function isPowerOfTwoOrZero(value: number): boolean {
  return value === 0 || (value > 0 && 2 ** Math.round(Math.log2(value)) === value);
}

/** Sections that share bytes of the file with one that begins before them, in order of offset. */
function* overlaps(sections: readonly SmfSection[]): Generator<readonly [SmfSection, SmfSection], void, undefined> {
  const inFile = sections.filter((section) => !isBss(section) && section.size > 0);
  inFile.sort((a, b) => a.offset - b.offset);
  let furthest: SmfSection | undefined;
  for (const section of inFile) {
    if (furthest !== undefined && furthest.offset + furthest.size > section.offset) yield [furthest, section];
    if (furthest === undefined || section.offset + section.size > furthest.offset + furthest.size) furthest = section;
  }
}
