// Memory of activations, copies and fills, checked addresses, aggregates: through the interpreter.
import { describe, expect, it } from 'vitest';
import {
  IrTrapError,
  type IrValue,
  instances,
  interpret,
  LinearMemory,
  type Memory,
  parseModule,
  parseTypeList,
  scalar,
  verifyModule,
} from '../index.js';
import { thrown } from '../thrown.test-support.js';

const module = parseModule(`module m
struct Pair<A: Any, B: Any> {
  a: A
  b: B
}
enum Shape {
  Empty
  Circle(radius: f64)
  Box(width: f32, height: f32)
}
fn counter(n: i64) -> i64 {
entry:
  jump loop(0)
loop(i: i64):
  s = slot i64
  before = load s
  next = add i, 1
  store s, next
  more = lt next, n
  branch more, loop(next), done
done:
  after = load s
  hundred = mul before, 100
  both = add hundred, after
  return both
}
fn fresh(n: i64) -> i64 {
entry:
  s = slot i64
  done = le n, 0
  branch done, out, more
out:
  return 0
more:
  store s, n
  less = sub n, 1
  r = call fresh(less)
  mine = load s
  sum = add r, mine
  return sum
}
fn dangling() -> i64 {
entry:
  p = call leak()
  q = call leak()
  x = load p
  return x
}
fn leak() -> ptr<i64> {
entry:
  s = slot i64
  return s
}
fn beyond(i: i64) -> u8 {
entry:
  s = slot array<u8, 16>
  p: ptr<u8> = cast s
  at = elem p, i
  x = load at
  return x
}
fn big() {
entry:
  s = slot array<u8, 1000000>
  return
}
fn deep(n: i64) {
entry:
  s = slot array<u8, 1000000>
  more = gt n, 0
  branch more, again, out
again:
  less = sub n, 1
  call deep(less)
  return
out:
  return
}
fn item<T: Any>(p: ptr<array<T, 3>>, i: i64) -> T {
entry:
  q = item p, i
  x = load q
  return x
}
fn check<T: Int>(i: T, n: T) {
entry:
  bounds i, n
  return
}
fn copies<T: Any>(p: ptr<T>, to: i64, from: i64, n: i64) {
entry:
  a = elem p, to
  b = elem p, from
  copy a, b, n
  return
}
fn fills(p: ptr<u8>, v: u8, n: i64) {
entry:
  fill p, v, n
  return
}
fn swapped<A: Any, B: Any>(x: Pair<A, B>) -> Pair<B, A> {
entry:
  from = slot Pair<A, B>
  store from, x
  to = slot Pair<B, A>
  fa = field from, a
  fb = field from, b
  a = load fa
  b = load fb
  ta = field to, a
  tb = field to, b
  store ta, b
  store tb, a
  y = load to
  return y
}
fn swap_at(p: ptr<Pair<u8, f64>>, q: ptr<Pair<f64, u8>>) {
entry:
  x = load p
  y = call swapped<u8, f64>(x)
  store q, y
  return
}
fn area(p: ptr<Shape>) -> f64 {
entry:
  tp = field p, tag
  tag = load tp
  circle = tagof Shape, Circle
  is_circle = eq tag, circle
  branch is_circle, round, other
round:
  rp = field p, Circle.radius
  r = load rp
  rr = mul r, r
  return rr
other:
  box = tagof Shape, Box
  is_box = eq tag, box
  branch is_box, rectangle, empty
rectangle:
  wp = field p, Box.width
  hp = field p, Box.height
  w = load wp
  h = load hp
  wh = mul w, h
  a: f64 = convert wh
  return a
empty:
  return 0
}
fn sizes<T: Any>() -> i64 {
entry:
  s = sizeof Pair<u8, T>
  a = alignof Pair<u8, T>
  o = offsetof Pair<u8, T>, b
  s1 = mul s, 10000
  a1 = mul a, 100
  sum = add s1, a1
  all = add sum, o
  return all
}
`);
verifyModule(module);
const call = instances(module);

function run(name: string, types: string, args: readonly IrValue[], memory: Memory = new LinearMemory()) {
  const fn = call({ template: name, typeArgs: types === '' ? [] : parseTypeList(types) });
  return interpret(fn, args, { memory, call });
}

