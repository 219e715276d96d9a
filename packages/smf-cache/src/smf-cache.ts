// The cache of mapped files: one mapping per file version, least recently used goes first.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type FileIdentity, MappedFile } from '@simple-jit/native-mem';
import { parseSmf, type SmfFile, SmfFormatError } from '@simple-jit/smf-format';
import { LRUCache } from 'lru-cache';
import { type PrefetchFailure, SmfCacheError } from './errors.js';
import { MappedSmf } from './mapped-smf.js';
import { Mapping, sameVersion } from './mapping.js';
import { type PrefetchOptions, readAheadAll } from './prefetch.js';

/** Limits of an {@link SmfCache}. What is held by an open handle is never unmapped, whatever the limits. */
export interface SmfCacheOptions {
  /** Files kept mapped at most; 1024 unless given. */
  readonly maxFiles?: number;
  /** Bytes kept mapped at most; 1 GiB unless given. A larger single file is mapped, but not kept. */
  readonly maxMemory?: number;
}

/** What an {@link SmfCache} did since it was made, and holds now. */
export interface CacheStats {
  /** Files mapped and kept by the cache at the moment. */
  readonly totalFiles: number;
  /** Their bytes. */
  readonly totalMemory: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  /** Files that had to go for a limit; not those that were evicted by name, cleared or replaced by a newer version. */
  readonly evictions: number;
}

/**
 * Maps SMF files on demand and keeps them mapped, the least recently used going first.
 *
 * A file that changed on disk (inode, size or modification time) is mapped anew at the next `get`. Paths that lead to one
 * file (links, different spellings) share its mapping.
 *
 * @example
 * const cache = new SmfCache({ maxFiles: 100 });
 * using file = cache.get('collections.smf');
 * console.log(file.header.versionMajor, cache.getStats());
 */
export class SmfCache implements Disposable {
  readonly #byKey: LRUCache<string, Mapping>;
  /** The file that each path led to last, so that a replaced file does not linger. */
  readonly #byPath = new Map<string, string>();
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #closed = false;

