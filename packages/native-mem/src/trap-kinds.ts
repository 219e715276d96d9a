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

const NONE = new Uint32Array(0);
let spare = NONE;

/**
 * Pairs of an offset and the number of a kind for the first `count` traps, at the start of an array that the next call uses
 * again.
 * @throws RangeError for an offset that isn't one of `size` bytes of code, TypeError for a kind that doesn't exist
 */
export function encodeTraps(traps: readonly TrapPlace[], count: number, size: number): Uint32Array {
  const pairs = spare.length < count * 2 ? new Uint32Array(Math.max(256, count * 4)) : spare;
  spare = NONE; // a getter of a trap may come here again
  for (let i = 0; i < count; i++) {
    const { offset, kind } = traps[i] as TrapPlace;
    if (!Number.isInteger(offset) || offset < 0 || offset >= size) {
      throw new RangeError(`A trap at offset ${offset} lies outside the code of ${size} bytes`);
    }
    const number = numbers.get(kind);
    if (number === undefined) throw new TypeError(`'${kind}' is not a kind of trap`);
    pairs[i * 2] = offset;
    pairs[i * 2 + 1] = number;
  }
  spare = pairs;
  return pairs;
}
