// What runs specialised functions: machine code (link.ts) or the interpreter (interpreter.ts). The JIT above is the same.
import type { ConcreteFunction } from '@simple-jit/template-ir';
import type { LinkableFunction } from './function.js';
import type { Planned } from './plan.js';

/** A function that somebody may call from JavaScript, with the kinds of values that `bindFunction` of native-mem takes. */
export type Callable = (...args: unknown[]) => unknown;

/** What was installed for a function: a CodeBlock, or for an interpreted one nothing. */
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
  readonly imports: readonly Omit<LinkableFunction['imports'][number], 'symbol'>[];
  readonly requirements: Omit<LinkableFunction['requirements'], 'templateHash'>;
};

export interface Backend {
  readonly mode: 'native' | 'interpret';
  generate(fn: ConcreteFunction): Generated;
  /**
   * Installs all functions of a plan, or none. Whoever called an older version of one (with the same signature) calls
   * this one from now on.
   * @param installed finds a function that was installed before
   */
  install(plan: readonly Planned[], installed: (symbol: string) => Installed | undefined): Installed[];
  /** An address that leads to the function, and to what replaces it, until `closeEntry`; undefined without machine code. */
  entryOf(entry: Installed): bigint | undefined;
  /** A callable that leads to the function, and to what replaces it, until `closeEntry`. */
  callable(entry: Installed): Callable;
  /** Ends an entry: callables that are bound to it throw from now on. */
  closeEntry(entry: Installed): void;
  /** The symbols that code calls which can be called itself: what is published, entries, and what those lead to. */
  called(published: Iterable<Installed>): Set<string>;
  /** Frees what nothing can call any more. */
  collect(published: Iterable<Installed>): void;
  close(): void;
}
