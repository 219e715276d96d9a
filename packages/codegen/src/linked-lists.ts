// Many short lists of integers in a few typed arrays: passes over large functions would else spend their time in the garbage
// collector. Each list is read latest first.

export class LinkedLists {
  /** By list: its first node, or -1. */
  readonly heads: Int32Array;
  values = new Int32Array(64);
  /** By node: the one added before it to the same list, or -1. */
  nexts = new Int32Array(64);
  size = 0;

  constructor(lists: number) {
    this.heads = new Int32Array(lists).fill(-1);
  }

  add(list: number, value: number): void {
    if (this.size === this.values.length) {
      this.values = grown(this.values);
      this.nexts = grown(this.nexts);
    }
    this.values[this.size] = value;
    this.nexts[this.size] = this.heads[list]!;
    this.heads[list] = this.size++;
  }

  /** Adds `value` unless it was the last one added to the list. */
  addOnce(list: number, value: number): boolean {
    const head = this.heads[list]!;
    if (head >= 0 && this.values[head] === value) return false;
    this.add(list, value);
    return true;
  }

  /** All lists one after another, each latest first, and where each begins (one more entry for the end). */
  flatten(): { readonly items: Int32Array; readonly offsets: Int32Array } {
    const items = new Int32Array(this.size);
    const offsets = new Int32Array(this.heads.length + 1);
    let size = 0;
    for (let list = 0; list < this.heads.length; list++) {
      offsets[list] = size;
      for (let node = this.heads[list]!; node >= 0; node = this.nexts[node]!) items[size++] = this.values[node]!;
    }
    offsets[this.heads.length] = size;
    return { items, offsets };
  }
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
