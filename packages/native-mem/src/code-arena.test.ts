import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { code, machineCode, patchDisplacement } from '../test/machine-code.js';
import {
  bindFunction,
  CodeArena,
  type CodeBacking,
  type CodeBlock,
  findCode,
  NativeMemError,
  TrapError,
} from './index.js';

const MIB = 2 ** 20;
const backings: CodeBacking[] = ['memfd', 'mprotect'];

describe.each(backings)('CodeArena with %s', (backing) => {
  const makeArena = () => new CodeArena({ reserve: 4 * MIB, backing: [backing] });

  test('installs code that can be called', () => {
    using arena = makeArena();
    const block = arena.allocate(machineCode('addI64'), { name: 'add' });
    expect(bindFunction(block.address, { params: ['i64', 'i64'], result: 'i64' })(40n, 2n)).toBe(42n);
    expect(block).toMatchObject({ name: 'add', size: code.addI64.length });
    expect(block.bytes()).toEqual(machineCode('addI64'));
    expect(arena.stats()).toMatchObject({ backing, blocks: 1, codeBytes: code.addI64.length, reserved: 4 * MIB });
  });

  test('aligns as asked', () => {
    using arena = makeArena();
    arena.allocate(machineCode('nothing'));
    for (const alignment of [1, 16, 64, 128, 4096, 65536]) {
      const block = arena.allocate(machineCode('nothing'), { alignment });
      expect(block.address % BigInt(alignment)).toBe(0n);
    }
    for (const alignment of [0, 3, 131072]) {
      expect(() => arena.allocate(machineCode('nothing'), { alignment })).toThrow(RangeError);
    }
  });

  test('relocates a private copy, and keeps nothing when that fails', () => {
    using arena = makeArena();
    const original = machineCode('callSlot');
    using target = arena.allocate(machineCode('return42'));
    using slot = arena.allocateSlot(target.address);
    const at = code.callSlot.indexOf(0xff) + 2;
    const block = arena.allocate(original, {
      relocate: (copy, address) => patchDisplacement(copy, at, address, slot.address),
    });
    expect(original).toEqual(machineCode('callSlot'));
    expect(bindFunction(block.address, { params: [], result: 'i64' })()).toBe(42n);
    const before = arena.stats();
    const failure = new Error('no such symbol');
    expect(() =>
      arena.allocate(original, {
        relocate: () => {
          throw failure;
        },
      }),
    ).toThrow(failure);
    expect(() =>
      arena.allocate(original, {
        relocate: (copy) => structuredClone(copy.buffer, { transfer: [copy.buffer as ArrayBuffer] }),
      }),
    ).toThrow(TypeError);
    expect(arena.stats()).toMatchObject({ used: before.used, blocks: before.blocks, codeBytes: before.codeBytes });
  });

  test('redirects calls by one store to a slot', () => {
    using arena = makeArena();
    using one = arena.allocate(Uint8Array.of(0xb8, 1, 0, 0, 0, 0xc3)); // mov eax, 1; ret
    using two = arena.allocate(Uint8Array.of(0xb8, 2, 0, 0, 0, 0xc3));
    const slot = arena.allocateSlot(one.address);
    const caller = arena.allocate(machineCode('jumpSlot'), {
      relocate: (copy, address) => patchDisplacement(copy, 2, address, slot.address),
    });
    const call = bindFunction(caller.address, { params: [], result: 'i32' });
    expect([call(), slot.target]).toEqual([1, one.address]);
    slot.target = two.address;
    expect([call(), slot.target]).toEqual([2, two.address]);
    slot.target = 0n;
    expect(call).toThrow(TrapError);
    slot.close();
    slot.close();
    expect(() => slot.target).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
    expect(() => {
      slot.target = 1n;
    }).toThrow(NativeMemError);
    expect(arena.stats().slots).toBe(0);
  });

  test('fills freed code with traps and uses the memory again', () => {
    using arena = makeArena();
    const block = arena.allocate(machineCode('return42'));
    using slot = arena.allocateSlot(block.address);
    const caller = arena.allocate(machineCode('jumpSlot'), {
      relocate: (copy, address) => patchDisplacement(copy, 2, address, slot.address),
    });
    const call = bindFunction(caller.address, { params: [], result: 'i64' });
    expect(call()).toBe(42n);
    block.close();
    block.close();
    expect(call).toThrow(expect.objectContaining({ kind: 'breakpoint' }));
    expect(() => block.bytes()).toThrow(expect.objectContaining({ code: 'ERR_CODE_FREED' }));
    expect(findCode(block.address)).toBeUndefined();
    expect(arena.allocate(machineCode('nothing')).address).toBe(block.address);
  });

  test('finds the block of an address', () => {
    using arena = makeArena();
    const block = arena.allocate(machineCode('sumF64'), { name: 'sum' });
    const found = findCode(block.address + 5n);
    expect(found).toMatchObject({ offset: 5, block: { name: 'sum', address: block.address, size: block.size } });
    expect(found?.block.bytes()).toEqual(block.bytes());
    expect(findCode(block.address + BigInt(block.size))).toBeUndefined();
    expect(findCode(block.address - 1n)).toBeUndefined();
    expect(findCode(0n)).toBeUndefined();
    found?.block.close();
    block.close(); // a second handle to the same block: nothing left to do
    expect(arena.stats().blocks).toBe(0);
  });

  test('keeps every slot within reach of all code', () => {
    using arena = makeArena();
    const slots = Array.from({ length: 3000 }, () => arena.allocateSlot().address);
    const block = arena.allocate(machineCode('nothing'));
    expect(new Set(slots).size).toBe(3000);
    for (const slot of slots) {
      expect(slot % 8n).toBe(0n);
      expect(slot - block.address).toBeLessThan(2n ** 31n);
      expect(block.address - slot).toBeLessThan(2n ** 31n);
    }
  });

  test('says when it is full, and goes on after a close', () => {
    using arena = new CodeArena({ reserve: MIB, backing: [backing] });
    const blocks: CodeBlock[] = [];
    expect(() => {
      for (;;) blocks.push(arena.allocate(new Uint8Array(65536).fill(0xc3)));
    }).toThrow(expect.objectContaining({ code: 'ENOMEM' }));
    expect(blocks.length).toBeGreaterThan(10);
    blocks.pop()?.close();
    expect(arena.allocate(new Uint8Array(65536).fill(0xc3)).size).toBe(65536);
  });

  test('closes with all that is in it', () => {
    const arena = makeArena();
    const block = arena.allocate(machineCode('nothing'));
    const slot = arena.allocateSlot();
    const { address } = arena;
    arena.close();
    arena.close();
    block.close();
    slot.close();
    expect(arena.closed).toBe(true);
    expect(() => arena.allocate(machineCode('nothing'))).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
    expect(() => arena.stats()).toThrow(NativeMemError);
    expect(() => block.bytes()).toThrow(NativeMemError);
    expect(findCode(block.address)).toBeUndefined();
    expect(readFileSync('/proc/self/maps', 'utf8')).not.toContain(`${address.toString(16)}-`);
  });
});

