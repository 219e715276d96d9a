// Specialisation and its lowering of aggregates against an evaluator that does without: 3,000 programs with a fixed seed;
// `pnpm fuzz` takes 100,000 with a new seed. FC_NUM_RUNS and SIMPLE_JIT_TEST_SEED (a number, or `random`) override both.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IrLinkError, IrStepLimitError, IrTrapError, instances, LinearMemory, parseModule, scalar } from '../index.js';
import { thrown } from '../thrown.test-support.js';
import { arbitraryProgram, evaluate, evaluateRun, interpretRun, sameOutcome } from './index.js';

const numRuns = Number(process.env.FC_NUM_RUNS ?? 3000);
const seedText = process.env.SIMPLE_JIT_TEST_SEED ?? '20261124';
const seed = seedText === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(seedText);

describe('evaluate', () => {
  it('agrees with the interpreter after specialisation', { timeout: 60_000 + numRuns * 40 }, () => {
    fc.assert(
      fc.property(arbitraryProgram({ externs: true }), (program) => {
        const call = instances(program.module);
        for (const run of program.runs) {
          const [direct, specialised] = [evaluateRun(program, run), interpretRun(program, run, call)];
          if (!sameOutcome(direct, specialised)) expect(direct).toEqual(specialised);
        }
      }),
      { numRuns, seed },
    );
  });

  const module = parseModule(`module m
struct Pair<A: Any, B: Any> {
  a: A
  b: B
}
fn swap<A: Any, B: Any>(p: Pair<A, B>) -> Pair<B, A> {
entry:
  to = slot Pair<B, A>
  from = slot Pair<A, B>
  store from, p
  to_a = field to, a
  to_b = field to, b
  from_a = field from, a
  from_b = field from, b
  copy to_a, from_b, 1
  copy to_b, from_a, 1
  r = load to
  return r
}
fn divide(a: i64, b: i64) -> i64 {
entry:
  r = div a, b
  return r
}
fn other() {
entry:
  call missing()
  return
}
fn foreign() {
entry:
  extern toString()
  return
}
fn wrong() -> i64 {
entry:
  f: fn(i64, i64) -> i64 = fnaddr divide
  g: fn(i64) -> i64 = cast f
  r = invoke g(1)
  return r
}
fn forever() {
entry:
  jump loop
loop:
  jump loop
}
`);
  const run = (
    template: string,
    args: Parameters<typeof evaluate>[2] = [],
    typeArgs = [] as ReturnType<typeof scalar>[],
  ) => evaluate(module, { template, typeArgs }, args, { memory: new LinearMemory(), maxSteps: 100 });

  it('takes and gives aggregates as their bytes', () => {
    const pair = Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0);
    expect(run('swap', [pair], [scalar('u8'), scalar('u32')])).toEqual(Uint8Array.of(2, 0, 0, 0, 1, 0, 0, 0));
    expect(pair[0]).toBe(1);
  });

  it('traps and fails as the interpreter does', () => {
    expect(run('divide', [7n, -2n])).toBe(-3n);
    expect(thrown(IrTrapError, () => run('divide', [7n, 0n]))).toMatchObject({ kind: 'divide', instruction: 0 });
    expect(thrown(IrLinkError, () => run('other')).code).toBe('UNKNOWN_TEMPLATE');
    expect(thrown(IrLinkError, () => run('foreign')).code).toBe('UNKNOWN_SYMBOL');
    expect(thrown(IrLinkError, () => run('wrong'))).toMatchObject({
      code: 'SIGNATURE',
      expected: 'fn(i64) -> i64',
      found: 'fn(i64, i64) -> i64',
    });
    expect(thrown(IrStepLimitError, () => run('forever')).steps).toBe(100);
  });
});
