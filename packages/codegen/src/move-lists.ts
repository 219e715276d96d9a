// Moves from one location to another, in lists that each happen at once.
import type { Location } from './allocation.js';
import { IntList, type Scratch } from './scratch.js';

/** A move's `from` is a location, or `~i` for constant number i. */
export class MoveLists {
  /** By list: its first and its last move, or -1. */
  readonly heads: Int32Array;
  private readonly tails: Int32Array;
  /** Of each move `to`, `from`, and where the next one of the same list is, or -1. */
  private readonly moves: IntList;

  constructor(lists: number, scratch: Scratch) {
    this.heads = scratch.filled(lists, -1);
    this.tails = scratch.filled(lists, -1);
    this.moves = new IntList(scratch);
  }

  add(list: number, to: Location, from: number): void {
    const { heads, tails, moves } = this;
    const move = moves.length;
    moves.push(to);
    moves.push(from);
    moves.push(-1);
    if (heads[list]! < 0) heads[list] = move;
    else moves.items[tails[list]! + 2] = move;
    tails[list] = move;
  }

  isEmpty(list: number): boolean {
    return this.heads[list]! < 0;
  }

  to(move: number): Location {
    return this.moves.items[move]!;
  }

  from(move: number): number {
    return this.moves.items[move + 1]!;
  }

  next(move: number): number {
    return this.moves.items[move + 2]!;
  }
}
