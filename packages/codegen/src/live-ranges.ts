// Where each virtual register is live, as ranges over instruction positions, where it is used, and where physical registers
// are taken. Instruction number i reads its inputs at position 2i and writes its result at 2i + 1; ranges are half open.
import { LinkedLists } from './linked-lists.js';
import { findLiveAcrossBlocks } from './liveness.js';
import { type MachineBlock, type MachineFunction, pseudos } from './machine-ir.js';
import { FIRST_VIRTUAL, RCX, RESULT_REGISTER, RSP, VECTOR_RESULT_REGISTER } from './x64/registers.js';
import { type FixedRegisters, ROLE_DEF, ROLE_USE } from './x64/row.js';

const NO_RANGES: readonly number[] = [];

export class LiveRanges {
  /** By block: number of its first instruction; one more entry for the end. */
  readonly firstInstruction: number[];
  /** By block: the virtual registers that are live where it begins, its parameters not among them. */
  readonly liveIn: LinkedLists;
  /** Ascending, disjoint `from, to, from, to, …` of each virtual register, at its `rangeOffsets`; none if it is never live. */
  readonly ranges: number[];
  readonly rangeOffsets: number[];
  /** Ascending `position * 2 + (1 if it must be in a register there)` of each virtual register, at its `useOffsets`. */
  readonly uses: number[];
  readonly useOffsets: number[];
  /** By virtual register: registers, virtual or physical, that it should share if it can. */
  readonly hints: LinkedLists;
  /** By physical register: ascending ranges in which instructions or the calling convention use it. */
  readonly fixed: readonly (readonly number[])[];
  /** Positions at which calls destroy all caller-saved registers, ascending. */
  readonly calls: readonly number[];

  constructor(readonly machine: MachineFunction) {
    this.firstInstruction = new Array<number>(machine.blocks.length + 1).fill(0);
    let total = 0;
    for (const block of machine.blocks) {
      this.firstInstruction[block.index] = total;
      total += block.instructions.length;
    }
    this.firstInstruction[machine.blocks.length] = total;
    const { liveIn, liveOut } = findLiveAcrossBlocks(machine);
    this.liveIn = liveIn;
    const builder = new Builder(machine);
    for (let b = machine.blocks.length - 1; b >= 0; b--) {
      builder.block(machine.blocks[b]!, this.blockFrom(b), this.blockTo(b), liveOut);
    }
    for (const block of machine.blocks) builder.hintParameters(block);
    this.hints = builder.hints;
    ({ items: this.ranges, offsets: this.rangeOffsets } = builder.ranges.flatten());
    ({ items: this.uses, offsets: this.useOffsets } = builder.uses.flatten());
    this.fixed = builder.fixed.map((list) => list?.reverse() ?? NO_RANGES);
    this.calls = builder.calls.reverse();
  }

  blockFrom(block: number): number {
    return this.firstInstruction[block]! * 2;
  }

  blockTo(block: number): number {
    return this.firstInstruction[block + 1]! * 2;
  }
}

/** Goes backwards through the instructions: so the lists, which are read latest first, come out in ascending order. */
class Builder {
  /** By virtual register: `to`, then `from`, of each range. */
  readonly ranges: LinkedLists;
  readonly uses: LinkedLists;
  readonly hints: LinkedLists;
  /** By physical register: descending `to, from` pairs. */
  readonly fixed = new Array<number[] | undefined>(FIRST_VIRTUAL).fill(undefined);
  readonly calls: number[] = [];
  /** By physical register: where the range that is being built ends, or -1. */
  private readonly fixedUntil = new Array<number>(FIRST_VIRTUAL).fill(-1);

  constructor(private readonly machine: MachineFunction) {
    const count = machine.classes.length;
    this.ranges = new LinkedLists(count);
    this.uses = new LinkedLists(count);
    this.hints = new LinkedLists(count);
  }

  hintParameters(block: MachineBlock): void {
    if (block.edgeArgs.length === 0) return;
    const { params } = this.machine.blocks[block.successors[0]!]!;
    block.edgeArgs.forEach((arg, i) => {
      if (arg >= 0) this.hint(params[i]!, arg);
    });
  }

  private hint(one: number, other: number): void {
    if (one >= FIRST_VIRTUAL) this.hints.add(one - FIRST_VIRTUAL, other);
    if (other >= FIRST_VIRTUAL) this.hints.add(other - FIRST_VIRTUAL, one);
  }

