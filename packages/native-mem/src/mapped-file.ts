// A file as a Uint8Array, without copying, that can be closed safely while views of it are around.
import { binding, type OpenedMapping } from './binding.js';
import { NativeMemError } from './errors.js';

/** What the mapped file was when it was opened: fstat(2) of the very descriptor that was mapped. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
  /** Of the whole file, in bytes. */
  readonly size: bigint;
  /** Last change of the content, in nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** File type and permission bits. */
  readonly mode: bigint;
  readonly uid: bigint;
}

export interface MappedFileOptions {
  /** Writes to `bytes` reach the file. Default false. */
  readonly writable?: boolean;
  /** Where to start, in bytes. Default 0. */
  readonly offset?: number;
  /** How many bytes; 0, the default, means to the end of the file. */
  readonly length?: number;
}

/**
 * A mapped file. Owns the mapping until `close()`; a forgotten one is unmapped once no view of it is reachable.
 *
 * @example
 * using file = MappedFile.open('app.smf');
 * console.log(file.bytes.subarray(0, 4));
 */
export class MappedFile {
  readonly path: string;
  /** The identity of the file at the time it was mapped. */
  readonly stat: FileIdentity;
  /** False when the file system can't map (/proc, /sys): then `bytes` is a private copy. */
  readonly mapped: boolean;
  readonly #opened: OpenedMapping;
  readonly #writable: boolean;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #closed = false;

  private constructor(path: string, options: MappedFileOptions) {
    this.#writable = options.writable ?? false;
    this.#opened = binding.openMapping(path, this.#writable, options.offset ?? 0, options.length ?? 0);
    this.path = path;
    this.stat = this.#opened.stat;
    this.mapped = this.#opened.mapped;
  }

  /**
   * Maps a regular file. Throws as `mmapFile` does; a file that can't be mapped is read instead, unless `writable`.
   */
  static open(path: string, options: MappedFileOptions = {}): MappedFile {
    return new MappedFile(path, options);
  }

  /** Where the first byte lies. Valid for `mmapReadBytes` and its kin until `close()`. */
  get address(): bigint {
    this.#check();
    return this.#opened.address;
  }

  /** In bytes. */
  get size(): number {
    this.#check();
    return this.#opened.size;
  }

  /**
   * The mapped bytes themselves, not a copy. `close()` detaches them: every view then has length 0.
   * Made at first use; V8 does some garbage collection for an ArrayBuffer of more than 64 MB, so prefer {@link view} to
   * read parts of large files.
   *
   * Without `writable` the view is private: writing to it changes this view only, never the file.
   *
   * Don't move its buffer to another object (`transfer()`): what was moved reads as zeros after `close()`, and must not
   * outlive this thread.
   *
   * A file that someone else makes shorter loses bytes under this view: reading them gives zeros, since a typed array can't
   * throw. From then on this property throws `ERR_FILE_SHRUNK`; it looks at the file by its path for that (stat(2)), so keep
   * the array instead of asking for it again in a loop.
   */
  get bytes(): Uint8Array<ArrayBuffer> {
    this.#check(true);
    this.#bytes ??= this.#view(0, this.#opened.size);
    return this.#bytes;
  }

  /**
   * Some of the mapped bytes, as zero-copy as {@link bytes} and detached by `close()` as well.
   * @throws NativeMemError `ERR_OUT_OF_BOUNDS`, `ERR_CLOSED`, `ERR_FILE_SHRUNK`; RangeError
   * @example
   * const header = file.view(file.size - 128, 128);
   */
  view(offset: number, length: number): Uint8Array<ArrayBuffer> {
    this.#check();
    return this.#view(offset, length);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Writes changes back to the file (msync(2)).
   * @throws NativeMemError `EACCES` (a read-only mapping), `ERR_FILE_SHRUNK`, `ERR_CLOSED`
   */
  sync(options: { readonly async?: boolean } = {}): void {
    this.#check();
    if (!this.#writable) {
      throw new NativeMemError(`'${this.path}' is mapped read-only. Open it with { writable: true }.`, {
        code: 'EACCES',
        path: this.path,
        address: this.#opened.address,
      });
    }
    binding.msync(this.#opened.address, this.#opened.size, options.async ?? false);
  }

  /** Detaches `bytes` and unmaps. Closing again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    binding.closeMapping(this.#opened.serial);
    this.#bytes = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #view(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const buffer = binding.mappingView(this.#opened.serial, offset, length);
    return new Uint8Array(buffer ?? new ArrayBuffer(0));
  }

  /** @param whole whether the file must still have all that was mapped, for which it is looked up by its path */
  #check(whole = false): void {
    if (this.#closed) {
      throw new NativeMemError(`The mapping of '${this.path}' is closed. Open it again.`, {
        code: 'ERR_CLOSED',
        path: this.path,
      });
    }
    binding.checkMapping(this.#opened.serial, whole);
  }
}

/** How many MappedFiles are open in this process, forgotten ones included, and how many bytes they map. */
export function mappedFileTotals(): { readonly count: number; readonly bytes: number } {
  return binding.mappedFileTotals();
}
