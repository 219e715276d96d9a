// The backend for where executable memory is refused: the interpreter of template-ir runs the same functions, with the same
// results bit for bit, far slower.
import { NativeMemError, TrapError } from '@simple-jit/native-mem';
import {
  type Callee,
  type ConcreteFunction,
  calleesOf,
  IrTrapError,
  interpret,
  type Signature,
  signatureOf,
  signatureToString,
} from '@simple-jit/template-ir';
import type { Backend, Callable, Generated, Installed, InstalledCode } from './backend.js';
import { GuestMemory } from './guest-memory.js';
import { fromIrValue, toIrValue } from './ir-values.js';
import { instanceOf, type Planned } from './plan.js';

const NO_CODE: InstalledCode = { address: 0n, size: 0, bytes: () => new Uint8Array() };

export class Interpreter implements Backend {
  readonly mode = 'interpret';
  /** What a call of an instance reaches, by `sort<f64>`. */
  readonly #instances = new Map<string, Installed>();
  /** What a callable reaches, by symbol and signature. */
  readonly #functions = new Map<string, Installed>();
  readonly #entries = new Set<string>();

  generate(fn: ConcreteFunction): Generated {
    return {
      signature: signatureOf(fn),
      code: new Uint8Array(),
      traps: [],
      imports: calleesOf(fn).map((callee) => ({ ...callee, sites: [] })),
      requirements: { generator: 'interpreter', target: 'interpreter', cpuFeatures: [] },
      body: fn,
    };
  }

  install(plan: readonly Planned[]): Installed[] {
    return plan.map((planned) => {
      const entry = { ...planned, block: NO_CODE };
      this.#instances.set(instanceOf(entry), entry);
      this.#functions.set(keyOf(entry), entry);
      return entry;
    });
  }

  entryOf(): undefined {
    return undefined;
  }

  callable(entry: Installed): Callable {
    const key = keyOf(entry);
    this.#entries.add(key);
    const { symbol } = entry;
    const { params } = entry.code.signature;
    return (...args) => {
      const body = this.#entries.has(key) ? this.#functions.get(key)?.code.body : undefined;
      if (body === undefined) {
        throw new NativeMemError(`${symbol} was dropped: resolve it again`, { code: 'ERR_CODE_FREED' });
      }
      if (args.length !== params.length) {
        throw new TypeError(`${symbol} takes ${params.length} argument(s), got ${args.length}`);
      }
      const memory = new GuestMemory();
      const values = params.map((type, i) => toIrValue(args[i], type, memory, `argument ${i + 1} of ${symbol}`));
      return fromIrValue(
        trapping(() => interpret(body, values, { memory, call: (callee) => this.#bodyOf(callee) })),
        signatureOf(body).result,
      );
    };
  }

  closeEntry(entry: Installed): void {
    this.#entries.delete(keyOf(entry));
  }

  called(published: Iterable<Installed>): Set<string> {
    const symbols = new Set<string>();
    for (const { code } of this.#reachable(published)) for (const { symbol } of code.imports) symbols.add(symbol);
    for (const key of this.#entries) {
      const entry = this.#functions.get(key);
      if (entry !== undefined) symbols.add(entry.symbol);
    }
    return symbols;
  }

  collect(published: Iterable<Installed>): void {
    const reachable = this.#reachable(published);
    for (const map of [this.#instances, this.#functions]) {
      for (const [key, entry] of map) if (!reachable.has(entry)) map.delete(key);
    }
  }

  close(): void {
    this.#entries.clear();
    this.collect([]);
  }

  #reachable(published: Iterable<Installed>): Set<Installed> {
    const reachable = new Set<Installed>();
    // As they were installed: the published ones may be copies with another home.
    for (const entry of published) add(reachable, this.#functions.get(keyOf(entry)));
    for (const key of this.#entries) add(reachable, this.#functions.get(key));
    // A Set that grows while it is walked is walked to its new end.
    for (const { code } of reachable) {
      for (const callee of code.imports) add(reachable, this.#instances.get(instanceOf(callee)));
    }
    return reachable;
  }

  #bodyOf(callee: Callee): ConcreteFunction {
    return this.#instances.get(instanceOf(callee))!.code.body!;
  }
}

const keyOf = ({
  symbol,
  code,
}: {
  readonly symbol: string;
  readonly code: { readonly signature: Signature };
}): string => `${symbol} ${signatureToString(code.signature)}`;

function add<T>(set: Set<T>, item: T | undefined): void {
  if (item !== undefined) set.add(item);
}

/** A trap is the error that it is in machine code. There is no instruction's address to tell. */
function trapping<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof IrTrapError)) throw error;
    const { kind, message, address = 0n } = error;
    throw new TrapError(message, { kind, address, pc: 0n, symbol: error.function });
  }
}
