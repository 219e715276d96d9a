// Functions that were compiled and wait to be written into their files.

import { accessSync, constants, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import type { MappedSmf } from '@simple-jit/smf-cache';
import { parseLsmf, parseSmf, type SmfFile } from '@simple-jit/smf-format';
import type { Companions } from './companion.js';
import type { JitInstantiatorConfig } from './config.js';
import { type FlushFailure, JitError } from './errors.js';
import { emit } from './events.js';
import type { LinkableFunction } from './function.js';
import type { LoadedModule } from './module.js';
import { persistInto, persistProblem } from './persist.js';
import { readRegularFile, replaceFile, withFileLock } from './replace-file.js';
import { isSigned } from './signature.js';
import { atOnce, blocking, turning, type Waiting } from './waiting.js';

interface Pending {
  /** Where it is a module of a library: of which, and which. */
  readonly library: MappedSmf['library'];
  readonly functions: Map<string, LinkableFunction>;
  /** What the last attempt ended in. */
  error: Error | undefined;
}

export class WriteBackQueue {
  readonly #config: JitInstantiatorConfig;
  readonly #log: (line: string) => void;
  readonly #companions: Companions;
  readonly #pending = new Map<string, Pending>();
  /** Why a symbol can be kept in no file. */
  readonly #unwritable = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #totalMs = 0;

  constructor(config: JitInstantiatorConfig, companions: Companions, log: (line: string) => void) {
    this.#config = config;
    this.#companions = companions;
    this.#log = log;
  }

  /** Milliseconds spent in writing, so far. */
  get totalMs(): number {
    return this.#totalMs;
  }

  /** Functions that wait. */
  get size(): number {
    let size = 0;
    for (const { functions } of this.#pending.values()) size += functions.size;
    return size;
  }

  /** Queues a function; the idle timer starts anew. Bytes that came from no file have no place to be written to. */
  add(home: LoadedModule, code: LinkableFunction): void {
    if (home.file.identity === undefined) return;
    const problem = persistProblem(code);
    if (problem !== undefined) {
      this.#unwritable.set(code.symbol, problem);
      return;
    }
    let pending = this.#pending.get(home.path);
    if (pending === undefined) {
      // Known at once where it can be: then the very first result says that it will not be persisted.
      pending = { library: home.file.library, functions: new Map(), error: attempt(() => this.#checkPlace(home)) };
      this.#pending.set(home.path, pending);
    }
    pending.functions.set(code.symbol, code);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flushAsync(false), this.#config.flushDelay).unref();
  }

  /** Why the function cannot be written, or could not at the last attempt. */
  errorOf(path: string, symbol: string): string | undefined {
    const problem = this.#unwritable.get(symbol);
    if (problem !== undefined) return problem;
    const pending = this.#pending.get(path);
    return pending?.error && pending.functions.has(symbol) ? pending.error.message : undefined;
  }

  flush(): readonly FlushFailure[] {
    clearTimeout(this.#timer);
    const failures: FlushFailure[] = [];
    for (const [path, pending] of [...this.#pending]) {
      const told = this.#start(path, pending);
      const error = attempt(() => blocking(told.work));
      failures.push(...told.end(error));
    }
    return failures;
  }

  /** As `flush`; while another process holds a lock, the event loop turns. Never rejects. */
  async flushAsync(keepAlive = true): Promise<readonly FlushFailure[]> {
    clearTimeout(this.#timer);
    const failures: FlushFailure[] = [];
    for (const [path, pending] of [...this.#pending]) {
      if (this.#pending.get(path) !== pending) continue;
      const told = this.#start(path, pending);
      const error = await turning(told.work, keepAlive).then(() => undefined, asError);
      failures.push(...told.end(error));
    }
    return failures;
  }

  /** The writing of one file, and what is to be told of it once it ended. */
  #start(path: string, pending: Pending) {
    const start = performance.now();
    const written = new Map<string, LinkableFunction>();
    let place: string | undefined;
    const take = (): LinkableFunction[] => {
      if (this.#pending.get(path) !== pending) return []; // written, or given up, while this waited
      for (const [symbol, code] of pending.functions) written.set(symbol, code);
      return [...written.values()];
    };
    const write = this.#write.bind(this);
    const work = (function* (): Waiting<void> {
      place = yield* write(path, pending.library, take);
    })();
    const end = (error: Error | undefined): FlushFailure[] => {
      if (error === undefined && written.size === 0) return [];
      pending.error = error;
      const symbols = [...(error === undefined ? written : pending.functions).keys()];
      if (error === undefined) {
        // What was compiled while this waited is in `written`; what was compiled again since is not.
        for (const [symbol, code] of written)
          if (pending.functions.get(symbol) === code) pending.functions.delete(symbol);
        if (pending.functions.size === 0 && this.#pending.get(path) === pending) this.#pending.delete(path);
        this.#log(`wrote ${symbols.length} function(s) to ${place}`);
      } else {
        this.#log(`could not write ${path}: ${error.message}`);
      }
      const durationMs = performance.now() - start;
      this.#totalMs += durationMs;
      emit('write-back', () => ({ path, place, symbols, error, durationMs }));
      return error === undefined ? [] : [{ path, symbols, error }];
    };
    return { work, end };
  }

  /** The last flush; the timer is off. */
  close(): readonly FlushFailure[] {
    const failures = this.flush();
    this.#pending.clear();
    return failures;
  }

  /** @throws as {@link #write} would, as far as that can be told without writing */
  #checkPlace({ path, file }: LoadedModule): void {
    const here = (): void => {
      if (file.library !== undefined) throw isModule(path);
      checkWritable(realpathSync(path));
      checkUnsigned(path, file.file);
    };
    const companions = this.#companions;
    blocking(orElse(() => atOnce(here), companions.enabled ? () => atOnce(() => companions.prepare()) : undefined));
  }

  /** Writes into the file, or where that is refused into its companion. @returns the path of what was written */
  #write(path: string, library: Pending['library'], functions: () => readonly LinkableFunction[]): Waiting<string> {
    const { lockTimeout } = this.#config;
    const companions = this.#companions;
    return orElse(
      function* () {
        if (library !== undefined) throw isModule(path);
        const real = realpathSync(path); // a link stays a link: what it points to is replaced
        checkWritable(real);
        yield* withFileLock(real, lockTimeout, () => {
          // Read anew under the lock: another process may have written since we mapped it.
          const { bytes } = readRegularFile(real);
          checkUnsigned(real, parseSmf(bytes));
          const fresh = functions();
          if (fresh.length > 0) replaceFile(real, persistInto(bytes, fresh));
        });
        return real;
      },
      companions.enabled ? () => companions.write(contentOf(path, library), functions, lockTimeout) : undefined,
    );
  }
}

function contentOf(path: string, library: Pending['library']): Uint8Array {
  if (library === undefined) return readRegularFile(realpathSync(path)).bytes;
  return parseLsmf(readRegularFile(realpathSync(library.path)).bytes).open(library.module).bytes;
}

/** Others use the same library, and its modules lie one after the other: a module has no room to grow. */
function isModule(path: string): JitError {
  return new JitError('ERR_LIBRARY_MODULE', `${path} is a module of a library, and libraries are not changed`);
}

/** A read-only file is somebody's wish, though its directory would let us replace it. */
function checkWritable(path: string): void {
  accessSync(path, constants.W_OK);
  accessSync(dirname(path), constants.W_OK);
}

/** A file that we change is no longer what somebody signed. */
function checkUnsigned(path: string, file: SmfFile): void {
  if (isSigned(file)) throw new JitError('ERR_SIGNED', `${path} is signed, and changing it would end that`);
}

/** Where a file cannot be changed by us, now or ever. A lock that is held is another matter: that ends. */
const REFUSALS: ReadonlySet<string | undefined> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
  'ENAMETOOLONG', // of the temporary file or the lock beside it
  'ENOTDIR', // a file where the lock should be
  'ERR_SIGNED',
  'ERR_LIBRARY_MODULE',
]);

/** Does the first, or if that is refused the second. @throws Error that tells of both */
function* orElse<T>(first: () => Waiting<T>, second: (() => Waiting<T>) | undefined): Waiting<T> {
  try {
    return yield* first();
  } catch (refused) {
    if (second === undefined || !REFUSALS.has((refused as NodeJS.ErrnoException).code)) throw refused;
    try {
      return yield* second();
    } catch (error) {
      const [why, whyNot] = [refused, error].map((thrown) => (thrown as Error).message);
      throw Object.assign(new Error(`${why}; nor beside it: ${whyNot}`, { cause: error }), {
        code: (refused as NodeJS.ErrnoException).code,
      });
    }
  }
}

function attempt(action: () => void): Error | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return asError(error);
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
