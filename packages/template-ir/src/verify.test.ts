import { describe, expect, it } from 'vitest';
import {
  diagnoseModule,
  diagnoseTemplate,
  diagnosticToString,
  environmentOf,
  FunctionBuilder,
  IrVerifyError,
  parseModule,
  ptr,
  specialise,
  type Template,
  type VerifyCode,
  verifyModule,
  verifyTemplate,
} from './index.js';

import { f64, fn, i64 } from './verify.test-support.js';

describe('verifyTemplate', () => {
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

describe('verifyTemplate within verifyTemplate', () => {
  // A TypeEnvironment may be anything, and the verifier keeps its working memory.
  it('changes nothing of what is found', () => {
    const { types, templates } = parseModule(`module m
struct Pair {
  a: i64
  b: f64
}
fn f(p: ptr<Pair>, n: i64) -> i64 {
entry:
  jump loop(0)
loop(i: i64):
  more = lt i, n
  branch more, body, done
body:
  q = field p, a
  x = load q
  next = add i, x
  jump loop(next)
done:
  return i
}
fn g(a: i64, b: i64) -> i64 {
entry:
  c = lt a, b
  branch c, left, right
left:
  x = add a, b
  jump join(x)
right:
  y = sub a, b
  jump join(y)
join(z: i64):
  return z
}`);
    const [f, g] = templates as [Template, Template];
    const broken = { ...g, valueTypes: g.valueTypes.map(() => f64) };
    const plain = environmentOf(types);
    let asked = 0;
    const nested = (name: string) => {
      asked++;
      verifyTemplate(g);
      expect(diagnoseTemplate(broken).length).toBeGreaterThan(1);
      expect(() => verifyTemplate(broken)).toThrow(IrVerifyError);
      return plain(name);
    };
    verifyTemplate(f, undefined, nested);
    expect(asked).toBeGreaterThan(1);
    const wrong = { ...f, result: f64 };
    expect(diagnoseTemplate(wrong, undefined, nested)).toEqual(diagnoseTemplate(wrong, undefined, plain));
    expect(specialise(f, [], { types: nested })).toEqual(specialise(f, [], { types: plain }));
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