  block(block: MachineBlock, from: number, to: number, liveOut: LinkedLists): void {
    for (let node = liveOut.heads[block.index]!; node >= 0; node = liveOut.nexts[node]!) {
      this.addRange(liveOut.values[node]! + FIRST_VIRTUAL, from, to);
    }
    for (const arg of block.edgeArgs) if (arg >= 0) this.addRange(arg, from, to);
    for (let i = block.instructions.length - 1; i >= 0; i--) {
      const instruction = block.instructions[i]!;
      const { row, reg, rm, memory, args } = instruction;
      const position = from + i * 2;
      const regMust = row !== pseudos.copy;
      if (row === pseudos.call) {
        this.calls.push(position + 1);
        this.defineFixed(RESULT_REGISTER, position + 1);
        this.defineFixed(VECTOR_RESULT_REGISTER, position + 1);
      } else if (row === pseudos.copy) this.hint(reg, rm);

      if (row.fixed !== undefined) this.useFixed(row.fixed, position);
      const rmRole = memory === undefined ? row.rmRole : 0;
      if (row.regRole & ROLE_DEF) this.define(reg, position, (row.regRole & ROLE_USE) !== 0, regMust);
      if (rmRole & ROLE_DEF) this.define(rm, position, (rmRole & ROLE_USE) !== 0, !row.rmMayBeSpilled);
      if (row.regRole & ROLE_USE) this.use(reg, from, position, regMust);
      if (rmRole & ROLE_USE) this.use(rm, from, position, !row.rmMayBeSpilled);
      if (row.usesCl) this.use(RCX, from, position, true);
      if (memory !== undefined && memory.pool < 0) {
        if (memory.base !== RSP) this.use(memory.base, from, position, true);
        if (memory.index >= 0) this.use(memory.index, from, position, true);
      }
      if (args !== undefined) for (const arg of args) if (arg >= 0) this.addRange(arg, from, position + 1);
    }
    for (let register = 0; register < FIRST_VIRTUAL; register++) {
      if (this.fixedUntil[register]! < 0) continue;
      this.pushFixed(register, from, this.fixedUntil[register]!);
      this.fixedUntil[register] = -1;
    }
  }

  private define(register: number, position: number, alsoUsed: boolean, must: boolean): void {
    const { ranges, fixedUntil } = this;
    if (register < FIRST_VIRTUAL) {
      if (!alsoUsed) this.defineFixed(register, position + 1);
      else if (fixedUntil[register]! < 0) fixedUntil[register] = position + 2;
      return;
    }
    const head = ranges.heads[register - FIRST_VIRTUAL]!;
    if (head < 0 || ranges.values[head]! > position + 1) {
      this.pushRange(register, position + 1, position + 2); // nobody reads it
    } else if (!alsoUsed) ranges.values[head] = position + 1;
    if (!alsoUsed) this.uses.add(register - FIRST_VIRTUAL, (position + 1) * 2 + (must ? 1 : 0));
  }

  private use(register: number, blockFrom: number, position: number, must: boolean): void {
    if (register < FIRST_VIRTUAL) {
      if (this.fixedUntil[register]! < 0) this.fixedUntil[register] = position + 1;
      return;
    }
    this.addRange(register, blockFrom, position + 1);
    const { uses } = this;
    const entry = position * 2 + (must ? 1 : 0);
    const head = uses.heads[register - FIRST_VIRTUAL]!;
    if (head >= 0 && uses.values[head]! >> 1 === position)
      uses.values[head]! |= entry; // several operands of one instruction
    else uses.add(register - FIRST_VIRTUAL, entry);
  }

  private useFixed({ reads, writes }: FixedRegisters, position: number): void {
    for (const register of writes) {
      if (!reads.includes(register)) this.defineFixed(register, position);
      else if (this.fixedUntil[register]! < 0) this.fixedUntil[register] = position + 2;
    }
    for (const register of reads) if (this.fixedUntil[register]! < 0) this.fixedUntil[register] = position + 1;
  }

  /** A physical register is written at `position`, for whoever reads it after. */
  private defineFixed(register: number, position: number): void {
    const until = this.fixedUntil[register]!;
    this.pushFixed(register, position, until < 0 ? (position | 1) + 1 : until);
    this.fixedUntil[register] = -1;
  }

  private pushFixed(register: number, from: number, to: number): void {
    const list = this.fixed[register];
    if (list === undefined) this.fixed[register] = [to, from];
    else list.push(to, from);
  }

  private addRange(register: number, from: number, to: number): void {
    const { ranges } = this;
    const head = ranges.heads[register - FIRST_VIRTUAL]!;
    if (head < 0 || ranges.values[head]! > to) this.pushRange(register, from, to);
    else if (from < ranges.values[head]!) ranges.values[head] = from;
  }

  private pushRange(register: number, from: number, to: number): void {
    this.ranges.add(register - FIRST_VIRTUAL, to);
    this.ranges.add(register - FIRST_VIRTUAL, from);
  }
}
