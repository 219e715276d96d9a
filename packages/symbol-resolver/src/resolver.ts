// Names to addresses and typed callables: what was registered, then the compiled symbols of loaded modules, then the JIT.
import { resolve as resolvePath } from 'node:path';
import { JitInstantiator, type JitInstantiatorConfig, nativeSignature } from '@simple-jit/jit-instantiator';
import { type BoundFunction, bindFunction, type NativeSignature } from '@simple-jit/native-mem';
import { SmfCache } from '@simple-jit/smf-cache';
import { SymbolBinding } from '@simple-jit/smf-format';
import { ResolveError } from './errors.js';
import { bindInterpreted } from './interpreted.js';
import { ModuleCode } from './module-code.js';

/** What `main` is called with unless the caller knows better. */
const MAIN: NativeSignature = { params: [], result: 'i32' };

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
  readonly #registered = new Map<string, bigint>();
  readonly #found = new Map<string, bigint>();
  /** Of `#found`: what the JIT gave, and takes back when its template changes. */
  readonly #fromJit = new Set<string>();
  readonly #signatures = new Map<string, NativeSignature>();
  readonly #callables = new Map<string, BoundFunction<NativeSignature>>();
  readonly #modules = new Map<string, ModuleCode>();
  #closed = false;

  /** @param config as for {@link JitInstantiator} */
  constructor(config: Partial<JitInstantiatorConfig> = {}) {
    this.#ownsCache = config.cache === undefined;
    this.#cache = config.cache ?? new SmfCache();
    this.jit = new JitInstantiator({ ...config, cache: this.#cache });
    this.jit.onDrop((symbols) => this.#forget(symbols));
  }

  /**
   * Gives a name an address, ahead of every module and the JIT; a later call replaces an earlier one.
   *
   * @param address the caller keeps what is there alive
   * @param signature for `resolveFunction`
   */
  register(name: string, address: bigint, signature?: NativeSignature): void {
    this.#checkOpen();
    this.#registered.set(name, address);
    this.#callables.delete(name);
    if (signature === undefined) this.#signatures.delete(name);
    else this.#signatures.set(name, signature);
  }

  /**
   * Makes a module's compiled symbols and templates available. Loading it again takes its present version.
   *
   * @throws NativeMemError, SmfFormatError, SdnSyntaxError as {@link JitInstantiator.loadSmfMetadata}
   */
  loadSmf(path: string): void {
    this.#checkOpen();
    const file = this.#cache.get(path);
    try {
      this.jit.loadSmfMetadata(path);
    } catch (error) {
      file.close();
      throw error;
    }
    this.#dropModule(file.path);
    this.#modules.set(file.path, new ModuleCode(file, this.jit.arena));
  }

  /** Takes a module's symbols away; callables into its own code throw from now on. True if it was loaded. */
  unload(path: string): boolean {
    const absolute = resolvePath(path);
    const known = this.#modules.has(absolute) ? absolute : path;
    this.jit.unloadSmf(known);
    return this.#dropModule(known);
  }

  /**
   * The address of a symbol, or undefined if nothing has it or it cannot be compiled (`resolveFunction` says why). What is
   * interpreted has no address: `resolveFunction` gives a callable.
   *
   * @throws ResolveError `ERR_CLOSED`
   */
  resolve(name: string): bigint | undefined {
    return this.#registered.get(name) ?? this.#found.get(name) ?? this.#find(name, []);
  }

  /**
   * A callable for the symbol. Its signature is that of its template, or the one it was registered with; for compiled
   * symbols of modules nothing tells it (but for `main`), so pass it. Without one, the same function is returned every time,
   * until its module is reloaded or unloaded. A callable that the JIT made calls the new code once its template was reloaded.
   *
   * @param signature gives the callable its TypeScript type, and may ask for `i64:number` where the symbol has `i64`
   * @throws ResolveError `ERR_UNRESOLVED` with what each place said; `ERR_NO_SIGNATURE`; `ERR_SIGNATURE_MISMATCH` if the
   *   symbol is known to have another one; `ERR_CLOSED`
   * @example
   * const sum = resolver.resolveFunction('fn$sum$f64', { params: ['ptr<f64>', 'i64:number'], result: 'f64' });
   * sum(new Float64Array([1, 2, 3]), 3); // 6
   */
  resolveFunction(name: string): BoundFunction<NativeSignature>;
  resolveFunction<const S extends NativeSignature>(name: string, signature: S): BoundFunction<S>;
  resolveFunction(name: string, signature?: NativeSignature): BoundFunction<NativeSignature> {
    const bound = signature === undefined ? this.#callables.get(name) : undefined;
    if (bound !== undefined) return bound;
    const reasons: string[] = [];
    const address = this.#registered.get(name) ?? this.#found.get(name) ?? this.#find(name, reasons);
    if (address === undefined && !this.#fromJit.has(name)) {
      const why =
        reasons.length > 0 ? reasons.join('; ') : 'no loaded module has it: load the SMF file that defines or lists it';
      throw new ResolveError('ERR_UNRESOLVED', `${name} could not be resolved: ${why}`, name, reasons);
    }
    const known = this.#signatures.get(name);
    if (signature !== undefined && known !== undefined && known !== MAIN) checkSignature(name, signature, known);
    const chosen = signature ?? known;
    if (chosen === undefined) {
      throw new ResolveError(
        'ERR_NO_SIGNATURE',
        `nothing says how to call ${name}: pass its signature, e.g. resolveFunction('${name}', { params: ['i64'], result: 'i64' })`,
        name,
      );
    }
    const isFromJit = this.#fromJit.has(name) && !this.#registered.has(name);
    const entry = isFromJit ? this.jit.entryOf(name) : address;
    const callable =
      entry === undefined ? bindInterpreted(this.jit.callable(name)!, chosen) : bindFunction(entry, chosen);
    if (signature === undefined) this.#callables.set(name, callable);
    return callable;
  }

  /** Closes the instantiator and frees all code. Closing twice does nothing. @throws JitError `ERR_WRITE_BACK`, after everything is closed */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const path of [...this.#modules.keys()]) this.#dropModule(path);
    for (const map of [this.#registered, this.#found, this.#fromJit, this.#signatures, this.#callables]) map.clear();
    try {
      this.jit.close();
    } finally {
      if (this.#ownsCache) this.#cache.close();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #find(name: string, reasons: string[]): bigint | undefined {
    this.#checkOpen();
    this.#fromJit.delete(name);
    const address = this.#findCompiled(name, reasons) ?? this.#findByJit(name, reasons);
    if (address !== undefined) this.#found.set(name, address);
    return address;
  }

  /** Global before weak; within one binding the module that was loaded first. */
  #findCompiled(name: string, reasons: string[]): bigint | undefined {
    for (const binding of [SymbolBinding.Global, SymbolBinding.Weak]) {
      for (const module of this.#modules.values()) {
        const symbol = module.symbol(name);
        if (symbol?.binding !== binding) continue;
        const found = module.find(symbol);
        if ('address' in found) {
          if (name === 'main') this.#signatures.set(name, MAIN);
          return found.address;
        }
        reasons.push(found.refused);
      }
    }
    return undefined;
  }

  #findByJit(name: string, reasons: string[]): bigint | undefined {
    const result = this.jit.tryJitInstantiate(name);
    switch (result.kind) {
      case 'success':
      case 'updateFailed':
        this.#signatures.set(name, nativeSignature(this.jit.signatureOf(name)!));
        this.#fromJit.add(name);
        return this.jit.arena === undefined ? undefined : result.address; // interpreted: a callable, but no address
      case 'compilationError':
        reasons.push(result.message);
        return undefined;
      case 'circularDependency':
        reasons.push(`circular dependency: ${result.cycle.join(' -> ')}`);
        return undefined;
      case 'notFound':
        return undefined;
    }
  }

  #dropModule(path: string): boolean {
    const module = this.#modules.get(path);
    if (module === undefined) return false;
    this.#modules.delete(path);
    module.close();
    // Names are found again on demand: another module may have them too.
    for (const name of this.#found.keys()) {
      if (this.#registered.has(name)) continue;
      this.#callables.delete(name);
      this.#signatures.delete(name);
    }
    this.#found.clear();
    return true;
  }

  /** Their addresses are no longer to be used: they are found anew on demand. */
  #forget(symbols: readonly string[]): void {
    for (const name of symbols) {
      if (!this.#fromJit.delete(name)) continue;
      this.#found.delete(name);
      if (this.#registered.has(name)) continue;
      this.#callables.delete(name);
      this.#signatures.delete(name);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new ResolveError('ERR_CLOSED', 'this JitSymbolResolver is closed; make a new one');
  }
}

/** A caller may choose how i64 and u64 look in JavaScript, and nothing else. */
function checkSignature(name: string, wanted: NativeSignature, known: NativeSignature): void {
  const text = ({ params, result }: NativeSignature): string =>
    `(${params.join(', ')}) -> ${result}`.replaceAll(':number', '');
  if (text(wanted) === text(known)) return;
  throw new ResolveError(
    'ERR_SIGNATURE_MISMATCH',
    `${name} is ${text(known)}, it cannot be called as ${text(wanted)}: leave the signature out, or give that one`,
    name,
  );
}
