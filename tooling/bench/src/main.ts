// `pnpm bench`: every hot path beside what a user would take instead. `pnpm bench codegen` runs one group,
// `pnpm bench --quick` all of them for too short a time to quote.
import { benchCodegen } from './codegen.js';
import type { BenchRow } from './compare.js';
import { benchNativeMem } from './native-mem.js';
import { benchResolver } from './resolver.js';
import { benchRuntime } from './runtime.js';
import { benchSmfFormat } from './smf-format.js';
import { benchSoften } from './soften/index.js';

const groups: Readonly<Record<string, () => Promise<BenchRow[]>>> = {
  'native-mem': benchNativeMem,
  'smf-format': benchSmfFormat,
  codegen: benchCodegen,
  compile: benchSoften,
  resolver: benchResolver,
  runtime: benchRuntime,
};

const chosen = process.argv.slice(2).filter((argument) => argument !== '--quick');
const unknown = chosen.filter((name) => !Object.hasOwn(groups, name));
if (unknown.length > 0) {
  console.error(`no such group: ${unknown.join(', ')}; there are ${Object.keys(groups).join(', ')}`);
  process.exit(2);
}
for (const name of chosen.length > 0 ? chosen : Object.keys(groups)) {
  console.log(`\n${name} (ratio: above 1 we are faster)`);
  for (const { what, ours, against, ratio } of await groups[name]!()) {
    console.log(`  ${ratio.toFixed(2).padStart(8)}x  ${what}\n             ours ${ours}, against ${against}`);
  }
}
