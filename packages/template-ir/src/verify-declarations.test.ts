import { describe, expect, it } from 'vitest';
import {
  arrayOf,
  diagnoseModule,
  diagnoseTemplate,
  type EnumDeclaration,
  FunctionBuilder,
  fnType,
  type Instruction,
  type IrFunction,
  IrVerifyError,
  named,
  param,
  parseModule,
  ptr,
  type StructDeclaration,
  scalar,
  type TemplateModule,
  type Terminator,
  type Type,
  type TypeDeclaration,
  type VerifyCode,
  verifyDeclarations,
  verifyModule,
  verifyTemplate,
} from './index.js';
import { thrown } from './thrown.test-support.js';

const [i64, u8, f64] = [scalar('i64'), scalar('u8'), scalar('f64')];
const T = param(0, 'T');
const anyT = [{ name: 'T', bound: 'Any' as const }];

const struct = (name: string, ...fields: Type[]): StructDeclaration => ({
  kind: 'struct',
  name,
  typeParams: anyT,
  fields: fields.map((type, i) => ({ name: `f${i}`, type })),
});
const withNames = (declaration: StructDeclaration, ...names: string[]): StructDeclaration => ({
  ...declaration,
  fields: names.map((name) => ({ name, type: i64 })),
});
const choice = (name: string, ...variants: EnumDeclaration['variants'][number][]): EnumDeclaration => ({
  kind: 'enum',
  name,
  typeParams: anyT,
  variants,
});
const deep = (levels: number): Type => (levels === 1 ? i64 : ptr(deep(levels - 1)));
const wide = (levels: number): Type => (levels === 1 ? i64 : fnType([wide(levels - 1), wide(levels - 1)], undefined));

