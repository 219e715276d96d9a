// Where the text of a note.sdn section is. Its entry may say size 0: then the text ends at the first terminator line, and
// everything from there to the next thing in the file is slack that an in-place rewrite may use.
import { decodeUtf8 } from '../bytes.js';
import { NOTE_TERMINATOR } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import { LONGEST_STRING, type SmfLimits } from '../limits.js';
import type { Input } from './input.js';
import type { Located } from './layout.js';
import { isBss, type SmfSection, sectionLabel } from './sections.js';

const terminator = Uint8Array.from(NOTE_TERMINATOR, (character) => character.charCodeAt(0));

/** How much of a source is looked at first. */
const FIRST_SEARCHED = 16 << 10;

/** The text with its terminator line, and what an in-place rewrite may fill. Absolute positions. */
export interface NoteRegion {
  readonly section: SmfSection;
  readonly start: number;
  /** After the terminator line. */
  readonly end: number;
  /** Where the next thing in the file begins. */
  readonly limit: number;
}

/** Finds the note's text. The entry's size, where it is not 0, bounds the search; so does the next thing in the file. */
export function noteRegion(input: Input, located: Located, section: SmfSection, limits: SmfLimits): NoteRegion {
  const start = located.base + section.offset;
  const next = nextThing(located, section, start);
  const limit = section.size === 0 ? next : Math.min(next, start + section.size);
  const longest = longestNote(limits);
  const end = findTerminator(input, start, Math.min(limit, start + longest));
  if (end < 0 && limit - start > longest) throw tooLongNote(section, start, limits);
  if (end < 0) {
    throw new SmfFormatError('ERR_SMF_BAD_NOTE', 'the note has no terminator before the next thing in the file', {
      structure: sectionLabel(section),
      offset: start,
      expected: `a line "# END_NOTE" before byte ${limit}`,
      hint: 'The note was cut or overwritten: build the file again',
    });
  }
  return { section, start, end, limit: section.size === 0 ? next : limit };
}

/** In bytes: UTF-8 has at most three for each UTF-16 unit that the limit counts. */
const longestNote = ({ maxSdnLength }: SmfLimits): number =>
  Math.min(3 * maxSdnLength + terminator.length, LONGEST_STRING);

/** The text of a note, wherever it was found. */
export function noteText(data: Uint8Array, section: SmfSection, limits: SmfLimits): string {
  if (data.length > longestNote(limits)) throw tooLongNote(section, section.offset, limits);
  return decodeUtf8(data, 0, data.length);
}

function tooLongNote(section: SmfSection, start: number, { maxSdnLength }: SmfLimits): SmfFormatError {
  return new SmfFormatError('ERR_SMF_LIMIT', 'the note is longer than allowed, or has no terminator', {
    structure: sectionLabel(section),
    offset: start,
    expected: `at most ${maxSdnLength} characters, ended by a line "# END_NOTE"`,
    hint: 'Raise the limit maxSdnLength if you trust the file',
  });
}

/** Where, from `start` on, the next section, table or string table begins, or the data ends. */
function nextThing(located: Located, note: SmfSection, start: number): number {
  let next = located.dataEnd;
  const consider = (at: number): void => {
    if (at >= start && at < next) next = at;
  };
  for (const section of located.sections) {
    // Empty sections in the note's own place take nothing from it.
    const takesRoom = section.size > 0 || section.offset > note.offset;
    if (section !== note && takesRoom && !isBss(section)) consider(located.base + section.offset);
  }
  consider(located.sectionTableAt);
  if (located.header.symbolCount > 0) {
    consider(located.symbolTableAt);
    consider(located.stringsAt);
  }
  return next;
}

/** After the first terminator line in `start .. limit`, or -1. A source is looked at in larger and larger pieces. */
function findTerminator(input: Input, start: number, limit: number): number {
  let most = input.inMemory ? limit - start : FIRST_SEARCHED;
  for (let at = start; ; ) {
    const length = Math.min(most, limit - at);
    const end = terminatorIn(input.bytesAt(at, length));
    if (end >= 0) return at + end;
    if (at + length === limit) return -1;
    at += length - (terminator.length - 1); // it may lie across the cut
    most = Math.min(2 * most, Math.max(input.chunk, FIRST_SEARCHED));
  }
}

function terminatorIn(text: Uint8Array): number {
  const last = text.length - terminator.length;
  for (let at = text.indexOf(0x23); at >= 0 && at - 1 <= last; at = text.indexOf(0x23, at + 1)) {
    const line = at - 1; // `#` is the terminator's second byte
    if (line < 0) continue;
    let i = 0;
    while (i < terminator.length && text[line + i] === terminator[i]) i++;
    if (i === terminator.length) return line + i;
  }
  return -1;
}
