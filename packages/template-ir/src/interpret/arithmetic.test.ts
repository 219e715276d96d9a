// Every operation at every type, through the interpreter, against computations that do not share its code: typed arrays
// for wrapping, exact rationals for rounding to f32.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BINARY_OPS,
  COMPARE_OPS,
  type IrValue,
  isFloat,
  isInt,
  isSigned,
  SCALAR_NAMES,
  type ScalarName,
  scalar,
  sizeOf,
  type Type,
  typeToString,
  UNARY_OPS,
  type UnaryOp,
} from '../index.js';
import { arbitraryValue, interestingValues } from '../testing/index.js';
import { bitsOf, build, fromBits, magnitude, run, stored, zipBits } from './arithmetic.test-support.js';
import { rationalToF32, toRational } from './rounding.test-support.js';

const types = SCALAR_NAMES.map(scalar);
const integers = types.filter(isInt);
const runs = { numRuns: 300 };

/** What each integer operation means, from schoolbook definitions. */
const expectedInt: Record<string, (type: Type, a: bigint, b: bigint) => bigint | 'divide' | 'overflow'> = {
  add: (type, a, b) => stored(type, a + b),
  sub: (type, a, b) => stored(type, a - b),
  mul: (type, a, b) => stored(type, a * b),
  div: (type, a, b) => {
    if (b === 0n) return 'divide';
    const quotient = magnitude(a) / magnitude(b);
    return stored(type, a < 0n !== b < 0n ? -quotient : quotient);
  },
  rem: (type, a, b) => {
    if (b === 0n) return 'divide';
    const rest = magnitude(a) % magnitude(b);
    return stored(type, a < 0n ? -rest : rest);
  },
  and: (type, a, b) => zipBits(type, a, b, (x, y) => x === '1' && y === '1'),
  or: (type, a, b) => zipBits(type, a, b, (x, y) => x === '1' || y === '1'),
  xor: (type, a, b) => zipBits(type, a, b, (x, y) => x !== y),
  shl: (type, a, b) => {
    const bits = bitsOf(type, a);
    const count = Number(((b % 64n) + 64n) % 64n) % bits.length;
    return fromBits(type, bits.slice(count) + '0'.repeat(count));
  },
  shr: (type, a, b) => {
    const bits = bitsOf(type, a);
    const count = Number(((b % 64n) + 64n) % 64n) % bits.length;
    const fill = isSigned(type) ? bits[0]! : '0';
    return fromBits(type, fill.repeat(count) + bits.slice(0, bits.length - count));
  },
  rotl: (type, a, b) => rotated(type, a, b),
  rotr: (type, a, b) => rotated(type, a, -b),
  min: (_, a, b) => (a - b < 0n ? a : b),
  max: (_, a, b) => (a - b < 0n ? b : a),
  add_checked: (type, a, b) => held(type, a + b),
  sub_checked: (type, a, b) => held(type, a - b),
  mul_checked: (type, a, b) => held(type, a * b),
  div_checked: (type, a, b) => {
    if (b === 0n) return 'divide';
    const quotient = magnitude(a) / magnitude(b);
    return held(type, a < 0n !== b < 0n ? -quotient : quotient);
  },
};

function rotated(type: Type, a: bigint, left: bigint): bigint {
  const bits = bitsOf(type, a);
  const width = BigInt(bits.length);
  const count = Number(((left % width) + width) % width);
  return fromBits(type, bits.slice(count) + bits.slice(0, count));
}

/** What hardware of that width cannot hold comes back as another number. */
function held(type: Type, exact: bigint): bigint | 'overflow' {
  return exact >= -(1n << 63n) && exact < 1n << 64n && stored(type, exact) === exact ? exact : 'overflow';
}