describe('slots', () => {
  it('are filled with zeros at each execution, and stay where they are', () => {
    expect(run('counter', '', [3n])).toBe(3n); // before is 0 each time
  });

  it('belong to one activation', () => {
    expect(run('fresh', '', [10n])).toBe(55n);
  });

  it('end with it: their addresses trap, and no later slot has them', () => {
    expect(thrown(IrTrapError, () => run('dangling', '', []))).toMatchObject({ kind: 'memory', block: 'entry' });
  });

  it('are as long as they are', () => {
    expect(run('beyond', '', [15n])).toBe(0n);
    for (const i of [16n, -1n, 1n << 20n]) expect(() => run('beyond', '', [i])).toThrow(IrTrapError);
  });

  it('trap with stack-overflow where there is no space', () => {
    expect(run('deep', '', [7n])).toBeUndefined(); // eight million bytes
    expect(thrown(IrTrapError, () => run('deep', '', [8n]))).toMatchObject({ kind: 'stack-overflow', instruction: 0 });
    const fn = call({ template: 'big', typeArgs: [] });
    expect(() => interpret(fn, [], { maxSlotBytes: 999_999 })).toThrow(IrTrapError);
    expect(interpret(fn, [], { maxSlotBytes: 1_000_000 })).toBeUndefined();
  });
});

describe('item and bounds', () => {
  it('trap unless the index is inside', () => {
    const memory = new LinearMemory();
    const data = memory.map(new Float64Array([1, 2, 3, 4]));
    expect([0n, 1n, 2n].map((i) => run('item', 'f64', [data, i], memory))).toEqual([1, 2, 3]);
    for (const i of [3n, -1n, -(1n << 63n), (1n << 63n) - 1n]) {
      expect(thrown(IrTrapError, () => run('item', 'f64', [data, i], memory))).toMatchObject({ kind: 'bounds' });
    }
  });

  it('compare as the type does', () => {
    expect(run('check', 'u8', [254n, 255n])).toBeUndefined();
    expect(run('check', 'i64', [0n, 1n])).toBeUndefined();
    for (const [type, i, n] of [
      ['u8', 255n, 255n],
      ['i8', -1n, 5n],
      ['i64', 0n, 0n],
      ['i32', -5n, -3n],
      ['u64', 1n << 63n, 1n << 63n],
    ] as const) {
      expect(thrown(IrTrapError, () => run('check', type, [i, n]))).toMatchObject({ kind: 'bounds', instruction: 0 });
    }
  });
});

/** Load and store only, as a host may have it. */
class PlainMemory implements Memory {
  readonly inner = new LinearMemory();

  load(address: bigint, type: Parameters<Memory['load']>[1]): IrValue | undefined {
    return this.inner.load(address, type);
  }

  store(address: bigint, type: Parameters<Memory['load']>[1], value: IrValue): boolean {
    return this.inner.store(address, type, value);
  }
}

describe.each([
  ['that moves bytes', () => new LinearMemory(), (memory: Memory) => memory as LinearMemory],
  ['that does not', () => new PlainMemory(), (memory: Memory) => (memory as PlainMemory).inner],
] as const)('copy and fill in memory %s', (_, make, inner) => {
  it('overlap as memmove does', () => {
    for (const [to, from, n] of [
      [2n, 0n, 5n],
      [0n, 2n, 5n],
      [1n, 0n, 7n],
      [3n, 3n, 2n],
      [0n, 4n, 0n],
      [0n, 4n, -1n],
    ] as const) {
      const memory = make();
      const data = BigInt64Array.from({ length: 8 }, (__, i) => BigInt(i) + 1n);
      const expected = data.slice().copyWithin(Number(to), Number(from), Number(from + (n > 0n ? n : 0n)));
      run('copies', 'i64', [inner(memory).map(data), to, from, n], memory);
      expect(data).toEqual(expected);
    }
  });

  it('move much, either way', () => {
    const bytes = Uint8Array.from({ length: 300_000 }, (__, i) => (i * 31) % 251);
    for (const [to, from] of [
      [1n, 0n],
      [0n, 1n],
      [100_000n, 3n],
      [3n, 100_000n],
    ] as const) {
      const memory = make();
      const data = bytes.slice();
      run('copies', 'u8', [inner(memory).map(data), to, from, 199_990n], memory);
      expect(Buffer.compare(data, bytes.slice().copyWithin(Number(to), Number(from), Number(from) + 199_990))).toBe(0);
    }
  });

  it('fill', () => {
    const memory = make();
    const data = new Uint8Array(8);
    const at = inner(memory).map(data);
    run('fills', '', [at + 1n, 7n, 3n], memory);
    run('fills', '', [at, 9n, 0n], memory);
    run('fills', '', [at, 9n, -5n], memory);
    expect([...data]).toEqual([0, 7, 7, 7, 0, 0, 0, 0]);
  });

  it('trap where something is not there, however long', () => {
    const memory = make();
    const data = inner(memory).map(new Uint8Array(8));
    for (const n of [9n, 1n << 40n, (1n << 63n) - 1n]) {
      expect(thrown(IrTrapError, () => run('copies', 'u8', [data, 0n, 0n, n], memory))).toMatchObject({
        kind: 'memory',
      });
      expect(thrown(IrTrapError, () => run('fills', '', [data, 1n, n], memory))).toMatchObject({ kind: 'memory' });
    }
    // 2^61 elements of eight bytes are not none.
    expect(thrown(IrTrapError, () => run('copies', 'i64', [data, 0n, 0n, 1n << 61n], memory))).toMatchObject({
      kind: 'memory',
    });
    expect(thrown(IrTrapError, () => run('fills', '', [0n, 1n, 1n], memory))).toMatchObject({ address: 0n });
  });
});

