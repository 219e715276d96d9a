// Names to addresses and callables, over real files and real memory.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { legacySmf } from '@simple-jit/fixtures';
import { readmeExamples, runExample } from '@simple-jit/fixtures/readme';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';
import { CodeArena, NativeMemError, TrapError } from '@simple-jit/native-mem';
import {
  Arch,
  Platform,
  RelocationType,
  SectionType,
  SmfBuilder,
  SymbolBinding,
  SymbolType,
} from '@simple-jit/smf-format';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JitSymbolResolver, ResolveError } from '../src/index.js';
import { caught, I32 } from './support/harness.js';

const COLLECTIONS = readFileSync(new URL('../../../examples/collections.tir', import.meta.url), 'utf8');
/** mov eax, N; ret */
const returning = (n: number): Uint8Array => Uint8Array.of(0xb8, n, 0, 0, 0, 0xc3);

let folder: string;
let resolver: JitSymbolResolver;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'symbol-resolver-'));
  resolver = new JitSymbolResolver({ updateSmf: false });
});
afterEach(() => {
  resolver.close();
  rmSync(folder, { recursive: true });
});

function write(name: string, bytes: Uint8Array, mode = 0o644): string {
  const path = join(folder, name);
  writeFileSync(path, bytes, { mode });
  return path;
}

interface Compiled {
  readonly name: string;
  readonly code: Uint8Array;
  readonly binding?: number;
}

/** A module with compiled functions. */
function moduleOf(
  functions: readonly Compiled[],
  edit: (builder: SmfBuilder, section: number) => void = () => {},
): Uint8Array {
  const builder = new SmfBuilder({ platform: Platform.Linux, arch: Arch.X86_64 });
  const data = Buffer.concat(functions.map(({ code }) => code));
  const section = builder.addSection({ type: SectionType.Code, name: '.text', data });
  let value = 0;
  for (const { name, code, binding = SymbolBinding.Global } of functions) {
    builder.addSymbol({ name, binding, value, size: code.length, sectionIndex: section, type: SymbolType.Function });
    value += code.length;
  }
  edit(builder, section);
  return builder.build();
}

