// Templates that change under running code: what is dropped, where calls go, and when old code is freed. Machine code and
// the interpreter go through the same tests.
import { bindFunction, CodeArena, findCode } from '@simple-jit/native-mem';
import { parseSmf, SmfBuilder } from '@simple-jit/smf-format';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isSuccess, JitInstantiator, nativeSignature } from '../src/index.js';
import { assemble, useWorkspace } from './support.js';

const workspace = useWorkspace();
let arena: CodeArena;
let jit: JitInstantiator;

beforeEach(() => {
  arena = new CodeArena({ reserve: 2 ** 22 });
  open('native');
});
afterEach(() => {
  jit.close();
  expect(arena.stats()).toMatchObject({ blocks: 0, slots: 0 });
  arena.close();
});

function open(mode: 'native' | 'interpret'): void {
  jit?.close();
  jit = new JitInstantiator({ updateSmf: false, arena, mode });
}

const step = (body: string) => `fn step<T: Num>(x: T) -> T {\nentry:\n  ${body}\n}\n`;
const PLUS = step('y = add x, x\n  return y');
const TIMES = step('y = mul x, x\n  return y');
const USER = `fn user<T: Num>(x: T) -> T {
entry:
  y: T = call step<T>(x)
  return y
}
`;
const OUTER = `fn outer<T: Num>(x: T) -> T {
entry:
  y: T = call user<T>(x)
  return y
}
`;
/** Another signature. */
const WIDER = `fn step<T: Num>(x: T, n: i64) -> T {\nentry:\n  return x\n}\n`;
const WIDER_USER = `fn user<T: Num>(x: T) -> T {
entry:
  seven: i64 = const 7
  y: T = call step<T>(x, seven)
  return y
}
`;

const write = (text: string, name = 'lib.smf') => workspace.write(name, assemble(text));

type Callable = (...args: unknown[]) => unknown;

/** Bound to the code itself; to what outlives it where there is none. */
function bind(symbol: string): Callable {
  const result = jit.tryJitInstantiate(symbol);
  if (!isSuccess(result)) throw new Error(JSON.stringify(result));
  if (jit.arena === undefined) return jit.callable(symbol)!;
  return bindFunction(result.address, nativeSignature(jit.signatureOf(symbol)!)) as Callable;
}

/** Bound to what outlives the code. */
function bindEntry(symbol: string): Callable {
  bind(symbol);
  if (jit.arena === undefined) return jit.callable(symbol)!;
  return bindFunction(jit.entryOf(symbol)!, nativeSignature(jit.signatureOf(symbol)!)) as Callable;
}

const FREED = expect.objectContaining({ code: 'ERR_CODE_FREED' });

