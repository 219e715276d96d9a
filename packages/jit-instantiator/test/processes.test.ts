// Several processes and users at one file, disks that are full, and what a dead process leaves.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseSmf } from '@simple-jit/smf-format';
import { expect, test } from 'vitest';
import { assembleLibrary } from '../src/assemble.js';
import { JitInstantiator } from '../src/index.js';
import { NOBODY, runScript, startScript } from './processes.js';
import { COLLECTIONS, useWorkspace } from './support.js';

const workspace = useWorkspace();
const isRoot = process.getuid?.() === 0;

test('eight processes write different symbols into one file at once: nothing is lost', async () => {
  const path = workspace.library();
  const types = ['i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64'];
  const symbolsOf = (type: string) => ['sum', 'max', 'dot', 'identity'].map((template) => `fn$${template}$${type}`);
  const script = `
    import { createInterface } from 'node:readline';
    import { JitInstantiator } from '@simple-jit/jit-instantiator';
    const [path, ...symbols] = process.argv.slice(1);
    const jit = new JitInstantiator({ flushDelay: 60_000, lockTimeout: 60_000, cacheDirectory: undefined });
    jit.loadSmfMetadata(path);
    console.log('ready');
    createInterface({ input: process.stdin }).once('line', () => {
      const failures = symbols.flatMap((symbol) => {
        jit.tryJitInstantiate(symbol);
        return jit.flush().map(({ error }) => error.message);
      });
      console.log(JSON.stringify(failures));
      process.exit();
    });
  `;
  const writers = types.map((type) => startScript(script, [path, ...symbolsOf(type)]));
  for (const writer of writers) expect(await writer.line()).toBe('ready');
  for (const writer of writers) writer.send('go');
  for (const writer of writers) expect(JSON.parse(await writer.line())).toEqual([]);
  for (const writer of writers) expect(await writer.ended).toBe(0);
  using jit = new JitInstantiator({ updateSmf: false, cacheDirectory: undefined });
  jit.loadSmfMetadata(path);
  for (const symbol of types.flatMap(symbolsOf)) expect(jit.tryJitInstantiate(symbol).kind).toBe('success');
  expect(jit.stats()).toMatchObject({ persisted: 32, compileCount: 0 });
  expect(readdirSync(workspace.folder)).toEqual(['collections.smf']);
});

test('the lock of a dead process is taken over once it has expired', () => {
  const path = workspace.library();
  mkdirSync(`${path}.lock`);
  const longAgo = Date.now() / 1000 - 3600;
  utimesSync(`${path}.lock`, longAgo, longAgo);
  using jit = new JitInstantiator({ lockTimeout: 0, flushDelay: 60_000, cacheDirectory: undefined });
  jit.loadSmfMetadata(path);
  jit.tryJitInstantiate('fn$sum$f64');
  expect(jit.flush()).toEqual([]);
  expect(readdirSync(workspace.folder)).toEqual(['collections.smf']);
});

