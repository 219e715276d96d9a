// What subscribers of node:diagnostics_channel get to know.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JitInstantiator } from '../src/index.js';
import { useWorkspace } from './support.js';

const workspace = useWorkspace();
const NAMES = ['load', 'instantiate', 'write-back', 'drop'].map((name) => `simple-jit:${name}`);
let events: [name: string, data: unknown][];
const note = (data: unknown, name: string | symbol) => events.push([String(name), data]);

beforeEach(() => {
  events = [];
  for (const name of NAMES) subscribe(name, note);
});
afterEach(() => {
  for (const name of NAMES) unsubscribe(name, note);
});

const durationMs = expect.any(Number);

test('each step is an event, with its duration', () => {
  const path = workspace.library();
  using jit = new JitInstantiator({ flushDelay: 60_000, cacheDirectory: undefined });
  jit.loadSmfMetadata(path);
  jit.tryJitInstantiate('fn$median$f64');
  jit.tryJitInstantiate('fn$median$f64'); // installed: no event
  jit.tryJitInstantiate('fn$nothing$f64'); // not ours: no event
  jit.flush();
  jit.dropCachedSymbol('fn$median$f64');
  const compiled = { origin: 'compiled', bytes: expect.any(Number) };
  expect(events).toEqual([
    ['simple-jit:load', { path, durationMs }],
    [
      'simple-jit:instantiate',
      {
        symbol: 'fn$median$f64',
        outcome: { kind: 'compiled' },
        functions: [
          { symbol: 'fn$median$f64', ...compiled },
          { symbol: 'fn$sort$f64', ...compiled },
          { symbol: 'fn$sift_down$f64', ...compiled },
        ],
        durationMs,
      },
    ],
    [
      'simple-jit:write-back',
      {
        path,
        place: path,
        symbols: ['fn$median$f64', 'fn$sort$f64', 'fn$sift_down$f64'],
        error: undefined,
        durationMs,
      },
    ],
    ['simple-jit:drop', { symbols: ['fn$median$f64'] }],
  ]);
  for (const [, data] of events.slice(0, 3)) expect((data as { durationMs: number }).durationMs).toBeGreaterThan(0);
  const { instantiateMs, writeBackMs } = jit.stats();
  expect(Math.min(instantiateMs, writeBackMs)).toBeGreaterThan(0);
});

test('failures are events too', () => {
  const path = workspace.library();
  const jit = new JitInstantiator({ flushDelay: 60_000, lockTimeout: 0, cacheDirectory: undefined });
  jit.loadSmfMetadata(path);
  jit.instantiate('sum', 'bool');
  jit.instantiate('sum', 'f64');
  workspace.write('collections.smf.lock', new Uint8Array());
  jit.flush();
  expect(events.slice(1)).toMatchObject([
    [
      'simple-jit:instantiate',
      {
        symbol: 'fn$sum$bool',
        outcome: { kind: 'failed', reason: expect.stringMatching(/Num/) },
        functions: [],
        durationMs,
      },
    ],
    ['simple-jit:instantiate', { symbol: 'fn$sum$f64' }],
    ['simple-jit:write-back', { path, place: undefined, symbols: ['fn$sum$f64'], error: expect.any(Error) }],
  ]);
  expect(() => jit.close()).toThrow(/lock/i);
});
