// Evaluates templates as they are written: aggregates are values made of bytes, each `if` is decided when control comes to
// it, sizes and offsets are looked up in layouts. A second reading of docs/spec/template-ir.md, sections 4 to 7 and 9, that
// shares nothing with `specialise`: it is the oracle for what specialisation decides, writes in and lowers.
import { environmentOf } from '../declarations.js';
import { IrLinkError, IrStepLimitError, IrTrapError } from '../errors.js';
import { binary, cast, compare, convert, convertChecked, type IrValue, unary } from '../interpret/arithmetic.js';
import { fma } from '../interpret/fma.js';
import { FunctionTable } from '../interpret/functions.js';
import type { ExternFunction } from '../interpret/interpret.js';
import { MachineMemory, USUAL } from '../interpret/machine-memory.js';
import type { Memory } from '../interpret/memory.js';
import type { Callee, Edge, Instruction, Template, TemplateModule, Terminator, TrapKind, Value } from '../ir.js';
import { Layouts } from '../layout.js';
import { calledType, isBinary, isCompare, isUnary, operandsOf, resultOf } from '../operations.js';
import {
  type Bound,
  fnType,
  isAggregate,
  isFloat,
  isInt,
  mangle,
  type NamedType,
  type PointerType,
  substitute,
  type Type,
  typeToString,
} from '../types.js';

/** A value as a template has it: of an aggregate, its bytes, which nobody changes. */
export type GenericValue = IrValue | Uint8Array;

export interface EvaluateOptions {
  /** What addresses mean, but those of slots. */
  readonly memory: Memory;
  /** The C functions that `extern` may call, by symbol. */
  readonly externs?: Readonly<Record<string, ExternFunction>>;
  /** Instructions and blocks to run at most, over all functions; default: no limit. */
  readonly maxSteps?: number;
}

/** A template with its arguments, and the types of its values for them. */
interface Instance {
  readonly template: Template;
  readonly typeArgs: readonly Type[];
  readonly types: readonly Type[];
  readonly result: Type | undefined;
}

/** One call in progress. */
interface Activation extends Instance {
  readonly values: GenericValue[];
  readonly slots: Map<Value, bigint>;
}

/**
 * Runs an instance of a template of a valid module, and returns its result (undefined if it has none): what `interpret`
 * gives for the same instance, but that aggregates are passed and returned as their bytes. Calls of the program are calls
 * in JavaScript: a program that recurses thousands of calls deep ends with its RangeError.
 *
 * Throws `IrTrapError` where the program traps, `IrLinkError` for a template or C function that is not there or has another
 * signature, `IrStepLimitError` beyond `maxSteps`, `IrLayoutError` for a type without a layout.
 *
 * ```ts
 * evaluate(module, { template: 'max', typeArgs: [scalar('i32')] }, [3n, 5n], { memory }); // 5n
 * ```
 */
export function evaluate(
  module: TemplateModule,
  callee: Callee,
  args: readonly GenericValue[],
  options: EvaluateOptions,
): GenericValue | undefined {
  return new Evaluator(module, options).call(callee, args);
}

class Evaluator {
  readonly #templates: ReadonlyMap<string, Template>;
  readonly #types: ReturnType<typeof environmentOf>;
  readonly #layouts: Layouts;
  readonly #memory: MachineMemory;
  readonly #externs: Readonly<Record<string, ExternFunction>>;
  readonly #maxSteps: number;
  readonly #instances = new Map<string, Instance>();
  readonly #functions = new FunctionTable();
  #steps = 0;

  constructor({ templates, types }: TemplateModule, { memory, externs, maxSteps }: EvaluateOptions) {
    this.#templates = new Map(templates.map((template) => [template.name, template]));
    this.#types = environmentOf(types);
    this.#layouts = new Layouts(this.#types);
    this.#memory = new MachineMemory(memory, 8 << 20, USUAL);
    this.#externs = externs ?? {};
    this.#maxSteps = maxSteps ?? Number.POSITIVE_INFINITY;
  }

