// A mutator that knows where binary formats hurt: bit flips, truncation, splices, huge numbers, copied structures.
// Deterministic given a seed.

const INTERESTING = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 64n - 128n,
];

/** xorshift32. */
export function random(seed: number): (below: number) => number {
  let state = (seed | 0) === 0 ? 0x9e3779b9 : seed | 0;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** One to eight mutations of a copy of `input`; `other` is where splices come from. */
export function mutate(input: Uint8Array, other: Uint8Array, below: (n: number) => number): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(input);
  for (let rounds = 1 + below(below(8) + 1); rounds > 0; rounds--) bytes = mutateOnce(bytes, other, below);
  return bytes;
}

function mutateOnce(
  bytes: Uint8Array<ArrayBuffer>,
  other: Uint8Array,
  below: (n: number) => number,
): Uint8Array<ArrayBuffer> {
  if (bytes.length === 0) return new Uint8Array(other.subarray(0, below(other.length + 1)));
  const place = hotPlace(bytes.length, below);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (below(12)) {
    case 0:
      bytes[place] = (bytes[place] as number) ^ (1 << below(8));
      return bytes;
    case 1:
      bytes[place] = below(256);
      return bytes;
    case 2:
      return bytes.slice(0, place);
    case 3:
      return bytes.slice(place);
    case 4:
    case 5: {
      const value = INTERESTING[below(INTERESTING.length)] as bigint;
      if (place + 8 <= bytes.length) view.setBigUint64(place, value, true);
      return bytes;
    }
    case 6:
      if (place + 4 <= bytes.length)
        view.setUint32(place, Number((INTERESTING[below(INTERESTING.length)] as bigint) & 0xffffffffn), true);
      return bytes;
    case 7:
      // A number that is nearly right: off by a little.
      if (place + 4 <= bytes.length) view.setUint32(place, view.getUint32(place, true) + below(257) - 128, true);
      return bytes;
    case 8: {
      const from = below(bytes.length);
      bytes.copyWithin(place, from, from + 1 + below(96));
      return bytes;
    }
    case 9: {
      const from = below(other.length);
      const piece = other.subarray(from, from + 1 + below(128));
      bytes.set(piece.subarray(0, bytes.length - place), place);
      return bytes;
    }
    case 10: {
      const end = Math.min(bytes.length, place + 1 + below(64));
      return concat(bytes.subarray(0, place), bytes.subarray(end));
    }
    default:
      return concat(
        bytes.subarray(0, place),
        other.subarray(below(other.length), below(other.length) + 32),
        bytes.subarray(place),
      );
  }
}

/** Half of the places in the last or first 700 bytes, where headers and tables are. */
function hotPlace(length: number, below: (n: number) => number): number {
  const hot = Math.min(length, 700);
  switch (below(4)) {
    case 0:
      return below(hot);
    case 1:
      return length - 1 - below(hot);
    default:
      return below(length);
  }
}

function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
