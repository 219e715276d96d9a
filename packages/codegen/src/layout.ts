// The order in which blocks are emitted: that of the machine IR, with the test of a `while` loop moved below its body. Then
// an iteration takes one jump instead of two. Allocation has numbered the blocks before; only where bytes go changes here.
import { type MachineBlock, type MachineFunction, PSEUDO_BRANCH, PSEUDO_JUMP } from './machine-ir.js';

/** `threads`, by block: where a jump to it ends up; a block for which that is another one is left out. */
export function layoutBlocks(machine: MachineFunction, threads: number[]): MachineBlock[] {
  const { blocks } = machine;
  const order = blocks.filter((block) => threads[block.index] === block.index);
  const position = new Array<number>(blocks.length).fill(-1);
  for (let i = 0; i < order.length; i++) position[order[i]!.index] = i;
  /** By header: last position of a block in its loop, and how many there are. */
  const lastPosition = new Array<number>(blocks.length).fill(-1);
  const members = new Array<number>(blocks.length).fill(0);
  for (const block of order) {
    for (let header = block.loopHeader; header >= 0; header = blocks[header]!.outerHeader) {
      lastPosition[header] = Math.max(lastPosition[header]!, position[block.index]!);
      members[header]!++;
    }
  }
  // Inner loops first: an outer loop then still begins with its header.
  for (let header = blocks.length - 1; header >= 0; header--) {
    const first = position[header]!;
    const last = lastPosition[header]!;
    if (first < 0 || last <= first || members[header] !== last - first + 1) continue;
    const isInside = (block: number): boolean => position[block]! >= first && position[block]! <= last;
    if (!isTopTested(blocks[header]!, order[last]!, threads, isInside)) continue;
    const moved = order[first]!;
    order.copyWithin(first, first + 1, last + 1);
    order[last] = moved;
    for (let i = first; i <= last; i++) position[order[i]!.index] = i;
  }
  return order;
}

/** True if the header decides between staying and leaving, and the loop's last block only jumps back to it. */
function isTopTested(
  header: MachineBlock,
  last: MachineBlock,
  threads: number[],
  isInside: (block: number) => boolean,
): boolean {
  if (header.instructions.at(-1)!.row.pseudo !== PSEUDO_BRANCH) return false;
  if (last.instructions.at(-1)!.row.pseudo !== PSEUDO_JUMP || threads[last.successors[0]!] !== header.index)
    return false;
  const [one, other] = header.successors.map((successor) => isInside(threads[successor]!));
  return one !== other;
}
