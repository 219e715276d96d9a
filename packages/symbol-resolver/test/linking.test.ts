// Modules that come and go, and what they reach beyond each other: the JIT, the process, entry points, signatures.
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { legacySmf } from '@simple-jit/fixtures';
import { signSmf } from '@simple-jit/jit-instantiator';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';
import type { CodeArena } from '@simple-jit/native-mem';
import { SmfCache } from '@simple-jit/smf-cache';
import { HeaderFlags, LsmfBuilder, parseSmf, SectionType, SmfBuilder } from '@simple-jit/smf-format';
import { builtinCodecs } from '@simple-jit/smf-format/node';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { JitSymbolResolver, type JitSymbolResolverConfig, LinkError } from '../src/index.js';
import { compile, hasCompiler } from './support/elf.js';
import { caught, I64, I64_I64, Place } from './support/harness.js';

const COLLECTIONS = readFileSync(new URL('../../../examples/collections.tir', import.meta.url), 'utf8');

let place: Place;
let folder: string;
let arena: CodeArena;
let resolver: JitSymbolResolver;

const open = (config: Partial<JitSymbolResolverConfig> = {}): JitSymbolResolver => {
  resolver?.close();
  resolver = new JitSymbolResolver({ arena, updateSmf: false, ...config });
  return resolver;
};

beforeEach(() => {
  place = new Place();
  ({ folder, arena } = place);
  open();
});
afterEach(() => {
  resolver.close();
  expect(arena.stats()).toMatchObject({ blocks: 0, slots: 0, dataBlocks: 0 });
  place.close();
});

const write = (name: string, bytes: Uint8Array, mode?: number): string => place.write(name, bytes, mode);

function load(name: string, source: string, flags?: readonly string[]): string {
  const path = write(name, compile(source, flags));
  resolver.loadSmf(path);
  return path;
}

describe.skipIf(!hasCompiler())('code that calls the JIT', () => {
  const CALLER = `
    extern double fn$max$f64(double, double);
    static double (*const pointer)(double, double) = fn$max$f64;
    double greater(double a, double b) { return fn$max$f64(a, b); }
    double greater_by_pointer(double a, double b) { return pointer(a, b); }`;
  const F64_F64_F64 = { params: ['f64', 'f64'], result: 'f64' } as const;

  test.each([[['-fPIC']], [['-fPIC', '-fno-plt']], [['-fno-pic', '-mcmodel=large']]])(
    'the first call instantiates, with %s',
    (flags) => {
      resolver.loadSmf(write('collections.smf', assembleLibrary(COLLECTIONS)));
      load('caller.smf', CALLER, flags);
      const greater = resolver.resolveFunction('greater', F64_F64_F64);
      expect(resolver.jit.stats().compileCount).toBe(0);
      expect(greater(1.5, 2.5)).toBe(2.5);
      expect(resolver.jit.stats().compileCount).toBe(1);
      expect(resolver.resolveFunction('greater_by_pointer', F64_F64_F64)(4, 2)).toBe(4);
      expect(resolver.jit.stats().compileCount).toBe(1);
    },
  );

  const library = (op: string) =>
    assembleLibrary(`module lib\nfn step<T: Num>(x: T) -> T {\nentry:\n  y = ${op} x, x\n  return y\n}`);

  test('a template that is loaded again, dropped or unloaded redirects its callers', () => {
    const path = write('library.smf', library('add'));
    resolver.loadSmf(path);
    load('caller.smf', 'extern long fn$step$i64(long); long call(long n) { return fn$step$i64(n); }');
    const call = resolver.resolveFunction('call', I64_I64);
    expect(call(5)).toBe(10);
    write('library.smf', library('mul'));
    resolver.loadSmf(path);
    expect(call(5)).toBe(25);
    resolver.jit.dropCachedSymbol('fn$step$i64');
    expect(call(6)).toBe(36);
    resolver.unload(path);
    expect(caught(() => call(5))).toMatchObject({ code: 'ERR_UNRESOLVED', symbol: 'fn$step$i64' });
    resolver.loadSmf(path);
    expect(call(7)).toBe(49);
  });

  test('an instance that was asked for by its template is called too', () => {
    resolver.loadSmf(
      write(
        'library.smf',
        assembleLibrary('module lib\nfn twice<T: Num>(x: T) -> T {\nentry:\n  y = add x, x\n  return y\n}', {
          possible: [],
        }),
      ),
    );
    load('caller.smf', 'extern int fn$twice$i32(int); long call(long n) { return fn$twice$i32(n); }');
    expect((caught(() => resolver.resolveFunction('call', I64_I64)) as Error).cause).toBeInstanceOf(LinkError);
    expect(resolver.jit.instantiate('twice', 'i32')).toMatchObject({ kind: 'success', symbol: 'fn$twice$i32' });
    expect(resolver.resolveFunction('call', I64_I64)(21)).toBe(42);
  });

  test('a failure to compile is an error of the call, and the next call tries again', () => {
    const note =
      'possible |template, type_args, mangled_name, required_by, can_defer|\n    lost, i64, fn$lost$i64, me, true\n';
    resolver.loadSmf(write('broken.smf', new SmfBuilder().setNote(note).build()));
    load('caller.smf', 'extern long fn$lost$i64(long); long call(long n) { return fn$lost$i64(n) + 1; }');
    const call = resolver.resolveFunction('call', I64_I64);
    for (let i = 0; i < 2; i++) {
      expect(caught(() => call(1))).toMatchObject({
        code: 'ERR_UNRESOLVED',
        symbol: 'fn$lost$i64',
        reasons: [expect.stringMatching(/template lost/)],
      });
    }
    resolver.loadSmf(
      write('lost.smf', assembleLibrary('module lib\nfn lost<T: Num>(x: T) -> T {\nentry:\n  return x\n}')),
    );
    expect(call(41)).toBe(42);
  });
});

