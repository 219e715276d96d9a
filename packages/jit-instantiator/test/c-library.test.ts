// C functions that interpreted templates may call: they do what those of the process do, in both modes.
import { beforeEach, describe, expect, test } from 'vitest';
import { type Callable, JitInstantiator } from '../src/index.js';
import { assemble, useWorkspace } from './support.js';

const workspace = useWorkspace();
const NAMES = ['malloc', 'calloc', 'realloc', 'free', 'memcpy', 'memmove', 'memset', 'memcmp', 'strlen'];
const LIBRARY = `
fn allocate(n: u64) -> ptr<u8> {
entry:
  p: ptr<u8> = extern malloc(n)
  return p
}
fn zeroed(count: u64, size: u64) -> ptr<u8> {
entry:
  p: ptr<u8> = extern calloc(count, size)
  return p
}
fn resize(p: ptr<u8>, n: u64) -> ptr<u8> {
entry:
  q: ptr<u8> = extern realloc(p, n)
  return q
}
fn release(p: ptr<u8>) {
entry:
  extern free(p)
  return
}
fn copied(to: ptr<u8>, from: ptr<u8>, n: u64) -> ptr<u8> {
entry:
  p: ptr<u8> = extern memcpy(to, from, n)
  return p
}
fn moved(to: ptr<u8>, from: ptr<u8>, n: u64) -> ptr<u8> {
entry:
  p: ptr<u8> = extern memmove(to, from, n)
  return p
}
fn filled(to: ptr<u8>, byte: i32, n: u64) -> ptr<u8> {
entry:
  p: ptr<u8> = extern memset(to, byte, n)
  return p
}
fn order(a: ptr<u8>, b: ptr<u8>, n: u64) -> i32 {
entry:
  x: i32 = extern memcmp(a, b, n)
  return x
}
fn length(text: ptr<u8>) -> u64 {
entry:
  n: u64 = extern strlen(text)
  return n
}
fn at(p: ptr<u8>, i: i64) -> u8 {
entry:
  q = elem p, i
  x = load q
  return x
}`;

describe.each(['native', 'interpret'] as const)('%s', (mode) => {
  let jit: JitInstantiator;
  let fn: (name: string) => Callable;
  beforeEach(() => {
    jit = new JitInstantiator({ mode, externals: NAMES, updateSmf: false });
    jit.loadSmfMetadata(workspace.write('lib.smf', assemble(LIBRARY)));
    fn = (name) => {
      const result = jit.tryJitInstantiate(`fn$${name}`);
      expect(result).toMatchObject({ kind: 'success' });
      return jit.callable(`fn$${name}`)!;
    };
    return () => jit.close();
  });

  test('memory is allocated, filled, resized, compared and freed', () => {
    const p = fn('allocate')(100n) as bigint;
    expect(p).not.toBe(0n);
    expect(fn('filled')(p, 0x1ff, 100n)).toBe(p);
    expect(fn('at')(p, 99n)).toBe(255);
    const q = fn('resize')(p, 10_000n) as bigint;
    expect(fn('at')(q, 99n)).toBe(255);
    const r = fn('zeroed')(25n, 4n) as bigint;
    expect(fn('at')(r, 99n)).toBe(0);
    expect(fn('order')(r, q, 100n)).toBeLessThan(0);
    expect(fn('order')(q, r, 100n)).toBeGreaterThan(0);
    expect(fn('copied')(r, q, 100n)).toBe(r);
    expect(fn('order')(r, q, 100n)).toBe(0);
    for (const address of [q, r, 0n]) fn('release')(address);
    const fresh = fn('resize')(0n, 8n) as bigint;
    expect(fresh).not.toBe(0n);
    fn('release')(fresh);
  });

  test('what cannot be allocated is null', () => {
    expect(fn('allocate')((1n << 63n) - 1n)).toBe(0n);
    expect(fn('zeroed')(1n << 40n, 1n << 40n)).toBe(0n);
  });

  test('the buffers of a call are memory too', () => {
    const text = new Uint8Array([1, 2, 3, 4, 0, 9]);
    expect(fn('length')(text)).toBe(4n);
    fn('moved')(text.subarray(1), text, 4n);
    expect([...text]).toEqual([1, 1, 2, 3, 4, 9]);
    expect(fn('order')(text, text, 0n)).toBe(0);
  });
});

describe('interpreted, what is undefined in C is an error', () => {
  test.each([
    ['release', [4096n], /free at 0x1000: malloc did not give it/],
    ['resize', [4096n, 1n], /realloc at 0x1000/],
    ['length', [0n], /strlen at 0x0/],
    ['filled', [16n, 0, 1n], /memset at 0x10/],
    ['copied', [new Uint8Array(2), 16n, 1n], /memcpy at 0x10/],
    ['order', [16n, 16n, 1n << 40n], /memcmp at 0x10/],
  ])('%s', (name, args, message) => {
    const jit = new JitInstantiator({ mode: 'interpret', externals: NAMES, updateSmf: false });
    jit.loadSmfMetadata(workspace.write('lib.smf', assemble(LIBRARY)));
    jit.tryJitInstantiate(`fn$${name}`);
    expect(() => jit.callable(`fn$${name}`)!(...args)).toThrow(message);
    jit.close();
  });
});