describe('the JIT', () => {
  test('gives a callable with the signature of the template', () => {
    resolver.loadSmf(write('collections.smf', assembleLibrary(COLLECTIONS)));
    const sum = resolver.resolveFunction('fn$sum$f64');
    expect(sum(new Float64Array([1, 2, 3.5]), 3n)).toBe(6.5);
    expect(() => sum(new Float32Array(3), 3n)).toThrow(TypeError);
    expect(() => sum(new Float64Array(3))).toThrow(TypeError);
    expect(resolver.resolveFunction('fn$sum$i64')(new BigInt64Array([1n, 2n]), 2n)).toBe(3n);
    const data = new Float64Array([3, 1, 2]);
    expect(resolver.resolveFunction('fn$sort$f64')(data, 3n)).toBeUndefined();
    expect([...data]).toEqual([1, 2, 3]);
  });

  test('a signature types the callable, may ask for numbers, and must be the right one', () => {
    resolver.loadSmf(write('collections.smf', assembleLibrary(COLLECTIONS)));
    const sum = resolver.resolveFunction('fn$sum$f64', { params: ['ptr<f64>', 'i64:number'], result: 'f64' });
    const total: number = sum(new Float64Array([1, 2, 3]), 3);
    expect(total).toBe(6);
    expect(caught(() => resolver.resolveFunction('fn$sum$f64', { params: ['ptr<f64>'], result: 'f64' }))).toMatchObject(
      {
        code: 'ERR_SIGNATURE_MISMATCH',
        message: expect.stringContaining('fn$sum$f64 is (ptr<f64>, i64) -> f64'),
      },
    );
  });

  test('load-time pattern: the address, or undefined', () => {
    resolver.loadSmf(write('collections.smf', assembleLibrary(COLLECTIONS)));
    const address = resolver.resolve('fn$max$i32');
    expect(address).toBeTypeOf('bigint');
    expect(resolver.resolve('fn$max$i32')).toBe(address);
    expect(resolver.resolve('fn$nothing$i32')).toBeUndefined();
  });

  test('the same callable is returned every time', () => {
    resolver.loadSmf(write('collections.smf', assembleLibrary(COLLECTIONS)));
    expect(resolver.resolveFunction('fn$max$i32')).toBe(resolver.resolveFunction('fn$max$i32'));
    expect(resolver.jit.stats().compileCount).toBe(1);
  });

  test('a second resolver finds the first one’s results in the file', () => {
    const path = write('collections.smf', assembleLibrary(COLLECTIONS));
    using first = new JitSymbolResolver({ flushDelay: 60_000 });
    first.loadSmf(path);
    first.resolveFunction('fn$median$i64')(new BigInt64Array([1n]), 1n);
    first.close();
    resolver.loadSmf(path);
    expect(resolver.resolveFunction('fn$median$i64')(new BigInt64Array([5n, 4n, 6n]), 3n)).toBe(5n);
    expect(resolver.jit.stats()).toMatchObject({ compileCount: 0, persisted: 3 });
  });

  test('a reload redirects callables, and resolve gives the new address', () => {
    const library = (op: string) =>
      assembleLibrary(`module lib\nfn step<T: Num>(x: T) -> T {\nentry:\n  y = ${op} x, x\n  return y\n}`);
    const path = write('library.smf', library('add'));
    resolver.loadSmf(path);
    const step = resolver.resolveFunction('fn$step$i64');
    const before = resolver.resolve('fn$step$i64');
    expect(step(5n)).toBe(10n);
    write('library.smf', library('mul'));
    resolver.loadSmf(path);
    expect(step(5n)).toBe(25n);
    expect(resolver.resolveFunction('fn$step$i64')(6n)).toBe(36n);
    expect(resolver.resolve('fn$step$i64')).not.toBe(before);
    resolver.unload(path);
    expect(caught(() => step(5n))).toMatchObject({ code: 'ERR_CODE_FREED' });
    expect(resolver.resolve('fn$step$i64')).toBeUndefined();
  });

  test('a registered address stays when the JIT drops a symbol of that name', () => {
    resolver.loadSmf(write('collections.smf', assembleLibrary(COLLECTIONS)));
    expect(resolver.resolveFunction('fn$max$i32')(3, 4)).toBe(4);
    resolver.register('fn$max$i32', resolver.resolve('fn$identity$i32')!, { params: ['i32'], result: 'i32' });
    expect(resolver.resolveFunction('fn$max$i32')(7)).toBe(7);
    expect(resolver.jit.invalidateBySemanticKey('max')).toEqual(['fn$max$i32']);
    expect(resolver.resolveFunction('fn$max$i32')(8)).toBe(8);
  });

  test('interpreted: callables as ever, but no addresses, and no machine code of modules', () => {
    using interpreting = new JitSymbolResolver({ mode: 'interpret' });
    interpreting.loadSmf(write('collections.smf', assembleLibrary(COLLECTIONS)));
    expect(interpreting.resolve('fn$sort$f64')).toBeUndefined();
    const data = new Float64Array([3, 1, 2]);
    const sort = interpreting.resolveFunction('fn$sort$f64', { params: ['ptr<f64>', 'i64:number'], result: 'void' });
    expect(sort(data, 3)).toBeUndefined();
    expect([...data]).toEqual([1, 2, 3]);
    expect(() => sort(data, 1.5)).toThrow(RangeError);
    const find = { params: ['ptr<f64>', 'i64', 'f64'], result: 'i64:number' } as const;
    expect(interpreting.resolveFunction('fn$find$f64', find)(data, 3n, 2)).toBe(1);
    expect(interpreting.resolveFunction('fn$max$i32')).toBe(interpreting.resolveFunction('fn$max$i32'));
    expect(caught(() => interpreting.resolveFunction('fn$none'))).toMatchObject({ code: 'ERR_UNRESOLVED' });
    interpreting.loadSmf(write('native.smf', moduleOf([{ name: 'five', code: returning(5) }])));
    expect(caught(() => interpreting.resolveFunction('five', I32))).toMatchObject({
      reasons: [expect.stringMatching(/cannot run in interpret mode/)],
    });
  });

  test('a failure to compile is the reason of the error', () => {
    const library = new SmfBuilder().setNote(
      'possible |template, type_args, mangled_name, required_by, can_defer|\n    lost, i64, fn$lost$i64, me, true\n',
    );
    resolver.loadSmf(write('library.smf', library.build()));
    expect(resolver.resolve('fn$lost$i64')).toBeUndefined();
    const error = caught(() => resolver.resolveFunction('fn$lost$i64'));
    expect(error).toBeInstanceOf(ResolveError);
    expect(error).toMatchObject({
      code: 'ERR_UNRESOLVED',
      symbol: 'fn$lost$i64',
      reasons: [expect.stringMatching(/template lost/)],
    });
  });

  test('a trap is an error, and the process lives', () => {
    resolver.loadSmf(write('collections.smf', assembleLibrary(COLLECTIONS)));
    const median = resolver.resolveFunction('fn$median$f64');
    expect(caught(() => median(new Float64Array(1), 0n))).toBeInstanceOf(TrapError);
    expect(caught(() => median(8n, 1n))).toMatchObject({ kind: 'memory' });
    expect(median(new Float64Array([7]), 1n)).toBe(7);
  });
});

