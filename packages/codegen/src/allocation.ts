// The outcome of register allocation: where each virtual register is at each position.
import { FIRST_VIRTUAL, NO_REG } from './x64/registers.js';

/** A place for a value: a physical register's number, or FIRST_VIRTUAL + the number of a stack slot of 8 bytes. */
export type Location = number;

export class Allocation {
  constructor(
    /** Pieces of all virtual registers, each one's in order: where they start and end, and their register, or NO_REG for the stack slot. */
    readonly starts: Int32Array,
    readonly ends: Int32Array,
    readonly registers: Int32Array,
    /** By virtual register, less FIRST_VIRTUAL: its first piece; one more entry for the end. */
    readonly offsets: Int32Array,
    /** By virtual register, less FIRST_VIRTUAL: its stack slot, or -1. */
    readonly slots: Int32Array,
    readonly slotCount: number,
    /** Callee-saved registers that the function changes. */
    readonly savedRegisters: readonly number[],
  ) {}

  /** Where the virtual register, which must be live there, is at `position`. */
  locationAt(virtual: number, position: number): Location {
    return this.locationOf(virtual, this.pieceAt(virtual, position));
  }

  locationOf(virtual: number, piece: number): Location {
    const register = this.registers[piece]!;
    return register !== NO_REG ? register : FIRST_VIRTUAL + this.slots[virtual - FIRST_VIRTUAL]!;
  }

  pieceAt(virtual: number, position: number): number {
    const { starts, offsets } = this;
    let low = offsets[virtual - FIRST_VIRTUAL]!;
    let high = offsets[virtual - FIRST_VIRTUAL + 1]! - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** None for a virtual register that is never live. */
  pieceCount(virtual: number): number {
    return this.offsets[virtual - FIRST_VIRTUAL + 1]! - this.offsets[virtual - FIRST_VIRTUAL]!;
  }

  /** A virtual register's stack slot as a location, or -1. */
  slotOf(virtual: number): Location {
    const slot = this.slots[virtual - FIRST_VIRTUAL]!;
    return slot < 0 ? -1 : FIRST_VIRTUAL + slot;
  }
}
