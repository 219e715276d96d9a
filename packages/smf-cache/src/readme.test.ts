import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readmeExamples, runExample } from '@simple-jit/fixtures/readme';
import { LsmfBuilder, SmfBuilder } from '@simple-jit/smf-format';
import { expect, test } from 'vitest';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

test('the examples of the README run and print what they say', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'smf-cache-readme-'));
  try {
    const path = join(folder, 'collections.smf');
    const builder = new SmfBuilder().setNote(
      'possible |template, type_args, mangled_name, required_by, can_defer|\n    sum, f64, fn$sum$f64, me, true\n',
    );
    writeFileSync(path, builder.build());
    const library = join(folder, 'std.lsm');
    const module = new SmfBuilder().build();
    writeFileSync(library, new LsmfBuilder().addModule('vectors', module).addModule('maps', module).build());
    const [example, modules] = readmeExamples(PACKAGE);
    expect(await runExample(PACKAGE, example!, { 'collections.smf': path })).toBe('fn$sum$f64 is sum for f64\n1\n');
    expect(await runExample(PACKAGE, modules!, { 'std.lsm': library })).toBe('vectors maps 1\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
