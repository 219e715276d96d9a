// A soak of a few seconds is flat; the same with a leak is not.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { judge } from './judge.js';
import { soak } from './soak.js';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

test('the command: 20 seconds, every result right, nothing grows', () => {
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  const output = execFileSync(process.execPath, [main, '--minutes', '0.33', '--seed', '42'], { encoding: 'utf8' });
  expect(output).toMatch(/^flat: \d+ operations/m);
});

test('a leak is found', async () => {
  const kept: Uint8Array[] = [];
  const samples = await soak({
    minutes: 0.05,
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
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  expect(() => execFileSync(process.execPath, [main, '--minutes', 'x'], { stdio: 'pipe' })).toThrow(/usage/);
});
