// The operations of the IR on values: the definition that native code is measured against.
//
// f32 is computed in f64 and rounded by Math.fround. Rounding twice gives what rounding once would: f64 carries 53 bits,
// and for +, -, *, / and square root of p-bit numbers 2p + 2 = 50 suffice (S. A. Figueroa, "When is double rounding
// innocuous?", 1995). It also holds for subnormal results: such sums are exact; products of two 24-bit numbers fit 48
// bits; and a quotient of two 24-bit numbers is at least 2^-48 of itself away from every midpoint it is not equal to.
import { bigintToF32, intRange } from '../constants.js';
import type { BinaryOp, CompareOp, UnaryOp } from '../ir.js';
import { isBool, isFloat, isInt, isSigned, sizeOf, type Type } from '../types.js';

/** A value at run time: bigint for integers and addresses (0 to 2^64 - 1), number for floats, boolean for bool. */
export type IrValue = bigint | number | boolean;

/** The integer modulo 2^width, in the type's range. */
export function wrap(type: Type, value: bigint): bigint {
  const bits = sizeOf(type)! * 8;
  return isSigned(type) ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

function round(type: Type, value: number): number {
  return isFloat(type) && type.name === 'f32' ? Math.fround(value) : value;
}

export function unary(op: UnaryOp, type: Type, arg: IrValue): IrValue {
  if (op === 'sqrt') return round(type, Math.sqrt(arg as number));
  if (typeof arg === 'number') return -arg;
  if (typeof arg === 'boolean') return !arg;
  return wrap(type, op === 'neg' ? -arg : ~arg);
}

/** undefined: trap `divide`. */
export function binary(op: BinaryOp, type: Type, left: IrValue, right: IrValue): IrValue | undefined {
  if (typeof left === 'number') return round(type, floatBinary(op, left, right as number));
  if (typeof left === 'boolean') return boolBinary(op, left, right as boolean);
  return intBinary(op, type, left, right as bigint);
}

function floatBinary(op: BinaryOp, left: number, right: number): number {
  switch (op) {
    case 'add':
      return left + right;
    case 'sub':
      return left - right;
    case 'mul':
      return left * right;
    case 'div':
      return left / right;
    default:
      throw new TypeError(`${op} on a float: the function is not verified`);
  }
}

function boolBinary(op: BinaryOp, left: boolean, right: boolean): boolean {
  switch (op) {
    case 'and':
      return left && right;
    case 'or':
      return left || right;
    case 'xor':
      return left !== right;
    default:
      throw new TypeError(`${op} on a bool: the function is not verified`);
  }
}

function intBinary(op: BinaryOp, type: Type, left: bigint, right: bigint): bigint | undefined {
  switch (op) {
    case 'add':
      return wrap(type, left + right);
    case 'sub':
      return wrap(type, left - right);
    case 'mul':
      return wrap(type, left * right);
    case 'div': // towards zero
      return right === 0n ? undefined : wrap(type, left / right);
    case 'rem': // the sign of the dividend
      return right === 0n ? undefined : wrap(type, left % right);
    case 'and':
      return wrap(type, left & right);
    case 'or':
      return wrap(type, left | right);
    case 'xor':
      return wrap(type, left ^ right);
    case 'shl':
      return wrap(type, left << shiftCount(type, right));
    case 'shr': // a signed left is negative as a bigint too, so its sign follows
      return wrap(type, left >> shiftCount(type, right));
  }
}

function shiftCount(type: Type, count: bigint): bigint {
  return count & BigInt(sizeOf(type)! * 8 - 1);
}

/** JavaScript's operators have the IR's meaning for all three kinds of value, NaN and -0 included. */
export function compare(op: CompareOp, left: IrValue, right: IrValue): boolean {
  switch (op) {
    case 'eq':
      return left === right;
    case 'ne':
      return left !== right;
    case 'lt':
      return left < right;
    case 'le':
      return left <= right;
    case 'gt':
      return left > right;
    case 'ge':
      return left >= right;
  }
}

/** Every conversion of the IR: see `convert` in ir.ts. */
export function convert(value: IrValue, to: Type): IrValue {
  if (typeof value === 'boolean') return isBool(to) ? value : value ? 1n : 0n;
  if (isFloat(to)) {
    if (typeof value === 'number') return round(to, value);
    return to.name === 'f32' ? bigintToF32(value) : Number(value);
  }
  return typeof value === 'number' ? truncate(value, to) : wrap(to, value);
}

/** Towards zero, saturating; NaN gives 0. */
function truncate(value: number, to: Type): bigint {
  if (Number.isNaN(value)) return 0n;
  const { min, max } = intRange(to);
  if (value === Number.POSITIVE_INFINITY) return max;
  if (value === Number.NEGATIVE_INFINITY) return min;
  const whole = BigInt(Math.trunc(value));
  return whole < min ? min : whole > max ? max : whole;
}

/** The JavaScript type of values of `type`. */
export function kindOf(type: Type): 'bigint' | 'number' | 'boolean' {
  if (isBool(type)) return 'boolean';
  return isFloat(type) ? 'number' : 'bigint';
}

/** The range that an integer or address is outside of; undefined if it is inside, or no integer. */
export function rangeProblem(value: IrValue, type: Type): string | undefined {
  if (typeof value !== 'bigint') return undefined;
  const { min, max } = isInt(type) ? intRange(type) : { min: 0n, max: (1n << 64n) - 1n };
  return value < min || value > max ? `from ${min} to ${max}` : undefined;
}
