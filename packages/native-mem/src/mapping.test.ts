import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runScript, temporaryFile, temporaryFolder } from '../test/support.js';
import {
  allocRwMemory,
  fileSizeForMmap,
  freeExecMemory,
  getProtection,
  MADV_DONTNEED,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  madvise,
  mlock,
  mmapFile,
  mmapReadBytes,
  mmapReadString,
  msync,
  munlock,
  munmap,
  NativeMemError,
  PROT_EXEC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  pageSize,
  setProtection,
  writeExecMemory,
} from './index.js';

const errorCode = (code: string) => expect.objectContaining({ name: 'NativeMemError', code });
const read = (path: string, offset = 0, length = 0) => mmapFile(path, PROT_READ, MAP_PRIVATE, offset, length);

describe('mmapFile', () => {
  test('maps a file, whole or in part, at any offset', () => {
    const content = Uint8Array.from({ length: 3 * pageSize() + 123 }, (_, i) => i * 7);
    const path = temporaryFile(content);
    fc.assert(
      fc.property(fc.nat(content.length), fc.nat(content.length), (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        const { address, size } = read(path, start, end - start);
        const expected = end === start ? content.subarray(start) : content.subarray(start, end);
        expect(size).toBe(expected.length);
        expect(mmapReadBytes(address, 0, size)).toEqual(expected);
        munmap(address, size);
      }),
      { numRuns: 50 },
    );
  });

  test('maps an empty file at an address of its own', () => {
    const first = read(temporaryFile(''));
    const second = read(temporaryFile(''));
    expect(first.size).toBe(0);
    expect(first.address).not.toBe(second.address);
    expect(mmapReadBytes(first.address, 0, 0)).toEqual(new Uint8Array(0));
    expect(mmapReadString(first.address, 0)).toBe('');
    expect(() => mmapReadBytes(first.address, 0, 1)).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
    for (const { address, size } of [first, second]) munmap(address, size);
    expect(() => munmap(first.address, 0)).toThrow(errorCode('ERR_NOT_MAPPED'));
  });

  test('reaches beyond 4 GiB', () => {
    const path = join(temporaryFolder(), 'sparse');
    const file = openSync(path, 'w');
    const far = 5 * 2 ** 30 + 17;
    ftruncateSync(file, 6 * 2 ** 30);
    writeSync(file, 'far away', far);
    closeSync(file);
    expect(fileSizeForMmap(path)).toBe(6 * 2 ** 30);
    const whole = read(path);
    expect(whole.size).toBe(6 * 2 ** 30);
    expect(mmapReadString(whole.address, far)).toBe('far away');
    munmap(whole.address, whole.size);
    const part = read(path, far, 8);
    expect(mmapReadString(part.address, 0)).toBe('far away');
    munmap(part.address, part.size);
    const long = read(path, 1, 6 * 2 ** 30 - 1);
    expect(mmapReadString(long.address, far - 1, 3)).toBe('far');
    munmap(long.address, long.size);
  });

  test('writes to a shared mapping reach the file', () => {
    const path = temporaryFile('hello world');
    const { address, size } = mmapFile(path, PROT_READ | PROT_WRITE, MAP_SHARED);
    expect(getProtection(address)).toBe(PROT_READ | PROT_WRITE);
    expect(() => writeExecMemory(address, Buffer.from('x'))).toThrow(errorCode('EINVAL'));
    expect(msync(address, size)).toBe(true);
    expect(msync(address + 3n, 2, true)).toBe(true);
    munmap(address, size);
    expect(readFileSync(path, 'utf8')).toBe('hello world');
  });

  test('refuses what is not a regular file', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'directory'));
    spawnSync('mkfifo', [join(folder, 'fifo')]);
    expect(() => read(join(folder, 'directory'))).toThrow(errorCode('EISDIR'));
    expect(() => read(join(folder, 'fifo'))).toThrow(errorCode('ERR_NOT_REGULAR_FILE'));
    expect(() => read('/dev/zero')).toThrow(errorCode('ERR_NOT_REGULAR_FILE'));
    expect(() => fileSizeForMmap(folder)).toThrow(errorCode('EISDIR'));
  });

  test('says what is wrong with a path', () => {
    const path = join(temporaryFolder(), 'missing');
    expect(() => read(path)).toThrow(
      expect.objectContaining({
        code: 'ENOENT',
        syscall: 'open',
        path,
        message: expect.stringContaining('Check the path'),
      }),
    );
    expect(() => fileSizeForMmap(path)).toThrow(errorCode('ENOENT'));
    expect(() => read(`${temporaryFile('x')}/y`)).toThrow(errorCode('ENOTDIR'));
    expect(() => read('')).toThrow(TypeError);
    expect(() => read('a\0b')).toThrow(TypeError);
    expect(() => read(7 as unknown as string)).toThrow(TypeError);
    expect(() => read('/sys/kernel/mm/transparent_hugepage/enabled')).toThrow(errorCode('ENODEV'));
  });

  test('needs permission', () => {
    const path = temporaryFile('secret');
    chmodSync(path, 0);
    chmodSync(join(path, '..'), 0o755);
    // Root reads everything: try as another user.
    const body = `process.setgid?.(65534); process.setuid?.(65534);
      try { nm.mmapFile(${JSON.stringify(path)}, nm.PROT_READ, nm.MAP_PRIVATE); } catch (e) { console.log(e.code, e.syscall, e.path); }`;
    const asRoot = process.getuid?.() === 0;
    if (asRoot) {
      // The addon must be loaded before the rights are given up.
      expect(runScript(`nm.pageSize(); ${body}`).stdout).toBe(`EACCES open ${path}\n`);
    } else {
      expect(() => read(path)).toThrow(errorCode('EACCES'));
    }
  });

  test('refuses wrong ranges, protections and flags', () => {
    const path = temporaryFile('0123456789');
    expect(() => read(path, 11)).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
    expect(() => read(path, 5, 6)).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
    expect(() => read(path, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
    expect(read(path, 10).size).toBe(0);
    for (const offset of [-1, 0.5, Number.NaN, 2 ** 60]) expect(() => read(path, offset)).toThrow(RangeError);
    expect(() => read(path, '1' as unknown as number)).toThrow(TypeError);
    expect(() => mmapFile(path, PROT_WRITE | PROT_EXEC, MAP_PRIVATE)).toThrow(errorCode('ERR_WRITABLE_AND_EXECUTABLE'));
    expect(() => mmapFile(path, 8, MAP_PRIVATE)).toThrow(RangeError);
    for (const flags of [0, MAP_SHARED | MAP_PRIVATE, MAP_PRIVATE | MAP_FIXED, MAP_PRIVATE | MAP_ANONYMOUS, -1]) {
      expect(() => mmapFile(path, PROT_READ, flags)).toThrow(errorCode('EINVAL'));
    }
  });
});

