import { describe, expect, test } from 'vitest';
import { machineCode, patchDisplacement } from '../test/machine-code.js';
import { install } from '../test/support.js';
import {
  bindFunction,
  CodeArena,
  callFunction0,
  callFunction1,
  NativeMemError,
  type NativeSignature,
  TrapError,
  type TrapKind,
} from './index.js';

/** The TrapError that the call throws. */
function trapOf(call: () => unknown): TrapError {
  try {
    call();
  } catch (error) {
    if (error instanceof TrapError) return error;
    throw error;
  }
  throw new Error('no trap');
}

const noArguments = { params: [], result: 'i64' } as const satisfies NativeSignature;
const pointer = { params: ['ptr'], result: 'i64' } as const satisfies NativeSignature;

describe('faults in native code', () => {
  test('a division by zero, and one that overflows', () => {
    const block = install('divI32');
    const divide = bindFunction(block.address, { params: ['i32', 'i32'], result: 'i32' });
    expect(divide(84, 2)).toBe(42);
    const trap = trapOf(() => divide(1, 0));
    expect(trap).toBeInstanceOf(NativeMemError);
    expect(trap).toMatchObject({
      name: 'TrapError',
      code: 'ERR_TRAP',
      kind: 'divide',
      symbol: 'divI32',
      offset: 3,
      pc: block.address + 3n,
      address: block.address + 3n,
    });
    expect(trap.message).toMatch(/division.*divI32\+0x3/);
    expect(trapOf(() => divide(-(2 ** 31), -1)).kind).toBe('divide');
    expect(divide(84, 2)).toBe(42);
  });

  test('null and wild pointers', () => {
    const load = bindFunction(install('load').address, pointer);
    expect(trapOf(() => load(null))).toMatchObject({ kind: 'memory', address: 0n, symbol: 'load', offset: 0 });
    expect(trapOf(() => load(0x1234n))).toMatchObject({ kind: 'memory', address: 0x1234n });
    expect(trapOf(() => load(0xdead_beef_0000n)).kind).toBe('memory');
    expect(trapOf(() => load(2n ** 63n)).kind).toBe('memory'); // not canonical: the address is lost
    // push rbp; mov rbp, rdi; mov rax, [rbp]; pop rbp; ret: through rbp a wild address is a stack fault to the processor
    const code = Uint8Array.of(0x55, 0x48, 0x89, 0xfd, 0x48, 0x8b, 0x45, 0x00, 0x5d, 0xc3);
    const throughRbp = bindFunction(CodeArena.default().allocate(code).address, pointer);
    expect(trapOf(() => throughRbp(2n ** 63n)).kind).toBe('memory');
    expect(throughRbp(new BigInt64Array([8n]))).toBe(8n);
    const store = bindFunction(install('store').address, { params: ['ptr', 'i64'], result: 'void' });
    expect(trapOf(() => store(install('nothing').address, 1n))).toMatchObject({ kind: 'memory' }); // code isn't writable
    expect(load(new BigInt64Array([7n]))).toBe(7n);
  });

  test('calls and jumps into nowhere', () => {
    const call = bindFunction(install('callAddress').address, pointer);
    expect(trapOf(() => call(null))).toMatchObject({ kind: 'memory', address: 0n, symbol: 'callAddress', offset: 6 });
    expect(trapOf(() => call(0x10n)).kind).toBe('memory');
    expect(trapOf(() => call(2n ** 63n)).kind).toBe('memory');
    expect(trapOf(() => call(new BigInt64Array(8)))).toMatchObject({ kind: 'memory', symbol: 'callAddress' }); // not executable
    const jump = bindFunction(install('jumpAddress').address, pointer);
    expect(trapOf(() => jump(null))).toMatchObject({ kind: 'memory', address: 0n, symbol: 'jumpAddress' });
    expect(call(install('return42').address)).toBe(42n);
  });

  test('trap instructions mean what the table says', () => {
    const kinds: TrapKind[] = ['unreachable', 'bounds', 'overflow', 'divide'];
    for (const kind of kinds) {
      const block = install('ud2', { name: `fn$${kind}`, traps: [{ offset: 0, kind }] });
      expect(trapOf(bindFunction(block.address, noArguments))).toMatchObject({ kind, offset: 0, symbol: `fn$${kind}` });
    }
    const other = install('ud2', { traps: [{ offset: 1, kind: 'bounds' }] });
    expect(trapOf(bindFunction(other.address, noArguments)).kind).toBe('illegal-instruction');
    const listed = install('divI32', { traps: [{ offset: 3, kind: 'overflow' }] });
    expect(trapOf(() => bindFunction(listed.address, { params: ['i32', 'i32'], result: 'i32' })(1, 0)).kind).toBe(
      'overflow',
    );
  });

  test('breakpoints, privileged instructions, and faults of the stack', () => {
    expect(trapOf(bindFunction(install('int3').address, noArguments))).toMatchObject({ kind: 'breakpoint', offset: 0 });
    expect(trapOf(bindFunction(install('privileged').address, noArguments)).kind).toBe('memory');
    expect(trapOf(bindFunction(install('smash').address, noArguments)).kind).toBe('memory');
    expect(trapOf(bindFunction(install('badStack').address, noArguments)).kind).toBe('memory');
    expect(trapOf(() => bindFunction(install('misalign').address, pointer)(new BigInt64Array(2))).kind).toBe('bus');
  });

  test('recursion without end', () => {
    for (const name of ['recurse', 'bigFrame'] as const) {
      const call = bindFunction(install(name).address, noArguments);
      for (let i = 0; i < 3; i++) expect(trapOf(call)).toMatchObject({ kind: 'stack-overflow', symbol: name });
    }
  });

  test('in code that other code calls through a slot, of any arena', () => {
    using arena = new CodeArena({ reserve: 2 ** 20 });
    const inner = install('ud2', { name: 'inner', traps: [{ offset: 0, kind: 'bounds' }] });
    const slot = arena.allocateSlot(inner.address);
    const outer = arena.allocate(machineCode('callSlot'), {
      name: 'outer',
      relocate: (copy, address) => patchDisplacement(copy, 6, address, slot.address),
    });
    expect(trapOf(bindFunction(outer.address, noArguments))).toMatchObject({
      kind: 'bounds',
      symbol: 'inner',
      offset: 0,
    });
    slot.target = 0n;
    expect(trapOf(bindFunction(outer.address, noArguments))).toMatchObject({ kind: 'memory', symbol: 'outer' });
  });

  test('come as errors from callFunction too', () => {
    expect(trapOf(() => callFunction0(install('ud2').address)).kind).toBe('illegal-instruction');
    expect(trapOf(() => callFunction1(install('load').address, 0)).kind).toBe('memory');
    // Not an entry point: the middle of an instruction, or padding.
    const block = install('return42');
    expect(trapOf(() => callFunction0(block.address + 3n))).toBeInstanceOf(TrapError);
    expect(() => callFunction0(block.address + 20n)).toThrow(expect.objectContaining({ code: 'ERR_NOT_EXECUTABLE' }));
  });

  test('leave registers, rounding and the x87 unit as they were', () => {
    // Trashes every callee-saved register, sets the rounding modes and the direction flag, fills the x87 stack.
    const clobber = bindFunction(install('clobber').address, noArguments);
    const compute = () => [0.1 + 0.2, Math.fround(1 / 3), Math.sqrt(2), 1e308 * 10, 5e-324 / 2, (2.5).toFixed(0)];
    const before = compute();
    for (let i = 0; i < 1000; i++) expect(trapOf(clobber).kind).toBe('illegal-instruction');
    expect(compute()).toEqual(before);
  });
});
