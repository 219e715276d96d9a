// `a * b + c` rounded once. No float holds the intermediate result, so it is computed with integers times powers of two.
import type { FloatName } from '../types.js';

/** A binary format: `precision` bits, the last of which is never worth less than 2^`least`; no number reaches `limit`. */
const FORMATS = {
  f32: { precision: 24, least: -149, limit: 2 ** 128 },
  f64: { precision: 53, least: -1074, limit: Number.POSITIVE_INFINITY },
} as const;

/** IEEE 754 fusedMultiplyAdd, ties to even, of numbers of the format `name`. */
export function fma(name: FloatName, a: number, b: number, c: number): number {
  // Nothing to round, or no number at all: the product is exact, or the sum is not finite anyhow.
  if (a === 0 || b === 0 || !Number.isFinite(a) || !Number.isFinite(b)) return a * b + c;
  if (!Number.isFinite(c)) return c;
  const [x, y, z] = [decompose(a), decompose(b), decompose(c)];
  const product = x.exponent + y.exponent;
  const exponent = Math.min(product, z.exponent);
  const sum = ((x.mantissa * y.mantissa) << BigInt(product - exponent)) + (z.mantissa << BigInt(z.exponent - exponent));
  // A difference that is exactly 0 is +0 (IEEE 754, 6.3); sums of zeros do not come here.
  return sum === 0n ? 0 : compose(sum, exponent, name);
}

const bits = new DataView(new ArrayBuffer(8));

/** A finite number as `mantissa * 2^exponent`; the sign is the mantissa's. */
function decompose(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  bits.setFloat64(0, value);
  const high = bits.getUint32(0);
  const biased = (high >>> 20) & 0x7ff;
  const fraction = (BigInt(high & 0xfffff) << 32n) | BigInt(bits.getUint32(4));
  const magnitude = biased === 0 ? fraction : fraction | (1n << 52n);
  return { mantissa: high >>> 31 === 1 ? -magnitude : magnitude, exponent: Math.max(biased, 1) - 1075 };
}

/** The number nearest to `mantissa * 2^exponent`, which is not 0; infinity beyond the greatest. */
function compose(mantissa: bigint, exponent: number, name: FloatName): number {
  const { precision, least, limit } = FORMATS[name];
  const magnitude = mantissa < 0n ? -mantissa : mantissa;
  // How many low bits are too many: beyond the precision, or below the last bit of a subnormal.
  const excess = Math.max(magnitude.toString(2).length - precision, least - exponent, 0);
  const shift = BigInt(excess);
  const kept = magnitude >> shift;
  const twiceRest = (magnitude - (kept << shift)) * 2n;
  const unit = 1n << shift;
  const isUp = twiceRest > unit || (twiceRest === unit && (kept & 1n) === 1n);
  // At most 2^53 times a power of two that is at least 2^-1074: exact, or beyond the greatest.
  const value = Number(isUp ? kept + 1n : kept) * 2 ** (exponent + excess);
  const limited = value >= limit ? Number.POSITIVE_INFINITY : value;
  return mantissa < 0n ? -limited : limited;
}
