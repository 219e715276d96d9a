import { describe, expect, onTestFinished, test } from 'vitest';
import { machineCode, patchDisplacement } from '../test/machine-code.js';
import { install } from '../test/support.js';
import { bindFunction, CodeArena, type NativeSignature, processSymbol } from './index.js';

/** A function of the process behind a veneer in the default arena, until the end of the test. */
function foreign<const S extends NativeSignature>(name: string, signature: S) {
  const arena = CodeArena.default();
  const slot = arena.allocateSlot(processSymbol(name));
  const veneer = arena.allocate(machineCode('jumpSlot'), {
    name,
    relocate: (copy, address) => patchDisplacement(copy, 2, address, slot.address),
  });
  onTestFinished(() => {
    veneer.close();
    slot.close();
  });
  return bindFunction(veneer.address, signature);
}

const text = (value: string) => new TextEncoder().encode(`${value}\0`);

describe('processSymbol', () => {
  test('finds what the process exports, and nothing else', () => {
    expect(processSymbol('strlen')).toBeTypeOf('bigint');
    expect(processSymbol('strlen')).toBe(processSymbol('strlen'));
    expect(processSymbol('malloc')).not.toBe(processSymbol('free'));
    expect(processSymbol('no such symbol')).toBeUndefined();
  });

  test('refuses what is no name', () => {
    for (const name of ['', 'str\0len', 7, undefined, {}])
      expect(() => processSymbol(name as string)).toThrow(TypeError);
  });

  test('functions are called through a veneer', () => {
    const strlen = foreign('strlen', { params: ['ptr<u8>'], result: 'u64:number' });
    expect(strlen(text('hello'))).toBe(5);
    const memcmp = foreign('memcmp', { params: ['ptr', 'ptr', 'u64:number'], result: 'i32' });
    expect(memcmp(text('abc'), text('abc'), 3)).toBe(0);
    expect(memcmp(text('abd'), text('abc'), 3)).toBeGreaterThan(0);
    const malloc = foreign('malloc', { params: ['u64:number'], result: 'ptr' });
    const free = foreign('free', { params: ['ptr'], result: 'void' });
    const memory = malloc(100);
    expect(memory % 16n).toBe(0n);
    free(memory);
    expect(foreign('ldexp', { params: ['f64', 'i32'], result: 'f64' })(0.75, 4)).toBe(12);
  });

  // snprintf saves xmm registers by aligned stores, and takes its variable arguments from the stack in the end.
  test.each([0, 1, 2, 3])('the stack is aligned with %i words on it', (extra) => {
    const integers = 3 + extra;
    const snprintf = foreign('snprintf', {
      params: ['ptr<u8>', 'u64:number', 'ptr<u8>', ...Array<'i32'>(integers).fill('i32'), 'f64'],
      result: 'i32',
    });
    const out = new Uint8Array(100);
    const numbers = Array.from({ length: integers }, (_, i) => i + 1);
    const call = snprintf as (...args: unknown[]) => number;
    const length = call(out, out.length, text(`${'%d '.repeat(integers)}%.3f`), ...numbers, 2.5);
    expect(new TextDecoder().decode(out.subarray(0, length))).toBe(`${numbers.join(' ')} 2.500`);
  });

  test('foreign functions call ours back', () => {
    // mov eax, [rdi]; sub eax, [rsi]; ret
    const compare = CodeArena.default().allocate(Uint8Array.of(0x8b, 0x07, 0x2b, 0x06, 0xc3));
    onTestFinished(() => compare.close());
    const qsort = foreign('qsort', { params: ['ptr<i32>', 'u64:number', 'u64:number', 'ptr'], result: 'void' });
    const values = Int32Array.of(5, -3, 9, 0, 7, 1);
    qsort(values, values.length, 4, compare.address);
    expect([...values]).toEqual([-3, 0, 1, 5, 7, 9]);
    // A fault of ours in there abandons the foreign function too.
    expect(() => qsort(values, values.length, 4, install('ud2').address)).toThrow(
      expect.objectContaining({ kind: 'illegal-instruction', symbol: 'ud2' }),
    );
    qsort(values, values.length, 4, compare.address);
  });
});
