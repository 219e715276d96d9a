// A thousand files, opened, used and closed, and half of them again and again: memory, descriptors and mappings stay what
// they were.
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { mappedFileTotals } from '@simple-jit/native-mem';
import { expect, test } from 'vitest';
import { type MappedSmf, SmfCache, type SmfCacheOptions } from '../src/index.js';
import { collect, library, mappingsOf, openDescriptors, smf, temporaryFolder } from './support.js';

const folder = temporaryFolder();
const FILES = 1000;
/** Of which as many are used in each round of several. */
const AGAIN = 500;
const SIZE = smf('one', 3000).length;

/** Everything that a user reads of a file. */
function use(file: MappedSmf): number {
  let sum = file.readSection(0).length + file.readTemplateBytes('identity').length;
  for (const { name } of file.symbols) sum += name.length;
  sum += file.readNoteSdn()?.possible.length ?? 0;
  return sum;
}

/** What the process holds after the collector had its say. */
interface Held {
  /** Objects, in MiB. */
  readonly heap: number;
  /** Memory of its own, in MiB: without pages of files. */
  readonly own: number;
  /** Mappings of any kind. */
  readonly mappings: number;
}

async function held(): Promise<Held> {
  for (let i = 0; i < 4; i++) await collect();
  const [, kilobytes] = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))!;
  const heap = process.memoryUsage().heapUsed / 2 ** 20;
  return { heap, own: Number(kilobytes) / 1024, mappings: mappingsOf('') };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Nothing grows from the first half of the rounds to the second, once all is warm. */
async function staysFlat(round: () => void): Promise<void> {
  const seen: Held[] = [];
  for (let i = 0; i < 8; i++) {
    round();
    seen.push(await held());
  }
  const growth = (what: keyof Held): number => {
    const values = seen.slice(2).map((memory) => memory[what]);
    return median(values.slice(3)) - median(values.slice(0, 3));
  };
  expect(growth('heap')).toBeLessThan(0.5);
  expect(growth('own')).toBeLessThan(12);
  expect(growth('mappings')).toBeLessThan(100);
}

const each = (() => {
  using cache = new SmfCache();
  return use(cache.cacheFromBytes('one', smf('one', 3000)));
})();

const limits: [string, SmfCacheOptions, number][] = [
  ['with room for all', { maxFiles: 2 * FILES }, FILES],
  ['with room for 50 files', { maxFiles: 50 }, 50],
  ['with memory for 50 files', { maxMemory: 50 * SIZE + 100 }, 50],
  ['with memory for none', { maxMemory: SIZE - 1 }, 0],
];

test.each(limits)('%s, each closed after use', { timeout: 300_000 }, async (_, options, most) => {
  const kept = Math.min(most, AGAIN);
  const paths = Array.from({ length: AGAIN }, (_, i) => folder.write(`f${i}.smf`, smf('one', 3000)));
  const cache = new SmfCache(options);
  const before = mappedFileTotals();
  const round = (): void => {
    let sum = 0;
    for (const path of paths) {
      const file = cache.get(path);
      sum += use(file);
      file.close();
    }
    expect(sum).toBe(AGAIN * each);
  };
  await staysFlat(() => {
    round();
    expect(cache.cachedCount()).toBe(kept);
    expect(mappingsOf(folder.path)).toBe(kept);
    expect(openDescriptors(folder.path)).toBe(0);
  });
  expect(cache.getStats()).toMatchObject({ totalFiles: kept, totalMemory: kept * SIZE });
  cache.close();
  expect(mappingsOf(folder.path)).toBe(0);
  expect(mappedFileTotals()).toEqual(before);
});

test.each(limits)('%s, all of them held at the same time', (_, options, kept) => {
  const paths = Array.from({ length: FILES }, (_, i) => folder.write(`f${i}.smf`, smf('one', 3000)));
  const before = mappedFileTotals();
  const cache = new SmfCache(options);
  for (let i = 0; i < 2; i++) {
    const held = paths.map((path) => cache.get(path));
    // What is held is good, whatever the limits made the cache let go of.
    expect(new Set(held.map(use))).toEqual(new Set([each]));
    expect(cache.cachedCount()).toBe(kept);
    // A file that the cache let go of while it was held is mapped again for the next who asks.
    expect(mappingsOf(folder.path)).toBe(FILES);
    expect(openDescriptors(folder.path)).toBe(0);
    for (const file of held) file.close();
    expect(mappingsOf(folder.path)).toBe(kept);
  }
  cache.close();
  expect(mappingsOf(folder.path)).toBe(0);
  expect(mappedFileTotals()).toEqual(before);
});

test('handles that are forgotten are collected, and their files unmapped', async () => {
  const paths = Array.from({ length: 200 }, (_, i) => folder.write(`f${i}.smf`, smf('one', 3000)));
  const before = mappedFileTotals();
  const forget = (): void => {
    const cache = new SmfCache();
    for (const path of paths) use(cache.get(path));
  };
  forget();
  expect(mappedFileTotals().count).toBe(before.count + 200);
  for (let i = 0; i < 20 && mappedFileTotals().count > before.count; i++) await held();
  expect(mappedFileTotals()).toEqual(before);
  expect(mappingsOf(folder.path)).toBe(0);
});

test('a library of a thousand modules is one mapping, and goes with the last of them', () => {
  const names = Array.from({ length: FILES }, (_, i) => `m${i}`);
  const path = folder.write('std.lsm', library(...names));
  const cache = new SmfCache();
  const held = names.map((name) => cache.get(`${path}#${name}`));
  expect(cache.getStats()).toMatchObject({ totalFiles: 1, cacheMisses: 1, cacheHits: FILES - 1 });
  expect([mappingsOf(folder.path), openDescriptors(folder.path)]).toEqual([1, 0]);
  cache.close();
  for (const file of held) {
    expect(use(file)).toBeGreaterThan(0);
    file.close();
  }
  expect(mappingsOf(folder.path)).toBe(0);
});

test('names by which files were known for a moment are not remembered', async () => {
  const cache = new SmfCache({ maxFiles: 10 });
  let path = folder.write('a.smf', smf());
  let count = 0;
  await staysFlat(() => {
    for (let i = 0; i < 2000; i++) {
      const next = join(folder.path, `${'x'.repeat(200)}${count++}`);
      renameSync(path, next);
      path = next;
      cache.get(path).close();
    }
  });
  expect(cache.getStats()).toMatchObject({ totalFiles: 1, cacheMisses: 1 });
  cache.close();
});
