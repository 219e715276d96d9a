// `pnpm soak [--minutes N | --operations N] [--seed N]`: ten minutes unless told otherwise. Exits with 1 if anything grew or
// went wrong.
import { parseArgs } from 'node:util';
import { judge } from './judge.js';
import { describe } from './measure.js';
import { soak } from './soak.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    operations: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
  },
});
const seed = Number(values.seed);
const unit = values.operations === undefined ? 'minutes' : 'operations';
const amount = Number(values[unit]);
if (!(amount > 0) || !Number.isSafeInteger(seed)) {
  console.error('usage: pnpm soak [--minutes N | --operations N] [--seed N]');
  process.exit(2);
}
console.log(`soak: ${amount} ${unit}, seed ${seed}`);
const length = unit === 'minutes' ? { minutes: amount } : { operations: amount };
const samples = await soak({ length, seed, samples: 40, onSample: (sample) => console.log(describe(sample)) });
const problems = judge(samples);
for (const problem of problems) console.log(`✗ ${problem}`);
console.log(problems.length === 0 ? `flat: ${samples.at(-1)!.rounds} operations, each result checked` : 'not flat');
process.exitCode = problems.length === 0 ? 0 : 1;