describe('compiled modules', () => {
  test.each(['legacy-96', 'legacy-72', 'trailer-96'] as const)('main of a %s file returns 0', (layout) => {
    resolver.loadSmf(write('main.smf', legacySmf({ layout })));
    expect(resolver.resolveFunction('main')()).toBe(0);
  });

  const corpus = fileURLToPath(new URL('../../../../shared/corpus/legacy/', import.meta.url));
  // Skipped where the corpus is not beside this repository.
  test.skipIf(!existsSync(corpus)).for(['interrupt.smf', 'builder.smf'])(
    'main of the Simple compiler’s own %s returns 0',
    (name) => {
      resolver.loadSmf(write(name, readFileSync(join(corpus, name))));
      expect(resolver.resolveFunction('main')()).toBe(0);
    },
  );

  test('global before weak, local never, first loaded first', () => {
    const { Weak, Local, Global } = SymbolBinding;
    resolver.loadSmf(
      write(
        'a.smf',
        moduleOf([
          { name: 'f', code: returning(1), binding: Weak },
          { name: 'g', code: returning(2), binding: Local },
        ]),
      ),
    );
    resolver.loadSmf(
      write(
        'b.smf',
        moduleOf([
          { name: 'f', code: returning(3), binding: Global },
          { name: 'w', code: returning(4), binding: Weak },
        ]),
      ),
    );
    resolver.loadSmf(
      write(
        'c.smf',
        moduleOf([
          { name: 'f', code: returning(5) },
          { name: 'w', code: returning(6), binding: Weak },
        ]),
      ),
    );
    expect(resolver.resolveFunction('f', I32)()).toBe(3);
    expect(resolver.resolveFunction('w', I32)()).toBe(4);
    expect(resolver.resolve('g')).toBeUndefined();
  });

  test('a symbol without a known signature needs one', () => {
    resolver.loadSmf(write('a.smf', moduleOf([{ name: 'f', code: returning(7) }])));
    expect(caught(() => resolver.resolveFunction('f'))).toMatchObject({ code: 'ERR_NO_SIGNATURE', symbol: 'f' });
    expect(resolver.resolveFunction('f', { params: [], result: 'u8' })()).toBe(7);
  });

  test.each<[string, RegExp, () => string]>([
    [
      'that others may write',
      /not trusted.*chmod/,
      () => {
        const path = write('m.smf', moduleOf([{ name: 'f', code: returning(1) }]));
        rmSync(path);
        const old = process.umask(0);
        try {
          return write('m.smf', moduleOf([{ name: 'f', code: returning(1) }]), 0o666);
        } finally {
          process.umask(old);
        }
      },
    ],
    [
      'for another architecture',
      /architecture 1/,
      () =>
        write(
          'm.smf',
          moduleOf([{ name: 'f', code: returning(1) }], (b) => b.setHeader({ arch: Arch.Aarch64 })),
        ),
    ],
    [
      'for another platform',
      /platform 2/,
      () =>
        write(
          'm.smf',
          moduleOf([{ name: 'f', code: returning(1) }], (b) => b.setHeader({ platform: Platform.Windows })),
        ),
    ],
    [
      'with a relocation that is none',
      /m\.smf: .*\.text\+1 .*symbol 7/,
      () =>
        write(
          'm.smf',
          moduleOf([{ name: 'f', code: returning(1) }], (b, section) =>
            b.setRelocations(section, [{ offset: 1, symbolIndex: 7, type: RelocationType.Pc32 }]),
          ),
        ),
    ],
    [
      'whose code section is empty',
      /empty/,
      () =>
        write(
          'm.smf',
          moduleOf([], (b, section) => void b.addSymbol({ name: 'f', sectionIndex: section })),
        ),
    ],
  ])('code of a file %s does not run, and the error says why', (_, reason, make) => {
    resolver.loadSmf(make());
    expect(resolver.resolve('f')).toBeUndefined();
    const error = caught(() => resolver.resolveFunction('f', I32));
    expect(error).toMatchObject({ code: 'ERR_UNRESOLVED', reasons: [expect.stringMatching(reason)] });
  });
});

