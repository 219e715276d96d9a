import { describe, expect, it } from 'vitest';
import {
  arrayOf,
  calleesOf,
  environmentOf,
  FunctionBuilder,
  IrSpecialiseError,
  IrVerifyError,
  instances,
  interpret,
  named,
  param,
  parseModule,
  ptr,
  type SpecialiseCode,
  scalar,
  signatureOf,
  signatureToString,
  specialise,
  type Type,
  type TypeDeclaration,
  verifyDeclarations,
  verifyTemplate,
} from './index.js';
import { thrown } from './thrown.test-support.js';

const [i64, u8, f32, f64, bool] = (['i64', 'u8', 'f32', 'f64', 'bool'] as const).map(scalar) as [
  Type,
  Type,
  Type,
  Type,
  Type,
];

const module = parseModule(
  `module m
fn sum<T: Num, U: Any>(data: ptr<T>, n: i64) -> T {
entry:
  size = sizeof ptr<U>
  one: T = const 1
  low: T = const 200
  call other<T, ptr<U>>(data)
  y: T = call third<T>(n)
  call other<T, ptr<U>>(data)
  z = add one, y
  return z
}
fn exact<T: Float>() -> T {
entry:
  a: T = const 16777217
  b: T = const 0.1
  c: T = const 1e39
  return b
}
fn other<T: Any, P: Any>(data: ptr<T>) {
entry:
  return
}
fn plain(x: i64) -> i64 {
entry:
  return x
}`,
);

const [sum, exact, , plain] = module.templates as [never, never, never, never];

describe('specialise', () => {
  it('substitutes types everywhere and leaves no type parameter', () => {
    const fn = specialise(sum, [f64, u8]);
    expect(fn).toMatchObject({
      name: 'sum',
      symbol: 'fn$sum$f64$u8',
      typeArgs: [f64, u8],
      typeParams: [],
      result: f64,
    });
    expect(fn.valueTypes[0]).toBe(ptr(f64));
    expect(fn.blocks[0]!.instructions[0]).toMatchObject({ op: 'const', value: 8n });
    expect(fn.blocks[0]!.instructions[3]).toMatchObject({ callee: { template: 'other', typeArgs: [f64, ptr(u8)] } });
    verifyTemplate(fn);
  });

  it('takes the symbol it is given', () => {
    expect(specialise(plain, [], { symbol: 'main' }).symbol).toBe('main');
    expect(specialise(plain, []).symbol).toBe('fn$plain');
  });

  it('brings literals to their type', () => {
    const literals = (type: Type) =>
      specialise(sum, [type, type]).blocks[0]!.instructions.flatMap((i) => (i.op === 'const' ? [i.value] : []));
    expect(literals(u8)).toEqual([8n, 1n, 200n]);
    expect(literals(f64)).toEqual([8n, 1, 200]);
    const inDouble = specialise(exact, [f64]).blocks[0]!.instructions;
    expect(inDouble).toMatchObject([{ value: 16777217 }, { value: 0.1 }, { value: 1e39 }]);
  });

  it.each<[SpecialiseCode, string, () => unknown]>([
    ['ARGUMENT_COUNT', 'sum: takes 2 (T: Num, U: Any), got 1', () => specialise(sum, [i64])],
    ['ARGUMENT_COUNT', 'plain: takes no type arguments, got 1', () => specialise(plain, [i64])],
    [
      'ARGUMENT_TYPE',
      'sum: the argument for U must be concrete, ptr<T> is not',
      () => specialise(sum, [i64, ptr(param(0, 'T'))]),
    ],
    [
      'ARGUMENT_TYPE',
      'sum: the argument for U has more than 64 levels or 1024 parts',
      () => specialise(sum, [i64, deep(64)]),
    ],
    [
      'ARGUMENT_TYPE',
      'sum: the argument for T is no type of this copy of @simple-jit/template-ir',
      () => specialise(sum, [{ kind: 'scalar', name: 'i64' }, i64]),
    ],
    [
      'ARGUMENT_TYPE',
      'sum: the argument for U is no type of this copy of @simple-jit/template-ir',
      () => specialise(sum, [i64, undefined as unknown as Type]),
    ],
    ['BOUND_NOT_MET', 'sum: T needs bound Num, bool has Eq only', () => specialise(sum, [bool, i64])],
    [
      'LITERAL_RANGE',
      'sum: literal 200 of type T: expected an integer from -128 to 127 (i8)',
      () => specialise(sum, [scalar('i8'), i64]),
    ],
    [
      'LITERAL_RANGE',
      'exact: literal 1e+39 of type T: expected a number that f32 can hold',
      () => specialise(exact, [f32]),
    ],
  ])('reports %s: %s', (code, message, action) => {
    expect(thrown(IrSpecialiseError, action)).toMatchObject({ code, message });
  });

  it('refuses a template that is not valid', () => {
    const fn = parseModule('module m\nfn f<T: Eq>(a: T) -> T {\nentry:\n  return a\n}').templates[0]!;
    expect(() => specialise({ ...fn, result: undefined }, [i64])).toThrow(IrVerifyError);
    expect(() => specialise({ ...fn, blocks: [] }, [i64])).toThrow(IrVerifyError);
  });

  it('lets a type grow by one level only up to the limit', () => {
    const tooDeep = thrown(IrSpecialiseError, () => specialise(sum, [i64, deep(63)])); // ptr<U> has one more
    expect(tooDeep).toMatchObject({
      code: 'LIMIT',
      message: 'sum: ptr<U> has more than 64 levels or 1024 parts with these arguments',
    });
    expect(specialise(sum, [i64, deep(62)]).typeArgs[1]).toBe(deep(62));
  });
});

