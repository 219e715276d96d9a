// What the verifier accepts as generic code can be specialised for every type argument that meets the bounds.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrayOf,
  environmentOf,
  fnType,
  IrSpecialiseError,
  isAggregate,
  isConcrete,
  named,
  parseModule,
  ptr,
  SCALAR_NAMES,
  satisfies,
  scalar,
  specialise,
  type Template,
  type Type,
  verifyModule,
} from './index.js';
import { arbitraryProgram } from './testing/index.js';

const own = parseModule(
  'module own\nstruct Own<A: Any> {\n  a: u8\n  b: A\n}\nenum Either<A: Any> {\n  None\n  Some(value: A)\n}\n',
).types;

const basic = SCALAR_NAMES.map(scalar);
const pool: readonly Type[] = [
  ...basic,
  ...basic.slice(0, 4).map(ptr),
  ptr(named('Own', [scalar('u8')])),
  named('Own', [scalar('f64')]),
  named('Own', [named('Either', [scalar('i16')])]),
  named('Either', [arrayOf(scalar('u8'), 3)]),
  arrayOf(scalar('bool'), 5),
  fnType([scalar('i64')], scalar('i64')),
  fnType([named('Own', [scalar('i8')])], named('Either', [scalar('i8')])),
];

/** Type arguments for the template, chosen by numbers. */
function choose(template: Template, choices: readonly number[]): Type[] {
  return template.typeParams.map(({ bound }, i) => {
    const fitting = pool.filter((type) => satisfies(type, bound));
    return fitting[choices[i % choices.length]! % fitting.length]!;
  });
}

describe('separate checking', () => {
  it('holds for random programs and random arguments', () => {
    let done = 0;
    const seen = new Set<Type>();
    fc.assert(
      fc.property(arbitraryProgram(), fc.array(fc.nat(999), { minLength: 3, maxLength: 3 }), ({ module }, choices) => {
        verifyModule(module);
        const types = environmentOf([...module.types, ...own]);
        for (const template of module.templates) {
          const typeArgs = choose(template, choices);
          try {
            const fn = specialise(template, typeArgs, { types });
            done++;
            for (const type of typeArgs) seen.add(type);
            expect(fn.typeParams).toEqual([]);
            expect(fn.valueTypes.every((type) => isConcrete(type) && !isAggregate(type))).toBe(true);
            for (const { terminator } of fn.blocks) expect(terminator.op).not.toBe('if');
          } catch (error) {
            // A literal that the type cannot hold is all that may go wrong.
            if (!(error instanceof IrSpecialiseError) || error.code !== 'LITERAL_RANGE') throw error;
          }
        }
      }),
      { numRuns: 300 },
    );
    expect(done).toBeGreaterThan(300);
    expect(seen.size).toBeGreaterThan(10);
  });

  // What the random programs have little of: every operation that a bound promises, on the parameter itself.
  const promised = `module m
struct Pair<A: Any, B: Any> {
  a: A
  b: B
}
fn any<T: Any>(x: T, y: T, c: bool, p: ptr<T>, f: fn(T) -> T) -> T {
entry:
  z = select c, x, y
  s = slot T
  store s, z
  n = sizeof T
  l = alignof T
  copy s, p, 1
  q = slot Pair<T, array<T, 3>>
  b = field q, b
  e = item b, 2
  w = invoke f(z)
  store e, w
  o = offsetof Pair<u8, T>, b
  r = load e
  jump loop(r, x)
loop(g: T, h: T):
  branch c, loop(h, g), out
out:
  return g
}
fn eq<T: Eq>(x: T, y: T) -> bool {
entry:
  a = eq x, y
  b = ne x, y
  t: T = extern same(x)
  r = and a, b
  return r
}
fn ord<T: Ord>(x: T, y: T) -> bool {
entry:
  a = lt x, y
  b = ge x, y
  r = xor a, b
  return r
}
fn num<T: Num, U: Num>(x: T, y: T) -> U {
entry:
  a = add x, y
  b = div a, 1
  c = min b, y
  d = abs c
  e = neg d
  f: U = convert e
  g: U = convert_checked e
  h = max f, g
  return h
}
fn int<T: Int>(x: T, y: T, c: bool) -> T {
entry:
  a = rem x, y
  b = shl a, y
  d = rotr b, 3
  e = popcount d
  f = clz e
  g = add_checked f, y
  h = neg_checked g
  i = div_checked h, y
  bounds i, 10
  j: T = convert c
  k = xor i, j
  l = not k
  return l
}
fn float<T: Float>(x: T, y: T) -> T {
entry:
  a = sqrt x
  b = floor a
  c = round b
  d = fma a, b, 0.5
  e = trunc c
  f = add d, e
  return f
}
fn branches<T: Any>(x: T) -> i64 {
entry:
  if T is Float, floats, next
floats:
  s = sqrt x
  t = add s, 0.25
  n: i64 = convert t
  return n
next:
  if T is Int, ints, last
ints:
  m = and x, 100
  o: i64 = convert m
  return o
last:
  if T is Eq, compare, none
compare:
  c = eq x, x
  p: i64 = convert c
  return p
none:
  z = sizeof T
  return z
}
`;

  const module = parseModule(promised);
  verifyModule(module);
  const types = environmentOf([...module.types, ...own]);
  it.each(module.templates.map((template) => [template.name, template] as const))('holds for %s', (_, template) => {
    let count = 0;
    for (const type of pool) {
      if (!template.typeParams.every(({ bound }) => satisfies(type, bound))) continue;
      specialise(
        template,
        template.typeParams.map(() => type),
        { types },
      );
      count++;
    }
    expect(count).toBeGreaterThan(1);
  });
});