describe('register', () => {
  test('goes ahead of modules, and overwrites', () => {
    using arena = new CodeArena({ reserve: 2 ** 20 });
    const [nine, ten] = [9, 10].map((n) => arena.allocate(returning(n)).address);
    resolver.loadSmf(write('main.smf', legacySmf({ layout: 'legacy-96' })));
    expect(resolver.resolveFunction('main')()).toBe(0);
    resolver.register('main', nine!, I32);
    expect(resolver.resolve('main')).toBe(nine);
    expect(resolver.resolveFunction('main')()).toBe(9);
    resolver.register('main', ten!, I32);
    expect(resolver.resolveFunction('main')()).toBe(10);
    resolver.register('main', ten!);
    expect(caught(() => resolver.resolveFunction('main'))).toMatchObject({ code: 'ERR_NO_SIGNATURE' });
  });
});

describe('modules go', () => {
  test('unload takes symbols away, and callables throw', () => {
    const path = write('main.smf', legacySmf({ layout: 'legacy-72' }));
    resolver.loadSmf(path);
    const main = resolver.resolveFunction('main');
    expect(resolver.unload(path)).toBe(true);
    expect(resolver.unload(path)).toBe(false);
    expect(resolver.resolve('main')).toBeUndefined();
    expect(caught(() => main())).toMatchObject({ name: 'ResolveError', code: 'ERR_UNRESOLVED', symbol: 'main' });
  });

  test('another module’s symbol of that name takes over', () => {
    const a = write('a.smf', moduleOf([{ name: 'f', code: returning(1) }]));
    resolver.loadSmf(a);
    resolver.loadSmf(write('b.smf', moduleOf([{ name: 'f', code: returning(2) }])));
    expect(resolver.resolveFunction('f', I32)()).toBe(1);
    resolver.unload(a);
    expect(resolver.resolveFunction('f', I32)()).toBe(2);
  });

  test('loading again takes the present version', () => {
    const path = write('a.smf', moduleOf([{ name: 'f', code: returning(1) }]));
    resolver.loadSmf(path);
    expect(resolver.resolveFunction('f', I32)()).toBe(1);
    rmSync(path);
    write('a.smf', moduleOf([{ name: 'f', code: returning(2) }]));
    resolver.loadSmf(path);
    expect(resolver.resolveFunction('f', I32)()).toBe(2);
  });

  test('unloading a library takes its instances away', () => {
    const path = write('collections.smf', assembleLibrary(COLLECTIONS));
    resolver.loadSmf(path);
    expect(resolver.resolve('fn$max$f64')).toBeDefined();
    resolver.unload(path);
    expect(resolver.resolve('fn$max$f64')).toBeUndefined();
  });

  test('a file that cannot be loaded throws, and nothing changes', () => {
    expect(caught(() => resolver.loadSmf(join(folder, 'missing.smf')))).toMatchObject({ code: 'ENOENT' });
    expect(caught(() => resolver.loadSmf(write('bad.smf', new Uint8Array(300))))).toMatchObject({
      code: 'ERR_SMF_BAD_MAGIC',
    });
    expect(resolver.jit.stats().loadedSmfCount).toBe(0);
  });

  test('close frees everything; later uses throw', () => {
    resolver.loadSmf(write('main.smf', legacySmf({ layout: 'legacy-96' })));
    const main = resolver.resolveFunction('main');
    resolver.close();
    resolver.close();
    expect(caught(() => main())).toBeInstanceOf(NativeMemError);
    expect(caught(() => resolver.resolve('main'))).toMatchObject({ code: 'ERR_CLOSED' });
    expect(caught(() => resolver.loadSmf('x'))).toMatchObject({ code: 'ERR_CLOSED' });
    expect(caught(() => resolver.register('x', 1n))).toMatchObject({ code: 'ERR_CLOSED' });
  });
});

test('the examples of the README run', async () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const examples = readmeExamples(root);
  const run = (example: string, file: string) => runExample(root, example, { [file]: join(folder, file) });
  expect(examples.length).toBe(2);
  expect(await run(examples[0]!, 'library.smf')).toBe('[ 10, 20, 30 ]\n');
  expect(await run(examples[1]!, 'counter.smf')).toBe('42n 43n\n7n\n');
});
