// A mapped file as the parser sees it: views of what it asks for, however large the file is. V8 counts every ArrayBuffer
// as memory in use and collects garbage for large ones, so none is ever made over a large file.
import type { MappedFile } from '@simple-jit/native-mem';
import type { ByteSource } from '@simple-jit/smf-format';

/** Of a file of this size, one view of all costs less than several of parts. */
const SMALL = 64 << 10;

export class MappedSource implements ByteSource {
  readonly size: number;
  readonly #file: MappedFile;
  /** The views that begin and end the file, where its header may be. */
  #first: Uint8Array | undefined;
  #last: Uint8Array | undefined;

  constructor(file: MappedFile) {
    this.#file = file;
    this.size = file.size;
    if (this.size > SMALL) return;
    this.#first = file.view(0, this.size);
    this.#last = this.#first;
  }

  view(offset: number, length: number): Uint8Array {
    if (this.size <= SMALL) return this.#first!.subarray(offset, offset + length);
    const view = this.#file.view(offset, length);
    if (offset === 0) this.#first = view;
    if (offset + length === this.size) this.#last = view;
    return view;
  }

  /** The first bytes, without a view of their own if there is one. */
  first(length: number): Uint8Array {
    const view = this.#first !== undefined && this.#first.length >= length ? this.#first : this.view(0, length);
    return view.subarray(0, length);
  }

  /** The last bytes, likewise. */
  last(length: number): Uint8Array {
    const view =
      this.#last !== undefined && this.#last.length >= length ? this.#last : this.view(this.size - length, length);
    return view.subarray(view.length - length);
  }

  /** A fault that a read caused shows in every property of the mapping; this is the cheapest. */
  check(): void {
    void this.#file.address;
  }
}
