// What every benchmark gives: two medians from one run, side by side.

/** A comparison. Times are medians of many runs of both sides, taken in turn. */
export interface BenchRow {
  readonly what: string;
  /** Our side, as text with its unit. */
  readonly ours: string;
  /** What a user would take instead, and its time. */
  readonly against: string;
  /** The other side's time divided by ours: above 1 we are faster. */
  readonly ratio: number;
}