/** What each operation on one integer means, from its bits as text. */
const expectedUnary: Record<string, (type: Type, a: bigint) => bigint | 'overflow'> = {
  neg: (type, a) => stored(type, 0n - a),
  not: (type, a) => zipBits(type, a, a, (x) => x === '0'),
  abs: (type, a) => stored(type, magnitude(a)),
  neg_checked: (type, a) => held(type, -a),
  popcount: (type, a) => BigInt([...bitsOf(type, a)].filter((bit) => bit === '1').length),
  clz: (type, a) => BigInt(`${bitsOf(type, a)}1`.indexOf('1')),
  ctz: (type, a) => BigInt(`${[...bitsOf(type, a)].reverse().join('')}1`.indexOf('1')),
};

describe.each(integers.map((type) => [typeToString(type) as ScalarName, type] as const))(
  'integers of type %s',
  (_, type) => {
    const value = arbitraryValue(type) as fc.Arbitrary<bigint>;

    it.each(BINARY_OPS)('%s', (op) => {
      const fn = build([type, type], type, (b, [x, y]) => b.binary(op, x!, y!));
      const check = (a: bigint, b: bigint) => {
        expect([a, b, run(fn, a, b)]).toEqual([a, b, expectedInt[op]!(type, a, b)]);
      };
      const corners = interestingValues(type).slice(0, 8) as bigint[];
      for (const a of corners) for (const b of corners) check(a, b);
      fc.assert(fc.property(value, value, check), runs);
    });

    it.each(Object.keys(expectedUnary) as UnaryOp[])('%s', (op) => {
      const fn = build([type], type, (b, [x]) => b.unary(op, x!));
      const check = (a: bigint) => {
        expect([a, run(fn, a)]).toEqual([a, expectedUnary[op]!(type, a)]);
      };
      for (const a of interestingValues(type)) check(a as bigint);
      fc.assert(fc.property(value, check), runs);
    });
  },
);

