// The number types of the IR, with the typed array of each and values to fill it with.
import fc from 'fast-check';

export type NumberArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Float32Array
  | Float64Array;
export type LongArray = BigInt64Array | BigUint64Array;
export type AnyArray = NumberArray | LongArray;

interface NumberType {
  readonly name: string;
  readonly array: new (content: number | ArrayBuffer) => AnyArray;
  /** Any value but NaN. */
  readonly value: fc.Arbitrary<number | bigint>;
}

const small = (min: number, max: number): fc.Arbitrary<number> =>
  fc.oneof(fc.integer({ min, max }), fc.integer({ min: Math.max(min, -3), max: 3 }));

export const INTEGERS: readonly NumberType[] = [
  { name: 'i8', array: Int8Array, value: small(-128, 127) },
  { name: 'i16', array: Int16Array, value: small(-32768, 32767) },
  { name: 'i32', array: Int32Array, value: small(-(2 ** 31), 2 ** 31 - 1) },
  { name: 'i64', array: BigInt64Array, value: fc.oneof(fc.bigInt(-(1n << 63n), (1n << 63n) - 1n), fc.bigInt(-3n, 3n)) },
  { name: 'u8', array: Uint8Array, value: small(0, 255) },
  { name: 'u16', array: Uint16Array, value: small(0, 65535) },
  { name: 'u32', array: Uint32Array, value: small(0, 2 ** 32 - 1) },
  { name: 'u64', array: BigUint64Array, value: fc.oneof(fc.bigInt(0n, (1n << 64n) - 1n), fc.bigInt(0n, 3n)) },
];

export const FLOATS: readonly NumberType[] = [
  { name: 'f32', array: Float32Array, value: fc.float({ noNaN: true }) },
  { name: 'f64', array: Float64Array, value: fc.double({ noNaN: true }) },
];

export const NUMBERS: readonly NumberType[] = [...INTEGERS, ...FLOATS];

/** An array of the type with those values. */
export function arrayOf(type: NumberType, values: readonly (number | bigint)[]): AnyArray {
  const array = new type.array(values.length);
  values.forEach((value, i) => {
    array[i] = value;
  });
  return array;
}

/** Deterministic numbers from 0 to 1. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}
