// Libraries: modules are addressed as `library#module`, and one mapping serves them all.
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { mmapReadBytes } from '@simple-jit/native-mem';
import { LsmfBuilder, SmfFormatError } from '@simple-jit/smf-format';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SmfCache, SmfCacheError } from '../src/index.js';
import { caught, library, mappingsOf, openDescriptors, replace, smf, temporaryFolder, versionOf } from './support.js';

const folder = temporaryFolder();
let cache: SmfCache;
beforeEach(() => {
  cache = new SmfCache();
});
afterEach(() => cache.close());

describe('a module of a library', () => {
  test('is a file of its own, wherever it lies in the library', () => {
    const bytes = library('vectors', 'maps');
    const path = folder.write('std.lsm', bytes);
    using file = cache.get(`${path}#maps`);
    expect(file.path).toBe(`${path}#maps`);
    expect(file.library).toEqual({ path, module: 'maps' });
    expect(versionOf(file)).toBe('maps');
    expect(file.size).toBe(smf('maps').length);
    expect(file.readNoteSdn()?.possible[0]?.mangledName).toBe('fn$identity$maps');
    expect([...file.readTemplateBytes('identity').subarray(-3)]).toEqual([1, 2, 3]);
    expect(Buffer.from(mmapReadBytes(file.address, file.offset + file.size - 128, 4)).toString()).toBe('SMF\0');
    expect(file.identity?.size).toBe(BigInt(bytes.length));
    expect(file.trust).toEqual({ trusted: true });
    expect(cache.get(`${path}#maps`).file).toBe(file.file);
  });

  test('shares one mapping with the others, counted once', () => {
    const bytes = library('a', 'b', 'c');
    const path = folder.write('std.lsm', bytes);
    const handles = ['a', 'b', 'c'].map((name) => cache.get(`${path}#${name}`));
    expect(mappingsOf(folder.path)).toBe(1);
    expect(cache.getStats()).toEqual({
      totalFiles: 1,
      totalMemory: bytes.length,
      unpackedMemory: 0,
      cacheHits: 2,
      cacheMisses: 1,
      evictions: 0,
    });
    expect(cache.cachedCount()).toBe(1);
    expect(handles.map(versionOf)).toEqual(['a', 'b', 'c']);
    for (const handle of handles) handle.close();
  });

  test('keeps its library mapped as long as it is held', () => {
    const path = folder.write('std.lsm', library('a', 'b'));
    const [a, b] = [cache.get(`${path}#a`), cache.get(`${path}#b`)];
    const view = a.readSection(0);
    cache.close();
    a.close();
    expect(() => a.readSection(0)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED', path: `${path}#a` }));
    expect(view.length).toBeGreaterThan(0); // b holds the mapping
    expect(versionOf(b)).toBe('b');
    b.close();
    expect(view.length).toBe(0);
    expect(mappingsOf(folder.path)).toBe(0);
  });

  test('is found by every spelling of its library', () => {
    const path = folder.write('std.lsm', library('a'));
    symlinkSync(path, join(folder.path, 'link.lsm'));
    mkdirSync(join(folder.path, 'sub'));
    for (const spelling of [path, join(folder.path, 'link.lsm'), `${folder.path}/sub/../std.lsm`]) {
      using file = cache.get(`${spelling}#a`);
      expect(versionOf(file)).toBe('a');
      expect(cache.isCached(`${spelling}#a`)).toBe(true);
    }
    expect(cache.getStats()).toMatchObject({ totalFiles: 1, cacheMisses: 1, cacheHits: 2 });
  });

  test('may have # and / in its name', () => {
    const path = folder.write('std.lsm', library('a#b', 'deep/er', '#'));
    for (const name of ['a#b', 'deep/er', '#']) {
      using file = cache.get(`${path}#${name}`);
      expect(file.library?.module).toBe(name);
      expect(versionOf(file)).toBe(name);
    }
  });

  test('changes with its library', () => {
    const path = folder.write('std.lsm', library('a', 'b'));
    using old = cache.get(`${path}#a`);
    cache.get(`${path}#b`).close();
    const builder = new LsmfBuilder().addModule('a', smf('newer'));
    replace(path, builder.build());
    expect(cache.isCached(`${path}#a`)).toBe(false);
    using fresh = cache.get(`${path}#a`);
    expect([versionOf(old), versionOf(fresh)]).toEqual(['a', 'newer']);
    expect(cache.isCached(`${path}#b`)).toBe(false);
    expect(caught(() => cache.get(`${path}#b`))).toMatchObject({ code: 'ERR_SMF_NO_SUCH_MODULE' });
    expect(cache.cachedCount()).toBe(1);
  });

  test('goes with its library, by any of its names, even when that is gone from disk', () => {
    const path = folder.write('std.lsm', library('a', 'b'));
    const cached = () => {
      cache.get(`${path}#a`).close();
      expect([cache.isCached(`${path}#a`), cache.isCached(`${path}#b`), cache.isCached(path)]).toEqual([
        true,
        true,
        true,
      ]);
    };
    cached();
    expect(cache.evict(`${path}#none`)).toBe(false);
    expect(cache.evict(`${path}#b`)).toBe(true);
    expect(cache.evict(`${path}#a`)).toBe(false);
    cached();
    expect(cache.evict(path)).toBe(true);
    cached();
    cache.invalidate(`${path}#a`);
    expect(cache.isCached(`${path}#b`)).toBe(false);
    cached();
    rmSync(path);
    expect(cache.isCached(`${path}#a`)).toBe(false);
    expect(cache.evict(`${path}#b`)).toBe(true);
    expect(mappingsOf(folder.path)).toBe(0);
  });

  test('is prefetched as it is addressed', async () => {
    const path = folder.write('std.lsm', library('a', 'b'));
    cache.prefetch([`${path}#a`, path]);
    expect(cache.isCached(`${path}#b`)).toBe(true);
    cache.clear();
    await cache.prefetchAsync([`${path}#a`]);
    expect(cache.getStats()).toMatchObject({ totalFiles: 1, cacheHits: 1, cacheMisses: 2 });
    cache.clear();
    await cache.prefetchAsync([path]);
    expect(cache.isCached(`${path}#b`)).toBe(true);
    const missing = [`${path}#none`, `${path}x#a`];
    const why = [{ code: 'ERR_SMF_NO_SUCH_MODULE' }, { code: 'ENOENT' }];
    const failures = missing.map((name, i) => ({ path: name, error: why[i] }));
    expect(caught(() => cache.prefetch(missing))).toMatchObject({ code: 'ERR_PREFETCH', failures });
    await expect(cache.prefetchAsync(missing, { concurrency: 1 })).rejects.toMatchObject({ failures });
  });
});

describe('a file whose name contains #', () => {
  test('comes before a module of that name', () => {
    const lib = folder.write('std.lsm', library('a'));
    const path = folder.write('std.lsm#a', smf('file'));
    using file = cache.get(path);
    expect([file.path, file.library, versionOf(file)]).toEqual([path, undefined, 'file']);
    expect(cache.isCached(path)).toBe(true);
    expect(cache.isCached(lib)).toBe(false);
    rmSync(path);
    using module = cache.get(path);
    expect([module.library?.module, versionOf(module)]).toEqual(['a', 'a']);
  });

  test('can be evicted without its namesake', () => {
    const lib = folder.write('std.lsm', library('a'));
    cache.get(`${lib}#a`).close();
    const path = folder.write('std.lsm#a', smf('file'));
    expect(cache.evict(path)).toBe(false);
    expect(cache.isCached(lib)).toBe(true);
  });

  test('can be a library; so can be a folder', () => {
    mkdirSync(join(folder.path, 'c#'));
    const path = folder.write('c#/lib#1.lsm', library('a#b'));
    using file = cache.get(`${path}#a#b`);
    expect(file.library).toEqual({ path, module: 'a#b' });
  });

  test('of several libraries, the longest name is meant', () => {
    folder.write('x', library('y#z'));
    const longer = folder.write('x#y', library('z'));
    using file = cache.get(join(folder.path, 'x#y#z'));
    expect(file.library).toEqual({ path: longer, module: 'z' });
  });

  test('an id of bytes may have one, and is not taken apart', () => {
    const path = folder.write('std.lsm', library('a'));
    using bytes = cache.cacheFromBytes(`${path}#a`, smf('bytes'));
    using file = cache.get(`${path}#a`);
    expect([bytes.path, versionOf(file), file.library]).toEqual([`${path}#a`, 'bytes', undefined]);
    expect(cache.evict(`${path}#a`)).toBe(true);
    using module = cache.get(`${path}#a`);
    expect(versionOf(module)).toBe('a');
  });
});

describe('errors', () => {
  test('a module that is not there: with the names that are, but not with all of a thousand', () => {
    const few = folder.write('few.lsm', library('a', 'b'));
    const many = folder.write('many.lsm', library(...Array.from({ length: 1000 }, (_, i) => `module_${i}`)));
    const error = caught(() => cache.get(`${few}#c`)) as SmfFormatError;
    expect(error).toBeInstanceOf(SmfFormatError);
    expect(error).toMatchObject({ code: 'ERR_SMF_NO_SUCH_MODULE', path: `${few}#c` });
    expect(error.message).toContain('Its modules: a, b');
    expect(String(caught(() => cache.get(`${few}#`)))).toContain('Its modules: a, b');
    const long = String(caught(() => cache.get(`${many}#${'x'.repeat(1000)}`)));
    expect(long).toContain('module_9, and 990 more');
    expect(long.length).toBeLessThan(2000);
  });

  test('a library as a whole is no module: the error says how to get one', () => {
    const path = folder.write('std.lsm', library('a', 'b'));
    const error = caught(() => cache.get(path)) as SmfCacheError;
    expect(error).toBeInstanceOf(SmfCacheError);
    expect(error).toMatchObject({ code: 'ERR_IS_LIBRARY', path });
    expect(error.message).toContain(`as '${path}#a'. It has a, b`);
    const empty = folder.write('empty.lsm', library());
    expect(caught(() => cache.get(empty))).toMatchObject({ message: expect.stringContaining('It has none') });
    expect(caught(() => cache.cacheFromBytes('id', library('a')))).toMatchObject({
      code: 'ERR_IS_LIBRARY',
      message: expect.stringContaining('parseLsmf(bytes)'),
    });
  });

  test('a module of what is one module', () => {
    const path = folder.write('a.smf', smf());
    expect(caught(() => cache.get(`${path}#a`))).toMatchObject({ code: 'ERR_NOT_A_LIBRARY', path: `${path}#a` });
    expect(cache.isCached(`${path}#a`)).toBe(false);
    expect(cache.evict(`${path}#a`)).toBe(false);
    expect(cache.isCached(path)).toBe(true);
  });

  test('nothing of that name', () => {
    const path = join(folder.path, 'none.lsm#a');
    expect(caught(() => cache.get(path))).toMatchObject({ code: 'ENOENT', path });
  });

  test('a damaged index, even where only its hash tells', () => {
    const bytes = library('a', 'b');
    const index = Number(new DataView(bytes.buffer).getBigUint64(12, true));
    bytes[index] = 0x63; // 'a' becomes 'c'
    const path = folder.write('std.lsm', bytes);
    expect(caught(() => cache.get(`${path}#c`))).toMatchObject({
      code: 'ERR_SMF_HASH_MISMATCH',
      structure: 'library index',
      path,
    });
    const cut = folder.write('cut.lsm', library('a').subarray(0, -1));
    expect(caught(() => cache.get(`${cut}#a`))).toMatchObject({ code: 'ERR_SMF_TABLE_OUT_OF_BOUNDS', path: cut });
    expect(cache.cachedCount()).toBe(0);
    expect(mappingsOf(folder.path)).toBe(0);
  });

  test('a wrong hash of a module, where hashes are to be verified', () => {
    const bytes = library('a', 'b');
    bytes[128 + 200] = 0xee; // in a
    const path = folder.write('std.lsm', bytes);
    using careful = new SmfCache({ verifyHashes: true });
    const error = caught(() => careful.get(`${path}#a`));
    expect(error).toMatchObject({ code: 'ERR_SMF_HASH_MISMATCH', structure: 'module a', path: `${path}#a` });
    careful.get(`${path}#b`).close();
    const module = smf();
    module[0] = 0xee;
    const single = folder.write('a.smf', module);
    expect(caught(() => careful.get(single))).toMatchObject({ code: 'ERR_SMF_HASH_MISMATCH', path: single });
    cache.get(single).close();
  });

  test('a damaged module: the others are good', () => {
    const builder = new LsmfBuilder().addModule('a', smf('a')).addModule('b', smf('b'));
    const bytes = builder.build();
    const view = new DataView(bytes.buffer);
    const index = Number(view.getBigUint64(12, true));
    const end = Number(view.getBigUint64(index + 64, true) + view.getBigUint64(index + 72, true));
    bytes.fill(0, end - 128, end); // the header of a
    const path = folder.write('std.lsm', bytes);
    expect(caught(() => cache.get(`${path}#a`))).toMatchObject({ code: 'ERR_SMF_BAD_MAGIC', path: `${path}#a` });
    using b = cache.get(`${path}#b`);
    expect(versionOf(b)).toBe('b');
  });

  test('leave nothing open', () => {
    const path = folder.write('std.lsm', library('a'));
    using tiny = new SmfCache({ maxMemory: 1 }); // keeps nothing
    for (let i = 0; i < 50; i++) {
      caught(() => tiny.get(`${path}#b`));
      caught(() => tiny.get(path));
    }
    expect(openDescriptors(folder.path)).toBe(0);
    expect(mappingsOf(folder.path)).toBe(0);
  });
});

test('a module that begins like a library is a module', () => {
  const bytes = smf();
  bytes.set(new TextEncoder().encode('LSMF'));
  using file = cache.get(folder.write('a.smf', bytes));
  expect(versionOf(file)).toBe('one');
});

test('a library whose modules come last is a library, not its last module', () => {
  // Another writer may put the index first: the file then ends with the header of a module.
  const bytes = library('a');
  const view = new DataView(bytes.buffer);
  const index = Number(view.getBigUint64(12, true));
  const module = bytes.slice(128, index);
  const entry = bytes.slice(index);
  new DataView(entry.buffer).setBigUint64(64, 256n, true);
  const size = smf('a').length;
  const turned = new Uint8Array(256 + size);
  turned.set(bytes.subarray(0, 128));
  turned.set(entry, 128);
  turned.set(module.subarray(0, size), 256);
  const header = new DataView(turned.buffer);
  header.setBigUint64(12, 128n, true);
  header.setBigUint64(36, 0n, true);
  header.setBigUint64(44, 0n, true);
  const path = folder.write('turned.lsm', turned);
  expect(caught(() => cache.get(path))).toMatchObject({ code: 'ERR_IS_LIBRARY' });
  using file = cache.get(`${path}#a`);
  expect(versionOf(file)).toBe('a');
});
