// The operations of the IR on values: the definition that native code is measured against.
import { bigintToF32, intRange } from '../constants.js';
import type { BinaryOp, CompareOp, UnaryOp } from '../ir.js';
import { isBool, isFloat, isInt, isSigned, type Type } from '../types.js';
import { floatBinary, floatUnary } from './floats.js';
import { checked, intBinary, intUnary, saturate, truncate, wrap } from './integers.js';

/** A value at run time: bigint for integers and addresses (0 to 2^64 - 1), number for floats, boolean for bool. */
export type IrValue = bigint | number | boolean;

/** An operation that has no value for these operands, by the kind of its trap. */
type Trap = 'divide' | 'overflow';

function round(type: Type, value: number): number {
  return isFloat(type) && type.name === 'f32' ? Math.fround(value) : value;
}

export function unary(op: UnaryOp, type: Type, arg: IrValue): IrValue | Trap {
  if (typeof arg === 'number') return round(type, floatUnary(op, arg));
  if (typeof arg === 'bigint') return intUnary(op, type, arg);
  if (op !== 'not') throw new TypeError(`${op} on a bool: the function is not verified`);
  return !arg;
}

export function binary(op: BinaryOp, type: Type, left: IrValue, right: IrValue): IrValue | Trap {
  if (typeof left === 'number') return round(type, floatBinary(op, left, right as number));
  if (typeof left === 'bigint') return intBinary(op, type, left, right as bigint);
  return boolBinary(op, left, right as boolean);
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
  if (isFloat(to)) return toFloat(value, to);
  if (typeof value === 'boolean') return isBool(to) ? value : value ? 1n : 0n;
  return typeof value === 'number' ? saturate(value, to) : wrap(to, value);
}

/** The same, but `overflow` where an integer type has no such value. */
export function convertChecked(value: IrValue, to: Type): IrValue | 'overflow' {
  if (!isInt(to) || typeof value === 'boolean') return convert(value, to);
  const whole = typeof value === 'number' ? truncate(value) : value;
  return whole === undefined ? 'overflow' : checked(to, whole);
}

function toFloat(value: IrValue, to: Type): number {
  if (typeof value === 'boolean') throw new TypeError('convert of a bool to a float: the function is not verified');
  if (typeof value === 'number') return round(to, value);
  return isFloat(to) && to.name === 'f32' ? bigintToF32(value) : Number(value);
}

/** The same 64 bits as a value of another type. */
export function cast(value: bigint, to: Type): bigint {
  return isSigned(to) ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
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
