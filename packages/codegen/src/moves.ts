// Parallel moves: several values change places at once, as on a control-flow edge or before a call. They are put into an
// order in which nothing is overwritten before it is read; what is left then are cycles, which go through a scratch register.
import type { Location } from './allocation.js';
import type { MachineConstant } from './machine-ir.js';
import type { MoveLists } from './move-lists.js';
import { IntList, type Scratch } from './scratch.js';
import type { Assembler } from './x64/assembler.js';
import { FIRST_VIRTUAL, NO_REG, RSP, SCRATCH, VECTOR, VECTOR_SCRATCH, XMM0 } from './x64/registers.js';
import { x64 } from './x64/table.js';

/** Locations from here on are the words at the bottom of the frame, where arguments of calls go: no frame has room for as many slots. */
export const OUTGOING = 0x20000000;

/** Emits moves for one function, whose frame it knows. */
export class Mover {
  /** The moves at hand: destinations, and locations, or `~i` for constant number i, that they come from. */
  private readonly to: IntList;
  private readonly from: IntList;
  /** Destinations that nobody has to read any more. */
  private readonly ready: IntList;
  /** By location (see `indexOf`), between moves all as here: where it gets its value from, or -1, and how many get theirs from it. */
  private readonly sources: Int32Array;
  private readonly readers: Int32Array;
  private left = 0;

  constructor(
    private readonly assembler: Assembler,
    private readonly constants: readonly MachineConstant[],
    /** Of the first stack slot, from rsp: after the words for arguments of calls. */
    private readonly slotOffset: number,
    private readonly slotCount: number,
    scratch: Scratch,
  ) {
    const locations = FIRST_VIRTUAL + slotCount + slotOffset / 8;
    this.to = new IntList(scratch);
    this.from = new IntList(scratch);
    this.ready = new IntList(scratch);
    this.sources = scratch.filled(locations, -1);
    this.readers = scratch.filled(locations, 0);
  }

  private indexOf(location: Location): number {
    return location < OUTGOING ? location : FIRST_VIRTUAL + this.slotCount + (location - OUTGOING);
  }

  /** Displacement from rsp of a location in memory. */
  displacement(location: Location): number {
    return location >= OUTGOING ? (location - OUTGOING) * 8 : this.slotOffset + (location - FIRST_VIRTUAL) * 8;
  }

  /** Emits a list of moves that happen at once. Changes the flags only if a source is a constant. */
  list(moves: MoveLists, list: number): void {
    const head = moves.heads[list]!;
    if (head < 0) return;
    if (moves.next(head) < 0) {
      this.move(moves.to(head), moves.from(head));
      return;
    }
    for (let move = head; move >= 0; move = moves.next(move)) this.add(moves.to(move), moves.from(move));
    this.parallel();
  }

  /** One of the moves that `parallel` emits. */
  add(to: Location, from: number): void {
    this.to.push(to);
    this.from.push(from);
  }

  /** Emits the moves that were added; they happen at once. Changes the flags only if a source is a constant. */
  parallel(): void {
    const { to, from, ready, sources, readers } = this;
    const count = to.length;
    for (let i = 0; i < count; i++) {
      const source = from.items[i]!;
      if (source < 0 || source === to.items[i]) continue;
      sources[this.indexOf(to.items[i]!)] = source;
      readers[this.indexOf(source)]!++;
      this.left++;
    }
    for (let i = 0; i < count; i++) {
      const index = this.indexOf(to.items[i]!);
      if (sources[index]! >= 0 && readers[index] === 0) ready.push(to.items[i]!);
    }
    while (ready.length > 0) {
      const source = this.settle(ready.items[--ready.length]!);
      const index = this.indexOf(source);
      if (--readers[index]! === 0 && sources[index]! >= 0) ready.push(source);
    }
    for (let i = 0; this.left > 0; i++) if (sources[this.indexOf(to.items[i]!)]! >= 0) this.cycle(to.items[i]!);
    for (let i = 0; i < count; i++) if (from.items[i]! < 0) this.move(to.items[i]!, from.items[i]!);
    to.length = 0;
    from.length = 0;
  }

  /** Emits the move to `to`; returns where from. */
  private settle(to: Location): Location {
    const source = this.sourceOf(to);
    this.sources[this.indexOf(to)] = -1;
    this.left--;
    this.move(to, source);
    return source;
  }

  private sourceOf(to: Location): Location {
    return this.sources[this.indexOf(to)]!;
  }

  /** Breaks the cycle that `first` is in. */
  private cycle(first: Location): void {
    let inMemory = false;
    let to = first;
    do {
      inMemory ||= to >= FIRST_VIRTUAL;
      to = this.sourceOf(to);
    } while (to !== first);
    // A move from memory to memory goes through the general scratch register, so the saved value must not be there.
    const saved = inMemory || first >= XMM0 ? VECTOR_SCRATCH : SCRATCH;
    this.move(saved, first);
    to = first;
    while (this.sourceOf(to) !== first) {
      const from = this.settle(to);
      this.readers[this.indexOf(from)] = 0;
      to = from;
    }
    this.sources[this.indexOf(to)] = -1;
    this.readers[this.indexOf(first)] = 0;
    this.left--;
    this.move(to, saved);
  }

  /** Between any two locations; a constant may change the flags, nothing else does. */
  move(to: Location, from: number): void {
    const { assembler } = this;
    if (to === from) return;
    if (from < 0) {
      this.constant(to, this.constants[~from]!);
      return;
    }
    if (to >= FIRST_VIRTUAL) {
      if (from >= FIRST_VIRTUAL) {
        if (this.displacement(to) === this.displacement(from)) return;
        assembler.memory(x64.mov64, SCRATCH, RSP, NO_REG, 0, this.displacement(from));
        from = SCRATCH;
      }
      assembler.memory(from >= XMM0 ? x64.store.f64 : x64.store64, from, RSP, NO_REG, 0, this.displacement(to));
    } else if (from >= FIRST_VIRTUAL) {
      assembler.memory(to >= XMM0 ? x64.load.f64 : x64.mov64, to, RSP, NO_REG, 0, this.displacement(from));
    } else if (to >= XMM0) {
      assembler.registers(from >= XMM0 ? x64.movaps : x64.movqToVector, to, from);
    } else if (from >= XMM0) assembler.registers(x64.movqFromVector, from, to);
    else assembler.registers(x64.mov64, to, from);
  }

  private constant(to: Location, { cls, low, high }: MachineConstant): void {
    const { assembler } = this;
    if (to >= FIRST_VIRTUAL) {
      const displacement = this.displacement(to);
      if (high === low >> 31) {
        assembler.memory(x64.store64i, 0, RSP, NO_REG, 0, displacement, low);
        return;
      }
      assembler.registers(x64.mov64i, SCRATCH, 0, low, high);
      assembler.memory(x64.store64, SCRATCH, RSP, NO_REG, 0, displacement);
    } else if (cls === VECTOR) {
      if (low === 0 && high === 0) assembler.registers(x64.xorps, to, to);
      else assembler.constant(x64.load.f64, to, assembler.constantIndex(low, high));
    } else if (low === 0 && high === 0) assembler.registers(x64.xor.r32, to, to);
    else if (high === 0) assembler.registers(x64.mov32i, to, 0, low);
    else if (high === -1 && low < 0) assembler.registers(x64.mov64i32, 0, to, low);
    else assembler.registers(x64.mov64i, to, 0, low, high);
  }
}
