// Linear-scan register allocation with live-range splitting (after Wimmer and Mössenböck 2005, and Wimmer and Franz 2010).
// A virtual register that is ever spilled has one stack slot, written whenever the register is defined: from then on
// leaving a physical register costs nothing, and only coming back to one is a load.
import { Allocation } from './allocation.js';
import { Intervals, NEVER } from './interval.js';
import type { LiveRanges } from './live-ranges.js';
import { MinHeap } from './min-heap.js';
import { assignSlots } from './slots.js';
import {
  ALLOCATABLE,
  CALLEE_SAVED,
  classOf,
  FIRST_VIRTUAL,
  isCalleeSaved,
  NO_REG,
  type RegClass,
} from './x64/registers.js';

/** `registers`: what may be allocated, by class; fewer than usual makes a test of spilling out of any program. */
export function allocateRegisters(live: LiveRanges, registers = ALLOCATABLE): Allocation {
  return new LinearScan(live, registers).run();
}

class LinearScan {
  private readonly intervals: Intervals;
  /** By virtual register: the physical one that it got last. */
  private readonly lastRegister: Int32Array;
  /** By class: pieces that have a register where the scan is and are live there. */
  private readonly active: number[][] = [[], []];
  /** By class: those in a hole, latest wake first: what wakes after the end of a piece cannot be in its way, and there may be thousands. */
  private readonly inactive: number[][] = [[], []];
  /** Pieces that were split off and are still to come. */
  private readonly pending = new MinHeap<number>((a, b) => {
    const { intervals } = this;
    return intervals.start(a) - intervals.start(b) || intervals.virtual(a) - intervals.virtual(b);
  });
  /** By physical register: its first fixed range that may still matter. */
  private readonly fixedCursor: Int32Array;
  private callCursor = 0;
  /** By physical register, for the piece at hand: until when it is free, or when its present owner uses it next. */
  private readonly until: Int32Array;
  /** By physical register: from when an instruction needs it. */
  private readonly blocked: Int32Array;
  /** Callee-saved registers that were given out, a bit for each. */
  private saved = 0;

  constructor(
    private readonly live: LiveRanges,
    private readonly allocatable: readonly (readonly number[])[],
  ) {
    const { scratch, classes } = live.machine;
    this.intervals = new Intervals(live);
    this.lastRegister = scratch.filled(classes.length, NO_REG);
    this.until = scratch.filled(FIRST_VIRTUAL, 0);
    this.blocked = scratch.filled(FIRST_VIRTUAL, 0);
    this.fixedCursor = scratch.take(FIRST_VIRTUAL);
    for (let register = 0; register < FIRST_VIRTUAL; register++)
      this.fixedCursor[register] = live.fixedOffsets[register]!;
  }

  run(): Allocation {
    const { intervals, pending } = this;
    const { scratch, classes } = this.live.machine;
    /** By virtual register: its first piece, or -1. */
    const first = scratch.filled(classes.length, -1);
    const order = this.inOrderOfStart(first);
    const count = intervals.count;
    let next = 0;
    while (next < count || pending.size > 0) {
      const split = pending.peek();
      if (split === undefined || (next < count && intervals.start(order[next]!) <= intervals.start(split))) {
        this.process(order[next++]!);
      } else this.process(pending.pop()!);
    }
    return this.outcome(first);
  }

  /** Makes all first pieces; by ascending start, then by virtual register. */
  private inOrderOfStart(first: Int32Array): Int32Array {
    const { intervals, live } = this;
    const { scratch, classes, instructionCount } = live.machine;
    for (let v = 0; v < classes.length; v++) {
      if (live.rangeOffsets[v]! < live.rangeOffsets[v + 1]!) first[v] = intervals.add(v + FIRST_VIRTUAL);
    }
    // Sorted by counting: linear, and it keeps the order of those that start together.
    const offsets = scratch.filled(instructionCount * 2 + 2, 0);
    for (let piece = 0; piece < intervals.count; piece++) offsets[intervals.start(piece) + 1]!++;
    for (let position = 1; position <= instructionCount * 2; position++) offsets[position]! += offsets[position - 1]!;
    const order = scratch.take(intervals.count);
    for (let piece = 0; piece < intervals.count; piece++) order[offsets[intervals.start(piece)]!++] = piece;
    return order;
  }

  private process(current: number): void {
    const cls = this.live.machine.classOf(this.intervals.virtual(current));
    this.advance(cls, this.intervals.start(current));
    if (!this.tryFree(current, cls)) this.takeOrSpill(current, cls);
  }

