import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findWrongArrows } from './layers.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'layers-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function plant(folder: string, manifest: object): void {
  mkdirSync(join(root, 'packages', folder), { recursive: true });
  writeFileSync(join(root, 'packages', folder, 'package.json'), JSON.stringify(manifest));
}

test('this repository holds the direction', () => {
  expect(findWrongArrows(fileURLToPath(new URL('../../../', import.meta.url)))).toEqual([]);
});

test('an arrow down passes', () => {
  plant('codegen', {
    name: '@simple-jit/codegen',
    dependencies: { '@simple-jit/template-ir': 'workspace:^', other: '1' },
  });
  expect(findWrongArrows(root)).toEqual([]);
});

test.each(['dependencies', 'peerDependencies', 'optionalDependencies'])('an arrow up in %s fails', (kind) => {
  plant('template-ir', { name: '@simple-jit/template-ir', [kind]: { '@simple-jit/codegen': 'workspace:^' } });
  expect(findWrongArrows(root)).toEqual([expect.stringContaining('@simple-jit/codegen, which is not below it')]);
});

test('a package without a place in the house fails', () => {
  plant('shed', { name: '@simple-jit/shed' });
  expect(findWrongArrows(root)).toEqual([expect.stringContaining('packages/shed: give it a place')]);
});
