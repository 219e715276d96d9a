// Specialisation and its lowering of aggregates against an evaluator that does without: 3,000 programs with a fixed seed;
// `pnpm fuzz` takes 100,000 with a new seed. FC_NUM_RUNS and SIMPLE_JIT_TEST_SEED (a number, or `random`) override both.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instances } from '../index.js';
import { arbitraryProgram, evaluateRun, interpretRun, sameOutcome } from './index.js';

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
});