describe.skipIf(!hasCompiler())('modules come and go', () => {
  const CALLER = `
    extern long helper(long); static long (*const pointer)(long) = helper;
    long call(long n) { return helper(n); } long call_pointer(long n) { return pointer(n); }`;

  test.each([[['-fPIC']], [['-fPIE']], [['-fPIC', '-fno-plt']]])(
    'what called an unloaded module throws, until one that has the symbol is loaded: %s',
    (flags) => {
      load('caller.smf', CALLER, flags);
      const path = load('helper.smf', 'long helper(long n) { return n + 1; }', flags);
      const calls = ['call', 'call_pointer', 'helper'].map((name) => resolver.resolveFunction(name, I64_I64));
      for (const call of calls) expect(call(1)).toBe(2);
      const address = resolver.resolve('helper');
      resolver.unload(path);
      for (const call of calls) {
        expect(caught(() => call(1))).toMatchObject({ name: 'ResolveError', code: 'ERR_UNRESOLVED', symbol: 'helper' });
      }
      expect(resolver.resolve('helper')).toBeUndefined();
      load('other.smf', 'long helper(long n) { return n + 100; }', flags);
      for (const call of calls) expect(call(1)).toBe(101);
      expect(address).toBeDefined();
    },
  );

  test('a module that is loaded again runs its new code, and begins with its new data', () => {
    load('caller.smf', CALLER);
    const version = (step: number) => `static long calls; long helper(long n) { calls++; return n * ${step} + calls; }`;
    load('helper.smf', version(10));
    const call = resolver.resolveFunction('call', I64_I64);
    const helper = resolver.resolveFunction('helper', I64_I64);
    expect([call(1), helper(1), call(1)]).toEqual([11, 12, 13]);
    resolver.loadSmf(join(folder, 'helper.smf'));
    expect(call(1)).toBe(14);
    const used = arena.stats();
    load('helper.smf', version(20));
    expect([call(1), helper(1)]).toEqual([21, 22]);
    expect(arena.stats()).toEqual(used);
  });

  test('a module that is loaded again unchanged keeps its data, also if the cache let go of the file', () => {
    const cache = new SmfCache({ maxFiles: 1 });
    open({ cache });
    const path = load('counter.smf', 'static long n; long count(void) { return ++n; }');
    const count = resolver.resolveFunction('count', I64);
    expect(count()).toBe(1);
    load('other.smf', 'long other(void) { return 1; }');
    expect(cache.isCached(path)).toBe(false);
    resolver.loadSmf(path);
    expect(count()).toBe(2);
    expect(resolver.resolveFunction('count', I64)()).toBe(3);
    resolver.close();
    cache.close();
  });

  test('the address of a function that a module gave away is good after it', () => {
    const giver = load('giver.smf', 'extern long helper(long); void *give(void) { return (void *)helper; }');
    load('helper.smf', 'long helper(long n) { return n + 1; }');
    load(
      'keeper.smf',
      'static long (*kept)(long); void keep(void *f) { kept = f; } long call(long n) { return kept(n); }',
    );
    const pointer = resolver.resolveFunction('give', { params: [], result: 'ptr' })();
    resolver.resolveFunction('keep', { params: ['ptr'], result: 'void' })(pointer);
    resolver.unload(giver);
    expect(resolver.resolveFunction('call', I64_I64)(1)).toBe(2);
    load('helper.smf', 'long helper(long n) { return n + 10; }');
    expect(resolver.resolveFunction('call', I64_I64)(1)).toBe(11);
  });

  test('names that are registered to go to each other are an error, not an endless jump', () => {
    load(
      'giver.smf',
      `extern long one(void); extern long two(void); void *give_one(void) { return one; } void *give_two(void) { return two; }
       long call(void) { return one() + two(); }`,
    );
    load('functions.smf', 'long one(void) { return 1; } long two(void) { return 2; }');
    const [one, two] = ['give_one', 'give_two'].map((name) => {
      return resolver.resolveFunction(name, { params: [], result: 'ptr' })();
    });
    const call = resolver.resolveFunction('call', I64);
    expect(call()).toBe(3);
    resolver.register('one', two!, I64);
    expect(call()).toBe(4);
    resolver.register('two', one!, I64);
    expect(caught(() => call())).toMatchObject({
      code: 'ERR_UNRESOLVED',
      message: expect.stringMatching(/circles: two -> one -> two/),
    });
    resolver.register('one', one!, I64);
    expect(caught(() => call())).toMatchObject({
      code: 'ERR_UNRESOLVED',
      message: expect.stringMatching(/circles: one -> one/),
    });
    resolver.register('one', resolver.resolve('call')!, I64);
    expect(caught(() => call())).toMatchObject({ kind: 'stack-overflow' });
  });

  test('data that another module refers to outlives its module', () => {
    const owner = load(
      'owner.smf',
      'static long hidden = 5; long shared = 7; static long get(void) { return hidden; } long (*getter)(void) = get;',
    );
    const user = load(
      'user.smf',
      'extern long shared; extern long (*getter)(void); long use(void) { return shared++ * 100 + getter(); }',
    );
    const use = resolver.resolveFunction('use', I64);
    expect(use()).toBe(705);
    const loaded = arena.stats();
    resolver.unload(owner);
    expect(resolver.resolve('shared')).toBeUndefined();
    expect(use()).toBe(805);
    expect(arena.stats().codeBytes).toBe(loaded.codeBytes);
    // Loaded anew, the user finds the new owner; the old data goes with it.
    load('owner2.smf', 'long shared = 1; static long one(void) { return 1; } long (*getter)(void) = one;');
    resolver.unload(user);
    resolver.loadSmf(user);
    expect(resolver.resolveFunction('use', I64)()).toBe(101);
    expect(arena.stats().dataBlocks).toBeLessThanOrEqual(loaded.dataBlocks);
  });

  test('with verbose, each module that comes into memory and goes is told of', () => {
    const lines: string[] = [];
    open({ verbose: true, log: (line) => lines.push(line) });
    const path = load(
      'a.smf',
      'long data = 1; long zeros[9]; static const long table[] = {1, 2}; const long *f(void) { return table; }',
    );
    expect(resolver.resolve('f')).toBeDefined();
    resolver.unload(path);
    const linked = lines.find((line) => line.includes('linked'));
    expect(linked).toMatch(/\[simple-jit\] linked .*a\.smf: \d+ bytes of code, \d+ of data, 16 of constants$/);
    expect(lines).toContain(linked?.replace('linked', 'freed'));
  });

  test('the stub of a callable that nobody has any more is freed', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const names = Array.from({ length: 300 }, (_, i) => `unique${i}`);
    const path = load('many.smf', names.map((name) => `long ${name}(void) { return 1; }`).join('\n'));
    const kept = resolver.resolveFunction('unique0', I64);
    for (const name of names) expect(resolver.resolveFunction(name, I64)()).toBe(1);
    expect(arena.stats().slots).toBe(300);
    resolver.unload(path);
    await vi.waitFor(() => {
      collect();
      expect(arena.stats().slots).toBeLessThan(30);
    }, 20_000);
    expect(caught(kept)).toMatchObject({ code: 'ERR_UNRESOLVED', symbol: 'unique0' });
  });

  test('modules that refer to each other’s data are freed together', () => {
    const half = (mine: string, other: string) =>
      `extern long data_${other}; long data_${mine} = 3; long *const pointer_${mine} = &data_${other};
       long get_${mine}(void) { return *pointer_${mine}; }`;
    const paths = [load('a.smf', half('a', 'b')), load('b.smf', half('b', 'a'))];
    expect(resolver.resolveFunction('get_a', I64)()).toBe(3);
    for (const path of paths) resolver.unload(path);
    expect(arena.stats()).toMatchObject({ dataBlocks: 0 });
  });

  test('a module that is unloaded while its code calls is freed when the call ends', () => {
    const path = load(
      'caller.smf',
      'extern long late(void); static long state = 40; long call(void) { long n = late(); return n + ++state; }',
    );
    load('late.smf', 'long late(void) { return 1; }');
    const call = resolver.resolveFunction('call', I64);
    open({
      verbose: true,
      log: (line) => {
        if (line.includes('fn$identity$i64:')) resolver.unload(path);
      },
    });
    expect(caught(call)).toBeInstanceOf(Error);
    resolver.loadSmf(write('collections.smf', assembleLibrary(COLLECTIONS)));
    load(
      'caller.smf',
      `extern long fn$identity$i64(long); static long state = 40;
       long call(void) { long n = fn$identity$i64(1); return n + ++state; }`,
    );
    const again = resolver.resolveFunction('call', I64);
    // The listener unloads the module in the middle of the call, from within the first call's lookup.
    expect(again()).toBe(42);
    expect(caught(() => again())).toMatchObject({ code: 'ERR_UNRESOLVED', symbol: 'call' });
  });
});

