// What the files cover as a whole: the suite must not shrink, nor forget an operation, a trap or a code of the specification.
import { readFileSync } from 'node:fs';
import { BINARY_OPS, COMPARE_OPS, UNARY_OPS } from '@simple-jit/template-ir';
import { describe, expect, it } from 'vitest';
import { checkFile } from './check.js';
import { type Directive, readDirectives } from './directives.js';
import { listFiles, readFile } from './files.js';

const files = listFiles().map((name) => ({ name, text: readFile(name) }));
const directives: readonly Directive[] = files.flatMap(({ text }) => readDirectives(text).directives);
const errors = directives.filter((directive) => directive.kind === 'error');
const runs = directives.filter((directive) => directive.kind === 'run');
const spec = readFileSync(new URL('../../../docs/spec/template-ir.md', import.meta.url), 'utf8');

/** The part of the specification under a heading such as `## 8. Valid functions`. */
function section(number: number): string {
  return spec.split(/^## /m).find((part) => part.startsWith(`${number}. `))!;
}

it('there are as many files as were promised, of each kind', () => {
  const below = (...folders: string[]) => files.filter(({ name }) => folders.includes(name.split('/')[0]!)).length;
  expect(files.length).toBeGreaterThanOrEqual(300);
  expect(below('aggregates', 'pointers')).toBeGreaterThanOrEqual(60);
  expect(below('errors')).toBeGreaterThanOrEqual(40);
});

describe('every rule has a file that breaks it', () => {
  const codesOf = (stage: string) => new Set(errors.filter((error) => error.stage === stage).map(({ code }) => code));

  it('of the verifier', () => {
    const codes = [...section(8).matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \|/gm)].flatMap((match) => [
      ...match[1]!.matchAll(/[A-Z_]+/g),
    ]);
    expect(codes.length).toBeGreaterThan(20);
    expect(codes.map(([code]) => code).filter((code) => !codesOf('verify').has(code))).toEqual([]);
  });

  it('of specialisation', () => {
    const codes = ['ARGUMENT_COUNT', 'ARGUMENT_TYPE', 'BOUND_NOT_MET', 'LITERAL_RANGE', 'UNKNOWN_TYPE'];
    for (const code of codes) expect(section(9)).toContain(`\`${code}\``);
    codes.push('LAYOUT_CYCLE', 'TOO_LARGE', 'LIMIT');
    expect(codes.filter((code) => !codesOf('specialise').has(code))).toEqual([]);
  });
});

it('every operation is run', () => {
  const running = files
    .filter(({ text }) => /^\/\/ run: /m.test(text))
    .map(({ text }) => text.replace(/\/\/.*$/gm, ''));
  const others = ['const', 'select', 'convert', 'convert_checked', 'cast', 'load', 'elem', 'item', 'field', 'sizeof'];
  others.push('alignof', 'offsetof', 'tagof', 'slot', 'fma', 'fnaddr', 'call', 'invoke', 'extern');
  const missing: string[] = [...UNARY_OPS, ...BINARY_OPS, ...COMPARE_OPS, ...others].filter(
    (op) => !running.some((text) => new RegExp(`= ${op} `).test(text)),
  );
  const statements = ['store', 'copy', 'fill', 'bounds', 'call', 'invoke', 'extern', 'jump', 'branch', 'if', 'return'];
  missing.push(...statements.filter((op) => !running.some((text) => new RegExp(`^  ${op} `, 'm').test(text))));
  expect(missing).toEqual([]);
});

it('every kind of trap happens', () => {
  const kinds = [...section(7).matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
  expect(kinds.length).toBe(6);
  expect(kinds.filter((kind) => !runs.some(({ trap }) => trap === kind))).toEqual([]);
});

it('the example of the README holds', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = readme.match(/^```\n(\/\/ .*?)^```$/ms)![1]!;
  expect(checkFile(example)).toEqual([]);
  expect(checkFile(example.replace('== -1', '== 2')).length).toBeGreaterThan(0);
});
