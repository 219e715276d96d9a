// What a file is read from: bytes in memory, or a source that shows parts of them. The readers know absolute positions
// only; an excerpt says where those are at the moment. Over bytes in memory the one excerpt shows all and never moves.
import { viewOf } from '../bytes.js';
import { SmfFormatError } from '../errors.js';
import { LARGEST_FILE } from '../limits.js';

/**
 * Bytes that are not at hand as one Uint8Array: a mapped file of many gigabytes, a Blob that was read in part. Readers
 * ask for the header, the tables and what their caller wants to see, never for the whole.
 *
 * @example
 * const file = MappedFile.open('huge.smf') // of @simple-jit/native-mem: has `size` and `view`
 * const smf = parseSmf(file)
 */
export interface ByteSource {
  /** Bytes in all, a safe integer. Must not change. */
  readonly size: number;
  /**
   * `length` bytes from `offset` on, preferably without copying; they must not change while the file is used. Readers stay
   * within `size`. Whatever this throws reaches the caller.
   */
  view(offset: number, length: number): Uint8Array;
  /**
   * Throws if bytes that `view` gave may be others now (a mapped file that became shorter shows zeros). Called after each
   * thing that was read, so that nothing is made of such bytes.
   */
  check?(): void;
  /**
   * How much to ask for at a time where more of it may be wanted soon, in bytes. Unless given, 64 KiB of the end, where
   * header and tables are, and 8 MiB elsewhere: much for a source that copies.
   */
  readonly pieceSize?: number;
}

const TAIL = 64 << 10;
const CHUNK = 8 << 20;

const NOTHING = new Uint8Array(0);

/** Part of the input. It moves where it must, unless it shows all there is. */
export class Excerpt {
  bytes: Uint8Array;
  view: DataView;
  /** What is shown, in absolute positions. */
  start: number;
  end: number;
  readonly #input: Input;
  readonly #from: number;
  readonly #to: number;

  /** `from .. to` is where it may move; `bytes` what it shows first, beginning at `start`: nothing, before its first use. */
  constructor(input: Input, from: number, to: number, bytes: Uint8Array, start: number) {
    this.#input = input;
    this.#from = from;
    this.#to = to;
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.start = start;
    this.end = start + bytes.length;
  }

  /** Where the absolute position `at` is in `bytes` and `view`; `length` bytes from there can be read. */
  seek(at: number, length: number): number {
    if (at < this.start || at + length > this.end) this.#move(at, length);
    return at - this.start;
  }

  /** To whole chunks, so that walking backwards moves it as seldom as walking forwards. */
  #move(at: number, length: number): void {
    if (at < this.#from || at + length > this.#to) throw new RangeError('a read outside what was checked');
    const chunk = this.#input.chunk;
    const start = at - ((at - this.#from) % chunk);
    const end = Math.min(this.#to, Math.max(start + chunk, at + length));
    this.bytes = this.#input.bytesAt(start, end - start);
    this.view = viewOf(this.bytes);
    this.start = start;
    this.end = end;
  }
}

/** The input of one file. */
export class Input {
  readonly size: number;
  /** True for bytes in memory: to view a part of them costs next to nothing, and they don't change. */
  readonly inMemory: boolean;
  /** Of what is to be walked through, this much at a time. */
  readonly chunk: number;
  readonly #source: ByteSource | undefined;
  /** All of it; of a large source its end. */
  readonly #near: Excerpt;
  #whole: Uint8Array | undefined;

  constructor(from: Uint8Array | ByteSource) {
    if (from instanceof Uint8Array) {
      this.size = from.length;
      this.inMemory = true;
      this.chunk = Math.max(1, from.length);
      this.#source = undefined;
      this.#whole = from;
      this.#near = new Excerpt(this, 0, from.length, from, 0);
      return;
    }
    if (!(Number.isSafeInteger(from.size) && from.size >= 0)) {
      throw new TypeError(`the size of a byte source must be a number of bytes, not ${from.size}`);
    }
    this.size = from.size;
    const { pieceSize } = from;
    if (pieceSize !== undefined && !(Number.isSafeInteger(pieceSize) && pieceSize > 0)) {
      throw new TypeError(`the pieceSize of a byte source must be a number of bytes, not ${pieceSize}`);
    }
    this.inMemory = false;
    this.chunk = pieceSize ?? CHUNK;
    this.#source = from;
    const start = Math.max(0, from.size - (pieceSize ?? TAIL));
    this.#near = new Excerpt(this, start, from.size, this.#ask(from, start, from.size - start), start);
  }

  /** True if the bytes are gone: a mapping or buffer that was closed leaves views of length 0. */
  get closed(): boolean {
    return this.#near.bytes.length === 0;
  }

  /** Throws if what was read may not have been what the file holds. */
  check(): void {
    this.#source?.check?.();
  }

  /** What `read` gives, or the source's word that it read what is no more: that explains any other error. */
  checked<T>(read: () => T): T {
    if (this.#source?.check === undefined) return read();
    let result: T;
    try {
      result = read();
    } catch (error) {
      this.check();
      throw error;
    }
    this.check();
    return result;
  }

  /** An excerpt for `from .. to`, which the caller has checked to lie in the input. Shows them from the first `seek` on. */
  excerpt(from: number, to: number): Excerpt {
    if (from >= this.#near.start && to <= this.#near.end) return this.#near;
    return new Excerpt(this, from, to, NOTHING, from);
  }

  /** A view of some of the bytes; the caller has checked that they lie in the input. */
  bytesAt(at: number, length: number): Uint8Array {
    const near = this.#near;
    if (at >= near.start && at + length <= near.end) {
      return near.bytes.subarray(at - near.start, at - near.start + length);
    }
    return this.#ask(this.#source as ByteSource, at, length);
  }

  /** All bytes as one view. Throws ERR_SMF_LIMIT where that is more than a Uint8Array holds. */
  get whole(): Uint8Array {
    this.#whole ??= this.bytesAt(0, this.size);
    return this.#whole;
  }

  /** Some of the bytes as an input of their own, which the caller has checked to lie in this one. */
  part(at: number, size: number): ByteSource {
    return {
      size,
      view: (offset, length) => this.bytesAt(at + offset, length),
      check: () => this.check(),
      ...(this.#source?.pieceSize === undefined ? {} : { pieceSize: this.#source.pieceSize }),
    };
  }

  /** `from .. to` in pieces, in order: to be hashed, whatever the size. */
  *pieces(from: number, to: number): Generator<Uint8Array, void, undefined> {
    for (let at = from; at < to; at += this.chunk) yield this.bytesAt(at, Math.min(this.chunk, to - at));
  }

  #ask(source: ByteSource, at: number, length: number): Uint8Array {
    if (length > LARGEST_FILE) {
      throw new SmfFormatError('ERR_SMF_LIMIT', 'more bytes than one Uint8Array holds', {
        structure: 'file',
        offset: at,
        expected: `at most ${LARGEST_FILE} bytes in one piece`,
        found: `${length}`,
      });
    }
    if (length === 0) return new Uint8Array(0);
    const bytes = source.view(at, length);
    if (bytes.length === length) return bytes;
    throw new SmfFormatError('ERR_SMF_TOO_SHORT', 'the source of the bytes gave fewer than it was asked for', {
      structure: 'file',
      offset: at,
      expected: `${length} bytes`,
      found: `${bytes.length}`,
      hint: 'The file became shorter, or was closed: open it again',
    });
  }
}