describe('addresses', () => {
  test('wrong, stale, partial and overlapping ones throw', () => {
    const { address, size } = read(temporaryFile(new Uint8Array(3 * pageSize())));
    const page = BigInt(pageSize());
    for (const [a, s, code] of [
      [address + page, size - pageSize(), 'ERR_NOT_MAPPED'],
      [address, pageSize(), 'ERR_OUT_OF_BOUNDS'],
      [address, size + 1, 'ERR_OUT_OF_BOUNDS'],
      [0n, 0, 'ERR_NOT_MAPPED'],
      [2n ** 64n - 1n, 4096, 'ERR_NOT_MAPPED'],
    ] as const) {
      expect(() => munmap(a, s)).toThrow(errorCode(code));
      expect(() => setProtection(a, s, PROT_READ)).toThrow(errorCode(code));
    }
    for (const wrong of [-1n, 2n ** 64n]) expect(() => munmap(wrong, 1)).toThrow(RangeError);
    expect(() => munmap(Number(address) as unknown as bigint, size)).toThrow(TypeError);
    expect(munmap(address, size)).toBe(true);
    for (const use of [
      () => munmap(address, size),
      () => mmapReadBytes(address, 0, 1),
      () => mmapReadString(address, 0),
      () => msync(address, size),
      () => mlock(address, size),
      () => munlock(address, size),
      () => madvise(address, size, MADV_WILLNEED),
      () => setProtection(address, size, PROT_READ),
      () => getProtection(address),
    ]) {
      expect(use).toThrow(errorCode('ERR_NOT_MAPPED'));
    }
  });

  test('reads stay inside the region', () => {
    const { address, size } = read(temporaryFile('abc\0def'));
    expect(mmapReadString(address, 0)).toBe('abc');
    expect(mmapReadString(address, 4)).toBe('def');
    expect(mmapReadString(address, 0, 2)).toBe('ab');
    expect(mmapReadString(address, 7)).toBe('');
    expect(() => mmapReadString(address, 8)).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
    expect(mmapReadBytes(address, 7, 0)).toHaveLength(0);
    for (const [offset, length] of [
      [0, 8],
      [7, 1],
      [8, 0],
      [2 ** 52, 2 ** 52],
    ] as const) {
      expect(() => mmapReadBytes(address, offset, length)).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
    }
    const copy = mmapReadBytes(address, 0, size);
    munmap(address, size);
    expect(Buffer.from(copy).toString()).toBe('abc\0def');
  });

  test('unreadable memory is an error, not a crash', () => {
    const { address, size } = read(temporaryFile('text'));
    setProtection(address, size, PROT_NONE);
    expect(getProtection(address)).toBe(PROT_NONE);
    expect(() => mmapReadBytes(address, 0, 1)).toThrow(errorCode('EACCES'));
    setProtection(address, size, PROT_READ);
    expect(mmapReadString(address, 0)).toBe('text');
    expect(() => setProtection(address, size, PROT_READ | PROT_WRITE | PROT_EXEC)).toThrow(
      errorCode('ERR_WRITABLE_AND_EXECUTABLE'),
    );
    munmap(address, size);
  });

  test('advice and locks take parts of a region, and answer by a boolean', () => {
    const { address, size } = read(temporaryFile(new Uint8Array(2 * pageSize())));
    expect(madvise(address + 10n, 20, MADV_SEQUENTIAL)).toBe(true);
    expect(madvise(address, size, MADV_DONTNEED)).toBe(true);
    expect(mlock(address, size)).toBeTypeOf('boolean');
    expect(munlock(address, size)).toBe(true);
    expect(() => madvise(address, size, 99)).toThrow(RangeError);
    expect(() => madvise(address + 1n, size, MADV_WILLNEED)).toThrow(NativeMemError);
    expect(() => mlock(address, size + 1)).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
    munmap(address, size);
    const memory = allocRwMemory(10);
    expect(() => madvise(memory, 10, MADV_DONTNEED)).toThrow(errorCode('EINVAL'));
    expect(() => msync(memory, 10)).toThrow(errorCode('EINVAL'));
    expect(() => munmap(memory, 10)).toThrow(errorCode('EINVAL'));
    freeExecMemory(memory, 10);
  });
});

