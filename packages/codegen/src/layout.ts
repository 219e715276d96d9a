// Where jumps end up, and the order in which blocks are emitted: that of the machine IR, with the test of a `while` loop moved below
// its body. Then an iteration takes one jump instead of two. Allocation has numbered the blocks before; only where bytes go changes here.
import { INSTRUCTION_SHIFT, type MachineFunction, ROW } from './machine-function.js';
import { PSEUDO_BRANCH, PSEUDO_JUMP, pseudos } from './machine-ir.js';
import type { ResolvedMoves } from './resolve.js';
import { IntList } from './scratch.js';
import { rows } from './x64/row.js';

/** `threads`, by block: where a jump to it ends up; a block for which that is another one is left out. */
export function layoutBlocks(machine: MachineFunction, threads: Int32Array): IntList {
  const { scratch, blocks } = machine;
  const { count, loopHeader, outerHeader, successors } = blocks;
  const order = new IntList(scratch, count);
  const position = scratch.filled(count, -1);
  for (let block = 0; block < count; block++) {
    if (threads[block] !== block) continue;
    position[block] = order.length;
    order.push(block);
  }
  /** By header: last position of a block in its loop, and how many there are. */
  const lastPosition = scratch.filled(count, -1);
  const members = scratch.filled(count, 0);
  for (let i = 0; i < order.length; i++) {
    for (let header = loopHeader[order.items[i]!]!; header >= 0; header = outerHeader[header]!) {
      lastPosition[header] = i;
      members[header]!++;
    }
  }
  // Inner loops first: an outer loop then still begins with its header.
  for (let header = count - 1; header >= 0; header--) {
    const first = position[header]!;
    const last = lastPosition[header]!;
    if (first < 0 || last <= first || members[header] !== last - first + 1) continue;
    const lastBlock = order.items[last]!;
    // The header must decide between staying and leaving, and the loop's last block only jump back to it.
    if (endOf(machine, header) !== PSEUDO_BRANCH || endOf(machine, lastBlock) !== PSEUDO_JUMP) continue;
    if (threads[successors[lastBlock * 2]!] !== header) continue;
    const isInside = (edge: number): boolean => {
      const at = position[threads[successors[edge]!]!]!;
      return at >= first && at <= last;
    };
    if (isInside(header * 2) === isInside(header * 2 + 1)) continue;
    order.items.copyWithin(first, first + 1, last + 1);
    order.items[last] = header;
    for (let i = first; i <= last; i++) position[order.items[i]!] = i;
  }
  return order;
}

/** Which pseudo instruction ends the block; 0 for none. */
function endOf({ code, blocks }: MachineFunction, block: number): number {
  const last = blocks.firstInstruction[block + 1]! - 1;
  return rows[code[(last << INSTRUCTION_SHIFT) + ROW]!]!.pseudo;
}

/** By block: where a jump to it ends up, past blocks that only jump on. */
export function threadJumps(machine: MachineFunction, resolved: ResolvedMoves): Int32Array {
  const { count, successors } = machine.blocks;
  const threads = machine.scratch.filled(count, -1);
  const path = new IntList(machine.scratch);
  for (let block = 0; block < count; block++) {
    let target = block;
    path.length = 0;
    while (threads[target] === -1 && onlyJumps(machine, resolved, target)) {
      threads[target] = target; // where an endless empty loop is entered, it stays
      path.push(target);
      target = successors[target * 2]!;
    }
    if (threads[target] !== -1) target = threads[target]!;
    threads[target] = target;
    for (let i = 0; i < path.length; i++) threads[path.items[i]!] = target;
  }
  return threads;
}

function onlyJumps({ blocks, code }: MachineFunction, resolved: ResolvedMoves, block: number): boolean {
  const first = blocks.firstInstruction[block]!;
  if (block === 0 || blocks.firstInstruction[block + 1]! !== first + 1) return false;
  if (code[(first << INSTRUCTION_SHIFT) + ROW] !== pseudos.jump.id) return false;
  const { atStart, atEnd, beforeInstruction } = resolved;
  return atStart.isEmpty(block) && atEnd.isEmpty(block) && beforeInstruction.isEmpty(first);
}
