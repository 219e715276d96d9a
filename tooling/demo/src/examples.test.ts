// The programs of examples/ print what their first lines say.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const FOLDER = fileURLToPath(new URL('../../../examples/', import.meta.url));
const programs = readdirSync(FOLDER).filter((name) => /^\d-.*\.js$/.test(name));

test('there are examples, and the README lists each', () => {
  expect(programs.length).toBeGreaterThanOrEqual(7);
  const readme = readFileSync(`${FOLDER}README.md`, 'utf8');
  for (const name of programs) expect(readme).toContain(`(${name})`);
});

test.each(programs)('%s', (name) => {
  const source = readFileSync(FOLDER + name, 'utf8');
  const [, expected] = /^\/\/ Prints:\n((?:\/\/ {3}.*\n)+)/m.exec(source)!;
  const env = { ...process.env, NODE_OPTIONS: '', XDG_CACHE_HOME: '/nowhere' }; // no results of earlier runs
  const output = execFileSync(process.execPath, [FOLDER + name], { encoding: 'utf8', env });
  expect(output).toBe(expected!.replace(/^\/\/ {3}/gm, ''));
});
