// The JIT: modules in, symbols to addresses, results written back.
import { resolve } from 'node:path';
import type { CodeArena } from '@simple-jit/native-mem';
import { type MappedSmf, SmfCache } from '@simple-jit/smf-cache';
import type { NotePossible } from '@simple-jit/smf-format';
import type { Signature, Type } from '@simple-jit/template-ir';
import { arenaFor } from './arena.js';
import type { Backend, Callable, Installed } from './backend.js';
import { Companions } from './companion.js';
import { completeConfig, type JitInstantiatorConfig } from './config.js';
import { type FlushFailure, JitError } from './errors.js';
import { emit } from './events.js';
import { Installations } from './installations.js';
import { InstantiationError } from './instantiation-error.js';
import { Interpreter } from './interpreter.js';
import { Invalidation } from './invalidation.js';
import { Ledger } from './ledger.js';
import { Linker } from './link.js';
import { LoadedModule } from './module.js';
import { Modules } from './modules.js';
import type { JitStats, Outcome } from './outcome.js';
import { type Planned, type Request, requestFor, requestForInstance } from './plan.js';
import { Planner } from './planner.js';
import type { JitInstantiationResult } from './result.js';
import { KeyRing } from './signature.js';
import { type Judged, judge } from './trust.js';
import { printTypeArgs } from './type-args.js';
import { WriteBackQueue } from './write-back.js';

/**
 * Turns symbols that no one compiled into machine code: finds the template in a loaded SMF file, specialises it, compiles
 * it for this machine, installs it and everything that it calls, and writes the results back into the file, so that
 * the next process finds them compiled.
 *
 * It owns the installed code: addresses are good until their symbol is dropped, replaced by a reload, or `close()`.
 *
 * @example
 * using jit = new JitInstantiator();
 * jit.loadSmfMetadata('collections.smf');
 * const result = jit.tryJitInstantiate('fn$sum$f64');
 * if (isSuccess(result)) console.log(result.address);
 */
export class JitInstantiator implements Disposable {
  readonly config: JitInstantiatorConfig;
  readonly #cache: SmfCache;
  /** Where its code is; undefined if it interprets. */
  readonly arena: CodeArena | undefined;
  readonly #linker: Backend;
  readonly #planner: Planner;
  readonly #companions: Companions;
  readonly #keys: KeyRing;
  readonly #writeBack: WriteBackQueue;
  readonly #modules = new Modules();
  readonly #installed = new Installations();
  readonly #invalidation: Invalidation;
  readonly #inFlight = new Map<string, Promise<JitInstantiationResult>>();
  readonly #ledger = new Ledger((line) => this.#log(line));
  #closed = false;

