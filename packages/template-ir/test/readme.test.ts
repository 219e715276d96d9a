// The examples in the README are these files: they are compared, and run.
import { readFileSync } from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

afterEach(() => {
  vi.restoreAllMocks();
});

it.each<[string, () => Promise<unknown>, ...unknown[][]]>([
  ['first', () => import('./readme/first.js'), ['fn$sum$f64', 6.5]],
  ['interpret', () => import('./readme/interpret.js'), [10n]],
  ['structs', () => import('./readme/structs.js'), [16], ['fn$swap$i32$i32', [2, 1]]],
  ['variables', () => import('./readme/variables.js'), [45n]],
  ['ship', () => import('./readme/ship.js'), [21, 'fn$double$i32']],
  [
    'build',
    () => import('./readme/build.js'),
    [expect.stringContaining('fn clamp<T: Ord>(x: T, low: T, high: T) -> T {')],
  ],
])('the example "%s" is in the README and prints what it says', async (name, run, ...printed) => {
  const code = readFileSync(new URL(`./readme/${name}.ts`, import.meta.url), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${code.replace('../../src/index.js', '@simple-jit/template-ir')}\`\`\`\n`);
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await run();
  expect(log.mock.calls).toEqual(printed.map((line) => [...line]));
});
