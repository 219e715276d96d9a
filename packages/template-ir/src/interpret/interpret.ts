// The interpreter: runs concrete functions as the specification says. It is the reference that native code must agree
// with, bit for bit; so it is written to be obviously right, not fast. Frames are kept here, not on the JS stack.
import { IrLinkError, IrStepLimitError, IrTrapError } from '../errors.js';
import type { Callee, ConcreteFunction, Edge, Instruction, TrapKind, Value } from '../ir.js';
import { isCompare, isUnary } from '../operations.js';
import { signatureOf } from '../specialise.js';
import { type PointerType, signatureToString, sizeOf, typeToString } from '../types.js';
import { binary, compare, convert, type IrValue, kindOf, rangeProblem, unary } from './arithmetic.js';
import { type CalleeProvider, calleeToString } from './instances.js';
import { LinearMemory, type Memory } from './memory.js';

export interface InterpretOptions {
  /** What addresses mean; without it, every load and store traps. */
  readonly memory?: Memory;
  /** Gives the callees; without it, every call is an `IrLinkError`. */
  readonly call?: CalleeProvider;
  /** Instructions and terminators to run at most, over all functions; default: no limit. */
  readonly maxSteps?: number;
  /** Calls within one another at most, the outermost counted; one more traps `stack-overflow`. Default 10,000. */
  readonly maxDepth?: number;
}

/** One call in progress. */
interface Frame {
  readonly fn: ConcreteFunction;
  readonly values: IrValue[];
  /** Where the caller wants the result. */
  readonly result: Value | undefined;
  block: number;
  next: number;
}

/**
 * Runs `fn` and returns its result (undefined if it has none). Integers and addresses are bigint, floats number, bools
 * boolean, both ways.
 *
 * Throws `IrTrapError` where native code traps (`divide`, `memory`, `unreachable`, `stack-overflow`), `IrLinkError` for
 * a call that `options.call` cannot serve, `IrStepLimitError` beyond `maxSteps`; `TypeError` for a wrong number or kind
 * of arguments, `RangeError` for an integer out of its type's range. A number for an f32 is rounded to it.
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
  return new Machine(options).run(fn, checkArguments(fn, args));
}

/** The arguments as values of the parameters' types: only an f32 can still need rounding. */
function checkArguments(fn: ConcreteFunction, args: readonly IrValue[]): readonly IrValue[] {
  const { params } = signatureOf(fn);
  if (args.length !== params.length) {
    throw new TypeError(`${fn.symbol} takes ${params.length} arguments, got ${args.length}`);
  }
  return params.map((type, i) => {
    const arg = args[i]!;
    const must = `argument ${i + 1} of ${fn.symbol} (${typeToString(type)}) must be`;
    if (typeof arg !== kindOf(type)) throw new TypeError(`${must} a ${kindOf(type)}, not a ${typeof arg}`);
    const problem = rangeProblem(arg, type);
    if (problem !== undefined) throw new RangeError(`${must} ${problem}, not ${String(arg)}`);
    return typeof arg === 'number' ? convert(arg, type) : arg;
  });
}

class Machine {
  readonly #memory: Memory;
  readonly #call: CalleeProvider;
  readonly #maxSteps: number;
  readonly #maxDepth: number;
  readonly #frames: Frame[] = [];

