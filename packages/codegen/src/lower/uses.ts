// Who uses what: found before lowering, so that an instruction whose result nobody needs is left out, an address that is
// only loaded from and stored to becomes an addressing mode, and a comparison that only steers one branch or select becomes its flags.
import type { ConcreteFunction, Instruction, Value } from '@simple-jit/template-ir';

type Elem = Instruction & { readonly op: 'elem' };
export type Comparison = Instruction & { readonly op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' };

export class Uses {
  private readonly counts: number[];
  /** Uses as the address of a load or store. */
  private readonly addressUses: number[];
  /** Block of the last use found as a condition, or -1. */
  private readonly conditionBlock: number[];
  private readonly definitions: (Instruction | undefined)[];
  private readonly definitionBlock: number[];

  /** `order`: the reachable blocks, definitions before uses. */
  constructor(source: ConcreteFunction, order: readonly number[]) {
    const count = source.valueTypes.length;
    this.counts = new Array<number>(count).fill(0);
    this.addressUses = new Array<number>(count).fill(0);
    this.conditionBlock = new Array<number>(count).fill(-1);
    this.definitions = new Array<Instruction | undefined>(count);
    this.definitionBlock = new Array<number>(count).fill(-1);
    for (const index of order) {
      const { terminator } = source.blocks[index]!;
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

  private visit(instruction: Instruction, block: number): void {
    if (instruction.op !== 'store' && instruction.result !== undefined) {
      this.definitions[instruction.result] = instruction;
      this.definitionBlock[instruction.result] = block;
    }
    if (!this.isNeeded(instruction)) return;
    const { counts } = this;
    switch (instruction.op) {
      case 'const':
      case 'sizeof':
        return;
      case 'call':
        this.countAll(instruction.args);
        return;
      case 'load':
      case 'store':
        counts[instruction.address]!++;
        this.addressUses[instruction.address]!++;
        if (instruction.op === 'store') counts[instruction.value]!++;
        return;
      case 'elem':
        counts[instruction.base]!++;
        counts[instruction.index]!++;
        return;
      case 'select':
        counts[instruction.condition]!++;
        this.conditionBlock[instruction.condition] = block;
        counts[instruction.left]!++;
        counts[instruction.right]!++;
        return;
      case 'neg':
      case 'not':
      case 'sqrt':
      case 'convert':
        counts[instruction.arg]!++;
        return;
      default:
        counts[instruction.left]!++;
        counts[instruction.right]!++;
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
    switch (instruction.op) {
      case 'store':
      case 'call':
      case 'load':
      case 'div':
      case 'rem':
        return true;
      default:
        return this.counts[instruction.result]! > 0;
    }
  }

  /** The `elem` that computes `pointer`, if all its users are loads and stores. */
  foldedElem(pointer: Value): Elem | undefined {
    const definition = this.definitions[pointer];
    if (definition?.op !== 'elem' || this.addressUses[pointer] !== this.counts[pointer]) return undefined;
    return definition;
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