it('ends an endless chain of instances with LIMIT', () => {
  const { types, templates } = parseModule(`module m
struct Pair<A: Any, B: Any> {
  a: ptr<A>
  b: ptr<B>
}
fn deeper<T: Any>() {
entry:
  call deeper<ptr<T>>()
  return
}
fn wider<T: Any>() {
entry:
  call wider<Pair<T, T>>()
  return
}`);
  const call = instances({ name: 'm', types, templates });
  for (const template of ['deeper', 'wider']) {
    const start = call({ template, typeArgs: [i64] });
    expect(thrown(IrSpecialiseError, () => interpret(start, [], { call })).code).toBe('LIMIT');
  }
});

it('looks at each type once, however much types share', () => {
  let [type, pairs]: [Type, number] = [i64, 0];
  for (; pairs < 9; pairs++) type = named('Pair', [type, type]); // 1023 parts
  const f = new FunctionBuilder('f');
  for (let length = 1; length <= 500; length++) f.sizeof(arrayOf(type, length));
  f.return();
  const declared = parseModule('module m\nstruct Pair<A: Any, B: Any> {\n  a: ptr<A>\n  b: ptr<B>\n}\n').types;
  let asked = 0;
  const types = (): TypeDeclaration => {
    asked++;
    return declared[0]!;
  };
  const template = f.build();
  verifyTemplate(template, undefined, types);
  specialise(template, [], { types });
  expect(asked).toBeLessThan(100);
});

it('reports LIMIT where the layouts take too much text to tell', () => {
  const name = 'P'.repeat(1024);
  let type: Type = i64;
  for (let i = 0; i < 9; i++) type = named(name, [type, type]); // half a million characters
  const fields = Array.from({ length: 40 }, (_, i) => ({ name: `f${i}`, type: ptr(type) }));
  const { types } = parseModule(`module m\nstruct ${name}<A: Any, B: Any> {\n  a: ptr<A>\n  b: ptr<B>\n}\n`);
  const specialised = (count: number) => {
    const all = [...types, { kind: 'struct' as const, name: 'S', typeParams: [], fields: fields.slice(0, count) }];
    verifyDeclarations(all);
    const f = new FunctionBuilder('f');
    f.sizeof(named('S'));
    f.return();
    return specialise(f.build(), [], { types: environmentOf(all) });
  };
  expect(specialised(10).layouts).toHaveLength(1);
  expect(thrown(IrSpecialiseError, () => specialised(40)).code).toBe('LIMIT');
});

function deep(levels: number): Type {
  let type: Type = i64;
  for (let i = 0; i < levels; i++) type = ptr(type);
  return type;
}

describe('signatureOf and calleesOf', () => {
  it('tell what a function takes and gives', () => {
    expect(signatureToString(signatureOf(sum))).toBe('(ptr<T>, i64) -> T');
    expect(signatureToString(signatureOf(specialise(sum, [f64, u8])))).toBe('(ptr<f64>, i64) -> f64');
  });

  it('tell each callee once, in the order of the calls, with the signature that the calls rely on', () => {
    const callees = calleesOf(specialise(sum, [f64, u8]));
    expect(callees).toEqual([
      { op: 'call', template: 'other', typeArgs: [f64, ptr(u8)], signature: { params: [ptr(f64)], result: undefined } },
      { op: 'call', template: 'third', typeArgs: [f64], signature: { params: [i64], result: f64 } },
    ]);
    expect(calleesOf(plain)).toEqual([]);
  });
});
