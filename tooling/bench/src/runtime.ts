// The runtime's hot paths: a file opened through the cache, and a process's way to its first result.
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';
import { SmfCache } from '@simple-jit/smf-cache';
import { parseSmf, SectionType, SmfBuilder } from '@simple-jit/smf-format';
import { type BenchRow, compare, duration } from './compare.js';

const LIBRARY = fileURLToPath(new URL('../../../examples/collections.tir', import.meta.url));

export async function benchRuntime(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'simple-jit-bench-'));
  try {
    const library = join(folder, 'collections.smf');
    writeFileSync(library, assembleLibrary(readFileSync(LIBRARY, 'utf8')), { mode: 0o644 });
    return [await cacheHit(library), await cacheMiss(folder), ...startUp(library)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function cacheHit(library: string): Promise<BenchRow> {
  using cache = new SmfCache();
  cache.get(library).close();
  return await compare(
    'a file opened again: SmfCache.get + close',
    () => cache.get(library).close(),
    'readFileSync + parseSmf',
    () => parseSmf(readFileSync(library)),
  );
}

/** Mapping a file must not depend on its size: a ratio near 1 says that it does not. */
async function cacheMiss(folder: string): Promise<BenchRow> {
  using cache = new SmfCache();
  const mapAnew = (path: string) => () => {
    cache.evict(path);
    cache.get(path).close();
  };
  return await compare(
    'map a sparse file of 256 MiB: SmfCache.get + close + evict',
    mapAnew(sparseModule(join(folder, 'large.smf'), 256 << 20)),
    'the same for 1 MiB',
    mapAnew(sparseModule(join(folder, 'small.smf'), 1 << 20)),
  );
}

/** A module with `size` bytes of code that take no room on disk. */
function sparseModule(path: string, size: number): string {
  const builder = new SmfBuilder();
  builder.addSection({ type: SectionType.Code, name: '.text', data: new Uint8Array(size) });
  const bytes = builder.build();
  writeFileSync(path, '');
  truncateSync(path, bytes.length);
  const descriptor = openSync(path, 'r+');
  writeSync(descriptor, bytes, size, bytes.length - size, size);
  closeSync(descriptor);
  return path;
}

/** Whole processes: from start to the first result, persisted against compiled against plain JS. */
function startUp(library: string): BenchRow[] {
  const script = fileURLToPath(new URL('./start-up.js', import.meta.url));
  const run = (mode: string, path: string): number => {
    const start = process.hrtime.bigint();
    execFileSync(process.execPath, [script, mode, path]);
    return Number(process.hrtime.bigint() - start) / 1e6;
  };
  const written = `${library}.written`;
  copyFileSync(library, written);
  run('write', written);
  const modes = ['compiled', 'persisted', 'plain'] as const;
  const times = new Map<string, number[]>(modes.map((mode) => [mode, []]));
  for (let i = 0; i < 11; i++) {
    // Compiling must not find what the persisted runs need, so each has a file of its own.
    times.get('compiled')!.push(run('compiled', library));
    times.get('persisted')!.push(run('persisted', written));
    times.get('plain')!.push(run('plain', library));
  }
  const median = (mode: string): number => times.get(mode)!.sort((a, b) => a - b)[5]!;
  const [compiled, persisted, plain] = modes.map(median);
  return [
    {
      what: 'process start to first result: persisted',
      ours: duration(persisted!),
      against: `compiled ${duration(compiled!)}`,
      ratio: compiled! / persisted!,
    },
    {
      what: 'process start to first result: persisted',
      ours: duration(persisted!),
      against: `plain JS ${duration(plain!)}`,
      ratio: plain! / persisted!,
    },
  ];
}
