// Which of the four layouts a file has, and where its data begins. Order of attempts: header at EOF-128, at EOF-96, at
// offset 0. A magic whose tables do not fit falls through to the next; if none fits, the error tells all that was tried.
import { fits, u32, u64 } from '../bytes.js';
import {
  LAYOUTS,
  type LayoutShape,
  SECTION_ENTRY,
  SECTION_ENTRY_SIZE_V11,
  SectionType,
  SMF_MAGIC,
  SYMBOL_ENTRY,
  SYMBOL_ENTRY_SIZE_V11,
} from '../definitions.js';
import { type LayoutAttempt, SmfFormatError } from '../errors.js';
import { fnv1a32Basis, fnv1a32Step } from '../hashes.js';
import { HASH_SAMPLE, LONGEST_SEARCHED_STRINGS, type SmfLimits } from '../limits.js';
import { checkVersion, hexBytes, readHeader, type SmfHeader } from './header.js';
import type { Input } from './input.js';
import { readSections, type SmfSection, sectionProblems } from './sections.js';

/** The smallest file there is: a legacy-72 header and nothing else. */
const SMALLEST_FILE = LAYOUTS['legacy-72'].header.size;

/** A file whose layout is known. Positions are absolute, in bytes from the input's start. */
export interface Located {
  readonly shape: LayoutShape;
  readonly header: SmfHeader;
  readonly headerAt: number;
  /** Where SMF data begins: everything before it is the stub. */
  readonly base: number;
  /** Where SMF data ends: at the trailer, or at the end of the file. */
  readonly dataEnd: number;
  readonly sectionTableAt: number;
  readonly sections: SmfSection[];
  readonly symbolTableAt: number;
  readonly symbolEntrySize: number;
  readonly stringsAt: number;
  readonly stringsEnd: number;
}

/** What to do with a section that is not well formed: a reader throws, the validator notes it and goes on. */
export type OnProblem = (problem: SmfFormatError) => void;

const stop: OnProblem = (problem) => {
  throw problem;
};

/** Finds the layout; throws the error of the attempt that came furthest, with all attempts in `tried`. */
export function locate(input: Input, limits: SmfLimits, onProblem: OnProblem = stop): Located {
  if (input.size === 0) {
    throw new SmfFormatError('ERR_SMF_EMPTY', 'there are no bytes', {
      structure: 'file',
      offset: 0,
      hint: 'Check that the file was written completely',
    });
  }
  if (input.size < SMALLEST_FILE) {
    throw new SmfFormatError('ERR_SMF_TOO_SHORT', 'too short for any SMF layout', {
      structure: 'file',
      offset: 0,
      expected: `at least ${SMALLEST_FILE} bytes`,
      found: `${input.size}`,
      hint: 'The file is truncated, or not an SMF file',
    });
  }
  const failures: { layout: string; error: SmfFormatError; hadMagic: boolean }[] = [];
  for (const shape of [LAYOUTS['v1.1'], LAYOUTS['trailer-96'], LAYOUTS['legacy-96'], LAYOUTS['legacy-72']]) {
    const headerAt = shape.trailer ? input.size - shape.header.size : 0;
    let hadMagic = false;
    try {
      checkMagic(input, headerAt, shape);
      hadMagic = true;
      return shape.layout === 'v1.1'
        ? locateV11(input, headerAt, limits, onProblem)
        : locateAt(input, headerAt, shape, limits, onProblem);
    } catch (error) {
      if (!(error instanceof SmfFormatError)) throw error;
      failures.push({ layout: shape.layout, error, hadMagic });
    }
  }
  throw noLayoutFits(input, failures);
}

