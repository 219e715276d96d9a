// Slots, fields, elements, blocks of memory: what aggregates become, native beside the interpreter, with many and with few registers.
import { CodeArena, processSymbol } from '@simple-jit/native-mem';
import { describe, expect, it } from 'vitest';
import { slotKeyOf } from '../src/index.js';
import type { InternalOptions } from '../src/unit.js';
import { agree, functionsOf } from './support/agree.js';
import { runNatively } from './support/native.js';
import { SCARCE } from './support/random-programs.js';

const registerSets: readonly (readonly [string, InternalOptions])[] = [
  ['all registers', {}],
  ...SCARCE.map((registers, i) => [`few registers ${i}`, { registers }] as const),
];

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
/** Integers that make every offset and every step of a copy tell. */
const SPREAD = [0n, 1n, 2n, 3n, 5n, 7n, 8n, 11n, 15n, 16n, 17n, 31n, 64n, 100n];

/** A weighted sum of the bytes of `data`, from 0 to `n`. */
const CHECKSUM = `
fn checksum(data: ptr<u8>, n: i64) -> u64 {
entry:
  jump loop(0, 7)
loop(i: i64, sum: u64):
  more = lt i, n
  branch more, body, done
body:
  p = elem data, i
  b = load p
  w: u64 = convert b
  m = mul sum, 31
  s = add m, w
  k = add i, 1
  jump loop(k, s)
done:
  return sum
}`;

/** Fills `data` with bytes that all differ from their neighbours. */
const PREPARE = `
fn prepare(data: ptr<u8>, n: i64) {
entry:
  jump loop(0)
loop(i: i64):
  more = lt i, n
  branch more, body, done
body:
  p = elem data, i
  a = mul i, 37
  h = shr i, 3
  b = add a, h
  c: u8 = convert b
  store p, c
  k = add i, 1
  jump loop(k)
done:
  return
}`;

/** Every way in which a block of constant size is cut into pieces, and what is beyond. */
const COPY_SIZES = [...range(36), 47, 48, 49, 63, 64, 65, 80, 100, 127, 128, 129, 200];
const SOME_SIZES = [3, 7, 16, 31, 40, 128, 130];