describe('verifyDeclarations', () => {
  it('accepts what may be declared', () => {
    verifyDeclarations([
      struct('List', T, ptr(named('List', [T]))),
      struct('Holder', named('Box', [named('Holder', [T])])),
      struct('Box', ptr(T)),
      choice(
        'Tree',
        { name: 'Leaf', fields: [] },
        { name: 'Node', fields: [{ name: 'at', type: ptr(named('Tree', [T])) }] },
      ),
      struct('Grid', arrayOf(arrayOf(T, 3), 4), fnType([named('Grid', [T])], named('Grid', [T]))),
    ]);
  });

  const cases: readonly (readonly [VerifyCode, string, readonly TypeDeclaration[]])[] = [
    ['NAME', 'a bad name', [struct('1x', i64)]],
    ['NAME', 'the name of a type', [struct('i64', i64)]],
    ['NAME', 'the name of a bound', [struct('Num', i64)]],
    ['NAME', 'a field with a dot', [withNames(struct('S'), 'a.b')]],
    ['NAME', 'a variant with a dot', [choice('E', { name: 'A.B', fields: [] })]],
    ['NAME', 'a bad type parameter', [{ ...struct('S', i64), typeParams: [{ name: 'ptr', bound: 'Any' }] }]],
    ['NAME', 'a bad name of a type', [struct('S', ptr(named('a b')))]],
    ['DUPLICATE', 'a second declaration', [struct('S', i64), choice('S', { name: 'A', fields: [] })]],
    ['DUPLICATE', 'a second field', [withNames(struct('S'), 'a', 'a')]],
    ['DUPLICATE', 'a second variant', [choice('E', { name: 'A', fields: [] }, { name: 'A', fields: [] })]],
    ['DUPLICATE', 'a second type parameter', [{ ...struct('S', i64), typeParams: [...anyT, ...anyT] }]],
    ['DUPLICATE', 'a type parameter that is declared', [struct('T', i64), struct('S', T)]],
    ['SHAPE', 'no fields', [struct('S')]],
    ['SHAPE', 'no variants', [choice('E')]],
    ['TYPE', 'an unknown type', [struct('S', ptr(named('Nope')))]],
    ['TYPE', 'a parameter of another', [struct('S', param(1, 'U'))]],
    ['TYPE', 'too few type arguments', [struct('S', i64), struct('R', named('S'))]],
    ['TYPE', 'an unknown bound', [{ ...struct('S', i64), typeParams: [{ name: 'T', bound: 'Big' as 'Any' }] }]],
    ['TYPE', 'a bound that is not met', [{ ...struct('K', i64), typeParams: [{ name: 'K0', bound: 'Eq' }] }, struct('R', named('K', [T]))]],
    ['LIMIT', 'a deep type', [struct('S', deep(65))]],
    ['LIMIT', 'a wide type', [struct('S', wide(12))]],
    ['LIMIT', 'too many parameters of a function', [struct('S', fnType(new Array(256).fill(u8), undefined))]],
    ['LIMIT', 'too many fields', [withNames(struct('S'), ...Array.from({ length: 65_536 }, (_, i) => `f${i}`))]],
    ['LIMIT', 'too many variants', [choice('E', ...Array.from({ length: 65_536 }, (_, i) => ({ name: `v${i}`, fields: [] })))]],
    ['LIMIT', 'too many type parameters', [{ ...struct('S', i64), typeParams: Array.from({ length: 256 }, (_, i) => ({ name: `T${i}`, bound: 'Any' as const })) }]],
    ['LAYOUT_CYCLE', 'itself', [struct('A', named('A', [T]))]],
    ['LAYOUT_CYCLE', 'itself in an array', [struct('A', arrayOf(named('A', [T]), 2))]],
    ['LAYOUT_CYCLE', 'itself in an enum', [choice('A', { name: 'V', fields: [{ name: 'x', type: named('A', [T]) }] })]],
    ['LAYOUT_CYCLE', 'itself with other arguments', [struct('A', named('A', [ptr(T)]))]],
    ['LAYOUT_CYCLE', 'itself in an argument', [struct('Box', T), struct('A', named('Box', [named('A', [T])]))]],
    ['LAYOUT_CYCLE', 'itself in an argument of an argument', [struct('Wrap', named('Box', [T])), struct('Box', T), struct('A', named('Wrap', [named('A', [T])]))]],
  ]; // biome-ignore format: a row for each
  it.each(cases)('refuses with %s: %s', (code, _, declarations) => {
    expect(thrown(IrVerifyError, () => verifyDeclarations(declarations)).code).toBe(code);
  });

  it('gives the cycle in order', () => {
    const error = thrown(IrVerifyError, () =>
      verifyDeclarations([
        struct('X', i64),
        struct('A', named('B', [T])),
        struct('B', i64, named('C', [T])),
        struct('C', named('A', [T])),
      ]),
    );
    expect(error).toMatchObject({ code: 'LAYOUT_CYCLE', function: 'A', found: 'A > B > C > A' });
  });

  it('looks at a declaration as often, however many others turn out to hold their arguments', () => {
    const chain = Array.from({ length: 1000 }, (_, i) => struct(`S${i}`, named(`S${i + 1}`, [T])));
    let looked = 0;
    const all: TypeDeclaration = {
      ...struct('All'),
      get fields() {
        looked++;
        return chain.map(({ name }) => ({ name, type: named(name, [T]) }));
      },
    };
    verifyDeclarations([struct('S1000', T), all, ...chain.toReversed()]);
    expect(looked).toBeLessThan(10);
  });

  it('takes long chains in its stride, and finds the cycle at their end', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => struct(`S${i}`, named(`S${i + 1}`, [T])));
    verifyDeclarations([...chain, struct('S20000', T)]);
    expect(() => verifyDeclarations([...chain, struct('S20000', named('S7', [T]))])).toThrow(IrVerifyError);
  });
});

const library = parseModule(`module m
struct Pair<A: Any, B: Any> {
  a: A
  b: B
}
struct Keyed<K: Eq> {
  key: K
}
enum Option<U: Any> {
  None
  Some(value: U)
}
fn g<T: Num>(x: T) -> T {
entry:
  return x
}
`);

/** A function of parameters of those types, with instructions whose results are of the others. */
function fn(
  types: readonly Type[],
  params: number,
  code: readonly object[],
  shape: Partial<IrFunction> = {},
): IrFunction {
  return {
    ...{ name: 'f', typeParams: [], result: undefined, valueTypes: types, valueNames: types.map(() => undefined) },
    blocks: [
      {
        name: 'entry',
        params: types.slice(0, params).map((_, i) => i),
        instructions: code as Instruction[],
        terminator: { op: 'return', value: undefined } as Terminator,
      },
    ] as unknown as IrFunction['blocks'],
    ...shape,
  };
}

