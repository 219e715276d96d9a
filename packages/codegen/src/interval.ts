// Pieces of virtual registers' lives with one place to live each: windows onto a register's live ranges and uses. Pieces are what
// the allocator hands registers to, and splits. A piece is the number that it was made with.
import type { LiveRanges } from './live-ranges.js';
import type { Scratch } from './scratch.js';
import { FIRST_VIRTUAL, NO_REG } from './x64/registers.js';

export const NEVER = 0x7fffffff;

/** Words of a piece in `Intervals.data`; piece i begins at `i << SHIFT`. */
const SHIFT = 3;
const VIRTUAL = 0;
const START = 1;
const END = 2;
const REGISTER = 3;
/** Where its ranges and uses from the last position asked for on begin. */
const RANGE = 4;
const USE = 5;
/** The virtual register's next piece, or -1. */
const NEXT = 6;

export class Intervals {
  count = 0;
  private data: Int32Array;
  private readonly scratch: Scratch;

  constructor(private readonly live: LiveRanges) {
    this.scratch = live.machine.scratch;
    this.data = this.scratch.take(live.machine.classes.length << SHIFT);
  }

  /** A first piece, of all of the virtual register's life. */
  add(virtual: number): number {
    const { ranges, rangeOffsets, useOffsets } = this.live;
    const v = virtual - FIRST_VIRTUAL;
    const first = rangeOffsets[v]!;
    return this.push(virtual, ranges[first]!, ranges[rangeOffsets[v + 1]! - 1]!, first, useOffsets[v]!, -1);
  }

  private push(virtual: number, start: number, end: number, range: number, use: number, next: number): number {
    const at = this.count << SHIFT;
    if (at === this.data.length) this.data = this.scratch.grow(this.data);
    const { data } = this;
    data[at + VIRTUAL] = virtual;
    data[at + START] = start;
    data[at + END] = end;
    data[at + REGISTER] = NO_REG;
    data[at + RANGE] = range;
    data[at + USE] = use;
    data[at + NEXT] = next;
    return this.count++;
  }

  virtual(piece: number): number {
    return this.data[(piece << SHIFT) + VIRTUAL]!;
  }

  start(piece: number): number {
    return this.data[(piece << SHIFT) + START]!;
  }

  end(piece: number): number {
    return this.data[(piece << SHIFT) + END]!;
  }

  /** The physical register, or NO_REG for the virtual one's stack slot. */
  register(piece: number): number {
    return this.data[(piece << SHIFT) + REGISTER]!;
  }

  setRegister(piece: number, register: number): void {
    this.data[(piece << SHIFT) + REGISTER] = register;
  }

  /** The next piece of the same virtual register, or -1. */
  next(piece: number): number {
    return this.data[(piece << SHIFT) + NEXT]!;
  }

  /** True if the value is live at `position`, which must not go backwards from call to call. */
  covers(piece: number, position: number): boolean {
    const { ranges } = this.live;
    const end = this.rangeEnd(piece);
    const at = (piece << SHIFT) + RANGE;
    let cursor = this.data[at]!;
    while (cursor < end && ranges[cursor + 1]! <= position) cursor += 2;
    this.data[at] = cursor;
    return cursor < end && ranges[cursor]! <= position;
  }

  /** Where the value is live again, for a piece that `covers` has last found in a hole. */
  wake(piece: number): number {
    return this.live.ranges[this.data[(piece << SHIFT) + RANGE]!]!;
  }

  /** First use at or after `position` (not going backwards), or NEVER. */
  nextUse(piece: number, position: number): number {
    const { uses } = this.live;
    const end = this.useEnd(piece);
    const at = (piece << SHIFT) + USE;
    let cursor = this.data[at]!;
    while (cursor < end && uses[cursor]! >> 1 < position) cursor++;
    this.data[at] = cursor;
    const use = cursor < end ? uses[cursor]! >> 1 : NEVER;
    return use < this.end(piece) ? use : NEVER;
  }

  /** First use at or after `position` that needs a register, or NEVER. */
  nextRegisterUse(piece: number, position: number): number {
    const { uses } = this.live;
    const last = this.useEnd(piece);
    const end = this.end(piece);
    for (let i = this.useFrom(piece, position); i < last && uses[i]! >> 1 < end; i++) {
      if (uses[i]! & 1) return uses[i]! >> 1;
    }
    return NEVER;
  }

