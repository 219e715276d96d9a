// Rounding to integral values, least and greatest, magnitude: of floats, through the interpreter, against definitions.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IrValue, scalar } from '../index.js';
import { arbitraryValue, interestingValues } from '../testing/index.js';
import { build, run } from './arithmetic.test-support.js';
import { toRational } from './rounding.test-support.js';

/** Rounds a fraction to an integer; the sign of a zero is not its business. */
const integral: Record<string, (numerator: bigint, denominator: bigint) => bigint> = {
  floor: (n, d) => n / d - (n % d < 0n ? 1n : 0n),
  ceil: (n, d) => n / d + (n % d > 0n ? 1n : 0n),
  trunc: (n, d) => n / d,
  round: (n, d) => {
    const below = n / d - (n % d < 0n ? 1n : 0n);
    const twiceRest = 2n * (n - below * d);
    return twiceRest > d || (twiceRest === d && below % 2n !== 0n) ? below + 1n : below;
  },
};

describe.each(['f32', 'f64'] as const)('of %s', (name) => {
  const type = scalar(name);

  it.each(Object.keys(integral) as ('floor' | 'ceil' | 'trunc' | 'round')[])('%s', (op) => {
    const fn = build([type], type, (b, [x]) => b.unary(op, x!));
    const check = (value: IrValue) => {
      const x = value as number;
      const found = run(fn, x) as number;
      if (!Number.isFinite(x)) {
        expect([x, found]).toEqual([x, x]);
        return;
      }
      const { numerator, denominator } = toRational(x);
      expect([x, found + 0]).toEqual([x, Number(integral[op]!(numerator, denominator)) + 0]);
      if (found === 0) expect([x, Object.is(found, -0)]).toEqual([x, x < 0 || Object.is(x, -0)]);
    };
    for (const x of interestingValues(type)) check(x);
    for (let k = -20; k <= 20; k++) for (const part of [0, 0.25, 0.5, 0.75]) check(k + part);
    for (const k of [2 ** 22, 2 ** 23, 2 ** 51, 2 ** 52])
      for (const part of [-0.5, 0, 0.5]) check(Math.fround(k + part));
    const below = name === 'f64' ? 0.5 - 2 ** -54 : 0.5 - 2 ** -25;
    for (const x of [below, -below]) check(x); // adding a half would round it up
    fc.assert(fc.property(arbitraryValue(type), check), { numRuns: 500 });
  });

  it('min and max', () => {
    const [min, max] = (['min', 'max'] as const).map((op) =>
      build([type, type], type, (b, [x, y]) => b.binary(op, x!, y!)),
    );
    const before = (a: number, b: number): boolean => a < b || (a === b && Object.is(a, -0));
    const check = (a: IrValue, b: IrValue) => {
      const [x, y] = [a as number, b as number];
      const isNumber = !Number.isNaN(x) && !Number.isNaN(y);
      expect([x, y, run(min!, x, y)]).toEqual([x, y, isNumber ? (before(x, y) ? x : y) : Number.NaN]);
      expect([x, y, run(max!, x, y)]).toEqual([x, y, isNumber ? (before(x, y) ? y : x) : Number.NaN]);
    };
    for (const a of interestingValues(type)) for (const b of interestingValues(type)) check(a, b);
  });

  it('abs and neg turn nothing but the sign', () => {
    const [abs, neg] = (['abs', 'neg'] as const).map((op) => build([type], type, (b, [x]) => b.unary(op, x!)));
    for (const value of interestingValues(type)) {
      const x = value as number;
      const isNegative = x < 0 || Object.is(x, -0);
      expect([x, run(abs!, x)]).toEqual([x, isNegative ? 0 - x : x]);
      expect([x, run(neg!, x)]).toEqual([x, x === 0 ? (isNegative ? 0 : -0) : 0 - x]);
    }
  });

  it('fma rounds once', () => {
    const fn = build([type, type, type], type, (b, [x, y, z]) => b.fma(x!, y!, z!));
    const small = name === 'f64' ? 2 ** -27 : 2 ** -12;
    expect(run(fn, 1 + small, 1 + small, -(1 + 2 * small))).toBe(small * small);
  });
});
