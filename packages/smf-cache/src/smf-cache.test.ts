import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { mmapReadBytes, NativeMemError } from '@simple-jit/native-mem';
import { SectionType, SmfBuilder, SmfFormatError } from '@simple-jit/smf-format';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mappingsOf, openDescriptors } from '../test/support.js';
import { SmfCache, SmfCacheError } from './index.js';

let folder: string;
let cache: SmfCache;

beforeEach(() => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), 'smf-cache-'));
  cache = new SmfCache();
});
afterEach(() => {
  cache.close();
  rmSync(folder, { recursive: true });
});

/** A file with one template, a note, and a data section that tells versions apart. */
function smf(data = 'one', padding = 0): Uint8Array {
  const builder = new SmfBuilder();
  builder.addTemplate({ kind: 0, name: 'identity', genericParams: [{ name: 'T' }], body: Uint8Array.of(1, 2, 3) });
  builder.addSection({ type: SectionType.RoData, name: 'version', data: new TextEncoder().encode(data) });
  builder.addSection({ type: SectionType.RoData, name: 'padding', data: new Uint8Array(padding) });
  builder.addSymbol({ name: 'plain', sectionIndex: 0, type: 2 });
  builder.setNote(
    'possible |template, type_args, mangled_name, required_by, can_defer|\n    identity, i64, fn$identity$i64, me, true\n',
  );
  return builder.build();
}

function write(name: string, bytes: Uint8Array = smf()): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const version = (path: string): string => {
  using file = cache.get(path);
  return Buffer.from(file.readSection(file.file.findSection('version')!.index)).toString();
};

