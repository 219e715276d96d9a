// The interpreter: runs concrete functions as the specification says. It is the reference that native code must agree
// with, bit for bit; so it is written to be obviously right, not fast. Frames are kept here, not on the JS stack.
import { IrLinkError, IrStepLimitError, IrTrapError } from '../errors.js';
import type { Callee, ConcreteFunction, Edge, Instruction, TrapKind, Value } from '../ir.js';
import { isCompare, isUnary } from '../operations.js';
import {
  type ArrayType,
  type FunctionType,
  type PointerType,
  sizeOf,
  type Type,
  typeToString,
  withArguments,
} from '../types.js';
import { binary, cast, compare, convert, convertChecked, type IrValue, unary } from './arithmetic.js';
import { checkArguments, checkSignature, checkValue, type Invocation, reliedOn } from './check-calls.js';
import { fma } from './fma.js';
import { type FunctionTable, functionTableOf } from './functions.js';
import type { CalleeProvider } from './instances.js';
import { MachineMemory, type Quirks, USUAL } from './machine-memory.js';
import { type ByteMemory, LinearMemory, type Memory } from './memory.js';

/**
 * A C function for interpreted code: gets arguments of the call's types, and the memory, slots included; gives a value of
 * the type that the call wants, or undefined if it wants none. What it throws, `interpret` throws.
 */
export type ExternFunction = (args: readonly IrValue[], memory: ByteMemory) => IrValue | undefined;

/** What interpreted code runs with; all of it may be left out. */
export interface InterpretOptions {
  /** What addresses mean; without it, every load and store but those of slots traps. */
  readonly memory?: Memory;
  /** Gives the callees; without it, every call of a template is an `IrLinkError`. */
  readonly call?: CalleeProvider;
  /**
   * Gives the functions that `invoke` finds at addresses that no `fnaddr` made (those are known, also from earlier runs
   * with the same `call`). Without it, or where it gives undefined, such an `invoke` traps with kind `memory`.
   */
  readonly invoke?: (address: bigint) => ConcreteFunction | undefined;
  /** The C functions that `extern` may call, by symbol; any other is an `IrLinkError` with `UNKNOWN_SYMBOL`. */
  readonly externs?: Readonly<Record<string, ExternFunction>>;
  /** Instructions and terminators to run at most, over all functions; default: no limit. */
  readonly maxSteps?: number;
  /** Calls within one another at most, the outermost counted; one more traps `stack-overflow`. Default 10,000. */
  readonly maxDepth?: number;
  /** SSA values that all calls in progress may have; a call that brings more traps `stack-overflow`. Default 2^23 (some 300 MB). */
  readonly maxFrameValues?: number;
  /** Bytes that slots of all calls in progress may take; one that takes more traps `stack-overflow`. Default 8 MiB. */
  readonly maxSlotBytes?: number;
}

/** One call in progress. */
interface Frame {
  readonly fn: ConcreteFunction;
  readonly values: IrValue[];
  /** Where the caller wants the result. */
  readonly result: Value | undefined;
  /** Addresses of the slots that were executed, by the value that each defines. */
  readonly slots: Map<Value, bigint>;
  block: number;
  next: number;
}

/**
 * Runs `fn` and returns its result (undefined if it has none). Integers and addresses are bigint, floats number, bools
 * boolean, both ways.
 *
 * Throws `IrTrapError` where native code traps (any `TrapKind`), `IrLinkError` for a call that `options.call` or
 * `options.externs` cannot serve (`UNKNOWN_TEMPLATE`, `UNKNOWN_SYMBOL`) or whose target has another signature (`SIGNATURE`;
 * native code calls through a pointer of a wrong type without noticing), `IrStepLimitError` beyond `maxSteps`; `TypeError`
 * for a wrong number or kind of arguments or of an extern function's result, `RangeError` for an integer out of its type's
 * range. A number for an f32 is rounded to it.
 *
 * ```ts
 * interpret(specialise(max, [scalar('i32')]), [3n, 5n]); // 5n
 * ```
 */
