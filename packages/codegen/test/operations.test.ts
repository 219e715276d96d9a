import {
  BINARY_OPS,
  COMPARE_OPS,
  type IrValue,
  SCALAR_NAMES,
  type ScalarName,
  UNARY_OPS,
} from '@simple-jit/template-ir';
import { describe, expect, it } from 'vitest';
import { compileUnit } from '../src/index.js';
import type { InternalOptions } from '../src/unit.js';
import { agree, functionsOf } from './support/agree.js';
import { HOST_FEATURES } from './support/host-features.js';
import { FLOATS, INTS, interestingValues } from './support/values.js';

function literal(value: IrValue, type: ScalarName): string {
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return 'nan';
    if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
    return Object.is(value, -0)
      ? '-0.0'
      : Number.isInteger(value) && Math.abs(value) < 1e21
        ? `${value}.0`
        : `${value}`;
  }
  return type === 'bool' ? `${value}` : `${value}`;
}

const pairs = (type: ScalarName): readonly (readonly IrValue[])[] => {
  const values = interestingValues(type);
  return values.flatMap((a) => values.map((b) => [a, b]));
};

const INTEGER_ONLY = [
  'rem', 'shl', 'shr', 'rotl', 'rotr', 'popcount', 'clz', 'ctz', 'neg_checked', 'add_checked', 'sub_checked', 'mul_checked', 'div_checked',
]; // biome-ignore format: a list
const FLOAT_ONLY = ['sqrt', 'floor', 'ceil', 'trunc', 'round'];

/** What rounding and its limits are about, besides the usual. */
const FRACTIONS = [
  0.49999999999999994, 4503599627370495.5, 4503599627370497, -4503599627370495.5, 8388607.5, 8388609, -8388607.5, -1.5, -0.2, 3.5, 4.5, 127.99,
  -128.99, 255.99, 65535.99, -32768.99, 2147483647.5, -2147483648.9, 4294967295.9, 2 ** 63 - 1024, -(2 ** 63) - 2048,
]; // biome-ignore format: a list

function valuesOf(type: ScalarName): readonly IrValue[] {
  const values = interestingValues(type);
  if (type === 'f64') return [...values, ...FRACTIONS];
  return type === 'f32' ? [...values, ...FRACTIONS.map(Math.fround)] : values;
}

/** The baseline, and all that the processor at hand may have beyond it. */
const PROCESSORS: readonly InternalOptions[] = [
  {},
  ...(HOST_FEATURES.size > 0 ? [{ cpuFeatures: HOST_FEATURES }] : []),
];

function exists(op: string, type: ScalarName): boolean {
  const isInt = INTS.includes(type as (typeof INTS)[number]);
  const isFloat = FLOATS.includes(type as (typeof FLOATS)[number]);
  if (INTEGER_ONLY.includes(op)) return isInt;
  if (['and', 'or', 'xor', 'not'].includes(op)) return isInt || type === 'bool';
  if (FLOAT_ONLY.includes(op)) return isFloat;
  if (op === 'eq' || op === 'ne') return true;
  return isInt || isFloat;
}

