// Reading files ahead in the background: pages come in through Node's thread pool, the event loop stays free.
import { open, stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PrefetchFailure } from './errors.js';

/** Called after each file. */
export interface PrefetchProgress {
  readonly path: string;
  /** Files done so far, this one included. */
  readonly done: number;
  readonly total: number;
}

export interface PrefetchOptions {
  /** Files read at the same time; 4 unless given. */
  readonly concurrency?: number;
  /** Stops before the next file or chunk. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PrefetchProgress) => void;
}

const CHUNK = 1 << 20;

/** Reads each file into the page cache, then has `map` take it. Returns the failures; throws the signal's reason. */
export async function readAheadAll(
  paths: readonly string[],
  map: (path: string) => void,
  { concurrency = 4, signal, onProgress }: PrefetchOptions,
): Promise<PrefetchFailure[]> {
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new RangeError(`concurrency must be a positive integer, not ${concurrency}`);
  }
  const failures: PrefetchFailure[] = [];
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (next < paths.length) {
      signal?.throwIfAborted();
      const path = paths[next++]!;
      try {
        await readThrough(path, signal);
        map(path);
      } catch (error) {
        signal?.throwIfAborted();
        failures.push({ path, error });
      }
      done += 1;
      onProgress?.({ path, done, total: paths.length });
      await nextTurn();
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, paths.length) }, worker));
  return failures;
}

async function readThrough(path: string, signal: AbortSignal | undefined): Promise<void> {
  if (!(await stat(path)).isFile()) return; // opening a FIFO would block; mapping it gives the error
  const file = await open(path);
  try {
    const scratch = new Uint8Array(CHUNK);
    while ((await file.read(scratch, 0, CHUNK, null)).bytesRead > 0) signal?.throwIfAborted();
  } finally {
    await file.close();
  }
}
