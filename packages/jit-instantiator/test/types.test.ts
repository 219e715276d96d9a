// Structs and enums: where their declarations come from, what follows from a layout that changes, what has none; and
// addresses of functions, C functions, CPU features.
import { readFileSync, writeFileSync } from 'node:fs';
import { GENERATOR_VERSION } from '@simple-jit/codegen';
import { cpuFeatures } from '@simple-jit/native-mem';
import { parseSmf, SectionType, SmfBuilder } from '@simple-jit/smf-format';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { assembleLibrary } from '../src/assemble.js';
import { JitInstantiator, type JitInstantiatorConfig } from '../src/index.js';
import { assemble, useWorkspace } from './support.js';

const workspace = useWorkspace();
let jit: JitInstantiator;
const open = (config: Partial<JitInstantiatorConfig> = {}): JitInstantiator => {
  jit?.close();
  jit = new JitInstantiator({ cacheDirectory: undefined, flushDelay: 60_000, ...config });
  return jit;
};
beforeEach(() => {
  open({ updateSmf: false });
});
afterEach(() => jit.close());

const write = (name: string, text: string): string => workspace.write(name, assemble(text));

function run(symbol: string, ...args: unknown[]): unknown {
  const result = jit.tryJitInstantiate(symbol);
  if (result.kind !== 'success')
    throw new Error(JSON.stringify(result, (_, v) => (typeof v === 'bigint' ? `${v}` : v)));
  return jit.callable(symbol)!(...args);
}

const PAIR = 'struct Pair<A: Any, B: Any> {\n  a: A\n  b: B\n}\n';
const SWAPPED = 'struct Pair<A: Any, B: Any> {\n  b: B\n  a: A\n}\n';
/** The bytes between the start of a Pair and its field b. */
const WHERE = 'fn where<T: Any>() -> i64 {\nentry:\n  o = offsetof Pair<u8, T>, b\n  return o\n}\n';
/** Reads b through a pointer. */
const SECOND = `fn second<T: Any>(p: ptr<Pair<u8, T>>) -> T {
entry:
  at = field p, b
  b = load at
  return b
}
`;
const listed = (text: string, template: string, ...typeArgs: string[]): Uint8Array =>
  assembleLibrary(`module test\n${text}`, { possible: typeArgs.map((types) => ({ template, typeArgs: types })) });

/** A library's templates without its own declarations: the types are another module's. */
function withoutTypes(text: string, template: string, ...typeArgs: string[]): Uint8Array {
  const whole = parseSmf(listed(text, template, ...typeArgs));
  const builder = new SmfBuilder();
  for (const entry of whole.templates()) if (entry.kind === 0) builder.addTemplate({ ...entry, body: entry.body! });
  return builder.setNote(whole.noteSdn()!).build();
}

