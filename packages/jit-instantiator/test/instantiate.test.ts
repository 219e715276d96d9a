// From a symbol to running code, and every way in which that can fail.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findCode, NativeMemError, TrapError } from '@simple-jit/native-mem';
import { SmfCache } from '@simple-jit/smf-cache';
import { parseSmf, SdnSyntaxError, SectionType, SmfBuilder, SmfFormatError } from '@simple-jit/smf-format';
import { encodeTemplate, parseModule } from '@simple-jit/template-ir';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isError, isSuccess, JitError, JitInstantiator, type JitInstantiatorConfig } from '../src/index.js';
import { assemble, call, useWorkspace } from './support.js';

const workspace = useWorkspace();
let jit: JitInstantiator;

const open = (config: Partial<JitInstantiatorConfig> = {}): JitInstantiator => {
  jit.close();
  jit = new JitInstantiator({ updateSmf: false, ...config });
  return jit;
};

beforeEach(() => {
  jit = new JitInstantiator({ updateSmf: false });
});
afterEach(() => jit.close());

describe('success', () => {
  test('a symbol that no one compiled becomes callable', () => {
    jit.loadSmfMetadata(workspace.library());
    const result = jit.tryJitInstantiate('fn$sum$f64');
    if (!isSuccess(result)) throw new Error(result.kind);
    expect(result).toMatchObject({ kind: 'success', symbol: 'fn$sum$f64' });
    expect(findCode(result.address)?.block.bytes()).toEqual(result.code);
    expect(call(jit, 'fn$sum$f64', new Float64Array([1.5, 2.5, 3]), 3n)).toBe(7);
    expect(jit.explain('fn$sum$f64')).toEqual({ kind: 'compiled' });
  });

  test('i64 instances take and give bigint', () => {
    jit.loadSmfMetadata(workspace.library());
    expect(call(jit, 'fn$sum$i64', new BigInt64Array([2n ** 62n, 1n]), 2n)).toBe(2n ** 62n + 1n);
    expect(call(jit, 'fn$identity$u64', 2n ** 64n - 1n)).toBe(2n ** 64n - 1n);
    expect(call(jit, 'fn$find$i64', new BigInt64Array([7n, 8n]), 2n, 8n)).toBe(1n);
    expect(call(jit, 'fn$find$i64', new BigInt64Array([7n, 8n]), 2n, 9n)).toBe(-1n);
  });

  test('what a template calls is instantiated with it', () => {
    jit.loadSmfMetadata(workspace.library());
    expect(call(jit, 'fn$median$f64', new Float64Array([5, 1, 4, 2, 3]), 5n)).toBe(3);
    expect(jit.stats()).toMatchObject({ cachedCount: 3, compileCount: 3 });
  });

  test('an instance is compiled once, whoever asks', () => {
    jit.loadSmfMetadata(workspace.library());
    const first = jit.tryJitInstantiate('fn$sort$i32');
    call(jit, 'fn$median$i32', new Int32Array([3, 1, 2]), 3n);
    expect(jit.tryJitInstantiate('fn$sort$i32')).toMatchObject({ address: isSuccess(first) ? first.address : 0n });
    expect(jit.stats().compileCount).toBe(3);
  });

  test('self and mutual recursion', () => {
    const text = `
fn factorial<T: Int>(n: T) -> T {
entry:
  base = le n, 1
  branch base, one, more
one:
  return 1
more:
  before = sub n, 1
  rest = call factorial<T>(before)
  product = mul n, rest
  return product
}
fn even<T: Int>(n: T) -> bool {
entry:
  zero = eq n, 0
  branch zero, yes, more
yes:
  return true
more:
  before = sub n, 1
  answer = call odd<T>(before)
  return answer
}
fn odd<T: Int>(n: T) -> bool {
entry:
  zero = eq n, 0
  branch zero, no, more
no:
  return false
more:
  before = sub n, 1
  answer = call even<T>(before)
  return answer
}`;
    jit.loadSmfMetadata(workspace.write('recursion.smf', assemble(text)));
    expect(call(jit, 'fn$factorial$i64', 20n)).toBe(2432902008176640000n);
    expect(call(jit, 'fn$even$i32', 1001)).toBe(false);
    expect(call(jit, 'fn$odd$i32', 1001)).toBe(true);
  });

  test('a template in another module is found, and the note that lists the symbol may be elsewhere', () => {
    const app = new SmfBuilder().setNote(
      'possible |template, type_args, mangled_name, required_by, can_defer|\n    median, f32, app$median, main, true\n',
    );
    jit.loadSmfMetadata(workspace.write('app.smf', app.build()));
    jit.loadSmfMetadata(workspace.library());
    expect(call(jit, 'app$median', new Float32Array([9, 7, 8]), 3n)).toBe(8);
  });

  test('a trap in instantiated code is an error that names the symbol', () => {
    jit.loadSmfMetadata(workspace.library());
    const error = (() => {
      try {
        return call(jit, 'fn$median$f64', new Float64Array(1), 0n);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(TrapError);
    expect(error).toMatchObject({ kind: 'unreachable', symbol: 'fn$median$f64' });
  });

  test('batch: everything that a note lists', () => {
    const path = workspace.library();
    jit.loadSmfMetadata(path);
    using cache = new SmfCache();
    using file = cache.get(path);
    const possible = file.readNoteSdn()!.possible;
    expect(possible.length).toBeGreaterThan(70);
    for (const { mangledName } of possible) expect(jit.tryJitInstantiate(mangledName).kind).toBe('success');
    expect(jit.stats()).toMatchObject({ cachedCount: possible.length, failed: 0 });
  });
});

describe('not found', () => {
  test('a symbol that is in no metadata', () => {
    jit.loadSmfMetadata(workspace.library());
    const result = jit.tryJitInstantiate('fn$nothing$f64');
    expect(result).toEqual({ kind: 'notFound', symbol: 'fn$nothing$f64' });
    expect(isError(result)).toBe(false);
    expect(jit.canJitInstantiate('fn$nothing$f64')).toBe(false);
    expect(jit.findPossible('fn$nothing$f64')).toBeUndefined();
  });

  test('with enabled: false every symbol', () => {
    open({ enabled: false }).loadSmfMetadata(workspace.library());
    expect(jit.tryJitInstantiate('fn$sum$f64')).toEqual({ kind: 'notFound', symbol: 'fn$sum$f64' });
    expect(jit.canJitInstantiate('fn$sum$f64')).toBe(false);
    expect(jit.findPossible('fn$sum$f64')).toBeDefined();
  });

  test('what the notes say', () => {
    const path = workspace.library();
    jit.loadSmfMetadata(path);
    expect(jit.canJitInstantiate('fn$sum$f64')).toBe(true);
    expect(jit.findPossible('fn$sum$f64')).toMatchObject({ path, entry: { template: 'sum', typeArgs: 'f64' } });
  });

  test('an unloaded module', () => {
    const path = workspace.library();
    jit.loadSmfMetadata(path);
    call(jit, 'fn$max$i8', -3, 4);
    expect(jit.unloadSmf(path)).toBe(true);
    expect(jit.unloadSmf(path)).toBe(false);
    expect(jit.tryJitInstantiate('fn$max$i8').kind).toBe('notFound');
    expect(jit.stats()).toMatchObject({ loadedSmfCount: 0, cachedCount: 0 });
  });
});

describe('loadSmfMetadata', () => {
  test.each<[string, (path: string) => string, unknown]>([
    ['a missing file', (name) => join(workspace.folder, name), { code: 'ENOENT' }],
    ['a directory', (name) => mkdirSync(join(workspace.folder, name), { recursive: true })!, { code: 'EISDIR' }],
    ['an empty file', (name) => workspace.write(name, new Uint8Array()), { code: 'ERR_SMF_EMPTY' }],
    ['a wrong magic', (name) => workspace.write(name, new Uint8Array(500)), { code: 'ERR_SMF_BAD_MAGIC' }],
    [
      'a truncated file',
      (name) => workspace.write(name, assemble('fn f<T: Any>(x: T) -> T {\nentry:\n  return x\n}').slice(0, -40)),
      { code: 'ERR_SMF_BAD_MAGIC' },
    ],
  ])('%s throws, with its path', (_, make, expected) => {
    const path = make('bad.smf');
    let error: unknown;
    try {
      jit.loadSmfMetadata(path);
    } catch (thrown) {
      error = thrown;
    }
    expect(error instanceof NativeMemError || error instanceof SmfFormatError).toBe(true);
    expect(error).toMatchObject({ ...(expected as object), path });
    expect(jit.stats().loadedSmfCount).toBe(0);
  });

  test('a damaged note throws, and what was loaded before stays', () => {
    const path = workspace.library();
    jit.loadSmfMetadata(path);
    const builder = new SmfBuilder();
    const text = new TextEncoder().encode('possible |a, b|\n    1, 2, 3\n# END_NOTE\n');
    builder.addSection({ type: SectionType.TemplateMeta, name: 'note.sdn', data: text });
    workspace.write('collections.smf', builder.build());
    expect(() => jit.loadSmfMetadata(path)).toThrow(SdnSyntaxError);
    expect(jit.canJitInstantiate('fn$sum$f64')).toBe(true);
  });

  test('loading twice replaces', () => {
    const path = workspace.library();
    jit.loadSmfMetadata(path);
    workspace.write(
      'collections.smf',
      assemble('fn twice<T: Num>(x: T) -> T {\nentry:\n  y = add x, x\n  return y\n}'),
    );
    jit.loadSmfMetadata(path);
    expect(jit.stats().loadedSmfCount).toBe(1);
    expect(call(jit, 'fn$twice$i16', 21)).toBe(42);
    expect(jit.canJitInstantiate('fn$sum$f64')).toBe(false);
  });

  test('a legacy file without a note is fine', () => {
    jit.loadSmfMetadata(workspace.write('empty.smf', new SmfBuilder().build()));
    expect(jit.stats().loadedSmfCount).toBe(1);
  });
});

/** A file whose note lists `fn$broken$i64`, with what `edit` puts beside it. */
function broken(edit: (builder: SmfBuilder) => void, typeArgs = 'i64'): string {
  const builder = new SmfBuilder();
  edit(builder);
  builder.setNote(
    `possible |template, type_args, mangled_name, required_by, can_defer|\n    broken, "${typeArgs}", fn$broken$i64, me, true\n`,
  );
  return workspace.write('broken.smf', builder.build());
}

/** A template that `parseModule` accepts, without the checks of `assembleLibrary`. */
function template(text: string): ReturnType<typeof encodeTemplate> {
  return encodeTemplate(parseModule(`module test\n${text}`).templates[0]!);
}

describe('compilation errors', () => {
  const failure = (symbol = 'fn$broken$i64'): string => {
    const result = jit.tryJitInstantiate(symbol);
    if (result.kind !== 'compilationError') throw new Error(`expected a compilationError, got ${result.kind}`);
    expect(isError(result)).toBe(true);
    expect(jit.explain(symbol)).toEqual({ kind: 'failed', reason: result.message });
    return result.message;
  };

  test('a template with a type error', () => {
    // No builder of ours makes one: the bound that allows the addition is taken away afterwards.
    const good = template('fn broken<T: Num>(x: T) -> T {\nentry:\n  y = add x, x\n  return y\n}');
    const bad = { ...good, genericParams: [{ name: 'T', bound: 'Any' }] };
    jit.loadSmfMetadata(broken((builder) => builder.addTemplate(bad)));
    expect(failure()).toMatch(/^fn\$broken\$i64: template broken of .*broken\.smf: .*Num.*add/s);
  });

  test('a template whose body is damaged', () => {
    const good = template('fn broken<T: Any>(x: T) -> T {\nentry:\n  return x\n}');
    jit.loadSmfMetadata(broken((builder) => builder.addTemplate({ ...good, body: good.body.slice(0, -1) })));
    expect(failure()).toMatch(/broken/);
  });

  test('types that do not meet the bound', () => {
    const only = template('fn broken<T: Float>(x: T) -> T {\nentry:\n  return x\n}');
    jit.loadSmfMetadata(broken((builder) => builder.addTemplate(only)));
    expect(failure()).toMatch(/Float.*i64|i64.*Float/);
  });

  test('types that are none', () => {
    jit.loadSmfMetadata(
      broken(
        (builder) => builder.addTemplate(template('fn broken<T: Any>(x: T) -> T {\nentry:\n  return x\n}')),
        'Int',
      ),
    );
    expect(failure()).toMatch(/type arguments 'Int'/);
  });

  test('a template that no loaded module holds', () => {
    jit.loadSmfMetadata(broken(() => {}));
    expect(failure()).toMatch(/no loaded module holds the template broken/);
  });

  test('a template of version 1', () => {
    // GTPL, version 1, one entry: function, "broken", one parameter, no body.
    const version1 = Uint8Array.of(
      0x47,
      0x54,
      0x50,
      0x4c,
      1,
      0,
      1,
      0,
      0,
      0,
      0,
      6,
      0,
      0,
      0,
      ...Buffer.from('broken'),
      1,
    );
    jit.loadSmfMetadata(
      broken((builder) => builder.addSection({ type: SectionType.TemplateCode, name: '.templates', data: version1 })),
    );
    expect(failure()).toMatch(/template has no body/);
  });

  test('a callee with another signature than the call relies on', () => {
    const caller = template(
      'fn broken<T: Any>(x: T) -> T {\nentry:\n  y: T = call helper<T>(x)\n  return y\n}\nfn helper<T: Any>(x: T) -> T {\nentry:\n  return x\n}',
    );
    const helper = template('fn helper<T: Any>(x: T, y: T) -> T {\nentry:\n  return y\n}');
    jit.loadSmfMetadata(
      broken((builder) => {
        builder.addTemplate(caller);
        builder.addTemplate(helper);
      }),
    );
    expect(failure()).toMatch(/calls fn\$helper\$i64 as \(i64\) -> i64, but it is \(i64, i64\) -> i64/);
  });

  test('nesting beyond maxDepth, polymorphic recursion included', () => {
    const endless = template(
      'fn broken<T: Any>(x: ptr<T>) {\nentry:\n  y: ptr<ptr<T>> = const null\n  call broken<ptr<T>>(y)\n  return\n}',
    );
    const path = broken((builder) => builder.addTemplate(endless));
    open({ maxDepth: 7 }).loadSmfMetadata(path);
    expect(failure()).toContain('Maximum JIT depth (7) exceeded');
    open({ maxDepth: 3 }).loadSmfMetadata(workspace.library());
    expect(jit.tryJitInstantiate('fn$median$i8').kind).toBe('success');
    open({ maxDepth: 2 }).loadSmfMetadata(workspace.library());
    expect(failure('fn$median$i8')).toContain('Maximum JIT depth (2) exceeded');
    expect(jit.stats().cachedCount).toBe(0);
  });

  test('a failure leaves nothing behind, and can be retried', () => {
    const path = broken(() => {});
    jit.loadSmfMetadata(path);
    failure();
    const lib = new SmfBuilder();
    lib.addTemplate(template('fn broken<T: Any>(x: T) -> T {\nentry:\n  return x\n}'));
    jit.loadSmfMetadata(workspace.write('lib.smf', lib.build()));
    expect(call(jit, 'fn$broken$i64', 5n)).toBe(5n);
    expect(jit.stats()).toMatchObject({ failed: 1, compileCount: 1 });
  });
});

describe('circular dependencies', () => {
  const path = (kind: string): string => {
    const builder = new SmfBuilder().setNote(`possible |template, type_args, mangled_name, required_by, can_defer|
    A, i64, A$i64, me, true
    B, i64, B$i64, me, true
    User, i64, User$i64, me, true
    Free, i64, Free$i64, me, true
dependencies |from_inst, to_inst, dep_kind|
    User$i64, A$i64, field_type
    A$i64, B$i64, field_type
    B$i64, A$i64, ${kind}
`);
    return workspace.write('cycle.smf', builder.build());
  };

  test.each([
    ['A$i64', ['A$i64', 'B$i64', 'A$i64']],
    ['B$i64', ['B$i64', 'A$i64', 'B$i64']],
    ['User$i64', ['A$i64', 'B$i64', 'A$i64']],
  ])('%s is reported with its path, in order', (symbol, cycle) => {
    jit.loadSmfMetadata(path('field_type'));
    const result = jit.tryJitInstantiate(symbol);
    expect(result).toEqual({ kind: 'circularDependency', cycle });
    expect(isError(result)).toBe(true);
  });

  test('neither what is outside the cycle nor one through an indirection', () => {
    jit.loadSmfMetadata(path('field_type'));
    expect(jit.tryJitInstantiate('Free$i64').kind).toBe('compilationError');
    jit.loadSmfMetadata(path('inner_type'));
    expect(jit.tryJitInstantiate('A$i64').kind).toBe('compilationError');
  });
});

describe('the instantiator itself', () => {
  test('has the defaults that the API fixes', () => {
    using plain = new JitInstantiator();
    expect(plain.config).toMatchObject({ updateSmf: true, maxDepth: 50, enabled: true, verbose: false });
  });

  test.each([-1, 0.5, Number.NaN])('refuses a depth of %s', (maxDepth) => {
    expect(() => new JitInstantiator({ maxDepth })).toThrow(RangeError);
  });

  test('counts', () => {
    jit.loadSmfMetadata(workspace.library());
    call(jit, 'fn$sum$u8', new Uint8Array([200, 100]), 2n);
    expect(jit.stats()).toMatchObject({
      cachedCount: 1,
      compileCount: 1,
      persisted: 0,
      rejected: 0,
      failed: 0,
      loadedSmfCount: 1,
      smfFilesMapped: 1,
      smfCacheMisses: 1,
    });
    expect(jit.stats().smfMemoryMapped).toBeGreaterThan(0);
  });

  test('verbose tells each event to the log', () => {
    const lines: string[] = [];
    open({ verbose: true, log: (line) => lines.push(line) }).loadSmfMetadata(workspace.library());
    jit.tryJitInstantiate('fn$sum$f64');
    expect(lines).toEqual([
      expect.stringMatching(/loaded .*collections.smf/),
      expect.stringMatching(/compiled fn\$sum\$f64/),
    ]);
  });

  test('dropCachedSymbol compiles again, and callers go to the new code', () => {
    jit.loadSmfMetadata(workspace.library());
    call(jit, 'fn$median$f64', new Float64Array([1]), 1n);
    expect(jit.dropCachedSymbol('fn$sort$f64')).toBe(true);
    expect(jit.dropCachedSymbol('fn$sort$f64')).toBe(false);
    expect(jit.tryJitInstantiate('fn$sort$f64').kind).toBe('success');
    expect(jit.stats().compileCount).toBe(4);
    expect(call(jit, 'fn$median$f64', new Float64Array([3, 1, 2]), 3n)).toBe(2);
  });

  test('close frees the code, and callables throw', () => {
    jit.loadSmfMetadata(workspace.library());
    const result = jit.tryJitInstantiate('fn$sum$f64');
    jit.close();
    jit.close();
    expect(isSuccess(result) && findCode(result.address)).toBeUndefined();
    expect(() => jit.tryJitInstantiate('fn$sum$f64')).toThrow(JitError);
    expect(() => jit.loadSmfMetadata('x')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
  });
});

test('an assembled library is a v1.1 file with flagged symbols and right hashes', () => {
  const file = parseSmf(assemble('fn one<T: Num>(x: T) -> T {\nentry:\n  return x\n}'));
  expect(file.layout).toBe('v1.1');
  expect(file.templates()).toMatchObject([{ name: 'one', version: 2, genericParams: [{ name: 'T', bound: 'Num' }] }]);
  expect(file.findSymbol('one')).toMatchObject({ isTemplate: true, templateParamCount: 1 });
  expect(file.header.moduleHash).toBe(file.computeModuleHash());
});
