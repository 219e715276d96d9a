// Linear-scan register allocation with live-range splitting (after Wimmer and Mössenböck 2005, and Wimmer and Franz 2010).
// A virtual register that is ever spilled has one stack slot, written whenever the register is defined: from then on
// leaving a physical register costs nothing, and only coming back to one is a load.
import { Interval, NEVER } from './interval.js';
import type { LiveRanges } from './live-ranges.js';
import { MinHeap } from './min-heap.js';
import { ALLOCATABLE, classOf, FIRST_VIRTUAL, isCalleeSaved, NO_REG, type RegClass } from './x64/registers.js';

/** A place for a value: a physical register's number, or FIRST_VIRTUAL + the number of a stack slot of 8 bytes. */
export type Location = number;

export class Allocation {
  constructor(
    /** By virtual register: its pieces in order. */
    private readonly pieces: readonly Interval[][],
    /** By virtual register: its stack slot, or -1. */
    readonly slots: number[],
    readonly slotCount: number,
    /** Callee-saved registers that the function changes. */
    readonly savedRegisters: readonly number[],
  ) {}

  /** Where the virtual register, which must be live there, is at `position`. */
  locationAt(virtual: number, position: number): Location {
    const piece = this.pieceAt(virtual, position);
    return piece.register !== NO_REG ? piece.register : FIRST_VIRTUAL + this.slots[virtual - FIRST_VIRTUAL]!;
  }

  pieceAt(virtual: number, position: number): Interval {
    const pieces = this.pieces[virtual - FIRST_VIRTUAL]!;
    let low = 0;
    let high = pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (pieces[middle]!.start <= position) low = middle;
      else high = middle - 1;
    }
    return pieces[low]!;
  }

  piecesOf(virtual: number): readonly Interval[] {
    return this.pieces[virtual - FIRST_VIRTUAL]!;
  }
}

/** `registers`: what may be allocated, by class; fewer than usual makes a test of spilling out of any program. */
export function allocateRegisters(live: LiveRanges, registers = ALLOCATABLE): Allocation {
  return new LinearScan(live, registers).run();
}

const NO_PIECES: readonly Interval[] = Object.freeze([]);

class LinearScan {
  private readonly pieces: Interval[][];
  /** By virtual register: the physical one that it got last. */
  private readonly lastRegister: number[];
  private readonly active: Interval[][] = [[], []];
  private readonly inactive: Interval[][] = [[], []];
  private readonly pending = new MinHeap<Interval>((a, b) => a.start - b.start || a.virtual - b.virtual);
  /** By physical register: index of its first fixed range that may still matter. */
  private readonly fixedCursor = new Array<number>(FIRST_VIRTUAL).fill(0);
  private callCursor = 0;
  /** By physical register, for the interval at hand: until when it is free, or when its present owner uses it next. */
  private readonly until = new Array<number>(FIRST_VIRTUAL).fill(0);
  /** By physical register: from when an instruction needs it. */
  private readonly blocked = new Array<number>(FIRST_VIRTUAL).fill(0);
  private readonly saved = new Set<number>();

  constructor(
    private readonly live: LiveRanges,
    private readonly allocatable: readonly (readonly number[])[],
  ) {
    const count = live.machine.classes.length;
    this.pieces = new Array<readonly Interval[]>(count).fill(NO_PIECES) as Interval[][];
    this.lastRegister = new Array<number>(count).fill(NO_REG);
  }

  run(): Allocation {
    const { ranges, rangeOffsets } = this.live;
    const intervals: Interval[] = [];
    for (let v = 0; v < this.pieces.length; v++) {
      const first = rangeOffsets[v]!;
      const end = rangeOffsets[v + 1]!;
      if (first === end) continue;
      const interval = new Interval(v + FIRST_VIRTUAL, this.live, ranges[first]!, ranges[end - 1]!);
      intervals.push(interval);
      this.pieces[v] = [interval];
    }
    intervals.sort((a, b) => a.start - b.start || a.virtual - b.virtual);
    let next = 0;
    while (next < intervals.length || this.pending.size > 0) {
      const split = this.pending.peek();
      const fresh = intervals[next];
      if (split === undefined || (fresh !== undefined && fresh.start <= split.start)) {
        next++;
        this.process(fresh!);
      } else this.process(this.pending.pop()!);
    }
    for (const list of this.pieces) if (list.length > 1) list.sort((a, b) => a.start - b.start);
    const { slots, slotCount } = this.assignSlots();
    return new Allocation(this.pieces, slots, slotCount, [...this.saved]);
  }

