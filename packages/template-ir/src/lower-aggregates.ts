// Removes values of aggregate types from a concrete, verified function: each becomes the address of a copy of it, in a slot
// of its own. docs/spec/template-ir.md, section 9.
//
// Why one slot for each value is enough: a value is used only where its definition dominates the use, so a definition that
// runs again (in a loop) can only overwrite a copy that nobody can read any more. What outlives an iteration does so
// through block parameters, and those are copied where the block begins.

import { factsOf } from './intern.js';
import type { Block, ConcreteFunction, Edge, Instruction, IrFunction, Layout, Terminator, Value } from './ir.js';
import { edgesOf } from './operations.js';
import { type FunctionType, fnType, isAggregate, isPlain, ptr, rebuild, scalar, type Type } from './types.js';

/** True if the function has values of aggregate types, or passes some through function pointers. */
export function hasAggregates(fn: IrFunction): boolean {
  const { result, valueTypes } = fn;
  if (result !== undefined && !isPlain(result) && needsLowering(result)) return true;
  for (let value = 0; value < valueTypes.length; value++) {
    const type = valueTypes[value]!;
    if (!isPlain(type) && needsLowering(type)) return true;
  }
  return false;
}

function needsLowering(type: Type): boolean {
  return isAggregate(type) || factsOf(type).passesAggregates;
}

/** What `lowerType` made of types that it had to look into: many values may have one large type. */
const loweredTypes = new WeakMap<Type, Type>();

/** The type with function types in it as they are called: aggregates by address, a result of one through the first parameter. */
export function lowerType(type: Type): Type {
  if (type.kind === 'scalar' || !factsOf(type).passesAggregates) return type;
  let lowered = loweredTypes.get(type);
  if (lowered === undefined) {
    lowered = type.kind === 'fn' ? lowerFunction(type) : rebuild(type, lowerType);
    loweredTypes.set(type, lowered);
  }
  return lowered;
}

function lowerFunction(type: FunctionType): FunctionType {
  const params = type.params.map(passedType);
  if (type.result === undefined || !isAggregate(type.result)) {
    return fnType(params, type.result === undefined ? undefined : lowerType(type.result));
  }
  return fnType([passedType(type.result), ...params], undefined);
}

/** The type of what stands for a value of that type. */
function passedType(type: Type): Type {
  return isAggregate(type) ? ptr(lowerType(type)) : lowerType(type);
}

type Draft = Omit<ConcreteFunction, symbol>;

/** Says how types lie in memory; `slotLayout` for each slot that is made, so that their bytes can be counted. */
export interface LayoutSource {
  layoutOf(type: Type): Layout;
  slotLayout(type: Type): Layout;
}

/** The function without values of aggregate types. */
export function lowerAggregates(fn: Draft, layouts: LayoutSource): Draft {
  return new Lowering(fn, layouts).lower();
}

class Lowering {
  readonly #fn: Draft;
  readonly #layouts: LayoutSource;
  readonly #types: Type[];
  readonly #names: (string | undefined)[];
  /** The count of one, which every copy has. */
  readonly #one: Value;
  /** Where the caller wants the result. */
  readonly #result: Value | undefined;

  constructor(fn: Draft, layouts: LayoutSource) {
    this.#fn = fn;
    this.#layouts = layouts;
    this.#types = fn.valueTypes.map(passedType);
    this.#names = [...fn.valueNames];
    this.#one = this.#value(scalar('i64'));
    this.#result =
      fn.result !== undefined && isAggregate(fn.result) ? this.#value(passedType(fn.result), 'result') : undefined;
  }

  lower(): Draft {
    const { result } = this.#fn;
    const aliased = this.#blocksThatPassTheirOwn();
    const blocks = this.#fn.blocks.map((block, b) => this.#block(block, aliased.has(b)));
    const entry = blocks[0]!;
    const count: Instruction = { op: 'const', result: this.#one, value: 1n };
    blocks[0] = {
      ...entry,
      params: this.#result === undefined ? entry.params : [this.#result, ...entry.params],
      instructions: [count, ...entry.instructions],
    };
    return {
      ...this.#fn,
      result: this.#result !== undefined || result === undefined ? undefined : lowerType(result),
      valueTypes: this.#types,
      valueNames: this.#names,
      blocks,
    };
  }

  #value(type: Type, name?: string): Value {
    this.#types.push(type);
    this.#names.push(name);
    return (this.#types.length - 1) as Value;
  }

  #isAggregate(value: Value | undefined): value is Value {
    return value !== undefined && value < this.#fn.valueTypes.length && isAggregate(this.#fn.valueTypes[value]!);
  }

