// The books of an instantiator: how each lookup ended, how often, and how long it took; told to the log and the events.
import type { Installed } from './backend.js';
import { emit } from './events.js';
import type { Outcome } from './outcome.js';

export class Ledger {
  readonly #log: (line: string) => void;
  readonly #outcomes = new Map<string, Outcome>();
  persisted = 0;
  rejected = 0;
  failed = 0;
  instantiateMs = 0;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  outcomeOf(symbol: string): Outcome | undefined {
    return this.#outcomes.get(symbol);
  }

  /** A lookup of `root` ended well, and installed these for it. */
  installed(root: string, entries: readonly Installed[], durationMs: number): void {
    this.instantiateMs += durationMs;
    for (const entry of entries) this.#record(entry);
    emit('instantiate', () => ({
      symbol: root,
      outcome: this.#outcomes.get(root)!,
      functions: entries.map(({ symbol, origin, block }) => ({ symbol, origin, bytes: block.size })),
      durationMs,
    }));
  }

  /** A lookup ended in an error. */
  failure(symbol: string, reason: string, durationMs: number): void {
    this.instantiateMs += durationMs;
    this.failed += 1;
    const outcome: Outcome = { kind: 'failed', reason };
    this.#outcomes.set(symbol, outcome);
    this.#log(`failed ${symbol}: ${reason}`);
    emit('instantiate', () => ({ symbol, outcome, functions: [], durationMs }));
  }

  dropped(symbols: readonly string[]): void {
    for (const symbol of symbols) this.#outcomes.delete(symbol);
    this.#log(`dropped ${symbols.join(', ')}`);
    emit('drop', () => ({ symbols }));
  }

  #record({ symbol, origin, rejected, block }: Installed): void {
    if (origin === 'persisted') this.persisted += 1;
    if (rejected !== undefined) this.rejected += 1;
    this.#outcomes.set(symbol, rejected === undefined ? { kind: origin } : { kind: 'rejected', reason: rejected });
    const why = rejected === undefined ? '' : ` (persisted code rejected: ${rejected})`;
    this.#log(`${origin} ${symbol}: ${block.size} bytes at 0x${block.address.toString(16)}${why}`);
  }
}
