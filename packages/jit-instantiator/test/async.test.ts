// Instantiation in slices: nothing is compiled twice, nothing is published half, and the world may change meanwhile.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JitInstantiator } from '../src/index.js';
import { assemble, call, useWorkspace } from './support.js';

const workspace = useWorkspace();
let jit: JitInstantiator;
beforeEach(() => {
  jit = new JitInstantiator({ updateSmf: false });
});
afterEach(() => jit.close());

const TYPES = ['i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64', 'f32', 'f64'];

/** Templates that each call the next two: whoever asks for one needs what others ask for. */
function chain(length: number): string {
  const call = (i: number, name: string) =>
    i < length ? `  ${name}: T = call f${i}<T>(x)\n` : `  ${name} = add x, x\n`;
  return Array.from(
    { length },
    (_, i) =>
      `fn f${i}<T: Num>(x: T) -> T {\nentry:\n  again = lt x, x\n  branch again, more, done\nmore:\n${call(i + 1, 'a')}${call(i + 2, 'b')}  y = add a, b\n  return y\ndone:\n  return x\n}\n`,
  ).join('');
}

test('64 concurrent requests for 1,000 overlapping symbols compile each once', async () => {
  jit.close();
  jit = new JitInstantiator({ updateSmf: false, maxDepth: 1000 });
  jit.loadSmfMetadata(workspace.write('chain.smf', assemble(chain(100))));
  const symbols = TYPES.flatMap((type) => Array.from({ length: 100 }, (_, i) => `fn$f${i}$${type}`));
  const results = await Promise.all(
    Array.from({ length: 64 }, async (_, requester) => {
      const start = (requester * 131) % symbols.length;
      const addresses = new Map<string, bigint>();
      for (let i = 0; i < symbols.length; i++) {
        const symbol = symbols[(start + i * 7) % symbols.length]!;
        const result = await jit.instantiateAsync(symbol);
        if (result.kind !== 'success') throw new Error(JSON.stringify(result));
        addresses.set(symbol, result.address);
      }
      return addresses;
    }),
  );
  expect(jit.stats()).toMatchObject({ compileCount: 1000, cachedCount: 1000, failed: 0 });
  for (const addresses of results) {
    expect(addresses.size).toBe(1000);
    for (const [symbol, address] of addresses) expect(results[0]!.get(symbol)).toBe(address);
  }
  expect(call(jit, 'fn$f0$i64', 7n)).toBe(7n);
});

test('the event loop turns in between, and sees nothing half done', async () => {
  jit.loadSmfMetadata(workspace.library());
  const seen = new Set<number>();
  let turns = 0;
  let done = false;
  const watcher = (async () => {
    while (!done) {
      await nextTurn();
      turns += 1;
      seen.add(jit.stats().cachedCount);
    }
  })();
  const result = await jit.instantiateAsync('fn$median$f64');
  expect(jit.stats().cachedCount).toBe(3);
  done = true;
  await watcher;
  expect(result.kind).toBe('success');
  expect(turns).toBeGreaterThanOrEqual(3);
  for (const count of seen) expect([0, 3]).toContain(count);
});

test('requests for what another one needs, and synchronous ones, share the work', async () => {
  jit.loadSmfMetadata(workspace.library());
  const median = jit.instantiateAsync('fn$median$f64');
  const again = jit.instantiateAsync('fn$median$f64');
  const sort = jit.instantiateAsync('fn$sort$f64');
  await nextTurn();
  const sync = jit.tryJitInstantiate('fn$sort$f64');
  expect(await sort).toMatchObject({ kind: 'success', address: 'address' in sync ? sync.address : 0n });
  expect(await median).toEqual(await again);
  expect(jit.stats()).toMatchObject({ compileCount: 3, cachedCount: 3 });
  expect(await jit.instantiateAsync('fn$median$f64')).toEqual(await median);
});

test('not found, and disabled', async () => {
  jit.loadSmfMetadata(workspace.library());
  expect(await jit.instantiateAsync('fn$nothing')).toEqual({ kind: 'notFound', symbol: 'fn$nothing' });
  using disabled = new JitInstantiator({ enabled: false });
  expect(await disabled.instantiateAsync('fn$sum$f64')).toEqual({ kind: 'notFound', symbol: 'fn$sum$f64' });
});

