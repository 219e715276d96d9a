// Literals: which a type can hold, and the one form that each has in a specialised function.
import { type KnownParam, satisfies } from './bounds.js';
import type { ConstValue } from './ir.js';
import { MAX_INTEGER_LITERAL, MIN_INTEGER_LITERAL } from './limits.js';
import { isBool, isFloat, isInt, isSigned, SCALAR_NAMES, scalar, sizeOf, type Type, typeToString } from './types.js';

interface IntRange {
  readonly min: bigint;
  readonly max: bigint;
}

const ranges: ReadonlyMap<Type, IntRange> = new Map(
  SCALAR_NAMES.map(scalar)
    .filter(isInt)
    .map((type) => [type, rangeOf(sizeOf(type)! * 8, isSigned(type))]),
);

function rangeOf(bits: number, signed: boolean): IntRange {
  const end = 1n << BigInt(signed ? bits - 1 : bits);
  return { min: signed ? -end : 0n, max: end - 1n };
}

/** The least and the greatest value of an integer type. */
export function intRange(type: Type): IntRange {
  return ranges.get(type)!;
}

/**
 * The f32 nearest to an integer of at most 64 bits, ties to even, rounded once. (`Math.fround(Number(x))` rounds twice
 * and is off for some integers above 2^53: the bits that do not reach the f64 are gathered in its lowest bit here, so
 * that the second rounding sees that they were there.)
 */
export function bigintToF32(value: bigint): number {
  const magnitude = value < 0n ? -value : value;
  if (magnitude < 1n << 53n) return Math.fround(Number(value));
  const kept = (magnitude >> 11n) | ((magnitude & 0x7ffn) === 0n ? 0n : 1n);
  const rounded = Math.fround(Number(kept)) * 2048;
  return value < 0n ? -rounded : rounded;
}

/** The integer literals that a number type accepts; a float type accepts all. */
const accepted: ReadonlyMap<Type, IntRange> = new Map([
  ...ranges,
  ...(['f32', 'f64'] as const).map(
    (name) => [scalar(name), { min: MIN_INTEGER_LITERAL, max: MAX_INTEGER_LITERAL }] as const,
  ),
]);

/** What `type` would accept instead of this literal; undefined if it accepts it. */
export function literalProblem(value: ConstValue, type: Type, typeParams?: readonly KnownParam[]): string | undefined {
  if (typeof value === 'bigint') {
    const range = accepted.get(type);
    if (range !== undefined && value >= range.min && value <= range.max) return undefined; // nearly all
  }
  return problemOf(value, type, typeParams);
}

function problemOf(value: ConstValue, type: Type, typeParams: readonly KnownParam[] | undefined): string | undefined {
  if (typeof value === 'boolean') return isBool(type) ? undefined : `a value of ${typeToString(type)}`;
  if (isBool(type)) return 'true or false';
  if (type.kind === 'ptr' || type.kind === 'fn') return value === 0n ? undefined : 'null';
  if (typeof value === 'bigint') {
    if (value < MIN_INTEGER_LITERAL || value > MAX_INTEGER_LITERAL) return 'an integer from -2^63 to 2^64 - 1';
    if (!satisfies(type, 'Num', typeParams)) return `a type with bound Num for a number, not ${typeToString(type)}`;
    if (!isInt(type)) return undefined;
    const { min, max } = intRange(type);
    return value < min || value > max ? `an integer from ${min} to ${max} (${typeToString(type)})` : undefined;
  }
  if (typeof value !== 'number') return 'a bigint, a number, true or false'; // plain JavaScript may pass anything
  if (!satisfies(type, 'Float', typeParams)) return `a type with bound Float for a fraction, not ${typeToString(type)}`;
  const overflows =
    isFloat(type) && type.name === 'f32' && Number.isFinite(value) && !Number.isFinite(Math.fround(value));
  return overflows ? 'a number that f32 can hold' : undefined;
}

/** The literal as a specialised function holds it: bigint for integers and pointers, number (rounded to f32 where it is one) for floats. */
export function normaliseLiteral(value: ConstValue, type: Type): ConstValue {
  if (!isFloat(type)) return value;
  if (typeof value === 'bigint') return type.name === 'f32' ? bigintToF32(value) : Number(value);
  return type.name === 'f32' && typeof value === 'number' ? Math.fround(value) : value;
}

/** The literal in the text form: `-1`, `1.0`, `-0.0`, `inf`, `nan`, `true`; `null` for the null pointer. No type in broken code. */
export function literalToString(value: ConstValue, type: Type | undefined): string {
  if ((type?.kind === 'ptr' || type?.kind === 'fn') && value === 0n) return 'null';
  if (typeof value !== 'number') return String(value);
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
