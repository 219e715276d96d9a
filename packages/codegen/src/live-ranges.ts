// Where each virtual register is live, as ranges over instruction positions, where it is used, and where physical registers
// are taken. Instruction number i reads its inputs at position 2i and writes its result at 2i + 1; ranges are half open.
import { type MachineBlock, type MachineFunction, pseudos } from './machine-ir.js';
import { FIRST_VIRTUAL, RAX, RCX, RDX, RESULT_REGISTER, VECTOR_RESULT_REGISTER } from './x64/registers.js';
import { ROLE_DEF, ROLE_USE } from './x64/row.js';

export class LiveRanges {
  /** By block: number of its first instruction; one more entry for the end. */
  readonly firstInstruction: Int32Array;
  /** By block: the virtual registers that are live where it begins, its parameters not among them. */
  readonly liveIn: readonly number[][];
  /** By virtual register less FIRST_VIRTUAL: ascending, disjoint `from, to, from, to, …`; empty if it is never live. */
  readonly ranges: readonly number[][];
  /** By virtual register: ascending `position * 2 + (1 if it must be in a register there)`. */
  readonly uses: readonly number[][];
  /** By virtual register: registers, virtual or physical, that it should share if it can. */
  readonly hints: readonly number[][];
  /** By physical register: ascending ranges in which instructions or the calling convention use it. */
  readonly fixed: readonly number[][];
  /** Positions at which calls destroy all caller-saved registers, ascending. */
  readonly calls: number[] = [];

  constructor(readonly machine: MachineFunction) {
    const count = machine.classes.length;
    this.firstInstruction = new Int32Array(machine.blocks.length + 1);
    let total = 0;
    for (const block of machine.blocks) {
      this.firstInstruction[block.index] = total;
      total += block.instructions.length;
    }
    this.firstInstruction[machine.blocks.length] = total;
    this.ranges = Array.from({ length: count }, () => []);
    this.uses = Array.from({ length: count }, () => []);
    this.hints = Array.from({ length: count }, () => []);
    this.fixed = Array.from({ length: FIRST_VIRTUAL }, () => []);
    const { liveIn, liveOut } = findLiveAcrossBlocks(machine);
    this.liveIn = liveIn;
    for (const block of machine.blocks) this.hintParameters(block);
    const fixedUntil = new Int32Array(FIRST_VIRTUAL).fill(-1);
    for (let b = machine.blocks.length - 1; b >= 0; b--) this.buildBlock(machine.blocks[b]!, liveOut[b]!, fixedUntil);
    for (const list of this.ranges) reversePairs(list);
    for (const list of this.uses) list.reverse();
    for (const list of this.fixed) reversePairs(list);
    this.calls.reverse();
  }

  blockFrom(block: number): number {
    return this.firstInstruction[block]! * 2;
  }

  blockTo(block: number): number {
    return this.firstInstruction[block + 1]! * 2;
  }

  private hintParameters(block: MachineBlock): void {
    if (block.edgeArgs.length === 0) return;
    const { params } = this.machine.blocks[block.successors[0]!]!;
    block.edgeArgs.forEach((arg, i) => {
      if (arg >= 0) this.hint(params[i]!, arg);
    });
  }

  private hint(one: number, other: number): void {
    if (one >= FIRST_VIRTUAL) this.hints[one - FIRST_VIRTUAL]!.push(other);
    if (other >= FIRST_VIRTUAL) this.hints[other - FIRST_VIRTUAL]!.push(one);
  }

  /** Backwards through one block. All lists are built in descending order here. */
  private buildBlock(block: MachineBlock, liveOut: readonly number[], fixedUntil: Int32Array): void {
    const from = this.blockFrom(block.index);
    const to = this.blockTo(block.index);
    for (const register of liveOut) this.addRange(register, from, to);
    for (const arg of block.edgeArgs) if (arg >= 0) this.addRange(arg, from, to);
    for (let i = block.instructions.length - 1; i >= 0; i--) {
      const instruction = block.instructions[i]!;
      const { row, reg, rm, memory, args } = instruction;
      const position = from + i * 2;
      const regMust = row !== pseudos.copy;
      if (row === pseudos.call) {
        this.calls.push(position + 1);
        this.defineFixed(RESULT_REGISTER, position + 1, fixedUntil);
        this.defineFixed(VECTOR_RESULT_REGISTER, position + 1, fixedUntil);
      } else if (row === pseudos.divide) {
        this.defineFixed(RDX, position, fixedUntil);
        if (fixedUntil[RAX]! < 0) fixedUntil[RAX] = position + 2;
      } else if (row === pseudos.copy) this.hint(reg, rm);

      const rmRole = memory === undefined ? row.rmRole : 0;
      if (row.regRole & ROLE_DEF) this.define(reg, position, (row.regRole & ROLE_USE) !== 0, regMust, fixedUntil);
      if (rmRole & ROLE_DEF) this.define(rm, position, (rmRole & ROLE_USE) !== 0, !row.rmMayBeSpilled, fixedUntil);
      if (row.regRole & ROLE_USE) this.use(reg, from, position, regMust, fixedUntil);
      if (rmRole & ROLE_USE) this.use(rm, from, position, !row.rmMayBeSpilled, fixedUntil);
      if (row.usesCl) this.use(RCX, from, position, true, fixedUntil);
      if (memory !== undefined && memory.pool < 0) {
        this.use(memory.base, from, position, true, fixedUntil);
        if (memory.index >= 0) this.use(memory.index, from, position, true, fixedUntil);
      }
      if (args !== undefined) for (const arg of args) if (arg >= 0) this.addRange(arg, from, position + 1);
    }
    for (let register = 0; register < FIRST_VIRTUAL; register++) {
      if (fixedUntil[register]! >= 0) {
        this.fixed[register]!.push(fixedUntil[register]!, from);
        fixedUntil[register] = -1;
      }
    }
  }

