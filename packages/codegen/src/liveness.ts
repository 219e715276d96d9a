// Which virtual registers are live where blocks begin, found by walking, for each register, from the blocks that use it
// up to the one that defines it (Boissinot et al. 2011, "Computing liveness sets for SSA-form programs"): the work is the
// size of the sets.
import { findPredecessors } from './control-flow.js';
import { LinkedLists } from './linked-lists.js';
import {
  ADDRESSED, ARG_COUNT, ARGS, BASE, INDEX, INSTRUCTION_SHIFT, type MachineFunction, MEMORY, NO_MEMORY, REG, RM, ROW,
} from './machine-function.js'; // biome-ignore format: a list
import { IntList } from './scratch.js';
import { FIRST_VIRTUAL } from './x64/registers.js';
import { ROLE_DEF, ROLE_USE, rows } from './x64/row.js';

/** By block: the virtual registers that are live where it begins, by their numbers less FIRST_VIRTUAL; its parameters are not among them. */
export function findLiveIn(machine: MachineFunction): LinkedLists {
  const { blocks, scratch } = machine;
  const registerCount = machine.classes.length;
  const definedIn = scratch.filled(registerCount, -1);
  const usedIn = findUsingBlocks(machine, definedIn);
  const { items: predecessors, offsets } = findPredecessors(blocks.count, blocks.successors, scratch);
  const liveIn = new LinkedLists(blocks.count, scratch);
  const pending = new IntList(scratch);
  for (let v = 0; v < registerCount; v++) {
    for (let node = usedIn.heads[v]!; node >= 0; node = usedIn.nodes[node + 1]!) pending.push(usedIn.nodes[node]!);
    while (pending.length > 0) {
      const block = pending.items[--pending.length]!;
      if (!liveIn.addOnce(block, v)) continue;
      for (let p = offsets[block]!; p < offsets[block + 1]!; p++) {
        if (predecessors[p] !== definedIn[v]) pending.push(predecessors[p]!);
      }
    }
  }
  return liveIn;
}

/** By virtual register: blocks other than its own that use it. Fills in each one's own block. */
function findUsingBlocks(machine: MachineFunction, definedIn: Int32Array): LinkedLists {
  const { blocks, code, args } = machine;
  const usedIn = new LinkedLists(machine.classes.length, machine.scratch);
  const use = (register: number, block: number): void => {
    const v = register - FIRST_VIRTUAL;
    if (v >= 0 && definedIn[v] !== block) usedIn.addOnce(v, block);
  };
  const define = (register: number, block: number): void => {
    if (register >= FIRST_VIRTUAL) definedIn[register - FIRST_VIRTUAL] = block;
  };
  for (let block = 0; block < blocks.count; block++) {
    const { params, paramOffsets, edgeArgs, edgeArgOffsets } = blocks;
    for (let i = paramOffsets[block]!; i < paramOffsets[block + 1]!; i++) define(params.items[i]!, block);
    const end = blocks.firstInstruction[block + 1]! << INSTRUCTION_SHIFT;
    for (let at = blocks.firstInstruction[block]! << INSTRUCTION_SHIFT; at < end; at += 1 << INSTRUCTION_SHIFT) {
      const { regRole, rmRole } = rows[code[at + ROW]!]!;
      const memory = code[at + MEMORY]!;
      if (regRole & ROLE_USE) use(code[at + REG]!, block);
      if (memory === NO_MEMORY) {
        if (rmRole & ROLE_USE) use(code[at + RM]!, block);
      } else if (memory === ADDRESSED) {
        use(code[at + BASE]!, block);
        use(code[at + INDEX]!, block);
      }
      for (let i = 0; i < code[at + ARG_COUNT]!; i++) use(args.items[code[at + ARGS]! + i]!, block);
      if (regRole & ROLE_DEF) define(code[at + REG]!, block);
      if (memory === NO_MEMORY && rmRole & ROLE_DEF) define(code[at + RM]!, block);
    }
    for (let i = edgeArgOffsets[block]!; i < edgeArgOffsets[block + 1]!; i++) use(edgeArgs.items[i]!, block);
  }
  return usedIn;
}