const caught = (action: () => unknown): unknown => {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

describe('get', () => {
  test('maps once and shares the mapping', () => {
    const path = write('a.smf');
    using first = cache.get(path);
    using second = cache.get(relative(process.cwd(), path));
    expect(second.address).toBe(first.address);
    expect(second).not.toBe(first);
    expect(cache.getStats()).toEqual({
      totalFiles: 1,
      totalMemory: first.size,
      unpackedMemory: 0,
      cacheHits: 1,
      cacheMisses: 1,
      evictions: 0,
    });
  });

  test('gives the header, sections, symbols and note', () => {
    using file = cache.get(write('a.smf'));
    expect(file.header.versionMajor).toBe(1);
    expect(file.sections.map(({ name }) => name)).toContain('version');
    expect([...file.symbols].map(({ name }) => name)).toEqual(['identity', 'plain']);
    expect(file.readNoteSdn()?.possible[0]?.mangledName).toBe('fn$identity$i64');
  });

  test('lets the header be read straight from the mapping', () => {
    using file = cache.get(write('a.smf'));
    expect([...mmapReadBytes(file.address, file.size - 128, 4)]).toEqual([0x53, 0x4d, 0x46, 0]);
  });

  test.each([
    ['a symbolic link', symlinkSync],
    ['a hard link', linkSync],
  ])('shares one mapping with %s', (_, link) => {
    const path = write('a.smf');
    const other = join(folder, 'b.smf');
    link(path, other);
    cache.get(path).close();
    cache.get(other).close();
    expect(cache.getStats()).toMatchObject({ totalFiles: 1, cacheHits: 1, cacheMisses: 1 });
  });

  test('maps a replaced file anew, and the old one stays good for its holder', () => {
    const path = write('a.smf');
    using old = cache.get(path);
    renameSync(write('new.smf', smf('two')), path);
    expect(version(path)).toBe('two');
    expect(Buffer.from(old.readSection(old.file.findSection('version')!.index)).toString()).toBe('one');
    expect(cache.cachedCount()).toBe(1);
  });

  test('maps a file that was changed in place anew', () => {
    const path = write('a.smf');
    expect(version(path)).toBe('one');
    write('a.smf', smf('two'));
    utimesSync(path, 1, 1);
    expect(version(path)).toBe('two');
  });

  test.each<[string, string, (path: string) => void]>([
    ['a missing file', 'ENOENT', () => {}],
    ['a directory', 'EISDIR', (path) => mkdirSync(path)],
  ])('refuses %s with %s and its path', (_, code, make) => {
    const path = join(folder, 'bad.smf');
    make(path);
    const error = caught(() => cache.get(path));
    expect(error).toBeInstanceOf(NativeMemError);
    expect(error).toMatchObject({ code, path });
    expect(cache.cachedCount()).toBe(0);
  });

  test('refuses a file without read permission with EACCES', ({ skip }) => {
    const path = write('a.smf');
    chmodSync(path, 0);
    chmodSync(folder, 0o755);
    if (process.geteuid === undefined) return skip('this platform has no user ids');
    const root = process.geteuid() === 0;
    if (root) process.seteuid!(65534);
    try {
      expect(caught(() => cache.get(path))).toMatchObject({ code: 'EACCES', path });
    } finally {
      if (root) process.seteuid!(0);
    }
  });

  test.each<[string, string, Uint8Array]>([
    ['an empty file', 'ERR_SMF_EMPTY', new Uint8Array(0)],
    ['a truncated file', 'ERR_SMF_BAD_MAGIC', smf().subarray(0, -1)],
    ['a wrong magic', 'ERR_SMF_BAD_MAGIC', new Uint8Array(4096).fill(0x41)],
  ])('refuses %s with %s, naming the file', (_, code, bytes) => {
    const path = write('bad.smf', bytes);
    const error = caught(() => cache.get(path));
    expect(error).toBeInstanceOf(SmfFormatError);
    expect(error).toMatchObject({ code, path, message: expect.stringContaining(path) });
  });
});

describe('limits', () => {
  test('the least recently used file goes first', () => {
    cache = new SmfCache({ maxFiles: 2 });
    const [a, b, c] = ['a', 'b', 'c'].map((name) => write(name));
    cache.get(a!).close();
    cache.get(b!).close();
    cache.get(a!).close();
    cache.get(c!).close();
    expect([a, b, c].map((path) => cache.isCached(path!))).toEqual([true, false, true]);
    expect(cache.getStats().evictions).toBe(1);
  });

  test('memory is bounded, and what is held stays mapped', () => {
    const one = smf('one', 4096);
    cache = new SmfCache({ maxMemory: 2 * one.length + 10 });
    using held = cache.get(write('a', one));
    cache.get(write('b', one)).close();
    cache.get(write('c', one)).close();
    expect(cache.isCached(held.path)).toBe(false);
    expect(held.readSection(0).length).toBeGreaterThan(0);
    expect(cache.getStats()).toMatchObject({ totalFiles: 2, totalMemory: 2 * one.length, evictions: 1 });
  });

  test('a file beyond maxMemory is mapped for its holder only', () => {
    cache = new SmfCache({ maxMemory: 100 });
    const path = write('a');
    using file = cache.get(path);
    expect(file.readNoteSdn()?.possible.length).toBe(1);
    expect(cache.cachedCount()).toBe(0);
    expect(cache.getStats().totalMemory).toBe(0);
  });

  test.each([0, -1, 1.5, Number.NaN])('a limit of %s is a RangeError', (limit) => {
    expect(() => new SmfCache({ maxFiles: limit })).toThrow(RangeError);
    expect(() => new SmfCache({ maxMemory: limit })).toThrow(RangeError);
  });

  test('a thousand files leave no descriptor and no mapping behind', () => {
    const paths = Array.from({ length: 1000 }, (_, i) => write(`f${i}`));
    for (const path of paths) cache.get(path).close();
    expect(cache.cachedCount()).toBe(1000);
    expect([openDescriptors(folder), mappingsOf(folder)]).toEqual([0, 1000]);
    cache.clear();
    expect(cache.getStats()).toMatchObject({ totalFiles: 0, totalMemory: 0 });
    expect(mappingsOf(folder)).toBe(0);
  });
});

describe('letting go', () => {
  test('evict and invalidate make the next get map anew', () => {
    const path = write('a');
    cache.get(path).close();
    expect(cache.evict(path)).toBe(true);
    expect(cache.evict(path)).toBe(false);
    cache.get(path).close();
    cache.invalidate(path);
    expect(cache.isCached(path)).toBe(false);
    cache.get(path).close();
    expect(cache.getStats().cacheMisses).toBe(3);
  });

  test('views have length 0 once the last holder is gone', () => {
    const path = write('a');
    const file = cache.get(path);
    const view = file.readSection(0);
    cache.evict(path);
    expect(view.length).toBeGreaterThan(0);
    file.close();
    file.close();
    expect(view.length).toBe(0);
  });

  test('a closed handle and a closed cache say so', () => {
    const file = cache.get(write('a'));
    file.close();
    for (const use of [() => file.header, () => file.address, () => file.readNoteSdn(), () => file.readSection(0)]) {
      expect(caught(use)).toMatchObject({ code: 'ERR_CLOSED', path: file.path });
    }
    cache.close();
    cache.close();
    expect(caught(() => cache.get(file.path))).toBeInstanceOf(SmfCacheError);
  });
});

describe('readTemplateBytes', () => {
  test('gives the entry of a template', () => {
    using file = cache.get(write('a'));
    const entry = file.readTemplateBytes('identity');
    expect([...entry.subarray(-3)]).toEqual([1, 2, 3]);
    expect(file.readTemplateBytes(file.file.findSymbol('identity')!)).toEqual(entry);
    expect(file.readTemplateBytes('plain', 10)).toEqual(entry);
  });

  test.each([
    ['nobody', 'ERR_NO_SUCH_SYMBOL'],
    ['plain', 'ERR_NO_TEMPLATE'],
  ])('of %s is %s', (symbol, code) => {
    using file = cache.get(write('a'));
    expect(caught(() => file.readTemplateBytes(symbol))).toMatchObject({ code, symbol, path: file.path });
  });
});

describe('prefetch', () => {
  test('maps every file, and says which failed', () => {
    const paths = [write('a'), join(folder, 'missing'), write('b')];
    const error = caught(() => cache.prefetch(paths));
    expect(error).toMatchObject({ code: 'ERR_PREFETCH', failures: [{ path: paths[1], error: { code: 'ENOENT' } }] });
    expect(cache.cachedCount()).toBe(2);
    cache.prefetch([paths[0]!]);
  });

  test('prefetchAsync reports progress and failures', async () => {
    const paths = ['a', 'b', 'c'].map((name) => write(name)).concat(join(folder, 'missing'));
    const seen: number[] = [];
    const promise = cache.prefetchAsync(paths, { concurrency: 2, onProgress: ({ done }) => seen.push(done) });
    await expect(promise).rejects.toMatchObject({ code: 'ERR_PREFETCH', failures: [{ path: paths[3] }] });
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(cache.cachedCount()).toBe(3);
  });

  test('prefetchAsync stops when its signal aborts', async () => {
    const paths = Array.from({ length: 20 }, (_, i) => write(`f${i}`));
    const abort = new AbortController();
    const promise = cache.prefetchAsync(paths, {
      concurrency: 1,
      signal: abort.signal,
      onProgress: ({ done }) => done === 3 && abort.abort(),
    });
    await expect(promise).rejects.toThrow(/abort/i);
    expect(cache.cachedCount()).toBe(3);
  });

  test('prefetchAsync refuses a concurrency of 0', async () => {
    await expect(cache.prefetchAsync([], { concurrency: 0 })).rejects.toThrow(RangeError);
  });
});

describe('cacheFromBytes', () => {
  test('stands for a file of that id', () => {
    using file = cache.cacheFromBytes('memory', smf('two'));
    expect(file.address).toBe(0n);
    expect(file.trust).toMatchObject({ trusted: false });
    expect(version('memory')).toBe('two');
    expect(cache.isCached('memory')).toBe(true);
    cache.cacheFromBytes('memory', smf('three')).close();
    expect(version('memory')).toBe('three');
    expect(cache.evict('memory')).toBe(true);
    expect(cache.isCached('memory')).toBe(false);
  });

  test('refuses what is no SMF file', () => {
    expect(caught(() => cache.cacheFromBytes('memory', new Uint8Array(200)))).toMatchObject({ path: 'memory' });
  });
});
