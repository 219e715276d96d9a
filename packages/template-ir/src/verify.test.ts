import { describe, expect, it } from 'vitest';
import {
  diagnoseModule,
  diagnoseTemplate,
  diagnosticToString,
  FunctionBuilder,
  type Instruction,
  type IrFunction,
  IrVerifyError,
  param,
  parseModule,
  ptr,
  scalar,
  type Terminator,
  type Type,
  type Value,
  type VerifyCode,
  verifyModule,
  verifyTemplate,
} from './index.js';
import { thrown } from './thrown.test-support.js';

const i64 = scalar('i64');
const f64 = scalar('f64');
const bool = scalar('bool');
const T = param(0, 'T');

interface Shape {
  readonly name?: string;
  readonly typeParams?: IrFunction['typeParams'];
  readonly result?: Type;
  readonly types?: readonly Type[];
  readonly names?: readonly (string | undefined)[];
  readonly params?: readonly number[];
  readonly blocks?: readonly { params?: readonly number[]; code?: readonly object[]; end: object }[];
  readonly code?: readonly object[];
  readonly end?: object;
}

/** A function of any shape, right or wrong. */
function fn({
  name = 'f',
  typeParams = [],
  types = [],
  names,
  params = [],
  code = [],
  end,
  result,
  blocks,
}: Shape): IrFunction {
  const all = blocks ?? [{ params, code, end: end ?? { op: 'return', value: undefined } }];
  return {
    name,
    typeParams,
    result,
    valueTypes: types,
    valueNames: names ?? types.map(() => undefined),
    blocks: all.map((block) => ({
      name: undefined,
      params: (block.params ?? []) as Value[],
      instructions: (block.code ?? []) as Instruction[],
      terminator: block.end as Terminator,
    })),
  };
}

const edge = (block: number) => ({ block, args: [] });
const jump = (block: number, ...args: number[]) => ({ op: 'jump', target: { block, args } });
// biome-ignore lint/suspicious/noThenProperty: an edge's name; no one awaits a terminator
const branch = (a: number, b: number) => ({ op: 'branch', condition: 0, then: edge(a), else: edge(b) });
const ret = (value?: number) => ({ op: 'return', value });
const generic = (bound: 'Any' | 'Eq' | 'Ord' | 'Num' | 'Int' | 'Float') => [{ name: 'T', bound }];
let deep: Type = i64;
for (let i = 0; i < 64; i++) deep = ptr(deep);