  /** Last use before `position`, or -1. */
  previousUse(piece: number, position: number): number {
    const i = this.useFrom(piece, position) - 1;
    return i < this.live.useOffsets[this.virtual(piece) - FIRST_VIRTUAL]! ? -1 : this.live.uses[i]! >> 1;
  }

  /** First position at or after `position` at which both are live, or NEVER. */
  intersection(piece: number, other: number, position: number): number {
    const limit = Math.min(this.end(piece), this.end(other));
    const { ranges } = this.live;
    let i = this.rangeAfter(piece, position);
    let j = this.rangeAfter(other, position);
    const endOfPiece = this.rangeEnd(piece);
    const endOfOther = this.rangeEnd(other);
    while (i < endOfPiece && j < endOfOther) {
      const from = Math.max(ranges[i]!, ranges[j]!, position);
      if (from >= limit) return NEVER;
      if (from < ranges[i + 1]! && from < ranges[j + 1]!) return from;
      if (ranges[i + 1]! <= ranges[j + 1]!) i += 2;
      else j += 2;
    }
    return NEVER;
  }

  /** First position from `fixed[cursor]` to `fixed[fixedEnd]` at which the piece is live and the physical register taken, or NEVER. */
  intersectionWithFixed(piece: number, cursor: number, fixedEnd: number): number {
    const start = this.start(piece);
    const end = this.end(piece);
    const rangeEnd = this.rangeEnd(piece);
    const { ranges, fixed } = this.live;
    let i = this.data[(piece << SHIFT) + RANGE]!;
    let j = cursor;
    while (i < rangeEnd && j < fixedEnd) {
      const from = Math.max(ranges[i]!, fixed[j]!, start);
      if (from >= end) return NEVER;
      if (from < ranges[i + 1]! && from < fixed[j + 1]!) return from;
      if (ranges[i + 1]! <= fixed[j + 1]!) i += 2;
      else j += 2;
    }
    return NEVER;
  }

  /** First position of a call, from the one of that number on, at which the piece is live, or NEVER. */
  firstCallIn(piece: number, call: number): number {
    const start = this.start(piece);
    const end = this.end(piece);
    const rangeEnd = this.rangeEnd(piece);
    const { ranges, calls } = this.live;
    let i = this.data[(piece << SHIFT) + RANGE]!;
    let j = call;
    while (i < rangeEnd && j < calls.length) {
      const position = calls.items[j]!;
      if (position >= end) return NEVER;
      if (ranges[i + 1]! <= position) i += 2;
      else if (position < ranges[i]! || position < start) j++;
      else return position;
    }
    return NEVER;
  }

  /** Ends the piece at `position` and returns the rest; both give up the hole that `position` may lie in. */
  split(piece: number, position: number): number {
    const { ranges } = this.live;
    const at = piece << SHIFT;
    const range = this.rangeAfter(piece, position);
    const start = Math.max(position, ranges[range]!);
    const rest = this.push(
      this.virtual(piece),
      start,
      this.end(piece),
      range,
      this.useFrom(piece, start),
      this.next(piece),
    );
    this.data[at + END] = ranges[range]! < position ? position : ranges[range - 1]!;
    this.data[at + NEXT] = rest;
    return rest;
  }

  private rangeEnd(piece: number): number {
    return this.live.rangeOffsets[this.virtual(piece) - FIRST_VIRTUAL + 1]!;
  }

  private useEnd(piece: number): number {
    return this.live.useOffsets[this.virtual(piece) - FIRST_VIRTUAL + 1]!;
  }

  /** Index of the virtual register's first range that ends after `position`; the end of its ranges if there is none. */
  private rangeAfter(piece: number, position: number): number {
    const { ranges, rangeOffsets } = this.live;
    const v = this.virtual(piece) - FIRST_VIRTUAL;
    const first = rangeOffsets[v]!;
    let low = 0;
    let high = (rangeOffsets[v + 1]! - first) >> 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ranges[first + middle * 2 + 1]! <= position) low = middle + 1;
      else high = middle;
    }
    return first + low * 2;
  }

  /** Index of the virtual register's first use at or after `position`; the end of its uses if there is none. */
  private useFrom(piece: number, position: number): number {
    const { uses, useOffsets } = this.live;
    const v = this.virtual(piece) - FIRST_VIRTUAL;
    let low = useOffsets[v]!;
    let high = useOffsets[v + 1]!;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (uses[middle]! >> 1 < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
