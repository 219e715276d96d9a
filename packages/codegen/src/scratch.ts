// Working memory for compiling: arrays of integers that one compile hands to the next. Objects instead, one for each instruction and
// each live range, would survive until the function is done, and the garbage collector would copy them: measured, it doubled the
// cost of an instruction in functions of 10,000.

/** Arrays up to this length are all of it: less would save nothing. */
const MIN_SHIFT = 6;
const MIN_LENGTH = 1 << MIN_SHIFT;
const SHIFTS = 31;
/** Where all arrays have more bytes than this, the longest are left to the garbage collector. */
const KEPT_BYTES = 16 << 20;

/** Thrown for an array longer than there are, or than there is memory for. */
export class OutOfScratch extends Error {
  override readonly name = 'OutOfScratch';

  constructor(
    readonly bytes: number,
    options?: ErrorOptions,
  ) {
    super(`no array of ${bytes} bytes`, options);
  }
}

export class Scratch {
  /** By i: all arrays of 2**i elements, those that are taken first, and how many that are. */
  private readonly arrays: Int32Array[][] = Array.from({ length: SHIFTS }, () => []);
  private readonly taken: number[] = new Array<number>(SHIFTS).fill(0);
  private bytes = 0;

  /** An array of at least `length` elements, whatever they are, until `release`. Throws OutOfScratch. */
  take(length: number): Int32Array {
    const shift = length <= MIN_LENGTH ? MIN_SHIFT : 32 - Math.clz32(length - 1);
    if (shift >= SHIFTS) throw new OutOfScratch(length * 4);
    const arrays = this.arrays[shift]!;
    const number = this.taken[shift]!++;
    return number < arrays.length ? arrays[number]! : this.make(shift);
  }

  private make(shift: number): Int32Array {
    const array = allocate(2 ** shift);
    this.bytes += array.byteLength;
    this.arrays[shift]!.push(array);
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
    for (let shift = MIN_SHIFT; shift < SHIFTS; shift++) this.taken[shift] = 0;
    for (let shift = SHIFTS - 1; this.bytes > KEPT_BYTES; shift--) {
      const arrays = this.arrays[shift]!;
      while (arrays.length > 0 && this.bytes > KEPT_BYTES) this.bytes -= arrays.pop()!.byteLength;
    }
  }
}

function allocate(length: number): Int32Array {
  try {
    return new Int32Array(length);
  } catch (error) {
    throw new OutOfScratch(length * 4, { cause: error });
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
