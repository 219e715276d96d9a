// Aggregates, lowered, must stay values: what random traffic of them leaves in memory is what an evaluator leaves in which
// they are values. FC_NUM_RUNS and SIMPLE_JIT_TEST_SEED as in testing/evaluate.test.ts.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifyModule } from './index.js';
import { arbitraryTraffic, evaluateRun, interpretRun } from './testing/index.js';

const numRuns = Number(process.env.FC_NUM_RUNS ?? 1000);
const seedText = process.env.SIMPLE_JIT_TEST_SEED ?? '20261125';
const seed = seedText === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(seedText);

describe('lowerAggregates', () => {
  it('keeps aggregates values, whatever overlaps', { timeout: 60_000 + numRuns * 40 }, () => {
    fc.assert(
      fc.property(arbitraryTraffic(), (program) => {
        verifyModule(program.module);
        for (const run of program.runs) {
          const outcome = interpretRun(program, run);
          expect(outcome).toEqual(evaluateRun(program, run));
          expect(outcome.trap).toBeUndefined();
        }
      }),
      { numRuns, seed },
    );
  });
});