test('a file that shrinks is an error in every read, and the process lives', () => {
  const path = temporaryFile(new Uint8Array(4 * pageSize()).fill(65));
  const { address, size } = read(path);
  truncateSync(path, 10);
  expect(() => mmapReadBytes(address, pageSize(), 1)).toThrow(
    expect.objectContaining({ code: 'ERR_FILE_SHRUNK', path, address }),
  );
  expect(() => mmapReadString(address, 2 * pageSize())).toThrow(errorCode('ERR_FILE_SHRUNK'));
  expect(() => mmapReadBytes(address, 0, 1)).toThrow(errorCode('ERR_FILE_SHRUNK'));
  expect(() => msync(address, size)).toThrow(errorCode('ERR_FILE_SHRUNK'));
  munmap(address, size);
  writeFileSync(path, 'new');
  const again = read(path);
  expect(mmapReadString(again.address, 0)).toBe('new');
  munmap(again.address, again.size);
});

describe('a file that shrinks within its last page', () => {
  const shrunk = (content: string, size: number) => {
    const path = temporaryFile(content);
    const mapping = read(path);
    onTestFinished(() => void munmap(mapping.address, mapping.size));
    truncateSync(path, size);
    return { ...mapping, path };
  };

  test('is an error for what it no longer has, not zeros', () => {
    const { address, size, path } = shrunk('some bytes of a file', 10);
    expect(() => mmapReadBytes(address, 0, size)).toThrow(
      expect.objectContaining({ code: 'ERR_FILE_SHRUNK', path, address }),
    );
    expect(() => mmapReadBytes(address, 9, 2)).toThrow(errorCode('ERR_FILE_SHRUNK'));
    expect(() => mmapReadString(address, 0)).toThrow(errorCode('ERR_FILE_SHRUNK'));
    expect(() => mmapReadString(address, 15)).toThrow(errorCode('ERR_FILE_SHRUNK'));
    expect(() => msync(address, size)).toThrow(errorCode('ERR_FILE_SHRUNK'));
    expect(Buffer.from(mmapReadBytes(address, 0, 10)).toString()).toBe('some bytes');
    expect(mmapReadString(address, 0, 10)).toBe('some bytes');
    expect(mmapReadBytes(address, 20, 0)).toHaveLength(0);
    writeFileSync(path, 'some bytes of a file'); // whole again
    expect(mmapReadString(address, 0)).toBe('some bytes of a file');
  });

  test('has no terminator behind its end', () => {
    const { address } = shrunk('one\0two', 5);
    expect(mmapReadString(address, 0)).toBe('one');
    expect(() => mmapReadString(address, 4)).toThrow(errorCode('ERR_FILE_SHRUNK'));
    expect(mmapReadString(address, 4, 1)).toBe('t');
  });

  test('a mapping of a part needs that part only', () => {
    const path = temporaryFile(new Uint8Array(3 * pageSize()).fill(65));
    const { address, size } = mmapFile(path, PROT_READ, MAP_SHARED, pageSize() + 10, 100);
    truncateSync(path, pageSize() + 110);
    expect(mmapReadBytes(address, 0, size)).toEqual(new Uint8Array(100).fill(65));
    truncateSync(path, pageSize() + 109);
    expect(() => mmapReadBytes(address, 0, size)).toThrow(errorCode('ERR_FILE_SHRUNK'));
    munmap(address, size);
  });

  test('is found by a relative path, wherever the process goes', () => {
    const { stdout, stderr } = runScript(`
      import { mkdtempSync, writeFileSync, truncateSync, rmSync } from 'node:fs';
      import { tmpdir } from 'node:os';
      const folder = mkdtempSync(tmpdir() + '/native-mem-');
      process.chdir(folder);
      writeFileSync('data', 'some bytes');
      const { address } = nm.mmapFile('data', nm.PROT_READ, nm.MAP_PRIVATE);
      process.chdir('/');
      console.log(nm.mmapReadString(address, 0));
      truncateSync(folder + '/data', 4);
      try { nm.mmapReadString(address, 0); } catch (error) { console.log(error.code, error.path); }
      rmSync(folder, { recursive: true });`);
    expect({ stdout, stderr }).toEqual({ stdout: 'some bytes\nERR_FILE_SHRUNK data\n', stderr: '' });
  });
});

