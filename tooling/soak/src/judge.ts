// Whether what a process holds grows. Counts that are exact must come back to what they were. Memory is noisy: the median of
// the slopes between all pairs of samples (Theil and Sen) is its growth, which no single outlier moves; and the number of
// pairs that rise against those that fall (Mann and Kendall) tells growth from chance.
// https://en.wikipedia.org/wiki/Theil%E2%80%93Sen_estimator, https://en.wikipedia.org/wiki/Kendall_rank_correlation_coefficient
import type { Sample } from './measure.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Trend {
  /** Median slope times the span of x. */
  readonly growth: number;
  /** How many standard deviations the rising pairs are beyond what chance gives. */
  readonly significance: number;
}

/** Beyond 3, chance is less than 1 in 700. */
const SIGNIFICANT = 3;

export function trendOf(points: readonly Point[]): Trend {
  const slopes: number[] = [];
  let rising = 0;
  for (const [i, a] of points.entries()) {
    for (const b of points.slice(i + 1)) {
      slopes.push((b.y - a.y) / (b.x - a.x));
      rising += Math.sign(b.y - a.y);
    }
  }
  slopes.sort((a, b) => a - b);
  const middle = slopes.length >> 1;
  const median = slopes.length % 2 === 1 ? slopes[middle]! : (slopes[middle - 1]! + slopes[middle]!) / 2;
  const n = points.length;
  const deviation = Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  return { growth: median * (points.at(-1)!.x - points[0]!.x), significance: rising / deviation };
}

/**
 * What may grow over a whole run before it counts as a leak: a part of what is there, and in the beginning something for
 * V8, which compiles what turns out to be hot, and the allocator, which settle slowly.
 */
const TOLERANCES = {
  residentBytes: { least: 6 * 2 ** 20, part: 0.06, settling: 20 * 2 ** 20 },
  // Code, feedback and the scripts of callables: V8 goes on adding these for minutes (seen in heap snapshots).
  heapBytes: { least: 2 ** 20, part: 0.15, settling: 3 * 2 ** 20 },
  mappings: { least: 16, part: 0.08, settling: 80 },
} as const;
/** Operations, not time: a machine that is slow or busy settles as late as it works. */
const SETTLED_AFTER = 30_000;

function toleranceOf(name: keyof typeof TOLERANCES, first: Sample): number {
  const { least, part, settling } = TOLERANCES[name];
  const isSettling = Math.max(0, 1 - first.rounds / SETTLED_AFTER);
  return Math.max(least, (first[name] ?? 0) * part) + settling * isSettling;
}

/** These come back exactly. */
const EXACT = ['codeBytes', 'codeBlocks', 'slots', 'mappedFiles', 'descriptors'] as const;

/** Fewer give no significance beyond 3 whatever they are: 7 samples that only rise are at 3.0. */
export const MIN_SAMPLES = 9;

/** What grew, as sentences; empty if all is flat. The first quarter of the samples is warm-up. @throws RangeError for too few */
export function judge(samples: readonly Sample[]): string[] {
  const settled = samples.slice(Math.floor(samples.length / 4));
  if (settled.length < MIN_SAMPLES) {
    throw new RangeError(`${samples.length} samples are too few to judge: run it for longer, or sample more often`);
  }
  const first = settled[0]!;
  const problems: string[] = [];
  for (const name of EXACT) {
    const off = settled.find((sample) => sample[name] !== first[name]);
    if (off !== undefined) {
      problems.push(
        `${name}: ${first[name]} at ${first.seconds.toFixed(0)} s, ${off[name]} at ${off.seconds.toFixed(0)} s`,
      );
    }
  }
  for (const name of Object.keys(TOLERANCES) as (keyof typeof TOLERANCES)[]) {
    const points = settled.map((sample) => ({ x: sample.seconds, y: sample[name] ?? 0 }));
    const { growth, significance } = trendOf(points);
    const tolerance = toleranceOf(name, first);
    if (growth > tolerance && significance > SIGNIFICANT) {
      problems.push(
        `${name}: grew by ${Math.round(growth)} over ${(settled.at(-1)!.seconds - first.seconds).toFixed(0)} s (tolerance ${Math.round(tolerance)}, ${significance.toFixed(1)} deviations)`,
      );
    }
  }
  return problems;
}
