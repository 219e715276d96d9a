// Working memory for compiling: arrays of integers that one compile hands to the next. Objects instead, one for each instruction and
// each live range, would survive until the function is done, and the garbage collector would copy them: measured, it doubled the
// cost of an instruction in functions of 10,000.

/** Arrays up to this length are all of it: less would save nothing. */
const MIN_SHIFT = 6;
const MIN_LENGTH = 1 << MIN_SHIFT;
/** Arrays beyond this many bytes in all are left to the garbage collector when they come back. */
const KEPT_BYTES = 16 << 20;

export class Scratch {
  /** Arrays of 2**i elements, ready to be taken. */
  private readonly free: Int32Array[][] = Array.from({ length: 31 }, () => []);
  private readonly taken: Int32Array[] = [];
  private keptBytes = 0;

  /** An array of at least `length` elements, whatever they are, until `release`. */
  take(length: number): Int32Array {
    const shift = length <= MIN_LENGTH ? MIN_SHIFT : 32 - Math.clz32(length - 1);
    let array = this.free[shift]!.pop();
    if (array === undefined) array = new Int32Array(2 ** shift);
    else this.keptBytes -= array.byteLength;
    this.taken.push(array);
    return array;
  }

  /** The same with `value` in the first `length` elements. */
  filled(length: number, value: number): Int32Array {
    const array = this.take(length);
    if (length > 32) return array.fill(value, 0, length);
    for (let i = 0; i < length; i++) array[i] = value; // calling `fill` would cost more
    return array;
  }

  /** A longer array with the elements of `array`, which is not to be used any more. */
  grow(array: Int32Array): Int32Array {
    const grown = this.take(array.length * 2);
    grown.set(array);
    return grown;
  }

  /** Takes all arrays back. */
  release(): void {
    const { taken, free } = this;
    for (let i = 0; i < taken.length; i++) {
      const array = taken[i]!;
      if (this.keptBytes + array.byteLength > KEPT_BYTES) continue;
      this.keptBytes += array.byteLength;
      free[31 - Math.clz32(array.length)]!.push(array);
    }
    taken.length = 0;
  }
}

/** A list that grows. */
export class IntList {
  /** The first `length` are the list. Another array after a `push`. */
  items: Int32Array;
  length = 0;

  constructor(
    private readonly scratch: Scratch,
    capacity = 0,
  ) {
    this.items = scratch.take(capacity);
  }

  push(item: number): void {
    if (this.length === this.items.length) this.items = this.scratch.grow(this.items);
    this.items[this.length++] = item;
  }

  reverse(): void {
    const { items } = this;
    for (let low = 0, high = this.length - 1; low < high; low++, high--) {
      const item = items[low]!;
      items[low] = items[high]!;
      items[high] = item;
    }
  }
}