export function interpret(
  fn: ConcreteFunction,
  args: readonly IrValue[],
  options: InterpretOptions = {},
): IrValue | undefined {
  return interpretWith(fn, args, options, USUAL);
}

/** The same where what the specification leaves open is otherwise: for finding programs that depend on it. */
export function interpretWith(
  fn: ConcreteFunction,
  args: readonly IrValue[],
  options: InterpretOptions,
  quirks: Quirks,
): IrValue | undefined {
  return new Machine(options, quirks).run(fn, checkArguments(fn, args));
}

class Machine {
  readonly #memory: MachineMemory;
  readonly #call: CalleeProvider;
  readonly #functions: FunctionTable;
  readonly #outer: (address: bigint) => ConcreteFunction | undefined;
  readonly #externs: Readonly<Record<string, ExternFunction>>;
  readonly #maxSteps: number;
  readonly #maxDepth: number;
  readonly #maxFrameValues: number;
  readonly #frames: Frame[] = [];
  #frameValues = 0;

  constructor(options: InterpretOptions, quirks: Quirks) {
    const { memory, call, invoke, externs, maxSteps, maxDepth, maxFrameValues, maxSlotBytes } = options;
    this.#memory = new MachineMemory(memory ?? new LinearMemory(), maxSlotBytes ?? 8 << 20, quirks);
    this.#call = call ?? noCallees;
    this.#functions = functionTableOf(this.#call);
    this.#outer = invoke ?? (() => undefined);
    this.#externs = externs ?? {};
    this.#maxSteps = maxSteps ?? Number.POSITIVE_INFINITY;
    this.#maxDepth = maxDepth ?? 10_000;
    this.#maxFrameValues = maxFrameValues ?? 2 ** 23;
  }

  run(fn: ConcreteFunction, args: readonly IrValue[]): IrValue | undefined {
    this.#enter(fn, args, undefined);
    for (let steps = 0; ; steps++) {
      if (steps >= this.#maxSteps) throw new IrStepLimitError(this.#maxSteps);
      const frame = this.#frames.at(-1)!;
      const block = frame.fn.blocks[frame.block]!;
      const instruction = block.instructions[frame.next];
      if (instruction !== undefined) {
        frame.next++;
        this.#step(frame, instruction);
        continue;
      }
      const { terminator } = block;
      switch (terminator.op) {
        case 'jump':
          follow(frame, terminator.target);
          break;
        case 'branch':
          follow(frame, frame.values[terminator.condition] ? terminator.then : terminator.else);
          break;
        case 'unreachable':
          throw trap(frame, 'unreachable', frame.next);
        case 'return': {
          const value = terminator.value === undefined ? undefined : frame.values[terminator.value]!;
          this.#leave(frame);
          const caller = this.#frames.at(-1);
          if (caller === undefined) return value;
          if (frame.result !== undefined) caller.values[frame.result] = value!;
          break;
        }
        default:
          throw notConcrete(frame, terminator.op);
      }
    }
  }

  #enter(fn: ConcreteFunction, args: readonly IrValue[], result: Value | undefined): void {
    const values: IrValue[] = new Array(fn.valueTypes.length);
    fn.blocks[0]!.params.forEach((param, i) => {
      values[param] = args[i]!;
    });
    this.#frames.push({ fn, values, result, slots: new Map(), block: 0, next: 0 });
    this.#frameValues += values.length;
  }