  call(callee: Callee, args: readonly GenericValue[]): GenericValue | undefined {
    const instance = this.#instance(callee);
    const activation: Activation = { ...instance, values: [], slots: new Map() };
    const { blocks } = instance.template;
    let next: { readonly block: number; readonly args: readonly GenericValue[] } = { block: 0, args };
    for (;;) {
      const block = blocks[next.block]!;
      this.#count();
      block.params.forEach((param, i) => {
        activation.values[param] = next.args[i]!;
      });
      for (const [i, instruction] of block.instructions.entries()) this.#run(activation, instruction, next.block, i);
      const { terminator } = block;
      if (terminator.op === 'unreachable')
        throw this.#trap(activation, 'unreachable', next.block, block.instructions.length);
      if (terminator.op === 'return') {
        for (const slot of activation.slots.values()) this.#memory.free(slot);
        return terminator.value === undefined ? undefined : activation.values[terminator.value];
      }
      const edge = chosenEdge(terminator, activation);
      next = { block: edge.block, args: edge.args.map((arg) => activation.values[arg]!) };
    }
  }

  #instance({ template: name, typeArgs }: Callee): Instance {
    const key = mangle(name, typeArgs);
    const known = this.#instances.get(key);
    if (known !== undefined) return known;
    const template = this.#templates.get(name);
    if (template === undefined) throw new IrLinkError('UNKNOWN_TEMPLATE', name, 'a template of the module', 'none');
    const types = template.valueTypes.map((type) => substitute(type, typeArgs));
    const result = template.result && substitute(template.result, typeArgs);
    const instance: Instance = { template, typeArgs, types, result };
    this.#instances.set(key, instance);
    return instance;
  }

  #run(activation: Activation, instruction: Instruction, block: number, number: number): void {
    this.#count();
    const outcome = this.#execute(activation, instruction);
    if (typeof outcome === 'string') throw this.#trap(activation, outcome, block, number);
    const result = resultOf(instruction);
    if (result !== undefined) activation.values[result] = outcome!;
  }

  #count(): void {
    if (++this.#steps > this.#maxSteps) throw new IrStepLimitError(this.#maxSteps);
  }

  /** The value that the instruction defines, if any, or the trap. */
  #execute(activation: Activation, instruction: Instruction): GenericValue | TrapKind | undefined {
    const { values, types, typeArgs, slots } = activation;
    const operands = operandsOf(instruction);
    const args = operands.map((operand) => values[operand]!);
    const [a, b, c] = args as IrValue[];
    const result = resultOf(instruction);
    const type = result === undefined ? undefined : types[result]!;
    const layout = (of: Type) => this.#layouts.of(substitute(of, typeArgs));
    const pointed = (): Type => (types[operands[0]!] as PointerType).to;
    switch (instruction.op) {
      case 'const':
        return isFloat(type!) ? convert(instruction.value, type) : instruction.value;
      case 'convert':
        return convert(a!, type!);
      case 'convert_checked':
        return convertChecked(a!, type!);
      case 'cast':
        return cast(a as bigint, type!);
      case 'select':
        return a ? b : c;
      case 'fma':
        return fma(layout(type!).size === 4 ? 'f32' : 'f64', a as number, b as number, c as number);
      case 'sizeof':
        return BigInt(layout(instruction.type).size);
      case 'alignof':
        return BigInt(layout(instruction.type).align);
      case 'offsetof':
        return BigInt(layout(instruction.type).fields.get(instruction.path)!.offset);
      case 'tagof': {
        const declaration = this.#types((instruction.type as NamedType).name)!;
        const variants = declaration.kind === 'enum' ? declaration.variants : [];
        return BigInt(variants.findIndex(({ name }) => name === instruction.variant));
      }
      case 'slot': {
        const { size } = layout(instruction.type);
        const slot = slots.get(instruction.result) ?? this.#memory.allocate(size);
        if (slot === undefined) return 'stack-overflow';
        slots.set(instruction.result, slot);
        this.#memory.fill(slot, 0, BigInt(size));
        return slot;
      }
      case 'load':
        if (!isAggregate(type!)) return this.#memory.load(a as bigint, type!) ?? 'memory';
        return this.#memory.readBytes(a as bigint, layout(type).size) ?? 'memory';
      case 'store': {
        const address = a as bigint;
        const value = args[1]!;
        const stored =
          value instanceof Uint8Array
            ? this.#memory.writeBytes(address, value)
            : this.#memory.store(address, types[instruction.value]!, value);
        return stored ? undefined : 'memory';
      }
      case 'elem':
        return moved(a, (b as bigint) * BigInt(layout(pointed()).size));
      case 'item': {
        const array = pointed() as Extract<Type, { kind: 'array' }>;
        if (!isWithin(b, BigInt(array.length))) return 'bounds';
        return moved(a, (b as bigint) * BigInt(layout(array.of).size));
      }
      case 'field':
        return moved(a, BigInt(layout(pointed()).fields.get(instruction.path)!.offset));
      case 'copy': {
        if ((c as bigint) < 1n) return undefined;
        const length = (c as bigint) * BigInt(layout(pointed()).size);
        return this.#memory.move(a as bigint, b as bigint, length) === undefined ? undefined : 'memory';
      }
      case 'fill':
        if ((c as bigint) < 1n) return undefined;
        return this.#memory.fill(a as bigint, Number(b), c as bigint) === undefined ? undefined : 'memory';
      case 'bounds':
        return isWithin(a, b) ? undefined : 'bounds';
      case 'call':
        return this.#enter(substituted(instruction.callee, typeArgs), args, calledType(operands, result, types));
      case 'fnaddr': {
        const callee = substituted(instruction.callee, typeArgs);
        this.#check(callee, type!);
        return this.#functions.addressOf(mangle(callee.template, callee.typeArgs), callee);
      }
      case 'invoke': {
        const callee = this.#functions.calleeAt(a as bigint);
        if (callee === undefined) return 'memory';
        return this.#enter(callee, args.slice(1), calledType(instruction.args, result, types));
      }
      case 'extern': {
        const { symbol } = instruction;
        const target = Object.hasOwn(this.#externs, symbol) ? this.#externs[symbol] : undefined;
        if (target === undefined) throw new IrLinkError('UNKNOWN_SYMBOL', symbol, 'a C function', 'none');
        return target(args as IrValue[], this.#memory);
      }
      default: {
        const { op } = instruction;
        if (isUnary(op)) return unary(op, type!, a!);
        if (isCompare(op)) return compare(op, a!, b!);
        if (isBinary(op)) return binary(op, type!, a!, b!);
        throw new TypeError(`${String(op)}: no operation`);
      }
    }
  }

  #enter(callee: Callee, args: readonly GenericValue[], reliedOn: Type): GenericValue | undefined {
    this.#check(callee, reliedOn);
    return this.call(callee, args);
  }

  #check(callee: Callee, reliedOn: Type): void {
    const { template, types, result } = this.#instance(callee);
    const params = template.blocks[0]!.params.map((param) => types[param]!);
    const found = fnType(params, result);
    if (found === reliedOn) return;
    throw new IrLinkError('SIGNATURE', template.name, typeToString(reliedOn), typeToString(found));
  }

  #trap({ template, typeArgs }: Activation, kind: TrapKind, block: number, instruction: number): IrTrapError {
    return new IrTrapError(kind, mangle(template.name, typeArgs), `%${block}`, instruction);
  }
}

