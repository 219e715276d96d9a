import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { install, runScript } from '../test/support.js';
import { bindFunction, CodeArena, NativeMemError, type NativeTypeName } from './index.js';

// Where the System V ABI (x86-64 psABI 3.2.3) puts parameter `index`, worked out here independently of the package, and
// code that returns it.
const INT_REGISTERS = [
  [0x48, 0x89, 0xf8], // mov rax, rdi
  [0x48, 0x89, 0xf0], // mov rax, rsi
  [0x48, 0x89, 0xd0], // mov rax, rdx
  [0x48, 0x89, 0xc8], // mov rax, rcx
  [0x4c, 0x89, 0xc0], // mov rax, r8
  [0x4c, 0x89, 0xc8], // mov rax, r9
];

function isFloat(type: NativeTypeName): boolean {
  return type === 'f32' || type === 'f64';
}

function echo(params: readonly NativeTypeName[], index: number): Uint8Array {
  let ints = 0;
  let floats = 0;
  let stack = 0;
  for (const [i, type] of params.entries()) {
    const float = isFloat(type);
    const register = float ? (floats < 8 ? floats++ : undefined) : ints < 6 ? ints++ : undefined;
    const depth = register === undefined ? 8 + 8 * stack++ : 0;
    if (i !== index) continue;
    const displacement = [depth & 255, (depth >> 8) & 255, 0, 0];
    if (register === undefined) {
      return Uint8Array.from([...(float ? [0xf2, 0x0f, 0x10, 0x84] : [0x48, 0x8b, 0x84]), 0x24, ...displacement, 0xc3]);
    }
    return Uint8Array.from([...(float ? [0xf3, 0x0f, 0x7e, 0xc0 | register] : INT_REGISTERS[register]!), 0xc3]);
  }
  throw new Error('no such parameter');
}

const integer = (min: number, max: number) => fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max));
const VALUES: Record<string, fc.Arbitrary<unknown>> = {
  i8: integer(-128, 127),
  i16: integer(-32768, 32767),
  i32: integer(-(2 ** 31), 2 ** 31 - 1),
  u8: integer(0, 255),
  u16: integer(0, 65535),
  u32: integer(0, 2 ** 32 - 1),
  i64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  'i64:number': fc.maxSafeInteger(),
  'u64:number': fc.maxSafeNat(),
  f32: fc.float(),
  f64: fc.double(),
  bool: fc.boolean(),
  ptr: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
};