const broken: [VerifyCode, string, Shape][] = [
  ['NAME', 'a name with a blank', { name: 'a b' }],
  ['NAME', 'a keyword as name', { name: 'return' }],
  ['NAME', 'a type name as type parameter', { typeParams: [{ name: 'i64', bound: 'Any' }] }],
  [
    'NAME',
    'a callee that is no identifier',
    { code: [{ op: 'call', callee: { template: '', typeArgs: [] }, args: [] }] },
  ],
  ['DUPLICATE', 'two type parameters of one name', { typeParams: [...generic('Any'), ...generic('Eq')] }],
  [
    'LIMIT',
    'too many type parameters',
    { typeParams: Array.from({ length: 256 }, (_, i) => ({ name: `T${i}`, bound: 'Any' as const })) },
  ],
  ['LIMIT', 'too many parameters', { types: Array(256).fill(i64), params: Array.from({ length: 256 }, (_, i) => i) }],
  ['LIMIT', 'a type of 65 levels', { types: [deep], params: [0] }],
  [
    'LIMIT',
    'too many type arguments',
    { code: [{ op: 'call', callee: { template: 'g', typeArgs: Array(256).fill(i64) }, args: [] }] },
  ],
  [
    'LIMIT',
    'too many arguments',
    {
      types: [i64],
      params: [0],
      code: [{ op: 'call', callee: { template: 'g', typeArgs: [] }, args: Array(256).fill(0) }],
    },
  ],
  ['TYPE', 'a type parameter that is not there', { types: [T], params: [0] }],
  ['TYPE', 'a type parameter of another name', { typeParams: [{ name: 'U', bound: 'Any' }], types: [T], params: [0] }],
  ['TYPE', 'an unknown bound', { typeParams: [{ name: 'U', bound: 'Big' as 'Any' }] }],
  ['TYPE', 'a result type that is not there', { result: ptr(T), end: { op: 'unreachable' } }],
  ['TYPE', 'a size of what is not there', { types: [i64], code: [{ op: 'sizeof', result: 0, type: T }] }],
  [
    'TYPE',
    'a type argument that is not there',
    { code: [{ op: 'call', callee: { template: 'g', typeArgs: [T] }, args: [] }] },
  ],
  ['NO_BLOCKS', 'no blocks', { blocks: [] }],
  ['SHAPE', 'fewer names than values', { types: [i64], names: [], params: [0] }],
  [
    'OPCODE',
    'an unknown operation',
    { types: [i64, i64], params: [0], code: [{ op: 'pow', result: 1, left: 0, right: 0 }] },
  ],
  ['OPCODE', 'an unknown terminator', { end: { op: 'goto' } }],
  ['VALUE', 'a value without definition', { types: [i64] }],
  ['VALUE', 'an operand out of range', { types: [i64], code: [{ op: 'neg', result: 0, arg: 9 }] }],
  ['VALUE', 'an operand that is no number', { types: [i64], code: [{ op: 'neg', result: 0, arg: Number.NaN }] }],
  ['VALUE', 'a negative result', { types: [], code: [{ op: 'const', result: -1, value: 1n }] }],
  ['VALUE', 'a parameter out of range', { types: [], params: [0.5] }],
  [
    'VALUE',
    'an edge argument out of range',
    { types: [i64], blocks: [{ end: jump(1, 7) }, { params: [0], end: ret() }] },
  ],
  ['VALUE', 'a returned value out of range', { result: i64, end: ret(3) }],
  [
    'VALUE',
    'a condition out of range',
    {
      blocks: [{ end: branch(1, 1) }, { end: ret() }],
    },
  ],
  ['REDEFINED', 'two definitions', { types: [i64], params: [0], code: [{ op: 'const', result: 0, value: 1n }] }],
  ['REDEFINED', 'one parameter twice', { types: [i64], params: [0, 0] }],
  ['BLOCK', 'an edge to nowhere', { end: jump(1) }],
  ['BLOCK', 'an edge to no number', { end: jump(Number.NaN) }],
  ['EDGE_TO_ENTRY', 'an edge to the entry', { end: jump(0) }],
  ['UNREACHABLE_BLOCK', 'a block without a path', { blocks: [{ end: ret() }, { end: ret() }] }],
  ['UNREACHABLE_BLOCK', 'a loop without a path', { blocks: [{ end: ret() }, { end: jump(2) }, { end: jump(1) }] }],
  ['EDGE_ARITY', 'an argument too few', { types: [i64], blocks: [{ end: jump(1) }, { params: [0], end: ret() }] }],
  ['EDGE_ARITY', 'an argument too many', { types: [i64], blocks: [{ params: [0], end: jump(1, 0) }, { end: ret() }] }],
  [
    'EDGE_TYPE',
    'an argument of another type',
    {
      types: [i64, f64],
      blocks: [
        { params: [0], end: jump(1, 0) },
        { params: [1], end: ret() },
      ],
    },
  ],
  [
    'NOT_DOMINATED',
    'a use before the definition',
    {
      types: [i64, i64],
      code: [
        { op: 'neg', result: 1, arg: 0 },
        { op: 'const', result: 0, value: 1n },
      ],
    },
  ],
  ['NOT_DOMINATED', 'a use of itself', { types: [i64], code: [{ op: 'neg', result: 0, arg: 0 }] }],
  [
    'NOT_DOMINATED',
    'a definition on one of two paths',
    {
      types: [bool, i64, i64],
      blocks: [
        {
          params: [0],
          end: branch(1, 2),
        },
        { code: [{ op: 'const', result: 1, value: 1n }], end: jump(2) },
        { code: [{ op: 'neg', result: 2, arg: 1 }], end: ret() },
      ],
    },
  ],
  [
    'NOT_DOMINATED',
    'a definition in an unreachable block',
    {
      types: [i64, i64],
      blocks: [
        { code: [{ op: 'neg', result: 1, arg: 0 }], end: ret() },
        { code: [{ op: 'const', result: 0, value: 1n }], end: ret() },
      ],
    },
  ],
  [
    'OPERAND_TYPE',
    'operands of two types',
    { types: [i64, f64, i64], params: [0, 1], code: [{ op: 'add', result: 2, left: 0, right: 1 }] },
  ],
  [
    'OPERAND_TYPE',
    'arithmetic on bool',
    { types: [bool, bool], params: [0], code: [{ op: 'add', result: 1, left: 0, right: 0 }] },
  ],
  [
    'OPERAND_TYPE',
    'remainder of floats',
    { types: [f64, f64], params: [0], code: [{ op: 'rem', result: 1, left: 0, right: 0 }] },
  ],
  [
    'OPERAND_TYPE',
    'bits of floats',
    { types: [f64, f64], params: [0], code: [{ op: 'xor', result: 1, left: 0, right: 0 }] },
  ],
  [
    'OPERAND_TYPE',
    'order of bools',
    { types: [bool, bool], params: [0], code: [{ op: 'lt', result: 1, left: 0, right: 0 }] },
  ],
  [
    'OPERAND_TYPE',
    'square root of an integer',
    { types: [i64, i64], params: [0], code: [{ op: 'sqrt', result: 1, arg: 0 }] },
  ],
  [
    'OPERAND_TYPE',
    'arithmetic on pointers',
    { types: [ptr(i64), ptr(i64)], params: [0], code: [{ op: 'add', result: 1, left: 0, right: 0 }] },
  ],
  [
    'OPERAND_TYPE',
    'a load from an integer',
    { types: [i64, i64], params: [0], code: [{ op: 'load', result: 1, address: 0 }] },
  ],
  [
    'OPERAND_TYPE',
    'a store of another type',
    { types: [ptr(f64), i64], params: [0, 1], code: [{ op: 'store', address: 0, value: 1 }] },
  ],
  [
    'OPERAND_TYPE',
    'an element of an integer',
    { types: [i64, i64], params: [0], code: [{ op: 'elem', result: 1, base: 0, index: 0 }] },
  ],
  [
    'OPERAND_TYPE',
    'an index of another type',
    {
      types: [ptr(i64), scalar('i32'), ptr(i64)],
      params: [0, 1],
      code: [{ op: 'elem', result: 2, base: 0, index: 1 }],
    },
  ],
  [
    'OPERAND_TYPE',
    'a choice by an integer',
    { types: [i64, i64], params: [0], code: [{ op: 'select', result: 1, condition: 0, left: 0, right: 0 }] },
  ],
  [
    'OPERAND_TYPE',
    'a branch by an integer',
    {
      types: [i64],
      blocks: [
        {
          params: [0],
          end: branch(1, 1),
        },
        { end: ret() },
      ],
    },
  ],
  [
    'OPERAND_TYPE',
    'conversion of a pointer',
    { types: [ptr(i64), i64], params: [0], code: [{ op: 'convert', result: 1, arg: 0 }] },
  ],
  [
    'RESULT_TYPE',
    'a sum of another type',
    { types: [i64, f64], params: [0], code: [{ op: 'add', result: 1, left: 0, right: 0 }] },
  ],
  [
    'RESULT_TYPE',
    'a comparison that is no bool',
    { types: [i64, i64], params: [0], code: [{ op: 'lt', result: 1, left: 0, right: 0 }] },
  ],
  [
    'RESULT_TYPE',
    'a load of another type',
    { types: [ptr(i64), f64], params: [0], code: [{ op: 'load', result: 1, address: 0 }] },
  ],
  ['RESULT_TYPE', 'a size that is no i64', { types: [scalar('i32')], code: [{ op: 'sizeof', result: 0, type: i64 }] }],
  [
    'RESULT_TYPE',
    'conversion of bool to a float',
    { types: [bool, f64], params: [0], code: [{ op: 'convert', result: 1, arg: 0 }] },
  ],
  [
    'RESULT_TYPE',
    'a choice of another type',
    { types: [bool, i64, f64], params: [0, 1], code: [{ op: 'select', result: 2, condition: 0, left: 1, right: 1 }] },
  ],
  [
    'BOUND',
    'a sum with bound Ord',
    { typeParams: generic('Ord'), types: [T, T], params: [0], code: [{ op: 'add', result: 1, left: 0, right: 0 }] },
  ],
  [
    'BOUND',
    'equality with bound Any',
    { typeParams: generic('Any'), types: [T, bool], params: [0], code: [{ op: 'eq', result: 1, left: 0, right: 0 }] },
  ],
  [
    'BOUND',
    'order with bound Eq',
    { typeParams: generic('Eq'), types: [T, bool], params: [0], code: [{ op: 'lt', result: 1, left: 0, right: 0 }] },
  ],
  [
    'BOUND',
    'shift with bound Num',
    { typeParams: generic('Num'), types: [T, T], params: [0], code: [{ op: 'shl', result: 1, left: 0, right: 0 }] },
  ],
  [
    'BOUND',
    'square root with bound Num',
    { typeParams: generic('Num'), types: [T, T], params: [0], code: [{ op: 'sqrt', result: 1, arg: 0 }] },
  ],
  [
    'BOUND',
    'conversion from bound Any',
    { typeParams: generic('Any'), types: [T, i64], params: [0], code: [{ op: 'convert', result: 1, arg: 0 }] },
  ],
  [
    'BOUND',
    'conversion to bound Ord',
    { typeParams: generic('Ord'), types: [i64, T], params: [0], code: [{ op: 'convert', result: 1, arg: 0 }] },
  ],
  ['LITERAL', 'an integer beyond its type', { types: [scalar('u8')], code: [{ op: 'const', result: 0, value: 256n }] }],
  ['LITERAL', 'an integer beyond 64 bits', { types: [f64], code: [{ op: 'const', result: 0, value: 1n << 64n }] }],
  ['LITERAL', 'a fraction for an integer', { types: [i64], code: [{ op: 'const', result: 0, value: 1 }] }],
  ['LITERAL', 'a number for a bool', { types: [bool], code: [{ op: 'const', result: 0, value: 1n }] }],
  ['LITERAL', 'a bool for a number', { types: [i64], code: [{ op: 'const', result: 0, value: true }] }],
  ['LITERAL', 'an address other than null', { types: [ptr(i64)], code: [{ op: 'const', result: 0, value: 8n }] }],
  [
    'LITERAL',
    'a fraction for bound Num',
    { typeParams: generic('Num'), types: [T], code: [{ op: 'const', result: 0, value: 0.5 }] },
  ],
  [
    'LITERAL',
    'a number for bound Ord',
    { typeParams: generic('Ord'), types: [T], code: [{ op: 'const', result: 0, value: 1n }] },
  ],
  ['RETURN_TYPE', 'a value that is not wanted', { types: [i64], params: [0], end: ret(0) }],
  ['RETURN_TYPE', 'no value where one is wanted', { result: i64 }],
  ['RETURN_TYPE', 'a value of another type', { types: [f64], params: [0], result: i64, end: ret(0) }],
];

