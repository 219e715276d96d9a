import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { code, machineCode, patchDisplacement } from '../test/machine-code.js';
import { install } from '../test/support.js';
import {
  bindFunction,
  CodeArena,
  type CodeBacking,
  findCode,
  type ImportSlot,
  NativeMemError,
  processSymbol,
  TrapError,
} from './index.js';

const MIB = 2 ** 20;
const withCode = (name: string) => expect.objectContaining({ code: name });

/** What the call throws. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe.each(['memfd', 'mprotect'] as CodeBacking[])('a lazy slot in an arena with %s', (backing) => {
  let arena: CodeArena;
  beforeEach(() => {
    arena = new CodeArena({ reserve: 8 * MIB, backing: [backing] });
  });
  afterEach(() => arena.close());

  const throughSlot = (name: keyof typeof code, slot: ImportSlot, at = code[name].length - 4) =>
    arena.allocate(machineCode(name), {
      name,
      relocate: (copy, address) => patchDisplacement(copy, at, address, slot.address),
    });
  const add = () => arena.allocate(machineCode('addI64')).address;
  const sumBy = (slot: ImportSlot) =>
    bindFunction(throughSlot('jumpSlot', slot).address, { params: ['i64', 'i64'], result: 'i64' });

  test('is resolved by the first call, once', () => {
    let asked = 0;
    const target = add();
    const slot = arena.allocateLazySlot(() => {
      asked++;
      return target;
    });
    const sum = sumBy(slot);
    expect(asked).toBe(0);
    expect(slot.target).not.toBe(0n);
    expect(findCode(slot.target)).toBeUndefined();
    expect(sum(40n, 2n)).toBe(42n);
    expect(slot.target).toBe(target);
    expect(sum(1n, 2n)).toBe(3n);
    expect(asked).toBe(1);
  });

  test('a call gets its arguments, the stack and the alignment as the caller set them', () => {
    const dump = arena.allocate(machineCode('dumpRegisters'));
    const slot = arena.allocateLazySlot(() => {
      // JavaScript, floating point and calls of its own, in between
      const other = bindFunction(arena.allocate(machineCode('addF64')).address, {
        params: ['f64', 'f64'],
        result: 'f64',
      });
      expect(Array.from({ length: 100 }, (_, i) => other(i, Math.sqrt(i))).at(-1)).toBe(99 + Math.sqrt(99));
      return dump.address;
    });
    const call = bindFunction(throughSlot('fillAndJumpSlot', slot).address, {
      params: [
        'ptr<u64>',
        ...(['i64', 'i64', 'i64', 'i64', 'i64', 'i64', 'i64'] as const),
        ...(['f64', 'f64', 'f64', 'f64', 'f64', 'f64', 'f64', 'f64'] as const),
      ],
      result: 'void',
    });
    const words = () => {
      const out = new BigUint64Array(26);
      call(out, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5);
      return out;
    };
    const first = words();
    expect([...first.subarray(0, 10)]).toEqual([2n, 3n, 4n, 5n, 6n, 7n, 0x1010n, 7n, 8n, 8n]);
    expect([...new Float64Array(first.buffer, 80)]).toEqual(
      [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5].flatMap((low, i) => [low, i === 7 ? 0.5 : low + 1]),
    );
    expect(slot.target).toBe(dump.address);
    expect(words()).toEqual(first);
  });

  test('what resolve throws is thrown by the call from JavaScript, and the next call asks again', () => {
    let failure: unknown = new Error('no such template');
    const target = add();
    const slot = arena.allocateLazySlot(() => {
      if (failure !== undefined) throw failure;
      return target;
    });
    const sum = sumBy(slot);
    const called = bindFunction(throughSlot('callSlot', slot, 6).address, { params: ['i64', 'i64'], result: 'i64' });
    const entry = slot.target;
    expect(thrownBy(() => sum(1n, 2n))).toBe(failure);
    expect(thrownBy(() => called(1n, 2n))).toBe(failure);
    failure = 'not even an error';
    expect(thrownBy(() => sum(1n, 2n))).toBe(failure);
    expect(slot.target).toBe(entry);
    failure = undefined;
    expect(called(1n, 2n)).toBe(3n);
    expect(sum(1n, 2n)).toBe(3n);
  });

  test.each([
    [0n, RangeError],
    [-1n, RangeError],
    [2n ** 64n, RangeError],
    [undefined, TypeError],
    [42, TypeError],
    [Promise.resolve(1n), TypeError],
  ])('a result that is no address is refused: %s', (result, kind) => {
    const sum = sumBy(arena.allocateLazySlot(() => result as bigint));
    expect(() => sum(1n, 2n)).toThrow(kind);
    expect(() => sum(1n, 2n)).toThrow('The resolver of a lazy slot must return an address');
  });

  test('an address that is nothing is a trap of the code that called', () => {
    const sum = sumBy(arena.allocateLazySlot(() => 8n));
    for (let i = 0; i < 2; i++)
      expect(thrownBy(() => sum(1n, 2n))).toMatchObject({ kind: 'memory', symbol: 'jumpSlot' });
  });

  test('resolve may call, trap, resolve others and free', () => {
    const target = add();
    const inner = arena.allocateLazySlot(() => target);
    const sum = sumBy(inner);
    const temporary = arena.allocate(machineCode('return42'));
    const outer = arena.allocateLazySlot(() => {
      expect(sum(1n, 2n)).toBe(3n);
      expect(thrownBy(() => bindFunction(install('ud2').address, { params: [], result: 'void' })())).toBeInstanceOf(
        TrapError,
      );
      expect(thrownBy(() => sumBy(arena.allocateLazySlot(() => 0n))(1n, 2n))).toBeInstanceOf(RangeError);
      temporary.close();
      return arena.allocate(machineCode('subI64')).address;
    });
    expect(sumBy(outer)(5n, 2n)).toBe(3n);
    expect(inner.target).toBe(target);
  });

  test('resolvers within resolvers, deep, and an error through all of them', () => {
    const failure = new Error('at the bottom');
    const nested = (depth: number, bottom: () => bigint): bigint => {
      if (depth === 0) return bottom();
      sumBy(arena.allocateLazySlot(() => nested(depth - 1, bottom)))(1n, 2n);
      return add();
    };
    expect(nested(50, add)).toBeTypeOf('bigint');
    expect(
      thrownBy(() =>
        nested(50, () => {
          throw failure;
        }),
      ),
    ).toBe(failure);
  });

  test('a slot that asks for itself without end meets an error', () => {
    const slot: ImportSlot = arena.allocateLazySlot(() => sum(1n, 2n));
    const sum = sumBy(slot);
    const error = thrownBy(() => sum(1n, 2n)); // V8's in the resolver, or ours before it
    if (!(error instanceof RangeError)) expect(error).toMatchObject({ kind: 'stack-overflow' });
    slot.target = add();
    expect(sum(1n, 2n)).toBe(3n);
  });

  test('can be set by hand, and made lazy again', () => {
    let asked = 0;
    const target = add();
    const slot = arena.allocateLazySlot(() => {
      asked++;
      return target;
    });
    const sum = sumBy(slot);
    const entry = slot.target;
    slot.target = arena.allocate(machineCode('subI64')).address;
    expect([sum(5n, 2n), asked]).toEqual([3n, 0]);
    slot.target = entry;
    expect([sum(5n, 2n), asked]).toEqual([7n, 1]);
    slot.target = 0n;
    expect(() => sum(5n, 2n)).toThrow(expect.objectContaining({ kind: 'memory', symbol: 'jumpSlot' }));
  });

  test('an address read from an unresolved slot can be called, before and after', () => {
    const target = add();
    const slot = arena.allocateLazySlot(() => target);
    const call = bindFunction(
      arena.allocate(Uint8Array.of(0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6, 0xff, 0xe0)).address,
      {
        params: ['ptr', 'i64', 'i64'], // mov rax, rdi; mov rdi, rsi; mov rsi, rdx; jmp rax
        result: 'i64',
      },
    );
    const entry = slot.target;
    expect(call(entry, 1n, 2n)).toBe(3n);
    expect(slot.target).toBe(target);
    expect(call(entry, 3n, 4n)).toBe(7n);
    slot.close();
    expect(() => call(entry, 5n, 6n)).toThrow(withCode('ERR_CLOSED'));
    expect(() => call(entry, 5n, 6n)).toThrow(NativeMemError);
  });

  test('can be closed, in resolve too, and its entry is used again', () => {
    const target = add();
    const slot: ImportSlot = arena.allocateLazySlot(() => {
      slot.close();
      return target;
    });
    const entry = slot.target;
    const sum = sumBy(slot);
    expect(sum(1n, 2n)).toBe(3n); // this call goes on
    expect(() => sum(1n, 2n)).toThrow(expect.objectContaining({ kind: 'memory' })); // the slot reads as 0
    slot.close();
    expect(() => slot.target).toThrow(withCode('ERR_CLOSED'));
    const next = arena.allocateLazySlot(() => target);
    expect([next.address, next.target]).toEqual([slot.address, entry]);
    slot.close(); // closes nothing of the next
    expect(sumBy(next)(2n, 3n)).toBe(5n);
  });

  test('an arena closed in resolve lasts until the call ends', () => {
    const own = new CodeArena({ reserve: MIB, backing: [backing] });
    const target = own.allocate(machineCode('addI64')).address;
    const slot = own.allocateLazySlot(() => {
      own.close();
      return target;
    });
    const caller = own.allocate(machineCode('jumpSlot'), {
      relocate: (copy, address) => patchDisplacement(copy, 2, address, slot.address),
    });
    const sum = bindFunction(caller.address, { params: ['i64', 'i64'], result: 'i64' });
    expect(sum(1n, 2n)).toBe(3n);
    expect(() => sum(1n, 2n)).toThrow(withCode('ERR_CODE_FREED'));
    expect(() => own.allocateLazySlot(() => 1n)).toThrow(withCode('ERR_CLOSED'));
  });

  test('takes a function, and counts', () => {
    for (const resolve of [undefined, null, 1n, {}])
      expect(() => arena.allocateLazySlot(resolve as unknown as () => bigint)).toThrow(TypeError);
    expect(arena.stats()).toMatchObject({ slots: 0, lazyBytes: 0, used: 0 });
    const slots = Array.from({ length: 256 }, () => arena.allocateLazySlot(() => 1n));
    expect(new Set(slots.map((slot) => slot.target)).size).toBe(256);
    expect(arena.stats()).toMatchObject({
      slots: 256,
      lazyBytes: 8192,
      used: 8192,
      dataUsed: 2048,
      blocks: 0,
      codeBytes: 0,
    });
    for (const slot of slots) slot.close();
    expect(arena.stats()).toMatchObject({ slots: 0, lazyBytes: 8192, used: 8192, dataUsed: 0 });
    for (let i = 0; i < 510; i++) arena.allocateLazySlot(() => 1n);
    expect(arena.stats()).toMatchObject({ slots: 510, lazyBytes: 8192 });
  });

  test('goes through foreign functions, which are abandoned with the call', () => {
    const failure = new Error('in qsort');
    const slot = arena.allocateLazySlot(() => {
      throw failure;
    });
    const foreign = arena.allocateSlot(processSymbol('qsort'));
    const qsort = bindFunction(throughSlot('jumpSlot', foreign).address, {
      params: ['ptr<i32>', 'u64:number', 'u64:number', 'ptr'],
      result: 'void',
    });
    const compare = throughSlot('jumpSlot', slot);
    expect(thrownBy(() => qsort(Int32Array.of(2, 1), 2, 4, compare.address))).toBe(failure);
    expect(thrownBy(() => qsort(Int32Array.of(2, 1), 2, 4, slot.target))).toBe(failure);
  });
});
