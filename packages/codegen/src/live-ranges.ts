// Where each virtual register is live, as ranges over instruction positions, where it is used, and where physical registers
// are taken. Instruction number i reads its inputs at position 2i and writes its result at 2i + 1; ranges are half open.
import { LinkedLists } from './linked-lists.js';
import { findLiveIn } from './liveness.js';
import {
  ADDRESSED, ARG_COUNT, ARGS, BASE, INDEX, INSTRUCTION_SHIFT, type MachineFunction, MEMORY, NO_MEMORY, REG, RM, ROW,
} from './machine-function.js'; // biome-ignore format: a list
import { pseudos } from './machine-ir.js';
import { IntList } from './scratch.js';
import { FIRST_VIRTUAL, RCX, RESULT_REGISTER, RSP, VECTOR_RESULT_REGISTER } from './x64/registers.js';
import { type FixedRegisters, ROLE_DEF, ROLE_USE, rows } from './x64/row.js';

export class LiveRanges {
  /** By block: the virtual registers that are live where it begins, its parameters not among them. */
  readonly liveIn: LinkedLists;
  /** Ascending, disjoint `from, to, from, to, …` of each virtual register, at its `rangeOffsets`; none if it is never live. */
  readonly ranges: Int32Array;
  readonly rangeOffsets: Int32Array;
  /** Ascending `position * 2 + (1 if it must be in a register there)` of each virtual register, at its `useOffsets`. */
  readonly uses: Int32Array;
  readonly useOffsets: Int32Array;
  /** By virtual register: registers, virtual or physical, that it should share if it can. */
  readonly hints: LinkedLists;
  /** Ascending `from, to, …` in which instructions or the calling convention use each physical register, at its `fixedOffsets`. */
  readonly fixed: Int32Array;
  readonly fixedOffsets: Int32Array;
  /** Positions at which calls destroy all caller-saved registers, ascending. */
  readonly calls: IntList;

  constructor(readonly machine: MachineFunction) {
    this.liveIn = findLiveIn(machine);
    const builder = new Builder(machine);
    for (let b = machine.blocks.count - 1; b >= 0; b--)
      builder.block(b, this.blockFrom(b), this.blockTo(b), this.liveIn);
    builder.hintParameters();
    this.hints = builder.hints;
    ({ items: this.ranges, offsets: this.rangeOffsets } = builder.ranges.flatten());
    ({ items: this.uses, offsets: this.useOffsets } = builder.uses.flatten());
    ({ items: this.fixed, offsets: this.fixedOffsets } = builder.fixed.flatten());
    this.calls = builder.calls;
    this.calls.reverse();
  }

  blockFrom(block: number): number {
    return this.machine.blocks.firstInstruction[block]! * 2;
  }

  blockTo(block: number): number {
    return this.machine.blocks.firstInstruction[block + 1]! * 2;
  }
}

/** Goes backwards through the instructions: so the lists, which are read latest first, come out in ascending order. */
class Builder {
  /** By virtual register: `to`, then `from`, of each range. */
  readonly ranges: LinkedLists;
  readonly uses: LinkedLists;
  readonly hints: LinkedLists;
  /** By physical register: `to`, then `from`, of each range. */
  readonly fixed: LinkedLists;
  readonly calls: IntList;
  /** By physical register: where the range that is being built ends, or -1. */
  private readonly fixedUntil: Int32Array;
  /** A bit for each physical register for which there is one. */
  private fixedOpen = 0;

  constructor(private readonly machine: MachineFunction) {
    const { scratch } = machine;
    const count = machine.classes.length;
    this.ranges = new LinkedLists(count, scratch);
    this.uses = new LinkedLists(count, scratch);
    this.hints = new LinkedLists(count, scratch);
    this.fixed = new LinkedLists(FIRST_VIRTUAL, scratch);
    this.fixedUntil = scratch.filled(FIRST_VIRTUAL, -1);
    this.calls = new IntList(scratch);
  }

  hintParameters(): void {
    const { count, successors, params, paramOffsets, edgeArgs, edgeArgOffsets } = this.machine.blocks;
    for (let block = 0; block < count; block++) {
      const first = edgeArgOffsets[block]!;
      const end = edgeArgOffsets[block + 1]!;
      if (first === end) continue;
      const firstParam = paramOffsets[successors[block * 2]!]!;
      for (let i = first; i < end; i++) {
        const arg = edgeArgs.items[i]!;
        if (arg >= 0) this.hint(params.items[firstParam + i - first]!, arg);
      }
    }
  }

  private hint(one: number, other: number): void {
    if (one >= FIRST_VIRTUAL) this.hints.add(one - FIRST_VIRTUAL, other);
    if (other >= FIRST_VIRTUAL) this.hints.add(other - FIRST_VIRTUAL, one);
  }

  block(block: number, from: number, to: number, { heads, nodes }: LinkedLists): void {
    const { edgeArgs, edgeArgOffsets, successors } = this.machine.blocks;
    for (let edge = block * 2; edge < block * 2 + 2; edge++) {
      if (successors[edge]! < 0) continue;
      for (let node = heads[successors[edge]!]!; node >= 0; node = nodes[node + 1]!) {
        this.addRange(nodes[node]! + FIRST_VIRTUAL, from, to);
      }
    }
    for (let i = edgeArgOffsets[block]!; i < edgeArgOffsets[block + 1]!; i++) {
      const arg = edgeArgs.items[i]!;
      if (arg >= 0) this.addRange(arg, from, to);
    }
    for (let position = to - 2; position >= from; position -= 2) this.instruction(position, from);
    while (this.fixedOpen !== 0) {
      const register = 31 - Math.clz32(this.fixedOpen);
      this.pushFixed(register, from, this.fixedUntil[register]!);
      this.close(register);
    }
  }

