// Many short lists of integers in two arrays. Each list is read latest first:
// `for (let node = lists.heads[list]!; node >= 0; node = lists.nodes[node + 1]!) … lists.nodes[node]`
import type { Scratch } from './scratch.js';

export class LinkedLists {
  /** By list: its first node, or -1. */
  readonly heads: Int32Array;
  /** At each node its value, and after it the node added before it to the same list, or -1. */
  nodes: Int32Array;
  private end = 0;

  constructor(
    private readonly count: number,
    private readonly scratch: Scratch,
  ) {
    this.heads = scratch.filled(count, -1);
    this.nodes = scratch.take(count);
  }

  add(list: number, value: number): void {
    const node = this.end;
    if (node + 2 > this.nodes.length) this.nodes = this.scratch.grow(this.nodes);
    const { nodes, heads } = this;
    nodes[node] = value;
    nodes[node + 1] = heads[list]!;
    heads[list] = node;
    this.end = node + 2;
  }

  /** Adds `value` unless it was the last one added to the list. */
  addOnce(list: number, value: number): boolean {
    const head = this.heads[list]!;
    if (head >= 0 && this.nodes[head] === value) return false;
    this.add(list, value);
    return true;
  }

  /** All lists one after another, each latest first, and where each begins (one more entry for the end). */
  flatten(): { readonly items: Int32Array; readonly offsets: Int32Array } {
    const { heads, nodes, count } = this;
    const items = this.scratch.take(this.end >> 1);
    const offsets = this.scratch.take(count + 1);
    let length = 0;
    for (let list = 0; list < count; list++) {
      offsets[list] = length;
      for (let node = heads[list]!; node >= 0; node = nodes[node + 1]!) items[length++] = nodes[node]!;
    }
    offsets[count] = length;
    return { items, offsets };
  }
}
