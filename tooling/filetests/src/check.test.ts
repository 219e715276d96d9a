// The runner itself: an expectation that is wrong, a directive that is misspelt or cannot fail, and a file that expects
// nothing must each be a problem. Without this, files that pass would prove nothing.
import { describe, expect, it } from 'vitest';
import { checkFile } from './check.js';
import { bless } from './files.js';

const MODULE = `module m

fn add<T: Num>(a: T, b: T) -> T {
entry:
  r = add a, b
  return r
}

fn div<T: Num>(a: T, b: T) -> T {
entry:
  r = div a, b
  return r
}

fn flag(x: i32) -> bool {
entry:
  r = lt x, 0
  return r
}

fn set(p: ptr<f64>, x: f64) {
entry:
  store p, x
  return
}

fn next(p: ptr<f64>) -> ptr<f64> {
entry:
  q = elem p, 1
  return q
}

fn stop(p: ptr<f64>) -> i32 {
entry:
  store p, 1.0
  unreachable
}

fn missing(x: i32) -> i32 {
entry:
  r: i32 = call other(x)
  return r
}

fn magnitude(x: i64) -> i64 {
entry:
  r: i64 = extern labs(x)
  return r
}

fn cosine(x: f64) -> f64 {
entry:
  r: f64 = extern cos(x)
  return r
}

fn forever() -> i32 {
entry:
  jump loop
loop:
  jump loop
}
`;

/** What is wrong with these directives, over the module above. */
function problemsOf(...directives: string[]): string[] {
  const text = `// Shows something (section 4).\n${directives.map((line) => `// ${line}\n`).join('')}${MODULE}`;
  return checkFile(text).map(({ line, message }) => `${line}: ${message}`);
}

describe('expectations that hold', () => {
  it.each([
    ['run: add<i32>(1, 2) == 3'],
    ['run: add<{i8,u64,f32,f64}>(1, 2) == 3'],
    ['run: add<f64>(inf, -inf) == nan'],
    ['run: add<u8>(0xff, 1) == 0'],
    ['run: flag(-1) == true'],
    ['trap: div<i64>(1, 0) divide'],
    ['extern: labs', 'run: magnitude(-5) == 5'],
    ['buffer: a: f64 = 1.0, nan', 'run: set(a+8, 2.5)', 'after: a == 1.0, 2.5'],
    ['buffer: a = f64 1.0, i8 3, pad 7', 'run: set(a, -0.0)', 'after: a == f64 -0.0, i8 3'],
    ['buffer: a: f64 = 7.0 x 3', 'run: next(a) == a+8'],
    ['buffer: a: f64 = 0.0', 'trap: stop(a) unreachable', 'after: a == 1.0'],
    ['error: specialise BOUND_NOT_MET add<bool> "bound Num"'],
    ['error: link UNKNOWN_TEMPLATE missing(1)'],
    ['edit: add/blocks/0/instructions/0/op = "frobnicate"', 'error: verify OPCODE'],
    ['edit: add/result = type i32', 'error: verify RETURN_TYPE'],
    ['print: flag', '| fn flag(x: i32) -> bool {', '| entry:', '|   r = lt x, 0', '|   return r', '| }'],
  ])('%s', (...directives) => {
    expect(problemsOf(...directives)).toEqual([]);
  });
});

