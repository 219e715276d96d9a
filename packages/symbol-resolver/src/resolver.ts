// Names to addresses and typed callables: what was registered, then the compiled symbols of loaded modules, then the JIT,
// then the process. A name means the same to everybody: to `resolve`, to callables, and to the code of modules.
import { resolve as resolvePath } from 'node:path';
import { JitInstantiator } from '@simple-jit/jit-instantiator';
import { type BoundFunction, bindFunction, findCode, type NativeSignature } from '@simple-jit/native-mem';
import { SmfCache } from '@simple-jit/smf-cache';
import type { JitSymbolResolverConfig } from './config.js';
import { ResolveError } from './errors.js';
import type { Failure, Found } from './found.js';
import { type ImportStub, ImportStubs } from './import-stubs.js';
import { bindInterpreted } from './interpreted.js';
import { KnownNames } from './known-names.js';
import { Ledger, type ResolverStats } from './ledger.js';
import { type Import, Linker } from './linker.js';
import { find, findEntryPoint, findImport, type Places } from './lookup.js';
import { Module } from './module.js';
import { ModuleTable } from './module-table.js';
import { ProcessSymbols } from './process-symbols.js';
import { checkSignature, MAIN } from './signatures.js';

/**
 * Finds symbols by name across everything that is loaded.
 *
 * @example
 * using resolver = new JitSymbolResolver();
 * resolver.loadSmf('collections.smf');
 * const sum = resolver.resolveFunction('fn$sum$f64');
 * sum(new Float64Array([1, 2, 3]), 3n); // 6
 */
export class JitSymbolResolver implements Disposable {
  /** The instantiator behind it: for statistics, `flush()`, `explain()`. It is closed with the resolver. */
  readonly jit: JitInstantiator;
  readonly #cache: SmfCache;
  readonly #ownsCache: boolean;
  readonly #modules = new ModuleTable();
  readonly #places: Places;
  /** Undefined where nothing runs but the interpreter. */
  readonly #stubs: ImportStubs | undefined;
  readonly #names: KnownNames;
  /** Those of `#names`. */
  readonly #addresses: ReadonlyMap<string, bigint>;
  /** Lets go of the stub of a callable that nobody has any more. */
  readonly #collected = new FinalizationRegistry<ImportStub>((stub) => this.#stubs?.release(stub));
  readonly #ledger: Ledger;
  /** Counts what may change where a name leads. */
  #changes = 0;
  #closed = false;