describe.skipIf(!hasCompiler())('symbols of the process', () => {
  const strlen = { params: ['ptr'], result: 'u64:number' } as const;
  const text = Buffer.from('hello\0');

  test('are found only if they are allowed', () => {
    expect(resolver.resolve('strlen')).toBeUndefined();
    expect(caught(() => resolver.resolveFunction('strlen', strlen))).toMatchObject({
      code: 'ERR_UNRESOLVED',
      reasons: [expect.stringMatching(/add 'strlen' to processSymbols/)],
    });
    load('user.smf', 'extern unsigned long strlen(const char *); long length(char *s) { return strlen(s); }', [
      '-fPIC',
      '-fno-builtin',
    ]);
    const LENGTH = { params: ['ptr'], result: 'i64:number' } as const;
    expect((caught(() => resolver.resolveFunction('length', LENGTH)) as Error).cause).toMatchObject({
      code: 'ERR_UNDEFINED_SYMBOL',
      symbols: ['strlen'],
      message: expect.stringMatching(/processSymbols/),
    });
    for (const processSymbols of [['strlen'], 'all'] as const) {
      open({ processSymbols });
      resolver.loadSmf(join(folder, 'user.smf'));
      expect(resolver.resolveFunction('length', LENGTH)(text)).toBe(5);
      expect(resolver.resolveFunction('strlen', strlen)(text)).toBe(5);
      expect(resolver.resolve('strlen')).toBeTypeOf('bigint');
      expect(resolver.resolve('no_such_symbol_anywhere')).toBeUndefined();
    }
  });

  test('come after modules and the JIT', () => {
    open({ processSymbols: 'all' });
    const own = resolver.resolveFunction('strlen', strlen);
    expect(own(text)).toBe(5);
    load('mine.smf', 'unsigned long strlen(const char *s) { return 1000; }', ['-fPIC', '-fno-builtin']);
    expect(resolver.resolveFunction('strlen', strlen)(text)).toBe(1000);
    expect(own(text)).toBe(1000);
    resolver.unload(join(folder, 'mine.smf'));
    expect(own(text)).toBe(5);
  });

  test('a function pointer of a module comes back from libc', () => {
    open({ processSymbols: ['qsort', 'memcpy'] });
    load(
      'sort.smf',
      `typedef unsigned long size_t; extern void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
       static int compare(const void *a, const void *b) { return *(const int *)b - *(const int *)a; }
       void sort(int *data, long n) { qsort(data, n, sizeof *data, compare); }`,
    );
    const data = Int32Array.of(3, 1, 2);
    resolver.resolveFunction('sort', { params: ['ptr<i32>', 'i64:number'], result: 'void' })(data, 3);
    expect([...data]).toEqual([3, 2, 1]);
  });

  test('a list that is none is a TypeError', () => {
    expect(() => new JitSymbolResolver({ processSymbols: 'strlen' as 'all' })).toThrow(TypeError);
  });

  test('interpreted, they are not called', () => {
    open({ mode: 'interpret', processSymbols: 'all' });
    expect(resolver.resolve('strlen')).toBeUndefined();
  });
});

