import { closeSync, openSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { runScript, temporaryFile } from '../test/support.js';
import {
  MappedFile,
  mappedFileTotals,
  mmapReadString,
  msync,
  munmap,
  NativeMemError,
  PROT_NONE,
  pageSize,
  setProtection,
} from './index.js';

const errorCode = (code: string) => expect.objectContaining({ name: 'NativeMemError', code });
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The code with which the system refuses to open it for writing: not everyone is root, and /sys may be read-only. */
function refusalOfWriting(path: string): string | undefined {
  try {
    closeSync(openSync(path, 'r+'));
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

const mapsOf = (path: string) => readFileSync('/proc/self/maps', 'utf8').split(path).length - 1;

describe('MappedFile', () => {
  test('shows a file without copying it', () => {
    const path = temporaryFile('hello');
    using file = MappedFile.open(path);
    expect(Buffer.from(file.bytes).toString()).toBe('hello');
    expect(file).toMatchObject({ path, size: 5, mapped: true, closed: false });
    expect(mmapReadString(file.address, 1)).toBe('ello');
    expect(file.bytes.buffer).toBe(file.bytes.buffer);
    expect(mapsOf(path)).toBe(1);
  });

  test('takes a part of a file at any offset', () => {
    using file = MappedFile.open(temporaryFile('0123456789'), { offset: 3, length: 4 });
    expect(Buffer.from(file.bytes).toString()).toBe('3456');
    expect(file.stat.size).toBe(10n);
  });

  test('knows which file it mapped', () => {
    const path = temporaryFile('identity');
    using file = MappedFile.open(path);
    const stat = statSync(path, { bigint: true });
    expect(file.stat).toEqual({
      dev: stat.dev,
      ino: stat.ino,
      size: stat.size,
      mtimeNs: stat.mtimeNs,
      mode: stat.mode,
      uid: stat.uid,
    });
  });

  test('detaches every view on close', () => {
    const path = temporaryFile(new Uint8Array(2 * pageSize()).fill(1));
    const file = MappedFile.open(path);
    const views = [
      file.bytes,
      file.bytes.subarray(10),
      new Float64Array(file.bytes.buffer),
      Buffer.from(file.bytes.buffer, 5),
    ];
    const { buffer } = file.bytes;
    const data = new DataView(buffer);
    file.close();
    file.close();
    file[Symbol.dispose]();
    for (const view of views) expect(view.length).toBe(0);
    expect(views[0]?.[0]).toBeUndefined();
    expect(buffer.byteLength).toBe(0);
    expect(() => data.getInt8(0)).toThrow(TypeError);
    expect(file.closed).toBe(true);
    for (const use of [() => file.bytes, () => file.size, () => file.address, () => file.sync()]) {
      expect(use).toThrow(errorCode('ERR_CLOSED'));
    }
    expect(mapsOf(path)).toBe(0);
  });

  test('writes to a writable one reach the file', () => {
    const path = temporaryFile('hello');
    const file = MappedFile.open(path, { writable: true });
    file.bytes[0] = 72;
    file.sync();
    file.sync({ async: true });
    expect(readFileSync(path, 'utf8')).toBe('Hello');
    file.bytes.set(Buffer.from('LLO'), 2);
    file.close();
    expect(readFileSync(path, 'utf8')).toBe('HeLLO');
  });

  test('writes to any other stay in the view', () => {
    const path = temporaryFile('hello');
    using file = MappedFile.open(path);
    file.bytes[0] = 72;
    expect(Buffer.from(file.bytes).toString()).toBe('Hello');
    expect(readFileSync(path, 'utf8')).toBe('hello');
    expect(() => file.sync()).toThrow(errorCode('EACCES'));
    expect(msync(file.address, file.size)).toBe(true);
  });

  test('handles empty files', () => {
    const file = MappedFile.open(temporaryFile(''));
    expect(file.bytes).toHaveLength(0);
    expect(file.size).toBe(0);
    file.close();
    expect(() => file.bytes).toThrow(errorCode('ERR_CLOSED'));
  });

  test('reads files that their file system cannot map', () => {
    const path = '/sys/kernel/mm/transparent_hugepage/enabled';
    using known = MappedFile.open(path);
    expect(known.mapped).toBe(false);
    expect(Buffer.from(known.bytes).toString()).toBe(readFileSync(path, 'utf8'));
    using sizeless = MappedFile.open('/proc/version', { offset: 6, length: 7 });
    expect(Buffer.from(sizeless.bytes).toString()).toBe(readFileSync('/proc/version', 'utf8').slice(6, 13));
    expect(() => MappedFile.open(path, { writable: true })).toThrow(errorCode(refusalOfWriting(path) ?? 'ENODEV'));
  });

  test('throws what mmapFile throws', () => {
    expect(() => MappedFile.open('/nowhere/at/all')).toThrow(errorCode('ENOENT'));
    expect(() => MappedFile.open('/tmp')).toThrow(errorCode('EISDIR'));
    expect(() => MappedFile.open(temporaryFile('abc'), { offset: 4 })).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
    expect(() => MappedFile.open(temporaryFile('abc'), { length: 4 })).toThrow(NativeMemError);
  });

  test('is safe from the functions that take addresses', () => {
    using file = MappedFile.open(temporaryFile('abc'));
    expect(() => munmap(file.address, file.size)).toThrow(errorCode('EINVAL'));
    expect(() => setProtection(file.address, file.size, PROT_NONE)).toThrow(errorCode('EINVAL'));
    expect(file.bytes[0]).toBe(97);
  });

  test('gives zeros for pages that vanished, and says so', () => {
    const path = temporaryFile(new Uint8Array(4 * pageSize()).fill(65));
    using file = MappedFile.open(path);
    const { bytes } = file;
    truncateSync(path, pageSize());
    expect(bytes[pageSize()]).toBe(0);
    expect(bytes[0]).toBe(65);
    expect(bytes.reduce((sum, byte) => sum + byte, 0)).toBe(65 * pageSize());
    expect(() => file.bytes).toThrow(expect.objectContaining({ code: 'ERR_FILE_SHRUNK', path }));
    expect(() => file.size).toThrow(errorCode('ERR_FILE_SHRUNK'));
  });

  test('gives zeros for many pages that vanished, without a mapping for each', () => {
    const path = temporaryFile('');
    const { stdout, stderr } = runScript(`
      import { readFileSync, truncateSync } from 'node:fs';
      const path = ${JSON.stringify(path)};
      truncateSync(path, 2 ** 30);
      const file = nm.MappedFile.open(path);
      const { bytes } = file;
      truncateSync(path, 10);
      const mappings = () => readFileSync('/proc/self/maps', 'utf8').split('\\n').length;
      const before = mappings();
      let sum = 0;
      for (let i = 0; i < bytes.length; i += 8192) sum += bytes[i];
      try { file.bytes; } catch (error) { console.log(sum, error.code, mappings() - before < 1000); }`);
    expect({ stdout, stderr }).toEqual({ stdout: '0 ERR_FILE_SHRUNK true\n', stderr: '' });
  });

  test('says so when the file shrank within its last page', () => {
    const path = temporaryFile('some bytes of a file');
    using file = MappedFile.open(path, { writable: true });
    const { bytes } = file;
    truncateSync(path, 10);
    expect(bytes[15]).toBe(0); // an array that was handed out can't say
    expect(() => file.bytes).toThrow(expect.objectContaining({ code: 'ERR_FILE_SHRUNK', path, address: file.address }));
    expect(() => file.view(5, 6)).toThrow(errorCode('ERR_FILE_SHRUNK'));
    expect(() => file.sync()).toThrow(errorCode('ERR_FILE_SHRUNK'));
    expect(Buffer.from(file.view(5, 5)).toString()).toBe('bytes');
    expect(file.view(20, 0)).toHaveLength(0);
    expect(file.size).toBe(20);
    writeFileSync(path, 'same');
    expect(() => file.bytes).toThrow(errorCode('ERR_FILE_SHRUNK'));
    writeFileSync(path, 'some bytes of a file and more');
    expect(Buffer.from(file.bytes).toString()).toBe('some bytes of a file');
  });

  test('is not moved to another thread', () => {
    using file = MappedFile.open(temporaryFile('abc'));
    const { bytes } = file;
    let copy: Uint8Array | undefined;
    try {
      copy = structuredClone(bytes, { transfer: [bytes.buffer] }); // Node 20 copies, later versions throw
    } catch (error) {
      expect(error).toMatchObject({ name: 'DataCloneError' });
    }
    if (copy) copy[0] = 0;
    expect([...bytes]).toEqual([97, 98, 99]);
  });

  test('survives a buffer that was moved to another object', async ({ skip }) => {
    const path = temporaryFile('abc');
    const file = MappedFile.open(path);
    const other = file.view(1, 2);
    const { buffer } = file.bytes as { buffer: ArrayBuffer & { transfer?: () => ArrayBuffer } };
    skip(buffer.transfer === undefined, 'this Node has no ArrayBuffer.prototype.transfer');
    let moved: Uint8Array | undefined = new Uint8Array(buffer.transfer!());
    expect([...moved]).toEqual([97, 98, 99]);
    file.close();
    expect([...moved]).toEqual([0, 0, 0]);
    expect(other).toHaveLength(0);
    expect(mapsOf(path)).toBe(0);
    moved.fill(1);
    moved = undefined;
    collectGarbage();
    await setImmediate();
  });

  test('is unmapped by the collector when forgotten', async () => {
    const path = temporaryFile(new Uint8Array(pageSize()));
    (() => {
      for (let i = 0; i < 20; i++) MappedFile.open(path).bytes.fill(1);
    })();
    for (let i = 0; i < 50 && mapsOf(path) > 0; i++) {
      collectGarbage();
      await setImmediate();
    }
    expect(mapsOf(path)).toBe(0);
  });

  test('bounds what is forgotten by itself, since V8 counts none of it', async () => {
    const path = temporaryFile('');
    truncateSync(path, 2 ** 31);
    const before = mappedFileTotals().bytes;
    let most = 0;
    for (let i = 0; i < 60; i++) {
      MappedFile.open(path); // 120 GiB of address space, all forgotten at once
      if (i % 10 === 0) await setImmediate(); // finalisers run between turns
      most = Math.max(most, mappedFileTotals().bytes - before);
    }
    expect(most).toBeLessThan(80 * 2 ** 30);
  });

  test('lives as long as a view of it', async () => {
    const path = temporaryFile('still here');
    const bytes = (() => MappedFile.open(path).bytes)();
    for (let i = 0; i < 10; i++) {
      collectGarbage();
      await setImmediate();
    }
    expect(Buffer.from(bytes).toString()).toBe('still here');
  });

  test('gives parts without the whole', () => {
    const file = MappedFile.open(temporaryFile('0123456789'));
    const view = file.view(2, 3);
    expect(Buffer.from(view).toString()).toBe('234');
    expect(view.buffer.byteLength).toBe(3);
    expect(file.view(10, 0)).toHaveLength(0);
    expect(() => file.view(8, 3)).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
    expect(() => file.view(-1, 1)).toThrow(RangeError);
    expect(() => file.view(0, 0.5)).toThrow(RangeError);
    for (let i = 0; i < 1000; i++) file.view(i % 10, 1);
    file.close();
    expect(view).toHaveLength(0);
    expect(() => file.view(0, 1)).toThrow(errorCode('ERR_CLOSED'));
  });

  test('counts what is open', () => {
    const before = mappedFileTotals();
    const file = MappedFile.open(temporaryFile('0123456789'));
    expect(mappedFileTotals()).toEqual({ count: before.count + 1, bytes: before.bytes + 10 });
    file.close();
    expect(mappedFileTotals()).toEqual(before);
  });

  test.each([
    ['opening', 256, ''],
    ['views of a large file', 256, '.view(2 ** 27, 4096)'],
    ['all bytes of a file of 16 MB', 16, '.bytes'],
  ])('%s makes no garbage collection', (_, megabytes, use) => {
    const path = temporaryFile('');
    truncateSync(path, megabytes * 2 ** 20);
    const { stdout, stderr } = runScript(`
      import { PerformanceObserver } from 'node:perf_hooks';
      const kinds = {};
      const observer = new PerformanceObserver((list) => {
        for (const { detail } of list.getEntries()) kinds[detail.kind] = (kinds[detail.kind] ?? 0) + 1;
      });
      observer.observe({ entryTypes: ['gc'] });
      const before = process.memoryUsage().external;
      for (let i = 0; i < 500; i++) {
        const file = nm.MappedFile.open(${JSON.stringify(path)});
        file${use || '.size'};
        file.close();
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
      observer.disconnect();
      gc();
      const external = process.memoryUsage().external - before;
      console.log(JSON.stringify({ kinds, external }));`);
    expect(stderr).toBe('');
    const { kinds, external } = JSON.parse(stdout) as { kinds: Record<string, number>; external: number };
    // Scavenges (kind 1) are those of the loop's own small objects.
    expect(Object.keys(kinds).filter((kind) => kind !== '1')).toEqual([]);
    expect(Math.abs(external)).toBeLessThan(2 ** 20);
  });
});