  /** Retires what ended before `position`, and swaps what entered or left a hole. */
  private advance(cls: RegClass, position: number): void {
    const { intervals } = this;
    const { calls } = this.live;
    const active = this.active[cls]!;
    const inactive = this.inactive[cls]!;
    let kept = 0;
    for (let i = 0; i < active.length; i++) {
      const piece = active[i]!;
      if (intervals.end(piece) <= position) continue;
      if (intervals.covers(piece, position)) active[kept++] = piece;
      else this.wait(inactive, piece);
    }
    while (active.length > kept) active.pop();
    while (inactive.length > 0 && intervals.wake(inactive[inactive.length - 1]!) <= position) {
      const piece = inactive.pop()!;
      if (intervals.end(piece) <= position) continue;
      if (intervals.covers(piece, position)) active.push(piece);
      else this.wait(inactive, piece);
    }
    while (this.callCursor < calls.length && calls.items[this.callCursor]! < position) this.callCursor++;
  }

  /** Adds a piece that is in a hole, at its place. */
  private wait(inactive: number[], piece: number): void {
    const { intervals } = this;
    const wake = intervals.wake(piece);
    let at = inactive.length;
    inactive.push(piece);
    for (; at > 0 && intervals.wake(inactive[at - 1]!) < wake; at--) inactive[at] = inactive[at - 1]!;
    inactive[at] = piece;
  }

  /** `until` of a register that no piece has at the start of `current`, as far as instructions and calls leave it alone. */
  private freeUntil(register: number, current: number, callPosition: number): number {
    const free = Math.min(this.until[register]!, this.blockedFrom(register, current, callPosition));
    this.until[register] = free;
    return free;
  }

  /** First position at which an instruction or a call takes `register` from `current`. */
  private blockedFrom(register: number, current: number, callPosition: number): number {
    const { fixed, fixedOffsets } = this.live;
    const end = fixedOffsets[register + 1]!;
    let cursor = this.fixedCursor[register]!;
    let position = NEVER;
    if (cursor < end) {
      const start = this.intervals.start(current);
      while (cursor < end && fixed[cursor + 1]! <= start) cursor += 2;
      this.fixedCursor[register] = cursor;
      if (cursor < end) position = this.intervals.intersectionWithFixed(current, cursor, end);
    }
    return isCalleeSaved(register) ? position : Math.min(position, callPosition);
  }

  private tryFree(current: number, cls: RegClass): boolean {
    const { intervals, until } = this;
    const start = intervals.start(current);
    const end = intervals.end(current);
    const registers = this.allocatable[cls]!;
    for (let i = 0; i < registers.length; i++) until[registers[i]!] = NEVER;
    const active = this.active[cls]!;
    for (let i = 0; i < active.length; i++) until[intervals.register(active[i]!)] = 0;
    const inactive = this.inactive[cls]!;
    for (let i = inactive.length - 1; i >= 0 && intervals.wake(inactive[i]!) < end; i--) {
      const register = intervals.register(inactive[i]!);
      if (until[register]! <= start) continue;
      until[register] = Math.min(until[register]!, intervals.intersection(inactive[i]!, current, start));
    }
    const callPosition = intervals.firstCallIn(current, this.callCursor);
    const hinted = this.hintedRegister(current, cls, callPosition);
    if (hinted !== NO_REG) return this.assign(current, hinted, cls);
    let best = NO_REG;
    for (let i = 0; i < registers.length; i++) {
      const register = registers[i]!;
      if (until[register]! <= start) continue;
      const free = this.freeUntil(register, current, callPosition);
      if (free >= end) return this.assign(current, register, cls);
      if (best === NO_REG || free > until[best]!) best = register;
    }
    if (best === NO_REG) return false;
    const limit = until[best]! & ~1;
    if (limit <= start || intervals.nextUse(current, start) >= limit) return false;
    this.pending.push(intervals.split(current, this.splitPosition(start, limit)));
    return this.assign(current, best, cls);
  }

  /** A register that a hint asks for and that is free for all of `current`. */
  private hintedRegister(current: number, cls: RegClass, callPosition: number): number {
    const { lastRegister } = this;
    const { heads, nodes } = this.live.hints;
    const v = this.intervals.virtual(current) - FIRST_VIRTUAL;
    if (this.fits(lastRegister[v]!, current, cls, callPosition)) return lastRegister[v]!;
    for (let node = heads[v]!; node >= 0; node = nodes[node + 1]!) {
      const hint = nodes[node]!;
      const register = hint < FIRST_VIRTUAL ? hint : lastRegister[hint - FIRST_VIRTUAL]!;
      if (this.fits(register, current, cls, callPosition)) return register;
    }
    return NO_REG;
  }

  private fits(register: number, current: number, cls: RegClass, callPosition: number): boolean {
    if (register === NO_REG || classOf(register) !== cls || !this.allocatable[cls]!.includes(register)) return false;
    const end = this.intervals.end(current);
    return this.until[register]! >= end && this.freeUntil(register, current, callPosition) >= end;
  }

  private assign(current: number, register: number, cls: RegClass): true {
    this.intervals.setRegister(current, register);
    this.lastRegister[this.intervals.virtual(current) - FIRST_VIRTUAL] = register;
    this.active[cls]!.push(current);
    if (isCalleeSaved(register)) this.saved |= 1 << register;
    return true;
  }