  /**
   * @param config as for {@link JitInstantiator}, and `processSymbols`
   * @throws what making a JitInstantiator throws; TypeError for `processSymbols` that are no list
   */
  constructor({ processSymbols = [], ...config }: Partial<JitSymbolResolverConfig> = {}) {
    const process = new ProcessSymbols(processSymbols);
    this.#ownsCache = config.cache === undefined;
    this.#cache = config.cache ?? new SmfCache();
    this.jit = new JitInstantiator({ ...config, cache: this.#cache });
    this.jit.onDrop((symbols) => {
      this.#changes += 1;
      this.#names.forgetInstantiated(symbols);
    });
    const { arena } = this.jit;
    this.#stubs = arena && new ImportStubs(arena, (name) => this.#functionAddress(name));
    this.#names = new KnownNames(this.#stubs);
    this.#addresses = this.#names.addresses;
    const { verbose, log } = this.jit.config;
    this.#ledger = new Ledger(verbose ? log : undefined);
    const findImport = this.#importOf.bind(this);
    const linker = arena && this.#stubs && new Linker(arena, this.#stubs, findImport, this.#ledger);
    this.#places = { modules: this.#modules, jit: this.jit, process, linker };
  }

  /**
   * Gives a name an address, ahead of every module and the JIT; a later call replaces an earlier one. Code of modules that
   * imports the name goes there from its next call on.
   *
   * @param address the caller keeps what is there alive
   * @param signature for `resolveFunction`; says that it is a function where that cannot be told from the address
   * @throws ResolveError `ERR_CLOSED`
   */
  register(name: string, address: bigint, signature?: NativeSignature): void {
    this.#checkOpen();
    this.#changes += 1;
    this.#names.register(name, address, signature);
  }

  /**
   * Makes a module's compiled symbols and templates available. Its code is brought into memory when one of its symbols is
   * used for the first time. Loading it again takes its present version, if that is another one: its code and data begin
   * anew, and callables and the code of other modules go to the new code from their next call on.
   *
   * @throws NativeMemError, SmfFormatError, SdnSyntaxError as {@link JitInstantiator.loadSmfMetadata}
   * @throws ResolveError `ERR_CLOSED`
   */
  loadSmf(path: string): void {
    this.#checkOpen();
    const file = this.#cache.get(path);
    let module: Module;
    try {
      this.jit.loadSmfMetadata(path);
      this.#checkOpen(); // that is told of, to whoever listens
      if (this.#modules.get(file.path)?.isSameVersion(file)) {
        file.close();
        return;
      }
      const order = this.#modules.orderFor(file.path);
      module = new Module(file, order, (mapped) => this.jit.judge(mapped), this.#stubs !== undefined);
    } catch (error) {
      file.close();
      throw error;
    }
    this.#changes += 1;
    const before = this.#modules.get(module.path);
    this.#modules.set(module);
    this.#names.forgetNamesOf(module);
    // The JIT, which may know them now, goes before the process.
    this.#names.forgetFromProcess((name) => this.jit.canJitInstantiate(name));
    if (before !== undefined) this.#retire(before);
    this.#ledger.tell();
  }

  /**
   * Takes a module's symbols away; true if it was loaded. Callables of them throw `ERR_UNRESOLVED` from now on (or go to
   * another module that has the name), and so does code of other modules that calls them, until a module that has them
   * is loaded again. Its memory is freed once no call is in it, and no loaded module refers to its data by address.
   */
  unload(path: string): boolean {
    const module = this.#moduleAt(path);
    this.jit.unloadSmf(module?.path ?? path);
    if (module === undefined) return false;
    this.#changes += 1;
    this.#modules.delete(module);
    this.#retire(module);
    this.#ledger.tell();
    return true;
  }

  /**
   * The address of a symbol, function or data, or undefined if nothing has it or it cannot be compiled or loaded
   * (`resolveFunction` says why). What is interpreted has no address: `resolveFunction` gives a callable.
   *
   * @throws ResolveError `ERR_CLOSED`; NativeMemError if memory is refused, or `ERR_FILE_SHRUNK` while a module is loaded
   *   whose file became shorter: load it again, or unload it
   */
  resolve(name: string): bigint | undefined {
    return this.#addresses.get(name) ?? this.#find(name, { reasons: [] })?.address;
  }

  /**
   * A callable for the symbol. Its signature is that of its template, or the one it was registered with; for compiled
   * symbols of modules and of the process nothing tells it (but for `main`), so pass it. Without one, the same function is
   * returned every time, until its module is reloaded or unloaded. A callable follows its symbol: once the module or the
   * template was reloaded, it calls the new code.
   *
   * @param signature gives the callable its TypeScript type, and may ask for `i64:number` where the symbol has `i64`
   * @throws ResolveError `ERR_UNRESOLVED` with what each place said (its `cause` is the {@link LinkError} of a module that
   *   has the symbol but cannot be loaded); `ERR_NO_SIGNATURE`; `ERR_NOT_A_FUNCTION`; `ERR_SIGNATURE_MISMATCH` if the
   *   symbol is known to have another one; `ERR_CLOSED`
   * @throws NativeMemError as {@link resolve}
   * @example
   * const sum = resolver.resolveFunction('fn$sum$f64', { params: ['ptr<f64>', 'i64:number'], result: 'f64' });
   * sum(new Float64Array([1, 2, 3]), 3); // 6
   */
  resolveFunction(name: string): BoundFunction<NativeSignature>;
  resolveFunction<const S extends NativeSignature>(name: string, signature: S): BoundFunction<S>;
  resolveFunction(name: string, signature?: NativeSignature): BoundFunction<NativeSignature> {
    const bound = signature === undefined ? this.#names.callable(name) : undefined;
    if (bound !== undefined) return bound;
    const found = this.#findFunction(name);
    const known = found.signature;
    if (signature !== undefined && known !== undefined && known !== MAIN) checkSignature(name, signature, known);
    const chosen = signature ?? known;
    if (chosen === undefined) {
      throw new ResolveError(
        'ERR_NO_SIGNATURE',
        `nothing says how to call ${name}: pass its signature, e.g. resolveFunction('${name}', { params: ['i64'], result: 'i64' })`,
        name,
      );
    }
    const callable = this.#bind(name, found, chosen);
    if (signature === undefined) this.#names.keepCallable(name, callable);
    return callable;
  }

  /**
   * A callable for where an executable module begins (`entry_point` of its header). It follows the module as callables of
   * symbols do.
   *
   * @param path of a loaded module
   * @param signature how to call it; nothing tells that
   * @throws ResolveError `ERR_NOT_LOADED`, `ERR_NO_ENTRY_POINT`, `ERR_CLOSED`; {@link LinkError} if it cannot be loaded;
   *   NativeMemError if memory is refused
   * @example resolver.entryPoint('app.smf')(); // its exit status
   */
  entryPoint(path: string): BoundFunction<typeof MAIN>;
  entryPoint<const S extends NativeSignature>(path: string, signature: S): BoundFunction<S>;
  entryPoint(path: string, signature: NativeSignature = MAIN): BoundFunction<NativeSignature> {
    this.#checkOpen();
    const key = entryKey(this.#moduleAt(path)?.path ?? resolvePath(path));
    this.#entryAddress(key);
    return this.#bindStub(key, signature, `the entry point of ${path}`);
  }

  /**
   * The symbol of a module, local ones too, that an address in memory lies in; undefined if it is in no module's code or data.
   * Goes through the symbols of that module.
   *
   * @example if (error instanceof TrapError) console.log(resolver.symbolAt(error.pc)?.symbol);
   */
  symbolAt(address: bigint): { readonly path: string; readonly symbol: string; readonly offset: number } | undefined {
    for (const module of this.#modules.values()) {
      const place = module.image?.placeOf(Number(address));
      if (place === undefined) continue;
      const symbol = module.symbolBefore(place.section, place.offset);
      return symbol && { path: module.path, symbol: symbol.name, offset: place.offset - symbol.value };
    }
    return undefined;
  }

  /**
   * What it did and what it holds, exactly; that of its instantiator is in `jit.stats()`. After `close()` it holds nothing.
   *
   * @example resolver.stats().linkedModules
   */
  stats(): ResolverStats {
    const none = { linkedModules: 0, codeBytes: 0, dataBytes: 0, constantBytes: 0 };
    return {
      loadedModules: this.#modules.size,
      ...(this.#places.linker?.totals() ?? none),
      importStubs: this.#stubs?.size ?? 0,
      registeredNames: this.#names.registeredCount,
      knownNames: this.#names.foundCount,
      ...this.#ledger.counts,
    };
  }

  /** Closes the instantiator and frees all code. Closing twice does nothing. @throws JitError `ERR_WRITE_BACK`, after everything is closed */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#changes += 1;
    this.#places.linker?.close();
    for (const module of this.#modules.values()) module.close();
    this.#modules.clear();
    this.#names.clear();
    try {
      this.jit.close();
    } finally {
      if (this.#ownsCache) this.#cache.close();
      this.#ledger.tell();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #moduleAt(path: string): Module | undefined {
    return this.#modules.get(resolvePath(path)) ?? this.#modules.get(path);
  }

  /** Where the name leads; remembers it. */
  #find(name: string, failure: Failure): Found | undefined {
    return this.#settled(name, () => {
      const known = this.#names.get(name);
      if (known !== undefined) return known;
      failure.reasons.length = 0;
      delete failure.cause;
      const changes = this.#changes;
      const start = performance.now();
      let found: Found | undefined;
      try {
        found = find(this.#places, name, failure);
        if (found !== undefined && changes === this.#changes) this.#names.remember(name, found);
      } finally {
        this.#ledger.lookedUp(name, found, failure.reasons, performance.now() - start);
      }
      return found;
    });
  }

  #entryAddress(key: string): bigint {
    const path = key.slice(ENTRY.length);
    return this.#settled(`the entry point of ${path}`, () => findEntryPoint(this.#places, path));
  }

  /**
   * What `look` gives, and tells of what it did. Who listens may load and unload modules: then it may be elsewhere by now,
   * and is looked for again.
   */
  #settled<T>(name: string, look: () => T): T {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      this.#checkOpen();
      const changes = this.#changes;
      let found: T;
      try {
        found = look();
      } finally {
        this.#ledger.tell();
      }
      if (changes === this.#changes) return found;
    }
    throw unresolved(name, { reasons: ['each time that it is looked for, a listener loads or unloads something'] });
  }

  /** @throws ResolveError `ERR_UNRESOLVED`, `ERR_NOT_A_FUNCTION` */
  #findFunction(name: string): Found {
    const failure: Failure = { reasons: [] };
    const found = this.#find(name, failure);
    if (found === undefined) throw unresolved(name, failure);
    if (found.from !== 'module' || found.isFunction) return found;
    throw new ResolveError('ERR_NOT_A_FUNCTION', `${name} is data: resolve('${name}') gives its address`, name);
  }

  #bind(name: string, found: Found, signature: NativeSignature): BoundFunction<NativeSignature> {
    switch (found.from) {
      case 'table':
        return bindFunction(found.address, signature, { name });
      case 'jit': {
        const entry = this.jit.entryOf(name);
        return entry === undefined
          ? bindInterpreted(this.jit.callable(name)!, signature)
          : bindFunction(entry, signature, { name });
      }
      default:
        return this.#bindStub(name, signature, name);
    }
  }

  /** A callable that goes where a name leads, whatever that is at the time. */
  #bindStub(key: string, signature: NativeSignature, name: string): BoundFunction<NativeSignature> {
    const stub = this.#stubs!.acquire(key);
    try {
      const callable = bindFunction(stub.address, signature, { name });
      this.#collected.register(callable, stub);
      return callable;
    } catch (error) {
      this.#stubs!.release(stub);
      throw error;
    }
  }

  /** Where a call through the stub of a name goes. @throws ResolveError, LinkError */
  #functionAddress(name: string): bigint {
    this.#checkOpen();
    if (name.startsWith(ENTRY)) return this.#entryAddress(name);
    const found = this.#findFunction(name);
    // Code has the addresses of stubs, so that one may be registered: jumps from stub to stub must end.
    const circle = found.from === 'table' ? this.#names.circleFrom(name) : undefined;
    if (circle !== undefined) {
      throw unresolved(name, { reasons: [`what is registered goes in circles: ${circle.join(' -> ')}`] });
    }
    return found.from === 'jit' ? this.jit.entryOf(name)! : found.address;
  }

