// Where the text of a note.sdn section is. Its entry may say size 0: then the text ends at the first terminator line, and
// everything from there to the next thing in the file is slack that an in-place rewrite may use.
import { NOTE_TERMINATOR } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
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
export function noteRegion(input: Input, located: Located, section: SmfSection): NoteRegion {
  const start = located.base + section.offset;
  const next = nextThing(located, section, start);
  const limit = section.size === 0 ? next : Math.min(next, start + section.size);
  const end = findTerminator(input, start, limit);
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

/** After the first terminator line in `start .. limit`, or -1. Of a source, looks at twice as much each time. */
function findTerminator(input: Input, start: number, limit: number): number {
  const room = limit - start;
  for (let length = input.inMemory ? room : Math.min(room, FIRST_SEARCHED); ; length = Math.min(room, 2 * length)) {
    const end = terminatorIn(input.bytesAt(start, length));
    if (end >= 0) return start + end;
    if (length === room) return -1;
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
