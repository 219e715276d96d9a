// The backend for where executable memory is refused: the interpreter of template-ir runs the same functions, with the same
// results bit for bit, far slower. Calls go through slots, as those of machine code do: an old caller gets the function
// that it was compiled against, or what replaced it with the same signature.
import { NativeMemError, TrapError } from '@simple-jit/native-mem';
import {
  type Callee,
  type ConcreteFunction,
  calleesOf,
  IrTrapError,
  interpret,
  signatureOf,
  signatureToString,
  type Type,
} from '@simple-jit/template-ir';
import type { Backend, Callable, Generated, Installed, InstalledCode } from './backend.js';
import { CallGraph, type Slot } from './call-graph.js';
import { GuestMemory } from './guest-memory.js';
import { instanceOf } from './instance.js';
import { fromIrValue, toIrValue } from './ir-values.js';
import type { Planned } from './plan.js';

/** What stands in for machine code. An entry has no body: it leads on through its slot. */
class Interpreted implements InstalledCode {
  readonly address = 0n;
  readonly size = 0;
  body: ConcreteFunction | undefined;

  bytes(): Uint8Array {
    return new Uint8Array();
  }
}

/** There is no pointer to store into: what a slot leads to is in the graph. */
type InterpreterSlot = Slot<Interpreted, undefined>;

export class Interpreter implements Backend {
  readonly mode = 'interpret';
  readonly #graph = new CallGraph<Interpreted, undefined>({
    redirect: () => {},
    closeCode: () => {},
    closePointer: () => {},
  });
  readonly #entries = new Map<InterpreterSlot, Interpreted>();
  /** By the very call in a body. */
  readonly #calls = new WeakMap<Callee, InterpreterSlot>();

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

  install(plan: readonly Planned[], installed: (symbol: string) => Installed | undefined): Installed[] {
    const result = plan.map((planned) => {
      const { imports, body } = planned.code;
      const slots = new Map<string, InterpreterSlot>();
      for (const callee of imports) {
        const signature = signatureToString(callee.signature);
        const slot =
          this.#graph.slot(callee.symbol, signature) ??
          this.#graph.addSlot(callee.symbol, signature, undefined, blockOf(installed(callee.symbol)));
        slots.set(`${instanceOf(callee)} ${signature}`, slot);
      }
      const block = new Interpreted();
      block.body = this.#bind(body!, slots);
      this.#graph.add(block, [...slots.values()]);
      return { ...planned, block };
    });
    for (const { symbol, code, block } of result) {
      const slot = this.#graph.slot(symbol, signatureToString(code.signature));
      if (slot !== undefined) this.#graph.redirect(slot, block);
    }
    this.#graph.collect();
    return result;
  }

  release(entries: readonly Installed[]): void {
    for (const entry of entries) this.#graph.release(blockOf(entry)!);
    this.#graph.collect();
  }

  entryOf(): undefined {
    return undefined;
  }

  callable(installed: Installed): Callable {
    const { symbol } = installed;
    const { signature } = installed.code;
    const text = signatureToString(signature);
    const slot = this.#graph.slot(symbol, text) ?? this.#graph.addSlot(symbol, text, undefined, blockOf(installed));
    let entry = this.#entries.get(slot);
    if (entry === undefined) {
      entry = new Interpreted();
      this.#graph.add(entry, [slot]);
      this.#entries.set(slot, entry);
    }
    const opened = entry;
    return (...args) => {
      const body = this.#graph.has(opened) ? slot.target?.body : undefined;
      if (body === undefined) {
        throw new NativeMemError(`${symbol} was dropped: resolve it again`, { code: 'ERR_CODE_FREED' });
      }
      if (args.length !== signature.params.length) {
        throw new TypeError(`${symbol} takes ${signature.params.length} argument(s), got ${args.length}`);
      }
      const memory = new GuestMemory();
      const values = signature.params.map((type, i) =>
        toIrValue(args[i], type, memory, `argument ${i + 1} of ${symbol}`),
      );
      return fromIrValue(
        trapping(() => interpret(body, values, { memory, call: (callee) => this.#calls.get(callee)!.target!.body! })),
        signature.result,
      );
    };
  }

  closeEntries(entries: readonly Installed[]): void {
    for (const { symbol, code } of entries) {
      const slot = this.#graph.slot(symbol, signatureToString(code.signature));
      const entry = slot && this.#entries.get(slot);
      if (entry === undefined) continue;
      this.#entries.delete(slot!);
      this.#graph.release(entry);
    }
    this.#graph.collect();
  }

  isCalled(symbol: string): boolean {
    return this.#graph.isCalled(symbol);
  }

  close(): void {
    this.#entries.clear();
    this.#graph.close();
  }

  /** A copy of the body whose calls know their slots. */
  #bind(body: ConcreteFunction, slots: ReadonlyMap<string, InterpreterSlot>): ConcreteFunction {
    const typeOf = (value: number): Type => body.valueTypes[value]!;
    const blocks = body.blocks.map((block) => ({
      ...block,
      instructions: block.instructions.map((instruction) => {
        if (instruction.op !== 'call') return instruction;
        const { args, result } = instruction;
        const signature = { params: args.map(typeOf), result: result === undefined ? undefined : typeOf(result) };
        const callee = { ...instruction.callee };
        this.#calls.set(callee, slots.get(`${instanceOf(callee)} ${signatureToString(signature)}`)!);
        return { ...instruction, callee };
      }),
    }));
    return { ...body, blocks };
  }
}

/** What this backend installed. */
const blockOf = (entry: Installed | undefined): Interpreted | undefined => entry?.block as Interpreted | undefined;

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