const USER = 'fn user<T: Num>(x: T) -> T {\nentry:\n  y: T = call step<T>(x)\n  return y\n}\n';
const step = (op: string) => `fn step<T: Num>(x: T) -> T {\nentry:\n  y = ${op} x, x\n  return y\n}\n`;

test('a failure reaches every waiter, and can be tried again', async () => {
  jit.close();
  jit = new JitInstantiator({ updateSmf: false, maxDepth: 2 });
  jit.loadSmfMetadata(workspace.library());
  const waiters = Array.from({ length: 5 }, () => jit.instantiateAsync('fn$median$f64'));
  for (const result of await Promise.all(waiters)) {
    expect(result).toMatchObject({ kind: 'compilationError', message: expect.stringContaining('depth (2)') });
  }
  expect(jit.stats()).toMatchObject({ failed: 1, cachedCount: 0 });
  expect((await jit.instantiateAsync('fn$sort$f64')).kind).toBe('success');
  expect((await jit.instantiateAsync('fn$median$f64')).kind).toBe('success');
});

test('a failure in the middle poisons nothing: what was prepared is used, and a mended library works', async () => {
  // `user` compiles, what it calls is missing: the failure comes after the first turn.
  const path = workspace.write('lib.smf', assemble(USER.replaceAll('step', 'missing')));
  jit.loadSmfMetadata(path);
  const [first, second] = await Promise.all([jit.instantiateAsync('fn$user$i64'), jit.instantiateAsync('fn$user$i64')]);
  for (const result of [first, second]) {
    expect(result).toMatchObject({
      kind: 'compilationError',
      message: expect.stringContaining('no loaded module holds the template missing'),
    });
  }
  expect(jit.stats()).toMatchObject({ cachedCount: 0, failed: 1, compileCount: 1 });
  expect((await jit.instantiateAsync('fn$user$i64')).kind).toBe('compilationError');
  jit.loadSmfMetadata(workspace.write('lib.smf', assemble(USER + step('mul'))));
  expect((await jit.instantiateAsync('fn$user$i64')).kind).toBe('success');
  expect(call(jit, 'fn$user$i64', 6n)).toBe(36n);
});

test('a failure of one among many at once fails that one alone', async () => {
  const bad =
    'fn bad<T: Num>(x: T) -> T {\nentry:\n  y: T = call step<T>(x)\n  z: T = call missing<T>(y)\n  return z\n}\n';
  jit.loadSmfMetadata(workspace.write('lib.smf', assemble(step('add') + USER + bad)));
  const symbols = TYPES.flatMap((type) => [`fn$bad$${type}`, `fn$user$${type}`, `fn$step$${type}`]);
  const results = await Promise.all(symbols.map((symbol) => jit.instantiateAsync(symbol)));
  for (const [i, { kind }] of results.entries()) {
    expect(kind).toBe(symbols[i]!.includes('bad') ? 'compilationError' : 'success');
  }
  // Each bad one was compiled, and never installed; what it shares with the others was compiled once.
  expect(jit.stats()).toMatchObject({ cachedCount: 20, compileCount: 30, failed: 10 });
  expect(call(jit, 'fn$user$f64', 2.5)).toBe(5);
});

test('a reload meanwhile: the result is of the new version', async () => {
  jit.loadSmfMetadata(workspace.write('lib.smf', assemble(step('add') + USER)));
  const pending = jit.instantiateAsync('fn$user$i64');
  await nextTurn();
  jit.loadSmfMetadata(workspace.write('lib.smf', assemble(step('mul') + USER)));
  expect((await pending).kind).toBe('success');
  expect(call(jit, 'fn$user$i64', 5n)).toBe(25n);
});

test('an unload meanwhile: not found', async () => {
  const path = workspace.write('lib.smf', assemble(step('add') + USER));
  jit.loadSmfMetadata(path);
  const pending = jit.instantiateAsync('fn$user$i64');
  await nextTurn();
  jit.unloadSmf(path);
  expect(await pending).toEqual({ kind: 'notFound', symbol: 'fn$user$i64' });
});

test('a close meanwhile is ERR_CLOSED', async () => {
  jit.loadSmfMetadata(workspace.library());
  const pending = jit.instantiateAsync('fn$median$f64');
  jit.close();
  await expect(pending).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  await expect(jit.instantiateAsync('fn$median$f64')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
});