function chosenEdge(
  terminator: Exclude<Terminator, { op: 'return' | 'unreachable' }>,
  { values, typeArgs }: Activation,
): Edge {
  if (terminator.op === 'jump') return terminator.target;
  const isThen =
    terminator.op === 'branch'
      ? values[terminator.condition]
      : isA(substitute(terminator.type, typeArgs), terminator.is, typeArgs);
  return isThen ? terminator.then : terminator.else;
}

/** The table of section 2 once more; a type is a type only if it is the same. */
function isA(type: Type, is: Bound | Type, typeArgs: readonly Type[]): boolean {
  const isNumber = isInt(type) || isFloat(type);
  switch (is) {
    case 'Any':
      return true;
    case 'Eq':
      return !isAggregate(type);
    case 'Ord':
      return isNumber || type.kind === 'ptr';
    case 'Num':
      return isNumber;
    case 'Int':
      return isInt(type);
    case 'Float':
      return isFloat(type);
    default:
      return type === substitute(is, typeArgs);
  }
}

function substituted({ template, typeArgs }: Callee, args: readonly Type[]): Callee {
  return { template, typeArgs: typeArgs.map((type) => substitute(type, args)) };
}

function isWithin(index: IrValue | undefined, length: IrValue | undefined): boolean {
  return (index as bigint) >= 0n && (index as bigint) < (length as bigint);
}

function moved(address: IrValue | undefined, by: bigint): bigint {
  return BigInt.asUintN(64, (address as bigint) + by);
}
