// Block order and loops of a control-flow graph: reverse post-order with every loop's blocks kept together, so that live
// ranges stay short and most jumps fall through. A graph is two successors for each block, -1 where there is none; nothing here recurses.
import { IntList, type Scratch } from './scratch.js';

export interface BlockOrder {
  /** How many blocks are reachable. */
  readonly count: number;
  /** These, the entry first; every block comes after those that dominate it. */
  readonly order: Int32Array;
  /** By block: how many loops it is in. */
  readonly loopDepth: Int32Array;
  /** By block: the header of the innermost loop it is in, or -1. A header is in its own loop. */
  readonly loopHeader: Int32Array;
  /** By header: the header of the loop around its loop, or -1. */
  readonly outerHeader: Int32Array;
}

/** Predecessors of each block, ascending, one block's after another's. */
export interface Predecessors {
  readonly items: Int32Array;
  /** By block: where its predecessors begin; one more entry for the end. */
  readonly offsets: Int32Array;
}

export function findPredecessors(blockCount: number, successors: Int32Array, scratch: Scratch): Predecessors {
  const offsets = scratch.filled(blockCount + 2, 0);
  for (let edge = 0; edge < blockCount * 2; edge++) {
    const next = successors[edge]!;
    if (next >= 0) offsets[next + 2]!++;
  }
  for (let b = 2; b <= blockCount + 1; b++) offsets[b]! += offsets[b - 1]!;
  const items = scratch.take(offsets[blockCount + 1]!);
  // While they are filled in, the entry after a block's own is where its next predecessor goes.
  for (let edge = 0; edge < blockCount * 2; edge++) {
    const next = successors[edge]!;
    if (next >= 0) items[offsets[next + 1]!++] = edge >> 1;
  }
  return { items, offsets };
}

/** Takes the edges of blocks that cannot be reached out of `successors`. */
export function orderBlocks(blockCount: number, successors: Int32Array, scratch: Scratch): BlockOrder {
  const { items: order, length: count } = reversePostOrder(blockCount, successors, scratch);
  const rank = scratch.filled(blockCount, -1);
  for (let i = 0; i < count; i++) rank[order[i]!] = i;
  for (let b = 0; b < blockCount; b++) if (rank[b]! < 0) successors.fill(-1, b * 2, b * 2 + 2);
  const predecessors = findPredecessors(blockCount, successors, scratch);
  const loopDepth = scratch.filled(blockCount, 0);
  const loopHeader = scratch.filled(blockCount, -1);
  const outerHeader = scratch.filled(blockCount, -1);
  const loops = findLoops(
    blockCount,
    order,
    count,
    rank,
    predecessors,
    { loopDepth, loopHeader, outerHeader },
    scratch,
  );
  return {
    count,
    order: loops === REDUCIBLE_LOOPS ? groupLoops(blockCount, order, count, loopHeader, outerHeader, scratch) : order,
    loopDepth,
    loopHeader,
    outerHeader,
  };
}

const NO_LOOPS = 0;
const REDUCIBLE_LOOPS = 1;
const IRREDUCIBLE_LOOPS = 2;

type Loops = Pick<BlockOrder, 'loopDepth' | 'loopHeader' | 'outerHeader'>;

/** Fills in what is known of loops; returns which kind there are. */
function findLoops(
  blockCount: number,
  order: Int32Array,
  count: number,
  rank: Int32Array,
  { items, offsets }: Predecessors,
  { loopDepth, loopHeader, outerHeader }: Loops,
  scratch: Scratch,
): number {
  let found = NO_LOOPS;
  const inLoop = scratch.filled(blockCount, -1);
  const members = new IntList(scratch);
  // Inner headers come later in the order: going backwards, inner loops are found first and absorbed by outer ones.
  for (let i = count - 1; i >= 0; i--) {
    const header = order[i]!;
    members.length = 0;
    let isHeader = false;
    for (let p = offsets[header]!; p < offsets[header + 1]!; p++) {
      const latch = items[p]!;
      if (rank[latch]! < i) continue;
      isHeader = true;
      if (latch !== header && inLoop[latch] !== header) {
        inLoop[latch] = header;
        members.push(latch);
      }
    }
    if (!isHeader) continue;
    if (found === NO_LOOPS) found = REDUCIBLE_LOOPS;
    for (let m = 0; m < members.length; m++) {
      const member = members.items[m]!;
      for (let p = offsets[member]!; p < offsets[member + 1]!; p++) {
        const before = items[p]!;
        if (before === header || inLoop[before] === header) continue;
        if (rank[before]! < i) {
          found = IRREDUCIBLE_LOOPS; // entered other than through its header
          continue;
        }
        inLoop[before] = header;
        members.push(before);
      }
    }
    loopDepth[header]!++;
    if (loopHeader[header] === -1) loopHeader[header] = header;
    for (let m = 0; m < members.length; m++) {
      const member = members.items[m]!;
      loopDepth[member]!++;
      if (loopHeader[member] === -1) loopHeader[member] = header;
      if (loopHeader[member] === member && member !== header && outerHeader[member] === -1)
        outerHeader[member] = header;
    }
  }
  return found;
}

function reversePostOrder(blockCount: number, successors: Int32Array, scratch: Scratch): IntList {
  /** By block: how many edges are still to be followed, or -1 if it was not reached. */
  const edgesLeft = scratch.filled(blockCount, -1);
  const postOrder = new IntList(scratch, blockCount);
  const stack = new IntList(scratch);
  stack.push(0);
  edgesLeft[0] = 2;
  while (stack.length > 0) {
    const block = stack.items[stack.length - 1]!;
    // The last edge first: then the first one comes right after the block in reverse.
    const edge = --edgesLeft[block]!;
    if (edge < 0) {
      postOrder.push(block);
      stack.length--;
      edgesLeft[block] = 0;
      continue;
    }
    const next = successors[block * 2 + edge]!;
    if (next < 0 || edgesLeft[next]! >= 0) continue;
    edgesLeft[next] = 2;
    stack.push(next);
  }
  postOrder.reverse();
  return postOrder;
}

/** Pulls a loop's blocks together behind its header, keeping their order; in a reducible graph dominators still come first. */
function groupLoops(
  blockCount: number,
  order: Int32Array,
  count: number,
  loopHeader: Int32Array,
  outerHeader: Int32Array,
  scratch: Scratch,
): Int32Array {
  /** By header (the last one for the whole function): first of its blocks, an inner loop standing as its header; -1 if none. */
  const firstInside = scratch.filled(blockCount + 1, -1);
  const nextInside = scratch.filled(blockCount, -1);
  for (let i = count - 1; i >= 0; i--) {
    const block = order[i]!;
    const header = loopHeader[block]!;
    const around = header === block ? outerHeader[block]! : header;
    const list = around < 0 ? blockCount : around;
    nextInside[block] = firstInside[list]!;
    firstInside[list] = block;
  }
  const grouped = scratch.take(count);
  let length = 0;
  /** Blocks to go on with. */
  const stack = new IntList(scratch);
  stack.push(firstInside[blockCount]!);
  while (stack.length > 0) {
    const block = stack.items[--stack.length]!;
    grouped[length++] = block;
    if (nextInside[block]! >= 0) stack.push(nextInside[block]!);
    if (loopHeader[block] === block && firstInside[block]! >= 0) stack.push(firstInside[block]!);
  }
  return grouped;
}
