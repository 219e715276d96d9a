import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { machineCode } from '../test/machine-code.js';
import { temporaryFile } from '../test/support.js';
import {
  allocExecMemory,
  allocRwMemory,
  bindFunction,
  CodeArena,
  callFunction0,
  callFunction1,
  callFunction2,
  execMemoryCount,
  execMemoryStats,
  execMemoryTotal,
  findCode,
  flushIcache,
  freeExecMemory,
  getFunctionPointer,
  getProtection,
  isExecutable,
  MAP_PRIVATE,
  makeExecutable,
  mmapFile,
  mmapReadBytes,
  munmap,
  PROT_EXEC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  setProtection,
  writeExecMemory,
} from './index.js';

const errorCode = (code: string) => expect.objectContaining({ name: 'NativeMemError', code });
const return42 = machineCode('return42');

let before: ReturnType<typeof execMemoryStats>;
beforeEach(() => {
  before = execMemoryStats();
});
afterEach(() => {
  expect(execMemoryStats(), 'every test frees what it allocates').toEqual(before);
});

describe('memory that is executable at once', () => {
  test('runs what was written', () => {
    const address = allocExecMemory(return42.length);
    expect(writeExecMemory(address, return42)).toBe(8);
    expect(getFunctionPointer(address)).toBe(address);
    expect(callFunction0(address)).toBe(42n);
    expect(getProtection(address)).toBe(PROT_READ | PROT_EXEC);
    expect(isExecutable(address + 7n)).toBe(true);
    expect(mmapReadBytes(address, 0, 8)).toEqual(return42);
    flushIcache(address, 8);
    expect(makeExecutable(address, 8)).toBe(true);
    expect(setProtection(address, 8, PROT_READ | PROT_EXEC)).toBe(true);
    expect(freeExecMemory(address, 8)).toBe(true);
  });

  test('can be written again, also in part', () => {
    const address = allocExecMemory(8);
    writeExecMemory(address, return42);
    writeExecMemory(address, Uint8Array.of(7), 3);
    expect(callFunction0(address)).toBe(7n);
    freeExecMemory(address, 8);
  });

  test('traps where nothing was written', () => {
    const address = allocExecMemory(8);
    expect(() => callFunction0(address)).toThrow(expect.objectContaining({ name: 'TrapError', kind: 'breakpoint' }));
    freeExecMemory(address, 8);
  });

  test('stays readable and executable', () => {
    const address = allocExecMemory(8);
    for (const prot of [PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE]) {
      expect(() => setProtection(address, 8, prot)).toThrow(errorCode('EINVAL'));
    }
    expect(() => setProtection(address, 8, 7)).toThrow(expect.objectContaining({ code: expect.any(String) }));
    freeExecMemory(address, 8);
  });
});

describe('memory that is made executable', () => {
  test('is written first and run then', () => {
    const address = allocRwMemory(8);
    expect(getProtection(address)).toBe(PROT_READ | PROT_WRITE);
    expect(isExecutable(address)).toBe(false);
    writeExecMemory(address, return42);
    expect(() => callFunction0(address)).toThrow(errorCode('ERR_NOT_EXECUTABLE'));
    expect(makeExecutable(address, 8)).toBe(true);
    expect(callFunction0(address)).toBe(42n);
    expect(() => writeExecMemory(address, return42)).toThrow(errorCode('EACCES'));
    freeExecMemory(address, 8);
  });

  test('may turn writable again, and then is not callable', () => {
    const address = allocRwMemory(8);
    writeExecMemory(address, return42);
    makeExecutable(address, 8);
    const call = bindFunction(address, { params: [], result: 'i64' });
    expect(call()).toBe(42n);
    setProtection(address, 8, PROT_READ | PROT_WRITE);
    expect(() => call()).toThrow(errorCode('ERR_CODE_FREED'));
    expect(() => callFunction0(address)).toThrow(errorCode('ERR_NOT_EXECUTABLE'));
    writeExecMemory(address, Uint8Array.of(9), 3);
    makeExecutable(address, 8);
    expect(callFunction0(address)).toBe(9n);
    expect(() => call()).toThrow(errorCode('ERR_CODE_FREED'));
    freeExecMemory(address, 8);
  });

  test('is zeroed', () => {
    const address = allocRwMemory(10_000);
    expect(mmapReadBytes(address, 0, 10_000)).toEqual(new Uint8Array(10_000));
    freeExecMemory(address, 10_000);
  });
});