describe.skipIf(!hasCompiler())('entry points', () => {
  const PROGRAM = 'static int status = 40; long other(void) { return 1; } int start(void) { return ++status; }';
  const executable = (source = PROGRAM, stub?: string) =>
    compile(source, ['-fPIC'], (builder) => {
      const entryPoint = parseSmf(builder.build()).findSymbol('start')!.value;
      builder.setHeader({ flags: HeaderFlags.EXECUTABLE, entryPoint });
      if (stub !== undefined) builder.setStub(new TextEncoder().encode(stub));
    });

  test.each([undefined, '#!/usr/bin/env smf-run\n'])(
    'an executable module is called where it begins (stub %j)',
    (stub) => {
      const path = write('program.smf', executable(PROGRAM, stub));
      resolver.loadSmf(path);
      const entry = resolver.entryPoint(path);
      expect([entry(), entry()]).toEqual([41, 42]);
      expect(resolver.entryPoint(path, { params: [], result: 'i64' })()).toBe(43n);
      write('program.smf', executable(PROGRAM.replace('40', '70')));
      resolver.loadSmf(path);
      expect(entry()).toBe(71);
      resolver.unload(path);
      expect(caught(entry)).toMatchObject({ code: 'ERR_NOT_LOADED', message: expect.stringContaining(path) });
    },
  );

  test('a file to which a stub was prepended with cat runs', () => {
    const path = write('program.smf', Buffer.concat([Buffer.from('#!/bin/sh\nexit 1\n'), executable()]));
    resolver.loadSmf(path);
    expect(resolver.entryPoint(path)()).toBe(41);
  });

  test('a library has none, and a path that is not loaded neither', () => {
    const path = load('library.smf', PROGRAM);
    expect(caught(() => resolver.entryPoint(path))).toMatchObject({ code: 'ERR_NO_ENTRY_POINT' });
    expect(caught(() => resolver.entryPoint(join(folder, 'no.smf')))).toMatchObject({ code: 'ERR_NOT_LOADED' });
  });

  test('one beyond the code is refused', () => {
    const path = write(
      'program.smf',
      compile(PROGRAM, ['-fPIC'], (b) => b.setHeader({ flags: HeaderFlags.EXECUTABLE, entryPoint: 1e6 })),
    );
    resolver.loadSmf(path);
    expect(caught(() => resolver.entryPoint(path))).toMatchObject({ name: 'LinkError', code: 'ERR_BAD_SYMBOL' });
  });

  const corpus = fileURLToPath(new URL('../../../../shared/corpus/legacy/', import.meta.url));
  // Skipped where the corpus is not beside this repository.
  test.skipIf(!existsSync(corpus)).for(['interrupt.smf', 'builder.smf'])('%s of the Simple compiler runs', (name) => {
    const path = write(name, readFileSync(join(corpus, name)));
    resolver.loadSmf(path);
    expect(resolver.entryPoint(path)()).toBe(0);
  });
});

