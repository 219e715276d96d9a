// Large files: what is not asked for is not looked at, and no ArrayBuffer is ever made over the whole.
import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LsmfBuilder, parseSmf } from '@simple-jit/smf-format';
import { expect, test } from 'vitest';
import { SmfCache } from '../src/index.js';
import { mappingsOf, smf, temporaryFolder, versionOf } from './support.js';

const folder = temporaryFolder();
const GIB = 2 ** 30;

/** A sparse file on disk, of these pieces. */
function sparse(name: string, size: number, pieces: readonly { at: number; bytes: Uint8Array }[]): string {
  const path = join(folder.path, name);
  const descriptor = openSync(path, 'w');
  for (const { at, bytes } of pieces) writeSync(descriptor, bytes, 0, bytes.length, at);
  closeSync(descriptor);
  truncateSync(path, size);
  return path;
}

/** A module with a hole of `gap` bytes in the midst of its padding section. */
function withHole(name: string, gap: number): string {
  const bytes = smf('huge', 100_000);
  const file = parseSmf(bytes);
  const padding = file.findSection('padding')!;
  const view = new DataView(bytes.buffer);
  const add = (at: number): void => view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(gap), true);
  for (const { index, offset } of file.sections) {
    if (offset > padding.offset) add(file.header.sectionTableOffset + 64 * index + 8);
  }
  add(file.header.sectionTableOffset + 64 * padding.index + 16);
  add(bytes.length - 128 + 20);
  add(bytes.length - 128 + 28);
  const cut = padding.offset + 50_000;
  return sparse(name, bytes.length + gap, [
    { at: 0, bytes: bytes.subarray(0, cut) },
    { at: cut + gap, bytes: bytes.subarray(cut) },
  ]);
}

test.each([
  ['256 MiB', GIB / 4],
  ['9 GiB', 9 * GIB],
])('a file of %s is read like a small one', (_, gap) => {
  using cache = new SmfCache({ maxMemory: 20 * GIB });
  const path = withHole('huge.smf', gap);
  const before = process.memoryUsage();
  using file = cache.get(path);
  expect(file.size).toBe(smf('huge', 100_000).length + gap);
  expect(versionOf(file)).toBe('huge');
  expect(file.readNoteSdn()?.possible[0]?.mangledName).toBe('fn$identity$huge');
  expect([...file.symbols].map(({ name }) => name)).toEqual(['identity', 'plain']);
  expect([...file.readTemplateBytes('identity').subarray(-3)]).toEqual([1, 2, 3]);
  cache.prefetch([path]);
  // Views count as memory in V8's books.
  const after = process.memoryUsage();
  expect(after.external + after.arrayBuffers - before.external - before.arrayBuffers).toBeLessThan(8 << 20);
  expect(cache.getStats()).toMatchObject({ totalFiles: 1, totalMemory: file.size });
});

test('a section of more than 4 GiB has no view, and says so', () => {
  using cache = new SmfCache();
  using file = cache.get(withHole('huge.smf', 9 * GIB));
  const { index } = file.file.findSection('padding')!;
  expect(() => file.readSection(index)).toThrow(expect.objectContaining({ code: 'ERR_SMF_LIMIT', path: file.path }));
  expect(cache.cachedCount()).toBe(0); // nor has it room in a gigabyte
});

test('a module beyond 4 GiB in its library', () => {
  const bytes = new LsmfBuilder().addModule('far', smf('far')).build();
  const gap = 6 * GIB;
  const view = new DataView(bytes.buffer);
  const index = Number(view.getBigUint64(12, true));
  view.setBigUint64(12, BigInt(index + gap), true);
  view.setBigUint64(36, 0n, true);
  view.setBigUint64(44, 0n, true);
  view.setBigUint64(index + 64, BigInt(128 + gap), true);
  const path = sparse('huge.lsm', bytes.length + gap, [
    { at: 0, bytes: bytes.subarray(0, 128) },
    { at: 128 + gap, bytes: bytes.subarray(128) },
  ]);
  using cache = new SmfCache({ maxMemory: 10 * GIB });
  using file = cache.get(`${path}#far`);
  expect([versionOf(file), file.offset]).toEqual(['far', 128 + gap]);
  expect(cache.getStats().totalMemory).toBe(bytes.length + gap);
  cache.prefetch([`${path}#far`]);
  expect(mappingsOf(folder.path)).toBe(1);
});
