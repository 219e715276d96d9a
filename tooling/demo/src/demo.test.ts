import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the demo shows every step and finds nothing off', () => {
  const output = execFileSync(process.execPath, [fileURLToPath(new URL('../dist/main.js', import.meta.url))], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: '/nowhere' }, // no results of earlier runs
  });
  expect(output).toContain('All of it worked.');
  expect(output).not.toContain('✗');
  for (const step of [1, 2, 3, 4, 5]) expect(output).toMatch(new RegExp(`^${step}  `, 'm'));
});