function noLayoutFits(
  input: Input,
  failures: readonly { layout: string; error: SmfFormatError; hadMagic: boolean }[],
): SmfFormatError {
  const tried: LayoutAttempt[] = failures.map(({ layout, error }) => ({
    layout,
    code: error.code,
    reason: error.message,
    offset: error.offset,
  }));
  const best = failures.find((failure) => failure.hadMagic);
  if (best === undefined) {
    return new SmfFormatError('ERR_SMF_BAD_MAGIC', 'no SMF header at the end of the file nor at its start', {
      structure: 'file',
      offset: 0,
      expected: '53 4d 46 00 at EOF-128, EOF-96 or 0',
      found: `${hexBytes(input.bytesAt(0, 4), 0, 4)} at 0`,
      hint: 'This is not an SMF file, or its end is missing (a truncated v1.1 file has lost its header)',
      tried,
    });
  }
  const { error, layout } = best;
  return new SmfFormatError(error.code, `${error.reason} (read as ${layout}; no other layout fits either)`, {
    structure: error.structure,
    offset: error.offset,
    expected: error.expected,
    found: error.found,
    hint: error.hint,
    tried,
    cause: error,
  });
}

function checkMagic(input: Input, headerAt: number, shape: LayoutShape): void {
  if (headerAt < 0 || input.size < shape.header.size) {
    throw new SmfFormatError('ERR_SMF_TOO_SHORT', `the file is shorter than a ${shape.layout} header`, {
      structure: 'header',
      expected: `${shape.header.size} bytes`,
      found: `${input.size}`,
    });
  }
  const excerpt = input.excerpt(headerAt, headerAt + shape.header.size);
  const at = excerpt.seek(headerAt, shape.header.size);
  if (u32(excerpt.view, at) !== SMF_MAGIC) {
    throw new SmfFormatError('ERR_SMF_BAD_MAGIC', 'no magic here', {
      structure: 'header',
      offset: headerAt,
      expected: '53 4d 46 00',
      found: hexBytes(excerpt.bytes, at, 4),
    });
  }
  if (shape.trailer) return;
  // In a legacy file the section table follows the header at once: its offset is the header's own size. (80 is known
  // from the compiler's source for legacy-72; no file with it has been seen.)
  const found = u64(excerpt.view, at + shape.header.sectionTableOffset);
  const sizes = shape.layout === 'legacy-72' ? [72, 80] : [shape.header.size];
  if (!sizes.includes(found)) {
    throw new SmfFormatError('ERR_SMF_BAD_HEADER', 'the section table does not follow the header', {
      structure: 'header',
      offset: shape.header.sectionTableOffset,
      expected: `section table offset ${sizes.join(' or ')}`,
      found: `${found}`,
    });
  }
}

/** v1.1: by the header's own smf_data_offset; if the string table does not end at the header, by the ZIP rule. */
function locateV11(input: Input, headerAt: number, limits: SmfLimits, onProblem: OnProblem): Located {
  let located: Located | undefined;
  let failure: unknown;
  try {
    located = locateAt(input, headerAt, LAYOUTS['v1.1'], limits, stop);
    if (namesFit(input, located, limits)) return located;
  } catch (error) {
    if (!(error instanceof SmfFormatError) || error.code === 'ERR_SMF_UNSUPPORTED_VERSION') throw error;
    failure = error;
  }
  const base = findPrependedBase(input, headerAt);
  if (base !== undefined) return locateAt(input, headerAt, LAYOUTS['v1.1'], limits, onProblem, base);
  if (located !== undefined) return located;
  if (onProblem === stop) throw failure;
  return locateAt(input, headerAt, LAYOUTS['v1.1'], limits, onProblem);
}

/**
 * Do the names lie where they must? Tables may fit by accident in what was prepended (a run of zeros is a table of empty
 * sections); names that end at the header, or whose hashes match, do not.
 */
function namesFit(input: Input, located: Located, limits: SmfLimits): boolean {
  const strings = located.sections.find((section) => section.type === SectionType.StrTab);
  if (strings !== undefined) return located.base + strings.offset + strings.size === located.dataEnd;
  return located.header.symbolCount > 0 && hashesMatch(input, located, located.header.symbolCount, limits);
}

/**
 * Where data begins in a file to which a stub was prepended with plain `cat` (the header then knows nothing of it). The
 * string table starts where the symbol table ends and stops at the header, so the entry of type StrTab with that offset,
 * and a size that fits its own position, gives the base. One backward pass; entries lie near the file's end, as far from
 * the header as the tables and the names between them are long.
 */
