// What a cache keeps, by least recent use, within its limits: each mapping held once, with what it unpacked.
import { LRUCache } from 'lru-cache';
import type { Mapping } from './mapping.js';

/** Of a file that is renamed again and again, this many names are remembered. */
const MOST_PATHS = 64;

/** An entry is replaced when its size changes: lru-cache measures a value once. */
interface Entry {
  readonly mapping: Mapping;
}

export class Kept {
  readonly #byKey: LRUCache<string, Entry>;
  /** The mapping that each path led to last, as long as it is kept. */
  readonly #byPath = new Map<string, Mapping>();
  readonly #maxFiles: number;
  readonly #maxMemory: number;
  #mappedBytes = 0;
  #evictions = 0;

  constructor(maxFiles: number, maxMemory: number) {
    this.#maxFiles = maxFiles;
    this.#maxMemory = maxMemory;
    this.#byKey = new LRUCache<string, Entry>({
      maxSize: maxMemory, // and not `max`, for which it would reserve room at once
      sizeCalculation: ({ mapping }) => mapping.size + mapping.unpackedBytes,
      dispose: ({ mapping }, _key, reason) => {
        if (reason === 'evict') this.#evictions += 1;
        this.#letGo(mapping);
      },
    });
  }

  get files(): number {
    return this.#byKey.size;
  }

  /** Mapped and unpacked. */
  get bytes(): number {
    return this.#byKey.calculatedSize;
  }

  get unpackedBytes(): number {
    return this.#byKey.calculatedSize - this.#mappedBytes;
  }

  /** How many had to go for a limit. */
  get evictions(): number {
    return this.#evictions;
  }

  /** Counts as a use. */
  get(key: string): Mapping | undefined {
    return this.#byKey.get(key)?.mapping;
  }

  peek(key: string): Mapping | undefined {
    return this.#byKey.peek(key)?.mapping;
  }

  /** What a path led to, if it is kept. */
  at(path: string): Mapping | undefined {
    return this.#byPath.get(path);
  }

  /** Remembers what a path leads to. */
  ledFrom(path: string, mapping: Mapping): void {
    if (this.peek(mapping.key) !== mapping) return;
    this.#byPath.set(path, mapping);
    mapping.paths.add(path);
    if (mapping.paths.size <= MOST_PATHS) return;
    const [oldest] = mapping.paths;
    mapping.paths.delete(oldest!);
    if (this.#byPath.get(oldest!) === mapping) this.#byPath.delete(oldest!);
  }

  /** Takes the place of what was kept under its key. One beyond `maxMemory` is not kept: then only its handles hold it. */
  keep(mapping: Mapping): void {
    this.drop(mapping.key);
    if (mapping.size > this.#maxMemory) return;
    this.#mappedBytes += mapping.size;
    this.#byKey.set(mapping.key, { mapping: mapping.retain() });
    while (this.#byKey.size > this.#maxFiles) this.#byKey.pop();
  }

  /**
   * A mapping unpacked a section. Others go if that is too much; what does not fit beside the file itself, or belongs to a
   * mapping that is not kept, is its users' to hold.
   */
  grown(mapping: Mapping): void {
    const isKept = this.peek(mapping.key) === mapping;
    if (!isKept || mapping.size + mapping.unpackedBytes > this.#maxMemory) mapping.forgetUnpacked();
    if (isKept) this.#byKey.set(mapping.key, { mapping }, { noDisposeOnSet: true });
  }

  drop(key: string): boolean {
    return this.#byKey.delete(key);
  }

  clear(): void {
    this.#byKey.clear();
  }

  #letGo(mapping: Mapping): void {
    for (const path of mapping.paths) if (this.#byPath.get(path) === mapping) this.#byPath.delete(path);
    mapping.paths.clear();
    this.#mappedBytes -= mapping.size;
    mapping.forgetUnpacked();
    mapping.release();
  }
}