  constructor(options: SmfCacheOptions = {}) {
    this.#byKey = new LRUCache<string, Mapping>({
      max: checkLimit('maxFiles', options.maxFiles ?? 1024),
      maxSize: checkLimit('maxMemory', options.maxMemory ?? 2 ** 30),
      sizeCalculation: (mapping) => Math.max(1, mapping.size),
      dispose: (mapping, _key, reason) => {
        if (reason === 'evict') this.#evictions += 1;
        mapping.release();
      },
    });
  }

  /**
   * The file at `path`, mapped now unless it already is. Each call gives a handle of its own.
   *
   * @param path of a file, or the id of bytes given to {@link cacheFromBytes}
   * @throws NativeMemError `ENOENT`, `EACCES`, `EISDIR`, … with `path`, if it cannot be mapped
   * @throws SmfFormatError if it is not an SMF file, with the reasons
   * @throws SmfCacheError `ERR_CLOSED` after `close()`
   */
  get(path: string): MappedSmf {
    this.#checkOpen();
    const bytes = this.#byKey.get(bytesKey(path));
    if (bytes !== undefined) {
      this.#hits += 1;
      return new MappedSmf(bytes, path);
    }
    const absolute = resolve(path);
    return new MappedSmf(this.#fresh(absolute) ?? this.#map(absolute), absolute);
  }

  /**
   * Takes bytes that are in memory already as a file named `id`, for this handle and every later `get(id)`. They are not
   * copied and must not change. Given again, an id stands for the new bytes; open handles keep the old.
   *
   * @throws SmfFormatError if they are not an SMF file
   */
  cacheFromBytes(id: string, bytes: Uint8Array): MappedSmf {
    this.#checkOpen();
    const mapping = new Mapping(id, parse(id, bytes), bytes.length);
    const handle = new MappedSmf(mapping, id);
    this.#keep(bytesKey(id), mapping);
    return handle;
  }

  /** Maps every file and asks the system to read it ahead. @throws SmfCacheError `ERR_PREFETCH` after trying them all */
  prefetch(paths: readonly string[]): void {
    this.#checkOpen();
    const failures: PrefetchFailure[] = [];
    for (const path of paths) {
      try {
        const handle = this.get(path);
        handle.readAhead();
        handle.close();
      } catch (error) {
        failures.push({ path, error });
      }
    }
    throwPrefetchFailures(failures);
  }

  /**
   * As {@link prefetch}, but reads the files in the background and yields between them.
   *
   * @throws SmfCacheError `ERR_PREFETCH` after trying them all; the signal's reason if it aborts
   */
  async prefetchAsync(paths: readonly string[], options: PrefetchOptions = {}): Promise<void> {
    this.#checkOpen();
    throwPrefetchFailures(await readAheadAll(paths, (path) => this.get(path).close(), options));
  }

  /** True if the file at `path` is mapped in its present version (or `id` was given to `cacheFromBytes`). */
  isCached(path: string): boolean {
    if (this.#byKey.has(bytesKey(path))) return true;
    const onDisk = identify(resolve(path));
    const mapped = onDisk && this.#byKey.peek(fileKey(onDisk));
    return mapped?.identity !== undefined && sameVersion(mapped.identity, onDisk!);
  }

  /** How many files the cache keeps mapped. */
  cachedCount(): number {
    return this.#byKey.size;
  }

  /** Lets go of the file at `path` (or the bytes of that id); true if it was there. Open handles on it stay good. */
  evict(path: string): boolean {
    const key = this.#byPath.get(resolve(path));
    const dropped = key !== undefined && this.#byKey.delete(key);
    return this.#byKey.delete(bytesKey(path)) || dropped;
  }

  /** The next `get` maps the file anew, even if it looks unchanged. */
  invalidate(path: string): void {
    this.evict(path);
  }

  /** Lets go of every file; counters stay. */
  clear(): void {
    this.#byKey.clear();
    this.#byPath.clear();
  }

  getStats(): CacheStats {
    return {
      totalFiles: this.#byKey.size,
      totalMemory: this.#byKey.calculatedSize,
      cacheHits: this.#hits,
      cacheMisses: this.#misses,
      evictions: this.#evictions,
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

  /** The mapping of the file as it is on disk now, if we have it. */
  #fresh(absolute: string): Mapping | undefined {
    const onDisk = identify(absolute);
    const known = this.#byPath.get(absolute);
    // What the path led to before is of no use to this path any more; another path to it maps it again.
    if (known !== undefined && (onDisk === undefined || known !== fileKey(onDisk))) this.#byKey.delete(known);
    if (onDisk === undefined) return undefined;
    const mapping = this.#byKey.get(fileKey(onDisk));
    if (mapping?.identity === undefined || !sameVersion(mapping.identity, onDisk)) return undefined;
    this.#hits += 1;
    this.#byPath.set(absolute, fileKey(onDisk));
    return mapping;
  }

  #map(absolute: string): Mapping {
    this.#misses += 1;
    const file = MappedFile.open(absolute);
    try {
      const mapping = new Mapping(absolute, parse(absolute, file.bytes), file.size, file);
      const key = fileKey(file.stat);
      this.#keep(key, mapping);
      if (this.#byKey.has(key)) this.#byPath.set(absolute, key);
      return mapping;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** A mapping beyond `maxMemory` is not kept: then only its handles hold it. */
  #keep(key: string, mapping: Mapping): void {
    this.#byKey.delete(key);
    this.#byKey.set(key, mapping.retain());
    if (this.#byKey.peek(key) !== mapping) mapping.forgo();
  }
}

function parse(path: string, bytes: Uint8Array): SmfFile {
  try {
    return parseSmf(bytes);
  } catch (error) {
    throw error instanceof SmfFormatError ? error.inFile(path) : error;
  }
}

const bytesKey = (id: string): string => `bytes ${id}`;
const fileKey = (file: { readonly dev: bigint; readonly ino: bigint }): string => `file ${file.dev} ${file.ino}`;

/** What is at the path now; undefined if that cannot be told, and then mapping it gives the error. */
function identify(absolute: string): FileIdentity | undefined {
  try {
    return statSync(absolute, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

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
