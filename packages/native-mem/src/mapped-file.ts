// A file as a Uint8Array, without copying, that can be closed safely while views of it are around.
import { binding } from './binding.js';
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
  readonly #address: bigint;
  readonly #size: number;
  readonly #serial: number;
  readonly #writable: boolean;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #closed = false;

  private constructor(path: string, options: MappedFileOptions) {
    const opened = binding.openMapping(path, options.writable ?? false, options.offset ?? 0, options.length ?? 0);
    this.path = path;
    this.stat = opened.stat;
    this.mapped = opened.mapped;
    this.#address = opened.address;
    this.#size = opened.size;
    this.#serial = opened.serial;
    this.#writable = options.writable ?? false;
    this.#bytes = new Uint8Array(opened.buffer);
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
    return this.#address;
  }

  /** In bytes. */
  get size(): number {
    this.#check();
    return this.#size;
  }

  /**
   * The mapped bytes themselves, not a copy. `close()` detaches them: every view then has length 0.
   * Without `writable` the view is private: writing to it changes this view only, never the file.
   *
   * A file that someone else makes shorter loses pages under this view: reading them gives zeros, and from then on
   * this property throws `ERR_FILE_SHRUNK`.
   */
  get bytes(): Uint8Array<ArrayBuffer> {
    this.#check();
    return this.#bytes;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Writes changes back to the file (msync(2)). Throws `EACCES` for a read-only mapping. */
  sync(options: { readonly async?: boolean } = {}): void {
    this.#check();
    if (!this.#writable) {
      throw new NativeMemError(`'${this.path}' is mapped read-only. Open it with { writable: true }.`, {
        code: 'EACCES',
        path: this.path,
        address: this.#address,
      });
    }
    binding.msync(this.#address, this.#size, options.async ?? false);
  }

  /** Detaches `bytes` and unmaps. Closing again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    binding.closeMapping(this.#serial, this.#bytes.buffer);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #check(): void {
    if (this.#closed) {
      throw new NativeMemError(`The mapping of '${this.path}' is closed. Open it again.`, {
        code: 'ERR_CLOSED',
        path: this.path,
      });
    }
    if (binding.mappingIsLost(this.#serial)) {
      throw new NativeMemError(
        `'${this.path}' became shorter while it was mapped. Close the mapping and open the file again.`,
        { code: 'ERR_FILE_SHRUNK', path: this.path, address: this.#address },
      );
    }
  }
}
