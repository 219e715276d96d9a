// Reading files ahead in the background: pages come in through Node's thread pool, the event loop stays free.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
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
  /** What it throws ends the prefetching. */
  readonly onProgress?: (progress: PrefetchProgress) => void;
}

/** Something to read ahead. */
export interface Readable {
  readonly path: string;
  /** Which bytes of which file; `size` undefined: to its end. */
  range(): { readonly file: string; readonly offset: number; readonly size: number | undefined };
  /** Called once they are in memory. */
  map(): void;
}

const CHUNK = 1 << 20;

/** Reads each into the page cache, then has it mapped. Returns the failures, in the order of the files; throws the signal's reason. */
export async function readAheadAll(
  files: readonly Readable[],
  { concurrency = 4, signal, onProgress }: PrefetchOptions,
): Promise<PrefetchFailure[]> {
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new RangeError(`concurrency must be a positive integer, not ${concurrency}`);
  }
  signal?.throwIfAborted();
  const failures: (PrefetchFailure | undefined)[] = files.map(() => undefined);
  let next = 0;
  let done = 0;
  let stopped = false;
  const worker = async (): Promise<void> => {
    while (next < files.length && !stopped) {
      signal?.throwIfAborted();
      const index = next++;
      const file = files[index]!;
      try {
        await readThrough(file, signal);
        file.map();
      } catch (error) {
        signal?.throwIfAborted();
        failures[index] = { path: file.path, error };
      }
      done += 1;
      onProgress?.({ path: file.path, done, total: files.length });
      await nextTurn();
    }
  };
  const workers = Array.from({ length: Math.min(concurrency, files.length) }, () =>
    worker().catch((error: unknown) => {
      stopped = true;
      throw error;
    }),
  );
  // All of them have to end before the caller is told that it is over.
  const failed = (await Promise.allSettled(workers)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return failures.filter((failure) => failure !== undefined);
}

async function readThrough(readable: Readable, signal: AbortSignal | undefined): Promise<void> {
  const { file, offset, size } = readable.range();
  // Opening a FIFO would wait for a writer; what is not a regular file, mapping gives the error for.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile()) return;
    const end = size === undefined ? Number.POSITIVE_INFINITY : offset + size;
    const scratch = new Uint8Array(Math.min(CHUNK, size ?? CHUNK));
    for (let at = offset; at < end; ) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(scratch, 0, Math.min(scratch.length, end - at), at);
      if (bytesRead === 0) return;
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
