// Libraries that cannot be written: their results live in the cache directory.
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';
import { parseSmf } from '@simple-jit/smf-format';
import { beforeEach, expect, test } from 'vitest';
import { JitInstantiator } from '../src/index.js';
import { NOBODY, runScript } from './processes.js';
import { COLLECTIONS, useWorkspace } from './support.js';

const workspace = useWorkspace();
// Permissions bind everyone but root.
const isRoot = process.getuid?.() === 0;
const user = isRoot ? NOBODY : { uid: process.getuid!(), gid: process.getgid!() };
let cache: string;

beforeEach(() => {
  chmodSync(workspace.folder, 0o755);
  cache = theirs('cache');
});

/** A directory of the user's own. */
function theirs(name: string, mode = 0o700): string {
  const path = join(workspace.folder, name);
  mkdirSync(path);
  chmodSync(path, mode);
  chownSync(path, user.uid, user.gid);
  return path;
}

function readOnlyLibrary(name = 'collections.smf', text = COLLECTIONS): string {
  const path = workspace.write(name, assembleLibrary(text));
  chmodSync(path, 0o444);
  return path;
}

interface Report {
  readonly kind: string;
  readonly error?: string;
  readonly how: { readonly kind: string; readonly reason?: string };
  readonly failures: readonly string[];
}

/** A process of that user: instantiates, flushes, and tells. */
function run(
  path: string,
  { directory = join(cache, 'jit'), symbol = 'fn$sum$f64' }: { directory?: string | null; symbol?: string } = {},
): Report {
  const script = `
    import { JitInstantiator } from '@simple-jit/jit-instantiator';
    const [path, symbol, directory] = process.argv.slice(1);
    const jit = new JitInstantiator({ flushDelay: 60_000, cacheDirectory: directory || undefined });
    jit.loadSmfMetadata(path);
    jit.tryJitInstantiate(symbol);
    const failures = jit.flush().map(({ error }) => error.message);
    const { kind, error } = jit.tryJitInstantiate(symbol);
    console.log(JSON.stringify({ kind, error, how: jit.explain(symbol), failures }));
    process.exit();
  `;
  return runScript(script, [path, symbol, directory ?? ''], user) as Report;
}

const COMPILED = { kind: 'success', how: { kind: 'compiled' }, failures: [] };
const PERSISTED = { kind: 'success', how: { kind: 'persisted' }, failures: [] };

test('a library that cannot be written gets a companion, and later processes find it', () => {
  const path = readOnlyLibrary();
  const before = readFileSync(path);
  expect(run(path)).toEqual(COMPILED);
  expect(run(path)).toEqual(PERSISTED);
  expect(readFileSync(path)).toEqual(before);
  const directory = join(cache, 'jit');
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  const [name, ...more] = readdirSync(directory);
  expect(more).toEqual([]);
  expect(statSync(join(directory, name!)).mode & 0o777).toBe(0o600);
  expect(
    parseSmf(readFileSync(join(directory, name!)), { verifyModuleHash: true }).findSymbol('fn$sum$f64'),
  ).toMatchObject({ isSpecialised: true });
});

test('it goes by content: a copy elsewhere finds it, another version does not', () => {
  const path = readOnlyLibrary();
  run(path);
  const copy = join(workspace.folder, 'copy.smf');
  copyFileSync(path, copy);
  expect(run(copy)).toEqual(PERSISTED);
  expect(
    run(readOnlyLibrary('other.smf', `${COLLECTIONS}\nfn more<T: Any>(x: T) -> T {\nentry:\n  return x\n}`)),
  ).toEqual(COMPILED);
});

test('later results join earlier ones', () => {
  const path = readOnlyLibrary();
  run(path);
  expect(run(path, { symbol: 'fn$median$f64' })).toEqual(COMPILED);
  expect(run(path)).toEqual(PERSISTED);
  expect(run(path, { symbol: 'fn$median$f64' })).toEqual(PERSISTED);
});

