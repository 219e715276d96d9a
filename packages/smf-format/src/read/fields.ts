// Reads one field after the other of a template section's entry, and never past the entry's end.
import { decodeUtf8, u16, u32 } from '../bytes.js';
import { SmfFormatError } from '../errors.js';
import { type SmfSection, sectionLabel } from './sections.js';

export class Fields {
  constructor(
    readonly data: Uint8Array,
    readonly view: DataView,
    public at: number,
    readonly end: number,
    readonly section: SmfSection,
  ) {}

  u8(what: string): number {
    return this.view.getUint8(this.#take(1, what));
  }
  u16(what: string): number {
    return u16(this.view, this.#take(2, what));
  }
  u32(what: string): number {
    return u32(this.view, this.#take(4, what));
  }
  text(length: number, what: string): string {
    const start = this.#take(length, what);
    return decodeUtf8(this.data, start, start + length);
  }

  #take(size: number, what: string): number {
    const start = this.at;
    if (size > this.end - start) {
      const room = `at most ${this.end - start} bytes`;
      throw badTemplate(this.section, start, `the ${what} runs past the entry`, room, `${size}`);
    }
    this.at += size;
    return start;
  }
}

export function badTemplate(
  section: SmfSection,
  at: number,
  message: string,
  expected: string,
  found: string,
): SmfFormatError {
  return new SmfFormatError('ERR_SMF_BAD_TEMPLATE', message, {
    structure: sectionLabel(section),
    offset: section.offset + at,
    expected,
    found,
    hint: 'The section is damaged: build the library again',
  });
}