  private define(register: number, position: number, alsoUsed: boolean, must: boolean, fixedUntil: Int32Array): void {
    if (register < FIRST_VIRTUAL) {
      if (alsoUsed) {
        if (fixedUntil[register]! < 0) fixedUntil[register] = position + 2;
      } else this.defineFixed(register, position + 1, fixedUntil);
      return;
    }
    const ranges = this.ranges[register - FIRST_VIRTUAL]!;
    const last = ranges.length - 1;
    if (last < 0 || ranges[last]! > position + 1)
      ranges.push(position + 2, position + 1); // nobody reads it
    else if (!alsoUsed) ranges[last] = position + 1;
    if (!alsoUsed) this.uses[register - FIRST_VIRTUAL]!.push((position + 1) * 2 + (must ? 1 : 0));
  }

  private use(register: number, blockFrom: number, position: number, must: boolean, fixedUntil: Int32Array): void {
    if (register < FIRST_VIRTUAL) {
      if (fixedUntil[register]! < 0) fixedUntil[register] = position + 1;
      return;
    }
    this.addRange(register, blockFrom, position + 1);
    const uses = this.uses[register - FIRST_VIRTUAL]!;
    const entry = position * 2 + (must ? 1 : 0);
    const last = uses.length - 1;
    if (last >= 0 && uses[last]! >> 1 === position)
      uses[last]! |= entry; // several operands of one instruction
    else uses.push(entry);
  }

  /** A physical register is written at `position`, for whoever reads it after. */
  private defineFixed(register: number, position: number, fixedUntil: Int32Array): void {
    const until = fixedUntil[register]!;
    this.fixed[register]!.push(until < 0 ? (position | 1) + 1 : until, position);
    fixedUntil[register] = -1;
  }

  private addRange(register: number, from: number, to: number): void {
    const ranges = this.ranges[register - FIRST_VIRTUAL]!;
    const last = ranges.length - 1;
    if (last >= 0 && ranges[last]! <= to) {
      if (from < ranges[last]!) ranges[last] = from;
    } else ranges.push(to, from);
  }
}

/** Descending `to, from` pairs become ascending `from, to` ones. */
function reversePairs(list: number[]): void {
  list.reverse();
}

/**
 * Live-in and live-out sets by walking, for each register, from the blocks that use it up to the one that defines it
 * (Boissinot et al. 2011, "Computing liveness sets for SSA-form programs"): the work is the size of the sets.
 */
function findLiveAcrossBlocks(machine: MachineFunction): { liveIn: number[][]; liveOut: number[][] } {
  const { blocks } = machine;
  const count = machine.classes.length;
  const definedIn = new Int32Array(count).fill(-1);
  const usedIn: (number[] | undefined)[] = new Array(count);
  const use = (register: number, block: number): void => {
    const v = register - FIRST_VIRTUAL;
    if (v < 0 || definedIn[v] === block) return;
    const list = usedIn[v];
    if (list === undefined) usedIn[v] = [block];
    else if (list[list.length - 1] !== block) list.push(block);
  };
  const define = (register: number, block: number): void => {
    if (register >= FIRST_VIRTUAL) definedIn[register - FIRST_VIRTUAL] = block;
  };
  for (const block of blocks) {
    const { index } = block;
    for (const param of block.params) define(param, index);
    for (const { row, reg, rm, memory, args } of block.instructions) {
      const rmRole = memory === undefined ? row.rmRole : 0;
      if (row.regRole & ROLE_USE) use(reg, index);
      if (rmRole & ROLE_USE) use(rm, index);
      if (memory !== undefined && memory.pool < 0) {
        use(memory.base, index);
        if (memory.index >= 0) use(memory.index, index);
      }
      if (args !== undefined) for (const arg of args) use(arg, index);
      if (row.regRole & ROLE_DEF) define(reg, index);
      if (rmRole & ROLE_DEF) define(rm, index);
    }
    for (const arg of block.edgeArgs) use(arg, index);
  }
  const liveIn: number[][] = blocks.map(() => []);
  const liveOut: number[][] = blocks.map(() => []);
  const pending: number[] = [];
  for (let v = 0; v < count; v++) {
    const list = usedIn[v];
    if (list === undefined) continue;
    const register = v + FIRST_VIRTUAL;
    for (const block of list) pending.push(block);
    while (pending.length > 0) {
      const block = pending.pop()!;
      const into = liveIn[block]!;
      if (into[into.length - 1] === register) continue;
      into.push(register);
      for (const before of blocks[block]!.predecessors) {
        const out = liveOut[before]!;
        if (out[out.length - 1] !== register) out.push(register);
        if (before !== definedIn[v]) pending.push(before);
      }
    }
  }
  return { liveIn, liveOut };
}
