// Who uses what: found before lowering, so that an instruction whose result nobody needs is left out, an address that is
// only loaded from and stored to becomes an addressing mode, and a comparison that only steers one branch or select becomes its flags.
import type { ConcreteFunction, Instruction, Terminator, Value } from '@simple-jit/template-ir';
import type { BlockOrder } from '../control-flow.js';
import type { Scratch } from '../scratch.js';
import { elementSize } from './types.js';

/** Instructions that compute an address from another one, or from the frame. */
export type AddressStep = Instruction & { readonly op: 'elem' | 'item' | 'field' | 'slot' };
export type Comparison = Instruction & { readonly op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' };

const EFFECTS: ReadonlySet<string> = new Set([
  'store', 'copy', 'fill', 'load', 'call', 'invoke', 'extern', 'div', 'rem', 'item', 'bounds', 'convert_checked',
  'add_checked', 'sub_checked', 'mul_checked', 'div_checked', 'neg_checked',
]); // biome-ignore format: a list

/** What kind of addressing mode a value could become. */
const NO_STEP = 0;
const PLAIN = 1;
const INDEXED = 2;
const KIND = 3;
/** Each load and store goes through all steps of its address: more of them would make a long chain cost its square. */
const MAX_STEPS = 8;
const ONE_STEP = KIND + 1;
/** A displacement has 31 bits, and the frame's own offsets come on top. */
const MAX_DISPLACEMENT = 2 ** 29;

export class Uses {
  private readonly counts: Int32Array;
  /** By value: uses as the address of a load or store, or as the base of an address that can be an addressing mode itself. */
  private readonly addressUses: Int32Array;
  /** By value: block of the last use found as a condition, or -1. */
  private readonly conditionBlocks: Int32Array;
  /** By value, of constants, address steps and comparisons: the block and the place in it that define it, or -1. */
  private readonly definitionBlocks: Int32Array;
  private readonly definitionPlaces: Int32Array;
  /** By value: NO_STEP, PLAIN or INDEXED, plus ONE_STEP for each step before it. */
  private readonly steps: Int32Array;
  /** By value: how far from a register its address would be at most. */
  private displacements: Map<Value, number> | undefined = undefined;

  /** Reads the blocks of `order`, which has definitions before uses. */
  constructor(
    private readonly source: ConcreteFunction,
    { order, count }: BlockOrder,
    scratch: Scratch,
  ) {
    const values = source.valueTypes.length;
    this.counts = scratch.filled(values, 0);
    this.addressUses = scratch.filled(values, 0);
    this.conditionBlocks = scratch.filled(values, -1);
    this.definitionBlocks = scratch.filled(values, -1);
    this.definitionPlaces = scratch.take(values);
    this.steps = scratch.filled(values, NO_STEP);
    for (let o = 0; o < count; o++) {
      const index = order[o]!;
      const { instructions, terminator } = source.blocks[index]!;
      for (let i = 0; i < instructions.length; i++) this.define(instructions[i]!, index, i);
      this.visitTerminator(terminator, index);
    }
    for (let o = count - 1; o >= 0; o--) {
      const index = order[o]!;
      const { instructions } = source.blocks[index]!;
      for (let i = instructions.length - 1; i >= 0; i--) this.visit(instructions[i]!, index, i);
    }
  }

  private visitTerminator(terminator: Terminator, block: number): void {
    if (terminator.op === 'jump') this.countAll(terminator.target.args);
    else if (terminator.op === 'return' && terminator.value !== undefined) this.counts[terminator.value]!++;
    else if (terminator.op === 'branch') {
      this.counts[terminator.condition]!++;
      this.conditionBlocks[terminator.condition] = block;
      this.countAll(terminator.then.args);
      this.countAll(terminator.else.args);
    }
  }

  private setDefinition(value: Value, block: number, place: number): void {
    this.definitionBlocks[value] = block;
    this.definitionPlaces[value] = place;
  }

  private definitionOf(value: Value): Instruction | undefined {
    const block = this.definitionBlocks[value]!;
    return block < 0 ? undefined : this.source.blocks[block]!.instructions[this.definitionPlaces[value]!];
  }

  /** What addressing modes need to know of it before its users are visited. */
  private define(instruction: Instruction, block: number, place: number): void {
    switch (instruction.op) {
      case 'const':
        this.setDefinition(instruction.result, block, place);
        return;
      case 'elem':
      case 'item': {
        const { result, base } = instruction;
        this.setDefinition(result, block, place);
        const size = elementSize(this.source, instruction);
        const index = this.constantIndex(instruction.index);
        if (index !== undefined) this.step(result, base, index * size, false);
        else if (size === 1 || size === 2 || size === 4 || size === 8) this.step(result, base, 0, true);
        return;
      }
      case 'field':
        this.setDefinition(instruction.result, block, place);
        this.step(instruction.result, instruction.base, instruction.offset!, false);
        return;
      case 'slot':
        this.setDefinition(instruction.result, block, place);
        this.steps[instruction.result] = PLAIN;
    }
  }

  private step(result: Value, base: Value, offset: number, indexed: boolean): void {
    const before = this.steps[base]!;
    if (before >= MAX_STEPS * ONE_STEP) return;
    const isIndexed = (before & KIND) === INDEXED;
    const taken = indexed && isIndexed;
    const displacement = (taken ? 0 : (this.displacements?.get(base) ?? 0)) + offset;
    if (Math.abs(displacement) > MAX_DISPLACEMENT) return;
    if (displacement !== 0) {
      this.displacements ??= new Map();
      this.displacements.set(result, displacement);
    }
    this.steps[result] = (before & ~KIND) + ONE_STEP + (indexed || isIndexed ? INDEXED : PLAIN);
  }

  /** The index of an element, if it is a constant. */
  constantIndex(index: Value): number | undefined {
    const definition = this.definitionOf(index);
    return definition?.op === 'const' ? Number(definition.value) : undefined;
  }

  private visit(instruction: Instruction, block: number, place: number): void {
    if (!this.isNeeded(instruction)) return;
    const { counts } = this;
    switch (instruction.op) {
      case 'const':
      case 'sizeof':
      case 'alignof':
      case 'offsetof':
      case 'tagof':
      case 'slot':
      case 'fnaddr':
        return;
      case 'call':
      case 'extern':
        this.countAll(instruction.args);
        return;
      case 'invoke':
        counts[instruction.target]!++;
        this.countAll(instruction.args);
        return;
      case 'load':
      case 'store':
        counts[instruction.address]!++;
        this.addressUses[instruction.address]!++;
        if (instruction.op === 'store') counts[instruction.value]!++;
        return;
      case 'elem':
      case 'item':
        counts[instruction.base]!++;
        counts[instruction.index]!++;
        if (!this.isStep(instruction.result)) return;
        if ((this.steps[instruction.base]! & KIND) !== INDEXED || this.constantIndex(instruction.index) !== undefined)
          this.addressUses[instruction.base]!++;
        return;
      case 'field':
        counts[instruction.base]!++;
        if (this.isStep(instruction.result)) this.addressUses[instruction.base]!++;
        return;
      case 'select':
        counts[instruction.condition]!++;
        this.conditionBlocks[instruction.condition] = block;
        counts[instruction.left]!++;
        counts[instruction.right]!++;
        return;
      case 'fma':
        counts[instruction.a]!++;
        counts[instruction.b]!++;
        counts[instruction.c]!++;
        return;
      case 'copy':
        counts[instruction.to]!++;
        counts[instruction.from]!++;
        counts[instruction.count]!++;
        return;
      case 'fill':
        counts[instruction.to]!++;
        counts[instruction.value]!++;
        counts[instruction.count]!++;
        return;
      case 'bounds':
        counts[instruction.index]!++;
        counts[instruction.length]!++;
        return;
      case 'eq':
      case 'ne':
      case 'lt':
      case 'le':
      case 'gt':
      case 'ge':
        this.setDefinition(instruction.result, block, place);
        counts[instruction.left]!++;
        counts[instruction.right]!++;
        return;
      default: {
        const { arg, left, right } = instruction as {
          readonly arg?: Value;
          readonly left: Value;
          readonly right: Value;
        };
        if (arg === undefined) {
          counts[left]!++;
          counts[right]!++;
        } else counts[arg]!++;
      }
    }
  }

  private countAll(values: readonly Value[]): void {
    for (let i = 0; i < values.length; i++) this.counts[values[i]!]!++;
  }

  isUsed(value: Value): boolean {
    return this.counts[value]! > 0;
  }

  /** False for a result that nobody uses, if computing it does nothing else: what may trap, writes or calls is always needed. */
  isNeeded(instruction: Instruction): boolean {
    const { op, result } = instruction as { readonly op: string; readonly result?: Value };
    return (result !== undefined && this.counts[result]! > 0) || EFFECTS.has(op);
  }

  /** The instruction that computes `pointer`, if it becomes part of the addressing modes of all its users. */
  foldedStep(pointer: Value): AddressStep | undefined {
    return this.isFolded(pointer) ? (this.definitionOf(pointer) as AddressStep) : undefined;
  }

  /** True if an addressing mode can compute it, with its base as one. */
  isStep(pointer: Value): boolean {
    return this.steps[pointer] !== NO_STEP;
  }

  private isFolded(pointer: Value): boolean {
    return this.steps[pointer] !== NO_STEP && this.addressUses[pointer] === this.counts[pointer];
  }

  /** The comparison that computes `condition`, if a branch or select in its own block is its only user. */
  fusedComparison(condition: Value): Comparison | undefined {
    if (this.counts[condition] !== 1 || this.conditionBlocks[condition] !== this.definitionBlocks[condition])
      return undefined;
    const definition = this.definitionOf(condition);
    if (definition === undefined) return undefined;
    switch (definition.op) {
      case 'eq':
      case 'ne':
      case 'lt':
      case 'le':
      case 'gt':
      case 'ge':
        return definition as Comparison;
      default:
        return undefined;
    }
  }
}
