// A mapped file as the parser sees it: views of what it asks for, however large the file is. V8 counts every ArrayBuffer
// as memory in use and collects garbage for large ones, so none is ever made over a large file.
import { type MappedFile, mmapReadBytes } from '@simple-jit/native-mem';
import type { ByteSource } from '@simple-jit/smf-format';

/**
 * So much of the end is in view all the time: header and tables are there, and one view costs less than several of parts.
 * Of a file of this size, that is all of it.
 */
const TAIL = 64 << 10;

export class MappedSource implements ByteSource {
  readonly size: number;
  readonly #file: MappedFile;
  readonly #tail: Uint8Array;
  /** The last byte of the tail that is not 0, and where in the tail it is. */
  readonly #mark: { readonly at: number; readonly byte: number } | undefined;
  /** A view that begins the file, where its header may be. */
  #first: Uint8Array | undefined;

  constructor(file: MappedFile) {
    this.#file = file;
    this.size = file.size;
    this.#tail = file.view(Math.max(0, this.size - TAIL), Math.min(TAIL, this.size));
    const at = this.#tail.findLastIndex((byte) => byte !== 0);
    this.#mark = at < 0 ? undefined : { at, byte: this.#tail[at]! };
    if (this.size <= TAIL) this.#first = this.#tail;
  }

  view(offset: number, length: number): Uint8Array {
    const inTail = offset - (this.size - this.#tail.length);
    if (inTail >= 0) return this.#tail.subarray(inTail, inTail + length);
    const view = this.#file.view(offset, length);
    if (offset === 0) this.#first = view;
    return view;
  }

  /** The first bytes, without a view of their own if there is one. */
  first(length: number): Uint8Array {
    const view = this.#first !== undefined && this.#first.length >= length ? this.#first : this.view(0, length);
    return view.subarray(0, length);
  }

  /** The last bytes, at most those of the tail. */
  last(length: number): Uint8Array {
    return this.#tail.subarray(this.#tail.length - length);
  }

  /**
   * Throws if a byte that is not 0 was lost. Where the file ends now, zeros begin: as long as the last such byte is there,
   * so are all before it. That costs a read of memory, where to look at the file costs a system call.
   * @throws NativeMemError `ERR_FILE_SHRUNK`
   */
  check(): void {
    const intact = this.#mark !== undefined && this.#tail[this.#mark.at] === this.#mark.byte;
    // A fault, which that look or one before it caused, shows in every property of the mapping; this is the cheapest.
    const { address } = this.#file;
    if (!intact && this.size > 0) mmapReadBytes(address, this.size - 1, 1);
  }
}