  #leave({ slots, values }: Frame): void {
    for (const slot of slots.values()) this.#memory.free(slot);
    this.#frameValues -= values.length;
    this.#frames.pop();
  }

  #step(frame: Frame, instruction: Instruction): void {
    const { values, fn } = frame;
    const typeOf = (value: Value): Type => fn.valueTypes[value]!;
    switch (instruction.op) {
      case 'const':
        values[instruction.result] = instruction.value;
        return;
      case 'convert':
        values[instruction.result] = convert(values[instruction.arg]!, typeOf(instruction.result));
        return;
      case 'convert_checked': {
        const { arg, result } = instruction;
        values[result] = orTrap(frame, convertChecked(values[arg]!, typeOf(result)));
        return;
      }
      case 'cast':
        values[instruction.result] = cast(values[instruction.arg] as bigint, typeOf(instruction.result));
        return;
      case 'select':
        values[instruction.result] = values[values[instruction.condition] ? instruction.left : instruction.right]!;
        return;
      case 'fma': {
        const { a, b, c, result } = instruction;
        const format = sizeOf(typeOf(result)) === 4 ? 'f32' : 'f64';
        values[result] = fma(format, values[a] as number, values[b] as number, values[c] as number);
        return;
      }
      case 'load': {
        const address = values[instruction.address] as bigint;
        const value = this.#memory.load(address, typeOf(instruction.result));
        if (value === undefined) throw trap(frame, 'memory', frame.next - 1, address);
        values[instruction.result] = value;
        return;
      }
      case 'store': {
        const address = values[instruction.address] as bigint;
        const stored = this.#memory.store(address, typeOf(instruction.value), values[instruction.value]!);
        if (!stored) throw trap(frame, 'memory', frame.next - 1, address);
        return;
      }
      case 'elem':
      case 'item': {
        const index = values[instruction.index] as bigint;
        if (instruction.op === 'item') {
          const { to } = typeOf(instruction.base) as PointerType;
          checkIndex(frame, index, BigInt((to as ArrayType).length));
        }
        const offset = index * BigInt(instruction.size!);
        values[instruction.result] = BigInt.asUintN(64, (values[instruction.base] as bigint) + offset);
        return;
      }
      case 'field': {
        const { base, offset, result } = instruction;
        values[result] = BigInt.asUintN(64, (values[base] as bigint) + BigInt(offset!));
        return;
      }
      case 'slot':
        values[instruction.result] = this.#slot(frame, instruction);
        return;
      case 'copy': {
        const count = values[instruction.count] as bigint;
        if (count < 1n) return;
        const [to, from] = [values[instruction.to] as bigint, values[instruction.from] as bigint];
        const missing = this.#memory.move(to, from, count * BigInt(instruction.size!));
        if (missing !== undefined) throw trap(frame, 'memory', frame.next - 1, missing);
        return;
      }
      case 'fill': {
        const count = values[instruction.count] as bigint;
        if (count < 1n) return;
        const missing = this.#memory.fill(values[instruction.to] as bigint, Number(values[instruction.value]), count);
        if (missing !== undefined) throw trap(frame, 'memory', frame.next - 1, missing);
        return;
      }
      case 'bounds':
        checkIndex(frame, values[instruction.index] as bigint, values[instruction.length] as bigint);
        return;
      case 'fnaddr':
        values[instruction.result] = this.#addressOf(typeOf(instruction.result) as FunctionType, instruction.callee);
        return;
      case 'call': {
        const { callee } = instruction;
        this.#callFunction(frame, instruction, this.#call(callee), withArguments(callee.template, callee.typeArgs));
        return;
      }
      case 'invoke': {
        const address = values[instruction.target] as bigint;
        const target = this.#functionAt(address);
        if (target === undefined) throw trap(frame, 'memory', frame.next - 1, address);
        this.#callFunction(frame, instruction, target, target.symbol);
        return;
      }
      case 'extern':
        this.#callExtern(frame, instruction);
        return;
      case 'sizeof':
      case 'alignof':
      case 'offsetof':
      case 'tagof':
        throw notConcrete(frame, instruction.op);
      default: {
        if (isUnary(instruction.op)) {
          const { op, arg, result } = instruction as Extract<Instruction, { op: 'neg' }>;
          values[result] = orTrap(frame, unary(op, typeOf(arg), values[arg]!));
          return;
        }
        const { op, left, right, result } = instruction as Extract<Instruction, { left: Value; op: 'add' | 'eq' }>;
        const [a, b] = [values[left]!, values[right]!];
        values[result] = isCompare(op) ? compare(op, a, b) : orTrap(frame, binary(op, typeOf(left), a, b));
      }
    }
  }

  #slot(frame: Frame, { result, layout, zeroed }: Extract<Instruction, { op: 'slot' }>): bigint {
    const { size } = layout!;
    const slot = frame.slots.get(result) ?? this.#memory.allocate(size);
    if (slot === undefined) throw trap(frame, 'stack-overflow', frame.next - 1);
    frame.slots.set(result, slot);
    if (zeroed) this.#memory.fill(slot, 0, BigInt(size));
    return slot;
  }

  #addressOf(type: FunctionType, callee: Callee): bigint {
    const target = this.#call(callee);
    checkSignature(target, type, withArguments(callee.template, callee.typeArgs));
    return this.#functions.addressOf(target.symbol, callee);
  }

  #functionAt(address: bigint): ConcreteFunction | undefined {
    const callee = this.#functions.calleeAt(address);
    return callee === undefined ? this.#outer(address) : this.#call(callee);
  }

  #callFunction(frame: Frame, instruction: Invocation, target: ConcreteFunction, name: string): void {
    checkSignature(target, reliedOn(frame.fn, instruction), name);
    const count = this.#frameValues + target.valueTypes.length;
    if (this.#frames.length >= this.#maxDepth || count > this.#maxFrameValues) {
      throw trap(frame, 'stack-overflow', frame.next - 1);
    }
    this.#enter(
      target,
      instruction.args.map((arg) => frame.values[arg]!),
      instruction.result,
    );
  }

  #callExtern({ fn, values }: Frame, instruction: Extract<Instruction, { op: 'extern' }>): void {
    const { symbol, args, result } = instruction;
    const target = Object.hasOwn(this.#externs, symbol) ? this.#externs[symbol] : undefined;
    if (target === undefined) {
      throw new IrLinkError('UNKNOWN_SYMBOL', symbol, `a C function of that name in the option \`externs\``, 'none');
    }
    const value = target(
      args.map((arg) => values[arg]!),
      this.#memory,
    );
    if (result === undefined) return;
    const type = fn.valueTypes[result]!;
    values[result] = checkValue(value, type, () => `the result of extern ${symbol} (${typeToString(type)})`);
  }
}

