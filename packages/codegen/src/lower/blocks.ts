// The machine blocks of a function in their order, with critical edges split.
import type { ConcreteFunction, Edge, Terminator } from '@simple-jit/template-ir';
import { type BlockOrder, orderBlocks } from '../control-flow.js';
import { LinkedLists } from '../linked-lists.js';
import { MachineBlocks } from '../machine-function.js';
import type { Scratch } from '../scratch.js';

export interface Arrangement {
  readonly blocks: MachineBlocks;
  /** By machine block: the IR's block, or `~(block * 2 + edge)` for the split of an edge, which holds nothing but a jump along it. */
  readonly origins: Int32Array;
  /** Of the IR's blocks. */
  readonly layout: BlockOrder;
}

/** By `block * 2 + edge`: not split, or split and placed right after the source; other splits are in a list. */
const WHOLE = -1;
const AFTER_SOURCE = -2;

/** Makes the machine blocks, with one on each edge from a branch to a block with several predecessors or with parameters. */
export function arrangeBlocks(source: ConcreteFunction, scratch: Scratch): Arrangement {
  const count = source.blocks.length;
  const successors = scratch.take(count * 2);
  for (let edge = 0; edge < count * 2; edge++) {
    successors[edge] = edgeOf(source.blocks[edge >> 1]!.terminator, edge & 1)?.block ?? -1;
  }
  const layout = orderBlocks(count, successors, scratch);
  const { splits, beforeTarget, splitCount } = findSplits(source, successors, layout, scratch);

  const blocks = new MachineBlocks(layout.count + splitCount, scratch);
  const origins = scratch.take(blocks.count);
  /** By the IR's block: its machine block. */
  const indexes = scratch.take(count);
  let index = 0;
  for (let i = 0; i < layout.count; i++) {
    const block = layout.order[i]!;
    for (let node = beforeTarget.heads[block]!; node >= 0; node = beforeTarget.nodes[node + 1]!) {
      const edge = beforeTarget.nodes[node]!;
      origins[index] = ~edge;
      splits[edge] = index++;
    }
    origins[index] = block;
    indexes[block] = index++;
    for (let edge = block * 2; edge < block * 2 + 2; edge++) {
      if (splits[edge] !== AFTER_SOURCE) continue;
      origins[index] = ~edge;
      splits[edge] = index++;
    }
  }
  connect(blocks, origins, indexes, splits, successors, layout);
  return { blocks, origins, layout };
}

/** Edge number 0 or 1 of a block that ends so. */
export function edgeOf(terminator: Terminator, edge: number): Edge | undefined {
  switch (terminator.op) {
    case 'jump':
      return edge === 0 ? terminator.target : undefined;
    case 'branch':
    case 'if':
      return edge === 0 ? terminator.then : terminator.else;
    default:
      return undefined;
  }
}

/** Splits of loop exits stand before their target, so that loops stay contiguous; the others after their source. */
function findSplits(source: ConcreteFunction, successors: Int32Array, layout: BlockOrder, scratch: Scratch) {
  const { order, count, loopDepth } = layout;
  const blockCount = source.blocks.length;
  const rank = scratch.filled(blockCount, 0);
  const predecessorCount = scratch.filled(blockCount, 0);
  for (let i = 0; i < count; i++) rank[order[i]!] = i;
  for (let edge = 0; edge < blockCount * 2; edge++) if (successors[edge]! >= 0) predecessorCount[successors[edge]!]!++;
  const splits = scratch.filled(blockCount * 2, WHOLE);
  const beforeTarget = new LinkedLists(blockCount, scratch);
  let splitCount = 0;
  // Backwards, as lists are read latest first.
  for (let i = count * 2 - 1; i >= 0; i--) {
    const block = order[i >> 1]!;
    if (successors[block * 2 + 1]! < 0) continue;
    const edge = block * 2 + (i & 1);
    const target = successors[edge]!;
    if (predecessorCount[target]! < 2 && edgeOf(source.blocks[block]!.terminator, i & 1)!.args.length === 0) continue;
    splitCount++;
    if (loopDepth[target]! < loopDepth[block]! && rank[target]! > rank[block]!) beforeTarget.add(target, edge);
    else splits[edge] = AFTER_SOURCE;
  }
  return { splits, beforeTarget, splitCount };
}

/** Fills in the successors and the loops. */
function connect(
  blocks: MachineBlocks,
  origins: Int32Array,
  indexes: Int32Array,
  splits: Int32Array,
  successors: Int32Array,
  { loopDepth, loopHeader, outerHeader }: BlockOrder,
): void {
  for (let b = 0; b < blocks.count; b++) {
    const origin = origins[b]!;
    if (origin < 0) {
      const edge = ~origin;
      const target = successors[edge]!;
      blocks.successors[b * 2] = indexes[target]!;
      const outer = loopDepth[target]! < loopDepth[edge >> 1]! ? target : edge >> 1;
      if (loopHeader[outer]! >= 0) blocks.loopHeader[b] = indexes[loopHeader[outer]!]!;
      continue;
    }
    for (let i = 0; i < 2; i++) {
      const target = successors[origin * 2 + i]!;
      const split = splits[origin * 2 + i]!;
      if (target >= 0) blocks.successors[b * 2 + i] = split >= 0 ? split : indexes[target]!;
    }
    if (loopHeader[origin]! >= 0) blocks.loopHeader[b] = indexes[loopHeader[origin]!]!;
    if (outerHeader[origin]! >= 0) blocks.outerHeader[b] = indexes[outerHeader[origin]!]!;
  }
}