describe('floats', () => {
  const f64 = scalar('f64');
  const f32 = scalar('f32');
  const ops = ['add', 'sub', 'mul', 'div'] as const;
  const javascript = {
    add: (a: number, b: number) => a + b,
    sub: (a: number, b: number) => a - b,
    mul: (a: number, b: number) => a * b,
    div: (a: number, b: number) => a / b,
  };

  it.each(ops)('f64 %s is what JavaScript computes', (op) => {
    const fn = build([f64, f64], f64, (b, [x, y]) => b.binary(op, x!, y!));
    fc.assert(
      fc.property(arbitraryValue(f64), arbitraryValue(f64), (a, b) => {
        expect(run(fn, a, b)).toBe(javascript[op](a as number, b as number));
      }),
      runs,
    );
  });

  it.each(ops)('f32 %s rounds the exact result once', (op) => {
    const fn = build([f32, f32], f32, (b, [x, y]) => b.binary(op, x!, y!));
    const exact = (a: number, b: number): number => {
      if (!Number.isFinite(a) || !Number.isFinite(b) || (op === 'div' && b === 0)) return javascript[op](a, b);
      const [x, y] = [toRational(a), toRational(b)];
      const [n, d] = {
        add: [x.numerator * y.denominator + y.numerator * x.denominator, x.denominator * y.denominator] as const,
        sub: [x.numerator * y.denominator - y.numerator * x.denominator, x.denominator * y.denominator] as const,
        mul: [x.numerator * y.numerator, x.denominator * y.denominator] as const,
        div: [x.numerator * y.denominator, x.denominator * y.numerator] as const,
      }[op];
      return n === 0n ? javascript[op](a, b) : rationalToF32(n, d); // the sign of zero is IEEE's business, and JavaScript's
    };
    const check = (a: IrValue, b: IrValue) => {
      expect([a, b, run(fn, a, b)]).toEqual([a, b, exact(a as number, b as number)]);
    };
    for (const a of interestingValues(f32)) for (const b of interestingValues(f32)) check(a, b);
    fc.assert(fc.property(arbitraryValue(f32), arbitraryValue(f32), check), { numRuns: 2000 });
  });

  it('sqrt', () => {
    const double = build([f64], f64, (b, [x]) => b.unary('sqrt', x!));
    const single = build([f32], f32, (b, [x]) => b.unary('sqrt', x!));
    expect(run(double, 2)).toBe(Math.SQRT2);
    expect(run(double, -0)).toBe(-0);
    expect(run(double, -1)).toBe(Number.NaN);
    expect(run(single, 2)).toBe(Math.fround(Math.SQRT2));
    fc.assert(
      fc.property(arbitraryValue(f32), (value) => {
        const root = run(single, value) as number;
        if (!((value as number) > 0) || value === Number.POSITIVE_INFINITY) return;
        // The root is right if the value lies between the squares of the midpoints to its neighbours.
        const { numerator, denominator } = toRational(value as number);
        const isBelow = (x: { numerator: bigint; denominator: bigint }) =>
          x.numerator * x.numerator * denominator <= numerator * x.denominator * x.denominator;
        expect(isBelow(middle(neighbour(root, -1), root))).toBe(true);
        expect(isBelow(middle(root, neighbour(root, 1)))).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it('neg turns the sign of zero too', () => {
    const fn = build([f64], f64, (b, [x]) => b.unary('neg', x!));
    expect([run(fn, 0), run(fn, -0), run(fn, 1.5), run(fn, Infinity)]).toEqual([-0, 0, -1.5, -Infinity]);
  });
});

function neighbour(value: number, step: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  view.setUint32(0, view.getUint32(0) + step);
  return view.getFloat32(0);
}

function middle(a: number, b: number) {
  const [x, y] = [toRational(a), toRational(b)];
  return {
    numerator: x.numerator * y.denominator + y.numerator * x.denominator,
    denominator: 2n * x.denominator * y.denominator,
  };
}

describe('bool', () => {
  const bool = scalar('bool');

  it.each([
    ['and', [false, false, false, true]],
    ['or', [false, true, true, true]],
    ['xor', [false, true, true, false]],
    ['eq', [true, false, false, true]],
    ['ne', [false, true, true, false]],
  ] as const)('%s', (op, expected) => {
    const fn = build([bool, bool], bool, (b, [x, y]) =>
      op === 'eq' || op === 'ne' ? b.compare(op, x!, y!) : b.binary(op, x!, y!),
    );
    expect([false, true].flatMap((a) => [false, true].map((b) => run(fn, a, b)))).toEqual(expected);
  });

  it('not', () => {
    const fn = build([bool], bool, (b, [x]) => b.unary('not', x!));
    expect([run(fn, true), run(fn, false)]).toEqual([false, true]);
  });
});

describe('comparisons', () => {
  it.each(types.filter((type) => type !== scalar('bool')).map((type) => [typeToString(type), type] as const))(
    'of %s',
    (_, type) => {
      for (const op of COMPARE_OPS) {
        const fn = build([type, type], scalar('bool'), (b, [x, y]) => b.compare(op, x!, y!));
        fc.assert(
          fc.property(arbitraryValue(type), arbitraryValue(type), (a, b) => {
            const ordered = !Number.isNaN(a) && !Number.isNaN(b);
            const less = ordered && a < b;
            const greater = ordered && a > b;
            const equal = ordered && !less && !greater;
            const expected = { eq: equal, ne: !equal, lt: less, le: less || equal, gt: greater, ge: greater || equal };
            expect(run(fn, a, b)).toBe(expected[op]);
          }),
          { numRuns: 100 },
        );
        if (isFloat(type)) {
          expect(run(fn, Number.NaN, Number.NaN)).toBe(op === 'ne');
          expect(run(fn, -0, 0)).toBe(op === 'eq' || op === 'le' || op === 'ge');
        }
      }
    },
  );
});

describe('convert', () => {
  const numbers = types.filter((type) => isInt(type) || isFloat(type));
  const conversion = (from: Type, to: Type) => build([from], to, (b, [x]) => b.convert(to, x!));

  it.each(integers.flatMap((from) => integers.map((to) => [typeToString(from), typeToString(to), from, to] as const)))(
    '%s to %s wraps or extends',
    (_, __, from, to) => {
      const fn = conversion(from, to);
      fc.assert(
        fc.property(arbitraryValue(from), (a) => {
          expect(run(fn, a)).toBe(stored(to, a as bigint));
        }),
        { numRuns: 100 },
      );
    },
  );

  it.each(integers.map((from) => [typeToString(from), from] as const))('%s to floats rounds once', (_, from) => {
    const [single, double] = [conversion(from, scalar('f32')), conversion(from, scalar('f64'))];
    const check = (a: IrValue) => {
      expect(run(single, a)).toBe(a === 0n ? 0 : rationalToF32(a as bigint, 1n));
      expect(run(double, a)).toBe(Number.parseFloat(`${a}`)); // decimal to f64 is correctly rounded
    };
    for (const a of interestingValues(from)) check(a);
    fc.assert(fc.property(arbitraryValue(from), check), runs);
  });

  it('of 64-bit integers to f32 does not round by way of f64', () => {
    const fn = conversion(scalar('u64'), scalar('f32'));
    const value = (1n << 60n) + (1n << 36n) + 1n; // just above a tie of f32, which f64 would take for the tie
    expect(Math.fround(Number(value))).toBe(2 ** 60);
    expect(run(fn, value)).toBe(2 ** 60 + 2 ** 37);
  });

  it.each(integers.map((to) => [typeToString(to), to] as const))('floats to %s truncates and saturates', (_, to) => {
    const width = BigInt(sizeOf(to)! * 8);
    const min = isSigned(to) ? -(2n ** (width - 1n)) : 0n;
    const max = isSigned(to) ? 2n ** (width - 1n) - 1n : 2n ** width - 1n;
    for (const from of [scalar('f32'), scalar('f64')]) {
      const fn = conversion(from, to);
      const expected = (a: number): bigint => {
        if (Number.isNaN(a)) return 0n;
        if (!Number.isFinite(a)) return a < 0 ? min : max;
        const { numerator, denominator } = toRational(a);
        const whole = numerator / denominator; // BigInt division truncates
        return whole < min ? min : whole > max ? max : whole;
      };
      const check = (a: IrValue) => {
        expect([a, run(fn, a)]).toEqual([a, expected(a as number)]);
      };
      for (const a of interestingValues(from)) check(a);
      fc.assert(fc.property(arbitraryValue(from), check), runs);
    }
  });

  it('between floats', () => {
    const [narrow, widen] = [conversion(scalar('f64'), scalar('f32')), conversion(scalar('f32'), scalar('f64'))];
    fc.assert(
      fc.property(arbitraryValue(scalar('f64')), (a) => {
        const value = a as number;
        if (Number.isNaN(value)) expect(run(narrow, value)).toBe(Number.NaN);
        else if (value === 0 || !Number.isFinite(value)) expect(run(narrow, value)).toBe(value);
        else {
          const { numerator, denominator } = toRational(value);
          expect(Math.abs(run(narrow, value) as number)).toBe(Math.abs(rationalToF32(numerator, denominator)));
        }
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(arbitraryValue(scalar('f32')), (a) => {
        expect(run(widen, a)).toBe(a);
      }),
    );
  });

  it('of a type to itself changes nothing, and bool becomes 0 or 1', () => {
    for (const type of numbers) {
      const fn = conversion(type, type);
      fc.assert(
        fc.property(arbitraryValue(type), (a) => {
          expect(run(fn, a)).toBe(a);
        }),
        { numRuns: 30 },
      );
    }
    for (const type of integers) {
      expect([run(conversion(scalar('bool'), type), false), run(conversion(scalar('bool'), type), true)]).toEqual([
        0n,
        1n,
      ]);
    }
  });
});

it('the lists of operations are those that are tested here and with floats', () => {
  expect(Object.keys(expectedInt).sort()).toEqual([...BINARY_OPS].sort());
  const ofFloats = ['sqrt', 'floor', 'ceil', 'trunc', 'round'];
  expect([...UNARY_OPS].sort()).toEqual([...Object.keys(expectedUnary), ...ofFloats].sort());
});
