// What is installed, found by symbol, template, instance, module and callee, so that a change costs what it affects and
// not what there is.
import type { Installed } from './backend.js';
import { instanceOf, withoutBlanks } from './instance.js';
import type { LoadedModule } from './module.js';
import { MultiMap } from './multi-map.js';
import { typeName } from './type-layouts.js';

export class Installations {
  readonly #bySymbol = new Map<string, Installed>();
  readonly #byTemplate = new MultiMap<string, string>();
  readonly #byInstance = new MultiMap<string, string>();
  readonly #byHome = new MultiMap<LoadedModule, string>();
  readonly #byCallee = new MultiMap<string, string>();
  /** By the name of a struct or enum whose layout the code relies on. */
  readonly #byType = new MultiMap<string, string>();

  get size(): number {
    return this.#bySymbol.size;
  }

  has(symbol: string): boolean {
    return this.#bySymbol.has(symbol);
  }

  get(symbol: string): Installed | undefined {
    return this.#bySymbol.get(symbol);
  }

  values(): Iterable<Installed> {
    return this.#bySymbol.values();
  }

  /** A symbol is added only while it is not there. */
  add(entry: Installed): void {
    const { symbol, template, home, code } = entry;
    this.#bySymbol.set(symbol, entry);
    this.#byTemplate.add(template, symbol);
    this.#byInstance.add(instanceOf(entry), symbol);
    this.#byHome.add(home, symbol);
    for (const callee of code.imports) this.#byCallee.add(callee.symbol, symbol);
    for (const { type } of code.requirements.layouts) this.#byType.add(typeName(type), symbol);
  }

  delete(symbol: string): void {
    const entry = this.#bySymbol.get(symbol);
    if (entry === undefined) return;
    this.#bySymbol.delete(symbol);
    this.#byTemplate.delete(entry.template, symbol);
    this.#byInstance.delete(instanceOf(entry), symbol);
    this.#byHome.delete(entry.home, symbol);
    for (const callee of entry.code.imports) this.#byCallee.delete(callee.symbol, symbol);
    for (const { type } of entry.code.requirements.layouts) this.#byType.delete(typeName(type), symbol);
  }

  clear(): void {
    for (const symbol of [...this.#bySymbol.keys()]) this.delete(symbol);
  }

  /** What was for a module is for its new version. */
  rehome(before: LoadedModule, present: LoadedModule): void {
    for (const symbol of [...this.#byHome.get(before)]) {
      const entry = this.#bySymbol.get(symbol)!;
      this.#bySymbol.set(symbol, { ...entry, home: present });
      this.#byHome.delete(before, symbol);
      this.#byHome.add(present, symbol);
    }
  }

  /** The symbols made from a template. */
  ofTemplate(template: string): ReadonlySet<string> {
    return this.#byTemplate.get(template);
  }

  /** The symbols whose code relies on how a struct or enum lies in memory. */
  ofType(name: string): ReadonlySet<string> {
    return this.#byType.get(name);
  }

  /** The symbols made from a template (`sort`), or from it with its types (`sort<f64>`). */
  ofSemanticKey(key: string): Set<string> {
    return new Set([...this.#byTemplate.get(key), ...this.#byInstance.get(withoutBlanks(key))]);
  }

  /** The symbols that are for a module. */
  ofModule(home: LoadedModule): ReadonlySet<string> {
    return this.#byHome.get(home);
  }

  /** The symbols whose code calls this one. */
  callersOf(symbol: string): ReadonlySet<string> {
    return this.#byCallee.get(symbol);
  }
}