  constructor({ memory, call, maxSteps, maxDepth }: InterpretOptions) {
    this.#memory = memory ?? new LinearMemory();
    this.#call =
      call ??
      (({ template, typeArgs }) => {
        const callee = calleeToString(template, typeArgs);
        throw new IrLinkError('UNKNOWN_TEMPLATE', callee, 'the option `call`, which provides callees', 'none');
      });
    this.#maxSteps = maxSteps ?? Number.POSITIVE_INFINITY;
    this.#maxDepth = maxDepth ?? 10_000;
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
          this.#frames.pop();
          const caller = this.#frames.at(-1);
          if (caller === undefined) return value;
          if (frame.result !== undefined) caller.values[frame.result] = value!;
        }
      }
    }
  }

  #enter(fn: ConcreteFunction, args: readonly IrValue[], result: Value | undefined): void {
    const values: IrValue[] = new Array(fn.valueTypes.length);
    fn.blocks[0]!.params.forEach((param, i) => {
      values[param] = args[i]!;
    });
    this.#frames.push({ fn, values, result, block: 0, next: 0 });
  }

  #step(frame: Frame, instruction: Instruction): void {
    const { values, fn } = frame;
    switch (instruction.op) {
      case 'const':
        values[instruction.result] = instruction.value;
        return;
      case 'sizeof':
        values[instruction.result] = BigInt(sizeOf(instruction.type)!);
        return;
      case 'convert':
        values[instruction.result] = convert(values[instruction.arg]!, fn.valueTypes[instruction.result]!);
        return;
      case 'select':
        values[instruction.result] = values[values[instruction.condition] ? instruction.left : instruction.right]!;
        return;
      case 'load': {
        const address = values[instruction.address] as bigint;
        const value = this.#memory.load(address, fn.valueTypes[instruction.result]!);
        if (value === undefined) throw trap(frame, 'memory', frame.next - 1, address);
        values[instruction.result] = value;
        return;
      }
      case 'store': {
        const address = values[instruction.address] as bigint;
        const stored = this.#memory.store(address, fn.valueTypes[instruction.value]!, values[instruction.value]!);
        if (!stored) throw trap(frame, 'memory', frame.next - 1, address);
        return;
      }
      case 'elem': {
        const { to } = fn.valueTypes[instruction.base] as PointerType;
        const offset = (values[instruction.index] as bigint) * BigInt(sizeOf(to)!);
        values[instruction.result] = BigInt.asUintN(64, (values[instruction.base] as bigint) + offset);
        return;
      }
      case 'call':
        this.#callFunction(frame, instruction);
        return;
      default: {
        if (isUnary(instruction.op)) {
          const { op, arg, result } = instruction as Extract<Instruction, { op: 'neg' | 'not' | 'sqrt' }>;
          values[result] = unary(op, fn.valueTypes[arg]!, values[arg]!);
          return;
        }
        const { op, left, right, result } = instruction as Extract<Instruction, { left: Value; op: 'add' | 'eq' }>;
        const [a, b] = [values[left]!, values[right]!];
        const value = isCompare(op) ? compare(op, a, b) : binary(op, fn.valueTypes[left]!, a, b);
        if (value === undefined) throw trap(frame, 'divide', frame.next - 1);
        values[result] = value;
      }
    }
  }

  #callFunction(frame: Frame, { callee, args, result }: Extract<Instruction, { op: 'call' }>): void {
    const target = this.#call(callee);
    checkSignature(frame.fn, target, callee, args, result);
    if (this.#frames.length >= this.#maxDepth) throw trap(frame, 'stack-overflow', frame.next - 1);
    this.#enter(
      target,
      args.map((arg) => frame.values[arg]!),
      result,
    );
  }
}

/** The caller's expectation is all that its verification knew of a callee in another module. */
function checkSignature(
  caller: ConcreteFunction,
  target: ConcreteFunction,
  callee: Callee,
  args: readonly Value[],
  result: Value | undefined,
): void {
  const params = target.blocks[0]!.params;
  const { valueTypes } = caller;
  const resultType = result === undefined ? undefined : valueTypes[result];
  const fits = (arg: Value, i: number): boolean => valueTypes[arg] === target.valueTypes[params[i]!];
  if (params.length === args.length && resultType === target.result && args.every(fits)) return;
  const wanted = signatureToString({ params: args.map((arg) => valueTypes[arg]!), result: resultType });
  const found = signatureToString(signatureOf(target));
  throw new IrLinkError('SIGNATURE', calleeToString(callee.template, callee.typeArgs), wanted, found);
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

function trap({ fn, block }: Frame, kind: TrapKind, instruction: number, address?: bigint): IrTrapError {
  return new IrTrapError(kind, fn.symbol, fn.blocks[block]?.name ?? `%${block}`, instruction, address);
}