describe('expectations that do not hold fail, in every engine', () => {
  it.each([
    ['expected 4, found 3', 'run: add<i32>(1, 2) == 4'],
    ['expected 0, found -0', 'run: add<f64>(-0.0, -0.0) == 0.0'],
    ['expected NaN, found Infinity', 'run: add<f64>(inf, 1) == nan'],
    ['expected false, found true', 'run: flag(-1) == false'],
    ['expected trap divide, found 5', 'trap: div<i64>(10, 2) divide'],
    ['expected trap overflow, found trap divide', 'trap: div<i64>(1, 0) overflow'],
    ['expected 1, found trap divide', 'run: div<i64>(1, 0) == 1'],
    ['a+8 holds 2.5, not 2', 'buffer: a: f64 = 1.0, 0.0', 'run: set(a+8, 2.5)', 'after: a == 1.0, 2.0'],
    ['a+0 holds 1, not NaN', 'buffer: a: f64 = 1.0, 0.0', 'run: set(a+8, 2.5)', 'after: a == nan, 2.5'],
    ['a+0 holds 1, not 0', 'buffer: a: f64 = 0.0', 'trap: stop(a) unreachable', 'after: a == 0.0'],
  ])('%s: %s', (message, ...directives) => {
    const problems = problemsOf(...directives);
    const engines = problems.map((problem) => problem.match(/^\d+: (\w+): /)?.[1]);
    expect(engines).toEqual(['interpreter', 'native', 'linked', 'baseline']);
    for (const problem of problems) expect(problem).toContain(message);
  });

  it('an address, which is another in each engine', () => {
    const problems = problemsOf('buffer: a: f64 = 7.0 x 3', 'run: next(a) == a');
    expect(problems).toHaveLength(4);
  });

  it('a line of a group alone, at its place', () => {
    const problems = problemsOf(
      'run: add<i8>(1, 2) == 3',
      'run: add<{i16,i32}>(1, 2) == 5',
      'run: add<i64>(1, 2) == 3',
    );
    expect(problems.map((problem) => problem.slice(0, 2))).toEqual(new Array(8).fill('3:'));
  });

  it('writing beyond a buffer, which only native code can', () => {
    expect(problemsOf('buffer: a: f64 = 1.0', 'run: set(a+8, 2.5)', 'after: a == 1.0')).toEqual([
      '3: interpreter: fn$set(a+8, 2.5): expected no value, found trap memory',
      '3: native: fn$set(a+8, 2.5): wrote beyond the ends of a',
      '3: linked: fn$set(a+8, 2.5): wrote beyond the ends of a',
      '3: baseline: fn$set(a+8, 2.5): wrote beyond the ends of a',
    ]);
  });

  it('a program that does not end', () => {
    expect(problemsOf('run: forever() == 1')[0]).toContain('did not end');
  });

  it.each([
    [
      'expected specialise LITERAL_RANGE, found IrSpecialiseError BOUND_NOT_MET',
      'error: specialise LITERAL_RANGE add<bool>',
    ],
    ['but nothing is wrong', 'error: specialise BOUND_NOT_MET add<i32>'],
    ['but nothing is wrong', 'error: verify TYPE'],
    ['but nothing is wrong', 'error: parse TOKEN'],
    ['"bound Int" in the message', 'error: specialise BOUND_NOT_MET add<bool> "bound Int"'],
    [
      'expected verify TYPE, found IrVerifyError OPCODE',
      'edit: add/blocks/0/instructions/0/op = "no"',
      'error: verify TYPE',
    ],
    ['there is nothing at blocs', 'edit: add/blocs/0 = 1', 'error: verify TYPE'],
    ['there is no template sub', 'edit: sub/result = 1', 'error: verify TYPE'],
    [
      'prints "  r = lt x, 0", not "  r = gt x, 0"',
      'print: flag',
      '| fn flag(x: i32) -> bool {',
      '| entry:',
      '|   r = gt x, 0',
    ],
    [
      'prints "}", not undefined',
      'print: flag',
      '| fn flag(x: i32) -> bool {',
      '| entry:',
      '|   r = lt x, 0',
      '|   return r',
    ],
  ])('%s', (message, ...directives) => {
    const problems = problemsOf(...directives);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });
});

