// `pnpm test`: every package's tests through turbo, then the totals from the reports that vitest wrote. A package whose
// runner died before it reported counts as a failure; a run without tests is one too.
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runTurbo } from './turbo.js';

const tested = ['packages', 'tooling']
  .flatMap((area) => readdirSync(join(ROOT, area)).map((folder) => join(ROOT, area, folder)))
  .filter((folder) => existsSync(join(folder, 'package.json')))
  .filter((folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).scripts?.test);

for (const folder of tested) rmSync(join(folder, 'reports'), { recursive: true, force: true });

// The Node that runs the tests is part of turbo's key: what passed on one must run again on another.
const status = runTurbo(['run', 'test', '--continue', '--ui=stream', ...process.argv.slice(2)], {
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
  failed += totals.numFailedTests;
  skipped += totals.numPendingTests + totals.numTodoTests;
  // A file that fails to load has no test of its own to fail.
  if (!totals.success && totals.numFailedTests === 0) failed += Math.max(1, totals.numFailedTestSuites);
}

const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
if (process.env.SIMPLE_JIT_TOTALS) appendFileSync(process.env.SIMPLE_JIT_TOTALS, `${passed} ${failed} ${skipped}\n`);
console.log(line);
process.exitCode = status === 0 && failed === 0 && passed > 0 ? 0 : 1;
