// The runtime's hot paths: a resolved name, a file opened through the cache, and a process's way to its first result.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';
import { SmfCache } from '@simple-jit/smf-cache';
import { parseSmf } from '@simple-jit/smf-format';
import { JitSymbolResolver } from '@simple-jit/symbol-resolver';
import { Bench } from 'tinybench';
import type { BenchRow } from './row.js';

const LIBRARY = fileURLToPath(new URL('../../../examples/collections.tir', import.meta.url));
const SYMBOL = 'fn$sum$f64';

export async function benchRuntime(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'simple-jit-bench-'));
  try {
    const library = join(folder, 'collections.smf');
    writeFileSync(library, assembleLibrary(readFileSync(LIBRARY, 'utf8')), { mode: 0o644 });
    return [await resolveHit(library), await cacheHit(library), ...startUp(library)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Compares two functions in one run. */
async function pair(what: string, ours: () => void, otherName: string, other: () => void): Promise<BenchRow> {
  const bench = new Bench({ time: 300, warmupTime: 100 }).add('ours', ours).add('other', other);
  await bench.run();
  const [mine, theirs] = bench.tasks.map((task) => {
    if (task.result.state !== 'completed')
      throw new Error(`${what}: ${task.name} did not complete: ${task.result.state}`);
    return task.result.latency.p50;
  });
  return { what, ours: nanoseconds(mine!), against: `${otherName} ${nanoseconds(theirs!)}`, ratio: theirs! / mine! };
}

const nanoseconds = (milliseconds: number): string =>
  milliseconds < 1e-3 ? `${(milliseconds * 1e6).toFixed(1)} ns` : `${(milliseconds * 1e3).toFixed(2)} µs`;

/** Timer resolution is far above one look-up, so both sides do a thousand. */
const REPEAT = 1000;

async function resolveHit(library: string): Promise<BenchRow> {
  using resolver = new JitSymbolResolver({ updateSmf: false });
  resolver.loadSmf(library);
  resolver.resolve(SYMBOL);
  const map = new Map([[SYMBOL, 1n]]);
  let sink = 0n;
  const row = await pair(
    `${REPEAT} hits of resolve()`,
    () => {
      for (let i = 0; i < REPEAT; i++) sink ^= resolver.resolve(SYMBOL)!;
    },
    'Map.get',
    () => {
      for (let i = 0; i < REPEAT; i++) sink ^= map.get(SYMBOL)!;
    },
  );
  if (sink < 0n) throw new Error('addresses are not negative');
  return row;
}

async function cacheHit(library: string): Promise<BenchRow> {
  using cache = new SmfCache();
  cache.get(library).close();
  return pair(
    'a file opened again: SmfCache.get + close',
    () => cache.get(library).close(),
    'readFileSync + parseSmf',
    () => parseSmf(readFileSync(library)),
  );
}

/** Whole processes: from start to the first result, persisted against compiled against plain JS. */
function startUp(library: string): BenchRow[] {
  const script = fileURLToPath(new URL('./start-up.js', import.meta.url));
  const run = (mode: string): number => {
    const start = process.hrtime.bigint();
    execFileSync(process.execPath, [script, mode, library]);
    return Number(process.hrtime.bigint() - start) / 1e6;
  };
  const modes = ['compiled', 'persisted', 'plain'] as const;
  const persistedLibrary = (): void => void run('write');
  const times = new Map<string, number[]>(modes.map((mode) => [mode, []]));
  // Compiled runs need the library without code, so they come first; plain JS runs beside each.
  for (let i = 0; i < 11; i++) times.get('compiled')!.push(run('compiled'));
  persistedLibrary();
  for (let i = 0; i < 11; i++) {
    times.get('persisted')!.push(run('persisted'));
    times.get('plain')!.push(run('plain'));
  }
  const median = (mode: string): number => times.get(mode)!.sort((a, b) => a - b)[5]!;
  const [compiled, persisted, plain] = modes.map(median);
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  return [
    {
      what: 'process start to first result: persisted',
      ours: ms(persisted!),
      against: `compiled ${ms(compiled!)}`,
      ratio: compiled! / persisted!,
    },
    {
      what: 'process start to first result: persisted',
      ours: ms(persisted!),
      against: `plain JS ${ms(plain!)}`,
      ratio: plain! / persisted!,
    },
  ];
}
