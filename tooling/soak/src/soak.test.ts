// A short soak is flat; the same with a leak is not.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { judge } from './judge.js';
import { soak } from './soak.js';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** As `pnpm soak` has it: V8 doubles its young generation when it likes, by up to 32 MiB, and that looks like a leak. */
const FIXED_YOUNG_GENERATION = '--max-semi-space-size=1';

test('the command: 10,000 operations, every result right, nothing grows', { timeout: 600_000 }, () => {
  const args = [FIXED_YOUNG_GENERATION, main, '--operations', '10000', '--seed', '42'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^flat: 10\d{3} operations/m);
});

test('a leak is found', async () => {
  const kept: Uint8Array[] = [];
  const samples = await soak({
    length: { operations: 1400 },
    seed: 7,
    samples: 14,
    leak: () => {
      kept.push(new Uint8Array(2 ** 22).fill(1));
      const descriptor = openSync('/dev/null', 'r');
      cleanups.push(() => closeSync(descriptor));
    },
  });
  const problems = judge(samples);
  expect(problems).toContainEqual(expect.stringMatching(/^descriptors: /));
  expect(problems).toContainEqual(expect.stringMatching(/^residentBytes: grew by/));
  expect(kept.length).toBe(14);
});

test('a usage error', () => {
  expect(() => execFileSync(process.execPath, [main, '--minutes', 'x'], { stdio: 'pipe' })).toThrow(/usage/);
});
