// What counts as a change of a file, and what becomes of mappings when files change or become shorter under them.
import {
  chmodSync,
  linkSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { NativeMemError } from '@simple-jit/native-mem';
import type { SmfFile } from '@simple-jit/smf-format';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type MappedSmf, SmfCache } from '../src/index.js';
import { caught, library, mappingsOf, openDescriptors, replace, smf, temporaryFolder, versionOf } from './support.js';

const folder = temporaryFolder();
let cache: SmfCache;
beforeEach(() => {
  cache = new SmfCache();
});
afterEach(() => cache.close());

const read = (path: string): string => {
  using file = cache.get(path);
  return versionOf(file);
};

describe('a file is mapped anew', () => {
  test('when another takes its place, of the same size and times', () => {
    const path = folder.write('a.smf', smf('one'));
    const { atimeMs, mtimeMs } = statSync(path);
    expect(read(path)).toBe('one');
    replace(path, smf('two'));
    utimesSync(path, atimeMs / 1000, mtimeMs / 1000);
    expect(cache.isCached(path)).toBe(false);
    expect(read(path)).toBe('two');
  });

  test('when its time moves within a second', () => {
    const path = folder.write('a.smf', smf('one'));
    utimesSync(path, 1000, 1000.25);
    expect(read(path)).toBe('one');
    utimesSync(path, 1000, 1000.5);
    expect(cache.isCached(path)).toBe(false);
    cache.get(path).close();
    expect(cache.getStats()).toMatchObject({ cacheMisses: 2, cacheHits: 0 });
  });

  test('when it was written over, though neither size nor time tells', () => {
    for (const [one, two, name] of [
      [smf('one'), smf('two'), ''],
      [library('one'), library('two'), '#'],
    ] as const) {
      const path = folder.write('a', one);
      const address = name && `${path}#`;
      utimesSync(path, 1000, 1000);
      expect(read(address ? `${address}one` : path)).toBe('one');
      writeFileSync(path, two, { flag: 'r+' });
      utimesSync(path, 1000, 1000);
      expect(cache.isCached(path)).toBe(false);
      expect(read(address ? `${address}two` : path)).toBe('two');
    }
  });

  test('when its permissions change, because trust hangs on them', () => {
    const path = folder.write('a.smf', smf());
    chmodSync(path, 0o644);
    using trusted = cache.get(path);
    expect(trusted.trust).toEqual({ trusted: true });
    chmodSync(path, 0o666);
    using open = cache.get(path);
    expect(open.trust).toMatchObject({ trusted: false });
  });

  test('but not when nothing of that changed', () => {
    const path = folder.write('a.smf', smf());
    cache.get(path).close();
    linkSync(path, join(folder.path, 'hard'));
    symlinkSync(path, join(folder.path, 'soft'));
    for (const name of ['a.smf', 'hard', 'soft', '../'.concat(folder.path.split('/').at(-1)!, '/a.smf')]) {
      cache.get(join(folder.path, name)).close();
    }
    expect(cache.getStats()).toMatchObject({ totalFiles: 1, cacheMisses: 1, cacheHits: 4 });
    expect(mappingsOf(folder.path)).toBe(1);
  });
});

test('a link that is turned to another file leads there', () => {
  const [a, b] = [folder.write('a', smf('a')), folder.write('b', smf('b'))];
  const link = join(folder.path, 'current');
  symlinkSync(a, link);
  expect(read(link)).toBe('a');
  unlinkSync(link);
  symlinkSync(b, link);
  expect(read(link)).toBe('b');
  expect(cache.cachedCount()).toBe(1);
});

test('evict finds a file by any spelling, and when it is gone', () => {
  const path = folder.write('a', smf());
  symlinkSync(path, join(folder.path, 'link'));
  cache.get(path).close();
  expect(cache.evict(join(folder.path, 'link'))).toBe(true);
  cache.get(join(folder.path, 'link')).close();
  expect(cache.evict(path)).toBe(true);
  cache.get(path).close();
  unlinkSync(path);
  expect(cache.evict(path)).toBe(true);
  expect(cache.cachedCount()).toBe(0);
});

test('a thousand versions of a file leave nothing behind', () => {
  const path = folder.write('a', smf());
  for (let i = 0; i < 1000; i++) {
    replace(path, smf(`v${i}`));
    expect(read(path)).toBe(`v${i}`);
  }
  expect(cache.getStats()).toMatchObject({ totalFiles: 1, cacheMisses: 1000, evictions: 0 });
  expect([openDescriptors(folder.path), mappingsOf(folder.path)]).toEqual([0, 1]);
});

