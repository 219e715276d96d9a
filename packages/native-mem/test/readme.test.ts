// Each example of the README runs and prints what it says.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readmeExamples } from './readme.js';
import { packageRoot, temporaryFolder } from './support.js';

const portable = process.env.SIMPLE_JIT_NATIVE_MEM_VARIANT === 'portable';

describe.skipIf(portable)('README', () => {
  test('has examples', () => expect(readmeExamples().length).toBeGreaterThanOrEqual(5));

  test.each(readmeExamples().map((example, i) => ({ ...example, number: i + 1 })))(
    '$number: $title',
    ({ source, expected }) => {
      const folder = temporaryFolder();
      const index = JSON.stringify(new URL('dist/index.js', `file://${packageRoot}`).href);
      writeFileSync(join(folder, 'example.mjs'), source.replaceAll(/'@simple-jit\/native-mem'/g, index));
      writeFileSync(join(folder, 'data.bin'), 'some bytes of a file');
      const { stdout, stderr, status } = spawnSync(process.execPath, ['example.mjs'], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect({ stdout, stderr, status }).toEqual({ stdout: expected, stderr: '', status: 0 });
    },
  );
});
