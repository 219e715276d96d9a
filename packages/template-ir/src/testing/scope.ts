// The values that are there at a place of a function under construction, and where their pointers may lead.
import type { Value } from '../ir.js';
import type { Type } from '../types.js';

/**
 * Where the pointers in a value, or the value if it is a pointer, may lead: to slots of this activation (they must not get
 * out of it), to memory of its callers (pointers to slots must not be stored there). Both may be true; neither, where there
 * are no pointers in it.
 */
export interface Origin {
  readonly local: boolean;
  readonly outer: boolean;
}

export const NOWHERE: Origin = { local: false, outer: false };
export const LOCAL: Origin = { local: true, outer: false };
export const OUTER: Origin = { local: false, outer: true };
export const ANYWHERE: Origin = { local: true, outer: true };

/** A value in scope. Pointers are not null and lead to the first of BUFFER_LENGTH elements. */
export interface Known {
  readonly value: Value;
  readonly type: Type;
  readonly origin: Origin;
}

/** The address of one value of type `to`. */
export interface Cell {
  readonly address: Value;
  readonly to: Type;
  readonly origin: Origin;
}

export class Scope {
  #values: readonly Known[] = [];
  #cells: readonly Cell[] = [];

  /** Runs `action` where what it adds is forgotten afterwards: in a branch, or in a loop. */
  inside(action: () => void): void {
    const [values, cells] = [this.#values, this.#cells];
    action();
    [this.#values, this.#cells] = [values, cells];
  }

  /** The latest first. */
  get values(): readonly Known[] {
    return this.#values;
  }

  /** The latest first; the elements of buffers are not among them. */
  get cells(): readonly Cell[] {
    return this.#cells;
  }

  add(known: Known): void {
    this.#values = [known, ...this.#values];
  }

  addCell(cell: Cell): void {
    this.#cells = [cell, ...this.#cells];
  }
}