test('a full disk: updateFailed, the file as it was; written once there is room', ({ skip }) => {
  if (!isRoot || process.platform !== 'linux') return skip('only root can mount a small tmpfs');
  const disk = join(workspace.folder, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=755', 'none', disk], { stdio: 'pipe' });
  } catch (error) {
    return skip(`a small tmpfs cannot be mounted here: ${(error as Error).message}`);
  }
  try {
    const path = join(disk, 'collections.smf');
    writeFileSync(path, assembleLibrary(COLLECTIONS), { mode: 0o644 });
    const before = readFileSync(path);
    fill(join(disk, 'filler'));
    using jit = new JitInstantiator({ flushDelay: 60_000, cacheDirectory: undefined });
    jit.loadSmfMetadata(path);
    jit.tryJitInstantiate('fn$sum$f64');
    expect(jit.flush()).toMatchObject([{ path, error: { code: 'ENOSPC' } }]);
    const result = jit.tryJitInstantiate('fn$sum$f64');
    expect(result).toMatchObject({ kind: 'updateFailed', error: expect.stringMatching(/ENOSPC/) });
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(disk).sort()).toEqual(['collections.smf', 'filler']);
    const elsewhere = join(workspace.folder, 'cache');
    using other = new JitInstantiator({ flushDelay: 60_000, cacheDirectory: elsewhere });
    other.loadSmfMetadata(path);
    other.tryJitInstantiate('fn$sum$f64');
    expect(other.flush()).toEqual([]);
    expect(readdirSync(elsewhere)).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.smf$/)]);
    rmSync(join(disk, 'filler'));
    expect(jit.flush()).toEqual([]);
    expect(jit.tryJitInstantiate('fn$sum$f64').kind).toBe('success');
    expect(parseSmf(readFileSync(path)).findSymbol('fn$sum$f64')?.isSpecialised).toBe(true);
  } finally {
    execFileSync('umount', ['-l', disk]); // lazily: the file may still be mapped after a failure
  }
});

/** Fills the disk to its last byte. */
function fill(path: string): void {
  for (const size of [65536, 4096, 512, 1]) {
    try {
      for (;;) writeFileSync(path, new Uint8Array(size), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}

const AS_ANOTHER = `
  import { JitInstantiator } from '@simple-jit/jit-instantiator';
  const jit = new JitInstantiator({ flushDelay: 60_000, cacheDirectory: undefined });
  jit.loadSmfMetadata(process.argv[1]);
  jit.tryJitInstantiate('fn$sum$f64');
  const failures = jit.flush().map(({ error }) => error.code);
  const { kind } = jit.tryJitInstantiate('fn$sum$f64');
  console.log(JSON.stringify({ failures, kind, how: jit.explain('fn$sum$f64') }));
  process.exit();
`;

test('two users: each trusts its own and root’s, and root takes nobody’s file over', ({ skip }) => {
  if (!isRoot) return skip('only root can be two users');
  chmodSync(workspace.folder, 0o755);
  const path = workspace.library();
  const before = readFileSync(path);
  expect(runScript(AS_ANOTHER, [path], NOBODY)).toEqual({
    failures: ['EACCES'],
    kind: 'updateFailed',
    how: { kind: 'compiled' },
  });
  expect(readFileSync(path)).toEqual(before);
  expect(runScript(AS_ANOTHER, [path])).toMatchObject({ failures: [], kind: 'success', how: { kind: 'compiled' } });
  expect(runScript(AS_ANOTHER, [path], NOBODY)).toMatchObject({ kind: 'success', how: { kind: 'persisted' } });

  const theirs = workspace.library('theirs.smf');
  chownSync(theirs, NOBODY.uid, NOBODY.gid);
  expect(runScript(AS_ANOTHER, [theirs])).toMatchObject({ failures: [], kind: 'success' });
  expect(statSync(theirs)).toMatchObject(NOBODY);
  expect(runScript(AS_ANOTHER, [theirs])).toMatchObject({
    how: { kind: 'rejected', reason: expect.stringMatching(/owned by user 65534/) },
  });
  expect(runScript(AS_ANOTHER, [theirs], NOBODY)).toMatchObject({ how: { kind: 'persisted' } });
});

test('two users who may both write a file: it stays whole, its code is never trusted', ({ skip }) => {
  if (!isRoot) return skip('only root can be two users');
  chmodSync(workspace.folder, 0o777);
  const path = workspace.library();
  chmodSync(path, 0o666);
  for (const identity of [{}, NOBODY, {}, NOBODY]) {
    const { how } = runScript(AS_ANOTHER, [path], identity) as { how: { kind: string } };
    expect(how.kind).toMatch(/compiled|rejected/);
    parseSmf(readFileSync(path), { verifyModuleHash: true });
    expect(readdirSync(workspace.folder)).toEqual(['collections.smf']);
  }
});
