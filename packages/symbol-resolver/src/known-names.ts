// What names are known to lead to: where they were registered, and where they were found. A name that is forgotten is
// looked for anew by who uses it next; so does code that calls it through its stub.
import type { BoundFunction, NativeSignature } from '@simple-jit/native-mem';
import type { Found } from './found.js';
import type { ImportStubs } from './import-stubs.js';
import type { Module } from './module.js';

type Registered = Found & { readonly from: 'table' };

export class KnownNames {
  /** Undefined where nothing runs but the interpreter. */
  readonly #stubs: ImportStubs | undefined;
  readonly #registered = new Map<string, Registered>();
  /** Of all of them, registered ones too: a hit costs one look-up here. */
  readonly #addresses = new Map<string, bigint>();
  /** To look in without a detour: most look-ups are hits. */
  readonly addresses: ReadonlyMap<string, bigint> = this.#addresses;
  /** The same names, but for those that are registered only. */
  readonly #found = new Map<string, Found>();
  /** Of `#found`: symbols of the process. */
  readonly #fromProcess = new Set<string>();
  readonly #callables = new Map<string, BoundFunction<NativeSignature>>();

  constructor(stubs: ImportStubs | undefined) {
    this.#stubs = stubs;
  }

  get registeredCount(): number {
    return this.#registered.size;
  }

  get foundCount(): number {
    return this.#found.size;
  }

  /** What was registered goes first. */
  get(name: string): Found | undefined {
    return this.#registered.get(name) ?? this.#found.get(name);
  }

  registered(name: string): Registered | undefined {
    return this.#registered.get(name);
  }

  /** The path from stub to stub that registered addresses make, if it comes back to where it was; else undefined. */
  circleFrom(name: string): readonly string[] | undefined {
    const path = [name];
    for (let next = this.#nextStub(name); next !== undefined; next = this.#nextStub(next)) {
      path.push(next);
      if (path.indexOf(next) < path.length - 1) return path;
    }
    return undefined;
  }

  register(name: string, address: bigint, signature: NativeSignature | undefined): void {
    this.forget(name);
    this.#registered.set(name, { from: 'table', address, signature });
    this.#addresses.set(name, address);
    this.#callables.delete(name);
  }

  remember(name: string, found: Found): void {
    this.#found.set(name, found);
    if (found.from === 'process') this.#fromProcess.add(name);
    if (found.address !== undefined) this.#addresses.set(name, found.address);
  }

  /** The callable that was kept for a name, until that is forgotten. */
  callable(name: string): BoundFunction<NativeSignature> | undefined {
    return this.#callables.get(name);
  }

  keepCallable(name: string, callable: BoundFunction<NativeSignature>): void {
    this.#callables.set(name, callable);
  }

  /** What was registered stays registered. */
  forget(name: string): void {
    this.#stubs?.unbind(name);
    this.#found.delete(name);
    this.#fromProcess.delete(name);
    if (this.#registered.has(name)) return;
    this.#addresses.delete(name);
    this.#callables.delete(name);
  }

  /** Of these names, those that the JIT instantiated. */
  forgetInstantiated(names: Iterable<string>): void {
    for (const name of names) if (this.#found.get(name)?.from === 'jit') this.forget(name);
  }

  /** The names that were found in the process, where something else has them now. */
  forgetFromProcess(isElsewhere: (name: string) => boolean): void {
    for (const name of this.#fromProcess) if (isElsewhere(name)) this.forget(name);
  }

  /** Names that a module has. Costs no more than going through the module's symbols. */
  forgetNamesOf(module: Module): void {
    const [found, stubs] = [this.#found, this.#stubs];
    const names = module.namesAmong({
      size: found.size + (stubs?.size ?? 0),
      has: (name) => found.has(name) || stubs?.has(name) === true,
      values: () => [...found.keys(), ...(stubs?.names() ?? [])],
    });
    for (const name of names) this.forget(name);
  }

  clear(): void {
    for (const books of [this.#registered, this.#addresses, this.#found, this.#callables]) books.clear();
    this.#fromProcess.clear();
  }

  #nextStub(name: string): string | undefined {
    const registered = this.#registered.get(name);
    return registered && this.#stubs?.nameAt(registered.address);
  }
}