describe.skipIf(!hasCompiler())('signed modules', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const other = generateKeyPairSync('ed25519');
  const signed = () => signSmf(compile('extern long own(void); long own(void) { return 5; }'), privateKey);
  const reasons = () => (caught(() => resolver.resolveFunction('own', I64)) as { reasons: string[] }).reasons;

  test('with a trusted key they run, whoever may write the file', () => {
    open({ trustedKeys: [publicKey] });
    resolver.loadSmf(write('signed.smf', signed(), 0o666));
    expect(resolver.resolveFunction('own', I64)()).toBe(5);
  });

  test('with another key the owner decides', () => {
    open({ trustedKeys: [other.publicKey] });
    const path = write('signed.smf', signed(), 0o666);
    resolver.loadSmf(path);
    expect(reasons()).toEqual([expect.stringMatching(/writable by group.*not trusted/)]);
    resolver.unload(path);
    resolver.loadSmf(write('mine.smf', signed()));
    expect(resolver.resolveFunction('own', I64)()).toBe(5);
  });

  test('one that was changed is refused, whoever owns it', () => {
    open({ trustedKeys: [publicKey] });
    const bytes = signed();
    const code = bytes.indexOf(0xc3); // ret
    bytes[code] = 0x90;
    for (const mode of [0o644, 0o666]) {
      const path = write(`changed${mode}.smf`, bytes, mode);
      resolver.loadSmf(path);
      expect(reasons()).toEqual([expect.stringMatching(/changed after it was signed/)]);
      resolver.unload(path);
    }
  });

  test('one whose signature is cut short is refused', () => {
    const builder = new SmfBuilder();
    builder.addSymbol({
      name: 'own',
      sectionIndex: builder.addSection({ type: 1, name: 'c', data: Uint8Array.of(0xc3) }),
    });
    builder.addSection({ type: 3, name: '.sig', data: new Uint8Array(20) });
    resolver.loadSmf(write('short.smf', builder.build()));
    expect(reasons()).toEqual([expect.stringMatching(/signature/)]);
  });
});

