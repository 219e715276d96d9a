// Rounding to f32 from the definition, with exact rationals: the oracle for everything that rounds to f32.

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
  if (denominator < 0n) return rationalToF32(-numerator, -denominator);
  if (numerator < 0n) return -rationalToF32(-numerator, denominator);
  if (numerator === 0n) return 0;
  // The exponent of the last bit: 23 below the leading one's, but never below that of the subnormals.
  let last = numerator.toString(2).length - denominator.toString(2).length - 24;
  if (quotient(numerator, denominator, last) >= 1n << 24n) last++;
  last = Math.max(last, -149);
  const floor = quotient(numerator, denominator, last);
  const [n, d] = last >= 0 ? [numerator, denominator << BigInt(last)] : [numerator << BigInt(-last), denominator];
  const twiceRest = 2n * (n - floor * d);
  const isUp = twiceRest > d || (twiceRest === d && (floor & 1n) === 1n);
  const rounded = Number(isUp ? floor + 1n : floor) * 2 ** last;
  return rounded >= 2 ** 128 ? Number.POSITIVE_INFINITY : rounded;
}

/** numerator / denominator / 2^exponent, rounded down. */
function quotient(numerator: bigint, denominator: bigint, exponent: number): bigint {
  return exponent >= 0 ? numerator / (denominator << BigInt(exponent)) : (numerator << BigInt(-exponent)) / denominator;
}
