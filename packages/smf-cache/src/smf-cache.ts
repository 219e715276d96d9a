// The cache of mapped files: one mapping per file version, least recently used goes first.
import { MappedFile } from '@simple-jit/native-mem';
import type { SmfCodecs } from '@simple-jit/smf-format';
import { builtinCodecs } from '@simple-jit/smf-format/node';
import { type PrefetchFailure, SmfCacheError } from './errors.js';
import { Kept } from './kept.js';
import { MappedSmf } from './mapped-smf.js';
import { Mapping, type ParseOptions } from './mapping.js';
import { type Found, find, type Place, readings } from './place.js';
import { type PrefetchOptions, type Readable, readAheadAll } from './prefetch.js';

/** Limits of an {@link SmfCache}, and how it reads. What is held by an open handle is never unmapped, whatever the limits. */
export interface SmfCacheOptions {
  /** Files kept mapped at most; 1024 unless given. A library counts once. */
  readonly maxFiles?: number;
  /**
   * Bytes kept at most, mapped and unpacked; 1 GiB unless given. A larger single file is mapped, but not kept; what its
   * compressed sections unpack to is not kept where it does not fit beside the file.
   */
  readonly maxMemory?: number;
  /**
   * For compressed sections: lz4, and zstd where node:zlib has it (Node 22.15), unless given. On older Nodes pass
   * `await loadCodecs()` of `@simple-jit/smf-format/node`.
   */
  readonly codecs?: SmfCodecs;
  /**
   * Check the module hash of each file when it is mapped, and the hash of each module of a library when it is first asked
   * for: reads all of it. Default false. (The index of a library is always checked.)
   */
  readonly verifyHashes?: boolean;
}

/** What an {@link SmfCache} did since it was made, and holds now. */
export interface CacheStats {
  /** Files mapped and kept by the cache at the moment; a library is one. */
  readonly totalFiles: number;
  /** Their bytes, mapped and unpacked: what `maxMemory` bounds. */
  readonly totalMemory: number;
  /** The bytes among them that compressed sections were unpacked to. */
  readonly unpackedMemory: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  /** Files that had to go for a limit; not those that were evicted by name, cleared or replaced by a newer version. */
  readonly evictions: number;
}

/**
 * Maps SMF files on demand and keeps them mapped, the least recently used going first.
 *
 * A file that changed on disk (inode, size, modification time in nanoseconds, owner, permissions, or its header, which
 * holds a hash of the rest) is mapped anew at the next `get`. Paths that lead to one file (links, different spellings) share
 * its mapping.
 *
 * A module of a library is addressed as `lib.lsm#module` in every call. All modules share the mapping of their library,
 * which is kept, evicted and noticed to change as one. A path with `#` is first taken as the name of a file; only if there
 * is none, it is cut at the last `#` before which there is a file.
 *
 * @example
 * const cache = new SmfCache({ maxFiles: 100 });
 * using file = cache.get('collections.smf');
 * using vectors = cache.get('std.lsm#vectors');
 * console.log(file.header.versionMajor, cache.getStats());
 */
export class SmfCache implements Disposable {
  readonly #kept: Kept;
  readonly #parse: ParseOptions;
  #hits = 0;
  #misses = 0;
  #closed = false;

