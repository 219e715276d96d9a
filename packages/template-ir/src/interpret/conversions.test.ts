// convert_checked at every boundary of every pair of types, and cast, through the interpreter.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fnType, type IrValue, isFloat, isInt, ptr, SCALAR_NAMES, scalar, type Type, typeToString } from '../index.js';
import { arbitraryValue, interestingValues } from '../testing/index.js';
import { build, run, stored } from './arithmetic.test-support.js';
import { toRational } from './rounding.test-support.js';

const types = SCALAR_NAMES.map(scalar);
const numbers = types.filter((type) => isInt(type) || isFloat(type));
const named = (from: Type, to: Type) => [typeToString(from), typeToString(to), from, to] as const;

/** The value, rounded towards zero, as an integer of the type; hardware of that width would hold another number otherwise. */
function expected(value: IrValue, to: Type): bigint | 'overflow' {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'overflow';
  const { numerator, denominator } =
    typeof value === 'number' ? toRational(value) : { numerator: value as bigint, denominator: 1n };
  const whole = numerator / denominator;
  return whole >= -(1n << 63n) && whole < 1n << 64n && stored(to, whole) === whole ? whole : 'overflow';
}

describe('convert_checked', () => {
  it.each(numbers.flatMap((from) => numbers.filter(isInt).map((to) => named(from, to))))(
    '%s to %s',
    (_, __, from, to) => {
      const fn = build([from], to, (b, [x]) => b.convertChecked(to, x!));
      const check = (value: IrValue) => {
        expect([value, run(fn, value)]).toEqual([value, expected(value, to)]);
      };
      for (const value of interestingValues(from)) check(value);
      if (isFloat(from)) for (const value of boundaries(from.name === 'f32')) check(value);
      fc.assert(fc.property(arbitraryValue(from), check), { numRuns: 100 });
    },
  );

  it.each(numbers.flatMap((from) => numbers.filter(isFloat).map((to) => named(from, to))))(
    '%s to %s is convert',
    (_, __, from, to) => {
      const checked = build([from], to, (b, [x]) => b.convertChecked(to, x!));
      const plain = build([from], to, (b, [x]) => b.convert(to, x!));
      for (const value of interestingValues(from))
        expect([value, run(checked, value)]).toEqual([value, run(plain, value)]);
    },
  );

  it('bool to integers is 0 or 1', () => {
    for (const to of numbers.filter(isInt)) {
      const fn = build([scalar('bool')], to, (b, [x]) => b.convertChecked(to, x!));
      expect([run(fn, false), run(fn, true)]).toEqual([0n, 1n]);
    }
  });
});

/** The floats on either side of the ends of all integer types, and those a half away where there are such. */
function boundaries(isShort: boolean): readonly number[] {
  const ends = [7, 8, 15, 16, 31, 32, 63, 64].flatMap((k) => [2 ** k, -(2 ** k)]);
  const view = new DataView(new ArrayBuffer(8));
  const neighbour = (value: number, step: number): number => {
    if (isShort) {
      view.setFloat32(0, value);
      view.setInt32(0, view.getInt32(0) + step);
      return view.getFloat32(0);
    }
    view.setFloat64(0, value);
    view.setBigInt64(0, view.getBigInt64(0) + BigInt(step));
    return view.getFloat64(0);
  };
  const around = ends.flatMap((end) => [end, neighbour(end, 1), neighbour(end, -1)]);
  const halves = ends
    .flatMap((end) => [end - 1, end + 1, end - 0.5, end + 0.5])
    .map((x) => (isShort ? Math.fround(x) : x));
  return [...around, ...halves, -0.999, -1, 0.999];
}

describe('cast', () => {
  const pointer = ptr(scalar('u8'));
  const fn = fnType([pointer], undefined);
  const wide = [scalar('i64'), scalar('u64'), pointer, ptr(pointer), fn];

  it.each(wide.flatMap((from) => wide.map((to) => named(from, to))))('%s to %s keeps the bits', (_, __, from, to) => {
    const there = build([from], to, (b, [x]) => b.cast(to, x!));
    const isSigned = (type: Type) => type === scalar('i64');
    for (const bits of [0n, 1n, 0x1234_5678_9abc_def0n, 1n << 63n, (1n << 64n) - 1n]) {
      const value = isSigned(from) ? BigInt.asIntN(64, bits) : bits;
      expect(run(there, value)).toBe(isSigned(to) ? BigInt.asIntN(64, bits) : bits);
    }
  });
});
