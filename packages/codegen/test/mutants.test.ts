// Damaged binary IR that is still valid: it compiles to code that agrees with the interpreter, or is refused by a typed error. A
// fixed seed and a modest count by default; `pnpm fuzz` runs many. FC_NUM_RUNS and SIMPLE_JIT_TEST_SEED override both.
import { arbitraryMutants } from '@simple-jit/template-ir/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HOST_FEATURES } from './support/host-features.js';
import { checkMutant, SCARCE } from './support/random-programs.js';
import { verifyAllocation } from './support/verify-allocation.js';

const PER_PROGRAM = 10;
const numRuns = Math.ceil(Number(process.env.FC_NUM_RUNS ?? 2000) / PER_PROGRAM);
const seedText = process.env.SIMPLE_JIT_TEST_SEED ?? '20261122';
const seed = seedText === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(seedText);

it('mutants agree with the interpreter, or are refused', { timeout: 60_000 + numRuns * 1000 }, () => {
  if (numRuns > 1000) process.stderr.write(`${numRuns * PER_PROGRAM} mutants, seed ${seed}\n`);
  let tried = 0;
  let compared = 0;
  const refused = new Map<string, number>();
  fc.assert(
    fc.property(arbitraryMutants(PER_PROGRAM), (mutants) => {
      for (const mutant of mutants) {
        const registers = tried++ % 3 === 0 ? { registers: SCARCE[tried % SCARCE.length]! } : {};
        const options = { cpuFeatures: HOST_FEATURES, onAllocated: verifyAllocation, ...registers };
        const result = checkMutant(mutant, options);
        if (typeof result === 'number') compared += result;
        else refused.set(result.code, (refused.get(result.code) ?? 0) + 1);
      }
    }),
    { numRuns, seed, endOnFailure: false },
  );
  expect(compared).toBeGreaterThan(numRuns);
  const errors = [...refused].map(([code, count]) => `${count} ${code}`).join(', ') || 'none';
  if (numRuns > 1000)
    process.stderr.write(`${tried} mutants: ${compared} runs agree; refused: ${errors} (seed ${seed})\n`);
});
