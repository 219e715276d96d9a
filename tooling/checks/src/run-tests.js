// `pnpm test`: every package's tests through turbo, then the totals from the reports that vitest wrote. A package whose
// runner died before it reported counts as a failure; a run without tests is one too.
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { ROOT, runTurbo } from './turbo.js';

const tested = ['packages', 'tooling']
  .flatMap((area) => readdirSync(join(ROOT, area)).map((folder) => join(ROOT, area, folder)))
  .filter((folder) => existsSync(join(folder, 'package.json')))
  .filter((folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).scripts?.test);

for (const folder of tested) rmSync(join(folder, 'reports'), { recursive: true, force: true });

// As many packages at a time as there are processors, not turbo's ten: each has workers of its own, and tests that share a
// processor with all others run into their time limits. The Node that runs them is part of turbo's key: what passed on one
// must run again on another.
const status = runTurbo(['run', 'test', '--continue', '--ui=stream', '--concurrency=100%', ...process.argv.slice(2)], {
  SIMPLE_JIT_TEST_NODE: process.version,
});

const filtered = process.argv.length > 2;
let passed = 0;
let failed = 0;
let skipped = 0;
for (const folder of tested) {
  const report = join(folder, 'reports/tests.json');
  if (!existsSync(report)) {
    if (filtered) continue;
    console.error(`${folder}: no report: its tests did not run to the end`);
    failed += 1;
    continue;
  }
  const totals = JSON.parse(readFileSync(report, 'utf8'));
  passed += totals.numPassedTests;
  skipped += totals.numPendingTests + totals.numTodoTests;
  const failures = totals.testResults.flatMap(failuresOf);
  failed += Math.max(failures.length, totals.success ? 0 : 1);
  // Once more at the end: of a long log, people and services keep the last lines.
  for (const failure of failures) console.error(`FAILED ${failure}`);
}

/**
 * What failed in a file of tests, with its messages; a file that fails to load has no test of its own to fail.
 *
 * @param {import('vitest/reporters').JsonTestResult} result of a file
 */
function failuresOf({ name, status, message, assertionResults }) {
  const file = relative(ROOT, name);
  const failures = assertionResults
    .filter((test) => test.status === 'failed')
    .map(({ fullName, failureMessages }) => `${file} > ${fullName}\n${excerpt((failureMessages ?? []).join('\n'))}`);
  return status === 'failed' && failures.length === 0 ? [`${file}\n${excerpt(message)}`] : failures;
}

/** @param {string} text */
function excerpt(text) {
  const lines = stripVTControlCharacters(text).split('\n');
  return lines
    .filter((line) => !/^ +at .*node_modules/.test(line))
    .slice(0, 30)
    .map((line) => `  ${line}`)
    .join('\n');
}

const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
if (process.env.SIMPLE_JIT_TOTALS) appendFileSync(process.env.SIMPLE_JIT_TOTALS, `${passed} ${failed} ${skipped}\n`);
console.log(line);
process.exitCode = status === 0 && failed === 0 && passed > 0 ? 0 : 1;