describe.each(registerSets)('%s', (_, options) => {
  it.each(options.registers === undefined ? COPY_SIZES : SOME_SIZES)('copies %i bytes, overlapping or not', (n) => {
    const text = `
fn f(to: i64, from: i64, n: i64) -> u64 {
entry:
  a = slot array<u8, 350>
  p: u64 = cast a
  base: ptr<u8> = cast p
  call prepare(base, 350)
  t = elem base, to
  s = elem base, from
  copy t, s, ${n}
  r = call checksum(base, 350)
  return r
}
fn variable(to: i64, from: i64, n: i64) -> u64 {
entry:
  a = slot array<u8, 350>
  p: u64 = cast a
  base: ptr<u8> = cast p
  call prepare(base, 350)
  t = elem base, to
  s = elem base, from
  copy t, s, n
  r = call checksum(base, 350)
  return r
}`;
    const places = [0, 1, 3, 8, 9, 16, 17, 100].flatMap((d) => [
      [20n, BigInt(20 + d), BigInt(n)],
      [BigInt(20 + d), 20n, BigInt(n)],
    ]);
    agree(functionsOf(text + CHECKSUM + PREPARE), [...places, [20n, 30n, -1n]], options, 'fn$f');
    agree(functionsOf(text + CHECKSUM + PREPARE), [...places, [20n, 30n, -1n]], options, 'fn$variable');
  });

  it.each([1, 2, 3, 5, 8, 12, 13, 24, 33, 64, 65, 100])('fills %i bytes', (n) => {
    const text = `
fn f(to: i64, b: u8, n: i64) -> u64 {
entry:
  a = slot array<u8, 200>
  p: u64 = cast a
  base: ptr<u8> = cast p
  call prepare(base, 200)
  t = elem base, to
  fill t, b, ${n}
  r = call checksum(base, 200)
  fill t, 165, ${n}
  s = call checksum(base, 200)
  fill t, b, n
  u = call checksum(base, 200)
  x = mul r, s
  y = add x, u
  return y
}`;
    agree(
      functionsOf(text + CHECKSUM + PREPARE),
      SPREAD.map((at) => [at, BigInt.asUintN(8, at * 91n), at - 3n]),
      options,
      'fn$f',
    );
  });

  it.each([1, 3, 8, 12, 16, 24, 40, 100, 128, 130, 144, 1000, 5000])('zeroes a slot of %i bytes', (n) => {
    const text = `
fn f(x: u8) -> u64 {
entry:
  dirty = call soil(x)
  a = slot array<u8, ${n}>
  p: u64 = cast a
  base: ptr<u8> = cast p
  r = call checksum(base, ${n})
  s = add r, dirty
  return s
}
fn soil(x: u8) -> u64 {
entry:
  a = slot array<u8, ${n + 300}>
  p: u64 = cast a
  base: ptr<u8> = cast p
  fill base, x, ${n + 300}
  q = elem base, ${n}
  b = load q
  r: u64 = convert b
  return r
}`;
    agree(functionsOf(text + CHECKSUM), [[255n], [1n]], options, 'fn$f');
  });

  it('fields, elements and items of structs, as addresses and in addressing modes', () => {
    const text = `
struct Point {
  x: f32
  y: f64
  tag: u8
}
struct Triple {
  a: u8
  points: array<Point, 5>
  odd: array<array<u8, 3>, 7>
  b: i16
}
fn f(i: i64, j: i64, k: i64) -> f64 {
entry:
  t = slot Triple
  u = slot Triple
  a = field t, a
  store a, 200
  b = field t, b
  store b, -3
  points = field t, points
  p = item points, i
  px = field p, x
  py = field p, y
  pt = field p, tag
  store px, 1.5
  store py, 2.25
  store pt, 9
  odd = field t, odd
  row = item odd, j
  cell = item row, k
  store cell, 77
  store cell, 78
  copy u, t, 1
  points2 = field u, points
  q = item points2, i
  qx = field q, x
  qy = field q, y
  x = load qx
  y = load qy
  wide: f64 = convert x
  sum = add wide, y
  c: f64 = call cells(u)
  z = mul sum, c
  return z
}
fn cells(t: ptr<Triple>) -> f64 {
entry:
  odd = field t, odd
  jump loop(0, 0)
loop(i: i64, sum: i64):
  more = lt i, 21
  branch more, body, done
body:
  row = div i, 3
  column = rem i, 3
  r = item odd, row
  p = item r, column
  v = load p
  w: i64 = convert v
  m = mul sum, 3
  s = add m, w
  k = add i, 1
  jump loop(k, s)
done:
  b = field t, b
  h = load b
  hw: i64 = convert h
  total = add sum, hw
  a = field t, a
  g = load a
  gw: i64 = convert g
  all = add total, gw
  result: f64 = convert all
  return result
}`;
    const indexes = [0n, 1n, 2n, 4n, 5n, 6n, 7n, -1n, 1n << 40n, -(1n << 63n)];
    const args = indexes.flatMap((i) => indexes.flatMap((j) => indexes.slice(0, 8).map((k) => [i, j, k])));
    agree(functionsOf(text), args, options, 'fn$f');
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 9, 12, 16, 20, 24, 36, 40, 72, 80, 100, 128, 1000])('elements of %i bytes', (size) => {
    const text = `
fn f(p: u64, i: i64) -> u64 {
entry:
  q: ptr<array<u8, ${size}>> = cast p
  e = elem q, i
  r: u64 = cast e
  g = elem e, 3
  s: u64 = cast g
  h = elem g, i
  t: u64 = cast h
  x = mul r, 31
  y = add x, s
  z = mul y, 31
  w = add z, t
  return w
}`;
    const args = [0n, 1n, -1n, 7n, 1n << 33n, -(1n << 62n)].flatMap((i) => [
      [0n, i],
      [1000n, i],
      [(1n << 64n) - 1n, i],
    ]);
    agree(functionsOf(text), args, options);
  });
});

