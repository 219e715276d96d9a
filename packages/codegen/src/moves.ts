// Parallel moves: several values change places at once, as on a control-flow edge or before a call. They are put into an
// order in which nothing is overwritten before it is read; what is left then are cycles, which go through a scratch register.
import type { Location } from './allocate.js';
import type { MachineConstant } from './machine-ir.js';
import type { Assembler } from './x64/assembler.js';
import { FIRST_VIRTUAL, NO_REG, RSP, SCRATCH, VECTOR, VECTOR_SCRATCH, XMM0 } from './x64/registers.js';
import { x64 } from './x64/table.js';

/** `from` is a location, or `~i` for constant number i. */
export interface Move {
  readonly to: Location;
  readonly from: number;
}

/** Locations from here on are the words at the bottom of the frame, where arguments of calls go. */
export const OUTGOING = 0x1000000;

/** Emits moves for one function, whose frame it knows. */
export class Mover {
  constructor(
    private readonly assembler: Assembler,
    private readonly constants: readonly MachineConstant[],
    /** Of the first stack slot, from rsp. */
    private readonly slotOffset: number,
  ) {}

  /** Displacement from rsp of a location in memory. */
  displacement(location: Location): number {
    return location >= OUTGOING ? (location - OUTGOING) * 8 : this.slotOffset + (location - FIRST_VIRTUAL) * 8;
  }

  /** Changes the flags only if a source is a constant. */
  parallel(moves: readonly Move[]): void {
    if (moves.length === 1) {
      this.move(moves[0]!.to, moves[0]!.from);
      return;
    }
    const sources = new Map<Location, Location>();
    const readers = new Map<Location, number>();
    for (const { to, from } of moves) {
      if (from < 0 || from === to) continue;
      sources.set(to, from);
      readers.set(from, (readers.get(from) ?? 0) + 1);
    }
    const ready: Location[] = [];
    for (const to of sources.keys()) if (!readers.has(to)) ready.push(to);
    while (ready.length > 0) {
      const to = ready.pop()!;
      const from = sources.get(to)!;
      sources.delete(to);
      this.move(to, from);
      const left = readers.get(from)! - 1;
      readers.set(from, left);
      if (left === 0 && sources.has(from)) ready.push(from);
    }
    while (sources.size > 0) this.cycle(sources);
    for (const { to, from } of moves) if (from < 0) this.move(to, from);
  }

  /** Breaks the cycle that the first of `sources` is in. */
  private cycle(sources: Map<Location, Location>): void {
    const first = sources.keys().next().value!;
    let inMemory = false;
    let to = first;
    do {
      inMemory ||= to >= FIRST_VIRTUAL;
      to = sources.get(to)!;
    } while (to !== first);
    // A move from memory to memory goes through the general scratch register, so the saved value must not be there.
    const saved = inMemory || first >= XMM0 ? VECTOR_SCRATCH : SCRATCH;
    this.move(saved, first);
    to = first;
    for (;;) {
      const from = sources.get(to)!;
      sources.delete(to);
      if (from === first) break;
      this.move(to, from);
      to = from;
    }
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
