// What runs specialised functions: machine code (link.ts) or the interpreter (interpreter.ts). The JIT above is the same.
import type { ConcreteFunction } from '@simple-jit/template-ir';
import type { LinkableFunction } from './function.js';
import type { Planned } from './plan.js';

/** A function that somebody may call from JavaScript, with the kinds of values that `bindFunction` of native-mem takes. */
export type Callable = (...args: unknown[]) => unknown;

/** What was installed for a function: a CodeBlock, or what the interpreter runs. */
export interface InstalledCode {
  /** 0n without machine code. */
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
  bytes(): Uint8Array;
}

export interface Installed extends Planned {
  readonly block: InstalledCode;
}

/** What a backend makes of a function: all of a {@link LinkableFunction} that does not come from its request. */
export type Generated = Pick<LinkableFunction, 'signature' | 'code' | 'traps' | 'body'> & {
  /** The symbols of those that are not external are still to be looked up in the tables. */
  readonly imports: LinkableFunction['imports'];
  readonly requirements: Omit<LinkableFunction['requirements'], 'templateHash' | 'layouts'>;
};

export const EXTERNAL_NOT_ALLOWED = 'it is not allowed: name it in the option `externals` if it may be called';

/** Every change costs what it affects, not what is installed. */
export interface Backend {
  readonly mode: 'native' | 'interpret';
  /** What code may use beyond the target's baseline. */
  readonly cpuFeatures: ReadonlySet<string>;
  generate(fn: ConcreteFunction): Generated;
  /** Why code must not call this C function; undefined if it may. */
  externalProblem(symbol: string): string | undefined;
  /**
   * Installs all functions of a plan, or none. Whoever called an older version of one (with the same signature) calls
   * this one from now on.
   * @param installed finds a function that was installed before, and not released
   */
  install(plan: readonly Planned[], installed: (symbol: string) => Installed | undefined): Installed[];
  /** Functions whose addresses nobody uses any more: each is freed now, or when nothing can call it any more. */
  release(entries: readonly Installed[]): void;
  /** An address that leads to the function, and to what replaces it, until `closeEntry`; undefined without machine code. */
  entryOf(entry: Installed): bigint | undefined;
  /** A callable that leads to the function, and to what replaces it, until `closeEntry`. */
  callable(entry: Installed): Callable;
  /** Ends entries: callables that are bound to them throw from now on. */
  closeEntries(entries: readonly Installed[]): void;
  /** True if code that can be called itself, or an entry, calls the symbol. */
  isCalled(symbol: string): boolean;
  close(): void;
}
