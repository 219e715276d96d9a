// Writing back without blocking the event loop, and instantiation without touching the file system.
import fs, { mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JitInstantiator } from '../src/index.js';
import { call, useWorkspace } from './support.js';

const workspace = useWorkspace();
let path: string;
let jit: JitInstantiator;
beforeEach(() => {
  path = workspace.library();
  jit = new JitInstantiator({ flushDelay: 60_000, lockTimeout: 30_000, cacheDirectory: undefined });
  jit.loadSmfMetadata(path);
});
afterEach(() => jit.close());

const compile = (symbol = 'fn$sum$f64') => expect(jit.tryJitInstantiate(symbol).kind).toBe('success');

/** What a new instantiator finds in the file. */
function persisted(...symbols: string[]): number {
  using next = new JitInstantiator({ updateSmf: false });
  next.loadSmfMetadata(path);
  for (const symbol of symbols) next.tryJitInstantiate(symbol);
  return next.stats().persisted;
}

test('writes what waits', async () => {
  compile();
  expect(await jit.flushAsync()).toEqual([]);
  expect(jit.stats().pendingWrites).toBe(0);
  expect(persisted('fn$sum$f64')).toBe(1);
  expect(await jit.flushAsync()).toEqual([]);
});

test('while another process holds the lock, the event loop turns; what is compiled meanwhile is written too', async () => {
  compile();
  mkdirSync(`${path}.lock`);
  let done = false;
  const flushed = jit.flushAsync().finally(() => {
    done = true;
  });
  let turns = 0;
  for (; turns < 5; turns++) await delay(5);
  expect(done).toBe(false);
  compile('fn$sum$i64');
  rmdirSync(`${path}.lock`);
  expect(await flushed).toEqual([]);
  expect(jit.stats().pendingWrites).toBe(0);
  expect(persisted('fn$sum$f64', 'fn$sum$i64')).toBe(2);
  expect(readdirSync(workspace.folder)).toEqual(['collections.smf']);
});

test('several at once, with flush() in between, write everything once', async () => {
  compile();
  mkdirSync(`${path}.lock`);
  const waiting = [jit.flushAsync(), jit.flushAsync()];
  await delay(5);
  rmdirSync(`${path}.lock`);
  expect(jit.flush()).toEqual([]);
  const { ino } = statSync(path);
  expect(await Promise.all(waiting)).toEqual([[], []]);
  expect(statSync(path).ino).toBe(ino);
  expect(persisted('fn$sum$f64')).toBe(1);
});

test('a lock that stays: a failure is told, never thrown, and the function stays queued', async () => {
  jit.close();
  jit = new JitInstantiator({ flushDelay: 60_000, lockTimeout: 30, cacheDirectory: undefined });
  jit.loadSmfMetadata(path);
  compile();
  mkdirSync(`${path}.lock`);
  const failures = await jit.flushAsync();
  expect(failures).toEqual([{ path, symbols: ['fn$sum$f64'], error: expect.objectContaining({ code: 'ELOCKED' }) }]);
  expect(jit.tryJitInstantiate('fn$sum$f64')).toMatchObject({ kind: 'updateFailed' });
  rmdirSync(`${path}.lock`);
  expect(await jit.flushAsync()).toEqual([]);
  compile();
});

test('closing while it waits: close() writes, and nothing is written after', async () => {
  compile();
  mkdirSync(`${path}.lock`);
  const waiting = jit.flushAsync();
  await delay(5);
  rmdirSync(`${path}.lock`);
  jit.close();
  const { ino } = statSync(path);
  expect(await waiting).toEqual([]);
  expect(statSync(path).ino).toBe(ino);
  expect(persisted('fn$sum$f64')).toBe(1);
});

test('the idle timer waits for a lock without blocking', async () => {
  jit.close();
  jit = new JitInstantiator({ flushDelay: 1, lockTimeout: 30_000, cacheDirectory: undefined });
  jit.loadSmfMetadata(path);
  mkdirSync(`${path}.lock`);
  compile();
  for (let i = 0; i < 5; i++) await delay(10); // blocked for up to 30 seconds otherwise
  expect(jit.stats().pendingWrites).toBe(1);
  rmdirSync(`${path}.lock`);
  while (jit.stats().pendingWrites > 0) await delay(5);
  expect(persisted('fn$sum$f64')).toBe(1);
});

test('until flush(), write-back does no file system work for a function, and a look at permissions for a file', () => {
  const calls = new Map<string, number>();
  const restore: (() => void)[] = [];
  for (const [name, original] of Object.entries(fs)) {
    if (typeof original !== 'function' || /^[A-Z]|^_/.test(name)) continue;
    const counted = Object.assign(function (this: unknown, ...args: unknown[]) {
      calls.set(name, (calls.get(name) ?? 0) + 1);
      return Reflect.apply(original as (...args: unknown[]) => unknown, this, args);
    }, original);
    Object.assign(fs, { [name]: counted });
    restore.push(() => Object.assign(fs, { [name]: original }));
  }
  syncBuiltinESMExports();
  try {
    const before = statSync(path);
    calls.clear();
    compile('fn$sum$f64');
    const first = new Map(calls);
    expect([...first.keys()].sort()).toEqual(
      ['accessSync', 'realpathSync'].concat(first.has('lstatSync') ? ['lstatSync'] : []).sort(),
    );
    calls.clear();
    for (const type of ['i8', 'i16', 'i32', 'i64', 'u8', 'f32']) compile(`fn$median$${type}`);
    expect(call(jit, 'fn$sum$i64', new BigInt64Array([1n, 2n]), 2n)).toBe(3n);
    expect(Object.fromEntries(calls)).toEqual({});
    expect(jit.stats().pendingWrites).toBeGreaterThan(15);
    expect(statSync(path)).toEqual(before);
    expect(readdirSync(workspace.folder)).toEqual(['collections.smf']);
    calls.clear();
    expect(jit.flush()).toEqual([]);
    expect(calls.get('renameSync')).toBe(1);
    expect(statSync(path).ino).not.toBe(before.ino);
  } finally {
    for (const undo of restore) undo();
    syncBuiltinESMExports();
  }
});
