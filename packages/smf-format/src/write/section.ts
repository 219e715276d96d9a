// A section on its way into a file: new and checked, or as an existing file has it.
import { encodeUtf8 } from '../bytes.js';
import { NOTE_SECTION_NAME, SECTION_ENTRY, SectionFlags, SectionType } from '../definitions.js';
import { noteRegion } from '../read/note-text.js';
import { isBss, isPowerOfTwoOrZero, type SmfSection } from '../read/sections.js';
import type { SmfFile } from '../read/smf-file.js';
import { invalidEdit as invalid } from './invalid.js';
import { type BuilderSection, defaultAlignment, defaultFlags, isUnsigned, type SectionInput } from './model.js';

/** Room for a note of `length` bytes: a quarter more, at least 256 bytes more, to a multiple of 512. */
export const noteCapacity = (length: number): number => Math.ceil((length + Math.max(256, length / 4)) / 512) * 512;

export const isNoteSection = (section: BuilderSection): boolean =>
  section.type === SectionType.TemplateMeta && section.name === NOTE_SECTION_NAME;

/** Index of the first Code section, or -1. */
export const firstCodeSection = (sections: readonly BuilderSection[]): number =>
  sections.findIndex((section) => section.type === SectionType.Code);

/** A new section, checked. */
export function newSection(input: SectionInput): BuilderSection {
  const where = `section ${input.name}`;
  const flags = input.flags ?? defaultFlags(input.type);
  const alignment = input.alignment ?? defaultAlignment(input.type);
  const data = input.data ?? new Uint8Array(0);
  if (!isUnsigned(input.type, 0xff)) throw invalid(where, `type ${input.type}`, '0 to 255');
  if (!isUnsigned(flags, 0xffffffff)) throw invalid(where, `flags ${flags}`, '0 to 2^32 - 1');
  if ((flags & SectionFlags.WRITE) !== 0 && (flags & SectionFlags.EXEC) !== 0) {
    throw invalid(where, 'both writable and executable', 'Split it into a Code and a Data section');
  }
  const nameLength = encodeUtf8(input.name).length;
  if (nameLength > SECTION_ENTRY.nameLength || input.name.includes('\0')) {
    throw invalid(where, `a name of ${nameLength} bytes`, 'At most 16 bytes without NUL');
  }
  if (!isPowerOfTwoOrZero(alignment)) throw invalid(where, `alignment ${alignment}`, 'A power of two');
  const virtualSize = input.virtualSize ?? data.length;
  if (!(virtualSize >= 0)) throw invalid(where, `virtualSize ${virtualSize}`, 'A number of bytes');
  return {
    type: input.type,
    name: input.name,
    flags,
    alignment,
    data,
    virtualSize,
    reserved: undefined,
    compress: input.compress ?? false,
    noteCapacity: undefined,
    extent: undefined,
  };
}

/** A section of an existing file, as it is. */
export function keptSection(file: SmfFile, section: SmfSection): BuilderSection {
  const { located } = file;
  const { type, name, flags, alignment, virtualSize } = section;
  const entry = located.sectionTableAt + section.index * located.shape.sectionEntrySize + SECTION_ENTRY.name;
  const kept: BuilderSection = {
    type,
    name,
    flags,
    alignment,
    data: isBss(section) ? new Uint8Array(0) : file.storedSectionData(section.index),
    virtualSize,
    reserved: file.layout === 'v1.1' ? file.bytes.subarray(entry + 16, entry + 24) : undefined,
    compress: false,
    noteCapacity: undefined,
    extent: undefined,
  };
  if (section === file.noteSection && section.size === 0) {
    const region = noteRegion(file.input, located, section, file.limits);
    kept.noteCapacity = file.layout === 'v1.1' ? region.limit - region.start : noteCapacity(kept.data.length);
  }
  const at = file.dataOffset + section.offset;
  if (type === SectionType.StrTab && at === located.stringsAt && at + section.size === located.stringsEnd) {
    kept.extent = 'strings';
  }
  if (type === SectionType.SymTab && at === located.symbolTableAt && section.size > 0) kept.extent = 'symbols';
  return kept;
}