function findPrependedBase(input: Input, headerAt: number): number | undefined {
  const header = headerOf(input, headerAt, LAYOUTS['v1.1']);
  const stringsOffset = header.symbolTableOffset + header.symbolCount * SYMBOL_ENTRY_SIZE_V11;
  const tableEnd = header.sectionTableOffset + header.sectionCount * SECTION_ENTRY_SIZE_V11;
  if (stringsOffset > headerAt || tableEnd > headerAt) return undefined;
  const tables = Math.max(0, stringsOffset - header.sectionTableOffset);
  const furthest = Math.max(header.sectionTableOffset, headerAt - tables - LONGEST_SEARCHED_STRINGS);
  const excerpt = input.excerpt(Math.min(furthest, headerAt), headerAt);
  const low = stringsOffset % 4294967296;
  for (let entry = headerAt - SECTION_ENTRY_SIZE_V11; entry >= furthest; entry--) {
    const at = excerpt.seek(entry, SECTION_ENTRY_SIZE_V11);
    const { view } = excerpt;
    if (u32(view, at + SECTION_ENTRY.offset) !== low || view.getUint8(at) !== SectionType.StrTab) continue;
    if (u64(view, at + SECTION_ENTRY.offset) !== stringsOffset) continue;
    const base = headerAt - stringsOffset - u64(view, at + SECTION_ENTRY.size);
    const inTable = entry - base - header.sectionTableOffset;
    const isEntry = inTable >= 0 && inTable % SECTION_ENTRY_SIZE_V11 === 0 && base + tableEnd > entry;
    if (base >= 0 && isEntry) return base;
  }
  return undefined;
}

function headerOf(input: Input, headerAt: number, shape: LayoutShape): SmfHeader {
  const excerpt = input.excerpt(headerAt, headerAt + shape.header.size);
  const at = excerpt.seek(headerAt, shape.header.size);
  return readHeader(excerpt.view, at, shape);
}

function locateAt(
  input: Input,
  headerAt: number,
  shape: LayoutShape,
  limits: SmfLimits,
  onProblem: OnProblem,
  knownBase?: number,
): Located {
  const header = headerOf(input, headerAt, shape);
  checkVersion(header, shape, headerAt);
  const dataEnd = shape.trailer ? headerAt : input.size;
  const base = knownBase ?? (shape.trailer ? header.smfDataOffset : 0);
  if (base > dataEnd) {
    throw new SmfFormatError('ERR_SMF_BAD_HEADER', 'SMF data would begin after its end', {
      structure: 'header',
      offset: headerAt + (shape.header.smfDataOffset ?? 0),
      expected: `smf_data_offset <= ${dataEnd}`,
      found: `${base}`,
    });
  }
  const dataSize = dataEnd - base;
  const { sectionTableOffset, sectionCount, symbolCount } = header;
  checkCount('section', sectionCount, limits.maxSections, headerAt + shape.header.sectionCount);
  checkCount('symbol', symbolCount, limits.maxSymbols, headerAt + shape.header.symbolCount);
  const sectionBytes = sectionCount * shape.sectionEntrySize;
  checkTable('section table', sectionTableOffset, sectionBytes, dataSize, headerAt + shape.header.sectionTableOffset);
  const sectionTableAt = base + sectionTableOffset;
  const sections = readSections(input, sectionTableAt, sectionCount, shape.sectionEntrySize);
  for (const problem of sectionProblems(sections, dataSize, base, sectionTableAt, shape.sectionEntrySize))
    onProblem(problem);
  const symbols = locateSymbols(input, header, shape, base, dataEnd, sections, headerAt, limits);
  return { shape, header, headerAt, base, dataEnd, sectionTableAt, sections, ...symbols };
}

