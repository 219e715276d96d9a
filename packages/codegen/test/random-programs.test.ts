// Random programs, interpreted and native, must agree: results, memory and traps. A fixed seed and a modest count by default;
// `pnpm fuzz` runs many with a new seed. FC_NUM_RUNS and SIMPLE_JIT_TEST_SEED (a number, or `random`) override both.
import { arbitraryProgram, arbitraryTraffic, type TestProgram } from '@simple-jit/template-ir/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CodegenError } from '../src/index.js';
import type { InternalOptions } from '../src/unit.js';
import { agree } from './support/agree.js';
import { HOST_FEATURES } from './support/host-features.js';
import { GRAPH_ENTRY, randomGraph } from './support/random-graphs.js';
import { checkDense, checkProgram, SCARCE } from './support/random-programs.js';
import { verifyAllocation } from './support/verify-allocation.js';

const numRuns = Number(process.env.FC_NUM_RUNS ?? 300);
const seedText = process.env.SIMPLE_JIT_TEST_SEED ?? '20261122';
const seed = seedText === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(seedText);
const timeout = 60_000 + numRuns * 1000;

function holds(arbitrary: fc.Arbitrary<TestProgram>, body: (program: TestProgram, number: number) => void): void {
  // Said first: should native code take the process down, the seed is known.
  if (numRuns > 1000) process.stderr.write(`${numRuns} random programs, seed ${seed}\n`);
  let checked = 0;
  fc.assert(
    fc.property(arbitrary, (program) => body(program, checked++)),
    { numRuns, seed, endOnFailure: false },
  );
  expect(checked).toBeGreaterThanOrEqual(numRuns);
  if (numRuns > 1000) process.stderr.write(`${checked} random programs agree (seed ${seed})\n`);
}

/** The last one is how many blocks it may run. */
const GRAPH_ARGUMENTS = [
  [5n, 2.5, 40n],
  [-77n, -1e9, 200n],
  [123456789n, 0.1, 1n],
  [63n, 7, 90n],
];

/** All that the processor has, or only what nothing else can do: then everything else goes the long way. */
const PROCESSORS = [HOST_FEATURES, new Set([...HOST_FEATURES].filter((feature) => feature === 'fma'))];

/** As `checkProgram`; without FMA, programs that need it are refused. */
function check(program: TestProgram, number: number, options: InternalOptions, apart: boolean): void {
  const cpuFeatures = PROCESSORS[(number >> 1) % 2]!;
  try {
    checkProgram(program, { cpuFeatures, onAllocated: verifyAllocation, ...options }, apart);
  } catch (error) {
    if (cpuFeatures.has('fma') || !(error instanceof CodegenError) || error.code !== 'ERR_CPU_FEATURE') throw error;
  }
}

it('agree with the interpreter', { timeout }, () => {
  holds(arbitraryProgram(), (program, number) => check(program, number, {}, number % 4 === 3));
});

it('agree with few registers', { timeout }, () => {
  holds(arbitraryProgram({ maxStatements: 16 }), (program, number) =>
    check(program, number, { registers: SCARCE[number % SCARCE.length]! }, number % 4 === 3),
  );
});

it('agree where C functions are called', { timeout }, () => {
  holds(arbitraryProgram({ externs: true }), (program, number) =>
    check(program, number, number % 3 === 0 ? { registers: SCARCE[number % SCARCE.length]! } : {}, number % 4 === 3),
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

it('agree over control flow of any shape', { timeout }, () => {
  const count = Math.ceil(numRuns / 3);
  for (let i = 0; i < count; i++) {
    const graph = [
      seed + i,
      2 + ((i * 7) % (i % 5 === 0 ? 60 : 13)),
      1 + ((i * 11) % (i % 3 === 0 ? 45 : 12)),
    ] as const;
    const functions = randomGraph(...graph);
    for (const registers of [undefined, SCARCE[i % SCARCE.length]!]) {
      const options: InternalOptions = { cpuFeatures: PROCESSORS[i % 2]!, onAllocated: verifyAllocation };
      try {
        agree(functions, GRAPH_ARGUMENTS, registers === undefined ? options : { ...options, registers }, GRAPH_ENTRY);
      } catch (error) {
        throw new Error(`randomGraph(${graph.join(', ')})`, { cause: error });
      }
    }
  }
  if (numRuns > 1000) process.stderr.write(`${count} graphs agree (seed ${seed})\n`);
});

it('agree with many parameters', { timeout }, () => {
  holds(arbitraryProgram({ maxParams: 24, maxFunctions: 4 }), (program, number) =>
    check(program, number, number % 2 === 0 ? {} : { registers: SCARCE[number % SCARCE.length]! }, number % 8 === 7),
  );
});

it('agree where aggregates are moved about', { timeout }, () => {
  holds(arbitraryTraffic(), (program, number) =>
    check(program, number, number % 2 === 0 ? {} : { registers: SCARCE[number % SCARCE.length]! }, number % 4 === 3),
  );
});