const pair = named('Pair', [u8, f64]);
const option = named('Option', [u8]);
const i64Pair = fnType([i64], i64);

describe('verifyModule, of operations on memory and functions', () => {
  const refused: readonly (readonly [VerifyCode, string, IrFunction])[] = [
    ['FIELD', 'a field that is not there', fn([ptr(pair), ptr(u8)], 1, [{ op: 'field', result: 1, base: 0, path: 'c' }])],
    ['FIELD', 'a tag of a struct', fn([ptr(pair), ptr(u8)], 1, [{ op: 'field', result: 1, base: 0, path: 'tag' }])],
    ['FIELD', 'a variant without its field', fn([ptr(option), ptr(u8)], 1, [{ op: 'field', result: 1, base: 0, path: 'Some' }])],
    ['FIELD', 'a variant that is not there', fn([scalar('u32')], 0, [{ op: 'tagof', result: 0, type: option, variant: 'Any' }])],
    ['FIELD', 'a variant of a struct', fn([scalar('u32')], 0, [{ op: 'tagof', result: 0, type: pair, variant: 'a' }])],
    ['FIELD', 'an offset in a number', fn([i64], 0, [{ op: 'offsetof', result: 0, type: i64, path: 'a' }])],
    ['OPERAND_TYPE', 'a field of a number', fn([ptr(i64), ptr(u8)], 1, [{ op: 'field', result: 1, base: 0, path: 'a' }])],
    ['RESULT_TYPE', 'another type of the field', fn([ptr(pair), ptr(i64)], 1, [{ op: 'field', result: 1, base: 0, path: 'a' }])],
    ['OPERAND_TYPE', 'an item of what is no array', fn([ptr(i64), i64, ptr(i64)], 2, [{ op: 'item', result: 2, base: 0, index: 1 }])],
    ['RESULT_TYPE', 'an item of another type', fn([ptr(arrayOf(u8, 2)), i64, ptr(i64)], 2, [{ op: 'item', result: 2, base: 0, index: 1 }])],
    ['OPERAND_TYPE', 'an index that is no i64', fn([ptr(arrayOf(u8, 2)), u8, ptr(u8)], 2, [{ op: 'item', result: 2, base: 0, index: 1 }])],
    ['RESULT_TYPE', 'a slot of another type', fn([ptr(i64)], 0, [{ op: 'slot', result: 0, type: u8, zeroed: true }])],
    ['RESULT_TYPE', 'a size that is no i64', fn([u8], 0, [{ op: 'sizeof', result: 0, type: u8 }])],
    ['RESULT_TYPE', 'a tag that is no u32', fn([i64], 0, [{ op: 'tagof', result: 0, type: option, variant: 'None' }])],
    ['OPERAND_TYPE', 'a copy between types', fn([ptr(i64), ptr(u8), i64], 3, [{ op: 'copy', to: 0, from: 1, count: 2 }])],
    ['OPERAND_TYPE', 'a copy of numbers', fn([i64, i64, i64], 3, [{ op: 'copy', to: 0, from: 1, count: 2 }])],
    ['OPERAND_TYPE', 'a fill of words', fn([ptr(i64), u8, i64], 3, [{ op: 'fill', to: 0, value: 1, count: 2 }])],
    ['OPERAND_TYPE', 'bounds of two types', fn([i64, u8], 2, [{ op: 'bounds', index: 0, length: 1 }])],
    ['OPERAND_TYPE', 'bounds of floats', fn([f64, f64], 2, [{ op: 'bounds', index: 0, length: 1 }])],
    ['OPERAND_TYPE', 'a comparison of aggregates', fn([pair, scalar('bool')], 1, [{ op: 'eq', result: 1, left: 0, right: 0 }])],
    ['OPERAND_TYPE', 'an order of functions', fn([i64Pair, scalar('bool')], 1, [{ op: 'lt', result: 1, left: 0, right: 0 }])],
    ['OPERAND_TYPE', 'a cast of a float', fn([f64, i64], 1, [{ op: 'cast', result: 1, arg: 0 }])],
    ['RESULT_TYPE', 'a cast to an i32', fn([i64, scalar('i32')], 1, [{ op: 'cast', result: 1, arg: 0 }])],
    ['OPERAND_TYPE', 'fma of integers', fn([i64], 1, [{ op: 'fma', result: 0, a: 0, b: 0, c: 0 }].map((x) => ({ ...x, result: 1 })), { valueTypes: [i64, i64], valueNames: [undefined, undefined] })],
    ['OPERAND_TYPE', 'an invocation of a number', fn([i64], 1, [{ op: 'invoke', result: undefined, target: 0, args: [] }])],
    ['OPERAND_TYPE', 'an invocation with other arguments', fn([i64Pair, f64, i64], 2, [{ op: 'invoke', result: 2, target: 0, args: [1] }])],
    ['OPERAND_TYPE', 'an invocation without the result', fn([i64Pair, i64], 2, [{ op: 'invoke', result: undefined, target: 0, args: [1] }])],
    ['OPERAND_TYPE', 'an aggregate for C', fn([pair], 1, [{ op: 'extern', result: undefined, symbol: 'c', args: [0] }])],
    ['OPERAND_TYPE', 'an aggregate from C', fn([pair], 0, [{ op: 'extern', result: 0, symbol: 'c', args: [] }])],
    ['NAME', 'a symbol that is no name', fn([], 0, [{ op: 'extern', result: undefined, symbol: '', args: [] }])],
    ['LIMIT', 'too many arguments', fn([i64], 1, [{ op: 'extern', result: undefined, symbol: 'c', args: new Array(256).fill(0) }])],
    ['RESULT_TYPE', 'an address that is no function', fn([i64], 0, [{ op: 'fnaddr', result: 0, callee: { template: 'h', typeArgs: [] } }])],
    ['CALL_SIGNATURE', 'an address of another type', fn([fnType([i64], f64)], 0, [{ op: 'fnaddr', result: 0, callee: { template: 'g', typeArgs: [i64] } }])],
    ['CALL_TYPE_ARGS', 'an address without type arguments', fn([i64Pair], 0, [{ op: 'fnaddr', result: 0, callee: { template: 'g', typeArgs: [] } }])],
    ['CALL_BOUND', 'an address for a pair', fn([fnType([pair], pair)], 0, [{ op: 'fnaddr', result: 0, callee: { template: 'g', typeArgs: [pair] } }])],
    ['LITERAL', 'a literal of an aggregate', fn([pair], 0, [{ op: 'const', result: 0, value: 0n }])],
    ['LITERAL', 'a function that is not null', fn([i64Pair], 0, [{ op: 'const', result: 0, value: 1n }])],
    ['TYPE', 'a type that is not declared', fn([ptr(named('Nope'))], 1, [])],
    ['TYPE', 'a type without its arguments', fn([ptr(named('Pair'))], 1, [])],
    ['TYPE', 'a bound that an argument does not meet', fn([ptr(named('Keyed', [pair]))], 1, [])],
    ['TYPE', 'a bound that a parameter does not meet', fn([ptr(named('Keyed', [T]))], 1, [], { typeParams: anyT })],
    ['TYPE', 'such a bound in an operation', fn([i64], 0, [{ op: 'sizeof', result: 0, type: named('Keyed', [T]) }], { typeParams: anyT })],
    ['DUPLICATE', 'a type parameter that is declared', fn([], 0, [], { typeParams: [{ name: 'Pair', bound: 'Any' }] })],
    ['BOUND', 'C calls with what may be an aggregate', fn([T], 1, [{ op: 'extern', result: undefined, symbol: 'c', args: [0] }], { typeParams: anyT })],
    ['BOUND', 'bounds of what may be a float', fn([T], 1, [{ op: 'bounds', index: 0, length: 0 }], { typeParams: [{ name: 'T', bound: 'Num' }] })],
  ]; // biome-ignore format: a row for each
  it.each(refused)('refuses with %s: %s', (code, _, template) => {
    const module: TemplateModule = { ...library, templates: [...library.templates, template] };
    const problems = diagnoseModule(module);
    expect(problems.map((problem) => problem.code)).toEqual([code]);
    expect(thrown(IrVerifyError, () => verifyModule(module))).toMatchObject({ code, function: 'f' });
  });

  it('believes named types where it knows no module, but no fields of them', () => {
    verifyTemplate(fn([ptr(named('Nope'))], 1, []));
    const field = fn([ptr(pair), ptr(u8)], 1, [{ op: 'field', result: 1, base: 0, path: 'a' }]);
    expect(diagnoseTemplate(field).map(({ code }) => code)).toEqual(['FIELD']);
  });

  it('refuses a bound that is none, and types of branches that are not there', () => {
    const branch = (type: Type, is: unknown) => {
      const f = new FunctionBuilder('f');
      const b = f.block('b');
      f.ifType(type, is as Type, b, [], b, []);
      f.switchTo(b);
      f.return();
      return f.build();
    };
    const codes = (template: IrFunction) =>
      diagnoseModule({ ...library, templates: [template] }).map(({ code }) => code);
    expect(codes(branch(i64, 'Num'))).toEqual([]);
    expect(codes(branch(i64, 'Big'))).toEqual(['TYPE']);
    expect(codes(branch(T, 'Num'))).toEqual(['TYPE']);
    expect(codes(branch(i64, named('Nope')))).toEqual(['TYPE']);
  });
});

