// A mapped file as the parser sees it: views of what it asks for, however large the file is. V8 counts every ArrayBuffer
// as memory in use and collects garbage for large ones, so none is ever made over a large file.
import type { MappedFile } from '@simple-jit/native-mem';
import type { ByteSource } from '@simple-jit/smf-format';

/** Of a file of this size, one view of all costs less than several of parts. */
const SMALL = 64 << 10;

export class MappedSource implements ByteSource {
  readonly size: number;
  readonly #file: MappedFile;
  #all: Uint8Array | undefined;

  constructor(file: MappedFile) {
    this.#file = file;
    this.size = file.size;
  }

  view(offset: number, length: number): Uint8Array {
    if (this.size > SMALL) return this.#file.view(offset, length);
    this.#all ??= this.#file.view(0, this.size);
    return this.#all.subarray(offset, offset + length);
  }

  /** A fault that a read caused shows in every property of the mapping; this is the cheapest. */
  check(): void {
    void this.#file.address;
  }
}
