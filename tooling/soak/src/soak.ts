// The random life: libraries are loaded, their functions instantiated, called, dropped, invalidated; files change and are
// reloaded, results are written back, other processes do the same; now and then everything is let go of and measured.
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Random } from '@simple-jit/fixtures/random';
import { signSmf } from '@simple-jit/jit-instantiator';
import { JitSymbolResolver } from '@simple-jit/symbol-resolver';
import { asArgument, type Constants, Library } from './library.js';
import { measure, type Sample } from './measure.js';

/** By the clock, or by what is done: then it is the same life on every machine, however slow and busy. */
export type Length = { readonly minutes: number } | { readonly operations: number };

export interface SoakOptions {
  readonly length: Length;
  readonly seed: number;
  /** How many samples to take over the whole length. */
  readonly samples: number;
  readonly onSample?: (sample: Sample) => void;
  /** Called at every sample, before it is taken: for tests that the judgement can fail. */
  readonly leak?: () => void;
}

const LIBRARIES = 6;
const OTHER_PROCESS = fileURLToPath(new URL('../dist/other-process.js', import.meta.url));
const run = promisify(execFile);

/** Runs for the given length. @throws Error for the first result that is wrong */
export async function soak(options: SoakOptions): Promise<Sample[]> {
  const folder = mkdtempSync(join(tmpdir(), 'simple-jit-soak-'));
  try {
    return await new Soak(folder, options).run();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

type Callable = (x: unknown) => unknown;

/** A callable that is kept, as a program keeps one. */
interface Held {
  readonly library: Library;
  readonly symbol: string;
  readonly callable: Callable;
}

class Soak {
  readonly #options: SoakOptions;
  readonly #random: Random;
  readonly #cacheDirectory: string;
  readonly #libraries: readonly Library[];
  readonly #key = generateKeyPairSync('ed25519').privateKey;
  readonly #loaded = new Set<Library>();
  readonly #held: Held[] = [];
  /** Used by another process right now: such files are not changed, or its results could not be foretold. */
  readonly #busy = new Set<Library>();
  readonly #others = new Set<Promise<unknown>>();
  #failure: unknown;
  #resolver: JitSymbolResolver;
  #operations = 0;

  constructor(folder: string, options: SoakOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#cacheDirectory = join(folder, 'cache');
    const libraries: Library[] = [];
    for (let i = 0; i < LIBRARIES; i++) {
      const first = i === LIBRARIES - 1 ? libraries[0] : undefined;
      libraries.push(new Library(folder, i, first, this.#constants()));
    }
    this.#libraries = libraries;
    this.#resolver = this.#open();
  }

  async run(): Promise<Sample[]> {
    const start = performance.now();
    const { length } = this.#options;
    const done = (): number =>
      'minutes' in length
        ? (performance.now() - start) / 60_000 / length.minutes
        : this.#operations / length.operations;
    const samples: Sample[] = [];
    try {
      // What the first child process leaves open (a pipe's descriptors, a thread pool) is no leak.
      this.#load(this.#libraries[0]!);
      this.#startOther(this.#libraries[0]!);
      for (let i = 1; i <= this.#options.samples; i++) {
        while (done() < i / this.#options.samples) {
          await this.#operate();
          this.#operations += 1;
          if (this.#operations % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
          if (this.#failure !== undefined) throw this.#failure;
        }
        await this.#letGo();
        this.#options.leak?.();
        const sample = await measure(start, this.#operations);
        samples.push(sample);
        this.#options.onSample?.(sample);
        this.#resolver = this.#open();
      }
      return samples;
    } finally {
      await Promise.allSettled(this.#others);
      this.#resolver.close();
    }
  }

  #open(): JitSymbolResolver {
    // One life in four is without machine code.
    const mode = this.#random.below(4) === 0 ? 'interpret' : 'native';
    return new JitSymbolResolver({ cacheDirectory: this.#cacheDirectory, flushDelay: 50, mode });
  }

  /** Closes the resolver, and takes away the companions of files that are no more. */
  async #letGo(): Promise<void> {
    await Promise.allSettled(this.#others);
    if (this.#failure !== undefined) throw this.#failure;
    this.#held.length = 0;
    this.#loaded.clear();
    this.#resolver.close();
    rmSync(this.#cacheDirectory, { recursive: true, force: true });
    mkdirSync(this.#cacheDirectory, { mode: 0o700 });
  }

  async #operate(): Promise<void> {
    const library = this.#random.pick(this.#libraries);
    if (!this.#loaded.has(library)) {
      this.#load(library);
      return;
    }
    const symbol = this.#random.pick(library.symbols());
    const roll = this.#random.below(1000);
    if (roll < 600) this.#call(library, symbol);
    else if (roll < 700) this.#callHeld();
    else if (roll < 760) this.#hold(library, symbol);
    else if (roll < 820) this.#resolver.jit.dropCachedSymbol(symbol);
    else if (roll < 850) this.#resolver.jit.invalidateBySemanticKey(symbol.split('$')[1]!);
    else if (roll < 880) this.#load(library);
    else if (roll < 920) this.#change(library);
    else if (roll < 940) this.#unload(library);
    else if (roll < 950) this.#resolver.jit.flush();
    else if (roll < 955) await this.#resolver.jit.flushAsync();
    else if (roll < 998) await this.#callAtOnce(library);
    else this.#startOther(library);
  }

  /** A library that calls another one needs it, in the version that the file has. */
  #load(library: Library): void {
    for (const each of this.#libraries) {
      if (!library.uses(each)) continue;
      this.#resolver.loadSmf(each.path);
      this.#loaded.add(each);
    }
  }

  #unload(library: Library): void {
    for (const each of this.#libraries) {
      if (!each.uses(library) || !this.#loaded.delete(each)) continue;
      if (!this.#resolver.unload(each.path)) throw new Error(`${each.path} was loaded, and could not be unloaded`);
    }
    const gone = this.#held.filter((held) => !this.#loaded.has(held.library));
    for (const held of gone) this.#held.splice(this.#held.indexOf(held), 1);
    for (const { symbol, callable } of gone) {
      if (!throwsFreed(() => callable(asArgument(symbol, 3)))) throw new Error(`${symbol} can be called after unload`);
    }
  }

  #change(library: Library): void {
    if ([...this.#busy].some((busy) => busy.uses(library))) return;
    library.change(this.#constants());
    // A signed file is left alone by write-back: its results go to a companion.
    if (this.#random.below(4) === 0) writeFileSync(library.path, signSmf(readFileSync(library.path), this.#key));
    this.#load(library);
  }

  #call(library: Library, symbol: string): void {
    this.#check(library, symbol, this.#resolver.resolveFunction(symbol) as Callable);
  }

  #hold(library: Library, symbol: string): void {
    if (this.#held.length > 50) this.#held.splice(this.#random.below(this.#held.length), 1);
    this.#held.push({ library, symbol, callable: this.#resolver.resolveFunction(symbol) as Callable });
  }

  #callHeld(): void {
    if (this.#held.length === 0) return;
    const { library, symbol, callable } = this.#random.pick(this.#held);
    this.#check(library, symbol, callable);
  }

  /** Several requests at once, for symbols that share what they call. */
  async #callAtOnce(library: Library): Promise<void> {
    const symbols = Array.from({ length: 8 }, () => this.#random.pick(library.symbols()));
    for (const result of await Promise.all(symbols.map((symbol) => this.#resolver.jit.instantiateAsync(symbol)))) {
      if (result.kind !== 'success') throw new Error(`instantiateAsync: ${JSON.stringify(result, bigintAsText)}`);
    }
    for (const symbol of symbols) this.#call(library, symbol);
  }

  #startOther(library: Library): void {
    if (this.#others.size > 0) return;
    const libraries = this.#libraries.filter((each) => library.uses(each));
    const symbols = Array.from({ length: 5 }, () => this.#random.pick(library.symbols()));
    const expectations = symbols.map((symbol) => `${symbol}=${library.expected(symbol, 3)}`);
    const paths = libraries.map(({ path }) => path);
    this.#busy.add(library);
    const other = run(process.execPath, [OTHER_PROCESS, this.#cacheDirectory, ...paths, '--', ...expectations])
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#others.delete(other);
        this.#busy.delete(library);
      });
    this.#others.add(other);
  }

  #check(library: Library, symbol: string, callable: Callable): void {
    const x = this.#random.below(20);
    const found = Number(callable(asArgument(symbol, x)));
    const expected = library.expected(symbol, x);
    if (found !== expected) {
      const why = JSON.stringify(this.#resolver.jit.explain(symbol));
      throw new Error(`operation ${this.#operations}: ${symbol}(${x}) is ${found}, not ${expected}; ${why}`);
    }
  }

  #constants(): Constants {
    return { factor: 1 + this.#random.below(9), addend: this.#random.below(50) };
  }
}

function throwsFreed(action: () => unknown): boolean {
  try {
    action();
    return false;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_CODE_FREED') return true;
    throw error;
  }
}

const bigintAsText = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
