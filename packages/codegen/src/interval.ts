// A piece of a virtual register's life with one place to live: a window onto the register's live ranges and uses. Pieces
// are what the allocator hands registers to, and splits.
import type { LiveRanges } from './live-ranges.js';
import { FIRST_VIRTUAL, NO_REG } from './x64/registers.js';

export const NEVER = 0x7fffffff;

export class Interval {
  /** The physical register, or NO_REG for the register's stack slot. */
  register = NO_REG;
  private rangeCursor: number;
  private useCursor: number;
  private readonly rangeEnd: number;
  private readonly useEnd: number;

  constructor(
    readonly virtual: number,
    private readonly live: LiveRanges,
    readonly start: number,
    public end: number,
  ) {
    const v = virtual - FIRST_VIRTUAL;
    this.rangeEnd = live.rangeOffsets[v + 1]!;
    this.useEnd = live.useOffsets[v + 1]!;
    this.rangeCursor = this.rangeAfter(start);
    this.useCursor = this.useFrom(start);
  }

  /** True if the value is live at `position`, which must not go backwards from call to call. */
  covers(position: number): boolean {
    const { ranges } = this.live;
    let cursor = this.rangeCursor;
    while (cursor < this.rangeEnd && ranges[cursor + 1]! <= position) cursor += 2;
    this.rangeCursor = cursor;
    return cursor < this.rangeEnd && ranges[cursor]! <= position;
  }

  /** First use at or after `position` (not going backwards), or NEVER. */
  nextUse(position: number): number {
    const { uses } = this.live;
    let cursor = this.useCursor;
    while (cursor < this.useEnd && uses[cursor]! >> 1 < position) cursor++;
    this.useCursor = cursor;
    const use = cursor < this.useEnd ? uses[cursor]! >> 1 : NEVER;
    return use < this.end ? use : NEVER;
  }

  /** First use at or after `position` that needs a register, or NEVER. */
  nextRegisterUse(position: number): number {
    const { uses } = this.live;
    for (let i = this.useFrom(position); i < this.useEnd && uses[i]! >> 1 < this.end; i++) {
      if (uses[i]! & 1) return uses[i]! >> 1;
    }
    return NEVER;
  }

  /** Last use before `position`, or -1. */
  previousUse(position: number): number {
    const i = this.useFrom(position) - 1;
    return i < this.live.useOffsets[this.virtual - FIRST_VIRTUAL]! ? -1 : this.live.uses[i]! >> 1;
  }

  /** First position at or after `position` at which both are live, or NEVER. */
  intersection(other: Interval, position: number): number {
    const limit = Math.min(this.end, other.end);
    const { ranges } = this.live;
    let i = this.rangeAfter(position);
    let j = other.rangeAfter(position);
    while (i < this.rangeEnd && j < other.rangeEnd) {
      const from = Math.max(ranges[i]!, ranges[j]!, position);
      if (from >= limit) return NEVER;
      if (from < ranges[i + 1]! && from < ranges[j + 1]!) return from;
      if (ranges[i + 1]! <= ranges[j + 1]!) i += 2;
      else j += 2;
    }
    return NEVER;
  }

  /** First position from `fixed[cursor]` on at which this is live and the physical register is taken, or NEVER. */
  intersectionWithFixed(fixed: readonly number[], cursor: number): number {
    const { start, end, rangeEnd } = this;
    const { ranges } = this.live;
    let i = this.rangeCursor;
    let j = cursor;
    while (i < rangeEnd && j < fixed.length) {
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
    const { start, end, rangeEnd } = this;
    const { ranges } = this.live;
    let i = this.rangeCursor;
    let j = cursor;
    while (i < rangeEnd && j < positions.length) {
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
    const { ranges } = this.live;
    const next = this.rangeAfter(position);
    const rest = new Interval(this.virtual, this.live, Math.max(position, ranges[next]!), this.end);
    const isInside = ranges[next]! < position;
    this.end = isInside ? position : ranges[next - 1]!;
    return rest;
  }

  /** Index of the first range that ends after `position`; `rangeEnd` if there is none. */
  private rangeAfter(position: number): number {
    const { ranges, rangeOffsets } = this.live;
    const first = rangeOffsets[this.virtual - FIRST_VIRTUAL]!;
    let low = 0;
    let high = (this.rangeEnd - first) >> 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ranges[first + middle * 2 + 1]! <= position) low = middle + 1;
      else high = middle;
    }
    return first + low * 2;
  }

  /** Index of the first use at or after `position`; `useEnd` if there is none. */
  private useFrom(position: number): number {
    const { uses, useOffsets } = this.live;
    let low = useOffsets[this.virtual - FIRST_VIRTUAL]!;
    let high = this.useEnd;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (uses[middle]! >> 1 < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