  private process(current: Interval): void {
    const cls = this.live.machine.classOf(current.virtual);
    this.advance(cls, current.start);
    if (!this.tryFree(current, cls)) this.takeOrSpill(current, cls);
  }

  /** Retires what ended before `position`, and swaps what entered or left a hole. */
  private advance(cls: RegClass, position: number): void {
    const active = this.active[cls]!;
    const inactive = this.inactive[cls]!;
    let kept = 0;
    const waiting = inactive.length;
    for (const interval of active) {
      if (interval.end <= position) continue;
      if (interval.covers(position)) active[kept++] = interval;
      else inactive.push(interval);
    }
    active.length = kept;
    kept = 0;
    for (let i = 0; i < inactive.length; i++) {
      const interval = inactive[i]!;
      if (interval.end <= position) continue;
      if (i < waiting && interval.covers(position)) active.push(interval);
      else inactive[kept++] = interval;
    }
    inactive.length = kept;
    while (this.callCursor < this.live.calls.length && this.live.calls[this.callCursor]! < position) this.callCursor++;
  }

  /** First position at which an instruction or a call takes `register` from `current`. */
  private blockedFrom(register: number, current: Interval, callPosition: number): number {
    const fixed = this.live.fixed[register]!;
    let cursor = this.fixedCursor[register]!;
    while (cursor < fixed.length && fixed[cursor + 1]! <= current.start) cursor += 2;
    this.fixedCursor[register] = cursor;
    const position = cursor < fixed.length ? current.intersectionWithFixed(fixed, cursor) : NEVER;
    return isCalleeSaved(register) ? position : Math.min(position, callPosition);
  }

  private tryFree(current: Interval, cls: RegClass): boolean {
    const { until } = this;
    const { start, end } = current;
    const registers = this.allocatable[cls]!;
    for (const register of registers) until[register] = NEVER;
    for (const interval of this.active[cls]!) until[interval.register] = 0;
    for (const interval of this.inactive[cls]!) {
      const { register } = interval;
      if (until[register]! > start) until[register] = Math.min(until[register]!, interval.intersection(current, start));
    }
    const callPosition = current.firstCovered(this.live.calls, this.callCursor);
    let best = NO_REG;
    let whole = NO_REG;
    for (const register of registers) {
      if (until[register]! <= start) continue;
      until[register] = Math.min(until[register]!, this.blockedFrom(register, current, callPosition));
      if (whole === NO_REG && until[register]! >= end) whole = register;
      if (best === NO_REG || until[register]! > until[best]!) best = register;
    }
    const hinted = this.hintedRegister(current, cls);
    if (hinted !== NO_REG) return this.assign(current, hinted, cls);
    if (whole !== NO_REG) return this.assign(current, whole, cls);
    if (best === NO_REG) return false;
    const limit = until[best]! & ~1;
    if (limit <= start || current.nextUse(start) >= limit) return false;
    this.pending.push(this.split(current, this.splitPosition(start, limit)));
    return this.assign(current, best, cls);
  }

  /** A register that a hint asks for and that is free for all of `current`. */
  private hintedRegister(current: Interval, cls: RegClass): number {
    const fits = (register: number): boolean =>
      register !== NO_REG &&
      classOf(register) === cls &&
      this.allocatable[cls]!.includes(register) &&
      this.until[register]! >= current.end;
    const own = this.lastRegister[current.virtual - FIRST_VIRTUAL]!;
    if (fits(own)) return own;
    const { heads, values, nexts } = this.live.hints;
    for (let node = heads[current.virtual - FIRST_VIRTUAL]!; node >= 0; node = nexts[node]!) {
      const hint = values[node]!;
      const register = hint < FIRST_VIRTUAL ? hint : this.lastRegister[hint - FIRST_VIRTUAL]!;
      if (fits(register)) return register;
    }
    return NO_REG;
  }

  private assign(current: Interval, register: number, cls: RegClass): true {
    current.register = register;
    this.lastRegister[current.virtual - FIRST_VIRTUAL] = register;
    this.active[cls]!.push(current);
    if (isCalleeSaved(register)) this.saved.add(register);
    return true;
  }