  private instruction(position: number, blockFrom: number): void {
    const { code, args } = this.machine;
    const at = (position >> 1) << INSTRUCTION_SHIFT;
    const row = rows[code[at + ROW]!]!;
    const { regRole, rmMayBeSpilled } = row;
    const reg = code[at + REG]!;
    const rm = code[at + RM]!;
    const memory = code[at + MEMORY]!;
    const regMust = row !== pseudos.copy;
    if (row === pseudos.call) {
      this.calls.push(position + 1);
      this.defineFixed(RESULT_REGISTER, position + 1);
      this.defineFixed(VECTOR_RESULT_REGISTER, position + 1);
    } else if (row === pseudos.copy) this.hint(reg, rm);

    if (row.fixed !== undefined) this.useFixed(row.fixed, position);
    const rmRole = memory === NO_MEMORY ? row.rmRole : 0;
    if (regRole & ROLE_DEF) this.define(reg, position, (regRole & ROLE_USE) !== 0, regMust);
    if (rmRole & ROLE_DEF) this.define(rm, position, (rmRole & ROLE_USE) !== 0, !rmMayBeSpilled);
    if (regRole & ROLE_USE) this.use(reg, blockFrom, position, regMust);
    if (rmRole & ROLE_USE) this.use(rm, blockFrom, position, !rmMayBeSpilled);
    if (row.usesCl) this.use(RCX, blockFrom, position, true);
    if (memory === ADDRESSED) {
      const base = code[at + BASE]!;
      const index = code[at + INDEX]!;
      if (base !== RSP) this.use(base, blockFrom, position, true);
      if (index >= 0) this.use(index, blockFrom, position, true);
    }
    const argCount = code[at + ARG_COUNT]!;
    const firstArg = code[at + ARGS]!;
    for (let i = 0; i < argCount; i++) {
      const arg = args.items[firstArg + i]!;
      if (arg >= 0) this.addRange(arg, blockFrom, position + 1);
    }
  }

  private define(register: number, position: number, alsoUsed: boolean, must: boolean): void {
    if (register < FIRST_VIRTUAL) {
      if (alsoUsed) this.open(register, position + 2);
      else this.defineFixed(register, position + 1);
      return;
    }
    const { ranges } = this;
    const head = ranges.heads[register - FIRST_VIRTUAL]!;
    if (head < 0 || ranges.nodes[head]! > position + 1) {
      this.pushRange(register, position + 1, position + 2); // nobody reads it
    } else if (!alsoUsed) ranges.nodes[head] = position + 1;
    if (!alsoUsed) this.uses.add(register - FIRST_VIRTUAL, (position + 1) * 2 + (must ? 1 : 0));
  }

  private use(register: number, blockFrom: number, position: number, must: boolean): void {
    if (register < FIRST_VIRTUAL) {
      this.open(register, position + 1);
      return;
    }
    this.addRange(register, blockFrom, position + 1);
    const { uses } = this;
    const entry = position * 2 + (must ? 1 : 0);
    const head = uses.heads[register - FIRST_VIRTUAL]!;
    if (head >= 0 && uses.nodes[head]! >> 1 === position)
      uses.nodes[head]! |= entry; // several operands of one instruction
    else uses.add(register - FIRST_VIRTUAL, entry);
  }

  private useFixed({ reads, writes }: FixedRegisters, position: number): void {
    for (const register of writes) {
      if (reads.includes(register)) this.open(register, position + 2);
      else this.defineFixed(register, position);
    }
    for (const register of reads) this.open(register, position + 1);
  }

  /** The physical register is taken until there, if not longer already. */
  private open(register: number, until: number): void {
    if (this.fixedUntil[register]! >= 0) return;
    this.fixedUntil[register] = until;
    this.fixedOpen |= 1 << register;
  }

  private close(register: number): void {
    this.fixedUntil[register] = -1;
    this.fixedOpen &= ~(1 << register);
  }

  /** A physical register is written at `position`, for whoever reads it after. */
  private defineFixed(register: number, position: number): void {
    const until = this.fixedUntil[register]!;
    this.pushFixed(register, position, until < 0 ? (position | 1) + 1 : until);
    this.close(register);
  }

  private pushFixed(register: number, from: number, to: number): void {
    this.fixed.add(register, to);
    this.fixed.add(register, from);
  }

  private addRange(register: number, from: number, to: number): void {
    const { ranges } = this;
    const head = ranges.heads[register - FIRST_VIRTUAL]!;
    if (head < 0 || ranges.nodes[head]! > to) this.pushRange(register, from, to);
    else if (from < ranges.nodes[head]!) ranges.nodes[head] = from;
  }

  private pushRange(register: number, from: number, to: number): void {
    this.ranges.add(register - FIRST_VIRTUAL, to);
    this.ranges.add(register - FIRST_VIRTUAL, from);
  }
}