describe.each(['native', 'interpret'] as const)('%s', (mode) => {
  beforeEach(() => {
    open({ updateSmf: false, mode });
  });

  test('a type of the module itself, of another one, and of none', () => {
    jit.loadSmfMetadata(write('own.smf', PAIR + SECOND));
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setFloat64(8, 2.5, true);
    expect(run('fn$second$f64', bytes)).toBe(2.5);
    open({ updateSmf: false, mode });
    jit.loadSmfMetadata(workspace.write('user.smf', withoutTypes(PAIR + WHERE, 'where', 'i32')));
    expect(jit.tryJitInstantiate('fn$where$i32')).toMatchObject({
      kind: 'compilationError',
      message: expect.stringMatching(/Pair/),
    });
    jit.loadSmfMetadata(write('pair.smf', PAIR));
    expect(run('fn$where$i32')).toBe(4n);
  });

  test('the module that asks comes first, then the first loaded one', () => {
    jit.loadSmfMetadata(write('swapped.smf', SWAPPED));
    jit.loadSmfMetadata(write('own.smf', PAIR + WHERE));
    expect(run('fn$where$i32')).toBe(4n);
    open({ updateSmf: false, mode });
    jit.loadSmfMetadata(write('swapped.smf', SWAPPED));
    jit.loadSmfMetadata(write('pair.smf', PAIR));
    jit.loadSmfMetadata(workspace.write('user.smf', withoutTypes(PAIR + WHERE, 'where', 'i32')));
    expect(run('fn$where$i32')).toBe(0n);
  });

  test('then the modules of the type arguments: their declarations, and their templates', () => {
    const INNER = 'struct Inner {\n  x: u8\n}\n';
    const SIZE = 'fn size<T: Any>() -> i64 {\nentry:\n  s = sizeof T\n  return s\n}\n';
    const size = (bytes: number) => `fn size<T: Any>() -> i64 {\nentry:\n  return ${bytes}\n}\n`;
    jit.loadSmfMetadata(write('first.smf', `${INNER.replace('u8', 'i64')}${size(100)}`));
    jit.loadSmfMetadata(write('types.smf', `struct Outer {\n  inner: Inner\n}\n${INNER}${size(200)}`));
    // Outer is of types.smf, so Inner is that module's too, and so is the template.
    jit.loadSmfMetadata(
      workspace.write('user.smf', withoutTypes(`struct Outer {\n  x: u8\n}\n${SIZE}`, 'size', 'Outer')),
    );
    expect(run('fn$size$Outer')).toBe(1n);
    const note = parseSmf(withoutTypes(`struct Outer {\n  x: u8\n}\n${SIZE}`, 'size', 'Outer')).noteSdn()!;
    jit.unloadSmf(`${workspace.folder}/user.smf`);
    jit.loadSmfMetadata(workspace.write('note.smf', new SmfBuilder().setNote(note).build()));
    expect(run('fn$size$Outer')).toBe(200n);
  });

  test('a layout that changes at a reload: the code is made anew, also where the template is another file’s', () => {
    jit.loadSmfMetadata(write('pair.smf', PAIR));
    jit.loadSmfMetadata(workspace.write('user.smf', withoutTypes(PAIR + WHERE, 'where', 'i32', 'i64')));
    const where = (): unknown => run('fn$where$i32');
    expect(where()).toBe(4n);
    const held = jit.callable('fn$where$i32')!;
    jit.loadSmfMetadata(write('pair.smf', `${SWAPPED}struct Other {\n  x: i32\n}\n`));
    expect([where(), held()]).toEqual([0n, 0n]);
    const { cachedCount } = jit.stats();
    jit.loadSmfMetadata(write('pair.smf', `${SWAPPED}struct Other {\n  y: i32\n}\n`));
    expect(jit.stats().cachedCount).toBe(cachedCount); // what relies on no changed layout stays
    expect(held()).toBe(0n);
  });

  test('a type that contains itself by value is a circular dependency, with its path in order', () => {
    const cyclic = (text: string) => {
      // The assembler refuses what a damaged or hand-made file can hold: each half is right alone.
      const [first, second] = text.split('---') as [string, string];
      jit.loadSmfMetadata(workspace.write('a.smf', first === '' ? new SmfBuilder().build() : halves(first)));
      jit.loadSmfMetadata(workspace.write('b.smf', halves(second)));
    };
    /** Only the first struct of the text. */
    const halves = (text: string): Uint8Array => {
      const whole = parseSmf(assemble(text));
      const builder = new SmfBuilder();
      const [type] = whole.templates().filter(({ kind }) => kind !== 0);
      for (const entry of whole.templates()) {
        if (entry.kind === 0 || entry === type) builder.addTemplate({ ...entry, body: entry.body! });
      }
      const note = whole.noteSdn();
      return note === undefined ? builder.build() : builder.setNote(note).build();
    };
    cyclic(
      'struct A {\n  n: u8\n  b: B\n}\nstruct B {\n  x: u8\n}\nfn size() -> i64 {\nentry:\n  s = sizeof Outer\n  return s\n}\nstruct Outer {\n  a: u8\n}\n---struct B {\n  x: A\n}\nstruct A {\n  y: u8\n}\n',
    );
    jit.loadSmfMetadata(workspace.write('c.smf', halves('struct Outer {\n  first: A\n}\nstruct A {\n  y: u8\n}\n')));
    expect(jit.instantiate('size')).toEqual({ kind: 'circularDependency', cycle: ['A', 'B', 'A'] });
    expect(jit.explain('fn$size')).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/by value|contain/) });
    // Mended, it works.
    jit.loadSmfMetadata(write('b.smf', 'struct B {\n  x: u32\n}\n'));
    expect(run('fn$size')).toBe(8n);
  });

  test('structs that are passed and returned are buffers for a caller', () => {
    const SWAP = `fn swap<T: Any>(p: Pair<u8, T>) -> Pair<T, u8> {
entry:
  from = slot Pair<u8, T>
  store from, p
  to = slot Pair<T, u8>
  a_at = field from, a
  a = load a_at
  b_at = field from, b
  b = load b_at
  first = field to, a
  store first, b
  second = field to, b
  store second, a
  q = load to
  return q
}
`;
    jit.loadSmfMetadata(write('lib.smf', PAIR + SWAP));
    const [from, to] = [new Uint8Array(16), new Uint8Array(16)];
    from[0] = 7;
    new DataView(from.buffer).setFloat64(8, -1.5, true);
    run('fn$swap$f64', to, from);
    expect(new DataView(to.buffer).getFloat64(0, true)).toBe(-1.5);
    expect(to[8]).toBe(7);
    expect(() => run('fn$swap$f64', to)).toThrow(TypeError);
    expect(() => run('fn$swap$f64', to, 5)).toThrow(TypeError);
  });

  test('addresses of functions outlive reloads, and who took them', () => {
    const STEP = (op: string) => `fn step<T: Num>(x: T) -> T {\nentry:\n  y = ${op} x, x\n  return y\n}\n`;
    const TAKE = 'fn take<T: Num>() -> fn(T) -> T {\nentry:\n  p = fnaddr step<T>\n  return p\n}\n';
    const USE = 'fn use<T: Num>(p: fn(T) -> T, x: T) -> T {\nentry:\n  y = invoke p(x)\n  return y\n}\n';
    jit.loadSmfMetadata(write('lib.smf', STEP('add') + TAKE + USE));
    const pointer = run('fn$take$i64');
    expect(run('fn$take$i64')).toBe(pointer);
    expect(run('fn$use$i64', pointer, 5n)).toBe(10n);
    jit.loadSmfMetadata(write('lib.smf', STEP('mul') + TAKE + USE));
    expect(run('fn$use$i64', pointer, 5n)).toBe(25n);
    jit.dropCachedSymbol('fn$take$i64');
    jit.dropCachedSymbol('fn$step$i64');
    expect(run('fn$use$i64', pointer, 5n)).toBe(25n);
    expect(run('fn$take$i64')).toBe(pointer);
    const path = write('lib.smf', STEP('add') + TAKE);
    jit.loadSmfMetadata(path);
    jit.loadSmfMetadata(write('use.smf', USE));
    expect(run('fn$use$i64', pointer, 5n)).toBe(10n);
    jit.unloadSmf(path);
    expect(run('fn$use$i64', pointer, 5n)).toBe(10n);
    expect(() => run('fn$use$i64', null, 5n)).toThrow(expect.objectContaining({ code: 'ERR_TRAP', kind: 'memory' }));
    expect(() => run('fn$use$i64', 5, 5n)).toThrow(TypeError);
  });
});

