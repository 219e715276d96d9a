// Companions: what was compiled for a library whose file we cannot change lives in an SMF file of its own, in the cache
// directory, under the SHA-256 of the library's content. Whoever opens the same content finds it, whatever its path.
import { join } from 'node:path';
import { type Trust, trustOf } from '@simple-jit/smf-cache';
import { parseSmf, SmfBuilder, SmfFormatError } from '@simple-jit/smf-format';
import { cacheDirectoryProblem, prepareCacheDirectory } from './cache-directory.js';
import { type LinkableFunction, sha256 } from './function.js';
import { persistInto, withoutOutdated } from './persist.js';
import { noFunctions, type PersistedFunctions, readPersisted } from './persisted.js';
import { readRegularFile, replaceFile, withFileLock } from './replace-file.js';
import type { Waiting } from './waiting.js';

/** Persisted functions, and whether their code may run. */
export interface PersistedSource {
  readonly functions: PersistedFunctions;
  readonly trust: Trust;
}

const ABSENT: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EINVAL']);

export class Companions {
  readonly #directory: string | undefined;

  /** @param directory undefined: there are none */
  constructor(directory: string | undefined) {
    this.#directory = directory;
  }

  get enabled(): boolean {
    return this.#directory !== undefined;
  }

  /** Makes sure that `write` has a place. @throws JitError `ERR_CACHE_DIRECTORY` */
  prepare(): void {
    if (this.#directory !== undefined) prepareCacheDirectory(this.#directory);
  }

  /** What earlier runs compiled for a library of this content. `hash` is asked for only if there is any companion. */
  read(hash: () => string): PersistedSource | undefined {
    const directory = this.#directory;
    const problem = directory === undefined ? undefined : absent(() => ({ is: cacheDirectoryProblem(directory) }));
    if (directory === undefined || problem === undefined) return undefined;
    const found = absent(() => readWithTrust(companionPath(directory, hash())));
    if (found === undefined) return undefined;
    if (problem.is === undefined) return { functions: parseFunctions(found.bytes), trust: found.trust };
    const trust: Trust = { trusted: false, reason: `the cache directory ${directory}: ${problem.is}` };
    return { functions: parseFunctions(found.bytes), trust };
  }

  /**
   * Adds functions to the companion of a library.
   *
   * @param library its content
   * @param functions asked for once nobody else changes the companion
   * @returns the companion's path
   * @throws JitError `ERR_CACHE_DIRECTORY`; Error `ELOCKED` and those of node:fs
   */
  *write(library: Uint8Array, functions: () => readonly LinkableFunction[], lockTimeout: number): Waiting<string> {
    if (this.#directory === undefined) throw new TypeError('companions are disabled');
    prepareCacheDirectory(this.#directory);
    const path = companionPath(this.#directory, sha256(library));
    yield* withFileLock(path, lockTimeout, () => {
      // A newer version of the library is on disk than these were compiled from: they would never be taken.
      const fresh = withoutOutdated(parseSmf(library), functions());
      const owner = { mode: 0o600, uid: process.geteuid!(), gid: process.getegid!() };
      replaceFile(path, persistInto(trustedContent(path), fresh), owner);
    });
    return path;
  }
}

const companionPath = (directory: string, hash: string): string => join(directory, `${hash}.smf`);

/** What to add to: what is there, if it is whole and ours; else an empty file. It is a cache: nothing is lost for good. */
function trustedContent(path: string): Uint8Array {
  const found = absent(() => readWithTrust(path));
  if (found?.trust.trusted && parseFunctions(found.bytes).damage === undefined) return found.bytes;
  return new SmfBuilder().build();
}

function parseFunctions(bytes: Uint8Array): PersistedFunctions {
  try {
    return readPersisted(parseSmf(bytes));
  } catch (error) {
    if (!(error instanceof SmfFormatError)) throw error;
    return noFunctions(`the companion is damaged: ${error.message}`);
  }
}

/** Trust is judged on the descriptor that the bytes are read from. */
function readWithTrust(path: string): { bytes: Uint8Array; trust: Trust } {
  const { bytes, stat } = readRegularFile(path);
  return { bytes, trust: trustOf(stat) };
}

/** Undefined if there is no such file, or none that we may look at. */
function absent<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}