function noCallees({ template, typeArgs }: Callee): never {
  const callee = withArguments(template, typeArgs);
  throw new IrLinkError('UNKNOWN_TEMPLATE', callee, 'the option `call`, which provides callees', 'none');
}

/** All arguments are read before any parameter is written: a block may jump to itself with its parameters swapped. */
function follow(frame: Frame, { block, args }: Edge): void {
  const { params } = frame.fn.blocks[block]!;
  const incoming = args.map((arg) => frame.values[arg]!);
  params.forEach((param, i) => {
    frame.values[param] = incoming[i]!;
  });
  frame.block = block;
  frame.next = 0;
}

function orTrap(frame: Frame, value: IrValue | 'divide' | 'overflow'): IrValue {
  if (typeof value === 'string') throw trap(frame, value, frame.next - 1);
  return value;
}

function checkIndex(frame: Frame, index: bigint, length: bigint): void {
  if (index < 0n || index >= length) throw trap(frame, 'bounds', frame.next - 1);
}

function trap({ fn, block }: Frame, kind: TrapKind, instruction: number, address?: bigint): IrTrapError {
  return new IrTrapError(kind, fn.symbol, fn.blocks[block]?.name ?? `%${block}`, instruction, address);
}

/** Specialisation decides these; only who makes a concrete function in another way can come here. */
function notConcrete({ fn }: Frame, op: string): TypeError {
  return new TypeError(`${op} in ${fn.symbol}: the function does not come from specialise`);
}
