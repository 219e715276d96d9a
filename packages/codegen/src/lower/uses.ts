// Who uses what: found before lowering, so that an instruction whose result nobody needs is left out, an address that is
// only loaded from and stored to becomes an addressing mode, and a comparison that only steers one branch or select becomes its flags.
import type { ConcreteFunction, Instruction, Value } from '@simple-jit/template-ir';
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
  private readonly counts: number[];
  /** Uses as the address of a load or store, or as the base of an address that can be an addressing mode itself. */
  private readonly addressUses: number[];
  /** Block of the last use found as a condition, or -1. */
  private readonly conditionBlock: number[];
  /** By value: constants, address steps and comparisons. */
  private readonly definitions: (Instruction | undefined)[];
  private readonly definitionBlock: number[];
  /** By value: NO_STEP, PLAIN or INDEXED, plus ONE_STEP for each step before it. */
  private readonly steps: number[];
  /** By value: how far from a register its address would be at most. */
  private displacements: Map<Value, number> | undefined = undefined;

  /** `order`: the reachable blocks, definitions before uses. */
  constructor(
    private readonly source: ConcreteFunction,
    order: readonly number[],
  ) {
    const count = source.valueTypes.length;
    this.counts = new Array<number>(count).fill(0);
    this.addressUses = new Array<number>(count).fill(0);
    this.conditionBlock = new Array<number>(count).fill(-1);
    this.definitions = new Array<Instruction | undefined>(count);
    this.definitionBlock = new Array<number>(count).fill(-1);
    this.steps = new Array<number>(count).fill(NO_STEP);
    for (const index of order) {
      const { instructions, terminator } = source.blocks[index]!;
      for (let i = 0; i < instructions.length; i++) this.define(instructions[i]!);
      if (terminator.op === 'jump') this.countAll(terminator.target.args);
      else if (terminator.op === 'return' && terminator.value !== undefined) this.counts[terminator.value]!++;
      else if (terminator.op === 'branch') {
        this.counts[terminator.condition]!++;
        this.conditionBlock[terminator.condition] = index;
        this.countAll(terminator.then.args);
        this.countAll(terminator.else.args);
      }
    }
    for (let o = order.length - 1; o >= 0; o--) {
      const index = order[o]!;
      const { instructions } = source.blocks[index]!;
      for (let i = instructions.length - 1; i >= 0; i--) this.visit(instructions[i]!, index);
    }
  }

  /** What addressing modes need to know of it before its users are visited. */
  private define(instruction: Instruction): void {
    switch (instruction.op) {
      case 'const':
        this.definitions[instruction.result] = instruction;
        return;
      case 'elem':
      case 'item': {
        const { result, base } = instruction;
        this.definitions[result] = instruction;
        const size = elementSize(this.source, instruction);
        const index = this.constantIndex(instruction.index);
        if (index !== undefined) this.step(result, base, index * size, false);
        else if (size === 1 || size === 2 || size === 4 || size === 8) this.step(result, base, 0, true);
        return;
      }
      case 'field':
        this.definitions[instruction.result] = instruction;
        this.step(instruction.result, instruction.base, instruction.offset!, false);
        return;
      case 'slot':
        this.definitions[instruction.result] = instruction;
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
    const definition = this.definitions[index];
    return definition?.op === 'const' ? Number(definition.value) : undefined;
  }

  private visit(instruction: Instruction, block: number): void {
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
        this.conditionBlock[instruction.condition] = block;
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
        this.definitions[instruction.result] = instruction;
        this.definitionBlock[instruction.result] = block;
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
    for (const value of values) this.counts[value]!++;
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
    return this.isFolded(pointer) ? (this.definitions[pointer] as AddressStep) : undefined;
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
    const definition = this.definitions[condition];
    if (definition === undefined || this.counts[condition] !== 1) return undefined;
    if (this.conditionBlock[condition] !== this.definitionBlock[condition]) return undefined;
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
