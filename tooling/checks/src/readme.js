// README examples as tests: each fenced `js` block of a README runs in a process of its own, as a reader would run it.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * The fenced `js` blocks of a package's README, in order.
 * @param {string} folder the package
 * @returns {string[]}
 */
export function readmeExamples(folder) {
  const text = readFileSync(join(folder, 'README.md'), 'utf8');
  return [...text.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
}

/**
 * Runs an example as an ES module that imports packages as seen from `folder`.
 * @param {string} folder the package whose dependencies it may import, itself included
 * @param {string} code
 * @param {Record<string, string>} replacements of text in the example, such as file names by those of temporary files
 * @returns {Promise<string>} what it prints
 */
export async function runExample(folder, code, replacements = {}) {
  let text = code;
  for (const [from, to] of Object.entries(replacements)) text = text.replaceAll(from, to);
  // Disposal is tested elsewhere; `using` itself needs a newer Node than the oldest that we run on.
  text = text.replace(/^(\s*)using /gm, '$1const ');
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', text], { cwd: folder });
  return stdout;
}