describe('CodeArena', () => {
  test('refuses bad options', () => {
    expect(() => new CodeArena({ reserve: 1000 })).toThrow(RangeError);
    expect(() => new CodeArena({ reserve: 2 ** 31 })).toThrow(RangeError);
    expect(() => new CodeArena({ reserve: MIB, backing: ['rwx' as CodeBacking] })).toThrow(RangeError);
    expect(() => new CodeArena({ reserve: MIB, backing: [] })).toThrow(
      expect.objectContaining({ code: 'ERR_EXEC_MEMORY_REFUSED' }),
    );
  });

  test('refuses bad code and traps', () => {
    using arena = new CodeArena({ reserve: MIB });
    expect(() => arena.allocate(new Uint8Array(0))).toThrow(RangeError);
    expect(() => arena.allocate(new Uint8Array(2 * MIB))).toThrow(RangeError);
    expect(() => arena.allocate([0xc3] as unknown as Uint8Array)).toThrow(TypeError);
    const traps = (offset: number, kind = 'bounds') => ({ traps: [{ offset, kind: kind as 'bounds' }] });
    for (const offset of [1, -1, 0.5])
      expect(() => arena.allocate(machineCode('nothing'), traps(offset))).toThrow(RangeError);
    expect(() => arena.allocate(machineCode('nothing'), traps(0, 'other'))).toThrow(TypeError);
    expect(arena.stats().blocks).toBe(0);
  });

  test('keeps the traps of two blocks apart when reading those of one allocates the other', () => {
    using arena = new CodeArena({ reserve: MIB });
    const inner = { traps: [{ offset: 1, kind: 'overflow' as const }] };
    const outer = arena.allocate(machineCode('ud2'), {
      traps: [
        { offset: 0, kind: 'bounds' },
        {
          get offset() {
            arena.allocate(machineCode('ud2'), inner);
            return 1;
          },
          kind: 'unreachable',
        },
      ],
    });
    const trap = bindFunction(outer.address, { params: [], result: 'void' });
    expect(trap).toThrow(expect.objectContaining({ kind: 'bounds' }));
  });

  test('shares one default arena, which stays open', () => {
    expect(CodeArena.default().address).toBe(CodeArena.default().address);
    expect(() => CodeArena.default().close()).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });

  test('lies near the addon', () => {
    const maps = readFileSync('/proc/self/maps', 'utf8');
    const addon = BigInt(`0x${/^([0-9a-f]+)-.*native_mem\.node$/m.exec(maps)?.[1]}`);
    const distance = CodeArena.default().address - addon;
    expect(distance < 0n ? -distance : distance).toBeLessThan(2n ** 31n);
  });

  test('packs 10,000 functions of 64 bytes into at most 1.25 times their size', () => {
    using arena = new CodeArena({ reserve: 64 * MIB });
    for (let i = 0; i < 10_000; i++) arena.allocate(new Uint8Array(64).fill(0xc3));
    const { committed, used, codeBytes } = arena.stats();
    expect(used).toBe(640_000);
    expect(codeBytes).toBe(640_000);
    expect(committed).toBeLessThanOrEqual(640_000 * 1.25);
  });
});
