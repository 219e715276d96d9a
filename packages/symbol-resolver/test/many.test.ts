// Many at once: thousands of modules, reloads without end, threads that share nothing, files that change hands.
import {
  chmodSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CodeArena } from '@simple-jit/native-mem';
import { LsmfBuilder, RelocationType, SectionType, SmfBuilder, SymbolType } from '@simple-jit/smf-format';
import { describe, expect, test } from 'vitest';
import { JitSymbolResolver } from '../src/index.js';
import { caught, I64, sharedPlace } from './support/harness.js';

const place = sharedPlace();
const create = (): JitSymbolResolver => new JitSymbolResolver({ arena: place().arena, updateSmf: false });

/** `name` gives the number that lies in its constants. */
function module(name: string, gives: number): Uint8Array {
  const builder = new SmfBuilder();
  const code = Uint8Array.of(0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xc3); // mov rax, [rip + constant]; ret
  builder.addSection({ type: SectionType.Code, name: '.text', data: code });
  const data = new Uint8Array(BigInt64Array.of(BigInt(gives)).buffer);
  const constants = builder.addSection({ type: SectionType.RoData, name: '.rodata', data });
  builder.addSymbol({ name, sectionIndex: 0 });
  const symbolIndex = builder.addSymbol({ name: `${name}_value`, type: SymbolType.Data, sectionIndex: constants });
  builder.setRelocations(0, [{ offset: 3, symbolIndex, type: RelocationType.Pc32, addend: -4n }]);
  return builder.build();
}

function held() {
  const { codeBytes, blocks, slots, dataBlocks, dataBytes } = place().arena.stats();
  return { codeBytes, blocks, slots, dataBlocks, dataBytes, descriptors: descriptorsOfOurs() };
}