describe('aggregates', () => {
  it('pass by value, in and out', () => {
    const memory = new LinearMemory();
    const from = new DataView(new ArrayBuffer(16));
    from.setUint8(0, 200);
    from.setFloat64(8, 1.5, true);
    const to = new DataView(new ArrayBuffer(16));
    run('swap_at', '', [memory.map(from), memory.map(to)], memory);
    expect([to.getFloat64(0, true), to.getUint8(8)]).toEqual([1.5, 200]);
  });

  it('have tags and payloads', () => {
    const memory = new LinearMemory();
    const shape = new DataView(new ArrayBuffer(16));
    const at = memory.map(shape);
    expect(run('area', '', [at], memory)).toBe(0);
    shape.setUint32(0, 1, true);
    shape.setFloat64(8, 3, true);
    expect(run('area', '', [at], memory)).toBe(9);
    shape.setUint32(0, 2, true);
    shape.setFloat32(8, 2.5, true);
    shape.setFloat32(12, 4, true);
    expect(run('area', '', [at], memory)).toBe(10);
  });

  it('have the layout of C', () => {
    expect(['u8', 'i32', 'f64', 'Pair<u8, i16>', 'array<i32, 3>'].map((type) => run('sizes', type, []))).toEqual([
      20101n,
      80404n,
      160808n,
      60202n,
      160404n,
    ]);
  });
});

describe('LinearMemory', () => {
  it('ends regions, and gives their addresses to no other', () => {
    const memory = new LinearMemory();
    const [a, b] = [memory.map(new Uint8Array(10)), memory.map(new Uint8Array(20))];
    expect([memory.sizeAt(a), memory.sizeAt(b), memory.sizeAt(a + 1n)]).toEqual([10, 20, undefined]);
    expect([memory.unmap(a), memory.unmap(a), memory.unmap(b + 1n)]).toEqual([true, false, false]);
    expect(memory.load(a, scalar('u8'))).toBeUndefined();
    expect(memory.load(b, scalar('u8'))).toBe(0n);
    expect(memory.map(new Uint8Array(1))).toBeGreaterThan(b);
    expect(memory.readBytes(b, 21)).toBeUndefined();
    expect(memory.writeBytes(b + 19n, Uint8Array.of(1, 2))).toBe(false);
    expect(memory.writeBytes(b + 18n, Uint8Array.of(1, 2))).toBe(true);
    expect([...memory.readBytes(b + 17n, 3)!]).toEqual([0, 1, 2]);
  });

  it.each<[string, (buffer: ArrayBuffer) => void]>([
    ['detached', (buffer) => structuredClone(buffer, { transfer: [buffer] })],
    ['shrunk', (buffer) => (buffer as ArrayBuffer & { resize(length: number): void }).resize(8)],
  ])('has no bytes of a buffer that was %s', (_, change) => {
    const memory = new LinearMemory();
    // The library that we compile against does not have the second parameter yet.
    const Resizable = ArrayBuffer as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
    const buffer = new Resizable(16, { maxByteLength: 16 });
    const at = memory.map(new BigInt64Array(buffer));
    memory.store(at, scalar('i64'), 5n);
    expect(memory.load(at, scalar('i64'))).toBe(5n);
    change(buffer);
    expect(memory.load(at, scalar('i64'))).toBeUndefined();
    expect(memory.store(at, scalar('u8'), 1n)).toBe(false);
    expect(memory.readBytes(at, 8)).toBeUndefined();
    expect(memory.writeBytes(at, new Uint8Array(1))).toBe(false);
    expect(memory.unmap(at)).toBe(true);
  });

  it('allocates only what has a size of its own', () => {
    expect(() => new LinearMemory().allocate(parseTypeList('Pair<u8, u8>')[0]!, 1)).toThrow(TypeError);
  });
});