  /**
   * @throws RangeError for a limit that is not a non-negative integer; TypeError for a key that is no Ed25519 key
   * @throws NativeMemError `ERR_EXEC_MEMORY_REFUSED`, `ENOMEM` where executable memory is refused, unless `mode` is another
   */
  constructor(config: Partial<JitInstantiatorConfig> = {}) {
    this.config = completeConfig(config);
    this.#cache = this.config.cache ?? new SmfCache();
    this.arena = arenaFor(this.config);
    this.#linker =
      this.arena === undefined ? new Interpreter(this.config.externals) : new Linker(this.arena, this.config.externals);
    this.#planner = new Planner({
      backend: this.#linker,
      maxDepth: this.config.maxDepth,
      modules: this.#modules,
      installed: (symbol) => this.#installed.get(symbol),
    });
    this.#invalidation = new Invalidation({
      backend: this.#linker,
      modules: this.#modules,
      installed: this.#installed,
      planner: this.#planner,
      ledger: this.#ledger,
      instantiate: (symbol, find) => void this.#attempt(symbol, find),
    });
    this.#companions = new Companions(this.config.cacheDirectory);
    this.#keys = new KeyRing(this.config.trustedKeys);
    this.#writeBack = new WriteBackQueue(this.config, this.#companions, (line) => this.#log(line));
  }

  /**
   * Reads the note of an SMF file, so that what it lists can be instantiated. The file stays mapped until `unloadSmf` or
   * `close()`.
   *
   * Loading it again takes its present version: installed functions whose template (or row in a table) is another one now
   * are invalidated, as by {@link invalidateBySemanticKey}; all others stay.
   *
   * @throws NativeMemError `ENOENT`, `EACCES`, … if it cannot be mapped
   * @throws SmfFormatError, SdnSyntaxError if it is damaged; what was loaded before stays
   * @throws JitError `ERR_CLOSED`
   */
  loadSmfMetadata(path: string): void {
    this.#checkOpen();
    const start = performance.now();
    const file = this.#cache.get(path);
    let module: LoadedModule;
    try {
      module = new LoadedModule(file, this.#companions, this.#keys);
    } catch (error) {
      file.close();
      throw error;
    }
    this.#planner.invalidate();
    const before = this.#modules.set(module);
    this.#invalidation.came(module);
    this.#log(`loaded ${module.path}`);
    emit('load', () => ({ path: module.path, durationMs: performance.now() - start }));
    this.#invalidation.takeOver(before, module);
  }

  /**
   * Forgets a module and the symbols that were instantiated for it; true if it was loaded. Callables that were bound to
   * them throw from now on; functions of other modules that call them still do. Results that wait to be written into the
   * file are still written.
   */
  unloadSmf(path: string): boolean {
    const module = this.#modules.get(resolve(path)) ?? this.#modules.get(path);
    if (module === undefined) return false;
    this.#modules.delete(module.path);
    this.#planner.invalidate();
    this.#invalidation.went(module);
    module.close();
    return true;
  }

  /** The row of a `possible` table that lists the symbol, from the first loaded module that has one. */
  findPossible(symbol: string): { readonly path: string; readonly entry: NotePossible } | undefined {
    const module = this.#modules.withPossible(symbol);
    const entry = module?.possible(symbol);
    return module && entry && { path: module.path, entry };
  }

  /** Whether native code of a file may run: by its signature if it has one, else by its owner. Reads all of a signed file. */
  judge(file: MappedSmf): Judged {
    return judge(file, this.#keys);
  }

  /** True if a loaded module's note lists the symbol and the JIT is enabled; it may still fail to compile. */
  canJitInstantiate(symbol: string): boolean {
    return this.config.enabled && this.#modules.withListing(symbol) !== undefined;
  }

  /**
   * Gives the symbol's code: installed before, persisted in its file, or compiled now, with all that it calls.
   *
   * Never throws for anything in a file. A failure is not remembered: the next call tries again.
   *
   * @throws JitError `ERR_CLOSED`
   */
  tryJitInstantiate(symbol: string): JitInstantiationResult {
    this.#checkOpen();
    if (!this.config.enabled) return { kind: 'notFound', symbol };
    const known = this.#installed.get(symbol);
    if (known !== undefined) return this.#resultOf(known);
    return this.#attempt(symbol, () => requestFor(symbol, this.#modules));
  }

  /**
   * As {@link tryJitInstantiate}, with a turn of the event loop after each function that it compiles or checks, so that a large
   * instantiation blocks nothing for long. Nothing is published until all of it is in place. Requests at the same time
   * share their work: no function is compiled twice, and who asks for a symbol that is on its way gets the same result.
   *
   * @throws JitError `ERR_CLOSED`, as a rejection, also when it is closed meanwhile
   */
  async instantiateAsync(symbol: string): Promise<JitInstantiationResult> {
    this.#checkOpen();
    if (!this.config.enabled) return { kind: 'notFound', symbol };
    const known = this.#installed.get(symbol);
    if (known !== undefined) return this.#resultOf(known);
    let flight = this.#inFlight.get(symbol);
    if (flight === undefined) {
      flight = this.#attemptSliced(symbol).finally(() => this.#inFlight.delete(symbol));
      this.#inFlight.set(symbol, flight);
    }
    return flight;
  }

  /**
   * As {@link tryJitInstantiate}, for an instance that no table need list: a template by name, with types for it. Its
   * symbol is the one that a table gives to it, or else its mangled name (`sum` for `f64` is `fn$sum$f64`); once written
   * back, the file's table of instantiations lists it.
   *
   * @param typeArgs types, or as a note writes them: `f64`, `ptr<u8>`, `i32,f64`; empty for a template without parameters
   * @returns `notFound` only if the JIT is disabled; a template that no loaded module holds is a `compilationError`
   * @throws JitError `ERR_CLOSED`
   * @example jit.instantiate('sort', 'u16')
   */
  instantiate(template: string, typeArgs: string | readonly Type[] = ''): JitInstantiationResult {
    this.#checkOpen();
    const name = `${template}<${typeof typeArgs === 'string' ? typeArgs : printTypeArgs(typeArgs)}>`;
    if (!this.config.enabled) return { kind: 'notFound', symbol: name };
    return this.#attempt(name, () => requestForInstance(template, typeArgs, this.#modules));
  }

  /** The signature of a symbol that was instantiated; undefined for every other. */
  signatureOf(symbol: string): Signature | undefined {
    return this.#installed.get(symbol)?.code.signature;
  }

  /** How the latest lookup of the symbol ended, and why; undefined if it was never looked up, or in no table. */
  explain(symbol: string): Outcome | undefined {
    return this.#ledger.outcomeOf(symbol);
  }

  /**
   * An address to call the function by that outlives it: when it is invalidated or dropped and instantiated anew (with the
   * same signature), calls go to the new code. Undefined for a symbol that is not installed, or interpreted. Costs one more jump a call.
   */
  entryOf(symbol: string): bigint | undefined {
    const installed = this.#installed.get(symbol);
    return installed && this.#linker.entryOf(installed);
  }

  /**
   * A callable for a symbol that is installed, native or interpreted, with the signature of its template; undefined for every
   * other. It follows the symbol as {@link entryOf} does, and throws `ERR_CODE_FREED` once that has ended.
   *
   * Interpreted, it takes and gives the same kinds of values. It sees the typed arrays that it is given (not copies), and
   * the memory that native-mem mapped or allocated; a pointer into a typed array that it returns means nothing afterwards.
   *
   * @example jit.callable('fn$sum$f64')?.(new Float64Array([1, 2, 3]), 3n); // 6
   */
  callable(symbol: string): Callable | undefined {
    const installed = this.#installed.get(symbol);
    return installed && this.#linker.callable(installed);
  }

  /**
   * Forgets the installed code of a symbol; the next `tryJitInstantiate` compiles it (or takes it from its file) again,
   * and code that calls it goes to the new code from then on. The old code is freed as soon as nothing can call it: then
   * functions that were bound to its address throw `ERR_CODE_FREED`. True if it was installed.
   */
  dropCachedSymbol(symbol: string): boolean {
    if (!this.#installed.has(symbol)) return false;
    this.#invalidation.drop([symbol]);
    return true;
  }

  /**
   * Drops every function that was made from a template, and every caller that relies on a signature that is no longer
   * so. Those that installed code (or an {@link entryOf}) still calls are instantiated anew at once, and their callers go
   * to the new code at their next call. If that fails (`explain` says why), the callers keep the old code.
   *
   * @param key a template (`sort`), or a template with its types (`sort<f64>`, `zip<i32,f64>`)
   * @returns the dropped symbols
   * @throws JitError `ERR_CLOSED`
   * @example jit.invalidateBySemanticKey('sort'); // ['fn$sort$f64', 'fn$sort$i32']
   */
  invalidateBySemanticKey(key: string): string[] {
    this.#checkOpen();
    return this.#invalidation.invalidate(this.#installed.ofSemanticKey(key));
  }

  /** Calls `listener` with the symbols whose addresses are no longer to be used, whenever some are dropped. */
  onDrop(listener: (symbols: readonly string[]) => void): void {
    this.#invalidation.onDrop(listener);
  }

  /**
   * Writes compiled functions back into the files whose notes list them: each file is replaced as a whole, under a lock,
   * with what other processes wrote meanwhile kept. What fails stays queued, and its symbols answer `updateFailed`.
   *
   * Blocks while another process holds the lock of a file, for `lockTimeout` at most; {@link flushAsync} does not.
   *
   * @returns the files that could not be written, with the errors; empty if all went well or nothing was to do
   */
  flush(): readonly FlushFailure[] {
    return this.#writeBack.flush();
  }

  /**
   * As {@link flush}, but the event loop turns while another process holds the lock of a file. What is compiled meanwhile
   * is written with the rest. The idle timer (`flushDelay`) does this.
   *
   * @returns as `flush`; it rejects for nothing
   * @example for (const { path, error } of await jit.flushAsync()) console.error(path, error.message);
   */
  flushAsync(): Promise<readonly FlushFailure[]> {
    return this.#writeBack.flushAsync();
  }

  stats(): JitStats {
    const cache = this.#cache.getStats();
    return {
      cachedCount: this.#installed.size,
      compileCount: this.#planner.compileCount,
      persisted: this.#ledger.persisted,
      rejected: this.#ledger.rejected,
      failed: this.#ledger.failed,
      instantiateMs: this.#ledger.instantiateMs,
      writeBackMs: this.#writeBack.totalMs,
      pendingWrites: this.#writeBack.size,
      loadedSmfCount: this.#modules.size,
      smfCacheHits: cache.cacheHits,
      smfCacheMisses: cache.cacheMisses,
      smfFilesMapped: cache.totalFiles,
      smfMemoryMapped: cache.totalMemory,
    };
  }

  /**
   * Writes results back, frees all code and lets go of all files. Callables made from its addresses throw from now on.
   * Closing twice does nothing.
   *
   * @throws JitError `ERR_WRITE_BACK` if results could not be written, after everything else is closed
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#planner.invalidate();
    const failures = this.#writeBack.close();
    for (const module of this.#modules.values()) module.close();
    this.#modules.clear();
    this.#installed.clear();
    this.#invalidation.clear();
    this.#linker.close();
    if (this.config.cache === undefined) this.#cache.close();
    if (failures.length > 0) throw JitError.writeBack(failures);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Ends a lookup that found nothing installed: with a result, whatever goes wrong, and an event. */
  #attempt(symbol: string, find: () => Request | undefined): JitInstantiationResult {
    const start = performance.now();
    let name = symbol;
    try {
      const request = find();
      if (request === undefined) return { kind: 'notFound', symbol };
      name = request.symbol;
      return this.#resultOf(this.#installed.get(name) ?? this.#install(this.#planner.plan(request), start));
    } catch (error) {
      return this.#failure(name, error, start);
    }
  }

  async #attemptSliced(symbol: string): Promise<JitInstantiationResult> {
    const start = performance.now();
    const find = () => {
      this.#checkOpen();
      return requestFor(symbol, this.#modules);
    };
    try {
      return await this.#planner.planSliced(find, (planned): JitInstantiationResult => {
        if (planned === undefined) return { kind: 'notFound', symbol };
        return this.#resultOf(this.#installed.get(symbol) ?? this.#install(planned, start));
      });
    } catch (error) {
      if (error instanceof JitError) throw error;
      return this.#failure(symbol, error, start);
    }
  }

  /** Installs a plan for its first function, but for what was installed since it was made. */
  #install(planned: readonly Planned[], start: number): Installed {
    const { symbol: root } = planned[0]!;
    const missing = planned.filter(({ symbol }) => !this.#installed.has(symbol));
    const installed = this.#linker.install(missing, (symbol) => this.#installed.get(symbol));
    for (const entry of installed) {
      this.#installed.add(entry);
      this.#invalidation.installed(entry);
      if (entry.origin === 'compiled' && this.config.updateSmf) this.#writeBack.add(entry.home, entry.code);
    }
    this.#ledger.installed(root, installed, performance.now() - start);
    return this.#installed.get(root)!;
  }

  #resultOf({ symbol, block, home }: Installed): JitInstantiationResult {
    const error = this.#writeBack.errorOf(home.path, symbol);
    if (error !== undefined) return { kind: 'updateFailed', symbol, error, address: block.address };
    return { kind: 'success', code: block.bytes(), symbol, address: block.address };
  }

  #failure(symbol: string, error: unknown, start: number): JitInstantiationResult {
    const message = error instanceof Error ? error.message : String(error);
    this.#ledger.failure(symbol, message, performance.now() - start);
    const cycle = error instanceof InstantiationError ? error.cycle : undefined;
    return cycle === undefined
      ? { kind: 'compilationError', message }
      : { kind: 'circularDependency', cycle: [...cycle] };
  }

  #checkOpen(): void {
    if (this.#closed) throw new JitError('ERR_CLOSED', 'this JitInstantiator is closed; make a new one');
  }

  #log(line: string): void {
    if (this.config.verbose) this.config.log(`[simple-jit] ${line}`);
  }
}