describe.skipIf(!hasCompiler())('files of every kind', () => {
  const SOURCE = 'static const long table[64] = {7}; long data = 5; long get(void) { return data++ + table[0]; }';
  const compressed = () =>
    compile(SOURCE, ['-fPIC'], (builder) => {
      builder.setCompression('lz4', builtinCodecs());
      builder.sections.forEach(({ index, type }) => {
        if (type !== SectionType.Bss) builder.replaceSection(index, { compress: true });
      });
    });

  test('compressed sections are loaded', () => {
    resolver.loadSmf(write('compressed.smf', compressed()));
    expect(resolver.resolveFunction('get', I64)()).toBe(12);
  });

  test('compressed sections of a file that is trusted for its signature are loaded', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    open({ trustedKeys: [publicKey] });
    resolver.loadSmf(write('signed.smf', signSmf(compressed(), privateKey), 0o666));
    expect(resolver.resolveFunction('get', I64)()).toBe(12);
  });

  test('modules of a library are loaded one by one, call each other, and go', () => {
    const library = new LsmfBuilder()
      .addModule('first', compile('extern long second(long); long first(long n) { return second(n) + 1; }'))
      .addModule('second', compile('long second(long n) { return n * 10; }'));
    for (let i = 0; i < 12; i++) library.addModule(`other${i}`, compile(`long other${i}(void) { return ${i}; }`));
    const path = write('library.lsm', library.build());
    for (let i = 0; i < 12; i++) resolver.loadSmf(`${path}#other${i}`);
    resolver.loadSmf(`${path}#first`);
    expect((caught(() => resolver.resolveFunction('first', I64_I64)) as Error).cause).toMatchObject({
      code: 'ERR_UNDEFINED_SYMBOL',
      path: `${path}#first`,
    });
    resolver.loadSmf(`${path}#second`);
    const first = resolver.resolveFunction('first', I64_I64);
    expect(first(2)).toBe(21);
    expect(resolver.resolveFunction('other7', I64)()).toBe(7);
    expect(resolver.unload(`${path}#second`)).toBe(true);
    expect(caught(() => first(2))).toMatchObject({ code: 'ERR_UNRESOLVED', symbol: 'second' });
  });

  test('bytes that come from no file are not trusted, but for their signature', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const cache = new SmfCache();
    open({ trustedKeys: [publicKey], cache });
    cache.cacheFromBytes('bytes', compile(SOURCE)).close();
    resolver.loadSmf('bytes');
    expect(caught(() => resolver.resolveFunction('get', I64))).toMatchObject({
      reasons: [expect.stringMatching(/come from no file/)],
    });
    cache.cacheFromBytes('bytes', signSmf(compile(SOURCE), privateKey)).close();
    resolver.loadSmf('bytes');
    expect(resolver.resolveFunction('get', I64)()).toBe(12);
    resolver.close();
    cache.close();
  });
});

