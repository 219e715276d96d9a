// Control flow of one function: depth-first order and dominators, by Lengauer and Tarjan ("A Fast Algorithm for Finding
// Dominators in a Flowgraph", 1979, the simple version with path compression). O(edges * log blocks) on any input, where
// the usual iteration is quadratic on a long chain of blocks that share one exit. No recursion.

/** Successors of `count` blocks: those of block b are `targets[starts[b]] … targets[starts[b + 1] - 1]`. */
export interface FlowGraph {
  readonly count: number;
  readonly starts: Int32Array;
  readonly targets: Int32Array;
}

/** Collects the edges, block by block. `successors` must return indices below `count`. */
export function flowGraph(count: number, successors: (block: number) => readonly number[]): FlowGraph {
  const starts = new Int32Array(count + 1);
  const targets: number[] = [];
  for (let block = 0; block < count; block++) {
    for (const target of successors(block)) targets.push(target);
    starts[block + 1] = targets.length;
  }
  return { count, starts, targets: Int32Array.from(targets) };
}

export interface DepthFirst {
  /** The reachable blocks in preorder: every block comes after all that dominate it. */
  readonly order: Int32Array;
  /** Position in `order`, or -1 if no path leads there. */
  readonly position: Int32Array;
  /** For each position but 0: the position it was reached from. */
  readonly parent: Int32Array;
}

/** Walks the graph from block 0. */
export function depthFirst(graph: FlowGraph): DepthFirst {
  const { count, starts, targets } = graph;
  const order = new Int32Array(count);
  const position = new Int32Array(count).fill(-1);
  const parent = new Int32Array(count);
  const next = starts.slice(0, count);
  const stack = new Int32Array(count);
  let depth = 0;
  let found = 0;
  if (count > 0) {
    position[0] = found++;
    stack[depth++] = 0;
  }
  while (depth > 0) {
    const block = stack[depth - 1]!;
    if (next[block] === starts[block + 1]) {
      depth--;
      continue;
    }
    const target = targets[next[block]!++]!;
    if (position[target] !== -1) continue;
    parent[found] = position[block]!;
    order[found] = target;
    position[target] = found++;
    stack[depth++] = target;
  }
  return { order: order.subarray(0, found), position, parent: parent.subarray(0, found) };
}

export interface Dominators {
  isReachable(block: number): boolean;
  /** True if every path from the entry to `block` passes `dominator`; both reachable. A block dominates itself. */
  dominates(dominator: number, block: number): boolean;
  /** The reachable blocks, each after the one that dominates it immediately. */
  readonly order: Int32Array;
  /** The block that dominates a reachable block immediately; the entry's is itself. */
  immediateDominator(block: number): number;
}

export function dominators(graph: FlowGraph): Dominators {
  const { order, position, parent } = depthFirst(graph);
  const idom = immediateDominators(graph, order, position, parent);
  // An interval per block, nested as the dominator tree is; idom[w] < w makes recursion unnecessary.
  const size = new Int32Array(order.length).fill(1);
  for (let w = order.length - 1; w > 0; w--) size[idom[w]!]! += size[w]!;
  const first = new Int32Array(order.length);
  const free = new Int32Array(order.length);
  if (order.length > 0) free[0] = 1;
  for (let w = 1; w < order.length; w++) {
    const start = free[idom[w]!]!;
    free[idom[w]!] = start + size[w]!;
    first[w] = start;
    free[w] = start + 1;
  }
  return {
    order,
    immediateDominator: (block) => order[idom[position[block]!]!]!,
    isReachable: (block) => position[block]! >= 0,
    dominates(dominator, block) {
      const a = position[dominator]!;
      const at = first[position[block]!]!;
      return at >= first[a]! && at < first[a]! + size[a]!;
    },
  };
}

/** For each position in depth-first order: the position of its immediate dominator. */
function immediateDominators(
  { starts, targets }: FlowGraph,
  order: Int32Array,
  position: Int32Array,
  parent: Int32Array,
): Int32Array {
  const count = order.length;
  const predecessors = reverse(count, order, position, starts, targets);
  const semi = Int32Array.from({ length: count }, (_, w) => w);
  const label = semi.slice();
  const ancestor = new Int32Array(count).fill(-1);
  const bucket = new Int32Array(count).fill(-1);
  const nextInBucket = new Int32Array(count).fill(-1);
  const idom = new Int32Array(count);
  const path = new Int32Array(count);

  const evaluate = (v: number): number => {
    if (ancestor[v] === -1) return v;
    let length = 0;
    for (let u = v; ancestor[ancestor[u]!] !== -1; u = ancestor[u]!) path[length++] = u;
    while (length > 0) {
      const u = path[--length]!;
      const above = ancestor[u]!;
      if (semi[label[above]!]! < semi[label[u]!]!) label[u] = label[above]!;
      ancestor[u] = ancestor[above]!;
    }
    return label[v]!;
  };

  for (let w = count - 1; w > 0; w--) {
    for (let i = predecessors.starts[w]!; i < predecessors.starts[w + 1]!; i++) {
      const u = evaluate(predecessors.sources[i]!);
      if (semi[u]! < semi[w]!) semi[w] = semi[u]!;
    }
    nextInBucket[w] = bucket[semi[w]!]!;
    bucket[semi[w]!] = w;
    const above = parent[w]!;
    ancestor[w] = above;
    for (let v = bucket[above]!; v !== -1; v = nextInBucket[v]!) {
      const u = evaluate(v);
      idom[v] = semi[u]! < semi[v]! ? u : above;
    }
    bucket[above] = -1;
  }
  for (let w = 1; w < count; w++) if (idom[w] !== semi[w]) idom[w] = idom[idom[w]!]!;
  return idom;
}

/** The predecessors of each reachable block, all as positions in depth-first order. */
function reverse(count: number, order: Int32Array, position: Int32Array, from: Int32Array, targets: Int32Array) {
  const starts = new Int32Array(count + 1);
  for (const block of order) {
    for (let i = from[block]!; i < from[block + 1]!; i++) starts[position[targets[i]!]! + 1]!++;
  }
  for (let w = 0; w < count; w++) starts[w + 1]! += starts[w]!;
  const free = starts.slice();
  const sources = new Int32Array(starts[count]!);
  for (const block of order) {
    for (let i = from[block]!; i < from[block + 1]!; i++) {
      sources[free[position[targets[i]!]!]!++] = position[block]!;
    }
  }
  return { starts, sources };
}
