// Connects the pieces that live ranges were split into: moves between instructions where a register takes over from another
// place, and moves on control-flow edges where predecessor and successor disagree, block parameters included.
import type { Allocation } from './allocate.js';
import type { LiveRanges } from './live-ranges.js';
import type { MachineInstruction } from './machine-ir.js';
import type { Move } from './moves.js';
import { FIRST_VIRTUAL, NO_REG } from './x64/registers.js';
import { ROLE_DEF } from './x64/row.js';

export interface ResolvedMoves {
  /** By instruction number: moves right before it. */
  readonly beforeInstruction: readonly (readonly Move[] | undefined)[];
  /** By block: moves before its jump, after those of `beforeInstruction`. */
  readonly atEnd: readonly (readonly Move[] | undefined)[];
  /** By block: moves at its start, before those of `beforeInstruction`. */
  readonly atStart: readonly (readonly Move[] | undefined)[];
}

export function resolveMoves(live: LiveRanges, allocation: Allocation): ResolvedMoves {
  const { blocks, classes } = live.machine;
  const total = live.firstInstruction[blocks.length]!;
  const startsBlock = new Array<number>(total + 1).fill(0);
  for (const block of blocks) startsBlock[live.firstInstruction[block.index]!] = 1;

  const beforeInstruction = new Array<Move[] | undefined>(total).fill(undefined);
  for (let virtual = FIRST_VIRTUAL; virtual < FIRST_VIRTUAL + classes.length; virtual++) {
    const pieces = allocation.piecesOf(virtual);
    for (let i = 1; i < pieces.length; i++) {
      const { start, register } = pieces[i]!;
      // A slot was written when the register was defined; where a block begins, the edges see to it.
      if (register === NO_REG || startsBlock[start >> 1]) continue;
      const from = allocation.locationAt(virtual, start - 1);
      if (from === register) continue;
      const moves = beforeInstruction[start >> 1];
      if (moves === undefined) beforeInstruction[start >> 1] = [{ to: register, from }];
      else moves.push({ to: register, from });
    }
  }

  const atEnd = new Array<Move[] | undefined>(blocks.length).fill(undefined);
  const atStart = new Array<Move[] | undefined>(blocks.length).fill(undefined);
  for (const block of blocks) {
    const end = live.blockTo(block.index) - 1;
    for (const successor of block.successors) {
      const moves: Move[] = []; // stays empty, and small, on most edges
      const start = live.blockFrom(successor);
      const { heads, values, nexts } = live.liveIn;
      for (let node = heads[successor]!; node >= 0; node = nexts[node]!) {
        const virtual = values[node]! + FIRST_VIRTUAL;
        if (allocation.piecesOf(virtual).length < 2) continue;
        const to = allocation.locationAt(virtual, start);
        const from = allocation.locationAt(virtual, end);
        if (to !== from && to < FIRST_VIRTUAL) moves.push({ to, from });
      }
      blocks[successor]!.params.forEach((param, i) => {
        if (allocation.piecesOf(param).length === 0) return; // nobody reads it
        const arg = block.edgeArgs[i]!;
        const from = arg < 0 ? arg : allocation.locationAt(arg, end);
        const to = allocation.locationAt(param, start);
        const slot = allocation.slots[param - FIRST_VIRTUAL]!;
        if (to !== from) moves.push({ to, from });
        if (slot >= 0 && to < FIRST_VIRTUAL && from !== FIRST_VIRTUAL + slot)
          moves.push({ to: FIRST_VIRTUAL + slot, from });
      });
      if (moves.length === 0) continue;
      if (block.successors.length === 1) atEnd[block.index] = moves;
      else atStart[successor] = moves;
    }
  }
  return { beforeInstruction, atEnd, atStart };
}

/**
 * The store that keeps a stack slot up to date: a virtual register that has one is stored when it is written to a physical
 * register at `position`, unless the next instruction goes on changing it there.
 */
export function storeAfter(
  allocation: Allocation,
  instruction: MachineInstruction,
  next: MachineInstruction | undefined,
  position: number,
): Move | undefined {
  const virtual = writtenBy(instruction);
  if (virtual < FIRST_VIRTUAL) return undefined;
  const slot = allocation.slots[virtual - FIRST_VIRTUAL]!;
  if (slot < 0) return undefined;
  const { register, end } = allocation.pieceAt(virtual, position);
  if (register === NO_REG) return undefined;
  if (next !== undefined && writtenBy(next) === virtual && end > position + 2) return undefined;
  return { to: FIRST_VIRTUAL + slot, from: register };
}

/** The register that an instruction names as written, or NO_REG. No instruction has two. */
function writtenBy({ row, reg, rm, memory }: MachineInstruction): number {
  if (row.regRole & ROLE_DEF) return reg;
  return memory === undefined && row.rmRole & ROLE_DEF ? rm : NO_REG;
}
