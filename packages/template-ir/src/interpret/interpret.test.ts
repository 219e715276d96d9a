import { describe, expect, it } from 'vitest';
import {
  type CalleeProvider,
  type ConcreteFunction,
  IrLinkError,
  IrSpecialiseError,
  IrStepLimitError,
  IrTrapError,
  instances,
  interpret,
  LinearMemory,
  parseModule,
  ptr,
  SCALAR_NAMES,
  scalar,
  sizeOf,
  specialise,
  type TrapKind,
  type Type,
  verifyModule,
} from '../index.js';
import { interestingValues } from '../testing/index.js';
import { thrown } from '../thrown.test-support.js';

const i64 = scalar('i64');

const module = parseModule(`module m
fn swap_loop(a: i64, b: i64, n: i64) -> i64 {
entry:
  jump loop(a, b, n)
loop(x: i64, y: i64, left: i64):
  done = eq left, 0
  next = sub left, 1
  branch done, out, loop(y, x, next)
out:
  scaled = mul x, 100
  both = add scaled, y
  return both
}
fn copy<T: Any>(to: ptr<T>, from: ptr<T>, index: i64) {
entry:
  source = elem from, index
  target = elem to, index
  x = load source
  store target, x
  return
}
fn divide(a: i64, b: i64) -> i64 {
entry:
  jump go
go:
  q = div a, b
  return q
}
fn stop() {
entry:
  unreachable
}
fn outer(a: i64) -> i64 {
entry:
  r = call divide(a, 0)
  return r
}
fn endless(n: i64) -> i64 {
entry:
  next = add n, 1
  r = call endless(next)
  return r
}
fn spin() {
entry:
  jump again
again:
  jump again
}
fn count_down(n: i64) -> i64 {
entry:
  done = le n, 0
  branch done, out, more
out:
  return 0
more:
  less = sub n, 1
  r = call count_down(less)
  s = add r, 1
  return s
}
fn grow<T: Any>(x: T, at: ptr<T>) {
entry:
  call grow<ptr<T>>(at, null)
  return
}
fn size<T: Any>() -> i64 {
entry:
  s = sizeof T
  return s
}
fn away(x: i64) -> f64 {
entry:
  r: f64 = call elsewhere(x)
  return r
}
fn round(x: f32) -> f32 {
entry:
  return x
}`);
verifyModule(module);
const call = instances(module);
const get = (template: string, ...typeArgs: Type[]) => call({ template, typeArgs });

describe('interpret', () => {
  it('passes edge arguments all at once', () => {
    expect(interpret(get('swap_loop'), [1n, 2n, 0n])).toBe(102n);
    expect(interpret(get('swap_loop'), [1n, 2n, 3n])).toBe(201n);
  });

  it('returns undefined where there is no result, and calls back and forth', () => {
    const memory = new LinearMemory();
    const [to, from] = [memory.map(new Float64Array(2)), memory.map(new Float64Array([1, 2]))];
    expect(interpret(get('copy', scalar('f64')), [to, from, 1n], { memory })).toBeUndefined();
    expect(interpret(get('count_down'), [5000n], { call })).toBe(5000n);
  });

  it.each([...SCALAR_NAMES.map(scalar), ptr(i64)].map((type) => [type]))('tells the size of %o', (type) => {
    expect(interpret(get('size', type), [])).toBe(BigInt(sizeOf(type)!));
  });

  it.each<[TrapKind, string, string, number, () => unknown]>([
    ['divide', 'fn$divide', 'go', 0, () => interpret(get('divide'), [1n, 0n])],
    ['divide', 'fn$divide', 'go', 0, () => interpret(get('outer'), [1n], { call })],
    ['unreachable', 'fn$stop', 'entry', 0, () => interpret(get('stop'), [])],
    ['memory', 'fn$copy$i64', 'entry', 2, () => interpret(get('copy', i64), [0n, 0n, 0n])],
    ['stack-overflow', 'fn$endless', 'entry', 2, () => interpret(get('endless'), [0n], { call })],
    ['stack-overflow', 'fn$count_down', 'more', 2, () => interpret(get('count_down'), [10n], { call, maxDepth: 10 })],
  ])('traps with %s in %s', (kind, fn, block, instruction, action) => {
    expect(thrown(IrTrapError, action)).toMatchObject({ kind, function: fn, block, instruction });
  });

  it('needs no stack of its own for deep recursion', () => {
    expect(interpret(get('count_down'), [100_000n], { call, maxDepth: 200_000 })).toBe(100_000n);
  });

  it('traps where calls of large functions have too many values', () => {
    const lines = Array.from({ length: 100_000 }, () => '').map((_, i) => `  v${i} = add n, 1\n`);
    const text = `module m\nfn f(n: i64) -> i64 {\nentry:\n${lines.join('')}  r = call f(n)\n  return r\n}`;
    const call = instances(parseModule(text));
    const fn = call({ template: 'f', typeArgs: [] });
    expect(thrown(IrTrapError, () => interpret(fn, [1n], { call })).kind).toBe('stack-overflow'); // after 83 calls
    let asked = 0;
    const counted: CalleeProvider = (callee) => {
      asked++;
      return call(callee);
    };
    const options = { call: counted, maxFrameValues: 3 * fn.valueTypes.length };
    expect(thrown(IrTrapError, () => interpret(fn, [1n], options)).kind).toBe('stack-overflow');
    expect(asked).toBe(3);
  });

  it('ends at maxSteps', () => {
    expect(() => interpret(get('spin'), [], { maxSteps: 1000 })).toThrow(IrStepLimitError);
    expect(interpret(get('divide'), [6n, 3n], { maxSteps: 3 })).toBe(2n); // jump, div, return
    expect(() => interpret(get('divide'), [6n, 3n], { maxSteps: 2 })).toThrow(IrStepLimitError);
  });

  it('checks its arguments', () => {
    expect(() => interpret(get('divide'), [1n])).toThrow(new TypeError('fn$divide takes 2 arguments, got 1'));
    expect(() => interpret(get('divide'), [1n, 2])).toThrow(
      new TypeError('argument 2 of fn$divide (i64) must be a bigint, not a number'),
    );
    expect(() => interpret(get('divide'), [1n << 63n, 1n])).toThrow(RangeError);
    expect(() => interpret(get('copy', i64), [-1n, 0n, 0n])).toThrow(RangeError);
    expect(interpret(get('round'), [0.1])).toBe(Math.fround(0.1));
  });

  it('reports calls that nothing provides, or something else', () => {
    const linkErrorOf = (provider?: () => ConcreteFunction) =>
      thrown(IrLinkError, () => interpret(get('away'), [1n], provider === undefined ? {} : { call: provider }));
    expect(linkErrorOf()).toMatchObject({ code: 'UNKNOWN_TEMPLATE', callee: 'elsewhere' });
    expect(linkErrorOf(() => get('spin'))).toMatchObject({ code: 'SIGNATURE', expected: '(i64) -> f64', found: '()' });
    expect(linkErrorOf(() => get('count_down'))).toMatchObject({ code: 'SIGNATURE', found: '(i64) -> i64' });
    expect(() => interpret(get('away'), [1n], { call })).toThrow(IrLinkError);
  });
});

