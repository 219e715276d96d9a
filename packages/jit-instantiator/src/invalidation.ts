// What installed code goes, and when: what is dropped by hand, and what a module that comes or goes makes something else.
// Of that, what installed code still calls is made anew at once; until that succeeds its callers keep the old code.
import { signatureToString } from '@simple-jit/template-ir';
import type { Backend, Installed } from './backend.js';
import type { Installations } from './installations.js';
import { InstantiationError } from './instantiation-error.js';
import type { Ledger } from './ledger.js';
import type { LoadedModule } from './module.js';
import type { Modules } from './modules.js';
import type { Request } from './plan.js';
import type { Planner } from './planner.js';
import { addAffectedCallers, freshnessOf, presentRequest, touchedBy } from './reload.js';

/** What it works on. */
export interface Holdings {
  readonly modules: Modules;
  readonly installed: Installations;
  readonly backend: Backend;
  readonly planner: Planner;
  readonly ledger: Ledger;
  /** Instantiates a symbol anew, as `find` asks for it; never throws. */
  instantiate(symbol: string, find: () => Request): void;
}

export class Invalidation {
  readonly #holdings: Holdings;
  /** What the next reload looks at: modules that came since the last, and functions that modules touched which went. */
  readonly #newModules = new Set<LoadedModule>();
  readonly #touched = new Set<string>();
  /** What was dropped and is still called: the old code runs until there is new. */
  readonly #orphans = new Map<string, Installed>();
  readonly #listeners: ((symbols: readonly string[]) => void)[] = [];

  constructor(holdings: Holdings) {
    this.#holdings = holdings;
  }

  /** Calls `listener` with the symbols that were dropped. */
  onDrop(listener: (symbols: readonly string[]) => void): void {
    this.#listeners.push(listener);
  }

  /** A function is installed: what was dropped of its symbol is not called any more. */
  installed({ symbol, home }: Installed): void {
    this.#orphans.delete(symbol);
    // Asked for by a module that is not the one that lists it: the next reload settles whose it is.
    const lister = this.#holdings.modules.withListing(symbol);
    if (lister !== undefined && lister !== home) this.#touched.add(symbol);
  }

  /** A module is among the modules now; `takeOver` is to follow. */
  came(module: LoadedModule): void {
    this.#newModules.add(module);
  }

  /** Drops what a module that came, perhaps in place of another, makes something else. Closes the other. */
  takeOver(before: LoadedModule | undefined, present: LoadedModule): void {
    const { modules, installed, backend } = this.#holdings;
    const stale = new Set<string>();
    const isReload = before !== undefined;
    if (isReload) {
      this.#touch(before);
      installed.rehome(before, present);
      for (const [symbol, entry] of this.#orphans) {
        if (entry.home === before) this.#orphans.set(symbol, { ...entry, home: present });
      }
      before.close();
      for (const module of this.#newModules) this.#touch(module);
    }
    for (const symbol of this.#touched) {
      const entry = installed.get(symbol);
      const freshness = entry && freshnessOf(entry, modules);
      if (freshness === 'replaced' || (freshness === 'gone' && isReload)) stale.add(symbol);
      if (freshness !== 'gone' || isReload) this.#touched.delete(symbol);
    }
    for (const [symbol, entry] of this.#orphans) {
      if (!backend.isCalled(symbol)) this.#orphans.delete(symbol);
      else if (freshnessOf(entry, modules) === 'replaced') stale.add(symbol);
    }
    this.invalidate(stale);
  }

  /** A module is among the modules no more: what was for it goes, and callables of it end. */
  went(module: LoadedModule): void {
    const { installed, backend } = this.#holdings;
    this.#touch(module);
    const dropped = [...installed.ofModule(module)];
    backend.closeEntries(dropped.map((symbol) => installed.get(symbol)!));
    backend.closeEntries([...this.#orphans.values()].filter(({ home }) => home === module));
    this.drop(dropped);
  }

  /** Drops functions with the callers that rely on them, and makes anew what is still called. @returns what was dropped */
  invalidate(symbols: Iterable<string>): string[] {
    const { modules, installed, backend, instantiate } = this.#holdings;
    const old = new Map<string, Installed>();
    for (const symbol of symbols) old.set(symbol, installed.get(symbol) ?? this.#orphans.get(symbol)!);
    addAffectedCallers(old, installed, modules);
    const dropped = [...old.keys()].filter((symbol) => installed.has(symbol));
    this.drop(dropped);
    for (const entry of [...old.values()].filter(({ symbol }) => backend.isCalled(symbol))) {
      instantiate(entry.symbol, () => {
        const request = presentRequest(entry, modules);
        if (request === undefined) throw new InstantiationError(`${entry.symbol}: no loaded module lists it any more`);
        return request;
      });
      const fresh = installed.get(entry.symbol);
      if (fresh === undefined) continue;
      const [was, is] = [entry, fresh].map(({ code }) => signatureToString(code.signature));
      if (was !== is) backend.closeEntries([entry]); // its callers would pass the wrong arguments
    }
    return dropped;
  }

  /** Forgets installed functions; the code of each is freed once nothing calls it. */
  drop(symbols: readonly string[]): void {
    if (symbols.length === 0) return;
    const { installed, backend, planner, ledger } = this.#holdings;
    planner.invalidate();
    const entries = symbols.map((symbol) => installed.get(symbol)!);
    for (const symbol of symbols) installed.delete(symbol);
    backend.release(entries);
    for (const entry of entries) if (backend.isCalled(entry.symbol)) this.#orphans.set(entry.symbol, entry);
    ledger.dropped(symbols);
    for (const listener of this.#listeners) listener(symbols);
  }

  /** Forgets everything, to be called when all code goes. */
  clear(): void {
    this.#newModules.clear();
    this.#orphans.clear();
  }

  #touch(module: LoadedModule): void {
    this.#newModules.delete(module);
    for (const symbol of touchedBy(module, this.#holdings.installed)) this.#touched.add(symbol);
  }
}