describe('if T is …', () => {
  const text = (blocks: string, bound = 'Any') =>
    parseModule(`module m\nfn f<T: ${bound}, U: Any>(c: bool, x: T, y: U) {\nentry:\n${blocks}\n}`);
  const codes = (blocks: string, bound?: string) => diagnoseModule(text(blocks, bound)).map(({ code }) => code);

  it.each<[string, string]>([
    ['in the block it leads to', '  if T is Int, a, b\na:\n  z = and x, x\n  return\nb:\n  return'],
    [
      'in blocks behind that',
      '  if T is Num, a, b\na:\n  jump c\nc:\n  z = add x, 1\n  branch c, c2, a2\nc2:\n  w = mul z, x\n  return\na2:\n  return\nb:\n  return'
        .replaceAll('jump c\n', 'jump k\n')
        .replace('\nc:\n', '\nk:\n'),
    ],
    [
      'in a loop that the block is the head of',
      '  if T is Num, a(x), b\na(p: T):\n  z = add p, 1\n  branch c, a(z), b\nb:\n  return',
    ],
    [
      'together with others',
      '  if T is Num, a, b\na:\n  if U is Float, d, b\nd:\n  z = add x, 1\n  s = sqrt y\n  if T is Int, e, b\ne:\n  w = and z, x\n  v = sub w, z\n  return\nb:\n  return',
    ],
    [
      'as all bounds of a type parameter that are known there',
      '  if U is Int, d, b\nd:\n  if T is U, a, b\na:\n  z = popcount x\n  return\nb:\n  return',
    ],
    ['as the strongest bound of a type', '  if T is u16, a, b\na:\n  z = popcount x\n  return\nb:\n  return'],
  ])('teaches the bound %s', (_, blocks) => {
    expect(codes(blocks)).toEqual([]);
  });

  it.each<[string, string]>([
    ['on the other edge', '  if T is Int, a, b\na:\n  return\nb:\n  z = and x, x\n  return'],
    ['after the two meet again', '  if T is Int, a, b\na:\n  jump j\nb:\n  jump j\nj:\n  z = and x, x\n  return'],
    ['where both edges lead to one block', '  if T is Int, a, a\na:\n  z = and x, x\n  return'],
    [
      'where another way leads in',
      '  branch c, q, a\nq:\n  if T is Int, a, b\na:\n  z = and x, x\n  return\nb:\n  return',
    ],
    ['about another parameter', '  if U is Int, a, b\na:\n  z = and x, x\n  return\nb:\n  return'],
    ['beyond the bound', '  if T is Num, a, b\na:\n  z = and x, x\n  return\nb:\n  return'],
  ])('does not teach it %s', (_, blocks) => {
    // The parser finds those that no `if` before it allows, the verifier the others.
    let problems: readonly string[];
    try {
      problems = codes(blocks);
    } catch (error) {
      problems = [(error as { cause: { code: string } }).cause.code];
    }
    expect(problems).toEqual(['BOUND']);
  });
});
