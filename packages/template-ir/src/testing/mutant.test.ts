// Damaged binary IR: a typed error or a result, whatever was damaged. A few thousand mutants and a fixed seed by default;
// `pnpm fuzz` takes 100,000 with a new seed. FC_NUM_RUNS and SIMPLE_JIT_TEST_SEED (a number, or `random`) override both.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calleesOf, instances } from '../index.js';
import { arbitraryMutants, type MutantResult, programToString, runMutant } from './index.js';

const count = Number(process.env.FC_NUM_RUNS ?? 3000);
const seedText = process.env.SIMPLE_JIT_TEST_SEED ?? '20261123';
const seed = seedText === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(seedText);
const EACH = 16;

describe('mutants', () => {
  it('end in a typed error or a result', { timeout: 60_000 + count * 20 }, () => {
    const stages: Record<MutantResult['stage'], number> = { decode: 0, verify: 0, specialise: 0, ran: 0 };
    const codes = new Set<string>();
    let comparable = 0;
    fc.assert(
      fc.property(arbitraryMutants(EACH), (mutants) => {
        for (const mutant of mutants) {
          const result = runMutant(mutant);
          stages[result.stage]++;
          if (result.error !== undefined && 'code' in result.error) codes.add(result.error.code);
          comparable += result.runs.filter((run) => run.comparable).length;
        }
      }),
      { numRuns: Math.ceil(count / EACH), seed, endOnFailure: true },
    );
    if (count > 10_000)
      process.stderr.write(`${JSON.stringify(stages)}, ${comparable} runs to compare, seed ${seed}\n`);
    // Some of each: else the damage says nothing of what comes after.
    expect(stages.decode).toBeGreaterThan(count / 20);
    expect(stages.verify).toBeGreaterThan(count / 20);
    expect(stages.specialise).toBeGreaterThan(0);
    expect(stages.ran).toBeGreaterThan(count / 20);
    expect(comparable).toBeGreaterThan(count / 20);
    expect(codes.size).toBeGreaterThan(20);
  });

  it('are the program itself where nothing was changed, and then comparable', () => {
    fc.assert(
      fc.property(arbitraryMutants(1), ([mutant]) => {
        const result = runMutant({ program: mutant!.program, changes: [] });
        expect(result.stage).toBe('ran');
        expect(result.runs).toHaveLength(mutant!.program.runs.length);
        for (const { comparable, error } of result.runs) expect([comparable, error]).toEqual([true, undefined]);
        const call = instances(result.module!);
        expect(calleesOf(call(mutant!.program.entry)).length).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 300, seed },
    );
  });

  it('are the same each time', () => {
    const [first, second] = [1, 2].map(() =>
      fc
        .sample(arbitraryMutants(4), { numRuns: 20, seed: 5 })
        .flat()
        .map((mutant) => {
          const { stage, error, runs } = runMutant(mutant);
          return [programToString(mutant.program), stage, error?.message, runs.map(({ outcome }) => outcome)];
        }),
    );
    expect(first).toEqual(second);
  });
});
