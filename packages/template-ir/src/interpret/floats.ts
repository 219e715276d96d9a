// Float operations of the IR but `fma`.
//
// f32 is computed in f64 and rounded by Math.fround. Rounding twice gives what rounding once would: f64 carries 53 bits,
// and for +, -, *, / and square root of p-bit numbers 2p + 2 = 50 suffice (S. A. Figueroa, "When is double rounding
// innocuous?", 1995). It also holds for subnormal results: such sums are exact; products of two 24-bit numbers fit 48
// bits; and a quotient of two 24-bit numbers is at least 2^-48 of itself away from every midpoint it is not equal to.
// What rounds to integral values, and min, max, abs and neg, gives an f32 for f32.
import type { BinaryOp, UnaryOp } from '../ir.js';

export function floatUnary(op: UnaryOp, arg: number): number {
  switch (op) {
    case 'neg':
      return -arg;
    case 'abs':
      return Math.abs(arg);
    case 'sqrt':
      return Math.sqrt(arg);
    case 'floor':
      return Math.floor(arg);
    case 'ceil':
      return Math.ceil(arg);
    case 'trunc':
      return Math.trunc(arg);
    case 'round':
      return roundToEven(arg);
    default:
      throw new TypeError(`${op} on a float: the function is not verified`);
  }
}

/** The nearest integral value, ties to even; Math.round rounds ties up. */
function roundToEven(value: number): number {
  const magnitude = Math.abs(value);
  const below = Math.floor(magnitude);
  const rest = magnitude - below; // exact; NaN for infinities, which are integral
  const isUp = rest > 0.5 || (rest === 0.5 && below % 2 === 1);
  const rounded = isUp ? below + 1 : below;
  return value < 0 || Object.is(value, -0) ? -rounded : rounded;
}

export function floatBinary(op: BinaryOp, left: number, right: number): number {
  switch (op) {
    case 'add':
      return left + right;
    case 'sub':
      return left - right;
    case 'mul':
      return left * right;
    case 'div':
      return left / right;
    case 'min': // NaN if either is, and -0 below 0, as the specification wants it
      return Math.min(left, right);
    case 'max':
      return Math.max(left, right);
    default:
      throw new TypeError(`${op} on a float: the function is not verified`);
  }
}