describe('persisted code', () => {
  const persist = (text: string, ...symbols: string[]): string => {
    const path = write('lib.smf', text);
    open();
    jit.loadSmfMetadata(path);
    for (const symbol of symbols) expect(jit.tryJitInstantiate(symbol).kind).toBe('success');
    expect(jit.flush()).toEqual([]);
    open({ updateSmf: false });
    return path;
  };

  test('is taken while the layouts are what they were', () => {
    const path = persist(PAIR + SECOND, 'fn$second$f64');
    jit.loadSmfMetadata(path);
    expect(run('fn$second$f64', new Uint8Array(16))).toBe(0);
    expect(jit.explain('fn$second$f64')).toEqual({ kind: 'persisted' });
  });

  test('is refused by name where the layout of a type is another one now', () => {
    // The types are in another file than the code.
    const types = write('types.smf', PAIR);
    const path = workspace.write('user.smf', withoutTypes(PAIR + WHERE, 'where', 'i32'));
    open();
    for (const each of [types, path]) jit.loadSmfMetadata(each);
    expect(run('fn$where$i32')).toBe(4n);
    expect(jit.flush()).toEqual([]);
    open({ updateSmf: false });
    writeFileSync(types, assemble(SWAPPED));
    for (const each of [types, path]) jit.loadSmfMetadata(each);
    expect(run('fn$where$i32')).toBe(0n);
    expect(jit.explain('fn$where$i32')).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/^layout of Pair<u8, ?i32> changed: .*b: i32 @4.*, this is '.*b: i32 @0/),
    });
  });

  test('with addresses and C functions in it works in the next process', () => {
    const text = `fn step<T: Num>(x: T) -> T {\nentry:\n  y = add x, x\n  return y\n}\nfn both(x: i64) -> i64 {\nentry:\n  p = fnaddr step<i64>\n  a = invoke p(x)\n  b = call step<i64>(a)\n  c: i64 = extern labs(b)\n  return c\n}\n`;
    const path = write('lib.smf', text);
    open({ externals: ['labs'] });
    jit.loadSmfMetadata(path);
    expect(run('fn$both', -3n)).toBe(12n);
    expect(jit.flush()).toEqual([]);
    open({ updateSmf: false, externals: ['labs'] });
    jit.loadSmfMetadata(path);
    expect(run('fn$both', -5n)).toBe(20n);
    expect(jit.stats()).toMatchObject({ persisted: 2, rejected: 0, compileCount: 0 });
    open({ updateSmf: false });
    jit.loadSmfMetadata(path);
    expect(jit.tryJitInstantiate('fn$both')).toMatchObject({
      kind: 'compilationError',
      message: expect.stringMatching(/fn\$both calls the C function labs: it is not allowed: .*`externals`/),
    });
  });

  test('that uses more than this processor has is refused', () => {
    const path = persist('fn ones<T: Int>(x: T) -> T {\nentry:\n  y = popcount x\n  return y\n}\n', 'fn$ones$u64');
    const used = cpuFeatures().includes('popcnt') ? 'popcnt' : '';
    const file = parseSmf(readFileSync(path));
    const tables = file.findSection('jit.sdn')!;
    const text = new TextDecoder().decode(file.sectionData(tables.index));
    expect(text).toContain(GENERATOR_VERSION);
    if (used !== '') expect(text).toContain(used);
    const builder = SmfBuilder.from(file);
    const row = /x86_64-sysv("?, *)([^,]*)(, *)/;
    expect(text).toMatch(row);
    const data = new TextEncoder().encode(text.replace(row, 'x86_64-sysv$1"avx1024"$3'));
    builder.replaceSection(builder.findSection('jit.sdn', SectionType.RoData), { data, virtualSize: data.length });
    writeFileSync(path, builder.build());
    jit.loadSmfMetadata(path);
    expect(run('fn$ones$u64', 7n)).toBe(3n);
    expect(jit.explain('fn$ones$u64')).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/^CPU features: .*avx1024.*this processor lacks/),
    });
  });
});