describe('what does not fit', () => {
  it('a count that no memory has is a memory trap, and changes nothing', () => {
    const text = `
fn f(p: ptr<u32>, n: i64) {
entry:
  q = elem p, 1
  copy q, p, n
  return
}
fn g(p: ptr<u8>, n: i64) {
entry:
  fill p, 9, n
  return
}
fn h(p: ptr<u32>) {
entry:
  copy p, p, 9223372036854775807
  return
}`;
    const native = runNatively(functionsOf(text));
    try {
      const buffer = Uint32Array.of(1, 2, 3, 4, 5);
      for (const n of [1n << 40n, 1n << 50n, 1n << 62n, (1n << 63n) - 1n]) {
        for (const symbol of ['fn$f', 'fn$g', 'fn$h']) {
          expect(() => native.call(symbol, symbol === 'fn$h' ? [buffer] : [buffer, n])).toThrow(
            expect.objectContaining({ kind: 'memory' }),
          );
        }
      }
      expect([...buffer]).toEqual([1, 2, 3, 4, 5]);
      for (const n of [0n, -1n, -(1n << 63n)]) {
        native.call('fn$f', [0n, n]);
        native.call('fn$g', [0n, n]);
      }
    } finally {
      native.close();
    }
  });

  it('a copy or fill whose end is not there writes nothing of its beginning', () => {
    const text = `
fn map(bytes: u64) -> ptr<u8> {
entry:
  anywhere: ptr<u8> = const null
  readable_and_writable: i32 = const 3
  private_and_anonymous: i32 = const 34
  no_file: i32 = const -1
  start: i64 = const 0
  p: ptr<u8> = extern mmap(anywhere, bytes, readable_and_writable, private_and_anonymous, no_file, start)
  return p
}
fn close(p: ptr<u8>, bytes: u64) -> i32 {
entry:
  none: i32 = const 0
  r: i32 = extern mprotect(p, bytes, none)
  return r
}
fn unmap(p: ptr<u8>, bytes: u64) -> i32 {
entry:
  r: i32 = extern munmap(p, bytes)
  return r
}
fn byte(p: ptr<u8>, i: i64) -> u8 {
entry:
  q = elem p, i
  b = load q
  return b
}
fn copied(p: ptr<u8>, q: ptr<u8>, n: i64) {
entry:
  copy p, q, n
  return
}
fn copied_many(p: ptr<u8>, q: ptr<u8>, n: i64) {
entry:
  copy p, q, 300
  return
}
fn filled(p: ptr<u8>, q: ptr<u8>, n: i64) {
entry:
  fill p, 9, n
  return
}`;
    const arena = CodeArena.default();
    const slots = ['mmap', 'mprotect', 'munmap'].map(
      (name) => [name, arena.allocateSlot(processSymbol(name)!)] as const,
    );
    const native = runNatively(
      functionsOf(text),
      new Map(slots.map(([symbol, { address }]) => [slotKeyOf({ kind: 'external', symbol }), address])),
    );
    const page = native.call('fn$map', [8192n]) as bigint;
    try {
      expect(native.call('fn$close', [page + 4096n, 4096n])).toBe(0n);
      const source = new Uint8Array(4096).fill(7);
      const target = page + 4096n - 16n;
      for (const symbol of ['fn$copied', 'fn$copied_many', 'fn$filled']) {
        expect(() => native.call(symbol, [target, source, 200n])).toThrow(expect.objectContaining({ kind: 'memory' }));
      }
      for (let i = 0n; i < 16n; i++) expect(native.call('fn$byte', [target, i])).toBe(0n);
    } finally {
      native.call('fn$unmap', [page, 8192n]);
      native.close();
      for (const [, slot] of slots) slot.close();
    }
  });

  it('a slot that the stack has no room for is a stack overflow, not a jump over the guard page', () => {
    const text = `
fn f(x: i64) -> i64 {
entry:
  a = slot array<i64, 33554432>
  p = item a, 5
  store p, x
  r = load p
  return r
}`;
    const native = runNatively(functionsOf(text));
    try {
      expect(() => native.call('fn$f', [1n])).toThrow(expect.objectContaining({ kind: 'stack-overflow' }));
    } finally {
      native.close();
    }
  });
});
