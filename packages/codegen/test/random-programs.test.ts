// Random programs, interpreted and native, must agree: results, memory and traps. A fixed seed and a modest count by default;
// `pnpm fuzz` runs many with a new seed. FC_NUM_RUNS and SIMPLE_JIT_TEST_SEED (a number, or `random`) override both.
import { arbitraryProgram, type TestProgram } from '@simple-jit/template-ir/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkDense, checkProgram, SCARCE } from './support/random-programs.js';
import { verifyAllocation } from './support/verify-allocation.js';

const numRuns = Number(process.env.FC_NUM_RUNS ?? 300);
const seedText = process.env.SIMPLE_JIT_TEST_SEED ?? '20261122';
const seed = seedText === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(seedText);
const timeout = 60_000 + numRuns * 1000;

function holds(arbitrary: fc.Arbitrary<TestProgram>, check: (program: TestProgram, number: number) => void): void {
  // Said first: should native code take the process down, the seed is known.
  if (numRuns > 1000) process.stderr.write(`${numRuns} random programs, seed ${seed}\n`);
  let checked = 0;
  fc.assert(
    fc.property(arbitrary, (program) => check(program, checked++)),
    { numRuns, seed, endOnFailure: false },
  );
  expect(checked).toBeGreaterThanOrEqual(numRuns);
  if (numRuns > 1000) process.stderr.write(`${checked} random programs agree (seed ${seed})\n`);
}

it('agree with the interpreter', { timeout }, () => {
  holds(arbitraryProgram(), (program, number) =>
    checkProgram(program, { onAllocated: verifyAllocation }, number % 4 === 3),
  );
});

it('agree with few registers', { timeout }, () => {
  holds(arbitraryProgram({ maxStatements: 16 }), (program, number) =>
    checkProgram(
      program,
      { registers: SCARCE[number % SCARCE.length]!, onAllocated: verifyAllocation },
      number % 4 === 3,
    ),
  );
});

it('agree where dozens of values are alive', { timeout }, () => {
  const count = Math.ceil(numRuns / 3);
  let ended = 0;
  for (let i = 0; i < count; i++) {
    const registers = i % 2 === 0 ? {} : { registers: SCARCE[(i >> 1) % SCARCE.length]! };
    if (checkDense(seed + i, 20 + ((i * 37) % 300), { ...registers, onAllocated: verifyAllocation })) ended++;
  }
  expect(ended).toBeGreaterThan(count / 2); // most do not trap early
  if (numRuns > 1000) process.stderr.write(`${count} dense programs agree (seed ${seed})\n`);
});

it('agree with many parameters', { timeout }, () => {
  holds(arbitraryProgram({ maxParams: 24, maxFunctions: 4 }), (program, number) =>
    checkProgram(
      program,
      number % 2 === 0
        ? { onAllocated: verifyAllocation }
        : { registers: SCARCE[number % SCARCE.length]!, onAllocated: verifyAllocation },
      number % 8 === 7,
    ),
  );
});
