// Connects the pieces that live ranges were split into: moves between instructions where a register takes over from another
// place, and moves on control-flow edges where predecessor and successor disagree, block parameters included.
import type { Allocation, Location } from './allocation.js';
import type { LiveRanges } from './live-ranges.js';
import { INSTRUCTION_SHIFT, type MachineFunction, MEMORY, NO_MEMORY, REG, RM, ROW } from './machine-function.js';
import { MoveLists } from './move-lists.js';
import { FIRST_VIRTUAL, NO_REG } from './x64/registers.js';
import { ROLE_DEF, rows } from './x64/row.js';

export interface ResolvedMoves {
  /** By instruction number: moves right before it. */
  readonly beforeInstruction: MoveLists;
  /** By block: moves before its jump, after those of `beforeInstruction`. */
  readonly atEnd: MoveLists;
  /** By block: moves at its start, before those of `beforeInstruction`. */
  readonly atStart: MoveLists;
}

export function resolveMoves(live: LiveRanges, allocation: Allocation): ResolvedMoves {
  const { blocks, instructionCount, scratch } = live.machine;
  const beforeInstruction = new MoveLists(instructionCount, scratch);
  connectPieces(live, allocation, beforeInstruction);
  const atEnd = new MoveLists(blocks.count, scratch);
  const atStart = new MoveLists(blocks.count, scratch);
  const { successors } = blocks;
  for (let block = 0; block < blocks.count; block++) {
    const isJump = successors[block * 2 + 1]! < 0;
    for (let edge = block * 2; edge < block * 2 + 2; edge++) {
      const successor = successors[edge]!;
      if (successor < 0) continue;
      connectEdge(live, allocation, block, successor, isJump ? atEnd : atStart, isJump ? block : successor);
    }
  }
  return { beforeInstruction, atEnd, atStart };
}

/** Where a piece with a register takes over between two instructions. */
function connectPieces(live: LiveRanges, allocation: Allocation, moves: MoveLists): void {
  const { starts, registers, offsets } = allocation;
  const startsBlock = findBlockStarts(live.machine);
  for (let v = 0; v < live.machine.classes.length; v++) {
    for (let piece = offsets[v]! + 1; piece < offsets[v + 1]!; piece++) {
      const register = registers[piece]!;
      const instruction = starts[piece]! >> 1;
      // A slot was written when the register was defined; where a block begins, the edges see to it.
      if (register === NO_REG || startsBlock[instruction]! !== 0) continue;
      const from = allocation.locationOf(v + FIRST_VIRTUAL, piece - 1);
      if (from !== register) moves.add(instruction, register, from);
    }
  }
}

/** By instruction number: 1 for the first one of a block, else 0. */
function findBlockStarts({ blocks, instructionCount, scratch }: MachineFunction): Int32Array {
  const startsBlock = scratch.filled(instructionCount + 1, 0);
  for (let block = 0; block < blocks.count; block++) startsBlock[blocks.firstInstruction[block]!] = 1;
  return startsBlock;
}

function connectEdge(
  live: LiveRanges,
  allocation: Allocation,
  block: number,
  successor: number,
  moves: MoveLists,
  list: number,
): void {
  const { params, paramOffsets, edgeArgs, edgeArgOffsets } = live.machine.blocks;
  const end = live.blockTo(block) - 1;
  const start = live.blockFrom(successor);
  const { heads, nodes } = live.liveIn;
  for (let node = heads[successor]!; node >= 0; node = nodes[node + 1]!) {
    const virtual = nodes[node]! + FIRST_VIRTUAL;
    if (allocation.pieceCount(virtual) < 2) continue;
    const to = allocation.locationAt(virtual, start);
    const from = allocation.locationAt(virtual, end);
    if (to !== from && to < FIRST_VIRTUAL) moves.add(list, to, from);
  }
  const firstArg = edgeArgOffsets[block]!;
  const firstParam = paramOffsets[successor]!;
  for (let i = firstArg; i < edgeArgOffsets[block + 1]!; i++) {
    const param = params.items[firstParam + i - firstArg]!;
    if (allocation.pieceCount(param) === 0) continue; // nobody reads it
    const arg = edgeArgs.items[i]!;
    const from = arg < 0 ? arg : allocation.locationAt(arg, end);
    const to = allocation.locationAt(param, start);
    const slot = allocation.slotOf(param);
    if (to !== from) moves.add(list, to, from);
    if (slot >= 0 && to < FIRST_VIRTUAL && from !== slot) moves.add(list, slot, from);
  }
}

/**
 * The stack slot that an instruction's result has to be stored to as well, to keep it up to date, or -1: one that a virtual register
 * has, which the instruction writes to a physical one, unless the next instruction, `next`, goes on changing it there. Instructions as their
 * places in the code, -1 for none.
 */
export function slotToStore(machine: MachineFunction, allocation: Allocation, at: number, next: number): Location {
  const virtual = writtenBy(machine.code, at);
  if (virtual < FIRST_VIRTUAL) return -1;
  const slot = allocation.slotOf(virtual);
  if (slot < 0) return -1;
  const position = (at >> INSTRUCTION_SHIFT) * 2 + 1;
  const piece = allocation.pieceAt(virtual, position);
  if (allocation.registers[piece] === NO_REG) return -1;
  if (next >= 0 && allocation.ends[piece]! > position + 2 && writtenBy(machine.code, next) === virtual) return -1;
  return slot;
}

/** The register that an instruction names as written, or NO_REG. No instruction has two. */
export function writtenBy(code: Int32Array, at: number): number {
  const { regRole, rmRole } = rows[code[at + ROW]!]!;
  if (regRole & ROLE_DEF) return code[at + REG]!;
  return rmRole & ROLE_DEF && code[at + MEMORY] === NO_MEMORY ? code[at + RM]! : NO_REG;
}
