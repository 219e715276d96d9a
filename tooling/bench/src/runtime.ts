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
import nodeModule from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';
import { SmfCache } from '@simple-jit/smf-cache';
import { parseSmf, SectionType, SmfBuilder } from '@simple-jit/smf-format';
import { type BenchRow, compare, duration } from './compare.js';
import { benchInstantiate } from './instantiate.js';

const LIBRARY = fileURLToPath(new URL('../../../examples/collections.tir', import.meta.url));

export async function benchRuntime(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'simple-jit-bench-'));
  try {
    const library = join(folder, 'collections.smf');
    writeFileSync(library, assembleLibrary(readFileSync(LIBRARY, 'utf8')), { mode: 0o644 });
    return [
      await cacheHit(library),
      await cacheMiss(folder),
      ...(await benchInstantiate(folder, library)),
      ...startUp(library),
    ];
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

const RUNS = 21;

/** Whole processes: from start to the first result, persisted against compiled against plain JS, turn by turn. */
function startUp(library: string): BenchRow[] {
  const script = fileURLToPath(new URL('./start-up.js', import.meta.url));
  const run = (mode: string, path: string, env: Readonly<Record<string, string>> = {}): number => {
    const start = process.hrtime.bigint();
    execFileSync(process.execPath, [script, mode, path], { env: { ...process.env, ...env } });
    return Number(process.hrtime.bigint() - start) / 1e6;
  };
  const written = `${library}.written`;
  copyFileSync(library, written);
  run('write', written);
  // Compiling must not find what the persisted runs need, so each has a file of its own.
  const sides: Record<string, () => number> = {
    compiled: () => run('compiled', library),
    persisted: () => run('persisted', written),
    plain: () => run('plain', library),
  };
  // V8 keeps the compiled JavaScript of modules where a program asks for it, from Node 22.1 on.
  if ('enableCompileCache' in nodeModule) {
    const cached = { NODE_COMPILE_CACHE: `${library}.compile-cache` };
    sides['persisted, NODE_COMPILE_CACHE'] = () => run('persisted', written, cached);
    run('persisted', written, cached);
  }
  const times = new Map(Object.keys(sides).map((name) => [name, [] as number[]]));
  for (let i = 0; i < RUNS; i++) for (const [name, side] of Object.entries(sides)) times.get(name)!.push(side());
  const median = (name: string): number => times.get(name)!.sort((a, b) => a - b)[RUNS >> 1]!;
  const against = (name: string, other: string): BenchRow => ({
    what: `process start to first result: ${name}`,
    ours: duration(median(name)),
    against: `${other}: ${duration(median(other))}`,
    ratio: median(other) / median(name),
  });
  const rows = [against('persisted', 'compiled'), against('persisted', 'plain')];
  const cached = [...times.keys()].filter((name) => name.includes('CACHE'));
  return [...rows, ...cached.map((name) => against(name, 'persisted'))];
}
