import { describe, expect, it } from 'vitest';
import {
  type IrFunction,
  IrSyntaxError,
  param,
  parseModule,
  parseType,
  parseTypeList,
  printFunction,
  printModule,
  ptr,
  type SyntaxCode,
  scalar,
  type Type,
  verifyModule,
} from '../index.js';
import { thrown } from '../thrown.test-support.js';

const i64 = scalar('i64');

function only(text: string): IrFunction {
  const module = parseModule(`module m\n${text}`);
  verifyModule(module);
  return module.templates[0]!;
}

/** The statements of a function over two i64, one pointer and a flag. */
function body(statements: string, result = ''): string {
  const lines = statements.split('\n').map((line) => `  ${line.trim()}`);
  return `fn f(a: i64, b: i64, p: ptr<f64>, flag: bool)${result} {\nentry:\n${lines.join('\n')}\n}`;
}

describe('parseModule', () => {
  it('numbers values in the order of their definitions and infers their types', () => {
    const fn = only(
      'fn f<T: Ord>(a: T, b: T) -> T {\nentry:\n  more = gt a, b\n  m = select more, a, b\n  return m\n}',
    );
    const T = param(0, 'T');
    expect(fn).toEqual({
      name: 'f',
      typeParams: [{ name: 'T', bound: 'Ord' }],
      result: T,
      valueTypes: [T, T, scalar('bool'), T],
      valueNames: ['a', 'b', 'more', 'm'],
      blocks: [
        {
          name: 'entry',
          params: [0, 1],
          instructions: [
            { op: 'gt', result: 2, left: 0, right: 1 },
            { op: 'select', result: 3, condition: 2, left: 0, right: 1 },
          ],
          terminator: { op: 'return', value: 3 },
        },
      ],
    });
  });

  it('inserts a const for a literal wherever its type follows', () => {
    const fn = only(
      `${body(
        'x = add a, 1\ny = sub 2, b\nc = lt 3, a\nd = select flag, 4, a\ne = select true, b, 5\n' +
          'at = elem p, -6\nstore at, 0.5\nstore p, 1\nr = call f(7, 8, null, false)\nbranch true, out(9, r), out(x, 10)\n',
        ' -> i64',
      ).replace(/\n}$/, '\nout(m: i64, n: i64):\n  return -1\n}')}`,
    );
    const literals = fn.blocks.flatMap((block) =>
      block.instructions.flatMap((instruction) =>
        instruction.op === 'const' ? [[fn.valueTypes[instruction.result], instruction.value]] : [],
      ),
    );
    const f64 = scalar('f64');
    const bool = scalar('bool');
    expect(literals).toEqual([
      ...[
        [i64, 1n],
        [i64, 2n],
        [i64, 3n],
        [i64, 4n],
        [bool, true],
        [i64, 5n],
        [i64, -6n],
        [f64, 0.5],
        [f64, 1n],
      ],
      ...[
        [i64, 7n],
        [i64, 8n],
        [ptr(f64), 0n],
        [bool, false],
        [bool, true],
        [i64, 9n],
        [i64, 10n],
        [i64, -1n],
      ],
    ]);
  });

  it.each<[string, unknown]>([
    ['0x1f', 31n],
    ['-0x80', -128n],
    ['18446744073709551615', (1n << 64n) - 1n],
    ['-9223372036854775808', -(1n << 63n)],
  ])('reads the integer %s', (text, value) => {
    const type = String(value).startsWith('-') ? 'i64' : 'u64';
    expect(
      only(`fn f() {\nentry:\n  x: ${type} = const ${text}\n  return\n}`).blocks[0]!.instructions[0],
    ).toMatchObject({ value });
  });

  it.each([
    ['1.5', 1.5],
    ['1e-3', 1e-3],
    ['-0.0', -0],
    ['inf', Infinity],
    ['-inf', -Infinity],
    ['nan', Number.NaN],
    ['2E+3', 2000],
  ])('reads the number %s', (text, value) => {
    const [instruction] = only(`fn f() {\nentry:\n  x: f64 = const ${text}\n  return\n}`).blocks[0]!.instructions;
    expect(instruction).toMatchObject({ op: 'const' });
    expect(Object.is((instruction as { value: unknown }).value, value)).toBe(true);
  });

  it('takes blocks in any order, as long as definitions come first on every path', () => {
    const fn = only(
      'fn f(a: i64) -> i64 {\nentry:\n  jump first\nlast:\n  return c\nsecond:\n  c = mul b, 2\n  jump last\nfirst:\n  b = add a, 1\n  jump second\n}',
    );
    expect(fn.valueNames).toEqual(['a', undefined, 'c', undefined, 'b']);
  });

  it('takes comments, blank lines, Windows line ends and lists over several lines', () => {
    const fn = only(
      '// a\n\nfn f(\r\n  a: i64, // b\r\n  b: i64\r\n) -> i64 {\r\nentry: // c\r\n  x = add a,\r\n    b\r\n  return x // d\r\n}\r\n// e',
    );
    expect(fn.valueNames).toEqual(['a', 'b', 'x']);
  });

  it('takes a byte order mark at the start, and nowhere else', () => {
    expect(parseModule('\ufeffmodule m\n').name).toBe('m');
    expect(thrown(IrSyntaxError, () => parseModule('\ufeff?'))).toMatchObject({
      code: 'CHARACTER',
      line: 1,
      column: 1,
    });
    expect(thrown(IrSyntaxError, () => parseModule('module m\n\ufeff'))).toMatchObject({ code: 'CHARACTER', line: 2 });
  });

  it('lets the operations be names', () => {
    expect(
      only(
        'fn f(add: i64) -> i64 {\nsub:\n  mul = add add, add\n  jump load(mul)\nload(select: i64):\n  return select\n}',
      ).valueNames,
    ).toEqual(['add', 'mul', 'select']);
  });

  it.each<[SyntaxCode, string, number, number]>([
    ['TOKEN', '', 1, 1],
    ['TOKEN', 'module', 1, 7],
    ['TOKEN', 'module m fn f() {\nentry:\n  return\n}', 1, 10],
    ['TOKEN', 'module m\nfn f() {\n}', 3, 1],
    ['TOKEN', 'module m\nfn f() {\nentry:\n}', 4, 1],
    ['TOKEN', 'module m\nfn f() {\nentry:\n  return', 4, 9],
    ['TOKEN', 'module m\nfn f() {\nentry: return\n}', 3, 8],
    ['TOKEN', 'module m\nfn f(a) {\nentry:\n  return\n}', 2, 7],
    ['TOKEN', 'module m\nfn f<T>(a: T) {\nentry:\n  return\n}', 2, 7],
    ['TOKEN', 'module m\nfn f<T: Big>(a: T) {\nentry:\n  return\n}', 2, 9],
    ['TOKEN', 'module m\nfn f<>() {\nentry:\n  return\n}', 2, 6],
    ['TOKEN', 'module m\nfn f(a: ptr<S<>>) {\nentry:\n  return\n}\nstruct S {\n  x: i64\n}', 2, 15],
    ['TOKEN', `module m\n${body('x: i64 = call g<>(a)\nreturn')}`, 4, 19],
    ['TOKEN', 'module m\nenum E {\n  A()\n}', 3, 5],
    ['TOKEN', `module m\n${body('x = plus a, b\nreturn')}`, 4, 7],
    ['TOKEN', `module m\n${body('x: i64 = const a\nreturn')}`, 4, 18],
    ['TOKEN', `module m\n${body('x = add a, b return')}`, 4, 16],
    ['TOKEN', 'module m\nfn f() {\nentry:\n  x: i64 = const 1\nnext:\n  return\n}', 5, 1],
    ['TOKEN', 'module m\nfn f() {\nentry(x: i64):\n  return\n}', 3, 1],
    ['CHARACTER', 'module m\nfn f() {\nentry:\n  return ?\n}', 4, 10],
    ['CHARACTER', 'module m\n\u{1f600}', 2, 1],
    ['NUMBER', `module m\n${body('x = add a, 12ab\nreturn')}`, 4, 14],
    ['NUMBER', `module m\n${body(`x = add a, ${'1'.repeat(65)}\nreturn`)}`, 4, 14],
    ['NUMBER', 'module m\nfn f() {\nentry:\n  x: f64 = const 1e999\n  return\n}', 4, 18],
    ['RESERVED', 'module m\nfn store() {\nentry:\n  return\n}', 2, 4],
    ['RESERVED', 'module m\nfn f(true: i64) {\nentry:\n  return\n}', 2, 6],
    ['RESERVED', 'module m\nfn f<i64: Any>() {\nentry:\n  return\n}', 2, 6],
    ['DUPLICATE', 'module m\nfn f() {\nentry:\n  return\n}\nfn f() {\nentry:\n  return\n}', 6, 4],
    ['DUPLICATE', 'module m\nfn f<T: Any, T: Eq>(a: T) {\nentry:\n  return\n}', 2, 14],
    ['DUPLICATE', `module m\n${body('a = add a, b\nreturn')}`, 4, 3],
    ['DUPLICATE', 'module m\nfn f() {\nentry:\n  return\nentry:\n  return\n}', 5, 1],
    ['UNDEFINED', `module m\n${body('x = add a, c\nreturn')}`, 4, 14],
    ['UNDEFINED', `module m\n${body('x = add a, y\ny = add a, b\nreturn')}`, 4, 14],
    ['UNDEFINED', `module m\n${body('jump away')}`, 4, 8],
    ['UNDEFINED', 'module m\nfn f(a: U) {\nentry:\n  return\n}', 2, 9],
    ['LITERAL', `module m\n${body('x = add 1, 2\nreturn')}`, 4, 11],
    ['LITERAL', `module m\n${body('x = load null\nreturn')}`, 4, 12],
    ['LITERAL', `module m\n${body('x = add a, 0.5\nreturn')}`, 4, 14],
    ['LITERAL', `module m\n${body('x = add a, true\nreturn')}`, 4, 14],
    ['LITERAL', `module m\n${body('x = add a, null\nreturn')}`, 4, 14],
    ['LITERAL', `module m\n${body('x = eq p, 0\nreturn')}`, 4, 13],
    ['LITERAL', 'module m\nfn f() {\nentry:\n  x: i8 = const 128\n  return\n}', 4, 17],
    ['LITERAL', 'module m\nfn f() {\nentry:\n  x: f32 = const 1e39\n  return\n}', 4, 18],
    ['LITERAL', 'module m\nfn f<T: Num>(a: T) {\nentry:\n  x = add a, 0.5\n  return\n}', 4, 14],
    ['LITERAL', 'module m\nfn f<T: Ord>(a: T) {\nentry:\n  x = lt a, 5\n  return\n}', 4, 13],
    ['LITERAL', 'module m\nfn f() {\nentry:\n  x = const 1\n  return\n}', 4, 13],
    ['LITERAL', `module m\n${body('call g(1)\nreturn')}`, 4, 10],
    ['TYPE', `module m\n${body('x = add a, p\nreturn')}`, 4, 7],
    ['TYPE', `module m\n${body('x = load a\nreturn')}`, 4, 7],
    ['TYPE', `module m\n${body('x: i32 = add a, b\nreturn')}`, 4, 12],
    ['TYPE', `module m\n${body('x = convert a\nreturn')}`, 4, 7],
    ['TYPE', `module m\n${body('x = call g(a)\nreturn')}`, 4, 3],
    ['TYPE', `module m\n${body('x = call f(a, b, p, flag)\nreturn')}`, 4, 3],
    ['TYPE', `module m\n${body('call f(p, b, p, flag)\nreturn')}`, 4, 10],
    ['TYPE', `module m\n${body('call f(a, b, p, flag)\nreturn a', ' -> i64')}`, 4, 3],
    ['TYPE', `module m\n${body('x: u8 = call f(a, b, p, flag)\nreturn a', ' -> i64')}`, 4, 11],
    ['TYPE', `module m\n${body('branch a, entry, entry')}`, 4, 3],
    ['TYPE', `module m\n${body('jump entry')}`, 4, 3],
    ['TYPE', `module m\n${body('return a')}`, 4, 3],
    ['TYPE', `module m\n${body('return', ' -> i64')}`, 4, 3],
    ['TYPE', `module m\n${body('jump next(a)\nnext(x: f64):\nreturn')}`, 4, 3],
    ['TYPE', 'module m\nfn f<T: Eq>(a: T) {\nentry:\n  x = add a, a\n  return\n}', 4, 7],
    ['ARITY', `module m\n${body('x = add a\nreturn')}`, 5, 3],
    ['ARITY', `module m\n${body('x = add a, b, a\nreturn')}`, 4, 15],
    ['ARITY', `module m\n${body('jump next(a)\nnext:\nreturn')}`, 4, 8],
    ['ARITY', `module m\n${body('call f(a)\nreturn')}`, 4, 8],
    ['ARITY', `module m\n${body('call f<i64>(a, b, p, flag)\nreturn')}`, 4, 8],
    ['LIMIT', `module ${'m'.repeat(1025)}`, 1, 8],
    ['LIMIT', `module m\n${body(`%${'1'.repeat(1024)} = add a, b\nreturn`)}`, 4, 3],
    ['LIMIT', `module m\nfn f(a: ${'ptr<'.repeat(64)}i8${'>'.repeat(64)}) {\nentry:\n  return\n}`, 2, 265],
    [
      'LIMIT',
      `module m\nfn f(${Array.from({ length: 256 }, (_, i) => `p${i}: i8`).join(', ')}) {\nentry:\n  return\n}`,
      2,
      2446,
    ],
    ['LIMIT', `module m\n${' '.repeat(2 ** 25)}`, 1, 1],
  ])('reports %s with its position (case %#)', (code, text, line, column) => {
    const error = thrown(IrSyntaxError, () => parseModule(text, { path: 'library.tir' }));
    expect(error).toMatchObject({ code, line, column, path: 'library.tir' });
    expect(error.message).toContain(`library.tir:${line}:${column}: expected ${error.expected}, found ${error.found}`);
  });

  it.each([
    [
      'fn f<T: Any>(a: T<i64>) {\nentry:\n  return\n}',
      '2:18: expected no type arguments, found "<" (T is a type parameter)',
    ],
    ['func f() {\n}', '2:1: expected "fn", "struct" or "enum", found "func"'],
    [
      'fn f() {\nentry:\n}',
      '4:1: expected an instruction or a terminator, found "}" (a block ends in jump, branch, if, return or unreachable)',
    ],
  ])('says what is wrong with %j', (text, message) => {
    expect(thrown(IrSyntaxError, () => parseModule(`module m\n${text}`)).message).toBe(`<text>:${message}`);
  });

  it('says what to do', () => {
    const error = thrown(IrSyntaxError, () => parseModule(`module m\n${body('x = call g(a)\nreturn')}`));
    expect(error.hint).toBe('g is not in this module: write `x: i64 = call …`');
    expect(error.message).toContain('<text>:4:3');
    expect(error.message).toContain(error.hint);
  });
});