describe('verifyTemplate', () => {
  it.each(broken)('refuses with %s: %s', (code, _, shape) => {
    const template = fn(shape);
    const codes = diagnoseTemplate(template).map((diagnostic) => diagnostic.code);
    expect(codes).toContain(code);
    expect(thrown(IrVerifyError, () => verifyTemplate(template)).code).toBe(codes[0]);
  });

  it('says function, block, instruction, expected and found', () => {
    const text =
      'module m\nfn f(a: i64) -> i64 {\nentry:\n  b = add a, 1\n  jump next\nnext:\n  c = mul b, 2\n  return c\n}';
    const good = parseModule(text).templates[0]!;
    const bad = { ...good, valueTypes: good.valueTypes.map((type, i) => (i === 4 ? f64 : type)) };
    const [first, ...others] = diagnoseTemplate(bad);
    expect(first).toEqual({
      code: 'RESULT_TYPE',
      function: 'f',
      block: 'next',
      instruction: 1,
      expected: 'i64',
      found: 'f64',
    });
    expect(diagnosticToString(first!)).toBe('f, block next, instruction 1: expected i64, found f64 [RESULT_TYPE]');
    expect(others.map(({ code, instruction }) => [code, instruction])).toEqual([['RETURN_TYPE', 2]]);
  });

  it('collects at most 100 problems', () => {
    const code = Array.from({ length: 500 }, (_, i) => ({ op: 'const', result: i, value: true }));
    expect(diagnoseTemplate(fn({ types: Array(500).fill(i64), code }))).toHaveLength(100);
  });

  it.each(['exits', 'loops'])('takes 100,000 blocks with shared %s in its stride', (shape) => {
    const count = 100_000;
    const builder = new FunctionBuilder('long');
    let x = builder.param(i64);
    builder.setResult(i64);
    const exit = builder.block();
    const result = builder.blockParam(exit, i64);
    const blocks = Array.from({ length: count }, () => builder.block());
    builder.jump(blocks[0]!);
    blocks.forEach((block, i) => {
      builder.switchTo(block);
      x = builder.binary('add', x, x);
      const isNegative = builder.compare('lt', x, x);
      const next = blocks[i + 1];
      if (next === undefined) builder.jump(exit, [x]);
      else if (shape === 'exits') builder.branch(isNegative, exit, [x], next, []);
      else builder.branch(isNegative, blocks[i >> 1]!, [], next, []);
    });
    builder.switchTo(exit);
    builder.return(result);
    verifyTemplate(builder.build());
  });
});

