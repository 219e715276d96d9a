// The books of a resolver: how look-ups ended, what came into memory and went; told to the log and to the channels of
// node:diagnostics_channel. What happens is told when the resolver has nothing half done: a listener may load, unload and
// resolve as it likes.
import { type Channel, channel } from 'node:diagnostics_channel';
import type { Found } from './found.js';
import type { Extent } from './image.js';

/** A module in memory. */
export interface LinkedModule extends Extent {
  readonly path: string;
}

/** `simple-jit:resolve`: a name that was not known was looked for. */
export interface ResolveEvent {
  readonly symbol: string;
  /** What had it; undefined if nothing has it, or it cannot be had. */
  readonly from: Found['from'] | undefined;
  /** What the places said that know it and did not give it. */
  readonly reasons: readonly string[];
  readonly durationMs: number;
}

/** `simple-jit:link`: a module was to be brought into memory. */
export interface LinkEvent {
  readonly path: string;
  /** What came into memory: the module and those whose data it refers to; none after an error. */
  readonly modules: readonly LinkedModule[];
  readonly error: Error | undefined;
  readonly durationMs: number;
}

/** `simple-jit:free`: a module went out of memory. */
export interface FreeEvent extends LinkedModule {}

/** What a {@link JitSymbolResolver} did since it was made, and holds now. */
export interface ResolverStats {
  /** Modules that are loaded, whether they were used yet or not. */
  readonly loadedModules: number;
  /** Modules in memory: those that were used, and those that were unloaded while others refer to their data. */
  readonly linkedModules: number;
  /** Of those, in bytes: code, variables, and constants with the global offset table. */
  readonly codeBytes: number;
  readonly dataBytes: number;
  readonly constantBytes: number;
  /** Names that callables or code of modules go through. */
  readonly importStubs: number;
  readonly registeredNames: number;
  /** Names that were found and are remembered, besides registered ones. */
  readonly knownNames: number;
  /** Look-ups of names that were not known, by where they ended. Those of known names are not counted. */
  readonly foundInModules: number;
  readonly foundByJit: number;
  readonly foundInProcess: number;
  readonly unresolved: number;
  /** Milliseconds spent in them, linking and instantiating included. */
  readonly lookupMs: number;
  /** Modules that came into memory, attempts that failed, and modules that went. */
  readonly linked: number;
  readonly linkFailures: number;
  readonly freed: number;
  /** Milliseconds spent in bringing modules into memory. */
  readonly linkMs: number;
}

const RESOLVE: Channel = channel('simple-jit:resolve');
const LINK: Channel = channel('simple-jit:link');
const FREE: Channel = channel('simple-jit:free');

export class Ledger {
  readonly #log: ((line: string) => void) | undefined;
  readonly #toTell: (() => void)[] = [];
  readonly counts = {
    foundInModules: 0,
    foundByJit: 0,
    foundInProcess: 0,
    unresolved: 0,
    lookupMs: 0,
    linked: 0,
    linkFailures: 0,
    freed: 0,
    linkMs: 0,
  };

  /** @param log takes lines; undefined if nobody wants them */
  constructor(log: ((line: string) => void) | undefined) {
    this.#log = log;
  }

  lookedUp(symbol: string, found: Found | undefined, reasons: readonly string[], durationMs: number): void {
    const { counts } = this;
    counts.lookupMs += durationMs;
    if (found === undefined) counts.unresolved += 1;
    else if (found.from === 'module') counts.foundInModules += 1;
    else if (found.from === 'jit') counts.foundByJit += 1;
    else if (found.from === 'process') counts.foundInProcess += 1;
    this.#event<ResolveEvent>(RESOLVE, () => ({ symbol, from: found?.from, reasons: [...reasons], durationMs }));
  }

  linked(path: string, modules: readonly LinkedModule[], durationMs: number): void {
    this.counts.linked += modules.length;
    this.counts.linkMs += durationMs;
    for (const module of modules) this.#line(() => `linked ${describe(module)}`);
    this.#event<LinkEvent>(LINK, () => ({ path, modules, error: undefined, durationMs }));
  }

  linkFailed(path: string, error: Error, durationMs: number): void {
    this.counts.linkFailures += 1;
    this.counts.linkMs += durationMs;
    this.#line(() => `not linked ${error.message}`);
    this.#event<LinkEvent>(LINK, () => ({ path, modules: [], error, durationMs }));
  }

  freed(module: LinkedModule): void {
    this.counts.freed += 1;
    this.#line(() => `freed ${describe(module)}`);
    this.#event<FreeEvent>(FREE, () => module);
  }

  /** Tells what happened since. To be called when all books are right: who listens may call anything. */
  tell(): void {
    for (let next = this.#toTell.shift(); next !== undefined; next = this.#toTell.shift()) next();
  }

  #line(text: () => string): void {
    const log = this.#log;
    if (log !== undefined) this.#toTell.push(() => log(`[simple-jit] ${text()}`));
  }

  /** Costs a check where nobody listens. */
  #event<Event>(to: Channel, describeIt: () => Event): void {
    if (!to.hasSubscribers) return;
    const event = describeIt();
    this.#toTell.push(() => to.publish(event));
  }
}

function describe({ path, codeBytes, dataBytes, constantBytes }: LinkedModule): string {
  return `${path}: ${codeBytes} bytes of code, ${dataBytes} of data, ${constantBytes} of constants`;
}