describe('parseType', () => {
  it.each<[string, Type]>([
    ['i64', i64],
    [' ptr < ptr<u8> > ', ptr(ptr(scalar('u8')))],
    ['ptr<T>', ptr(param(0, 'T'))],
  ])('reads %j', (text, type) => {
    expect(parseType(text, { typeParams: [{ name: 'T', bound: 'Any' }] })).toBe(type);
  });

  it.each<[SyntaxCode, string]>([
    ['TOKEN', ''],
    ['TOKEN', 'i64 i64'],
    ['TOKEN', 'ptr<i64'],
    ['TOKEN', 'ptr'],
    ['RESERVED', 'Num'],
    ['LIMIT', 'array<i8, 0>'],
    ['TOKEN', 'array<i8>'],
    ['TOKEN', 'fn i64'],
    ['LIMIT', `${'ptr<'.repeat(1_000_000)}`],
  ])('reports %s (case %#)', (code, text) => {
    expect(thrown(IrSyntaxError, () => parseType(text))).toMatchObject({ code });
  });

  it('reads lists', () => {
    expect(parseTypeList('')).toEqual([]);
    expect(parseTypeList('i64,ptr<f64>')).toEqual([i64, ptr(scalar('f64'))]);
    expect(thrown(IrSyntaxError, () => parseTypeList('i64,'))).toMatchObject({ code: 'TOKEN' });
    expect(thrown(IrSyntaxError, () => parseTypeList('i64 f64'))).toMatchObject({ code: 'TOKEN', column: 5 });
  });
});

