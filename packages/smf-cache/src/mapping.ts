// One version of one file in memory, parsed, shared by every handle on it. It lives while the cache or a handle holds
// it; if handles are forgotten, MappedFile's own finalisation unmaps it.
import { type FileIdentity, MADV_WILLNEED, type MappedFile, madvise } from '@simple-jit/native-mem';
import type { SmfFile } from '@simple-jit/smf-format';

export class Mapping {
  readonly path: string;
  readonly smf: SmfFile;
  readonly size: number;
  readonly identity: FileIdentity | undefined;
  readonly #file: MappedFile | undefined;
  #holders = 0;

  constructor(path: string, smf: SmfFile, size: number, file?: MappedFile) {
    this.path = path;
    this.smf = smf;
    this.size = size;
    this.#file = file;
    this.identity = file?.stat;
  }

  /** Start of the mapping; 0n for bytes that were not mapped by us. */
  get address(): bigint {
    return this.#file?.address ?? 0n;
  }

  /** Asks the system to read it ahead. Best effort, as madvise(2) is. */
  readAhead(): void {
    if (this.#file !== undefined) madvise(this.#file.address, this.#file.size, MADV_WILLNEED);
  }

  retain(): this {
    this.#holders += 1;
    return this;
  }

  /** As release, for a holder that never was: does not unmap, as no one else may have come yet. */
  forgo(): void {
    this.#holders -= 1;
  }

  /** Unmaps when the last holder lets go. */
  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#file?.close();
  }
}

/** True if both are the same version of the same file. */
export function sameVersion(a: FileIdentity, b: FileIdentity): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs;
}
