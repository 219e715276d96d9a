// Reading ahead: pages are in memory before they are needed, and nothing is left behind, however it ends.
import { execFileSync } from 'node:child_process';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { LsmfBuilder } from '@simple-jit/smf-format';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SmfCache } from '../src/index.js';
import { openDescriptors, smf, temporaryFolder } from './support.js';

const folder = temporaryFolder();
let cache: SmfCache;
beforeEach(() => {
  cache = new SmfCache();
});
afterEach(() => cache.close());

const files = (count: number, padding = 0): string[] =>
  Array.from({ length: count }, (_, i) => folder.write(`f${i}.smf`, smf(`v${i}`, padding)));

describe('prefetchAsync', () => {
  test('reads no more files at the same time than it may', async () => {
    let most = 0;
    await cache.prefetchAsync(files(30, 100_000), {
      concurrency: 3,
      onProgress: () => {
        most = Math.max(most, openDescriptors(folder.path));
      },
    });
    expect(most).toBeLessThanOrEqual(3);
    expect(openDescriptors(folder.path)).toBe(0);
    expect(cache.cachedCount()).toBe(30);
    expect(cache.getStats()).toMatchObject({ cacheMisses: 30, cacheHits: 0 });
  });

  test('tells of each file once, with how many are done', async () => {
    const paths = files(10);
    const seen = new Map<string, number>();
    await cache.prefetchAsync(paths, {
      onProgress: ({ path, done, total }) => {
        expect(total).toBe(10);
        seen.set(path, done);
      },
    });
    expect([...seen.keys()].sort()).toEqual([...paths].sort());
    expect([...seen.values()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('leaves nothing running when it is aborted in the midst of large files', async () => {
    const paths = files(8, 4 << 20);
    const abort = new AbortController();
    const running = cache.prefetchAsync(paths, { concurrency: 4, signal: abort.signal });
    setImmediate(() => abort.abort(new Error('enough')));
    await expect(running).rejects.toThrow('enough');
    const { totalFiles } = cache.getStats();
    expect(openDescriptors(folder.path)).toBe(0);
    await new Promise((done) => setTimeout(done, 20));
    expect(cache.getStats().totalFiles).toBe(totalFiles);
    expect(totalFiles).toBeLessThan(8);
  });

  test('does nothing when it is aborted before', async () => {
    await expect(cache.prefetchAsync(files(2), { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    expect(cache.getStats()).toMatchObject({ cacheMisses: 0 });
  });

  test('ends with what onProgress throws, and leaves nothing running', async () => {
    const paths = files(20, 100_000);
    const running = cache.prefetchAsync(paths, {
      concurrency: 4,
      onProgress: ({ done }) => {
        if (done === 2) throw new Error('no more');
      },
    });
    await expect(running).rejects.toThrow('no more');
    const { totalFiles } = cache.getStats();
    expect(totalFiles).toBeLessThanOrEqual(6);
    await new Promise((done) => setTimeout(done, 20));
    expect([cache.getStats().totalFiles, openDescriptors(folder.path)]).toEqual([totalFiles, 0]);
  });

  test('does not wait for a pipe, nor for a folder', async () => {
    const pipe = join(folder.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const error: unknown = await cache.prefetchAsync([pipe, folder.path]).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'ERR_PREFETCH',
      failures: [
        { path: pipe, error: { code: 'ERR_NOT_REGULAR_FILE' } },
        { path: folder.path, error: { code: 'EISDIR' } },
      ],
    });
  });

  test('tells of failures in the order of the paths, whichever came first', async () => {
    const late = folder.write('late.smf', new Uint8Array(0)); // read to its end before it is found to be no module
    truncateSync(late, 20 << 20);
    const early = join(folder.path, 'missing');
    let order: string[];
    do {
      order = [];
      const running = cache.prefetchAsync([late, early], { onProgress: ({ path }) => order.push(path) });
      await expect(running).rejects.toMatchObject({ failures: [{ path: late }, { path: early }] });
    } while (order[0] !== early); // nearly always at once; a busy machine may let the one that reads 20 MiB go first
  });

  test('that goes on while the cache is closed says so', async () => {
    const running = cache.prefetchAsync(files(5), { concurrency: 1 });
    cache.close();
    await expect(running).rejects.toMatchObject({
      code: 'ERR_PREFETCH',
      failures: Array.from({ length: 5 }, () =>
        expect.objectContaining({ error: expect.objectContaining({ code: 'ERR_CLOSED' }) }),
      ),
    });
    await expect(cache.prefetchAsync([])).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });

  test('of files beyond the limits keeps the last ones', async () => {
    cache = new SmfCache({ maxFiles: 5 });
    const paths = files(20);
    await cache.prefetchAsync(paths, { concurrency: 1 });
    expect(paths.map((path) => cache.isCached(path))).toEqual(paths.map((_, i) => i >= 15));
  });
});

/** Bytes of a file that are in the page cache; undefined where that cannot be told. */
function inPageCache(path: string): number | undefined {
  try {
    return Number(execFileSync('fincore', ['--bytes', '--noheadings', '--output', 'RES', path], { encoding: 'utf8' }));
  } catch {
    return undefined;
  }
}

/** Has the system forget the pages of a file. */
function dropPages(path: string): void {
  execFileSync('sync', [path]);
  const quiet = { stdio: 'ignore' } as const;
  execFileSync('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'], quiet);
}

describe('what is read ahead', () => {
  test.each<[string, (paths: string[]) => void | Promise<void>]>([
    ['prefetch', (paths) => cache.prefetch(paths)],
    ['prefetchAsync', (paths) => cache.prefetchAsync(paths)],
  ])('by %s is in memory then: a whole file, and of a library the module', async (_, prefetch) => {
    const file = folder.write('a.smf', smf('one', 8 << 20));
    const bytes = new LsmfBuilder().addModule('near', smf('near')).addModule('big', smf('big', 48 << 20));
    const lib = folder.write('std.lsm', bytes.addModule('far', smf('far', 1 << 20)).build());
    for (const path of [file, lib]) dropPages(path);
    if (inPageCache(file) !== 0 || inPageCache(lib) !== 0) {
      console.warn('skipped: this system does not let go of cached pages, or has no fincore');
      return;
    }
    // Asked for again each time: a system may take pages back at any moment, and some do so within a second.
    const readAhead = async (): Promise<[number, number]> => {
      await prefetch([file, `${lib}#far`]);
      return [inPageCache(file)!, inPageCache(lib)!];
    };
    await expect
      .poll(readAhead, { timeout: 20_000 })
      .toEqual([expect.toSatisfy((n) => n > 8 << 20), expect.toSatisfy((n) => n > 1 << 20)]);
    expect(inPageCache(lib)).toBeLessThan(40 << 20); // not the module before it
  });
});