function locateSymbols(
  input: Input,
  header: SmfHeader,
  shape: LayoutShape,
  base: number,
  dataEnd: number,
  sections: readonly SmfSection[],
  headerAt: number,
  limits: SmfLimits,
): Pick<Located, 'symbolTableAt' | 'symbolEntrySize' | 'stringsAt' | 'stringsEnd'> {
  const { symbolTableOffset, symbolCount } = header;
  const field = headerAt + shape.header.symbolTableOffset;
  const symbolTableAt = base + symbolTableOffset;
  if (symbolCount === 0) {
    const at = Math.min(symbolTableAt, dataEnd);
    const [symbolEntrySize] = shape.symbolEntrySizes as [number];
    return {
      symbolTableAt: at,
      symbolEntrySize,
      stringsAt: at,
      stringsEnd: dataEnd,
      ...stringSection(sections, base, dataEnd),
    };
  }
  let failure: unknown;
  let someFit = false;
  for (const symbolEntrySize of shape.symbolEntrySizes) {
    try {
      checkTable('symbol table', symbolTableOffset, symbolCount * symbolEntrySize, dataEnd - base, field);
    } catch (error) {
      failure ??= error;
      continue;
    }
    const stringsAt = symbolTableAt + symbolCount * symbolEntrySize;
    const found = { symbolTableAt, symbolEntrySize, stringsAt, stringsEnd: dataEnd };
    if (shape.symbolEntrySizes.length === 1) return { ...found, ...stringSection(sections, base, dataEnd) };
    if (hashesMatch(input, found, symbolCount, limits)) return found;
    someFit = true;
  }
  if (!someFit) throw failure;
  throw new SmfFormatError('ERR_SMF_BAD_SYMBOL', 'the name hashes match for no known symbol entry size', {
    structure: 'symbol table',
    offset: symbolTableAt,
    expected: `entries of ${shape.symbolEntrySizes.join(' or ')} bytes, followed at once by the string table`,
  });
}

/** A StrTab section entry, where there is one, names the string table's extent; one out of bounds counts as none. */
function stringSection(
  sections: readonly SmfSection[],
  base: number,
  dataEnd: number,
): { stringsAt: number; stringsEnd: number } | undefined {
  const strings = sections.find((section) => section.type === SectionType.StrTab);
  if (strings === undefined || !fits(strings.offset, strings.size, dataEnd - base)) return undefined;
  return { stringsAt: base + strings.offset, stringsEnd: base + strings.offset + strings.size };
}

function hashesMatch(
  input: Input,
  {
    symbolTableAt,
    symbolEntrySize,
    stringsAt,
    stringsEnd,
  }: Pick<Located, 'symbolTableAt' | 'symbolEntrySize' | 'stringsAt' | 'stringsEnd'>,
  count: number,
  limits: SmfLimits,
): boolean {
  const sample = Math.min(count, HASH_SAMPLE);
  const table = input.excerpt(symbolTableAt, symbolTableAt + sample * symbolEntrySize);
  const strings = input.excerpt(stringsAt, stringsEnd);
  for (let i = 0; i < sample; i++) {
    const entry = table.seek(symbolTableAt + i * symbolEntrySize, symbolEntrySize);
    const wanted = u32(table.view, entry + SYMBOL_ENTRY.nameHash);
    let hash = fnv1a32Basis;
    let length = 0;
    for (let at = stringsAt + u32(table.view, entry + SYMBOL_ENTRY.nameOffset); ; at++) {
      if (at >= stringsEnd) return false;
      const inExcerpt = strings.seek(at, 1);
      const byte = strings.bytes[inExcerpt] as number;
      if (byte === 0) break;
      hash = fnv1a32Step(hash, byte);
      // One that is longer than names may be is no evidence, and would cost.
      if (++length > limits.maxNameLength) break;
    }
    if (length <= limits.maxNameLength && hash >>> 0 !== wanted) return false;
  }
  return true;
}

function checkCount(what: string, count: number, limit: number, at: number): void {
  if (count <= limit) return;
  throw new SmfFormatError('ERR_SMF_LIMIT', `more ${what}s than allowed`, {
    structure: 'header',
    offset: at,
    expected: `at most ${limit}`,
    found: `${count}`,
    hint: `Raise the limit max${what === 'section' ? 'Sections' : 'Symbols'} if you trust the file`,
  });
}

function checkTable(table: string, offset: number, size: number, dataSize: number, at: number): void {
  if (fits(offset, size, dataSize)) return;
  throw new SmfFormatError('ERR_SMF_TABLE_OUT_OF_BOUNDS', 'the table runs past the end of the data', {
    structure: table,
    offset: at,
    expected: `offset + size <= ${dataSize}`,
    found: `${offset} + ${size}`,
    hint: 'The file may be truncated',
  });
}