  /** What a name leads to that a module does not define itself. */
  #importOf(name: string, reasons: string[]): Import | undefined {
    const registered = this.#names.registered(name);
    if (registered === undefined) return findImport(this.#places, name, reasons);
    const { address, signature } = registered;
    const isFunction = signature !== undefined || findCode(address) !== undefined;
    return isFunction ? { kind: 'function' } : { kind: 'address', address: Number(address) };
  }

  /** A module is in the table no more: its names are found anew, and what was in memory of it goes. */
  #retire(module: Module): void {
    this.#names.forgetNamesOf(module);
    this.#stubs?.unbind(entryKey(module.path));
    this.#places.linker?.unload(module);
    module.close();
  }

  #checkOpen(): void {
    if (this.#closed) throw new ResolveError('ERR_CLOSED', 'this JitSymbolResolver is closed; make a new one');
  }
}

/** So often a name is looked for that listeners take away. */
const MOST_TRIES = 8;

/** Before the path of a module, where the name of a symbol would be: those have no NUL. */
const ENTRY = '\0entry ';
const entryKey = (path: string): string => ENTRY + path;

function unresolved(name: string, { reasons, cause }: Failure): ResolveError {
  const why =
    reasons.length > 0 ? reasons.join('; ') : 'no loaded module has it: load the SMF file that defines or lists it';
  const options = cause === undefined ? undefined : { cause };
  return new ResolveError('ERR_UNRESOLVED', `${name} could not be resolved: ${why}`, name, reasons, options);
}