describe('the mapped file stays readable', () => {
  const mapped = (content: string, folder = temporaryFolder()) => {
    const path = join(folder, 'file');
    writeFileSync(path, content);
    const mapping = read(path);
    onTestFinished(() => void munmap(mapping.address, mapping.size));
    return { ...mapping, path };
  };

  test('when it is deleted', () => {
    const { address, path } = mapped('content');
    rmSync(path);
    expect(mmapReadString(address, 0)).toBe('content');
  });

  test('when its name goes to a shorter one', () => {
    const { address, path } = mapped('content');
    writeFileSync(`${path}.new`, 'x');
    renameSync(`${path}.new`, path);
    expect(mmapReadString(address, 0)).toBe('content');
  });

  test('when it has another name, or its folder is gone from sight', () => {
    const { address, path } = mapped('content');
    renameSync(path, `${path}.old`);
    expect(mmapReadString(address, 0)).toBe('content');
    rmSync(dirname(path), { recursive: true });
    expect(mmapReadString(address, 0)).toBe('content');
  });

  test('in shared memory', ({ skip }) => {
    skip(!existsSync('/dev/shm'), 'no /dev/shm here');
    const folder = mkdtempSync('/dev/shm/native-mem-');
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const { address, path } = mapped('content', folder);
    expect(mmapReadString(address, 0)).toBe('content');
    truncateSync(path, 3);
    expect(() => mmapReadString(address, 0)).toThrow(errorCode('ERR_FILE_SHRUNK'));
    rmSync(path);
    expect(mmapReadString(address, 0, 3)).toBe('con');
  });

  test('by the path of a descriptor, open or closed', () => {
    const file = openSync(temporaryFile('content'), 'r');
    const { address, size } = read(`/proc/self/fd/${file}`);
    expect(mmapReadString(address, 0)).toBe('content');
    closeSync(file);
    expect(mmapReadString(address, 0)).toBe('content');
    const other = openSync(temporaryFile('x'), 'r'); // most likely the same number
    expect(mmapReadString(address, 0)).toBe('content');
    closeSync(other);
    munmap(address, size);
  });
});
