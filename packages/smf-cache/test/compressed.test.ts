// Compressed sections: unpacked once for all handles, counted with the mapping, never beyond the budget.
import { LsmfBuilder, SmfBuilder, type SmfCodecs } from '@simple-jit/smf-format';
import { lz4 } from '@simple-jit/smf-format/lz4';
import { loadCodecs } from '@simple-jit/smf-format/node';
import { beforeEach, describe, expect, test } from 'vitest';
import { SmfCache, type SmfCacheOptions } from '../src/index.js';
import { caught, collect, compressed, replace, smf, temporaryFolder } from './support.js';

const folder = temporaryFolder();
const real = await loadCodecs();

/** How often something was unpacked. */
let unpacked = 0;
beforeEach(() => {
  unpacked = 0;
});
const counting = (codec: NonNullable<SmfCodecs['lz4']>) => ({
  ...codec,
  decompress(frame: Uint8Array, size: number) {
    unpacked += 1;
    return codec.decompress(frame, size);
  },
});
const codecs: SmfCodecs = { lz4: counting(lz4), zstd: counting(real.zstd) };
const make = (options: SmfCacheOptions = {}): SmfCache => new SmfCache({ codecs, ...options });
const expected = (size: number, i = 0): Uint8Array => Uint8Array.from({ length: size }, (_, at) => (at >> 8) + i);

describe.each(['lz4', 'zstd'] as const)('sections packed by %s', (algorithm) => {
  test('are unpacked once for all handles, and counted', () => {
    using cache = make();
    const bytes = compressed([10_000, 20_000], algorithm, real);
    const path = folder.write('a.smf', bytes);
    using first = cache.get(path);
    using second = cache.get(path);
    const data = first.readSection(1);
    expect(Uint8Array.from(data)).toEqual(expected(20_000, 1));
    expect(second.readSection(1)).toBe(data);
    expect(second.file.sectionData(1)).toBe(data);
    expect(unpacked).toBe(1);
    expect(cache.getStats()).toMatchObject({
      totalFiles: 1,
      totalMemory: bytes.length + 20_000,
      unpackedMemory: 20_000,
    });
    first.readSection(0);
    expect(cache.getStats()).toMatchObject({ totalMemory: bytes.length + 30_000, unpackedMemory: 30_000 });
    cache.clear();
    expect(cache.getStats()).toMatchObject({ totalMemory: 0, unpackedMemory: 0, evictions: 0 });
  });

  test('of a library count with it, whichever module they are in', () => {
    using cache = make();
    const path = folder.write('plain.smf', smf());
    cache.get(path).close();
    const plain = cache.getStats().totalMemory;
    const bytes = packedLibrary(algorithm);
    folder.write('std.lsm', bytes);
    for (const name of ['a', 'b', 'a']) {
      using file = cache.get(`${folder.path}/std.lsm#${name}`);
      expect(file.readSection(0).length).toBe(5000);
    }
    expect(unpacked).toBe(2);
    expect(cache.getStats()).toMatchObject({
      totalFiles: 2,
      totalMemory: plain + bytes.length + 10_000,
      unpackedMemory: 10_000,
    });
  });
});

function packedLibrary(algorithm: 'lz4' | 'zstd'): Uint8Array {
  const builder = new LsmfBuilder();
  for (const name of ['a', 'b']) builder.addModule(name, compressed([5000], algorithm, real));
  return builder.build();
}

