import {
  BINARY_OPS,
  COMPARE_OPS,
  type IrValue,
  SCALAR_NAMES,
  type ScalarName,
  UNARY_OPS,
} from '@simple-jit/template-ir';
import { describe, it } from 'vitest';
import { agree, functionsOf } from './support/agree.js';
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

function exists(op: string, type: ScalarName): boolean {
  const isInt = INTS.includes(type as (typeof INTS)[number]);
  const isFloat = FLOATS.includes(type as (typeof FLOATS)[number]);
  if (['rem', 'shl', 'shr'].includes(op)) return isInt;
  if (['and', 'or', 'xor', 'not'].includes(op)) return isInt || type === 'bool';
  if (op === 'sqrt') return isFloat;
  if (op === 'eq' || op === 'ne') return true;
  return isInt || isFloat;
}

describe.each(SCALAR_NAMES)('%s', (type) => {
  it.each(UNARY_OPS.filter((op) => exists(op, type)))('%s', (op) => {
    agree(
      functionsOf(`fn f(x: ${type}) -> ${type} {\nentry:\n  r = ${op} x\n  return r\n}\n`),
      interestingValues(type).map((value) => [value]),
    );
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
      const values = interestingValues(type);
      const constants = values.map(
        (value, i) =>
          `fn c${i}(unused: bool) -> ${to} {\nentry:\n  k: ${type} = const ${literal(value, type)}\n  r: ${to} = convert k\n  return r\n}`,
      );
      agree(
        functionsOf(`fn f(x: ${type}) -> ${to} {\nentry:\n  r: ${to} = convert x\n  return r\n}`),
        values.map((value) => [value]),
      );
      agree(functionsOf(constants.join('\n')), [[true]]);
    },
  );
});
