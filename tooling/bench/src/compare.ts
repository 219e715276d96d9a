// How every benchmark measures: both sides in one run, many times each, the medians compared.
import { Bench } from 'tinybench';

/** A comparison. */
export interface BenchRow {
  readonly what: string;
  /** Our side, as text with its unit. */
  readonly ours: string;
  /** What a user would take instead, and its time. */
  readonly against: string;
  /** The other side's time divided by ours: above 1 we are faster. */
  readonly ratio: number;
}

export interface CompareOptions {
  /** How many operations one call of either side does; times are for one. Default 1. */
  readonly operations?: number;
  /** Milliseconds that each side runs before it is measured. Default 100; compilers need more to be warm themselves. */
  readonly warmUp?: number;
}

/** `--quick` runs each side for a tenth of the time: enough to see that everything works, too little to quote. */
const SCALE = process.argv.includes('--quick') ? 0.1 : 1;

type Side = () => unknown;

/** The median times of both, in milliseconds. */
export async function medians(
  what: string,
  ours: Side,
  other: Side,
  { operations = 1, warmUp = 100 }: CompareOptions = {},
): Promise<readonly [ours: number, other: number]> {
  const bench = new Bench({ time: 400 * SCALE, iterations: 8, warmupTime: warmUp * SCALE, warmupIterations: 2 });
  bench.add('ours', ours).add('other', other);
  await bench.run();
  const [mine, theirs] = bench.tasks.map(({ name, result }) => {
    if (result.state !== 'completed') {
      const cause = result.state === 'errored' ? result.error : undefined;
      throw new Error(`${what}: ${name} did not complete: ${result.state}`, { cause });
    }
    return result.latency.p50 / operations;
  });
  return [mine!, theirs!];
}

export async function compare(
  what: string,
  ours: Side,
  otherName: string,
  other: Side,
  options?: CompareOptions,
): Promise<BenchRow> {
  const [mine, theirs] = await medians(what, ours, other, options);
  return { what, ours: duration(mine), against: `${otherName}: ${duration(theirs)}`, ratio: theirs / mine };
}

/** `12.3 ns`, `4.56 µs`, `7.89 ms`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1e-3) return `${(milliseconds * 1e6).toFixed(1)} ns`;
  return milliseconds < 1 ? `${(milliseconds * 1e3).toFixed(2)} µs` : `${milliseconds.toFixed(2)} ms`;
}
