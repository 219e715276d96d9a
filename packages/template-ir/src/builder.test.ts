import { describe, expect, it } from 'vitest';
import {
  type BinaryOp,
  type BlockId,
  type CompareOp,
  FunctionBuilder,
  IrBuildError,
  interpret,
  ModuleBuilder,
  parseModule,
  printModule,
  ptr,
  renumber,
  scalar,
  specialise,
  type Type,
  type UnaryOp,
  type Value,
  type VerifyCode,
  verifyModule,
} from './index.js';
import { thrown } from './thrown.test-support.js';

const [i64, f64, bool] = [scalar('i64'), scalar('f64'), scalar('bool')];

function sumTo(): FunctionBuilder {
  const f = new FunctionBuilder('sum_to');
  const n = f.param(i64, 'n');
  f.setResult(i64);
  const loop = f.block('loop');
  const [i, total] = [f.blockParam(loop, i64, 'i'), f.blockParam(loop, i64, 'total')];
  const [body, done] = [f.block('body'), f.block('done')];
  const zero = f.const(i64, 0n);
  f.jump(loop, [zero, f.const(i64, 0n)]);
  f.switchTo(loop);
  f.branch(f.compare('lt', i, n, 'more'), body, [], done, []);
  f.switchTo(body);
  const next = f.binary('add', i, f.const(i64, 1n), 'next');
  f.jump(loop, [next, f.binary('add', total, next, 'grown')]);
  f.switchTo(done);
  f.return(total);
  return f;
}

describe('FunctionBuilder', () => {
  it('builds what the text form says', () => {
    const module = new ModuleBuilder('m');
    module.add(sumTo());
    const built = module.build();
    verifyModule(built);
    const text = `module m

fn sum_to(n: i64) -> i64 {
entry:
  jump loop(0, 0)
loop(i: i64, total: i64):
  more = lt i, n
  branch more, body, done
body:
  next = add i, 1
  grown = add total, next
  jump loop(next, grown)
done:
  return total
}
`;
    expect(printModule(built)).toBe(text);
    expect(parseModule(text)).toEqual(built);
    expect(interpret(specialise(built.templates[0]!, []), [10n])).toBe(55n);
  });

  it('numbers values canonically, in whatever order they were made', () => {
    const built = sumTo().build();
    expect(renumber(built)).toBe(built);
    expect(built.blocks.flatMap(({ params }) => params)).toEqual([0, 3, 4]);
  });

  const cases: [VerifyCode, string, (f: FunctionBuilder, a: Value, entry: BlockId) => unknown][] = [
    ['VALUE', 'a value of another function', (f, a) => f.binary('add', a, 99 as Value)],
    ['OPCODE', 'an operation of two operands for one', (f, a) => f.unary('add' as UnaryOp, a)],
    ['OPCODE', 'an operation of one operand for two', (f, a) => f.binary('neg' as BinaryOp, a, a)],
    ['OPCODE', 'an operation that is no comparison', (f, a) => f.compare('add' as CompareOp, a, a)],
    ['TYPE', 'what only looks like a type', (f) => f.const({ kind: 'scalar', name: 'i64' }, 1n)],
    ['TYPE', 'a parameter without a type', (f) => f.param(undefined as unknown as Type)],
    ['OPERAND_TYPE', 'operands of two types', (f, a) => f.binary('add', a, f.const(f64, 1))],
    ['OPERAND_TYPE', 'a load from no pointer', (f, a) => f.load(a)],
    ['OPERAND_TYPE', 'a store to no pointer', (f, a) => f.store(a, a)],
    ['OPERAND_TYPE', 'an element of no pointer', (f, a) => f.elem(a, a)],
    ['OPERAND_TYPE', 'a branch by no bool', (f, a) => f.branch(a, f.block(), [], f.block(), [])],
    ['OPERAND_TYPE', 'a choice by no bool', (f, a) => f.select(a, a, a)],
    ['OPERAND_TYPE', 'a square root of an integer', (f, a) => f.unary('sqrt', a)],
    ['OPERAND_TYPE', 'order of bools', (f) => f.compare('lt', f.const(bool, true), f.const(bool, false))],
    ['RESULT_TYPE', 'conversion of bool to a float', (f) => f.convert(f64, f.const(bool, true))],
    ['BOUND', 'what a bound does not promise', (f) => f.unary('neg', f.param(f.typeParam('T', 'Ord')))],
    ['LITERAL', 'a literal that does not fit', (f) => f.const(scalar('u8'), -1n)],
    ['EDGE_TO_ENTRY', 'an edge to the entry', (f, _, entry) => f.jump(entry)],
    ['EDGE_ARITY', 'a wrong number of arguments', (f, a) => f.jump(f.block(), [a])],
    [
      'EDGE_TYPE',
      'an argument of another type',
      (f, a) => {
        const block = f.block();
        f.blockParam(block, ptr(i64));
        f.jump(block, [a]);
      },
    ],
    ['BLOCK', 'a block of another function', (f) => f.switchTo(7 as BlockId)],
    ['RETURN_TYPE', 'no value', (f) => f.return()],
    ['RETURN_TYPE', 'a value of another type', (f) => f.return(f.const(f64, 1))],
    [
      'SHAPE',
      'an instruction after the terminator',
      (f, a) => {
        f.return(a);
        f.unary('neg', a);
      },
    ],
    ['SHAPE', 'a block without terminator', (f) => f.build()],
  ];

  it.each(cases)('refuses with %s %s', (code, _, action) => {
    const f = new FunctionBuilder('f');
    const a = f.param(i64, 'a');
    f.setResult(i64);
    expect(thrown(IrBuildError, () => action(f, a, 0 as BlockId))).toMatchObject({ code, function: 'f' });
  });

  it('refuses a second template of one name', () => {
    const module = new ModuleBuilder('m');
    module.add(sumTo());
    expect(() => module.add(sumTo().build())).toThrow(
      expect.objectContaining({ name: 'IrBuildError', code: 'DUPLICATE' }),
    );
  });
});
