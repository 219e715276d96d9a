// A writer that is killed, before each call of the file system that a flush makes, and at random moments: the file is whole,
// old or new, and the next flush sweeps what was left. 60 random ones in the normal run; `pnpm test:kill` does 1,000.
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseSmf } from '@simple-jit/smf-format';
import { expect, test } from 'vitest';
import { assembleLibrary } from '../src/assemble.js';
import { JitInstantiator } from '../src/index.js';
import { startScript } from './processes.js';
import { COLLECTIONS, call, useWorkspace } from './support.js';

const KILLS = Number(process.env.SIMPLE_JIT_KILLS ?? 60);
const LANES = 2;
/** Longer than any flush of the writer takes; a kill falls anywhere in the first of them, or between two. */
const LONGEST_DELAY_MS = 60;

const TYPES = ['i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64', 'f32', 'f64'];
/** What the writer writes, one flush each, in this order. */
const SEQUENCE = ['sum', 'max', 'dot'].flatMap((template) => TYPES.map((type) => `fn$${template}$${type}`));

const WRITER = `
  import { JitInstantiator } from '@simple-jit/jit-instantiator';
  const [path, ...symbols] = process.argv.slice(1);
  const jit = new JitInstantiator({ flushDelay: 60_000 });
  jit.loadSmfMetadata(path);
  for (let flushes = 0; ; ) {
    for (const symbol of symbols) {
      jit.tryJitInstantiate(symbol);
      jit.flush();
      if (++flushes === 1) console.log('warm'); // what is loaded at the first write is loaded
      jit.dropCachedSymbol(symbol);
    }
  }
`;

const workspace = useWorkspace();

test(`${KILLS} writers are killed, and the file is whole after each`, { timeout: 60_000 + KILLS * 2000 }, async () => {
  const folders = Array.from({ length: LANES }, (_, lane) => {
    const folder = join(workspace.folder, `lane-${lane}`);
    mkdirSync(folder);
    return folder;
  });
  const library = assembleLibrary(COLLECTIONS);
  const seen = { midWrite: 0, leftLock: 0, grew: 0 };
  let left = KILLS;
  await Promise.all(
    folders.map(async (folder) => {
      const path = join(folder, 'collections.smf');
      let before = SEQUENCE.length;
      for (let round = 0; left > 0; round++) {
        left -= 1;
        if (before === SEQUENCE.length || round === TYPES.length) {
          writeFileSync(path, library, { mode: 0o644 });
          before = 0;
          round = 0;
        }
        await killOne(path, SEQUENCE.slice(before));
        const written = checkWhole(path);
        expect(written).toBeGreaterThanOrEqual(before);
        if (written > before) seen.grew += 1;
        before = written;
        if (leftNewFile(folder)) seen.midWrite += 1;
        if (existsSync(`${path}.lock`)) seen.leftLock += 1;
        sweep(path, `fn$identity$${TYPES[round]}`);
      }
    }),
  );
  console.log(
    `${KILLS} kills: ${seen.midWrite} left a new file, ${seen.leftLock} a lock; ${seen.grew} found new results`,
  );
  // Otherwise the kills came too early or too late to say anything. (How many fall into the writing is up to the disk.)
  expect(seen.leftLock).toBeGreaterThan(KILLS / 10);
  expect(seen.grew).toBeGreaterThan(0);
});

/** Stops for good before its n-th call of the file system in a flush, and tells which that is. */
const STOPPING_WRITER = `
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  const { writeSync } = fs;
  let left = Number.POSITIVE_INFINITY;
  for (const name of Object.keys(fs).filter((name) => name.endsWith('Sync'))) {
    const original = fs[name];
    const stopping = (...args) => {
      if (--left === 0) {
        writeSync(1, name + '\\n');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      }
      return original(...args);
    };
    fs[name] = Object.assign(stopping, original);
  }
  syncBuiltinESMExports();
  const { JitInstantiator } = await import('@simple-jit/jit-instantiator');
  const [path, symbol, call] = process.argv.slice(1);
  const jit = new JitInstantiator({ flushDelay: 60_000 });
  jit.loadSmfMetadata(path);
  jit.tryJitInstantiate(symbol);
  left = Number(call);
  const failures = jit.flush();
  left = Number.POSITIVE_INFINITY;
  console.log(failures.length === 0 ? 'written' : String(failures[0].error));
`;