  /**
   * Makes `value` the address of a slot for values of that type. What is in it is not defined until it is written. Where the value is
   * made, not in the entry: addresses that live all through a function make compiling a large one cost its square.
   */
  #slot(value: Value, type: Type): Instruction {
    const layout = this.#layouts.slotLayout(type);
    return { op: 'slot', result: value, type: lowerType(type), zeroed: false, layout };
  }

  #copy(to: Value, from: Value, type: Type): Instruction {
    return { op: 'copy', to, from, count: this.#one, size: this.#layouts.layoutOf(type).size };
  }

  /**
   * Blocks to which an edge leads with an argument that may lie in a slot of the block's own parameters, as in
   * `jump loop(b, a)`: there all arguments must be read before any parameter is written.
   */
  #blocksThatPassTheirOwn(): ReadonlySet<number> {
    const selected = new Set<Value>();
    for (const { instructions } of this.#fn.blocks) {
      for (const instruction of instructions) {
        if (instruction.op === 'select' && this.#isAggregate(instruction.result)) selected.add(instruction.result);
      }
    }
    const found = new Set<number>();
    const look = ({ block, args }: Edge): void => {
      const { params } = this.#fn.blocks[block]!;
      const own = new Set(params.filter((param) => this.#isAggregate(param)));
      const mayBeOwn = (arg: Value, i: number): boolean => (own.has(arg) && arg !== params[i]) || selected.has(arg);
      if (own.size > 1 && args.some(mayBeOwn)) found.add(block);
    };
    for (const { terminator } of this.#fn.blocks) edgesOf(terminator).forEach(look);
    return found;
  }

  #block(block: Block, aliased: boolean): Block {
    const instructions: Instruction[] = [];
    const late: Instruction[] = [];
    const params = block.params.map((param) => {
      if (!this.#isAggregate(param)) return param;
      // The edges bring addresses; the parameter itself is a copy in this block's own slot.
      const incoming = this.#value(this.#types[param]!, this.#names[param]);
      this.#names[param] = undefined;
      const type = this.#fn.valueTypes[param]!;
      instructions.push(this.#slot(param, type));
      if (!aliased) instructions.push(this.#copy(param, incoming, type));
      else {
        const held = this.#value(this.#types[param]!);
        instructions.push(this.#slot(held, type), this.#copy(held, incoming, type));
        late.push(this.#copy(param, held, type));
      }
      return incoming;
    });
    instructions.push(...late);
    for (const instruction of block.instructions) this.#instruction(instruction, instructions);
    const terminator = this.#terminator(block.terminator, instructions);
    return { name: block.name, params, instructions, terminator };
  }

  #instruction(instruction: Instruction, to: Instruction[]): void {
    switch (instruction.op) {
      case 'load': {
        const { result, address } = instruction;
        if (!this.#isAggregate(result)) break;
        const type = this.#fn.valueTypes[result]!;
        to.push(this.#slot(result, type), this.#copy(result, address, type));
        return;
      }
      case 'store': {
        const { address, value } = instruction;
        if (!this.#isAggregate(value)) break;
        to.push(this.#copy(address, value, this.#fn.valueTypes[value]!));
        return;
      }
      case 'call':
      case 'invoke': {
        const { result } = instruction;
        if (!this.#isAggregate(result)) break;
        to.push(this.#slot(result, this.#fn.valueTypes[result]!));
        to.push({ ...instruction, result: undefined, args: [result, ...instruction.args] });
        return;
      }
      case 'slot':
        to.push({ ...instruction, type: lowerType(instruction.type) });
        return;
    }
    to.push(instruction); // a select, too: it chooses between addresses
  }

  #terminator(terminator: Terminator, instructions: Instruction[]): Terminator {
    if (terminator.op !== 'return' || this.#result === undefined) return terminator;
    instructions.push(this.#copy(this.#result, terminator.value!, this.#fn.result!));
    return { op: 'return', value: undefined };
  }
}