  /** No register is free: whoever is used last, of `current` and the owners of registers, goes to its stack slot. */
  private takeOrSpill(current: number, cls: RegClass): void {
    const { intervals, until, blocked } = this;
    const start = intervals.start(current);
    const end = intervals.end(current);
    const registers = this.allocatable[cls]!;
    const callPosition = intervals.firstCallIn(current, this.callCursor);
    for (const register of registers) {
      blocked[register] = this.blockedFrom(register, current, callPosition);
      until[register] = blocked[register]!;
      // Taken before this piece could be split off again: of no use.
      if (blocked[register]! < end && (blocked[register]! & ~1) <= start) until[register] = -1;
    }
    for (const piece of this.active[cls]!) {
      const register = intervals.register(piece);
      until[register] = Math.min(until[register]!, intervals.nextUse(piece, start));
    }
    const inactive = this.inactive[cls]!;
    for (let i = inactive.length - 1; i >= 0 && intervals.wake(inactive[i]!) < end; i--) {
      const piece = inactive[i]!;
      if (intervals.intersection(piece, current, start) === NEVER) continue;
      const register = intervals.register(piece);
      until[register] = Math.min(until[register]!, intervals.nextUse(piece, start));
    }
    let best = registers[0]!;
    for (const register of registers) if (until[register]! > until[best]!) best = register;

    const firstUse = intervals.nextUse(current, start);
    const firstRegisterUse = intervals.nextRegisterUse(current, start);
    if (firstRegisterUse > start && until[best]! <= firstUse) {
      this.spill(current, start);
      return;
    }
    if (until[best]! <= start)
      throw new Error('register allocation: one instruction needs more registers than there are');
    this.evict(best, cls, current);
    if (blocked[best]! < end) {
      this.pending.push(intervals.split(current, this.splitPosition(start, blocked[best]! & ~1)));
    }
    this.assign(current, best, cls);
  }

  /** `piece` lives in its slot until something after `now` needs it in a register. */
  private spill(piece: number, now: number): void {
    const { intervals } = this;
    intervals.setRegister(piece, NO_REG);
    const use = intervals.nextRegisterUse(piece, now);
    if (use === NEVER) return;
    this.pending.push(intervals.split(piece, this.splitPosition(Math.max(intervals.start(piece), now), use)));
  }

  /** Makes `register` free from the start of `current` on, as far as `current` needs it. */
  private evict(register: number, cls: RegClass, current: number): void {
    const { intervals } = this;
    const start = intervals.start(current);
    const end = intervals.end(current);
    const active = this.active[cls]!;
    for (let i = active.length - 1; i >= 0; i--) {
      const piece = active[i]!;
      if (intervals.register(piece) !== register) continue;
      active.splice(i, 1);
      if (intervals.start(piece) >= start) {
        this.spill(piece, start);
        continue;
      }
      // It may leave earlier, before a loop that does not use it.
      const earliest = Math.max(intervals.start(piece), intervals.previousUse(piece, start));
      this.spill(intervals.split(piece, this.splitPosition(earliest, start)), start);
    }
    const inactive = this.inactive[cls]!;
    for (let i = inactive.length - 1; i >= 0 && intervals.wake(inactive[i]!) < end; i--) {
      const piece = inactive[i]!;
      if (intervals.register(piece) !== register || intervals.intersection(piece, current, start) === NEVER) continue;
      inactive.splice(i, 1);
      this.pending.push(intervals.split(piece, start));
    }
  }

  /** `latest`, or the start of the outermost loop around it that begins after `earliest`: outside of a loop it costs less. */
  private splitPosition(earliest: number, latest: number): number {
    const { loopHeader, outerHeader } = this.live.machine.blocks;
    let position = latest;
    let header = loopHeader[this.blockAt(latest)]!;
    while (header >= 0) {
      const from = this.live.blockFrom(header);
      if (from > earliest && from < position) position = from;
      header = outerHeader[header]!;
    }
    return position;
  }

  private blockAt(position: number): number {
    const { firstInstruction, count } = this.live.machine.blocks;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (firstInstruction[middle]! * 2 <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private outcome(first: Int32Array): Allocation {
    const { intervals } = this;
    const { scratch, classes } = this.live.machine;
    const starts = scratch.take(intervals.count);
    const ends = scratch.take(intervals.count);
    const registers = scratch.take(intervals.count);
    const offsets = scratch.take(classes.length + 1);
    let count = 0;
    for (let v = 0; v < classes.length; v++) {
      offsets[v] = count;
      for (let piece = first[v]!; piece >= 0; piece = intervals.next(piece)) {
        starts[count] = intervals.start(piece);
        ends[count] = intervals.end(piece);
        registers[count++] = intervals.register(piece);
      }
    }
    offsets[classes.length] = count;
    const { slots, slotCount } = assignSlots(this.live, intervals, first);
    const saved = CALLEE_SAVED.filter((register) => (this.saved >> register) & 1);
    return new Allocation(starts, ends, registers, offsets, slots, slotCount, saved);
  }
}