test('a writer is killed before each of its calls: the file is old until it is renamed, and new then', {
  timeout: 300_000,
}, async () => {
  const folder = join(workspace.folder, 'stopped');
  mkdirSync(folder);
  const path = join(folder, 'collections.smf');
  const library = assembleLibrary(COLLECTIONS);
  const calls: string[] = [];
  const leftovers = { newFile: 0, lock: 0 };
  for (;;) {
    writeFileSync(path, library, { mode: 0o644 });
    const writer = startScript(STOPPING_WRITER, [path, SEQUENCE[0]!, `${calls.length + 1}`]);
    const call = await writer.line();
    if (call === 'written') {
      expect(await writer.ended).toBe(0);
      break;
    }
    writer.child.kill('SIGKILL');
    expect(await writer.ended).toBeNull();
    expect(call).toMatch(/^\w+Sync$/);
    expect(checkWhole(path), `${calls} | ${call}`).toBe(calls.includes('renameSync') ? 1 : 0);
    if (leftNewFile(folder)) leftovers.newFile += 1;
    if (existsSync(`${path}.lock`)) leftovers.lock += 1;
    sweep(path, 'fn$identity$i8');
    calls.push(call);
  }
  expect(calls).toEqual(expect.arrayContaining(['mkdirSync', 'writeSync', 'fsyncSync', 'renameSync', 'rmdirSync']));
  expect(leftovers.newFile).toBeGreaterThan(3);
  expect(leftovers.lock).toBeGreaterThan(leftovers.newFile);
});

const leftNewFile = (folder: string): boolean => readdirSync(folder).some((name) => name.endsWith('.jit-tmp'));

async function killOne(path: string, symbols: readonly string[]): Promise<void> {
  const writer = startScript(WRITER, [path, ...symbols]);
  await writer.line();
  await sleep(Math.random() * LONGEST_DELAY_MS);
  writer.child.kill('SIGKILL');
  expect(await writer.ended).toBeNull();
}

/** The file is one that a flush left: it parses, its hash is right, it holds the first n of the sequence, and they run. */
function checkWhole(path: string): number {
  parseSmf(readFileSync(path), { verifyModuleHash: true }).noteSdn();
  using jit = new JitInstantiator({ updateSmf: false });
  jit.loadSmfMetadata(path);
  const persisted = SEQUENCE.map((symbol) => {
    expect(jit.tryJitInstantiate(symbol).kind).toBe('success');
    return jit.explain(symbol)?.kind;
  });
  const count = persisted.lastIndexOf('persisted') + 1;
  expect(persisted).toEqual(SEQUENCE.map((_, index) => (index < count ? 'persisted' : 'compiled')));
  expect(call(jit, 'fn$sum$i32', new Int32Array([40, 2]), 2n)).toBe(42);
  return count;
}

/** A flush by another process than the one that was killed leaves nothing beside the file. */
function sweep(path: string, symbol: string): void {
  if (existsSync(`${path}.lock`)) {
    const longAgo = Date.now() / 1000 - 3600; // instead of waiting until the lock expires
    utimesSync(`${path}.lock`, longAgo, longAgo);
  }
  using jit = new JitInstantiator({ flushDelay: 60_000 });
  jit.loadSmfMetadata(path);
  expect(jit.tryJitInstantiate(symbol).kind).toBe('success');
  expect(jit.stats().pendingWrites).toBe(1);
  expect(jit.flush()).toEqual([]);
  expect(readdirSync(dirname(path))).toEqual(['collections.smf']);
}
