// Results in the file: written whole, found by the next, refused when anything about them is off.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseSmf, RelocationType, SectionType, SmfBuilder } from '@simple-jit/smf-format';
import { expect, test } from 'vitest';
import { assembleLibrary } from '../src/assemble.js';
import { isError, JitError, JitInstantiator, type JitInstantiatorConfig } from '../src/index.js';
import { NOBODY, runScript } from './processes.js';
import { assemble, COLLECTIONS, call, PACKAGE, useWorkspace } from './support.js';

const workspace = useWorkspace();

/** Runs with an instantiator on the file, which is closed (and so written back) after. */
function withJit<T>(path: string, action: (jit: JitInstantiator) => T, config: Partial<JitInstantiatorConfig> = {}): T {
  using jit = new JitInstantiator({ flushDelay: 60_000, ...config });
  jit.loadSmfMetadata(path);
  return action(jit);
}

const sum = (jit: JitInstantiator) => call(jit, 'fn$sum$f64', new Float64Array([1, 2, 3]), 3n);
const median = (jit: JitInstantiator) => call(jit, 'fn$median$f64', new Float64Array([3, 1, 2]), 3n);

test('the next instantiator finds the result, and compiles nothing', () => {
  const path = workspace.library();
  withJit(path, (jit) => {
    expect(sum(jit)).toBe(6);
    expect(jit.stats()).toMatchObject({ pendingWrites: 1 });
    expect(jit.flush()).toEqual([]);
    expect(jit.stats()).toMatchObject({ pendingWrites: 0 });
    expect(jit.flush()).toEqual([]);
  });
  withJit(path, (jit) => {
    expect(sum(jit)).toBe(6);
    expect(jit.stats()).toMatchObject({ compileCount: 0, persisted: 1, rejected: 0, cachedCount: 1 });
    expect(jit.explain('fn$sum$f64')).toEqual({ kind: 'persisted' });
  });
});

