// Every expectation file, interpreted and native. FILETESTS_BLESS=1 first rewrites what `print:` lines expect.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkFile } from './check.js';
import { bless, FOLDER, listFiles, readFile } from './files.js';

it.each(listFiles())('%s', (name) => {
  if (process.env.FILETESTS_BLESS === '1') writeFileSync(join(FOLDER, name), bless(readFile(name)));
  const problems = checkFile(readFile(name));
  if (problems.length > 0) {
    expect.fail(problems.map(({ line, message }) => `files/${name}:${line}: ${message}`).join('\n'));
  }
});