test.each<[string, () => string]>([
  [
    'an old file in the place of its lock',
    () => {
      const path = workspace.library();
      workspace.write('collections.smf.lock', new Uint8Array());
      utimesSync(`${path}.lock`, 1, 1);
      return path;
    },
  ],
  ['a name that leaves no room for one beside it', () => workspace.library(`${'n'.repeat(246)}.smf`)],
])('%s: the companion', (_, make) => {
  const path = make();
  for (const kind of ['compiled', 'persisted']) {
    const jit = new JitInstantiator({ flushDelay: 60_000, cacheDirectory: join(workspace.folder, 'mine') });
    jit.loadSmfMetadata(path);
    expect(jit.tryJitInstantiate('fn$sum$f64').kind).toBe('success');
    expect(jit.explain('fn$sum$f64')).toEqual({ kind });
    jit.close();
  }
});

test('without a cache directory: updateFailed', () => {
  expect(run(readOnlyLibrary(), { directory: null })).toMatchObject({
    kind: 'updateFailed',
    error: expect.stringMatching(/EACCES/),
    failures: [expect.stringMatching(/EACCES/)],
  });
});

test.each<[string, RegExp, (directory: string) => string]>([
  [
    'others may write',
    /others may write it \(mode 0777\)/,
    (directory) => {
      chmodSync(directory, 0o777);
      return directory;
    },
  ],
  [
    'is a link',
    /not a directory itself/,
    (directory) => {
      symlinkSync(directory, join(workspace.folder, 'link'));
      return join(workspace.folder, 'link');
    },
  ],
])('a cache directory that %s is refused, for writing and for reading', (_, reason, spoil) => {
  const path = readOnlyLibrary();
  const directory = theirs('spoilt');
  expect(run(path, { directory })).toEqual(COMPILED);
  const report = run(path, { directory: spoil(directory) });
  expect(report).toMatchObject({ kind: 'updateFailed', error: expect.stringMatching(reason) });
  expect(report.how).toEqual({ kind: 'rejected', reason: expect.stringMatching(reason) });
});

test('a cache directory of another user is refused', ({ skip }) => {
  if (!isRoot) return skip('only root can be two users');
  const directory = theirs('of-root', 0o755);
  chownSync(directory, 0, 0);
  expect(run(readOnlyLibrary(), { directory })).toMatchObject({
    kind: 'updateFailed',
    error: expect.stringMatching(/owned by user 0, not by this user/),
  });
});

test('one that cannot be made: updateFailed, with both reasons', () => {
  const directory = join(theirs('closed', 0o500), 'jit');
  expect(run(readOnlyLibrary(), { directory })).toMatchObject({
    kind: 'updateFailed',
    error: expect.stringMatching(/collections\.smf.*nor beside it.*closed/),
  });
});

test.each<[string, (companion: string) => void, RegExp]>([
  ['cut short', (companion) => writeFileSync(companion, readFileSync(companion).subarray(0, 300)), /damaged/],
  ['with bytes after its end', (companion) => appendFileSync(companion, 'x'), /damaged/],
  ['writable by others', (companion) => chmodSync(companion, 0o666), /not trusted/],
])('a companion %s is rejected and replaced', (_, spoil, reason) => {
  const path = readOnlyLibrary();
  run(path, { symbol: 'fn$max$i32' });
  const directory = join(cache, 'jit');
  spoil(join(directory, readdirSync(directory)[0]!));
  const report = run(path, { symbol: 'fn$max$i32' });
  expect(report).toMatchObject({ kind: 'success', how: { kind: 'rejected', reason: expect.stringMatching(reason) } });
  expect(run(path, { symbol: 'fn$max$i32' })).toEqual(PERSISTED);
});

test('the default place', () => {
  const script = `
    import { JitInstantiator } from '@simple-jit/jit-instantiator';
    console.log(JSON.stringify(new JitInstantiator().config.cacheDirectory));
  `;
  const where = (env: NodeJS.ProcessEnv) => runScript(script, [], { env });
  expect(where({ HOME: '/home/me', XDG_CACHE_HOME: '/caches' })).toBe('/caches/simple-jit');
  expect(where({ HOME: '/home/me', XDG_CACHE_HOME: 'relative' })).toBe('/home/me/.cache/simple-jit');
  expect(where({ HOME: '/home/me' })).toBe('/home/me/.cache/simple-jit');
});

test('a file that can be written needs none', () => {
  using jit = new JitInstantiator({ flushDelay: 60_000, cacheDirectory: join(cache, 'none') });
  jit.loadSmfMetadata(workspace.library());
  jit.tryJitInstantiate('fn$sum$f64');
  expect(jit.flush()).toEqual([]);
  expect(readdirSync(cache)).toEqual([]);
});