describe('callFunction', () => {
  test('passes integers of both kinds', () => {
    const address = allocExecMemory(8);
    writeExecMemory(address, machineCode('subI64'));
    expect(callFunction2(address, 50n, 8n)).toBe(42n);
    expect(callFunction2(address, 0, Number.MAX_SAFE_INTEGER)).toBe(-BigInt(Number.MAX_SAFE_INTEGER));
    expect(callFunction2(address, 2n ** 64n - 1n, 0n)).toBe(-1n);
    expect(callFunction1(address, -5)).toBeTypeOf('bigint');
    for (const wrong of [0.5, 2 ** 53, Number.NaN, 2n ** 64n, -(2n ** 63n) - 1n]) {
      expect(() => callFunction1(address, wrong)).toThrow(RangeError);
    }
    for (const wrong of ['1', undefined, null, {}]) {
      expect(() => callFunction1(address, wrong as unknown as bigint)).toThrow(TypeError);
    }
    freeExecMemory(address, 8);
  });

  test('refuses addresses that are not executable', () => {
    const { address, size } = mmapFile(temporaryFile(return42), PROT_READ, MAP_PRIVATE);
    for (const wrong of [0n, 1n, address, 2n ** 64n - 1n, 2n ** 47n]) {
      expect(() => callFunction0(wrong)).toThrow(errorCode('ERR_NOT_EXECUTABLE'));
      expect(() => getFunctionPointer(wrong)).toThrow(errorCode('ERR_NOT_EXECUTABLE'));
    }
    expect(() => makeExecutable(address, size)).toThrow(errorCode('EINVAL'));
    expect(() => freeExecMemory(address, size)).toThrow(errorCode('EINVAL'));
    munmap(address, size);
    const mapped = mmapFile(temporaryFile(return42), PROT_READ | PROT_EXEC, MAP_PRIVATE);
    expect(callFunction0(mapped.address)).toBe(42n);
    expect(() => callFunction0(mapped.address + 3n)).toThrow(expect.objectContaining({ name: 'TrapError' }));
    munmap(mapped.address, mapped.size);
    expect(() => callFunction0(mapped.address)).toThrow(errorCode('ERR_NOT_EXECUTABLE'));
  });
});

test.each([allocExecMemory, allocRwMemory])('%o checks addresses and sizes', (allocate) => {
  for (const size of [0, 2 ** 50]) expect(() => allocate(size)).toThrow(RangeError);
  for (const size of [-1, 1.5, Number.NaN]) expect(() => allocate(size)).toThrow(RangeError);
  expect(() => allocate('8' as unknown as number)).toThrow(TypeError);
  const address = allocate(100);
  expect(() => writeExecMemory(address, new Uint8Array(101))).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
  expect(() => writeExecMemory(address, new Uint8Array(1), 100)).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
  expect(() => writeExecMemory(address, new Uint8Array(1), 2 ** 53 - 1)).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
  expect(() => writeExecMemory(address + 1n, new Uint8Array(1))).toThrow(errorCode('ERR_NOT_MAPPED'));
  expect(() => writeExecMemory(address, new Uint16Array(1) as unknown as Uint8Array)).toThrow(TypeError);
  expect(writeExecMemory(address, new Uint8Array(0), 100)).toBe(0);
  expect(() => flushIcache(address, 101)).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
  expect(() => makeExecutable(address, 99)).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
  expect(() => freeExecMemory(address, 99)).toThrow(errorCode('ERR_OUT_OF_BOUNDS'));
  expect(() => freeExecMemory(address + 64n, 36)).toThrow(errorCode('ERR_NOT_MAPPED'));
  expect(freeExecMemory(address, 100)).toBe(true);
  expect(() => freeExecMemory(address, 100)).toThrow(errorCode('ERR_NOT_MAPPED'));
});

test('statistics are exact', () => {
  const exec = allocExecMemory(100);
  const rw = allocRwMemory(200);
  expect(execMemoryTotal()).toBe(before.total + 300);
  expect(execMemoryCount()).toBe(before.count + 2);
  expect(execMemoryStats()).toMatchObject({
    executableBytes: before.executableBytes + 100,
    readWriteCount: before.readWriteCount + 1,
  });
  freeExecMemory(exec, 100);
  freeExecMemory(rw, 200);
});

test('writes nothing into other code when someone closed the block that findCode gives', () => {
  const address = allocExecMemory(8);
  findCode(address)?.block.close();
  using other = CodeArena.default().allocate(machineCode('nothing'));
  expect(other.address).toBe(address);
  expect(() => writeExecMemory(address, return42)).toThrow(errorCode('ERR_NOT_MAPPED'));
  expect(() => writeExecMemory(address, Uint8Array.of(0x90))).toThrow(errorCode('ERR_NOT_MAPPED'));
  expect([...other.bytes()]).toEqual([...machineCode('nothing')]);
  expect(freeExecMemory(address, 8)).toBe(true);
  expect([...other.bytes()]).toEqual([...machineCode('nothing')]);
});
