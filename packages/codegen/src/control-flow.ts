// Block order and loops of a control-flow graph: reverse post-order with every loop's blocks kept together, so that live
// ranges stay short and most jumps fall through. Works on plain successor lists; nothing here recurses.

export interface BlockOrder {
  /** Reachable blocks, the entry first; every block comes after those that dominate it. */
  readonly order: readonly number[];
  /** By block: how many loops it is in. */
  readonly loopDepth: number[];
  /** By block: the header of the innermost loop it is in, or -1. A header is in its own loop. */
  readonly loopHeader: number[];
  /** By header: the header of the loop around its loop, or -1. */
  readonly outerHeader: number[];
}

export function orderBlocks(successors: readonly (readonly number[])[]): BlockOrder {
  const count = successors.length;
  const order = reversePostOrder(successors);
  const rank = new Array<number>(count).fill(-1);
  for (let i = 0; i < order.length; i++) rank[order[i]!] = i;
  const predecessors: number[][] = successors.map(() => []);
  for (const block of order) for (const next of successors[block]!) predecessors[next]!.push(block);

  const loopDepth = new Array<number>(count).fill(0);
  const loopHeader = new Array<number>(count).fill(-1);
  const outerHeader = new Array<number>(count).fill(-1);
  let reducible = true;
  const inLoop = new Array<number>(count).fill(-1);
  const members: number[] = [];
  // Inner headers come later in the order: going backwards, inner loops are found first and absorbed by outer ones.
  for (let i = order.length - 1; i >= 0; i--) {
    const header = order[i]!;
    members.length = 0;
    let isHeader = false;
    for (const latch of predecessors[header]!) {
      if (rank[latch]! < i) continue;
      isHeader = true;
      if (latch !== header && inLoop[latch] !== header) {
        inLoop[latch] = header;
        members.push(latch);
      }
    }
    if (!isHeader) continue;
    for (let m = 0; m < members.length; m++) {
      for (const before of predecessors[members[m]!]!) {
        if (before === header || inLoop[before] === header) continue;
        if (rank[before]! < i) {
          reducible = false; // entered other than through its header
          continue;
        }
        inLoop[before] = header;
        members.push(before);
      }
    }
    loopDepth[header]!++;
    for (const member of members) loopDepth[member]!++;
    if (loopHeader[header] === -1) loopHeader[header] = header;
    for (const member of members) {
      if (loopHeader[member] === -1) loopHeader[member] = header;
      if (loopHeader[member] === member && member !== header && outerHeader[member] === -1)
        outerHeader[member] = header;
    }
  }
  return { order: reducible ? groupLoops(order, loopHeader, outerHeader) : order, loopDepth, loopHeader, outerHeader };
}

function reversePostOrder(successors: readonly (readonly number[])[]): number[] {
  const visited = new Array<number>(successors.length).fill(0);
  const nextEdge = new Array<number>(successors.length).fill(0);
  const postOrder: number[] = [];
  const stack = [0];
  visited[0] = 1;
  while (stack.length > 0) {
    const block = stack[stack.length - 1]!;
    const edges = successors[block]!;
    // The last edge first: then the first one comes right after the block in reverse.
    const edge = edges.length - 1 - nextEdge[block]!++;
    if (edge < 0) {
      postOrder.push(block);
      stack.pop();
    } else if (visited[edges[edge]!] === 0) {
      visited[edges[edge]!] = 1;
      stack.push(edges[edge]!);
    }
  }
  return postOrder.reverse();
}

/** Pulls a loop's blocks together behind its header, keeping their order; in a reducible graph dominators still come first. */
function groupLoops(order: readonly number[], loopHeader: number[], outerHeader: number[]): number[] {
  /** By header (or the whole function, under -1): its blocks, with an inner loop standing as its header. */
  const items = new Map<number, number[]>([[-1, []]]);
  for (const block of order) {
    const header = loopHeader[block]!;
    if (header === block) {
      items.set(block, []);
      items.get(outerHeader[block]!)!.push(block);
    } else {
      items.get(header)!.push(block);
    }
  }
  const grouped: number[] = [];
  const stack = [{ list: items.get(-1)!, next: 0 }];
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    if (top.next === top.list.length) {
      stack.pop();
      continue;
    }
    const block = top.list[top.next++]!;
    grouped.push(block);
    const inner = items.get(block);
    if (inner !== undefined) stack.push({ list: inner, next: 0 });
  }
  return grouped;
}