describe('instances', () => {
  it('specialises each instance once', () => {
    expect(get('size', i64)).toBe(get('size', i64));
    expect(get('size', i64)).not.toBe(get('size', ptr(i64)));
    expect(() => get('nothing')).toThrow(IrLinkError);
    expect(() => call({ template: 'size', typeArgs: [] })).toThrow(IrSpecialiseError);
  });

  it('ends recursion over ever larger types', () => {
    expect(() => interpret(get('grow', i64), [0n, 0n], { call })).toThrow(/LIMIT|more than 64 levels/);
  });
});

describe('LinearMemory', () => {
  it.each(SCALAR_NAMES)('keeps values of %s', (name) => {
    const type = scalar(name);
    const memory = new LinearMemory();
    const values = interestingValues(type);
    const start = memory.allocate(type, values.length);
    const at = (i: number) => start + BigInt(i * sizeOf(type)!);
    for (const [i, value] of values.entries()) expect(memory.store(at(i), type, value)).toBe(true);
    for (const [i, value] of values.entries()) expect(memory.load(at(i), type)).toBe(value);
    expect(memory.load(at(values.length), type)).toBeUndefined();
    expect(memory.store(at(values.length), type, values[0]!)).toBe(false);
    expect(memory.load(start - 1n, type)).toBeUndefined();
  });

  it('shares the bytes of an array, little-endian, at any alignment', () => {
    const memory = new LinearMemory();
    const bytes = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7, 8, 255]).subarray(1);
    const start = memory.map(bytes);
    expect(memory.load(start, scalar('u32'))).toBe(0x04030201n);
    expect(memory.load(start + 1n, scalar('i64'))).toBe(BigInt.asIntN(64, 0xff_08_07_06_05_04_03_02n));
    expect(memory.load(start + 2n, scalar('i64'))).toBeUndefined(); // one byte too far
    memory.store(start, scalar('i16'), -2n);
    expect([...bytes.subarray(0, 3)]).toEqual([254, 255, 3]);
    memory.store(start, ptr(i64), 0xffff_ffff_ffff_fff0n);
    expect(memory.load(start, ptr(i64))).toBe(0xffff_ffff_ffff_fff0n);
    expect(memory.load(start, scalar('bool'))).toBe(true);
    memory.store(start, scalar('bool'), true);
    expect(bytes[0]).toBe(1);
  });

  it('has no memory at null, between regions, or at the end of the address space', () => {
    const memory = new LinearMemory();
    const [a, b] = [memory.allocate(i64, 0), memory.allocate(i64, 20_000)];
    for (const address of [0n, a, b - 8n, b - 1n, b + 160_000n, (1n << 64n) - 1n]) {
      expect(memory.load(address, scalar('u8'))).toBeUndefined();
    }
    expect(memory.load(b + 159_992n, i64)).toBe(0n);
  });

  it('makes a wild element trap with its address', () => {
    const memory = new LinearMemory();
    const data = memory.map(new BigInt64Array(4));
    const run = (index: bigint) => interpret(get('copy', i64), [data, data, index], { memory });
    expect(run(3n)).toBeUndefined();
    expect(thrown(IrTrapError, () => run(4n))).toMatchObject({ kind: 'memory', address: data + 32n });
    expect(thrown(IrTrapError, () => run(-1n))).toMatchObject({ kind: 'memory', address: data - 8n });
    expect(thrown(IrTrapError, () => run((1n << 61n) - 1n - data / 8n))).toMatchObject({ address: (1n << 64n) - 8n });
    expect(run(1n << 61n)).toBeUndefined(); // 2^64 bytes on is here again
  });
});

it('specialised functions do not depend on the module that they come from', () => {
  const fn = specialise(module.templates[0]!, []);
  expect(interpret(fn, [1n, 2n, 1n])).toBe(201n);
});