describe.skipIf(!hasCompiler())('a file that becomes shorter while it is loaded', () => {
  // Beyond 8 modules an index is kept: both ways are walked here.
  test.each([0, 12])('is an error, until it is unloaded or loaded again (%i other modules)', (others) => {
    for (let i = 0; i < others; i++) load(`other${i}.smf`, `long other${i}(void) { return ${i}; }`);
    const source = (n: number) =>
      `char much[20000] = {1}; long get(void) { return much[0] + ${n}; } long more(void) { return 3; }`;
    const path = load('short.smf', source(1));
    load('fine.smf', 'long fine(void) { return 7; }');
    const fine = resolver.resolveFunction('fine', I64);
    const get = resolver.resolveFunction('get', I64);
    expect([fine(), get()]).toEqual([7, 2]);
    truncateSync(path, 100);
    expect(caught(() => resolver.resolve('more'))).toMatchObject({ code: 'ERR_FILE_SHRUNK', path });
    expect([fine(), get()]).toEqual([7, 2]); // in memory before
    write('short.smf', compile(source(10)));
    resolver.loadSmf(path);
    expect([fine(), get()]).toEqual([7, 11]);
    expect(resolver.resolveFunction('more', I64)()).toBe(3);
    truncateSync(path, 100);
    expect(resolver.unload(path)).toBe(true);
    expect(fine()).toBe(7);
    expect(caught(() => get())).toMatchObject({ code: 'ERR_UNRESOLVED' });
    for (let i = 0; i < others; i++) expect(resolver.resolveFunction(`other${i}`, I64)()).toBe(i);
  });

  test.each([20_000, 1])('is never run if it was cut before its code was read (%i bytes of data)', (size) => {
    const path = load('short.smf', `char much[${size}] = {1}; long get(void) { return much[0]; }`);
    truncateSync(path, 100);
    // Within its last page it shows zeros: then it has no such symbol, or is found to be shorter before it runs.
    const error = caught(() => resolver.resolveFunction('get', I64)) as { code: string };
    expect(size > 4096 ? ['ERR_FILE_SHRUNK'] : ['ERR_FILE_SHRUNK', 'ERR_UNRESOLVED']).toContain(error.code);
    expect(arena.stats().blocks).toBe(0);
  });
});

describe('the C-aligned layouts', () => {
  // lea rax, [rip + 2]; mov rax, [rax]; ret, and 8 bytes of data after it.
  const code = Uint8Array.from([0x48, 0x8d, 0x05, 4, 0, 0, 0, 0x48, 0x8b, 0x00, 0xc3, 42, 0, 0, 0, 0, 0, 0, 0]);
  const symbols = [
    { name: 'get', value: 0 },
    { name: 'answer', value: 11, type: 2 },
    { name: 'Shape', type: 3 },
    { name: 'hidden', value: 0, binding: 0 },
  ];

  test.each(['legacy-96', 'legacy-72', 'trailer-96'] as const)('symbols of a %s file lie in its code', (layout) => {
    resolver.loadSmf(write('legacy.smf', legacySmf({ layout, code, symbols })));
    expect(resolver.resolveFunction('get', I64)()).toBe(42);
    expect(resolver.resolve('answer')).toBe(resolver.resolve('get')! + 11n);
    expect(caught(() => resolver.resolveFunction('answer', I64))).toMatchObject({ code: 'ERR_NOT_A_FUNCTION' });
    expect(resolver.resolve('Shape')).toBeUndefined();
    expect(resolver.resolve('hidden')).toBeUndefined();
  });
});

test('what is refused is a LinkError where there is nothing else to say', () => {
  open({ mode: 'interpret' });
  const builder = new SmfBuilder({ flags: HeaderFlags.EXECUTABLE });
  builder.addSection({ type: 1, name: 'code', data: Uint8Array.of(0xc3) });
  const path = write('program.smf', builder.build());
  resolver.loadSmf(path);
  expect(caught(() => resolver.entryPoint(path))).toBeInstanceOf(LinkError);
});