describe.each(['native', 'interpret'] as const)('a reloaded file, %s', (mode) => {
  beforeEach(() => open(mode));

  test('takes over for new resolutions and for running callers', () => {
    jit.loadSmfMetadata(write(PLUS + USER));
    const user = bind('fn$user$i64');
    const entry = bindEntry('fn$step$i64');
    const direct = bind('fn$step$i64');
    expect([user(5n), entry(5n), direct(5n)]).toEqual([10n, 10n, 10n]);
    jit.loadSmfMetadata(write(TIMES + USER));
    expect([user(5n), entry(5n), bind('fn$step$i64')(5n)]).toEqual([25n, 25n, 25n]);
    if (mode === 'native') expect(() => direct(5n)).toThrow(FREED);
    else expect(direct(5n)).toBe(25n);
    expect(jit.stats()).toMatchObject({ compileCount: mode === 'native' ? 3 : 0, cachedCount: 2 });
  });

  test('keeps everything whose template is the same', () => {
    const path = write(PLUS + USER);
    jit.loadSmfMetadata(path);
    const user = jit.tryJitInstantiate('fn$user$i64');
    jit.loadSmfMetadata(write(PLUS + USER + OUTER));
    expect(jit.tryJitInstantiate('fn$user$i64')).toEqual(user);
    expect(jit.stats().compileCount).toBe(mode === 'native' ? 2 : 0);
    expect(jit.unloadSmf(path)).toBe(true); // they belong to the new version
    expect(jit.stats().cachedCount).toBe(0);
  });

  test('with another signature: callers are compiled anew, old callables throw', () => {
    jit.loadSmfMetadata(write(PLUS + USER + OUTER));
    const outer = bind('fn$outer$i64');
    const entry = bindEntry('fn$step$i64');
    jit.loadSmfMetadata(write(WIDER + WIDER_USER + OUTER));
    expect(outer(5n)).toBe(5n);
    expect(() => entry(5n)).toThrow(FREED);
    expect(bindEntry('fn$step$i64')(5n, 1n)).toBe(5n);
  });

  test('with another signature that callers elsewhere do not know: they are an error now, running ones keep what they had', () => {
    jit.loadSmfMetadata(write(PLUS));
    jit.loadSmfMetadata(workspace.write('app.smf', withoutTemplate(PLUS + USER + OUTER, 'step')));
    const outer = bind('fn$outer$i64');
    const user = bindEntry('fn$user$i64');
    const step = bindEntry('fn$step$i64');
    jit.loadSmfMetadata(write(WIDER));
    expect(outer(5n)).toBe(10n);
    expect(user(5n)).toBe(10n);
    expect(() => step(5n)).toThrow(FREED);
    expect(jit.tryJitInstantiate('fn$user$i64')).toMatchObject({
      kind: 'compilationError',
      message: expect.stringMatching(/calls fn\$step\$i64 as \(i64\) -> i64, but it is \(i64, i64\) -> i64/),
    });
    jit.loadSmfMetadata(write(TIMES));
    bind('fn$user$i64');
    expect([outer(5n), user(5n)]).toEqual([25n, 25n]);
  });

  test('without the template: not found, and running callers keep the old code', () => {
    jit.loadSmfMetadata(write(PLUS));
    jit.loadSmfMetadata(workspace.write('app.smf', withoutTemplate(PLUS + USER, 'step')));
    const user = bindEntry('fn$user$i64');
    jit.loadSmfMetadata(write(TIMES.replaceAll('step', 'other')));
    expect(user(5n)).toBe(10n);
    expect(jit.explain('fn$step$i64')).toMatchObject({ kind: 'failed' });
    expect(jit.tryJitInstantiate('fn$step$i64').kind).toBe('notFound');
  });

  test('that does not compile: running callers keep the old code, and explain says why', () => {
    jit.loadSmfMetadata(write(PLUS + USER));
    const user = bindEntry('fn$user$i64');
    const bad = parseSmf(assemble(PLUS + USER));
    const builder = SmfBuilder.from(bad);
    const data = bad.sectionData(0).slice();
    const [first] = bad.templates();
    data[first!.offset + first!.entry.length - 1]! ^= 0xff;
    builder.replaceSection(0, { data });
    jit.loadSmfMetadata(workspace.write('lib.smf', builder.build()));
    expect(user(5n)).toBe(10n);
    const failed = jit.tryJitInstantiate('fn$step$i64');
    expect(failed.kind).toBe('compilationError');
    expect(jit.explain('fn$step$i64')).toMatchObject({ kind: 'failed' });
    jit.loadSmfMetadata(write(TIMES + USER));
    bind('fn$step$i64');
    expect(user(5n)).toBe(25n);
  });

  test('of what was dropped and is still called: callers get the new code', () => {
    jit.loadSmfMetadata(write(PLUS + USER));
    const user = bindEntry('fn$user$i64');
    jit.dropCachedSymbol('fn$step$i64');
    expect(user(5n)).toBe(10n);
    jit.loadSmfMetadata(write(TIMES + USER));
    expect(user(5n)).toBe(25n);
  });

  test('unloaded and loaded in another version: callers elsewhere get the new code', () => {
    const path = write(PLUS);
    jit.loadSmfMetadata(path);
    jit.loadSmfMetadata(workspace.write('app.smf', withoutTemplate(PLUS + USER, 'step')));
    const user = bindEntry('fn$user$i64');
    jit.unloadSmf(path);
    expect(user(5n)).toBe(10n);
    jit.loadSmfMetadata(write(TIMES));
    expect(user(5n)).toBe(25n);
    expect(bind('fn$step$i64')(5n)).toBe(25n);
  });

  test('a callee is for the module that lists and holds it: it stays when the one that asked goes', () => {
    jit.loadSmfMetadata(write(PLUS));
    const app = workspace.write('app.smf', withoutTemplate(PLUS + USER, 'step'));
    jit.loadSmfMetadata(app);
    bind('fn$user$i64');
    const step = bindEntry('fn$step$i64');
    jit.unloadSmf(app);
    expect(step(5n)).toBe(10n);
    jit.loadSmfMetadata(write(TIMES));
    expect(step(5n)).toBe(25n);
  });

  test('many times: memory stays flat', () => {
    jit.loadSmfMetadata(write(PLUS + USER + OUTER));
    const outer = bind('fn$outer$i64');
    const entry = bindEntry('fn$user$i64');
    const before = arena.stats();
    for (let round = 0; round < 100; round++) {
      const times = round % 2 === 0;
      jit.loadSmfMetadata(write((times ? TIMES : PLUS) + USER + OUTER));
      expect([outer(5n), entry(3n)]).toEqual(times ? [25n, 9n] : [10n, 6n]);
      jit.invalidateBySemanticKey('user');
    }
    expect(arena.stats()).toMatchObject({
      blocks: before.blocks,
      slots: before.slots,
      used: before.used,
      dataUsed: before.dataUsed,
    });
  });
});

