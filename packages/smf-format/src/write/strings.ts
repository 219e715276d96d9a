// The string table while it is being written: kept bytes first, then each new name once, NUL-ended.
import { encodeUtf8 } from '../bytes.js';

export class StringTable {
  #bytes: Uint8Array;
  #length: number;
  readonly #offsets = new Map<string, number>();

  /** @param kept an existing table, whose offsets stay valid */
  constructor(kept: Uint8Array) {
    this.#bytes = new Uint8Array(kept.length + 1024);
    this.#bytes.set(kept);
    this.#length = kept.length;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A name that the kept table has. */
  know(name: string, offset: number): void {
    if (!this.#offsets.has(name)) this.#offsets.set(name, offset);
  }

  /** Where the name is; writes it if it is new. */
  offsetOf(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    // A kept table whose last name has no NUL would run on into this one.
    if (this.#length > 0 && this.#bytes[this.#length - 1] !== 0) this.#length++;
    const offset = this.#length;
    this.#offsets.set(name, offset);
    this.#reserve(3 * name.length + 2);
    this.#write(name);
    this.#length++;
    return offset;
  }

  #write(name: string): void {
    const start = this.#length;
    for (let i = 0; i < name.length; i++) {
      const code = name.charCodeAt(i);
      if (code >= 0x80) {
        const encoded = encodeUtf8(name);
        this.#bytes.set(encoded, start);
        this.#length = start + encoded.length;
        return;
      }
      this.#bytes[start + i] = code;
    }
    this.#length = start + name.length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + more));
    larger.set(this.bytes);
    this.#bytes = larger;
  }
}
