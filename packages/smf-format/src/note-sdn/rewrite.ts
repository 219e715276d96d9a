// Changing the note of a file on disk: in place where the new text fits, else by building the file again.
import { encodeUtf8, viewOf } from '../bytes.js';
import { SmfFormatError } from '../errors.js';
import { fnv1a64Parts } from '../hashes.js';
import { noteRegion } from '../read/note-text.js';
import type { SmfFile } from '../read/smf-file.js';
import { SmfBuilder } from '../write/builder.js';
import type { NoteSdnMetadata } from './model.js';
import { updateNoteSdn } from './update.js';

/** Bytes to write at an offset of the existing file. */
export interface SmfPatch {
  readonly offset: number;
  readonly data: Uint8Array;
}

export type NoteRewrite =
  | { readonly inPlace: true; readonly patches: readonly SmfPatch[] }
  | { readonly inPlace: false; readonly file: Uint8Array };

/**
 * How to change a file's note without losing anything in it. The text that fits between the note's start and the next
 * thing in the file gives patches (the text, zeros for the rest, and the new module hash); else a whole new file. The
 * input is not changed: apply patches to a copy, or write them to the file if no one has it mapped.
 *
 * @throws SmfFormatError ERR_SMF_BAD_NOTE where the file has no note, or one without end
 * @example
 * const plan = rewriteNote(smf, { possible: [] })
 * if (plan.inPlace) for (const { offset, data } of plan.patches) bytes.set(data, offset)
 */
export function rewriteNote(file: SmfFile, changes: Partial<NoteSdnMetadata>): NoteRewrite {
  const section = file.noteSection;
  const text = file.noteSdnText();
  if (section === undefined || text === undefined) {
    throw new SmfFormatError('ERR_SMF_BAD_NOTE', 'the file has no note', {
      structure: 'section table',
      expected: 'a TemplateMeta section named note.sdn',
      hint: 'SmfBuilder.from(file).setNote(note).build() adds one',
    });
  }
  const updated = updateNoteSdn(text, changes);
  const region = noteRegion(file.input, file.located, section, file.limits);
  const encoded = encodeUtf8(updated);
  if (encoded.length > region.limit - region.start) {
    return { inPlace: false, file: SmfBuilder.from(file).setNote(updated).build() };
  }
  const data = new Uint8Array(region.limit - region.start);
  data.set(encoded);
  const patches: SmfPatch[] = [{ offset: region.start, data }];
  const hash = patchedHash(file, region.start, data);
  if (hash !== undefined) patches.push(hash);
  return { inPlace: true, patches };
}

/** The module hash covers the note: where the file has one, it follows. */
function patchedHash(file: SmfFile, start: number, data: Uint8Array): SmfPatch | undefined {
  if (file.header.moduleHash === 0n) return undefined;
  const { located, input } = file;
  const from = located.shape.trailer ? located.base : located.shape.header.size;
  const hash = new Uint8Array(8);
  const parts = function* (): Generator<Uint8Array> {
    yield* input.pieces(from, start);
    yield data;
    yield* input.pieces(start + data.length, located.dataEnd);
  };
  viewOf(hash).setBigUint64(0, fnv1a64Parts(parts()), true);
  return { offset: located.headerAt + located.shape.header.moduleHash, data: hash };
}
