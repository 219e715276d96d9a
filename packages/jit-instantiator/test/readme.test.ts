import { join } from 'node:path';
import { readmeExamples, runExample } from '@simple-jit/fixtures/readme';
import { expect, test } from 'vitest';
import { PACKAGE, useWorkspace } from './support.js';

const workspace = useWorkspace();

test('the example of the README runs, compiled first and persisted after', async () => {
  const [example] = readmeExamples(PACKAGE);
  const replacements = { 'library.smf': join(workspace.folder, 'library.smf') };
  expect(await runExample(PACKAGE, example!, replacements)).toMatch(
    /^fn\$double\$f64: \d+ bytes of machine code\ncompiled\n$/,
  );
  const again = example!.replace(/^writeFileSync\(.*?^\);$/ms, '');
  expect(await runExample(PACKAGE, again, replacements)).toMatch(/persisted\n$/);
});
