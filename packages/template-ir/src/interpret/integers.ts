// Integer operations of the IR, on bigints: exact first, then brought into the type's range or found not to fit it.
import { intRange } from '../constants.js';
import type { BinaryOp, UnaryOp } from '../ir.js';
import { isSigned, sizeOf, type Type } from '../types.js';

/** The integer modulo 2^width, in the type's range; of an address, modulo 2^64. */
export function wrap(type: Type, value: bigint): bigint {
  const bits = bitsOf(type);
  return isSigned(type) ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

/** The integer if the type can hold it. */
export function checked(type: Type, value: bigint): bigint | 'overflow' {
  return wrap(type, value) === value ? value : 'overflow';
}

function bitsOf(type: Type): number {
  return sizeOf(type)! * 8;
}

export function intUnary(op: UnaryOp, type: Type, arg: bigint): bigint | 'overflow' {
  switch (op) {
    case 'neg':
      return wrap(type, -arg);
    case 'neg_checked':
      return checked(type, -arg);
    case 'not':
      return wrap(type, ~arg);
    case 'abs':
      return wrap(type, arg < 0n ? -arg : arg);
    case 'popcount':
      return BigInt(digits(type, arg).replaceAll('0', '').length);
    case 'clz':
      return BigInt(digits(type, arg).match(/^0*/)![0].length);
    case 'ctz':
      return BigInt(digits(type, arg).match(/0*$/)![0].length);
    default:
      throw new TypeError(`${op} on an integer: the function is not verified`);
  }
}

/** All bits of the value, the highest first. */
function digits(type: Type, value: bigint): string {
  const bits = bitsOf(type);
  return BigInt.asUintN(bits, value).toString(2).padStart(bits, '0');
}

export function intBinary(op: BinaryOp, type: Type, left: bigint, right: bigint): bigint | 'divide' | 'overflow' {
  switch (op) {
    case 'add':
      return wrap(type, left + right);
    case 'sub':
      return wrap(type, left - right);
    case 'mul':
      return wrap(type, left * right);
    case 'div': // towards zero
      return right === 0n ? 'divide' : wrap(type, left / right);
    case 'rem': // the sign of the dividend
      return right === 0n ? 'divide' : wrap(type, left % right);
    case 'add_checked':
      return checked(type, left + right);
    case 'sub_checked':
      return checked(type, left - right);
    case 'mul_checked':
      return checked(type, left * right);
    case 'div_checked':
      return right === 0n ? 'divide' : checked(type, left / right);
    case 'min':
      return left < right ? left : right;
    case 'max':
      return left > right ? left : right;
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
    case 'rotl':
      return rotateLeft(type, left, shiftCount(type, right));
    case 'rotr':
      return rotateLeft(type, left, shiftCount(type, -right));
  }
}

function shiftCount(type: Type, count: bigint): bigint {
  return count & BigInt(bitsOf(type) - 1);
}

function rotateLeft(type: Type, value: bigint, count: bigint): bigint {
  const bits = bitsOf(type);
  const unsigned = BigInt.asUintN(bits, value);
  return wrap(type, (unsigned << count) | (unsigned >> (BigInt(bits) - count)));
}

/** Towards zero; undefined for NaN and infinities. */
export function truncate(value: number): bigint | undefined {
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined;
}

/** Towards zero, saturating at the ends of the type; NaN gives 0. */
export function saturate(value: number, to: Type): bigint {
  if (Number.isNaN(value)) return 0n;
  const { min, max } = intRange(to);
  const whole = truncate(value) ?? (value < 0 ? min : max);
  if (whole < min) return min;
  if (whole > max) return max;
  return whole;
}