describe('bindFunction', () => {
  test('passes every parameter where the ABI wants it', () => {
    const arena = new CodeArena({ reserve: 2 ** 20 });
    const parameter = fc
      .constantFrom(...Object.keys(VALUES))
      .chain((type) => fc.tuple(fc.constant(type), VALUES[type]!));
    fc.assert(
      fc.property(fc.array(parameter, { minLength: 1, maxLength: 20 }), (list) => {
        const params = list.map(([type]) => type as NativeTypeName);
        const values = list.map(([, value]) => value);
        for (const [i, result] of params.entries()) {
          using block = arena.allocate(echo(params, i));
          const call = bindFunction(block.address, { params, result }) as (...args: unknown[]) => unknown;
          expect(call(...values)).toBe(Object.is(values[i], -0) && !isFloat(result) ? 0 : values[i]);
        }
      }),
      { numRuns: 150 },
    );
    arena.close();
  });

  test('takes up to 255 parameters', () => {
    using arena = new CodeArena({ reserve: 2 ** 20 });
    const kinds = ['i64', 'f64', 'i32', 'ptr'] as const;
    for (const count of [16, 17, 100, 255]) {
      const params = Array.from({ length: count }, (_, i) => kinds[i % 4]!);
      const values = params.map((type, i) => (type === 'i64' || type === 'ptr' ? BigInt(i * 1001) : i + 7));
      for (const i of [0, 1, 2, 14, 15, 16, count - 3, count - 2, count - 1].filter((at) => at < count)) {
        using block = arena.allocate(echo(params, i));
        const call = bindFunction(block.address, { params, result: params[i]! }) as (...args: unknown[]) => unknown;
        expect(call(...values)).toBe(values[i]);
        expect(() => call(...values, 1)).toThrow(TypeError);
        expect(() => call(...values.slice(1))).toThrow(TypeError);
        expect(() => call(...values, ...values)).toThrow(TypeError);
      }
    }
  });

  test('extends small integers to the whole register, by their own sign', () => {
    const { address } = install('returnArgument');
    expect(bindFunction(address, { params: ['i8'], result: 'u64' })(-1)).toBe(2n ** 64n - 1n);
    expect(bindFunction(address, { params: ['i16'], result: 'i64' })(-300)).toBe(-300n);
    expect(bindFunction(address, { params: ['i32'], result: 'i64' })(-(2 ** 31))).toBe(-(2n ** 31n));
    expect(bindFunction(address, { params: ['u32'], result: 'i64' })(2 ** 32 - 1)).toBe(2n ** 32n - 1n);
    expect(bindFunction(address, { params: ['u8'], result: 'i64' })(255)).toBe(255n);
    expect(bindFunction(address, { params: ['bool'], result: 'i64' })(true)).toBe(1n);
  });

  test('reads no more of a result than its type has', () => {
    const { address } = install('dirtyBits'); // rax = 0xffffffffffffff00
    expect(bindFunction(address, { params: [], result: 'i8' })()).toBe(0);
    expect(bindFunction(address, { params: [], result: 'u8' })()).toBe(0);
    expect(bindFunction(address, { params: [], result: 'bool' })()).toBe(false);
    expect(bindFunction(address, { params: [], result: 'u16' })()).toBe(0xff00);
    expect(bindFunction(address, { params: [], result: 'i16' })()).toBe(-256);
    expect(bindFunction(address, { params: [], result: 'u32' })()).toBe(0xffffff00);
    expect(bindFunction(address, { params: [], result: 'i32' })()).toBe(-256);
    expect(bindFunction(address, { params: [], result: 'i64:number' })()).toBe(-256);
    expect(bindFunction(address, { params: [], result: 'ptr<u8>' })()).toBe(0xffffffffffffff00n);
    expect(bindFunction(address, { params: [], result: 'void' })()).toBeUndefined();
    expect(() => bindFunction(address, { params: [], result: 'u64:number' })()).toThrow(RangeError);
  });

  test('works on the memory of typed arrays and buffers', () => {
    const sum = bindFunction(install('sumF64').address, { params: ['ptr<f64>', 'i64:number'], result: 'f64' });
    expect(sum(new Float64Array([1, 2, 3.5]), 3)).toBe(6.5);
    expect(sum(new Float64Array([100, 1, 2]).subarray(1), 2)).toBe(3);
    expect(sum(new Float64Array([1, 2]).buffer, 2)).toBe(3);
    expect(sum(new DataView(new Float64Array([9, 1, 2]).buffer, 8), 2)).toBe(3);
    expect(sum(null, 0)).toBe(0);
    const data = new BigInt64Array([1n, -2n, 3n]);
    bindFunction(install('doubleEach').address, { params: ['ptr<i64>', 'i64:number'], result: 'void' })(data, 3);
    expect(data).toEqual(new BigInt64Array([2n, -4n, 6n]));
  });

  test('takes the typed arrays that the element type names, and no others', () => {
    const { address } = install('nothing');
    const arrays = [
      new Int8Array(1),
      new Uint8Array(1),
      new Uint8ClampedArray(1),
      Buffer.alloc(1),
      new Int16Array(1),
      new Uint16Array(1),
      new Int32Array(1),
      new Uint32Array(1),
      new Float32Array(1),
      new Float64Array(1),
      new BigInt64Array(1),
      new BigUint64Array(1),
    ];
    const accepted: Record<string, string[]> = {
      i8: ['Int8Array'],
      u8: ['Uint8Array', 'Uint8ClampedArray', 'Buffer'],
      bool: ['Uint8Array', 'Uint8ClampedArray', 'Buffer'],
      i16: ['Int16Array'],
      u16: ['Uint16Array'],
      i32: ['Int32Array'],
      u32: ['Uint32Array'],
      f32: ['Float32Array'],
      f64: ['Float64Array'],
      i64: ['BigInt64Array'],
      u64: ['BigUint64Array'],
    };
    for (const [element, names] of Object.entries(accepted)) {
      const call = bindFunction(address, { params: [`ptr<${element}>`], result: 'void' });
      const takes = arrays.filter((array) => {
        try {
          call(array);
          return true;
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          return false;
        }
      });
      expect(takes.map((array) => array.constructor.name)).toEqual(names);
    }
    const any = bindFunction(address, { params: ['ptr<Pair<i32,f64>>'], result: 'void' });
    for (const array of arrays) expect(any(array)).toBeUndefined();
  });

  test('refuses detached buffers', () => {
    const call = bindFunction(install('nothing').address, { params: ['ptr'], result: 'void' });
    const array = new Float64Array(4);
    const view = new DataView(array.buffer);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    expect(() => call(array)).toThrow(TypeError);
    expect(() => call(array.buffer)).toThrow(TypeError);
    expect(() => call(view)).toThrow(TypeError);
    expect(call(new Float64Array(0))).toBeUndefined();
  });

  test('throws for wrong arguments, and calls nothing', () => {
    const flag = new BigInt64Array(1);
    const block = install('store'); // mov [rdi], rsi
    const bad: [NativeTypeName, unknown, typeof TypeError | typeof RangeError][] = [
      ['i8', 128, RangeError],
      ['i8', -129, RangeError],
      ['i8', 1.5, RangeError],
      ['i8', Number.NaN, RangeError],
      ['u8', -1, RangeError],
      ['u8', 256, RangeError],
      ['i16', 32768, RangeError],
      ['u16', 65536, RangeError],
      ['i32', 2 ** 31, RangeError],
      ['u32', 2 ** 32, RangeError],
      ['u32', -1, RangeError],
      ['i32', Infinity, RangeError],
      ['i64', 2n ** 63n, RangeError],
      ['i64', -(2n ** 63n) - 1n, RangeError],
      ['u64', -1n, RangeError],
      ['u64', 2n ** 64n, RangeError],
      ['i64:number', 2 ** 53, RangeError],
      ['u64:number', -1, RangeError],
      ['i64:number', 0.5, RangeError],
      ['ptr', -1n, RangeError],
      ['ptr', 2n ** 64n, RangeError],
      ['i64', 1, TypeError],
      ['i64:number', 1n, TypeError],
      ['i32', 1n, TypeError],
      ['u32', '1', TypeError],
      ['i32', undefined, TypeError],
      ['bool', 1, TypeError],
      ['bool', undefined, TypeError],
      ['ptr', 1, TypeError],
      ['ptr', {}, TypeError],
      ['ptr', undefined, TypeError],
      ['ptr', 'text', TypeError],
      ['ptr', [1], TypeError],
      ['i32', { valueOf: () => 1 }, TypeError],
      ['i8', Symbol('x'), TypeError],
      ['u64', null, TypeError],
    ];
    for (const [type, value, error] of bad) {
      const call = bindFunction(block.address, { params: ['ptr<i64>', type], result: 'void' }) as (
        ...args: unknown[]
      ) => unknown;
      expect(() => call(flag, value), `${type} ${String(value)}`).toThrow(error);
    }
    const floats = bindFunction(block.address, { params: ['ptr', 'f64'], result: 'void' }) as (
      ...args: unknown[]
    ) => unknown;
    expect(() => floats(flag, 1n)).toThrow(TypeError);
    expect(() => floats(flag, '1')).toThrow(TypeError);
    const call = bindFunction(block.address, { params: ['ptr<i64>', 'i64'], result: 'void' }) as (
      ...args: unknown[]
    ) => unknown;
    expect(() => call()).toThrow(TypeError);
    expect(() => call(flag)).toThrow(/takes 2 arguments, got 1/);
    expect(() => call(flag, 1n, 2n)).toThrow(TypeError);
    expect(flag[0]).toBe(0n);
    call(flag, 7n);
    expect(flag[0]).toBe(7n);
  });

  test('gives the same results and errors without generated wrappers', () => {
    const body = `
      const add = nm.bindFunction(install('addI64').address, { params: ['i64', 'i64'], result: 'i64' });
      const half = nm.bindFunction(install('addF64').address, { params: ['f64', 'f64'], result: 'f64' });
      const same = nm.bindFunction(install('returnArgument').address, { params: ['i8'], result: 'u64' });
      const many = nm.bindFunction(install('addI64').address, { params: Array(255).fill('i64'), result: 'i64' });
      const errors = [() => many(1n), () => add(1n), () => add(1n, 2), () => add(1n, 2n ** 63n), () => same(128), () => half(1, 1n)]
        .map((f) => { try { f(); } catch (e) { return e.constructor.name + e.code + e.message; } });
      const number = nm.bindFunction(install('returnArgument').address, { params: ['u64'], result: 'u64:number' });
      try { number(2n ** 60n); } catch (e) { errors.push(e.name + e.code + e.message); }
      console.log(JSON.stringify([String(add(2n, -3n)), half(0.5, 0.25), String(same(-1)), add.name, String(many(...Array(254).fill(3n), 4n)), errors]));`;
    const generated = runScript(body);
    const plain = runScript(body, { args: ['--disallow-code-generation-from-strings'] });
    expect(generated.status, generated.stderr).toBe(0);
    expect(JSON.parse(generated.stdout).slice(0, 5)).toEqual(['-1', 0.75, '18446744073709551615', 'addI64', '6']);
    expect(plain.stdout).toBe(generated.stdout);
  });

  test('is typed by its signature', () => {
    const { address } = install('nothing');
    const call = bindFunction(address, { params: ['i64', 'f64', 'ptr<u8>', 'bool'], result: 'i64:number' });
    expectTypeOf(call).parameters.toEqualTypeOf<
      [bigint, number, ArrayBufferView | ArrayBuffer | bigint | null, boolean]
    >();
    expectTypeOf(call).returns.toEqualTypeOf<number>();
  });

  test('refuses bad signatures and addresses', () => {
    const { address } = install('nothing');
    const bind = bindFunction as (address: unknown, signature: unknown) => unknown;
    expect(() => bind(address, { params: ['int'], result: 'void' })).toThrow(/'int' is not a native type/);
    expect(() => bind(address, { params: ['void'], result: 'void' })).toThrow(TypeError);
    expect(() => bind(address, { params: [], result: 'constructor' })).toThrow(TypeError);
    expect(() => bind(address, { params: 'i32', result: 'void' })).toThrow(TypeError);
    expect(() => bind(address, { params: '', result: 'void' })).toThrow(TypeError);
    expect(() => bind(address, { params: [['i32']], result: 'void' })).toThrow(TypeError);
    expect(() => bind(address, { params: [], result: undefined })).toThrow(TypeError);
    expect(() => bind(address, { params: Array(256).fill('i32'), result: 'void' })).toThrow(RangeError);
    const endless: string[] = [];
    endless.length = 2 ** 32 - 1; // a copy of it would not fit
    expect(() => bind(address, { params: endless, result: 'void' })).toThrow(
      expect.objectContaining({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }),
    );
    expect(() => bind(Number(address), { params: [], result: 'void' })).toThrow(TypeError);
    expect(() => bind(0n, { params: [], result: 'void' })).toThrow(
      expect.objectContaining({ code: 'ERR_NOT_EXECUTABLE' }),
    );
    expect(() => bind(address + 64n, { params: [], result: 'void' })).toThrow(NativeMemError);
  });

  test('keeps functions of one signature apart', () => {
    using arena = new CodeArena({ reserve: 2 ** 20 });
    const numbers = Array.from({ length: 20 }, (_, i) => i);
    const calls = numbers.map((number) => {
      const name = number % 2 === 0 ? `f${number}` : '';
      const block = arena.allocate(Uint8Array.of(0xb8, number, 0, 0, 0, 0xc3), { name }); // mov eax, number; ret
      return bindFunction(block.address, { params: ['ptr<u8>'], result: 'i32' });
    });
    expect(calls.map((call) => call(null))).toEqual(numbers);
    expect(calls.map(({ name }) => name)).toEqual(numbers.map((number) => (number % 2 === 0 ? `f${number}` : '')));
    const named = (call: unknown) => call as (...args: unknown[]) => unknown;
    expect(() => named(calls[4])(new Float32Array(1))).toThrow(/^Argument 1 of f4 \(ptr<u8>\) must be a Uint8Array/);
    expect(() => named(calls[5])(1)).toThrow(/^Argument 1 of the native function \(ptr<u8>\) must be/);
    expect(() => named(calls[6])()).toThrow(/^f6 takes 1 arguments, got 0/);
    expect(calls.map((call) => call(new Uint8Array(1)))).toEqual(numbers);
  });

  test('keeps any name a name, in errors and traps as well', () => {
    const { address } = install('divI32');
    for (const name of ['__proto__', 'arguments', 'a\0b', "'); //", '\u{1f600}', 'x'.repeat(300)]) {
      const divide = bindFunction(address, { params: ['i32', 'i32'], result: 'i32' }, { name });
      expect(divide.name).toBe(name);
      expect(divide(84, 2)).toBe(42);
      expect(() => divide(1.5, 2)).toThrow(
        expect.objectContaining({
          name: 'RangeError',
          code: 'ERR_OUT_OF_RANGE',
          message: `Argument 1 of ${name} (i32) must be an integer from -2147483648 to 2147483647`,
        }),
      );
      using block = CodeArena.default().allocate(Uint8Array.of(0x0f, 0x0b), { name }); // ud2
      const trap = bindFunction(block.address, { params: [], result: 'void' });
      expect(trap.name).toBe(name);
      expect(trap).toThrow(expect.objectContaining({ kind: 'illegal-instruction', symbol: name }));
    }
  });

  test('tells thousands of freed codes from the live one at the same address', () => {
    using arena = new CodeArena({ reserve: 2 ** 20 });
    const bind = (address: bigint) => bindFunction(address, { params: ['ptr'], result: 'i32' });
    const stale: { call: (argument: null) => number; address: bigint }[] = [];
    for (let i = 0; i < 5000; i++) {
      const block = arena.allocate(Uint8Array.of(0xb8, i & 255, 0, 0, 0, 0xc3));
      const call = bind(block.address);
      expect(call(null)).toBe(i & 255);
      block.close();
      stale.push({ call, address: block.address });
    }
    const live = arena.allocate(Uint8Array.of(0xb8, 77, 0, 0, 0, 0xc3));
    const call = bind(live.address);
    expect(new Set(stale.map(({ address }) => address))).toEqual(new Set([live.address]));
    for (const each of stale) {
      expect(() => each.call(null)).toThrow(expect.objectContaining({ code: 'ERR_CODE_FREED', address: each.address }));
      expect(call(null)).toBe(77);
    }
  });

  test('throws once the code is freed, even when the address is in use again', () => {
    const arena = new CodeArena({ reserve: 2 ** 20 });
    const first = arena.allocate(Uint8Array.of(0xc3), { name: 'first' });
    const call = bindFunction(first.address, { params: [], result: 'void' });
    expect(call()).toBeUndefined();
    first.close();
    const second = arena.allocate(Uint8Array.of(0xc3));
    expect(second.address).toBe(first.address);
    expect(() => call()).toThrow(expect.objectContaining({ code: 'ERR_CODE_FREED', address: first.address }));
    const other = bindFunction(second.address, { params: [], result: 'void' });
    arena.close();
    expect(() => other()).toThrow(expect.objectContaining({ code: 'ERR_CODE_FREED' }));
  });
});
