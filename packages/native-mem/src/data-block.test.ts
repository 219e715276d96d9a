import { describe, expect, test } from 'vitest';
import { install } from '../test/support.js';
import {
  bindFunction,
  CodeArena,
  type CodeBacking,
  type DataBlock,
  NativeMemError,
  pageSize,
  TrapError,
} from './index.js';

const MIB = 2 ** 20;
const page = pageSize();
const backings: CodeBacking[] = ['memfd', 'mprotect'];
const code = (name: string) => expect.objectContaining({ code: name });

const load = () => bindFunction(install('load').address, { params: ['ptr'], result: 'i64' });
const store = () => bindFunction(install('store').address, { params: ['ptr', 'i64'], result: 'void' });

describe.each(backings)('DataBlock in an arena with %s', (backing) => {
  const makeArena = () => new CodeArena({ reserve: 4 * MIB, backing: [backing] });

  test('is zeroed memory that code and JavaScript read and write', () => {
    using arena = makeArena();
    const data = arena.allocateData(100, { name: 'numbers' });
    expect(data).toMatchObject({ size: 100, name: 'numbers', closed: false });
    expect(data.read()).toEqual(new Uint8Array(100));
    data.write(Uint8Array.of(1, 2, 3), 8);
    expect(load()(data.address + 8n)).toBe(0x030201n);
    store()(data.address, -1n);
    expect(data.read(7, 3)).toEqual(Uint8Array.of(255, 1, 2));
    expect(data.read(98)).toEqual(Uint8Array.of(0, 0));
    const copy = data.read(0, 1);
    copy[0] = 9;
    expect(data.read(0, 1)).toEqual(Uint8Array.of(255));
    expect(data.read(100)).toEqual(new Uint8Array(0));
    data.write(new Uint8Array(0), 100);
  });

  test('lies within reach of all code', () => {
    using arena = makeArena();
    for (const size of [1, page, 3 * page + 1, MIB]) {
      const data = arena.allocateData(size);
      const block = arena.allocate(Uint8Array.of(0xc3));
      const distance = data.address - block.address;
      for (const end of [distance, distance + BigInt(size)]) expect(BigInt.asIntN(32, end)).toBe(end);
    }
  });

  test('is aligned as asked', () => {
    using arena = makeArena();
    arena.allocateSlot();
    for (const alignment of [1, 8, 64, page, 2 * page, 65536]) {
      expect(arena.allocateData(1, { alignment }).address % BigInt(alignment)).toBe(0n);
      arena.allocateSlot();
    }
    for (const alignment of [0, 3, 131072]) expect(() => arena.allocateData(1, { alignment })).toThrow(RangeError);
  });

  test('refuses ranges and sizes that it does not have', () => {
    using arena = makeArena();
    const data = arena.allocateData(10);
    for (const [offset, size] of [
      [0, 11],
      [10, 1],
      [11, 0],
      [2 ** 53 - 1, 1],
    ] as const) {
      expect(() => data.write(new Uint8Array(size).fill(1), offset)).toThrow(code('ERR_OUT_OF_BOUNDS'));
      expect(() => data.read(offset, size)).toThrow(code('ERR_OUT_OF_BOUNDS'));
    }
    expect(() => data.read(-1)).toThrow(RangeError);
    expect(() => data.write([1] as unknown as Uint8Array)).toThrow(TypeError);
    expect(data.read()).toEqual(new Uint8Array(10));
    for (const size of [0, -1, 0.5, 5 * MIB]) expect(() => arena.allocateData(size)).toThrow(RangeError);
    expect(() => arena.allocateData('8' as unknown as number)).toThrow(TypeError);
    expect(arena.stats()).toMatchObject({ dataBlocks: 1, dataBytes: 10, dataUsed: page });
  });

  test('is read-only once sealed, alone', () => {
    using arena = makeArena();
    const before = arena.allocateData(page);
    const data = arena.allocateData(page);
    const after = arena.allocateData(page);
    data.write(Uint8Array.of(42));
    data.seal();
    data.seal();
    expect(() => data.write(Uint8Array.of(1))).toThrow(code('EACCES'));
    expect(() => store()(data.address, 1n)).toThrow(expect.objectContaining({ kind: 'memory', address: data.address }));
    expect(load()(data.address)).toBe(42n);
    for (const other of [before, after]) {
      store()(other.address, 7n);
      store()(other.address + BigInt(page - 8), 7n);
    }
    data.close();
    const again = arena.allocateData(page);
    expect(again.address).toBe(data.address);
    expect(again.read()).toEqual(new Uint8Array(page));
    store()(again.address, 1n);
  });

  test('is closed once, and gives typed errors from then on', () => {
    using arena = makeArena();
    const data = arena.allocateData(10);
    data.close();
    data.close();
    expect(data.closed).toBe(true);
    for (const use of [() => data.read(), () => data.write(Uint8Array.of(1)), () => data.seal()]) {
      expect(use).toThrow(NativeMemError);
      expect(use).toThrow(code('ERR_CLOSED'));
    }
    expect(arena.stats()).toMatchObject({ dataBlocks: 0, dataBytes: 0, dataUsed: 0 });
  });

  test('ends with its arena', () => {
    const arena = makeArena();
    const data = arena.allocateData(10);
    arena.close();
    expect(() => data.read()).toThrow(code('ERR_CLOSED'));
    expect(() => arena.allocateData(10)).toThrow(code('ERR_CLOSED'));
    data.close();
  });

  test('is never executed: a jump there is a memory trap', () => {
    using arena = makeArena();
    const data = arena.allocateData(10, { name: 'payload' });
    data.write(Uint8Array.of(0xc3)); // ret
    expect(() => bindFunction(data.address, { params: [], result: 'void' })).toThrow(code('ERR_NOT_EXECUTABLE'));
    for (const name of ['jumpAddress', 'callAddress'] as const) {
      const jump = bindFunction(install(name).address, { params: ['ptr'], result: 'void' });
      expect(() => jump(data.address)).toThrow(TrapError);
      expect(() => jump(data.address)).toThrow(
        expect.objectContaining({
          kind: 'memory',
          address: data.address,
          message: expect.stringContaining('payload+0x0'),
        }),
      );
      data.seal();
      expect(() => jump(data.address)).toThrow(expect.objectContaining({ kind: 'memory' }));
    }
  });

  test('a full arena says so, and goes on after a close', () => {
    using arena = new CodeArena({ reserve: MIB, backing: [backing] });
    const block = arena.allocate(Uint8Array.of(0xc3));
    const all: DataBlock[] = [];
    expect(() => {
      for (;;) all.push(arena.allocateData(100_000));
    }).toThrow(code('ENOMEM'));
    expect(all.length).toBeGreaterThan(5);
    expect(() => arena.allocate(new Uint8Array(200_000))).toThrow(code('ENOMEM'));
    all.pop()?.close();
    expect(arena.allocateData(100_000).read()).toEqual(new Uint8Array(100_000));
    bindFunction(block.address, { params: [], result: 'void' })();
  });
});
