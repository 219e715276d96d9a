// Many short lists of integers in two arrays: as an array each, they would keep the garbage collector busy. (Plain arrays, not
// typed ones: those are slow to make, and most functions are small.) Each list is read latest first.

export class LinkedLists {
  /** By list: its first node, or -1. */
  readonly heads: number[];
  readonly values: number[] = [];
  /** By node: the one added before it to the same list, or -1. */
  readonly nexts: number[] = [];

  constructor(lists: number) {
    this.heads = new Array<number>(lists).fill(-1);
  }

  add(list: number, value: number): void {
    this.values.push(value);
    this.nexts.push(this.heads[list]!);
    this.heads[list] = this.values.length - 1;
  }

  /** Adds `value` unless it was the last one added to the list. */
  addOnce(list: number, value: number): boolean {
    const head = this.heads[list]!;
    if (head >= 0 && this.values[head] === value) return false;
    this.add(list, value);
    return true;
  }

  /** All lists one after another, each latest first, and where each begins (one more entry for the end). */
  flatten(): { readonly items: number[]; readonly offsets: number[] } {
    const items: number[] = [];
    const offsets: number[] = [];
    for (let list = 0; list < this.heads.length; list++) {
      offsets.push(items.length);
      for (let node = this.heads[list]!; node >= 0; node = this.nexts[node]!) items.push(this.values[node]!);
    }
    offsets.push(items.length);
    return { items, offsets };
  }
}