describe('verifyModule', () => {
  const library = (caller: string) => `module m
fn callee<T: Num>(data: ptr<T>, n: i64) -> T {
entry:
  x = load data
  return x
}
${caller}`;

  it('accepts calls that fit, forward and recursive ones too, and calls of what it does not know', () => {
    verifyModule(
      parseModule(
        library(
          'fn f<U: Int>(p: ptr<U>) -> U {\nentry:\n  x = call callee<U>(p, 1)\n  call elsewhere<U, ptr<U>>(x)\n  y = call f<U>(p)\n  return y\n}',
        ),
      ),
    );
  });

  it('refuses two templates of one name', () => {
    const module = parseModule(library(''));
    expect(() => verifyModule({ ...module, templates: [...module.templates, ...module.templates] })).toThrow(
      /DUPLICATE/,
    );
  });

  it('refuses a name that the text form cannot write', () => {
    const [problem] = diagnoseModule({ ...parseModule(library('')), name: 'my library' });
    expect(problem).toMatchObject({ code: 'NAME', function: 'my library', found: '"my library"' });
  });

  it('refuses type arguments that do not meet the bounds', () => {
    const text = library('fn f<U: Ord>(p: ptr<U>) -> U {\nentry:\n  x = call callee<U>(p, 1)\n  return x\n}');
    const [problem] = diagnoseModule(parseModule(text));
    expect(problem).toMatchObject({ code: 'CALL_BOUND', function: 'f', instruction: 1, found: 'U: Ord' });
    expect(problem!.expected).toBe('a type with bound Num for T of callee');
  });

  it.each<[VerifyCode, object]>([
    ['CALL_TYPE_ARGS', { result: 2, callee: { template: 'callee', typeArgs: [] }, args: [0, 1] }],
    ['CALL_SIGNATURE', { result: 2, callee: { template: 'callee', typeArgs: [f64] }, args: [0] }],
    ['CALL_SIGNATURE', { result: 2, callee: { template: 'callee', typeArgs: [f64] }, args: [1, 0] }],
    ['CALL_SIGNATURE', { result: 3, callee: { template: 'callee', typeArgs: [f64] }, args: [0, 1] }],
    ['CALL_SIGNATURE', { result: undefined, callee: { template: 'callee', typeArgs: [f64] }, args: [0, 1] }],
  ])('refuses with %s a call that does not fit (case %#)', (code, call) => {
    const caller = fn({ types: [ptr(f64), i64, f64, i64], params: [0, 1], code: [{ op: 'call', ...call }] });
    const module = parseModule(library(''));
    const codes = diagnoseModule({ ...module, templates: [...module.templates, caller] }).map(
      (diagnostic) => diagnostic.code,
    );
    expect(codes).toContain(code);
  });
});