  /** No register is free: whoever is used last, of `current` and the owners of registers, goes to its stack slot. */
  private takeOrSpill(current: Interval, cls: RegClass): void {
    const { until, blocked } = this;
    const { start, end } = current;
    const registers = this.allocatable[cls]!;
    const callPosition = current.firstCovered(this.live.calls, this.callCursor);
    for (const register of registers) {
      blocked[register] = this.blockedFrom(register, current, callPosition);
      until[register] = blocked[register]!;
      // Taken before this piece could be split off again: of no use.
      if (blocked[register]! < end && (blocked[register]! & ~1) <= start) until[register] = -1;
    }
    for (const interval of this.active[cls]!) {
      until[interval.register] = Math.min(until[interval.register]!, interval.nextUse(start));
    }
    for (const interval of this.inactive[cls]!) {
      if (interval.intersection(current, start) === NEVER) continue;
      until[interval.register] = Math.min(until[interval.register]!, interval.nextUse(start));
    }
    let best = registers[0]!;
    for (const register of registers) if (until[register]! > until[best]!) best = register;

    const firstUse = current.nextUse(start);
    const firstRegisterUse = current.nextRegisterUse(start);
    if (firstRegisterUse > start && until[best]! <= firstUse) {
      this.spill(current, start);
      return;
    }
    if (until[best]! <= start)
      throw new Error('register allocation: one instruction needs more registers than there are');
    this.evict(best, cls, current);
    if (blocked[best]! < end) {
      this.pending.push(this.split(current, this.splitPosition(start, blocked[best]! & ~1)));
    }
    this.assign(current, best, cls);
  }

  /** `interval` lives in its slot until something after `now` needs it in a register. */
  private spill(interval: Interval, now: number): void {
    interval.register = NO_REG;
    const use = interval.nextRegisterUse(now);
    if (use !== NEVER) this.pending.push(this.split(interval, this.splitPosition(Math.max(interval.start, now), use)));
  }

  /** Makes `register` free from the start of `current` on, as far as `current` needs it. */
  private evict(register: number, cls: RegClass, current: Interval): void {
    const { start } = current;
    const active = this.active[cls]!;
    for (let i = active.length - 1; i >= 0; i--) {
      const interval = active[i]!;
      if (interval.register !== register) continue;
      active.splice(i, 1);
      if (interval.start >= start) {
        this.spill(interval, start);
        continue;
      }
      // It may leave earlier, before a loop that does not use it.
      const earliest = Math.max(interval.start, interval.previousUse(start));
      this.spill(this.split(interval, this.splitPosition(earliest, start)), start);
    }
    const inactive = this.inactive[cls]!;
    for (let i = inactive.length - 1; i >= 0; i--) {
      const interval = inactive[i]!;
      if (interval.register !== register || interval.intersection(current, start) === NEVER) continue;
      inactive.splice(i, 1);
      this.pending.push(this.split(interval, start));
    }
  }

  private split(interval: Interval, position: number): Interval {
    const rest = interval.split(position);
    this.pieces[interval.virtual - FIRST_VIRTUAL]!.push(rest);
    return rest;
  }

  /** `latest`, or the start of the outermost loop around it that begins after `earliest`: outside of a loop it costs less. */
  private splitPosition(earliest: number, latest: number): number {
    const { machine } = this.live;
    let position = latest;
    let header = machine.blocks[this.blockAt(latest)]!.loopHeader;
    while (header >= 0) {
      const from = this.live.blockFrom(header);
      if (from > earliest && from < position) position = from;
      header = machine.blocks[header]!.outerHeader;
    }
    return position;
  }

  private blockAt(position: number): number {
    const { firstInstruction } = this.live;
    let low = 0;
    let high = firstInstruction.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (firstInstruction[middle]! * 2 <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Slots are shared by virtual registers whose lives, holes included, do not overlap. */
  private assignSlots(): { slots: number[]; slotCount: number } {
    const { ranges, rangeOffsets } = this.live;
    const count = this.pieces.length;
    const slots = new Array<number>(count).fill(-1);
    const start = (v: number): number => ranges[rangeOffsets[v]!]!;
    const end = (v: number): number => ranges[rangeOffsets[v + 1]! - 1]!;
    const spilled: number[] = [];
    for (let v = 0; v < count; v++) {
      if (this.pieces[v]!.some((piece) => piece.register === NO_REG)) spilled.push(v);
    }
    spilled.sort((a, b) => start(a) - start(b) || a - b);
    const busy = new MinHeap<{ end: number; slot: number }>((a, b) => a.end - b.end || a.slot - b.slot);
    let slotCount = 0;
    for (const v of spilled) {
      const first = busy.peek();
      const slot = first !== undefined && first.end <= start(v) ? busy.pop()!.slot : slotCount++;
      slots[v] = slot;
      busy.push({ end: end(v), slot });
    }
    return { slots, slotCount };
  }
}
