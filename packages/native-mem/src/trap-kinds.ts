// What trap instructions mean, as the addon takes it.
import type { TrapKind } from './errors.js';

/** A trap instruction at an offset of code. */
export interface TrapPlace {
  readonly offset: number;
  readonly kind: TrapKind;
}

// In the order of native/code/trap_kind.h.
const TRAP_KINDS: readonly TrapKind[] = [
  'divide',
  'memory',
  'illegal-instruction',
  'breakpoint',
  'stack-overflow',
  'bus',
  'unreachable',
  'bounds',
  'overflow',
];
const numbers: ReadonlyMap<string, number> = new Map(TRAP_KINDS.map((kind, number) => [kind, number]));

let encoded = new Uint32Array(256);

/**
 * Pairs of an offset and the number of a kind, at the start of an array that the next call uses again.
 * @throws RangeError for an offset that isn't one of `size` bytes of code, TypeError for a kind that doesn't exist
 */
export function encodeTraps(traps: readonly TrapPlace[], size: number): Uint32Array {
  if (encoded.length < traps.length * 2) encoded = new Uint32Array(traps.length * 4);
  let at = 0;
  for (const { offset, kind } of traps) {
    if (!Number.isInteger(offset) || offset < 0 || offset >= size) {
      throw new RangeError(`A trap at offset ${offset} lies outside the code of ${size} bytes`);
    }
    const number = numbers.get(kind);
    if (number === undefined) throw new TypeError(`'${kind}' is not a kind of trap`);
    encoded[at++] = offset;
    encoded[at++] = number;
  }
  return encoded;
}
