// The loaded modules in load order, and which of them have a symbol. A few modules are walked: each finds a name in
// constant time. Beyond that an index of name hashes tells which to look at, so that a look-up costs the same however
// many there are.
import { fnv1a32, SymbolBinding } from '@simple-jit/smf-format';
import type { Definition, Module } from './module.js';

/** Up to here, asking each module costs less than keeping the index. */
const WALK_AT_MOST = 8;

export class ModuleTable {
  readonly #modules = new Map<string, Module>();
  /** By name hash: the modules that have such a symbol, in no order. */
  #index: Map<number, Module | Set<Module>> | undefined;
  /** Not in the index yet. */
  readonly #fresh = new Set<Module>();
  #nextOrder = 0;

  get size(): number {
    return this.#modules.size;
  }

  get(path: string): Module | undefined {
    return this.#modules.get(path);
  }

  /** In load order. */
  values(): IterableIterator<Module> {
    return this.#modules.values();
  }

  /** The place in load order for a module of that path: the one that it has, or the last. */
  orderFor(path: string): number {
    return this.#modules.get(path)?.order ?? this.#nextOrder;
  }

  /** Adds a module, or puts it in the place of the one of its path. Reads nothing of it. */
  set(module: Module): void {
    const before = this.#modules.get(module.path);
    if (before !== undefined) this.#unindex(before);
    this.#modules.set(module.path, module);
    this.#nextOrder = Math.max(this.#nextOrder, module.order + 1);
    this.#fresh.add(module);
  }

  /** To be called while its file is open. */
  delete(module: Module): void {
    this.#modules.delete(module.path);
    this.#unindex(module);
  }

  clear(): void {
    this.#modules.clear();
    this.#fresh.clear();
    this.#index = undefined;
  }

  /** The definitions of a name: global before weak, and within one binding the module that was loaded first. */
  definitions(name: string): readonly Definition[] {
    const found: Definition[] = [];
    for (const module of this.#candidates(name)) {
      // A file that others changed while it was mapped may have left what it does not have any more in the index.
      if (this.#modules.get(module.path) !== module) continue;
      const definition = module.definition(name);
      if (definition !== undefined) found.push(definition);
    }
    return found.length < 2 ? found : found.sort(byPrecedence);
  }

  #candidates(name: string): Iterable<Module> {
    if (this.#modules.size <= WALK_AT_MOST) return this.#modules.values();
    this.#index ??= new Map();
    for (const module of this.#fresh) this.#enter(module, this.#index);
    this.#fresh.clear();
    const entry = this.#index.get(fnv1a32(name) | 0);
    if (entry === undefined) return [];
    return entry instanceof Set ? entry : [entry];
  }

  #enter(module: Module, index: Map<number, Module | Set<Module>>): void {
    for (const hash of module.exportedHashes()) {
      const entry = index.get(hash);
      if (entry === undefined) index.set(hash, module);
      else if (entry instanceof Set) entry.add(module);
      else if (entry !== module) index.set(hash, new Set([entry, module]));
    }
  }

  #unindex(module: Module): void {
    if (this.#fresh.delete(module) || this.#index === undefined) return;
    try {
      for (const hash of module.exportedHashes()) {
        const entry = this.#index.get(hash);
        if (entry === module) this.#index.delete(hash);
        else if (entry instanceof Set && entry.delete(module) && entry.size === 0) this.#index.delete(hash);
      }
    } catch {
      // Its file became shorter: nothing tells any more where it is in the index, so the index is made anew.
      this.#index = undefined;
      for (const other of this.#modules.values()) if (other !== module) this.#fresh.add(other);
    }
  }
}

function byPrecedence(a: Definition, b: Definition): number {
  const weak = ({ symbol }: Definition): number => (symbol.binding === SymbolBinding.Weak ? 1 : 0);
  return weak(a) - weak(b) || a.module.order - b.module.order;
}
