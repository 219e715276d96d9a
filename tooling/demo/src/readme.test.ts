import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readmeExamples, runExample } from '@simple-jit/fixtures/readme';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';
import { expect, test } from 'vitest';

const HERE = fileURLToPath(new URL('..', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

test('the example of the root README runs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'simple-jit-readme-'));
  try {
    const library = join(folder, 'collections.smf');
    writeFileSync(library, assembleLibrary(readFileSync(join(ROOT, 'examples/collections.tir'), 'utf8')));
    expect(await runExample(HERE, readmeExamples(ROOT)[0]!, { 'collections.smf': library })).toBe('6\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
