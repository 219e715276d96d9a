// Stack slots for what register allocation spilled.
import type { Intervals } from './interval.js';
import type { LiveRanges } from './live-ranges.js';
import { MinHeap } from './min-heap.js';
import { NO_REG } from './x64/registers.js';

export interface Slots {
  /** By virtual register, less FIRST_VIRTUAL: its slot, or -1. */
  readonly slots: Int32Array;
  readonly slotCount: number;
}

/** Slots are shared by virtual registers whose lives, holes included, do not overlap. `first`: each one's first piece, or -1. */
export function assignSlots(
  { ranges, rangeOffsets, machine }: LiveRanges,
  intervals: Intervals,
  first: Int32Array,
): Slots {
  const count = machine.classes.length;
  const slots = machine.scratch.filled(count, -1);
  const start = (v: number): number => ranges[rangeOffsets[v]!]!;
  const end = (v: number): number => ranges[rangeOffsets[v + 1]! - 1]!;
  const spilled: number[] = [];
  for (let v = 0; v < count; v++) {
    let piece = first[v]!;
    while (piece >= 0 && intervals.register(piece) !== NO_REG) piece = intervals.next(piece);
    if (piece >= 0) spilled.push(v);
  }
  if (spilled.length === 0) return { slots, slotCount: 0 };
  spilled.sort((a, b) => start(a) - start(b) || a - b);
  const busy = new MinHeap<number>((a, b) => end(a) - end(b) || slots[a]! - slots[b]!);
  let slotCount = 0;
  for (const v of spilled) {
    const earliest = busy.peek();
    slots[v] = earliest !== undefined && end(earliest) <= start(v) ? slots[busy.pop()!]! : slotCount++;
    busy.push(v);
  }
  return { slots, slotCount };
}