test('another process does too', () => {
  const path = workspace.library();
  withJit(path, sum);
  const script = `
    import { JitInstantiator, isSuccess, nativeSignature } from '@simple-jit/jit-instantiator';
    import { bindFunction } from '@simple-jit/native-mem';
    const jit = new JitInstantiator();
    jit.loadSmfMetadata(process.argv[1]);
    const { address } = jit.tryJitInstantiate('fn$sum$f64');
    const sum = bindFunction(address, nativeSignature(jit.signatureOf('fn$sum$f64')));
    const { compileCount, persisted } = jit.stats();
    console.log(JSON.stringify({ result: sum(new Float64Array([4, 5]), 2n), compileCount, persisted }));
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script, path], { cwd: PACKAGE });
  expect(JSON.parse(output.toString())).toEqual({ result: 9, compileCount: 0, persisted: 1 });
});

test('functions that call each other are linked again from the file', () => {
  const path = workspace.library();
  withJit(path, median);
  withJit(path, (jit) => {
    expect(median(jit)).toBe(2);
    expect(jit.stats()).toMatchObject({ compileCount: 0, persisted: 3 });
  });
});

test('traps keep their kind and place', () => {
  const path = workspace.library();
  const trap = (jit: JitInstantiator): unknown => {
    try {
      return call(jit, 'fn$median$f64', new Float64Array(1), 0n);
    } catch (error) {
      return error;
    }
  };
  const { offset } = withJit(path, trap) as { offset: number };
  expect(withJit(path, trap)).toMatchObject({ kind: 'unreachable', symbol: 'fn$median$f64', offset });
});

test('the file stays an ordinary SMF file, with symbols and relocations', () => {
  const path = workspace.library();
  withJit(path, median);
  const file = parseSmf(readFileSync(path), { verifyModuleHash: true });
  const symbol = file.findSymbol('fn$median$f64')!;
  expect(symbol.isSpecialised).toBe(true);
  const section = file.sections[symbol.sectionIndex]!;
  expect(section).toMatchObject({ typeName: 'Code', name: '.jit.code' });
  const relocations = file.relocationsOf(section.index);
  expect(relocations.length).toBeGreaterThanOrEqual(3);
  for (const { type, symbolIndex } of relocations) {
    expect(type).toBe(RelocationType.GotPcRel);
    expect(['fn$sort$f64', 'fn$sift_down$f64']).toContain(file.symbols.at(symbolIndex)?.name);
  }
  const rows = file.noteSdn()!.instantiations;
  expect(rows).toContainEqual(expect.objectContaining({ template: 'median', typeArgs: 'f64', status: 'jit_compiled' }));
  expect(file.templates().length).toBe(parseSmf(assembleLibrary(COLLECTIONS)).templates().length);
});

test('the same results give the same bytes', () => {
  const [a, b] = [workspace.library('a.smf'), workspace.library('b.smf')];
  for (const path of [a, b]) withJit(path, median);
  expect(readFileSync(a)).toEqual(readFileSync(b));
});

test('later results join earlier ones, and replace those of the same symbol', () => {
  const path = workspace.library();
  withJit(path, sum);
  withJit(path, median);
  withJit(path, (jit) => {
    sum(jit);
    median(jit);
    expect(jit.stats()).toMatchObject({ compileCount: 0, persisted: 4 });
  });
});

test('two that have the old file open lose nothing of each other', () => {
  const path = workspace.library();
  withJit(path, (one) =>
    withJit(path, (two) => {
      sum(one);
      median(two);
      expect(two.flush()).toEqual([]);
      expect(one.flush()).toEqual([]);
      expect(call(one, 'fn$max$f64', 1, 2)).toBe(2); // the replaced file's mapping is still good
    }),
  );
  withJit(path, (jit) => {
    sum(jit);
    median(jit);
    call(jit, 'fn$max$f64', 1, 2);
    expect(jit.stats()).toMatchObject({ compileCount: 0, persisted: 5 });
  });
});

test('permissions stay, links stay links, and no file is left beside it', () => {
  const path = workspace.library();
  chmodSync(path, 0o600);
  const link = join(workspace.folder, 'link.smf');
  symlinkSync(path, link);
  writeFileSync(join(workspace.folder, '.collections.smf.4711.jit-tmp'), 'left by a process that was killed');
  withJit(link, sum);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(workspace.folder).sort()).toEqual(['collections.smf', 'link.smf']);
  withJit(path, (jit) => expect(sum(jit) && jit.stats().persisted).toBe(1));
});

test('with updateSmf: false the file is not touched', () => {
  const path = workspace.library();
  const before = readFileSync(path);
  withJit(path, sum, { updateSmf: false });
  expect(readFileSync(path)).toEqual(before);
});

test('results are written after a while without being asked', async () => {
  const path = workspace.library();
  const before = statSync(path).ino;
  using jit = new JitInstantiator({ flushDelay: 1 });
  jit.loadSmfMetadata(path);
  sum(jit);
  while (statSync(path).ino === before) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(jit.stats().pendingWrites).toBe(0);
});

test('a function whose template changed on disk meanwhile is not written', () => {
  const path = workspace.write('lib.smf', assemble('fn f<T: Num>(x: T) -> T {\nentry:\n  return x\n}'));
  const changed = assemble('fn f<T: Num>(x: T) -> T {\nentry:\n  y = add x, x\n  return y\n}');
  withJit(path, (jit) => {
    expect(call(jit, 'fn$f$i64', 21n)).toBe(21n);
    workspace.write('lib.smf', changed);
  });
  withJit(path, (jit) => {
    expect(call(jit, 'fn$f$i64', 21n)).toBe(42n);
    expect(jit.stats()).toMatchObject({ persisted: 0, compileCount: 1, rejected: 0 });
  });
});

/** Edits the file as a tool would. */
function edit(path: string, change: (builder: SmfBuilder, bytes: Uint8Array) => void): void {
  const bytes = readFileSync(path);
  const builder = SmfBuilder.from(parseSmf(bytes));
  change(builder, bytes);
  writeFileSync(path, builder.build());
}

const tables = (builder: SmfBuilder, change: (text: string) => string, path: string): void => {
  const file = parseSmf(readFileSync(path));
  const index = builder.findSection('jit.sdn');
  const data = new TextEncoder().encode(change(Buffer.from(file.sectionData(index)).toString()));
  builder.replaceSection(index, { data, virtualSize: data.length });
};

test.each<[string, RegExp, (path: string) => void]>([
  ['a file that others may write', /not trusted: writable by group or others/, (path) => chmodSync(path, 0o666)],
  [
    'code that was tampered with',
    /record hash/,
    (path) =>
      edit(path, (builder) => {
        const file = parseSmf(readFileSync(path));
        const index = builder.findSection('.jit.code');
        const data = file.sectionData(index).slice();
        data[data.length - 1]! ^= 1;
        builder.replaceSection(index, { data });
      }),
  ],
  [
    'another generator',
    /code generator/,
    (path) => edit(path, (b) => tables(b, (t) => t.replaceAll('simple-jit', 'other-jit'), path)),
  ],
  [
    'another target',
    /target/,
    (path) => edit(path, (b) => tables(b, (t) => t.replaceAll('x86_64-sysv', 'aarch64-aapcs'), path)),
  ],
  [
    'other type arguments',
    /type arguments/,
    (path) => edit(path, (b) => tables(b, (t) => t.replace(/sum, f64/, 'sum, f32'), path)),
  ],
  ['damaged tables', /jit\.sdn/, (path) => edit(path, (b) => tables(b, (t) => `${t}\nnonsense ]`, path))],
  [
    'a missing table',
    /jit_imports/,
    (path) => edit(path, (b) => tables(b, (t) => t.replace('jit_imports', 'other'), path)),
  ],
])('%s: rejected with the reason, compiled anew', (_, reason, damage) => {
  const path = workspace.library();
  withJit(path, sum);
  damage(path);
  withJit(
    path,
    (jit) => {
      expect(sum(jit)).toBe(6);
      expect(jit.explain('fn$sum$f64')).toEqual({ kind: 'rejected', reason: expect.stringMatching(reason) });
      expect(jit.stats()).toMatchObject({ compileCount: 1, persisted: 0, rejected: 1 });
    },
    { updateSmf: false },
  );
});

test('a write of other functions does not make right what was tampered with', () => {
  const path = workspace.library();
  withJit(path, sum);
  edit(path, (builder) => {
    const index = builder.findSection('.jit.code');
    const data = parseSmf(readFileSync(path)).sectionData(index).slice();
    data[0]! ^= 1;
    builder.replaceSection(index, { data });
  });
  withJit(path, median);
  withJit(path, (jit) => {
    expect(sum(jit)).toBe(6);
    expect(median(jit)).toBe(2);
    expect(jit.stats()).toMatchObject({ compileCount: 1, persisted: 3 });
  });
});

test('what was rejected is replaced at the next write', () => {
  const path = workspace.library();
  withJit(path, sum);
  edit(path, (b) => tables(b, (t) => `${t}\nnonsense ]`, path));
  withJit(path, sum);
  withJit(path, (jit) => {
    sum(jit);
    expect(jit.stats()).toMatchObject({ compileCount: 0, persisted: 1 });
  });
});

test('a changed template rejects the code that was made from the old one', () => {
  const path = workspace.write('lib.smf', assemble('fn f<T: Num>(x: T) -> T {\nentry:\n  return x\n}'));
  withJit(path, (jit) => call(jit, 'fn$f$i64', 1n));
  edit(path, (builder) => {
    const changed = parseSmf(assemble('fn f<T: Num>(x: T) -> T {\nentry:\n  y = add x, x\n  return y\n}'));
    builder.replaceSection(builder.findSection('.templates'), { data: changed.sectionData(0) });
  });
  withJit(path, (jit) => {
    expect(call(jit, 'fn$f$i64', 21n)).toBe(42n);
    expect(jit.explain('fn$f$i64')).toMatchObject({ kind: 'rejected', reason: expect.stringMatching(/template hash/) });
  });
});

test('a lock that someone holds: updateFailed, and close says so', () => {
  const path = workspace.library();
  const before = readFileSync(path);
  mkdirSync(`${path}.lock`);
  const jit = new JitInstantiator({ lockTimeout: 0, flushDelay: 60_000 });
  jit.loadSmfMetadata(path);
  expect(sum(jit)).toBe(6);
  expect(jit.flush()).toMatchObject([{ path, symbols: ['fn$sum$f64'], error: { code: 'ELOCKED' } }]);
  const result = jit.tryJitInstantiate('fn$sum$f64');
  expect(result).toMatchObject({ kind: 'updateFailed', symbol: 'fn$sum$f64', error: expect.stringMatching(/lock/i) });
  expect(isError(result)).toBe(true);
  expect(() => jit.close()).toThrow(JitError);
  expect(readFileSync(path)).toEqual(before);
});

test('a file that vanished: updateFailed, and it is not made again', () => {
  const path = workspace.library();
  const jit = new JitInstantiator({ flushDelay: 60_000 });
  jit.loadSmfMetadata(path);
  sum(jit);
  execFileSync('rm', [path]);
  expect(() => jit.close()).toThrow(expect.objectContaining({ code: 'ERR_WRITE_BACK' }));
  expect(existsSync(path)).toBe(false);
});

test('a read-only file, and a read-only directory: updateFailed at once', ({ skip }) => {
  if (process.getuid === undefined) return skip('this platform has no user ids');
  const path = workspace.library();
  const script = `
    import { JitInstantiator } from '@simple-jit/jit-instantiator';
    const jit = new JitInstantiator({ cacheDirectory: undefined });
    jit.loadSmfMetadata(process.argv[1]);
    const { kind, error } = jit.tryJitInstantiate('fn$sum$f64');
    try { jit.close() } catch (thrown) { console.log(JSON.stringify({ kind, error, code: thrown.code })) }
  `;
  const run = () => runScript(script, [path], NOBODY);
  chmodSync(path, 0o444);
  chmodSync(workspace.folder, 0o777);
  const expected = { kind: 'updateFailed', error: expect.stringMatching(/EACCES|EPERM/), code: 'ERR_WRITE_BACK' };
  expect(run()).toEqual(expected);
  chmodSync(path, 0o666);
  chmodSync(workspace.folder, 0o555);
  expect(run()).toEqual(expected);
  chmodSync(workspace.folder, 0o755);
});

test('relocations that lead elsewhere are no longer what was written', () => {
  const path = workspace.library();
  withJit(path, median);
  edit(path, (builder) => {
    const file = parseSmf(readFileSync(path));
    const section = builder.findSection('.jit.code');
    const relocations = file.relocationsOf(section);
    const symbols = relocations.map(({ symbolIndex }) => symbolIndex).reverse();
    builder.setRelocations(
      section,
      relocations.map((relocation, i) => ({ ...relocation, symbolIndex: symbols[i]! })),
    );
  });
  withJit(path, (jit) => {
    expect(median(jit)).toBe(2);
    expect(jit.explain('fn$median$f64')).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/no relocation for fn\$sort\$f64/),
    });
  });
});

test('code that calls nothing any more, for want of its relocations, is rejected', () => {
  const path = workspace.library();
  withJit(path, median);
  edit(path, (builder) => builder.setRelocations(builder.findSection('.jit.code'), []));
  withJit(path, (jit) => {
    expect(median(jit)).toBe(2);
    expect(jit.stats()).toMatchObject({ rejected: 2, persisted: 1 }); // sift_down calls nothing
  });
});

test('another symbol of the same name hinders nothing', () => {
  const path = workspace.library();
  edit(path, (builder) => {
    const section = builder.addSection({ type: SectionType.Code, name: '.text', data: Uint8Array.of(0xc3) });
    builder.addSymbol({ name: 'fn$sum$f64', sectionIndex: section, size: 1 });
  });
  withJit(path, median);
  withJit(path, sum);
  withJit(path, (jit) => {
    sum(jit);
    median(jit);
    expect(jit.stats()).toMatchObject({ compileCount: 0, persisted: 4 });
  });
});

test('the same results written again take no more room', () => {
  const path = workspace.library();
  const sizes = Array.from({ length: 3 }, () => {
    withJit(path, (jit) => {
      sum(jit);
      jit.dropCachedSymbol('fn$sum$f64');
      call(jit, 'fn$max$f64', 1, 2);
    });
    edit(path, (b) => tables(b, (t) => t.replaceAll('simple-jit', 'other-jit'), path));
    return statSync(path).size;
  });
  expect(new Set(sizes.slice(1)).size).toBe(1);
});

test('a symbol that no SMF file can hold is updateFailed, and the others are written', () => {
  const path = workspace.library();
  const name = 'x'.repeat(9000);
  edit(path, (builder) => {
    const row = { template: 'identity', typeArgs: 'u8', mangledName: name, requiredBy: '', canDefer: true };
    builder.setNote({ ...builder.note!, possible: [...builder.note!.possible, row] });
  });
  withJit(path, (jit) => {
    const result = jit.tryJitInstantiate(name);
    expect(result).toMatchObject({ kind: 'updateFailed', error: expect.stringMatching(/longer than SMF files allow/) });
    sum(jit);
    expect(jit.flush()).toEqual([]);
  });
  withJit(path, (jit) => expect(sum(jit) && jit.stats().persisted).toBe(1));
});

test('a FIFO in the place of the file is refused, not waited for', () => {
  const path = workspace.library();
  const jit = new JitInstantiator({ flushDelay: 60_000, cacheDirectory: undefined });
  jit.loadSmfMetadata(path);
  sum(jit);
  execFileSync('rm', [path]);
  execFileSync('mkfifo', ['-m', '600', path]);
  expect(() => jit.close()).toThrow(/not a regular file/);
});

test('what another library’s writer is about to rename is left alone', () => {
  const path = workspace.library('lib');
  const other = join(workspace.folder, '.lib.smf.4711.jit-tmp');
  writeFileSync(other, 'half of lib.smf');
  withJit(path, sum);
  expect(existsSync(other)).toBe(true);
});
