// Which virtual registers are live where blocks begin and end, found by walking, for each register, from the blocks that use it
// up to the one that defines it (Boissinot et al. 2011, "Computing liveness sets for SSA-form programs"): the work is the
// size of the sets.
import { LinkedLists } from './linked-lists.js';
import type { MachineFunction } from './machine-ir.js';
import { FIRST_VIRTUAL } from './x64/registers.js';
import { ROLE_DEF, ROLE_USE } from './x64/row.js';

/** By block: virtual registers, by their numbers less FIRST_VIRTUAL. */
export interface LiveSets {
  readonly liveIn: LinkedLists;
  readonly liveOut: LinkedLists;
}

export function findLiveAcrossBlocks(machine: MachineFunction): LiveSets {
  const { blocks } = machine;
  const definedIn = new Array<number>(machine.classes.length).fill(-1);
  const usedIn = findUsingBlocks(machine, definedIn);
  const liveIn = new LinkedLists(blocks.length);
  const liveOut = new LinkedLists(blocks.length);
  const pending: number[] = [];
  for (let v = 0; v < definedIn.length; v++) {
    for (let node = usedIn.heads[v]!; node >= 0; node = usedIn.nexts[node]!) pending.push(usedIn.values[node]!);
    while (pending.length > 0) {
      const block = pending.pop()!;
      if (!liveIn.addOnce(block, v)) continue;
      for (const before of blocks[block]!.predecessors) {
        liveOut.addOnce(before, v);
        if (before !== definedIn[v]) pending.push(before);
      }
    }
  }
  return { liveIn, liveOut };
}

/** By virtual register: blocks other than its own that use it. Fills in each one's own block. */
function findUsingBlocks(machine: MachineFunction, definedIn: number[]): LinkedLists {
  const usedIn = new LinkedLists(definedIn.length);
  const use = (register: number, block: number): void => {
    const v = register - FIRST_VIRTUAL;
    if (v >= 0 && definedIn[v] !== block) usedIn.addOnce(v, block);
  };
  const define = (register: number, block: number): void => {
    if (register >= FIRST_VIRTUAL) definedIn[register - FIRST_VIRTUAL] = block;
  };
  for (const block of machine.blocks) {
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
  return usedIn;
}