describe.each(['native', 'interpret'] as const)('invalidateBySemanticKey, %s', (mode) => {
  beforeEach(() => open(mode));

  test('by template, by template and types, by what nothing was made from', () => {
    jit.loadSmfMetadata(write(PLUS + USER));
    for (const type of ['i32', 'i64', 'f64']) jit.tryJitInstantiate(`fn$step$${type}`);
    expect(jit.invalidateBySemanticKey('step< f64 >')).toEqual(['fn$step$f64']);
    expect(jit.invalidateBySemanticKey('step')).toEqual(['fn$step$i32', 'fn$step$i64']);
    for (const nothing of ['step', 'step<u8>', 'ste', 'fn$step$i64', '']) {
      expect(jit.invalidateBySemanticKey(nothing)).toEqual([]);
    }
    expect(jit.stats().cachedCount).toBe(0);
  });

  test('what is still called is made anew at once; what is not, when it is asked for', () => {
    jit.loadSmfMetadata(write(PLUS + USER + OUTER));
    const outer = bind('fn$outer$i64');
    jit.tryJitInstantiate('fn$step$f64');
    expect(jit.invalidateBySemanticKey('step').sort()).toEqual(['fn$step$f64', 'fn$step$i64']);
    expect(jit.stats()).toMatchObject({ compileCount: mode === 'native' ? 5 : 0, cachedCount: 3 });
    expect(outer(4n)).toBe(8n);
    expect(bind('fn$step$f64')(4)).toBe(8);
  });

  test('listeners hear of what was dropped', () => {
    const heard: string[] = [];
    jit.onDrop((symbols) => heard.push(...symbols));
    jit.loadSmfMetadata(write(PLUS));
    bind('fn$step$i64');
    jit.invalidateBySemanticKey('step');
    bind('fn$step$i64');
    jit.dropCachedSymbol('fn$step$i64');
    expect(heard).toEqual(['fn$step$i64', 'fn$step$i64']);
  });
});

describe('old code is freed when nothing can call it', () => {
  test('at once, if it is only called from itself', () => {
    jit.loadSmfMetadata(
      write(
        `fn count<T: Int>(n: T) -> T {\nentry:\n  done = le n, 0\n  branch done, stop, more\nstop:\n  return 0\nmore:\n  less = sub n, 1\n  rest = call count<T>(less)\n  sum = add rest, 1\n  return sum\n}\n`,
      ),
    );
    const count = bind('fn$count$i64');
    expect(count(9n)).toBe(9n);
    expect(jit.dropCachedSymbol('fn$count$i64')).toBe(true);
    expect(() => count(9n)).toThrow(FREED);
    expect(arena.stats()).toMatchObject({ blocks: 0, slots: 0 });
  });

  test('not while a caller is there; then with the caller', () => {
    jit.loadSmfMetadata(write(PLUS + USER));
    const user = bind('fn$user$i64');
    const step = jit.tryJitInstantiate('fn$step$i64');
    if (!isSuccess(step)) throw new Error(step.kind);
    jit.dropCachedSymbol('fn$step$i64');
    expect(user(5n)).toBe(10n);
    expect(findCode(step.address)).toBeDefined();
    jit.dropCachedSymbol('fn$user$i64');
    expect(findCode(step.address)).toBeUndefined();
    expect(() => user(5n)).toThrow(FREED);
  });

  test('with its module, entries included', () => {
    const path = write(PLUS + USER);
    jit.loadSmfMetadata(path);
    const user = bindEntry('fn$user$i64');
    jit.unloadSmf(path);
    expect(() => user(1n)).toThrow(FREED);
    expect(arena.stats()).toMatchObject({ blocks: 0, slots: 0 });
    expect(jit.entryOf('fn$user$i64')).toBeUndefined();
  });
});

/** A library whose calls to a template need another library. */
function withoutTemplate(text: string, name: string): Uint8Array {
  const whole = parseSmf(assemble(text));
  const builder = new SmfBuilder();
  for (const template of whole.templates()) {
    if (template.name !== name) builder.addTemplate({ ...template, body: template.body! });
  }
  const note = whole.noteSdn()!;
  builder.setNote({ ...note, possible: note.possible.filter(({ template }) => template !== name) });
  return builder.build();
}
