// What the expectations are checked against: two implementations of the same semantics behind one interface.
import type { IrValue } from '@simple-jit/template-ir';

/** The buffers of one call. */
export interface Placement {
  addressOf(buffer: string): bigint | undefined;
  /** What the code reads and writes at that address. */
  bytesOf(buffer: string): Uint8Array;
  /** A buffer beyond whose ends something was written. */
  damaged(): string | undefined;
}

/** How a call ended. */
export type Outcome = { readonly value: IrValue | undefined } | { readonly trap: string };

export interface Engine {
  readonly name: string;
  /** Gives every buffer, by its size in bytes, memory of its own. */
  place(sizes: ReadonlyMap<string, number>): Placement;
  /** Calls an instance by its symbol; anything but a value and a trap is thrown. */
  call(symbol: string, args: readonly IrValue[], placement: Placement): Outcome;
  close(): void;
}
