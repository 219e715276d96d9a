import { describe, expect, it } from 'vitest';
import {
  BOUNDS,
  type Bound,
  boundOf,
  implies,
  isBool,
  isConcrete,
  isFloat,
  isInt,
  isSigned,
  mangle,
  param,
  ptr,
  SCALAR_NAMES,
  satisfies,
  scalar,
  signatureToString,
  sizeOf,
  substitute,
  typeToString,
} from './index.js';

const T = param(0, 'T');

describe('types', () => {
  it('are one object if they are equal', () => {
    expect(ptr(ptr(scalar('u8')))).toBe(ptr(ptr(scalar('u8'))));
    expect(param(0, 'T')).toBe(T);
    expect(param(1, 'T')).not.toBe(T);
    expect(param(0, 'U')).not.toBe(T);
    expect(Object.isFrozen(ptr(T))).toBe(true);
  });

  it('tell kind, sign and size', () => {
    const facts = SCALAR_NAMES.map(scalar).map((t) => [
      typeToString(t),
      sizeOf(t),
      isInt(t),
      isSigned(t),
      isFloat(t),
      isBool(t),
    ]);
    expect(facts).toEqual([
      ['i8', 1, true, true, false, false],
      ['i16', 2, true, true, false, false],
      ['i32', 4, true, true, false, false],
      ['i64', 8, true, true, false, false],
      ['u8', 1, true, false, false, false],
      ['u16', 2, true, false, false, false],
      ['u32', 4, true, false, false, false],
      ['u64', 8, true, false, false, false],
      ['f32', 4, false, false, true, false],
      ['f64', 8, false, false, true, false],
      ['bool', 1, false, false, false, true],
    ]);
    expect([sizeOf(ptr(T)), sizeOf(T)]).toEqual([8, undefined]);
    expect([isInt(T), isFloat(T), isBool(T), isSigned(ptr(scalar('i8')))]).toEqual([false, false, false, false]);
  });

  it('take the place of parameters', () => {
    const pair = [scalar('f32'), ptr(scalar('i8'))];
    expect(substitute(ptr(param(1, 'U')), pair)).toBe(ptr(ptr(scalar('i8'))));
    expect(substitute(scalar('i64'), pair)).toBe(scalar('i64'));
    expect([isConcrete(ptr(T)), isConcrete(ptr(pair[0]!))]).toEqual([false, true]);
  });

  it('read well', () => {
    expect(typeToString(ptr(ptr(T)))).toBe('ptr<ptr<T>>');
    expect(mangle('sort', [scalar('f64'), ptr(scalar('u8'))])).toBe('fn$sort$f64$ptr<u8>');
    expect(signatureToString({ params: [ptr(T), scalar('i64')], result: T })).toBe('(ptr<T>, i64) -> T');
    expect(signatureToString({ params: [], result: undefined })).toBe('()');
  });
});

describe('bounds', () => {
  const satisfied: Record<string, readonly Bound[]> = {
    i8: ['Any', 'Eq', 'Ord', 'Num', 'Int'],
    u64: ['Any', 'Eq', 'Ord', 'Num', 'Int'],
    f32: ['Any', 'Eq', 'Ord', 'Num', 'Float'],
    bool: ['Any', 'Eq'],
    'ptr<f32>': ['Any', 'Eq', 'Ord'],
  };

  it.each(Object.entries(satisfied))('of %s', (name, expected) => {
    const type = [...SCALAR_NAMES.map(scalar), ptr(scalar('f32'))].find((t) => typeToString(t) === name)!;
    expect(BOUNDS.filter((bound) => satisfies(type, bound))).toEqual(expected);
    expect(boundOf(type)).toBe(expected.at(-1));
  });

  it('of type parameters are what they say', () => {
    for (const bound of BOUNDS) {
      for (const needed of BOUNDS) expect(satisfies(T, needed, [{ name: 'T', bound }])).toBe(implies(bound, needed));
    }
    expect(implies('Int', 'Num') && implies('Float', 'Ord') && implies('Eq', 'Any')).toBe(true);
    expect(implies('Int', 'Float') || implies('Float', 'Int') || implies('Num', 'Int')).toBe(false);
    expect(satisfies(T, 'Any')).toBe(false); // a parameter of nothing
  });
});