/** Descriptors for files of this test: the runner has others, and opens some at any time. */
function descriptorsOfOurs(): number {
  return readdirSync('/proc/self/fd').filter((number) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`).startsWith(realpathSync(place().folder));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return false; // closed since: the one through which the folder was read
    }
  }).length;
}

describe.skipIf(process.arch !== 'x64' || process.platform !== 'linux')('many', () => {
  test('modules are loaded at once, and all go', { timeout: 120_000 }, () => {
    const COUNT = Number(process.env.MODULES ?? 2000);
    const paths = Array.from({ length: COUNT }, (_, i) => place().write(`many${i}.smf`, module(`many${i}`, i)));
    using resolver = create();
    for (const path of paths) resolver.loadSmf(path);
    for (let i = 0; i < COUNT; i++) expect(resolver.resolveFunction(`many${i}`, I64)()).toBe(i);
    expect(resolver.stats()).toMatchObject({
      loadedModules: COUNT,
      linkedModules: COUNT,
      linked: COUNT,
      unresolved: 0,
    });
    expect(descriptorsOfOurs()).toBe(0);
    for (const path of paths) expect(resolver.unload(path)).toBe(true);
    expect(resolver.stats()).toMatchObject({ loadedModules: 0, linkedModules: 0, knownNames: 0, freed: COUNT });
    expect(place().arena.stats()).toMatchObject({ codeBytes: resolver.stats().importStubs * 6, dataBlocks: 0 });
  });

  test('reloads leave nothing behind, and each is called', () => {
    using resolver = create();
    let version = 0;
    const reload = (): void => resolver.loadSmf(place().write('storm.smf', module('storm', ++version)));
    reload();
    const call = resolver.resolveFunction('storm', I64);
    expect(call()).toBe(1);
    const before = held();
    for (let i = 0; i < 500; i++) {
      reload();
      if (i % 3 > 0) expect(call()).toBe(version);
    }
    expect(call()).toBe(version);
    expect(held()).toEqual(before);
    expect(resolver.stats()).toMatchObject({ linkedModules: 1, importStubs: 1 });
  });

  test('threads have modules of their own, and one that is ended in the midst leaves nothing', async () => {
    const path = place().write('thread.smf', module('thread', 9));
    const source = `
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)}).then(({ JitSymbolResolver }) => {
        const resolver = new JitSymbolResolver({ updateSmf: false });
        resolver.loadSmf(${JSON.stringify(path)});
        const call = resolver.resolveFunction('thread', { params: [], result: 'i64:number' });
        parentPort.postMessage([call(), String(resolver.resolve('thread')), resolver.stats().linkedModules]);
        for (;;) {
          resolver.unload(${JSON.stringify(path)});
          resolver.loadSmf(${JSON.stringify(path)});
          call();
        }
      });`;
    using resolver = new JitSymbolResolver({ updateSmf: false });
    resolver.loadSmf(path);
    const mine = resolver.resolveFunction('thread', I64);
    expect(mine()).toBe(9);
    const before = CodeArena.default().stats();
    for (let i = 0; i < 3; i++) {
      const workers = [1, 2].map(() => new Worker(source, { eval: true }));
      const told = await Promise.all(
        workers.map(
          (worker) =>
            new Promise<unknown[]>((resolve, reject) => {
              worker.once('message', resolve);
              worker.once('error', reject);
            }),
        ),
      );
      for (const [value, address, linked] of told) {
        expect([value, linked]).toEqual([9, 1]);
        expect(address).not.toBe(String(resolver.resolve('thread')));
      }
      await Promise.all(workers.map((worker) => worker.terminate()));
      expect(mine()).toBe(9);
    }
    const { blocks, slots, dataBlocks } = CodeArena.default().stats();
    expect({ blocks, slots, dataBlocks }).toEqual({
      blocks: before.blocks,
      slots: before.slots,
      dataBlocks: before.dataBlocks,
    });
  });
});

describe.skipIf(process.arch !== 'x64' || process.platform !== 'linux')('whether code is trusted', () => {
  const OPEN_MODE = 0o666;
  const untrusted = (resolver: JitSymbolResolver, name: string): void => {
    expect(caught(() => resolver.resolveFunction(name, I64))).toMatchObject({
      code: 'ERR_UNRESOLVED',
      message: expect.stringContaining('writable by group or others (mode 0666)'),
    });
    expect(place().arena.stats().blocks).toBe(0);
  };

  test('is asked of the file that a link leads to', () => {
    place().write('open.smf', module('linked', 1), OPEN_MODE);
    const link = join(place().folder, 'link.smf');
    symlinkSync('open.smf', link);
    using resolver = create();
    resolver.loadSmf(link);
    untrusted(resolver, 'linked');
    // Turned to a good file, it is asked anew.
    place().write('good.smf', module('linked', 2));
    rmSync(link);
    symlinkSync('good.smf', link);
    resolver.loadSmf(link);
    expect(resolver.resolveFunction('linked', I64)()).toBe(2);
  });

  test('is asked of the file that was mapped, whatever takes its place before it is used', () => {
    const path = place().write('swap.smf', module('swap', 1), OPEN_MODE);
    using resolver = create();
    resolver.loadSmf(path);
    const good = place().write('swap2.smf', module('swap', 2));
    renameSync(good, path);
    untrusted(resolver, 'swap');
    // And the other way round: the bytes that are run are those that were trusted.
    resolver.loadSmf(path);
    writeFileSync(`${path}.bad`, module('swap', 3));
    chmodSync(`${path}.bad`, OPEN_MODE);
    renameSync(`${path}.bad`, path);
    expect(resolver.resolveFunction('swap', I64)()).toBe(2);
  });

  test('of a member of a library is asked of the library', () => {
    const path = place().write('lib.lsm', new LsmfBuilder().addModule('a', module('member', 1)).build(), OPEN_MODE);
    using resolver = create();
    resolver.loadSmf(`${path}#a`);
    untrusted(resolver, 'member');
    chmodSync(path, 0o644);
    resolver.loadSmf(`${path}#a`);
    expect(resolver.resolveFunction('member', I64)()).toBe(1);
  });

  test('is not asked again of code that runs: what it was made from may change after', () => {
    const path = place().write('ran.smf', module('ran', 1));
    using resolver = create();
    resolver.loadSmf(path);
    const call = resolver.resolveFunction('ran', I64);
    expect(call()).toBe(1);
    writeFileSync(path, readFileSync(path).fill(0xcc, 0, 64));
    expect(call()).toBe(1);
  });
});