describe.each(SCALAR_NAMES)('%s', (type) => {
  it.each(UNARY_OPS.filter((op) => exists(op, type)))('%s', (op) => {
    const constants = valuesOf(type).map(
      (value, i) =>
        `fn c${i}(unused: bool) -> ${type} {\nentry:\n  k: ${type} = const ${literal(value, type)}\n  r = ${op} k\n  return r\n}`,
    );
    for (const options of PROCESSORS) {
      agree(
        functionsOf(`fn f(x: ${type}) -> ${type} {\nentry:\n  r = ${op} x\n  return r\n}\n`),
        valuesOf(type).map((value) => [value]),
        options,
      );
      agree(functionsOf(constants.join('\n')), [[true]], options);
    }
  });

  it.each([...BINARY_OPS, ...COMPARE_OPS].filter((op) => exists(op, type)))('%s', (op) => {
    const result = (COMPARE_OPS as readonly string[]).includes(op) ? 'bool' : type;
    const signature = `(x: ${type}, y: ${type}) -> ${result}`;
    const functions = [`fn both${signature} {\nentry:\n  r = ${op} x, y\n  return r\n}`];
    functions.push(`fn same${signature} {\nentry:\n  r = ${op} x, x\n  return r\n}`);
    interestingValues(type).forEach((value, i) => {
      const constant = literal(value, type);
      functions.push(`fn right${i}(x: ${type}) -> ${result} {\nentry:\n  r = ${op} x, ${constant}\n  return r\n}`);
      functions.push(`fn left${i}(y: ${type}) -> ${result} {\nentry:\n  r = ${op} ${constant}, y\n  return r\n}`);
    });
    const [both, reuse, ...constants] = functionsOf(functions.join('\n'));
    agree([both!, reuse!], pairs(type));
    agree(
      constants,
      interestingValues(type).map((value) => [value]),
    );
  });

  it.each(COMPARE_OPS.filter((op) => exists(op, type)))('%s in branches and selections', (op) => {
    agree(
      functionsOf(`
fn branches(x: ${type}, y: ${type}) -> i32 {
entry:
  c = ${op} x, y
  branch c, yes, no
yes:
  return 1
no:
  return 2
}
fn into_one(x: ${type}, y: ${type}) -> i32 {
entry:
  c = ${op} x, y
  branch c, join(1), join(2)
join(r: i32):
  return r
}
fn select_self(x: ${type}, y: ${type}) -> ${type} {
entry:
  c = ${op} x, y
  r = select c, x, y
  return r
}
fn select_other(x: ${type}, y: ${type}) -> ${type} {
entry:
  c = ${op} x, y
  r = select c, y, x
  return r
}
fn select_double(x: ${type}, y: ${type}) -> f64 {
entry:
  c = ${op} x, y
  r: f64 = select c, 1.5, 2.5
  return r
}
fn select_int(x: ${type}, y: ${type}) -> i64 {
entry:
  c = ${op} x, y
  r: i64 = select c, 5, 7
  return r
}
fn kept(x: ${type}, y: ${type}) -> bool {
entry:
  c = ${op} x, y
  r = select c, c, false
  return r
}`),
      pairs(type),
    );
  });

  it.each(SCALAR_NAMES.filter((to) => (type === 'bool' ? INTS.includes(to as never) : to !== 'bool')))(
    'converts to %s',
    (to) => {
      const values = valuesOf(type);
      for (const op of ['convert', 'convert_checked']) {
        const constants = values.map(
          (value, i) =>
            `fn c${i}(unused: bool) -> ${to} {\nentry:\n  k: ${type} = const ${literal(value, type)}\n  r: ${to} = ${op} k\n  return r\n}`,
        );
        agree(
          functionsOf(`fn f(x: ${type}) -> ${to} {\nentry:\n  r: ${to} = ${op} x\n  return r\n}`),
          values.map((value) => [value]),
        );
        agree(functionsOf(constants.join('\n')), [[true]]);
      }
    },
  );
});

describe.each(INTS)('bounds of %s', (type) => {
  it('holds for indexes from 0 up to the length', () => {
    const constants = interestingValues(type).flatMap((value, i) => [
      `fn length${i}(x: ${type}) -> ${type} {\nentry:\n  bounds x, ${value}\n  return x\n}`,
      `fn index${i}(x: ${type}) -> ${type} {\nentry:\n  bounds ${value}, x\n  return x\n}`,
    ]);
    agree(functionsOf(`fn f(x: ${type}, n: ${type}) -> ${type} {\nentry:\n  bounds x, n\n  return x\n}`), pairs(type));
    agree(
      functionsOf(constants.join('\n')),
      interestingValues(type).map((value) => [value]),
    );
  });
});

describe.each(FLOATS)('fma of %s', (type) => {
  const text = `
fn f(x: ${type}, y: ${type}, z: ${type}) -> ${type} {
entry:
  r = fma x, y, z
  return r
}
fn square(x: ${type}, y: ${type}) -> ${type} {
entry:
  r = fma x, x, y
  s = fma r, y, r
  return s
}
fn constants(x: ${type}) -> ${type} {
entry:
  r = fma x, 0.1, -3.0
  return r
}`;

  it.skipIf(!HOST_FEATURES.has('fma'))('rounds once (skipped where the processor has no FMA)', () => {
    const values = interestingValues(type).filter((_value, i) => i % 3 === 0);
    const triples = values.flatMap((a) => values.flatMap((b) => values.map((c) => [a, b, c])));
    const almost = type === 'f64' ? 1 + 2 ** -30 : 1 + 2 ** -13;
    agree(functionsOf(text), [...triples, [almost, almost, -1], [almost, -almost, 1]], { cpuFeatures: HOST_FEATURES });
  });

  it('is refused without the feature', () => {
    expect(() => compileUnit(functionsOf(text))).toThrow(
      expect.objectContaining({ code: 'ERR_CPU_FEATURE', symbol: 'fn$f', feature: 'fma' }),
    );
  });
});
