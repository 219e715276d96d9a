// Values worth testing with, and typed arrays to hold them.
import { intRange } from '../constants.js';
import type { IrValue } from '../interpret/arithmetic.js';
import { wrap } from '../interpret/integers.js';
import { isBool, isFloat, isInt, sizeOf, type Type } from '../types.js';

const DOUBLES: readonly number[] = [
  ...[
    0,
    1,
    -1,
    -0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    3,
    100,
    0.1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ],
  ...[Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, -Number.MIN_VALUE, 2 ** -1022, 2 ** -1022 - 2 ** -1074],
  ...[
    2 ** 53 - 1,
    2 ** 53,
    2 ** 53 + 2,
    127.5,
    128,
    255.9,
    256,
    32767.9,
    65536,
    2 ** 31 - 0.5,
    2 ** 31,
    -(2 ** 31) - 1,
  ],
  ...[
    2 ** 32,
    2 ** 32 - 0.5,
    2 ** 63,
    -(2 ** 63),
    2 ** 63 - 1024,
    -(2 ** 63) - 2048,
    2 ** 64,
    2 ** 64 - 2048,
    -0.9,
    1e300,
  ],
];

const FLOATS: readonly number[] = [
  ...DOUBLES.map(Math.fround).filter((x, i) => Number.isFinite(x) || !Number.isFinite(DOUBLES[i]!)),
  ...[2 ** -149, -(2 ** -149), 2 ** -126, 2 ** -126 - 2 ** -149, (2 - 2 ** -23) * 2 ** 127, -(2 - 2 ** -23) * 2 ** 127],
  ...[2 ** 24 - 1, 2 ** 24, 2 ** 24 + 2, 2 ** 31 - 128, 2 ** 63 - 2 ** 39],
];

const INTEGERS: readonly bigint[] = [
  0n,
  1n,
  -1n,
  2n,
  3n,
  -2n,
  5n,
  7n,
  8n,
  10n,
  15n,
  16n,
  31n,
  32n,
  63n,
  64n,
  100n,
].concat(
  [8n, 16n, 24n, 31n, 32n, 53n, 63n].flatMap((k) => [
    (1n << k) - 1n,
    1n << k,
    (1n << k) + 1n,
    -(1n << k),
    -(1n << k) - 1n,
  ]),
);

const interesting = new Map<Type, readonly IrValue[]>();

/** The corner cases of a scalar type: 0 and ±1 first, then ends of ranges, rounding boundaries, NaN, infinities, subnormals. */
export function interestingValues(type: Type): readonly IrValue[] {
  const known = interesting.get(type);
  if (known !== undefined) return known;
  const values = makeInteresting(type);
  interesting.set(type, values);
  return values;
}

function makeInteresting(type: Type): readonly IrValue[] {
  if (isBool(type)) return [false, true];
  if (isFloat(type)) return type.name === 'f32' ? FLOATS : DOUBLES;
  const { min, max } = intRange(type);
  return [...new Set([0n, 1n, max, min, max - 1n, min + 1n, ...INTEGERS.map((value) => wrap(type, value))])];
}

/**
 * A value of `type` out of two numbers: corner cases for `choice` below 160, else one made of `seed`: small for even
 * seeds, any bits for odd ones. (0, 0) gives 0, so that programs shrink towards it.
 */
export function valueFrom(type: Type, choice: number, seed: number): IrValue {
  const corners = interestingValues(type);
  if (choice < 160 || isBool(type)) return corners[choice % corners.length]!;
  const small = seed % 2 === 0 ? BigInt(seed >>> 1) & 0xffn : undefined;
  if (isInt(type)) return wrap(type, small ?? mix(seed));
  if (small !== undefined) return Number(small) / 8;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setBigUint64(0, mix(seed));
  const value = sizeOf(type) === 4 ? bits.getFloat32(0) : bits.getFloat64(0);
  return Number.isNaN(value) ? Number.NaN : value;
}

/** 64 bits that look random: SplitMix64. */
function mix(seed: number): bigint {
  let z = BigInt.asUintN(64, BigInt(seed) * 0x9e37_79b9_7f4a_7c15n);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn);
  return z ^ (z >> 31n);
}

export type TestArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** A typed array of scalars; a Uint8Array for bool. What a native function takes for `ptr<element>`. */
export function toTypedArray(element: Type, values: readonly IrValue[]): TestArray {
  if (element.kind !== 'scalar') throw new TypeError('buffers hold scalars');
  const numbers = values.map(Number);
  switch (element.name) {
    case 'i8':
      return Int8Array.from(numbers);
    case 'i16':
      return Int16Array.from(numbers);
    case 'i32':
      return Int32Array.from(numbers);
    case 'i64':
      return BigInt64Array.from(values as readonly bigint[]);
    case 'u8':
    case 'bool':
      return Uint8Array.from(numbers);
    case 'u16':
      return Uint16Array.from(numbers);
    case 'u32':
      return Uint32Array.from(numbers);
    case 'u64':
      return BigUint64Array.from(values as readonly bigint[]);
    case 'f32':
      return Float32Array.from(numbers);
    case 'f64':
      return Float64Array.from(numbers);
  }
}

/** The elements of a typed array as values of the IR; each bool as its byte (a bigint), so that a 2 is not taken for a 1. */
export function fromTypedArray(array: TestArray): readonly IrValue[] {
  const isFloatArray = array instanceof Float32Array || array instanceof Float64Array;
  return Array.from<number | bigint, IrValue>(array, (value) => (isFloatArray ? value : BigInt(value)));
}
