// The README's examples, run as they stand there: what they print must be what their comments say.
import * as fs from 'node:fs';
import * as nativeMem from '@simple-jit/native-mem';
import * as templateIr from '@simple-jit/template-ir';
import { expect, it } from 'vitest';
import * as codegen from '../src/index.js';

const ROOT = new URL('../../../', import.meta.url);
const PACKAGES: Record<string, object> = {
  // The example is for someone who stands in the root of the repository.
  'node:fs': {
    ...fs,
    readFileSync: (path: string, encoding: 'utf8') => fs.readFileSync(new URL(path, ROOT), encoding),
  },
  '@simple-jit/codegen': codegen,
  '@simple-jit/native-mem': nativeMem,
  '@simple-jit/template-ir': templateIr,
};

it('examples print what they say', () => {
  const readme = fs.readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const examples = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map((match) => match[1]!);
  expect(examples).toHaveLength(3);
  // The others use what the first imports.
  const source = examples.map((example, i) => (i === 0 ? example : `{\n${example}\n}`)).join('\n');
  const body = source.replace(/^import (\{.*?\}) from '(.*?)';$/gm, "const $1 = packages['$2'];");
  const expected = [...source.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map((match) => match[1]!);
  const printed: string[] = [];
  const log = (value: unknown): void => {
    printed.push(typeof value === 'bigint' ? `${value}n` : `${value}`);
  };
  new Function('packages', 'console', body)(PACKAGES, { log });
  expect(printed).toEqual(expected);
  expect(printed).toHaveLength(4);
});