describe('the budget', () => {
  test('is for mapped and unpacked bytes together: the least recently used file goes with what it unpacked', () => {
    const bytes = compressed([10_000], 'lz4', real);
    using cache = make({ maxMemory: 3 * bytes.length + 20_000 });
    const [a, b, c] = ['a', 'b', 'c'].map((name) => folder.write(name, bytes)) as [string, string, string];
    for (const path of [a, b]) {
      using file = cache.get(path);
      file.readSection(0);
    }
    expect(cache.getStats()).toMatchObject({ totalFiles: 2, unpackedMemory: 20_000, evictions: 0 });
    cache.get(c).close(); // fits: mapped, not unpacked
    expect(cache.getStats()).toMatchObject({ totalFiles: 3, totalMemory: 3 * bytes.length + 20_000, evictions: 0 });
    using last = cache.get(c);
    last.readSection(0);
    expect([a, b, c].map((path) => cache.isCached(path))).toEqual([false, true, true]);
    expect(cache.getStats()).toEqual({
      totalFiles: 2,
      totalMemory: 2 * bytes.length + 20_000,
      unpackedMemory: 20_000,
      cacheHits: 1,
      cacheMisses: 3,
      evictions: 1,
    });
  });

  test("that has no room for it beside its file: it is its holder's alone, and the file stays kept", () => {
    const bytes = compressed([10_000, 10_000], 'lz4', real);
    using cache = make({ maxMemory: bytes.length + 15_000 });
    using file = cache.get(folder.write('a', bytes));
    const first = file.readSection(0);
    expect(cache.getStats()).toMatchObject({ totalFiles: 1, unpackedMemory: 10_000 });
    const second = file.readSection(1);
    expect(cache.getStats()).toMatchObject({
      totalFiles: 1,
      totalMemory: bytes.length,
      unpackedMemory: 0,
      evictions: 0,
    });
    expect(first).toEqual(expected(10_000));
    expect(second).toEqual(expected(10_000, 1));
    expect(file.readSection(1).buffer).toBe(second.buffer); // he holds it: it is not unpacked again
    expect(unpacked).toBe(2);
  });

  test('does not count what a file unpacks that the cache let go of', () => {
    using cache = make();
    const path = folder.write('a', compressed([10_000], 'lz4', real));
    using file = cache.get(path);
    const before = file.readSection(0);
    cache.evict(path);
    expect(before).toEqual(expected(10_000));
    expect(file.readSection(0).buffer).toBe(before.buffer);
    expect(cache.getStats()).toMatchObject({ totalFiles: 0, totalMemory: 0, unpackedMemory: 0 });
    expect(unpacked).toBe(1);
    using again = cache.get(path);
    expect(again.readSection(0)).not.toBe(before);
    expect(unpacked).toBe(2);
  });

  test('counts each version of a file for itself', () => {
    using cache = make();
    const path = folder.write('a', compressed([10_000], 'lz4', real));
    using old = cache.get(path);
    const data = old.readSection(0);
    const bytes = compressed([500], 'lz4', real);
    replace(path, bytes);
    using fresh = cache.get(path);
    expect(fresh.readSection(0)).toEqual(expected(500));
    expect(old.readSection(0).buffer).toBe(data.buffer);
    expect(cache.getStats()).toMatchObject({ totalFiles: 1, totalMemory: bytes.length + 500, unpackedMemory: 500 });
  });

  test('is for bytes that came from no file as well', () => {
    using cache = make();
    const bytes = compressed([10_000], 'lz4', real);
    using file = cache.cacheFromBytes('memory', bytes);
    file.readSection(0);
    expect(cache.getStats()).toMatchObject({ totalMemory: bytes.length + 10_000, unpackedMemory: 10_000 });
    cache.cacheFromBytes('memory', smf()).close();
    expect(cache.getStats()).toMatchObject({ totalMemory: smf().length, unpackedMemory: 0, evictions: 0 });
  });
});

test('what a file unpacked is collected once the cache let go of it, though the file is still held', async () => {
  using cache = make();
  const path = folder.write('a', compressed([1 << 20], 'lz4', real));
  using file = cache.get(path);
  file.readSection(0);
  cache.evict(path);
  for (let i = 0; i < 5; i++) await collect();
  expect(file.readSection(0).length).toBe(1 << 20);
  expect(unpacked).toBe(2);
});

test('what was unpacked stays good after everything is closed', () => {
  const cache = make();
  const file = cache.get(folder.write('a', compressed([10_000], 'lz4', real)));
  const data = file.readSection(0);
  file.close();
  cache.close();
  expect(data).toEqual(expected(10_000));
});

