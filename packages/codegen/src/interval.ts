// A piece of a virtual register's life with one place to live: a window onto the register's live ranges and uses. Pieces
// are what the allocator hands registers to, and splits.
import { NO_REG } from './x64/registers.js';

export const NEVER = 0x7fffffff;

export class Interval {
  /** The physical register, or NO_REG for the register's stack slot. */
  register = NO_REG;
  private rangeCursor: number;
  private useCursor: number;

  constructor(
    readonly virtual: number,
    private readonly ranges: readonly number[],
    private readonly uses: readonly number[],
    readonly start: number,
    public end: number,
  ) {
    this.rangeCursor = firstRangeAfter(ranges, start);
    this.useCursor = firstUseFrom(uses, start);
  }

  /** True if the value is live at `position`, which must not go backwards from call to call. */
  covers(position: number): boolean {
    const { ranges } = this;
    let cursor = this.rangeCursor;
    while (cursor < ranges.length && ranges[cursor + 1]! <= position) cursor += 2;
    this.rangeCursor = cursor;
    return cursor < ranges.length && ranges[cursor]! <= position;
  }

  /** First use at or after `position` (not going backwards), or NEVER. */
  nextUse(position: number): number {
    const { uses } = this;
    let cursor = this.useCursor;
    while (cursor < uses.length && uses[cursor]! >> 1 < position) cursor++;
    this.useCursor = cursor;
    const use = cursor < uses.length ? uses[cursor]! >> 1 : NEVER;
    return use < this.end ? use : NEVER;
  }

  /** First use at or after `position` that needs a register, or NEVER. */
  nextRegisterUse(position: number): number {
    const { uses } = this;
    for (let i = firstUseFrom(uses, position); i < uses.length && uses[i]! >> 1 < this.end; i++) {
      if (uses[i]! & 1) return uses[i]! >> 1;
    }
    return NEVER;
  }

  /** Last use before `position`, or -1. */
  previousUse(position: number): number {
    const i = firstUseFrom(this.uses, position) - 1;
    return i < 0 ? -1 : this.uses[i]! >> 1;
  }

  /** First position at or after `position` at which both are live, or NEVER. */
  intersection(other: Interval, position: number): number {
    const limit = Math.min(this.end, other.end);
    const a = this.ranges;
    const b = other.ranges;
    let i = firstRangeAfter(a, position);
    let j = firstRangeAfter(b, position);
    while (i < a.length && j < b.length) {
      const from = Math.max(a[i]!, b[j]!, position);
      if (from >= limit) return NEVER;
      if (from < a[i + 1]! && from < b[j + 1]!) return from;
      if (a[i + 1]! <= b[j + 1]!) i += 2;
      else j += 2;
    }
    return NEVER;
  }

  /** First position from `fixed[cursor]` on at which this is live and the physical register is taken, or NEVER. */
  intersectionWithFixed(fixed: readonly number[], cursor: number): number {
    const { ranges, start, end } = this;
    let i = this.rangeCursor;
    let j = cursor;
    while (i < ranges.length && j < fixed.length) {
      const from = Math.max(ranges[i]!, fixed[j]!, start);
      if (from >= end) return NEVER;
      if (from < ranges[i + 1]! && from < fixed[j + 1]!) return from;
      if (ranges[i + 1]! <= fixed[j + 1]!) i += 2;
      else j += 2;
    }
    return NEVER;
  }

  /** First of the ascending `positions` from `cursor` on at which this is live, or NEVER. */
  firstCovered(positions: readonly number[], cursor: number): number {
    const { ranges, start, end } = this;
    let i = this.rangeCursor;
    let j = cursor;
    while (i < ranges.length && j < positions.length) {
      const position = positions[j]!;
      if (position >= end) return NEVER;
      if (ranges[i + 1]! <= position) i += 2;
      else if (position < ranges[i]! || position < start) j++;
      else return position;
    }
    return NEVER;
  }

  /** Ends this piece at `position` and returns the rest; both give up the hole that `position` may lie in. */
  split(position: number): Interval {
    const { ranges } = this;
    const next = firstRangeAfter(ranges, position);
    const rest = new Interval(this.virtual, ranges, this.uses, Math.max(position, ranges[next]!), this.end);
    this.end = next > 0 ? Math.min(position, Math.max(ranges[next - 1]!, this.start)) : position;
    if (ranges[next]! < position) this.end = position;
    return rest;
  }
}

/** Index of the first range that ends after `position`; its length if there is none. */
function firstRangeAfter(ranges: readonly number[], position: number): number {
  let low = 0;
  let high = ranges.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle * 2 + 1]! <= position) low = middle + 1;
    else high = middle;
  }
  return low * 2;
}

/** Index of the first use at or after `position`. */
function firstUseFrom(uses: readonly number[], position: number): number {
  let low = 0;
  let high = uses.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (uses[middle]! >> 1 < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