describe('C functions', () => {
  const LABS = 'fn magnitude(x: i64) -> i64 {\nentry:\n  y: i64 = extern labs(x)\n  return y\n}\n';
  const NONE = 'fn nothing() {\nentry:\n  extern simple_jit_no_such_function()\n  return\n}\n';

  test('that are allowed are called', () => {
    open({ updateSmf: false, externals: ['labs'] });
    jit.loadSmfMetadata(write('lib.smf', LABS));
    expect(run('fn$magnitude', -7n)).toBe(7n);
  });

  test('that are not allowed, not there, or interpreted are a compilation error that says what to do', () => {
    jit.loadSmfMetadata(write('lib.smf', LABS));
    const message = (): string => {
      const result = jit.tryJitInstantiate('fn$magnitude');
      return result.kind === 'compilationError' ? result.message : result.kind;
    };
    expect(message()).toMatch(/fn\$magnitude calls the C function labs: it is not allowed: .*`externals`/);
    open({ updateSmf: false, externals: ['labs'], mode: 'interpret' });
    jit.loadSmfMetadata(write('lib.smf', LABS));
    expect(message()).toMatch(/labs: it runs as machine code only.*malloc, calloc/);
    open({ updateSmf: false, externals: ['simple_jit_no_such_function'] });
    jit.loadSmfMetadata(write('lib.smf', NONE));
    expect(jit.tryJitInstantiate('fn$nothing')).toMatchObject({
      kind: 'compilationError',
      message: expect.stringMatching(/simple_jit_no_such_function: this process has no such symbol/),
    });
    expect(jit.stats().cachedCount).toBe(0);
  });
});