test('a hundred files that unpack ten times the budget hold no more than it', () => {
  const bytes = compressed([1 << 20], 'lz4', real);
  using cache = make({ maxMemory: 10 << 20 });
  const paths = Array.from({ length: 100 }, (_, i) => folder.write(`f${i}`, bytes));
  for (let round = 0; round < 2; round++) {
    for (const path of paths) {
      using file = cache.get(path);
      expect(file.readSection(0).length).toBe(1 << 20);
      const { totalMemory, unpackedMemory, totalFiles } = cache.getStats();
      expect(totalMemory).toBeLessThanOrEqual(10 << 20);
      expect(totalMemory).toBe(unpackedMemory + totalFiles * bytes.length);
    }
  }
  expect(unpacked).toBe(200);
});

describe('a section that lies', () => {
  /** The table entry of section 0 says that it unpacks to `size` bytes. */
  function claiming(size: bigint, algorithm: 'lz4' | 'zstd'): Uint8Array {
    const bytes = compressed([10_000], algorithm, real);
    const view = new DataView(bytes.buffer);
    const table = Number(view.getBigUint64(bytes.length - 128 + 20, true));
    view.setBigUint64(table + 24, size, true);
    view.setBigUint64(bytes.length - 128 + 60, 0n, true);
    return bytes;
  }

  test.each([
    ['ERR_SMF_LIMIT', 1n << 40n],
    ['ERR_SMF_LIMIT', (1n << 64n) - 1n],
    ['ERR_SMF_BAD_COMPRESSION', 9_999n],
    ['ERR_SMF_BAD_COMPRESSION', 10_001n],
    ['ERR_SMF_BAD_COMPRESSION', 0n],
  ])('is refused with %s for %i bytes', (code, size) => {
    for (const algorithm of ['lz4', 'zstd'] as const) {
      using cache = make();
      const path = folder.write(algorithm, claiming(size, algorithm));
      using file = cache.get(path);
      const before = process.memoryUsage().arrayBuffers;
      expect(caught(() => file.readSection(0))).toMatchObject({ code, path });
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
      expect(cache.getStats().unpackedMemory).toBe(0);
    }
  });

  test('as a bomb is unpacked no further than it declares', () => {
    // 64 MiB of zeros, declared as 10,000 bytes in the table; that of lz4 says so in its frame, too.
    for (const codec of [real.lz4, real.zstd]) {
      const frame = Uint8Array.from(codec.compress(new Uint8Array(64 << 20), 0));
      if (codec === real.lz4) declare(frame, 10_000n);
      const builder = new SmfBuilder();
      builder.addSection({ type: 3, name: 'bomb', data: frame, virtualSize: 10_000, flags: 1 | 8 });
      const bytes = builder.build();
      bytes[bytes.length - 128 + 12] = codec === real.lz4 ? 2 : 1;
      using cache = make();
      using file = cache.get(folder.write(codec.name, bytes));
      const before = process.memoryUsage().arrayBuffers;
      expect(caught(() => file.readSection(0))).toMatchObject({ code: 'ERR_SMF_BAD_COMPRESSION' });
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    }
  });

  /** Changes the content size of an lz4 frame, and the checksum of its descriptor with it. */
  function declare(frame: Uint8Array, size: bigint): void {
    new DataView(frame.buffer).setBigUint64(6, size, true);
    for (let sum = 0; sum < 256; sum++) {
      frame[14] = sum;
      const error = caught(() => real.lz4.decompress(frame, Number(size)));
      if (!/descriptor checksum/.test(String(error))) return;
    }
    throw new Error('no checksum fits');
  }
});

test('lz4 needs no codec; zstd says how to get one where this Node has none', () => {
  using cache = new SmfCache();
  using packed = cache.get(folder.write('lz4', compressed([10_000], 'lz4', real)));
  expect(packed.readSection(0)).toEqual(expected(10_000));
  const path = folder.write('zstd', compressed([10_000], 'zstd', real));
  using none = new SmfCache({ codecs: {} });
  using file = none.get(path);
  expect(caught(() => file.readSection(0))).toMatchObject({
    code: 'ERR_SMF_NO_CODEC',
    path,
    hint: expect.stringContaining('@simple-jit/smf-format/node'),
  });
});
