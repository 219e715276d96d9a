// Where the sections of a module go: each into one of three areas, by what its pages may be, one after the other at
// their alignments. Pure arithmetic; the areas become memory in image.ts.
import { SectionType, type SmfFile, SmfFormatError, type SmfSection } from '@simple-jit/smf-format';
import { LinkError } from './errors.js';

/** `code` is executable, `writable` is not, `constant` is sealed once it is relocated. */
export type Area = 'code' | 'writable' | 'constant';

export interface PlacedSection {
  readonly index: number;
  readonly name: string;
  readonly area: Area;
  /** In its area, in bytes. */
  readonly offset: number;
  /** In memory, in bytes. */
  readonly size: number;
  /** What is in the file; zeros follow, up to `size`. */
  readonly bytes: Uint8Array;
}

export interface AreaExtent {
  /** In bytes; 0 if nothing is in it. */
  readonly size: number;
  readonly alignment: number;
}

export interface Layout {
  readonly sections: ReadonlyMap<number, PlacedSection>;
  readonly areas: Readonly<Record<Area, AreaExtent>>;
  /** Where a slot of the global offset table is in the constant area. */
  readonly slotOffset: (slot: number) => number;
}

/** Bytes of a slot in the global offset table. */
const SLOT_SIZE = 8;
/** What `CodeArena.allocate` and `allocateData` take. */
const MAX_ALIGNMENT = 65_536;

const AREAS: ReadonlyMap<number, Area> = new Map([
  [SectionType.Code, 'code'],
  [SectionType.Data, 'writable'],
  [SectionType.Bss, 'writable'],
  [SectionType.RoData, 'constant'],
]);

/** Which area sections of this type go to; undefined if they are not loaded. */
export function areaOf(type: number): Area | undefined {
  return AREAS.get(type);
}

/**
 * @param needed which sections to load
 * @param gotSlots how many slots the global offset table has
 * @param room bytes that there are for an area
 * @throws LinkError `ERR_BAD_SECTION`, `ERR_DAMAGED_MODULE`
 */
export function layOut(
  file: SmfFile,
  path: string,
  needed: ReadonlySet<number>,
  gotSlots: number,
  room: number,
): Layout {
  const ends: Record<Area, number> = { code: 0, writable: 0, constant: 0 };
  const alignments: Record<Area, number> = { code: 16, writable: 16, constant: 16 };
  const sections = new Map<number, PlacedSection>();
  const reserve = (area: Area, size: number, alignment: number, name: string): number => {
    const offset = Math.ceil(ends[area] / alignment) * alignment;
    if (offset + size > room) {
      throw new LinkError(
        'ERR_BAD_SECTION',
        path,
        `section ${name} of ${size} bytes does not fit: the arena has ${room} in all`,
        { section: name },
      );
    }
    ends[area] = offset + size;
    alignments[area] = Math.max(alignments[area], alignment);
    return offset;
  };
  for (const section of file.sections) {
    const area = areaOf(section.type);
    if (area === undefined || !needed.has(section.index)) continue;
    const alignment = checkedAlignment(section, path);
    const bytes = bytesOf(file, section, path);
    const size = area === 'code' ? bytes.length : Math.max(bytes.length, section.virtualSize);
    const offset = reserve(area, size, alignment, section.name);
    sections.set(section.index, { index: section.index, name: section.name, area, offset, size, bytes });
  }
  const gotOffset = reserve('constant', gotSlots * SLOT_SIZE, SLOT_SIZE, 'got');
  const extent = (area: Area): AreaExtent => ({ size: ends[area], alignment: alignments[area] });
  return {
    sections,
    areas: { code: extent('code'), writable: extent('writable'), constant: extent('constant') },
    slotOffset: (slot) => gotOffset + slot * SLOT_SIZE,
  };
}

function checkedAlignment({ name, alignment }: SmfSection, path: string): number {
  if (alignment <= MAX_ALIGNMENT) return Math.max(1, alignment);
  throw new LinkError(
    'ERR_BAD_SECTION',
    path,
    `section ${name} is to be aligned to ${alignment} bytes: ${MAX_ALIGNMENT} is the most that can be had`,
    { section: name },
  );
}

function bytesOf(file: SmfFile, section: SmfSection, path: string): Uint8Array {
  try {
    return file.sectionData(section.index);
  } catch (cause) {
    throw damaged(path, cause);
  }
}

/** What a reader of the file threw, as an error of the module. @throws any other error as it is */
export function damaged(path: string, cause: unknown): LinkError {
  if (!(cause instanceof SmfFormatError)) throw cause;
  return new LinkError('ERR_DAMAGED_MODULE', path, cause.message, { cause });
}
