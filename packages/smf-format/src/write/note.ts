// The note of a file being built. Its section is written with size 0 and room after the terminator line, so that tools can
// rewrite the text in place.
import { decodeUtf8, encodeUtf8 } from '../bytes.js';
import { NOTE_SECTION_NAME, NOTE_TERMINATOR, SectionFlags, SectionType } from '../definitions.js';
import type { NoteSdnMetadata } from '../note-sdn/model.js';
import { noteBody, parseNoteSdn } from '../note-sdn/parse.js';
import { stringifyNoteSdn } from '../note-sdn/print.js';
import { updateNoteSdn } from '../note-sdn/update.js';
import type { BuilderSection } from './model.js';
import { newSection, noteCapacity } from './section.js';

export const readNote = (section: BuilderSection): NoteSdnMetadata => parseNoteSdn(textOf(section));

/**
 * The section with that note in it.
 *
 * @param old the note's section as it is: keeps its room while the text fits, and the text what a typed note does not say
 * @throws SdnSyntaxError for text that is not SDN
 */
export function noteSection(old: BuilderSection | undefined, note: NoteSdnMetadata | string): BuilderSection {
  if (typeof note === 'string') parseNoteSdn(note);
  const body = noteBody(typeof note === 'string' ? note : typedNoteText(old, note));
  // The terminator begins with the line end of the line before it: a note without any text still needs one.
  const data = encodeUtf8(`${body.replace(/\n$/, '')}${NOTE_TERMINATOR}`);
  const room = old?.noteCapacity ?? 0;
  const changes = { data, noteCapacity: data.length <= room ? room : noteCapacity(data.length), virtualSize: 0 };
  return old === undefined
    ? { ...newSection({ type: SectionType.TemplateMeta, name: NOTE_SECTION_NAME }), ...changes }
    : { ...old, ...changes, flags: old.flags & ~SectionFlags.COMPRESSED };
}

function typedNoteText(old: BuilderSection | undefined, note: NoteSdnMetadata): string {
  return old === undefined ? stringifyNoteSdn(note) : updateNoteSdn(textOf(old), note);
}

const textOf = ({ data }: BuilderSection): string => decodeUtf8(data, 0, data.length);
