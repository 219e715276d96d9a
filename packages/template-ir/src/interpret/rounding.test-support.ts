// Rounding to f32 and f64 from the definition, with exact rationals: the oracle for everything that rounds.

/** An f32 or f64 as a fraction of integers; finite only. */
export function toRational(value: number): { readonly numerator: bigint; readonly denominator: bigint } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & ((1n << 52n) - 1n);
  const magnitude = exponent === 0 ? fraction : fraction | (1n << 52n);
  const scale = Math.max(exponent, 1) - 1075;
  const signed = bits >> 63n === 1n ? -magnitude : magnitude;
  return scale >= 0
    ? { numerator: signed << BigInt(scale), denominator: 1n }
    : { numerator: signed, denominator: 1n << BigInt(-scale) };
}

/** The f32 nearest to numerator / denominator, ties to even; 0 for a zero numerator. */
export function rationalToF32(numerator: bigint, denominator: bigint): number {
  return rationalToFloat(numerator, denominator, 24, -149, 128);
}

/** The f64 nearest to numerator / denominator, ties to even; 0 for a zero numerator. */
export function rationalToF64(numerator: bigint, denominator: bigint): number {
  return rationalToFloat(numerator, denominator, 53, -1074, 1024);
}

/** `least`: exponent of the last bit of a subnormal. `limit`: of the first power of two that is too much. */
function rationalToFloat(
  numerator: bigint,
  denominator: bigint,
  precision: number,
  least: number,
  limit: number,
): number {
  if (denominator < 0n) return rationalToFloat(-numerator, -denominator, precision, least, limit);
  if (numerator < 0n) return -rationalToFloat(-numerator, denominator, precision, least, limit);
  if (numerator === 0n) return 0;
  // The exponent of the last bit: `precision - 1` below the leading one's, but never below that of the subnormals.
  let last = numerator.toString(2).length - denominator.toString(2).length - precision;
  if (quotient(numerator, denominator, last) >= 1n << BigInt(precision)) last++;
  last = Math.max(last, least);
  const floor = quotient(numerator, denominator, last);
  const [n, d] = last >= 0 ? [numerator, denominator << BigInt(last)] : [numerator << BigInt(-last), denominator];
  const twiceRest = 2n * (n - floor * d);
  const isUp = twiceRest > d || (twiceRest === d && (floor & 1n) === 1n);
  const rounded = isUp ? floor + 1n : floor;
  const isTooMuch = last >= 0 && rounded << BigInt(last) >= 1n << BigInt(limit);
  return isTooMuch ? Number.POSITIVE_INFINITY : Number(rounded) * 2 ** last;
}

/** numerator / denominator / 2^exponent, rounded down. */
function quotient(numerator: bigint, denominator: bigint, exponent: number): bigint {
  return exponent >= 0 ? numerator / (denominator << BigInt(exponent)) : (numerator << BigInt(-exponent)) / denominator;
}
