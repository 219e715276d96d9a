// The backend for where executable memory is refused: the interpreter of template-ir runs the same functions, with the same
// results bit for bit, far slower. Calls go through slots, as those of machine code do: an old caller gets the function
// that it was compiled against, or what replaced it with the same signature.
import { NativeMemError, TrapError } from '@simple-jit/native-mem';
import {
  type Callee,
  type ConcreteFunction,
  calleesOf,
  externsOf,
  type FunctionType,
  type Instruction,
  IrTrapError,
  interpret,
  type Signature,
  signatureOf,
  signatureToString,
} from '@simple-jit/template-ir';
import {
  type Backend,
  type Callable,
  EXTERNAL_NOT_ALLOWED,
  type Generated,
  type Installed,
  type InstalledCode,
} from './backend.js';
import { C_LIBRARY } from './c-library.js';
import { CallGraph, type Slot } from './call-graph.js';
import { Entries } from './entries.js';
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
  readonly cpuFeatures = new Set<string>();
  readonly #graph = new CallGraph<Interpreted, undefined>({
    redirect: () => {},
    closeCode: () => {},
    closePointer: () => {},
  });
  readonly #entries = new Entries(this.#graph);
  /** By the very call in a body. */
  readonly #calls = new WeakMap<Callee, InterpreterSlot>();
  /** Functions whose addresses were taken: who keeps one may call it as long as there is this instantiator. */
  readonly #pinned = new Set<InterpreterSlot>();
  /** One and the same for all calls: the interpreter keeps the addresses of functions by it. */
  readonly #provide = (callee: Callee): ConcreteFunction => this.#calls.get(callee)!.target!.body!;

  readonly #externals: ReadonlySet<string>;

  /** @param externals the C functions that code may call */
  constructor(externals: readonly string[]) {
    this.#externals = new Set(externals);
  }

  generate(fn: ConcreteFunction): Generated {
    return {
      signature: signatureOf(fn),
      code: new Uint8Array(),
      traps: [],
      imports: [
        ...calleesOf(fn).map(({ op, ...callee }) => ({ ...callee, symbol: '', kind: KINDS[op], sites: [] })),
        ...externsOf(fn).map((external) => ({ ...external, kind: 'external' as const, ...NO_TEMPLATE, sites: [] })),
      ],
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
        if (callee.kind === 'external') continue;
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

  externalProblem(symbol: string): string | undefined {
    if (!this.#externals.has(symbol)) return EXTERNAL_NOT_ALLOWED;
    if (symbol in C_LIBRARY) return undefined;
    return `it runs as machine code only, and this instantiator interprets (config \`mode\`), which has ${Object.keys(C_LIBRARY).join(', ')}`;
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
    const entry = this.#entries.of(slot, () => this.#addJump(slot));
    return (...args) => {
      const body = this.#graph.has(entry) ? slot.target?.body : undefined;
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
        trapping(() => interpret(body, values, { memory, call: this.#provide, externs: C_LIBRARY })),
        signature.result,
      );
    };
  }

  closeEntries(entries: readonly Installed[]): void {
    this.#entries.close(entries);
  }

  isCalled(symbol: string): boolean {
    return this.#graph.isCalled(symbol);
  }

  close(): void {
    this.#entries.clear();
    this.#pinned.clear();
    this.#graph.close();
  }

  #pin(slot: InterpreterSlot): void {
    if (this.#pinned.has(slot)) return;
    this.#pinned.add(slot);
    this.#addJump(slot);
  }

  /** What leads on through a slot. */
  #addJump(slot: InterpreterSlot): Interpreted {
    const jump = new Interpreted();
    this.#graph.add(jump, [slot]);
    return jump;
  }

  /** A copy of the body whose calls know their slots. */
  #bind(body: ConcreteFunction, slots: ReadonlyMap<string, InterpreterSlot>): ConcreteFunction {
    const blocks = body.blocks.map((block) => ({
      ...block,
      instructions: block.instructions.map((instruction) => {
        if (instruction.op !== 'call' && instruction.op !== 'fnaddr') return instruction;
        const callee = { ...instruction.callee };
        const slot = slots.get(`${instanceOf(callee)} ${signatureToString(usedSignature(instruction, body))}`)!;
        this.#calls.set(callee, slot);
        if (instruction.op === 'fnaddr') this.#pin(slot);
        return { ...instruction, callee };
      }),
    }));
    return { ...body, blocks };
  }
}

const KINDS = { call: 'call', fnaddr: 'address' } as const;
const NO_TEMPLATE = { template: '', typeArgs: [] } as const;

/** The signature that a call, or what takes an address, relies on. */
function usedSignature(
  instruction: Extract<Instruction, { op: 'call' | 'fnaddr' }>,
  { valueTypes }: ConcreteFunction,
): Signature {
  if (instruction.op === 'fnaddr') return valueTypes[instruction.result] as FunctionType;
  const { args, result } = instruction;
  return { params: args.map((arg) => valueTypes[arg]!), result: result === undefined ? undefined : valueTypes[result] };
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