describe('a file that became shorter while it was mapped', () => {
  const uses: Record<string, (file: MappedSmf) => unknown> = {
    readSection: (file) => file.readSection(3),
    'readSection of the first': (file) => file.readSection(0),
    readNoteSdn: (file) => file.readNoteSdn(),
    'readTemplateBytes by name': (file) => file.readTemplateBytes('identity'),
    'readTemplateBytes of nobody': (file) => file.readTemplateBytes('nobody'),
    'file.findSymbol': (file) => file.file.findSymbol('identity'),
    'file.symbols': (file) => [...file.symbols],
    'file.sectionData': (file) => file.file.sectionData(3),
    'file.noteSdn': (file) => file.file.noteSdn(),
    'file.computeModuleHash': (file) => file.file.computeModuleHash(),
  };

  test.each(Object.keys(uses))('is an error of %s, and the process lives', (name) => {
    for (const bytes of [smf('one', 300_000), smf('one', 10_000)]) {
      const path = folder.write('a.smf', bytes);
      using file = cache.get(path);
      truncateSync(path, 4096);
      const error = caught(() => uses[name]!(file));
      expect(error).toBeInstanceOf(NativeMemError);
      expect(error).toMatchObject({ code: 'ERR_FILE_SHRUNK', path });
      // From then on, all of it is: what a handle showed before may be zeros.
      for (const use of [...Object.values(uses), () => file.file, () => file.header, () => file.address]) {
        expect(caught(() => use(file))).toMatchObject({ code: 'ERR_FILE_SHRUNK' });
      }
    }
  });

  test('by a few bytes, within its last page, is an error of what a handle reads', () => {
    for (const bytes of [smf('one', 300_000), smf('one', 10)]) {
      const path = folder.write('a.smf', bytes);
      using file = cache.get(path);
      truncateSync(path, bytes.length - 1);
      for (const read of ['readSection', 'readNoteSdn', 'readTemplateBytes by name', 'readTemplateBytes of nobody']) {
        expect(caught(() => uses[read]!(file))).toMatchObject({ code: 'ERR_FILE_SHRUNK', path });
      }
    }
  });

  test.each([300_000, 10])('within its last page, is an error of a parsed file that was held (%i bytes)', (padding) => {
    const bytes = smf('one', padding);
    const lost: ((path: string) => void)[] = [
      (path) => truncateSync(path, bytes.length - 128), // its header
      (path) => truncateSync(path, bytes.length - (bytes.length % 4096)),
    ];
    const held: Record<string, (file: SmfFile) => unknown> = {
      findSymbol: (file) => file.findSymbol('identity'),
      'findSymbol of nobody': (file) => file.findSymbol('nobody'),
      symbols: (file) => [...file.symbols],
      sectionData: (file) => file.sectionData(3),
      noteSdn: (file) => file.noteSdnText(),
      templates: (file) => file.templateAt(10),
      computeModuleHash: (file) => file.computeModuleHash(),
    };
    for (const cut of lost) {
      for (const [name, use] of Object.entries(held)) {
        const path = folder.write(`${name}.smf`, bytes);
        using handle = cache.get(path);
        const { file } = handle;
        cut(path);
        expect(caught(() => use(file))).toMatchObject({ code: 'ERR_FILE_SHRUNK', path });
        expect(caught(() => handle.symbols)).toMatchObject({ code: 'ERR_FILE_SHRUNK', path });
      }
    }
  });

  test('by zeros only, leaves a parsed file that was held as it is', () => {
    const bytes = smf();
    const path = folder.write('a.smf', bytes);
    using handle = cache.get(path);
    const { file } = handle;
    truncateSync(path, bytes.length - 40); // of its header's 45 reserved bytes
    expect(file.findSymbol('plain')?.name).toBe('plain');
    expect(Buffer.from(file.sectionData(file.findSection('version')!.index)).toString()).toBe('one');
  });

  test('reads as zeros where it ended, in what was handed out before', () => {
    const path = folder.write('a.smf', smf('one', 300_000));
    using file = cache.get(path);
    const padding = file.readSection(file.file.findSection('padding')!.index);
    expect([padding[0], padding.at(-1)]).toEqual([0x55, 0x55]);
    truncateSync(path, 8192);
    expect([padding[0], padding.at(-1)]).toEqual([0x55, 0]);
  });

  test('of a library: each of its modules', () => {
    const path = folder.write('a.lsm', library('a', 'b', 'c', 'd', 'e'));
    using a = cache.get(`${path}#a`);
    using b = cache.get(`${path}#b`);
    truncateSync(path, 100);
    for (const file of [a, b]) {
      expect(caught(() => file.readNoteSdn())).toMatchObject({ code: 'ERR_FILE_SHRUNK', path });
    }
  });

  test('is mapped anew if there is a module again, else refused; the old handle can be closed', () => {
    const path = folder.write('a.smf', smf('one', 300_000));
    const old = cache.get(path);
    truncateSync(path, 4096);
    expect(cache.isCached(path)).toBe(false);
    expect(caught(() => cache.get(path))).toMatchObject({ code: 'ERR_SMF_BAD_MAGIC', path });
    writeFileSync(path, smf('new'), { flag: 'r+' });
    truncateSync(path, smf('new').length);
    expect(read(path)).toBe('new');
    old.close();
    cache.clear();
    expect(mappingsOf(folder.path)).toBe(0);
  });
});