describe('printModule', () => {
  it('prints canonical text, with literals where the parser would put them', () => {
    const canonical = [
      'module m\n',
      'fn f<T: Num>(data: ptr<T>, n: i64) -> T {',
      'entry:',
      '  %2: i64 = const 4',
      '  size = sizeof ptr<T>',
      '  %5 = add %2, 1',
      '  %6: f64 = convert n',
      '  at = elem data, 0',
      '  store at, 1',
      '  is = eq data, null',
      '  r: T = call other<T, i64>(n)',
      '  call g(-0.0)',
      '  branch is, %1(0), done',
      '%1(%15: T):',
      '  return %15',
      'done:',
      '  return 5',
      '}\n',
      'fn g(x: f64) {',
      'entry:',
      '  unreachable',
      '}\n',
    ].join('\n');
    const module = parseModule(canonical);
    expect(printModule(module)).toBe(canonical);
    expect(printFunction(module.templates[1]!)).toBe('fn g(x: f64) {\nentry:\n  unreachable\n}\n');
  });

  it('prints names that cannot be written, or not twice, as if there were none', () => {
    const fn = only('fn f(a: i64, b: i64, c: i64) -> i64 {\nentry:\n  return a\n}');
    const renamed = { ...fn, valueNames: ['x', 'x', 'true'] };
    expect(printFunction(renamed)).toBe('fn f(x: i64, %1: i64, %2: i64) -> i64 {\nentry:\n  return x\n}\n');
  });

  it('prints functions that the verifier refuses, for looking at them', () => {
    const fn = only('fn f(a: i64) -> i64 {\nentry:\n  return a\n}');
    const broken = {
      ...fn,
      blocks: [
        {
          ...fn.blocks[0]!,
          instructions: [{ op: 'const', result: 9, value: 1n }],
          terminator: { op: 'return', value: 7 },
        },
      ],
    } as unknown as IrFunction;
    expect(printFunction(broken)).toContain('%9: ? = const 1\n  return %7');
  });
});