describe('files that prove nothing are refused', () => {
  it.each([
    ['expects nothing'],
    ['expects nothing', 'buffer: a: f64 = 1.0'],
    ['unknown directive ruin', 'ruin: add<i32>(1, 2) == 3'],
    ['stands alone on its line', 'run: add<i32>(1, 2) == 3', 'after-run: a == 1'],
    ['stands alone on its line', ' run: add<i32>(1, 2) == 3'],
    ['stands alone on its line', 'Run: add<i32>(1, 2) == 3'],
    ['stands alone on its line', 'run:add<i32>(1, 2) == 3'],
    ['expected `run: f(…) == value`', 'run: add<i32>(1, 2) = 3'],
    ['cannot fail', 'run: add<i32>(1, 2)'],
    ['cannot fail', 'buffer: a: f64 = 1.0', 'run: set(a, 2.0)'],
    ['cannot fail', 'buffer: a: f64 = 1.0', 'run: set(a, 2.0)', 'after: a == _'],
    ['cannot fail', 'buffer: a: f64 = 1.0', 'run: set(a, 2.0)', 'after: a == pad 8'],
    ['expected one of: divide', 'trap: div<i32>(1, 0) zero'],
    ['expected one of: divide', 'trap: div<i32>(1, 0)'],
    ['`after` follows', 'after: a == 1'],
    ['prints nothing', 'print: flag'],
    ['`// |` only follows', '| fn'],
    ['stage specialise needs', 'error: specialise BOUND_NOT_MET'],
    ['with a stage of: parse', 'error: compile TYPE'],
    ['with a stage of: parse', 'error: verify'],
    ['has no other expectation', 'error: verify TYPE', 'run: add<i32>(1, 2) == 3'],
    ['has no other expectation', 'error: parse TOKEN', 'error: verify TYPE'],
    ['takes 2 arguments, not 1', 'run: add<i32>(1) == 3'],
    ['is no value of i8', 'run: add<i8>(1, 128) == 3'],
    ['is no value of u8', 'run: add<u8>(-1, 1) == 0'],
    ['is no value of i32', 'run: add<i32>(1, 2) == 3.0'],
    ['is no value of bool', 'run: flag(1) == 1'],
    ['is no value of f32', 'run: add<f32>(1e39, 1) == inf'],
    ['there is no buffer b', 'run: next(b) == b'],
    ['nothing uses the buffer a', 'buffer: a: f64 = 1.0', 'run: add<i32>(1, 2) == 3'],
    ['a second buffer a', 'buffer: a: f64 = 1.0', 'buffer: a: f64 = 1.0', 'run: next(a) == a+8'],
    ['has a result: say', 'buffer: a: f64 = 1.0', 'run: next(a)', 'after: a == 1.0'],
    ['has no result to expect', 'buffer: a: f64 = 1.0', 'run: set(a, 1.0) == 1'],
    ['there is no template', 'error: specialise BOUND_NOT_MET sub<bool>'],
    ['expect an error', 'edit: flag/name = "other"', 'run: add<i32>(1, 2) == 3'],
    ['nothing calls malloc', 'extern: labs malloc', 'run: magnitude(-1) == 1'],
    ['UNKNOWN_SYMBOL', 'run: magnitude(-1) == 1'],
    ['the interpreter has no cos', 'extern: cos', 'run: cosine(0.0) == 1.0'],
  ])('%s: %s', (message, ...directives) => {
    expect(problemsOf(...directives).join('\n')).toContain(message);
  });

  it('a directive behind code', () => {
    const text = `// Shows something (section 4).\n// run: flag(1) == false\n${MODULE}`.replace(
      '  unreachable',
      '  unreachable // trap: stop(null) memory',
    );
    expect(checkFile(text)).toMatchObject([{ message: expect.stringContaining('stands alone') }]);
  });

  it('a file that does not say what it shows', () => {
    expect(checkFile(`// run: flag(1) == false\n${MODULE}`)).toMatchObject([
      { line: 1, message: expect.stringContaining('the first line') },
    ]);
  });

  it('a module that is not valid, where no error is expected', () => {
    const text = `// Shows something (section 8).\n// run: f() == 1\nmodule m\nfn f() -> i32 {\nentry:\n  return 1\nlost:\n  return 2\n}\n`;
    expect(checkFile(text)).toMatchObject([{ message: expect.stringContaining('UNREACHABLE_BLOCK') }]);
    expect(checkFile(text.replace('return 1', 'returns 1'))).toMatchObject([
      { message: expect.stringContaining('TOKEN') },
    ]);
  });
});

it('FILETESTS_BLESS writes what is printed, and nothing else', () => {
  const before = `// Shows something (section 10).\n// print: flag\n// | old\n// run: flag(1) == false\n${MODULE}`;
  const after = bless(before);
  expect(after).toBe(
    before.replace(
      '// | old\n',
      '// | fn flag(x: i32) -> bool {\n// | entry:\n// |   r = lt x, 0\n// |   return r\n// | }\n',
    ),
  );
  expect(checkFile(after)).toEqual([]);
  expect(bless(after)).toBe(after);
});