  constructor(options: SmfCacheOptions = {}) {
    this.#kept = new Kept(
      checkLimit('maxFiles', options.maxFiles ?? 1024),
      checkLimit('maxMemory', options.maxMemory ?? 2 ** 30),
    );
    this.#parse = {
      codecs: options.codecs ?? builtinCodecs(),
      verifyHashes: options.verifyHashes ?? false,
      onUnpacked: (mapping) => this.#kept.grown(mapping),
    };
  }

  /**
   * The file at `path`, mapped now unless it already is. Each call gives a handle of its own.
   *
   * @param path of a file, `library#module`, or the id of bytes given to {@link cacheFromBytes}
   * @throws NativeMemError `ENOENT`, `EACCES`, `EISDIR`, … with `path`, if it cannot be mapped; `ERR_FILE_SHRUNK` if it
   * becomes shorter just now
   * @throws SmfFormatError if it is not an SMF file or library, with the reasons; `ERR_SMF_NO_SUCH_MODULE` with the names
   * that there are
   * @throws SmfCacheError `ERR_IS_LIBRARY`, `ERR_NOT_A_LIBRARY`; `ERR_CLOSED` after `close()`
   */
  get(path: string): MappedSmf {
    return this.#with(path, (mapping, place) => new MappedSmf(mapping, place));
  }

  /**
   * Takes bytes that are in memory already as a file named `id`, for this handle and every later `get(id)`. They are not
   * copied and must not change. Given again, an id stands for the new bytes; open handles keep the old.
   *
   * @throws SmfFormatError if they are not an SMF file; SmfCacheError `ERR_IS_LIBRARY`, `ERR_CLOSED`
   */
  cacheFromBytes(id: string, bytes: Uint8Array): MappedSmf {
    this.#checkOpen();
    const mapping = new Mapping(bytesKey(id), id, bytes, this.#parse);
    const handle = new MappedSmf(mapping, idPlace(id));
    this.#kept.keep(mapping);
    return handle;
  }

  /**
   * Maps every file and asks the system to read it ahead: of `library#module` that module, of a library all.
   * @throws SmfCacheError `ERR_PREFETCH` after trying them all
   */
  prefetch(paths: readonly string[]): void {
    this.#checkOpen();
    const failures: PrefetchFailure[] = [];
    for (const path of paths) {
      try {
        this.#with(path, (mapping, place) => mapping.readAhead(mapping.range(place)));
      } catch (error) {
        failures.push({ path, error });
      }
    }
    throwPrefetchFailures(failures);
  }

  /**
   * As {@link prefetch}, but reads the files in the background and yields between them. When it ends, in whatever way, it
   * leaves nothing running and no descriptor open.
   *
   * @throws SmfCacheError `ERR_PREFETCH` after trying them all; the signal's reason if it aborts; RangeError
   */
  async prefetchAsync(paths: readonly string[], options: PrefetchOptions = {}): Promise<void> {
    this.#checkOpen();
    const readable = (path: string): Readable => ({
      path,
      // A module lies where the index of its library says; to read that much of it at once is quickly done.
      range: () => {
        const place = find(path);
        if (place.module === undefined) return { file: place.file, offset: 0, size: undefined };
        return this.#with(path, (mapping) => ({ file: place.file, ...mapping.range(place) }));
      },
      map: () => {
        if (find(path).module === undefined) this.#with(path, () => {});
      },
    });
    throwPrefetchFailures(await readAheadAll(paths.map(readable), options));
  }

  /**
   * True if the file at `path` is mapped in its present version (or `id` was given to `cacheFromBytes`); of
   * `library#module`, if the library is, and has that module.
   */
  isCached(path: string): boolean {
    if (this.#kept.peek(bytesKey(path)) !== undefined) return true;
    const place = find(path);
    const mapping = place.onDisk && this.#kept.peek(fileKey(place.onDisk));
    return mapping?.isCurrent(place.onDisk!) === true && mapping.has(place);
  }

  /** How many files the cache keeps mapped. */
  cachedCount(): number {
    return this.#kept.files;
  }

  /**
   * Lets go of the file at `path` (or the bytes of that id); true if it was there. Open handles on it stay good. A module
   * goes with its library, and all of that library's modules with it.
   */
  evict(path: string): boolean {
    const now = find(path);
    const key = now.onDisk && fileKey(now.onDisk);
    // What the path led to when it was mapped; it may be gone since, and with it the way to tell library and module apart.
    const before = (key === undefined ? [...readings(path)] : [now])
      .map((place) => ({ place, mapping: this.#kept.at(place.file) }))
      .find(({ place, mapping }) => mapping?.has(place));
    const keys = [
      bytesKey(path),
      before?.mapping?.key,
      key !== undefined && this.#kept.peek(key)?.has(now) ? key : undefined,
    ];
    return keys.filter((dropped) => dropped !== undefined && this.#kept.drop(dropped)).length > 0;
  }

  /** The next `get` maps the file anew, even if it looks unchanged. Of a module: its library. */
  invalidate(path: string): void {
    this.evict(path);
  }

  /** Lets go of every file; counters stay. */
  clear(): void {
    this.#kept.clear();
  }

  getStats(): CacheStats {
    return {
      totalFiles: this.#kept.files,
      totalMemory: this.#kept.bytes,
      unpackedMemory: this.#kept.unpackedBytes,
      cacheHits: this.#hits,
      cacheMisses: this.#misses,
      evictions: this.#kept.evictions,
    };
  }

  /** Lets go of every file, for good. Closing twice does nothing. */
  close(): void {
    this.#closed = true;
    this.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #checkOpen(): void {
    if (this.#closed) throw new SmfCacheError('ERR_CLOSED', 'this SmfCache is closed; make a new one');
  }

  /** Has `use` look at the mapping that a path leads to, which may be let go of as soon as it returns. */
  #with<T>(path: string, use: (mapping: Mapping, place: Place) => T): T {
    this.#checkOpen();
    let place: Place = idPlace(path);
    let mapping = this.#kept.get(bytesKey(path));
    if (mapping !== undefined) this.#hits += 1;
    else {
      const found = find(path);
      place = found;
      mapping = this.#fresh(found) ?? this.#map(found);
    }
    mapping.retain();
    try {
      return use(mapping, place);
    } finally {
      mapping.release();
    }
  }

  /** The mapping of the file as it is on disk now, if we have it. */
  #fresh({ file, onDisk }: Found): Mapping | undefined {
    const before = this.#kept.at(file);
    const key = onDisk && fileKey(onDisk);
    // What the path led to before is of no use to this path any more; another path to it maps it again.
    if (before !== undefined && before.key !== key) this.#kept.drop(before.key);
    if (onDisk === undefined || key === undefined) return undefined;
    const mapping = this.#kept.get(key);
    if (mapping?.isCurrent(onDisk) !== true) return undefined;
    this.#hits += 1;
    this.#kept.ledFrom(file, mapping);
    return mapping;
  }

  #map({ file }: Place): Mapping {
    this.#misses += 1;
    const opened = MappedFile.open(file);
    try {
      const mapping = new Mapping(fileKey(opened.stat), file, opened, this.#parse);
      this.#kept.keep(mapping);
      this.#kept.ledFrom(file, mapping);
      return mapping;
    } catch (error) {
      opened.close();
      throw error;
    }
  }
}

/** An id is a path as it is, whatever is in it. */
const idPlace = (id: string): Place => ({ file: id, module: undefined });

const bytesKey = (id: string): string => `bytes ${id}`;
const fileKey = (file: { readonly dev: bigint; readonly ino: bigint }): string => `file ${file.dev} ${file.ino}`;

function checkLimit(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`${name} must be a positive integer, not ${value}`);
  return value;
}

function throwPrefetchFailures(failures: readonly PrefetchFailure[]): void {
  if (failures.length === 0) return;
  const first = failures[0]!;
  const more = failures.length > 1 ? `, and ${failures.length - 1} more (see .failures)` : '';
  const why = first.error instanceof Error ? first.error.message : String(first.error);
  throw new SmfCacheError('ERR_PREFETCH', `could not prefetch ${first.path}: ${why}${more}`, { failures });
}
