// Control flow of one function: depth-first order and dominators, by Lengauer and Tarjan ("A Fast Algorithm for Finding
// Dominators in a Flowgraph", 1979, the simple version with path compression). O(edges * log blocks) on any input, where
// the usual iteration is quadratic on a long chain of blocks that share one exit. No recursion.

/**
 * The flow graph of a function of at most `capacity` blocks, and what is found out of it. One is used for many functions: to
 * make its arrays takes longer than to walk a small graph. Positions are those in depth-first order.
 */
export class ControlFlow {
  readonly capacity: number;
  /** Successors: those of block b are at 2 * b and 2 * b + 1, which is the number of the edge; -1 where there is none. */
  readonly targets: Int32Array;
  /** How many blocks are reachable. */
  reached = 0;
  /** The reachable blocks in preorder: every block comes after all that dominate it. */
  readonly order: Int32Array;
  /** Position of each block, or -1 if no path leads there. */
  readonly position: Int32Array;
  /** For each position: the position it was reached from. */
  readonly parent: Int32Array;
  /** For each position: that of the immediate dominator. */
  readonly idom: Int32Array;
  hasDominators = false;
  /** For each position: a place in the dominator tree, and how many places it and those that it dominates have. */
  readonly first: Int32Array;
  readonly size: Int32Array;
  /** Edges still to follow, and other work. */
  readonly stack: Int32Array;
  /** Edges into each position, as a list: the last one, and for each edge the one before. */
  readonly entering: Int32Array;
  readonly before: Int32Array;
  readonly semi: Int32Array;
  readonly label: Int32Array;
  readonly ancestor: Int32Array;
  readonly bucket: Int32Array;
  readonly nextInBucket: Int32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.targets = new Int32Array(2 * capacity);
    this.order = new Int32Array(capacity);
    this.position = new Int32Array(capacity);
    this.parent = new Int32Array(capacity);
    this.idom = new Int32Array(capacity);
    this.first = new Int32Array(capacity);
    this.size = new Int32Array(capacity);
    this.stack = new Int32Array(2 * capacity);
    this.entering = new Int32Array(capacity);
    this.before = new Int32Array(2 * capacity);
    this.semi = new Int32Array(capacity);
    this.label = new Int32Array(capacity);
    this.ancestor = new Int32Array(capacity);
    this.bucket = new Int32Array(capacity);
    this.nextInBucket = new Int32Array(capacity);
  }

  /** -1 where there is none. */
  setSuccessors(block: number, first: number, second: number): void {
    this.targets[2 * block] = first;
    this.targets[2 * block + 1] = second;
  }

  isReachable(block: number): boolean {
    return this.position[block]! >= 0;
  }

  /** True if every path from the entry to `block` passes `dominator`, so also if there is none. A block dominates itself. */
  dominates(dominator: number, block: number): boolean {
    if (!this.hasDominators) findDominators(this);
    const b = this.position[block]!;
    const a = this.position[dominator]!;
    if (b < 0 || a < 0) return b < 0;
    const place = this.first[b]! - this.first[a]!;
    return place >= 0 && place < this.size[a]!;
  }

  /** The block that dominates a reachable block immediately; the entry's is itself. */
  immediateDominator(block: number): number {
    if (!this.hasDominators) findDominators(this);
    return this.order[this.idom[this.position[block]!]!]!;
  }
}

/** Walks the graph of `count` blocks that `targets` holds, depth first from block 0. */
export function walk(flow: ControlFlow, count: number): void {
  const { targets, order, position, parent, stack } = flow;
  flow.hasDominators = false;
  for (let block = 0; block < count; block++) position[block] = -1;
  let found = 0;
  let depth = 0;
  let block = 0;
  let from = 0;
  for (;;) {
    if (position[block] === -1) {
      position[block] = found;
      parent[found] = from;
      order[found++] = block;
      if (targets[2 * block + 1] !== -1) stack[depth++] = 2 * block + 1;
      if (targets[2 * block] !== -1) stack[depth++] = 2 * block;
    }
    if (depth === 0) break;
    const edge = stack[--depth]!;
    block = targets[edge]!;
    from = position[edge >> 1]!;
  }
  flow.reached = found;
}

function findDominators(flow: ControlFlow): void {
  findImmediateDominators(flow);
  // An interval per block, nested as the dominator tree is; idom[w] < w makes recursion unnecessary.
  const { reached, idom, first, size, stack: free } = flow;
  for (let w = 0; w < reached; w++) size[w] = 1;
  for (let w = reached - 1; w > 0; w--) size[idom[w]!]! += size[w]!;
  first[0] = 0;
  free[0] = 1;
  for (let w = 1; w < reached; w++) {
    const start = free[idom[w]!]!;
    free[idom[w]!] = start + size[w]!;
    first[w] = start;
    free[w] = start + 1;
  }
  flow.hasDominators = true;
}

function findImmediateDominators(flow: ControlFlow): void {
  const { reached, order, position, parent, idom } = flow;
  const { targets, entering, before, semi, label, ancestor, bucket, nextInBucket, stack } = flow;
  for (let w = 0; w < reached; w++) {
    semi[w] = label[w] = w;
    idom[w] = 0;
    ancestor[w] = bucket[w] = entering[w] = -1;
  }
  for (let w = 0; w < reached; w++) {
    const edge = 2 * order[w]!;
    for (let e = edge; e <= edge + 1; e++) {
      if (targets[e] === -1) continue;
      const to = position[targets[e]!]!;
      before[e] = entering[to]!;
      entering[to] = e;
    }
  }
  for (let w = reached - 1; w > 0; w--) {
    let least = w;
    for (let e = entering[w]!; e !== -1; e = before[e]!) {
      const u = evaluate(position[e >> 1]!, ancestor, label, semi, stack);
      if (semi[u]! < least) least = semi[u]!;
    }
    semi[w] = least;
    nextInBucket[w] = bucket[least]!;
    bucket[least] = w;
    const above = parent[w]!;
    ancestor[w] = above;
    for (let v = bucket[above]!; v !== -1; v = nextInBucket[v]!) {
      const u = evaluate(v, ancestor, label, semi, stack);
      idom[v] = semi[u]! < semi[v]! ? u : above;
    }
    bucket[above] = -1;
  }
  for (let w = 1; w < reached; w++) if (idom[w] !== semi[w]) idom[w] = idom[idom[w]!]!;
}

/** The position of least semidominator on the way up from `v` as far as it is linked; shortens the way. */
function evaluate(v: number, ancestor: Int32Array, label: Int32Array, semi: Int32Array, path: Int32Array): number {
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
}
