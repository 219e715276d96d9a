import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BlockId,
  FunctionBuilder,
  IrBuildError,
  interpret,
  printFunction,
  scalar,
  specialise,
  type Variable,
  verifyTemplate,
} from './index.js';
import { thrown } from './thrown.test-support.js';

const i64 = scalar('i64');

describe('variables of the builder', () => {
  it('become the block parameters that a loop needs, and no others', () => {
    const f = new FunctionBuilder('sum_to');
    const n = f.param(i64, 'n');
    f.setResult(i64);
    const [loop, body, done] = [f.block('loop'), f.block('body'), f.block('done')];
    const [i, total, limit] = [f.variable(i64, 'i'), f.variable(i64, 'total'), f.variable(i64, 'limit')];
    f.write(i, f.const(i64, 0n));
    f.write(total, f.const(i64, 0n));
    f.write(limit, n);
    f.jump(loop);
    f.switchTo(loop);
    f.branch(f.compare('lt', f.read(i), f.read(limit)), body, [], done, []);
    f.switchTo(body);
    f.seal(body);
    f.write(total, f.binary('add', f.read(total), f.read(i)));
    f.write(i, f.binary('add', f.read(i), f.const(i64, 1n)));
    f.jump(loop);
    f.seal(loop);
    f.switchTo(done);
    f.seal(done);
    f.return(f.read(total));
    const template = f.build();
    verifyTemplate(template);
    expect(printFunction(template)).toBe(
      [
        'fn sum_to(n: i64) -> i64 {',
        'entry:',
        '  jump loop(0, 0)',
        'loop(i: i64, total: i64):',
        '  %5 = lt i, n',
        '  branch %5, body, done',
        'body:',
        '  %6 = add total, i',
        '  %8 = add i, 1',
        '  jump loop(%8, %6)',
        'done:',
        '  return total',
        '}\n',
      ].join('\n'),
    );
    expect(interpret(specialise(template, []), [10n])).toBe(45n);
  });

  it('need no parameter for what every path leaves alone, also through loops in loops', () => {
    const f = new FunctionBuilder('f');
    const [n, c] = [f.param(i64, 'n'), f.param(scalar('bool'), 'c')];
    f.setResult(i64);
    const x = f.variable(i64, 'x');
    f.write(x, n);
    const [outer, inner, done] = [f.block('outer'), f.block('inner'), f.block('done')];
    f.jump(outer);
    f.switchTo(outer);
    f.jump(inner);
    f.switchTo(inner);
    const again = f.block('again');
    f.branch(c, inner, [], again, []);
    f.switchTo(again);
    f.branch(c, outer, [], done, []);
    f.switchTo(done);
    f.return(f.read(x));
    const template = f.build();
    verifyTemplate(template);
    expect(template.blocks.every(({ params }, b) => b === 0 || params.length === 0)).toBe(true);
    expect(template.valueTypes.length).toBe(2);
  });

  it('do not recurse: a chain of 20,000 joins', () => {
    const f = new FunctionBuilder('f');
    const [c, n] = [f.param(scalar('bool')), f.param(i64)];
    f.setResult(i64);
    const x = f.variable(i64);
    f.write(x, n);
    for (let k = 0; k < 20_000; k++) {
      const [a, b] = [f.block(), f.block()];
      f.branch(c, a, [], b, []);
      f.switchTo(a);
      if (k === 7) f.write(x, f.const(i64, 5n));
      f.jump(b);
      f.switchTo(b);
    }
    for (let b = 1; b <= 40_000; b++) f.seal(b as BlockId);
    f.return(f.read(x));
    const template = f.build();
    verifyTemplate(template);
    expect(template.blocks.reduce((sum, { params }) => sum + params.length, 0)).toBe(2 + 1);
    expect(interpret(specialise(template, []), [true, 1n])).toBe(5n);
  });

  it('stand beside explicit block parameters', () => {
    const f = new FunctionBuilder('f');
    f.setResult(i64);
    const x = f.variable(i64, 'x');
    const end = f.block('end');
    const p = f.blockParam(end, i64, 'p');
    const other = f.block('other');
    const c = f.const(scalar('bool'), true);
    f.write(x, f.const(i64, 1n));
    f.branch(c, end, [f.const(i64, 10n)], other, []);
    f.switchTo(other);
    f.write(x, f.const(i64, 2n));
    f.jump(end, [f.const(i64, 20n)]);
    f.switchTo(end);
    f.return(f.binary('add', p, f.read(x)));
    const template = f.build();
    verifyTemplate(template);
    expect(interpret(specialise(template, []), [])).toBe(11n);
  });

  it('drop a parameter that turns out needless by way of one that was dropped before', () => {
    const f = new FunctionBuilder('f');
    const [x, p, c] = [f.variable(i64, 'x'), f.param(i64), f.param(scalar('bool'))];
    f.setResult(i64);
    f.write(x, p);
    const [loop, a, again, fork, k, j] = ['loop', 'a', 'again', 'fork', 'k', 'j'].map((name) =>
      f.block(name),
    ) as BlockId[];
    f.jump(loop!);
    f.switchTo(loop!);
    f.branch(c, a!, [], a!, []);
    f.seal(a!);
    f.switchTo(a!);
    f.read(x); // what stands for it here is that of the loop, which is still open
    f.branch(c, again!, [], fork!, []);
    f.seal(fork!);
    f.switchTo(fork!);
    f.branch(c, k!, [], j!, []);
    f.seal(k!);
    f.switchTo(k!);
    f.write(x, p);
    f.jump(j!);
    f.seal(j!);
    f.switchTo(j!);
    f.return(f.read(x)); // that of the loop or p, until the loop turns out to have no other than p
    f.switchTo(again!);
    f.jump(loop!);
    f.seal(again!);
    f.seal(loop!);
    expect(
      f
        .build()
        .blocks.slice(1)
        .flatMap(({ params }) => params),
    ).toEqual([]);
  });

  it('drop a parameter that very many others got', () => {
    const f = new FunctionBuilder('f');
    const [x, p, c] = [f.variable(i64, 'x'), f.param(i64), f.param(scalar('bool'))];
    f.write(x, p);
    const [loop, out] = [f.block(), f.block()];
    f.jump(loop);
    f.switchTo(loop);
    for (let i = 0; i < 70_000; i++) {
      const [other, join, next] = [f.block(), f.block(), f.block()];
      f.branch(c, join, [], other, []);
      f.seal(other);
      f.switchTo(other);
      f.branch(c, join, [], next, []);
      f.seal(join);
      f.switchTo(join);
      f.read(x); // both edges bring the parameter of the loop, which is still open
      f.return();
      f.seal(next);
      f.switchTo(next);
    }
    f.branch(c, loop, [], out, []);
    f.seal(loop);
    f.switchTo(out);
    f.return();
    expect(f.build().blocks.every(({ params }, b) => b === 0 || params.length === 0)).toBe(true);
  });

  it.each<[string, string, (f: FunctionBuilder, x: Variable) => unknown]>([
    ['NOT_DOMINATED', 'x is read before it is written', (f, x) => f.read(x)],
    ['OPERAND_TYPE', 'x is written with another type', (f, x) => f.write(x, f.const(scalar('f64'), 1))],
    ['VALUE', 'there is no such variable', (f) => f.read(7 as Variable)],
    ['BLOCK', 'there is no such block', (f) => f.seal(9 as BlockId)],
    [
      'SHAPE',
      'an edge goes to a sealed block',
      (f) => {
        const b = f.block('b');
        f.seal(b);
        f.jump(b);
      },
    ],
    [
      'NOT_DOMINATED',
      'one path does not write it',
      (f, x) => {
        const [a, b] = [f.block('a'), f.block('b')];
        f.branch(f.const(scalar('bool'), true), a, [], b, []);
        f.switchTo(a);
        f.write(x, f.const(i64, 1n));
        f.jump(b);
        f.switchTo(b);
        f.read(x);
        f.return();
        f.build();
      },
    ],
  ])('report %s if %s', (code, _, action) => {
    const f = new FunctionBuilder('f');
    const x = f.variable(i64, 'x');
    expect(thrown(IrBuildError, () => action(f, x))).toMatchObject({ code });
  });

  /** Random structured programs over three variables, against plain JavaScript. */
  type Statement =
    | { readonly kind: 'set'; readonly to: number; readonly a: number; readonly b: number }
    | { readonly kind: 'if'; readonly on: number; readonly yes: Statement[]; readonly no: Statement[] }
    | { readonly kind: 'loop'; readonly times: number; readonly body: Statement[] };
  const { block } = fc.letrec<{ block: Statement[]; statement: Statement }>((tie) => ({
    block: fc.array(tie('statement'), { maxLength: 4, depthIdentifier: 's' }),
    statement: fc.oneof(
      { depthIdentifier: 's', maxDepth: 3 },
      fc.record({ kind: fc.constant('set' as const), to: fc.nat(2), a: fc.nat(2), b: fc.nat(2) }),
      fc.record({ kind: fc.constant('if' as const), on: fc.nat(2), yes: tie('block'), no: tie('block') }),
      fc.record({ kind: fc.constant('loop' as const), times: fc.nat(3), body: tie('block') }),
    ),
  }));

  function run(statements: readonly Statement[], vars: bigint[]): void {
    for (const s of statements) {
      if (s.kind === 'set') vars[s.to] = BigInt.asIntN(64, vars[s.a]! * 3n + vars[s.b]!);
      else if (s.kind === 'if') run(vars[s.on]! % 2n === 0n ? s.yes : s.no, vars);
      else for (let k = 0; k < s.times; k++) run(s.body, vars);
    }
  }

  function emit(f: FunctionBuilder, vars: readonly Variable[], statements: readonly Statement[]): void {
    for (const s of statements) {
      if (s.kind === 'set') {
        const product = f.binary('mul', f.read(vars[s.a]!), f.const(i64, 3n));
        f.write(vars[s.to]!, f.binary('add', product, f.read(vars[s.b]!)));
      } else if (s.kind === 'if') {
        const [then, otherwise, join] = [f.block(), f.block(), f.block()];
        const bit = f.binary('and', f.read(vars[s.on]!), f.const(i64, 1n));
        f.branch(f.compare('eq', bit, f.const(i64, 0n)), then, [], otherwise, []);
        for (const [b, body] of [[then, s.yes] as const, [otherwise, s.no] as const]) {
          f.switchTo(b);
          f.seal(b);
          emit(f, vars, body);
          f.jump(join);
        }
        f.seal(join);
        f.switchTo(join);
      } else {
        const count = f.variable(i64);
        f.write(count, f.const(i64, 0n));
        const [head, body, done] = [f.block(), f.block(), f.block()];
        f.jump(head);
        f.switchTo(head);
        f.branch(f.compare('lt', f.read(count), f.const(i64, BigInt(s.times))), body, [], done, []);
        f.switchTo(body);
        emit(f, vars, s.body);
        f.write(count, f.binary('add', f.read(count), f.const(i64, 1n)));
        f.jump(head);
        f.switchTo(done);
      }
    }
  }

  it('mean what they say', () => {
    fc.assert(
      fc.property(block, fc.array(fc.bigInt(-99n, 99n), { minLength: 3, maxLength: 3 }), (statements, start) => {
        const f = new FunctionBuilder('f');
        f.setResult(i64);
        const vars = start.map((value, i) => {
          const variable = f.variable(i64, `v${i}`);
          f.write(variable, f.param(i64, `p${i}`));
          return [variable, value] as const;
        });
        const names = vars.map(([variable]) => variable);
        emit(f, names, statements);
        const [a, b, c] = names.map((variable) => f.read(variable));
        f.return(f.binary('xor', f.binary('xor', a!, b!), c!));
        const template = f.build();
        verifyTemplate(template);
        const expected = [...start];
        run(statements, expected);
        expect(interpret(specialise(template, []), start)).toBe(expected.reduce((x, y) => x ^ y));
      }),
      { numRuns: 200 },
    );
  });
});
