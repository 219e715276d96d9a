// Modules of real C, compiled by gcc, loaded and run: sections, relocations, references between modules.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CodeArena, TrapError } from '@simple-jit/native-mem';
import { RelocationType, SectionType, SmfBuilder, SymbolBinding, SymbolType } from '@simple-jit/smf-format';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JitSymbolResolver, LinkError } from '../src/index.js';
import { compile, hasCompiler } from './support/elf.js';
import { caught, I64, I64_I64, I64_I64_I64, Place } from './support/harness.js';

let place: Place;
let folder: string;
let arena: CodeArena;
let resolver: JitSymbolResolver;

beforeEach(() => {
  place = new Place();
  ({ folder, arena } = place);
  resolver = new JitSymbolResolver({ arena });
});
afterEach(() => {
  resolver.close();
  expect(arena.stats()).toMatchObject({ blocks: 0, slots: 0, dataBlocks: 0 });
  place.close();
});

function load(name: string, bytes: Uint8Array): string {
  const path = place.write(name, bytes);
  resolver.loadSmf(path);
  return path;
}

/** What is allocated in the arena. */
function inUse() {
  const { used, codeBytes, blocks, slots, dataBlocks, dataBytes } = arena.stats();
  return { used, codeBytes, blocks, slots, dataBlocks, dataBytes };
}

/** The protection of the page at an address, as the kernel tells it: `r-xp`. */
function pageProtection(address: bigint): string {
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const [, start, end, protection] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
    if (start !== undefined && BigInt(`0x${start}`) <= address && address < BigInt(`0x${end}`)) return protection!;
  }
  return '';
}

/** Everything that a module of C has: data, constants, zeros, tables of pointers, strings, recursion, a switch. */
const WHOLE = `
  static const long squares[] = {0, 1, 4, 9, 16, 25, 36, 49};
  long counter = 40;
  static char buffer[100000];
  static long add(long a, long b) { return a + b; }
  static long subtract(long a, long b) { return a - b; }
  static long multiply(long a, long b) { return a * b; }
  typedef long (*operation)(long, long);
  static const operation operations[] = {add, subtract, multiply};
  operation current = subtract;
  const char *names[] = {"add", "subtract", "multiply"};
  long *to_counter = &counter;
  double scale = 2.5;

  long square(long n) { return squares[n & 7]; }
  long count(void) { return ++counter; }
  long count_indirectly(void) { return ++*to_counter; }
  long fill(long n) { long sum = 0; for (long i = 0; i < n; i++) buffer[i] = i; for (long i = 0; i < n; i++) sum += buffer[i]; return sum; }
  long operate(long which, long a, long b) { return operations[which](a, b); }
  long call_current(long a, long b) { return current(a, b); }
  void choose(long which) { current = operations[which]; }
  long length_of_name(long which) { const char *p = names[which]; long n = 0; while (*p++) n++; return n; }
  __attribute__((noinline)) long fibonacci(long n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
  double scaled(double x) { return scale * x + 0.125; }
  long select(long n) {
    switch (n) {
      case 0: return fibonacci(10); case 1: return -7; case 2: return square(3); case 3: return 1000003;
      case 4: return counter; case 5: return 17; case 6: return 4242; default: return -1;
    }
  }
`;

describe.skipIf(!hasCompiler())('a module of C', () => {
  test.each([
    ['-fPIC'],
    ['-fPIC', '-O0'],
    ['-fPIC', '-O2'],
    ['-fPIC', '-fno-plt'],
    ['-fPIE'],
    ['-fno-pic', '-mcmodel=large'],
    ['-fPIC', '-ffunction-sections', '-fdata-sections'],
  ])('runs as it does elsewhere, compiled with %s %s %s', (...flags) => {
    load('whole.smf', compile(WHOLE, [...flags, '-fno-builtin']));
    const call = (name: string) => {
      const bound = resolver.resolveFunction(name, I64_I64);
      return (n: number) => bound(n);
    };
    expect([0, 1, 5, 7].map(call('square'))).toEqual([0, 1, 25, 49]);
    expect(resolver.resolveFunction('count', I64)()).toBe(41);
    expect(resolver.resolveFunction('count_indirectly', I64)()).toBe(42);
    expect(call('fill')(200)).toBe(
      Array.from(new Int8Array(200).keys(), (i) => (i << 24) >> 24).reduce((a, b) => a + b),
    );
    const operate = resolver.resolveFunction('operate', {
      params: ['i64', 'i64', 'i64'],
      result: 'i64',
    });
    expect([0n, 1n, 2n].map((which) => operate(which, 7n, 3n))).toEqual([10n, 4n, 21n]);
    const current = resolver.resolveFunction('call_current', I64_I64_I64);
    expect(current(7, 3)).toBe(4);
    resolver.resolveFunction('choose', { params: ['i64:number'], result: 'void' })(2);
    expect(current(7, 3)).toBe(21);
    expect([0, 1, 2].map(call('length_of_name'))).toEqual([3, 8, 8]);
    expect(call('fibonacci')(20)).toBe(6765);
    expect(resolver.resolveFunction('scaled', { params: ['f64'], result: 'f64' })(2)).toBe(5.125);
    expect([0, 1, 2, 3, 4, 5, 6, 7].map(call('select'))).toEqual([55, -7, 9, 1000003, 42, 17, 4242, -1]);
  });

  test('code is executable and not writable, data writable and not executable, constants neither', () => {
    load(
      'whole.smf',
      compile(`${WHOLE} const long *table(void) { return squares; } char *zeros(void) { return buffer; }`),
    );
    const pointer = (name: string) => resolver.resolveFunction(name, { params: [], result: 'ptr' })();
    expect(pageProtection(resolver.resolve('square')!)).toMatch(/^r-x/);
    expect(pageProtection(resolver.resolve('counter')!)).toMatch(/^rw-/);
    expect(pageProtection(pointer('zeros'))).toMatch(/^rw-/);
    expect(pageProtection(pointer('table'))).toMatch(/^r--/);
  });

  test('constants cannot be written, and data cannot be run', () => {
    load(
      'bad.smf',
      compile(`
        static const long table[] = {1, 2, 3};
        unsigned char code[] = {0xc3};
        void write_constant(void) { long *p = (long *)table; __asm__("" : "+r"(p)); *p = 5; }
        void run_data(void) { ((void (*)(void))code)(); }
      `),
    );
    const VOID = { params: [], result: 'void' } as const;
    expect(caught(() => resolver.resolveFunction('write_constant', VOID)())).toMatchObject({ kind: 'memory' });
    expect(caught(() => resolver.resolveFunction('run_data', VOID)())).toBeInstanceOf(TrapError);
  });

  test('sections are aligned as they ask', () => {
    load(
      'aligned.smf',
      compile(`
        __attribute__((aligned(4096))) long page = 1;
        __attribute__((aligned(256))) char line[3];
        __attribute__((aligned(1024))) const long constant = 7;
        __attribute__((aligned(512))) long function(void) { return page + constant; }
      `),
    );
    const remainder = (name: string, alignment: bigint) => resolver.resolve(name)! % alignment;
    expect(remainder('page', 4096n)).toBe(0n);
    expect(remainder('line', 256n)).toBe(0n);
    expect(remainder('constant', 1024n)).toBe(0n);
    expect(remainder('function', 512n)).toBe(0n);
    expect(resolver.resolveFunction('function', I64)()).toBe(8);
  });

  test('what is local stays in its module', () => {
    const module = (n: number) => `
      static long secret = ${n}; static long get(void) { return secret; }
      long (*pointer_${n})(void) = get; long call_${n}(void) { return pointer_${n}(); }`;
    load('a.smf', compile(module(1)));
    load('b.smf', compile(module(2)));
    expect(resolver.resolveFunction('call_1', I64)()).toBe(1);
    expect(resolver.resolveFunction('call_2', I64)()).toBe(2);
    expect(resolver.resolve('secret')).toBeUndefined();
    expect(resolver.resolve('get')).toBeUndefined();
  });

  test('a relocation of type None does nothing, wherever it is', () => {
    const none = [{ offset: 1e6, symbolIndex: 12345, type: RelocationType.None, addend: 1n }];
    const builder = new SmfBuilder();
    const data = Uint8Array.of(0xb8, 5, 0, 0, 0, 0xc3); // mov eax, 5; ret
    const text = builder.addSection({ type: SectionType.Code, name: '.text', data });
    builder.addSymbol({ name: 'five', sectionIndex: text });
    builder.setRelocations(text, none);
    load('none.smf', builder.build());
    expect(resolver.resolveFunction('five', I64)()).toBe(5);
  });

  test('a symbol of data has an address and cannot be called', () => {
    load('data.smf', compile('long answer = 42; long get(void) { return answer; }'));
    expect(resolver.resolve('answer')).toBeTypeOf('bigint');
    expect(caught(() => resolver.resolveFunction('answer', I64))).toMatchObject({
      code: 'ERR_NOT_A_FUNCTION',
      symbol: 'answer',
    });
    resolver.resolveFunction('get', I64);
  });

  test('a trap names the module, and its place the function', () => {
    const source = `
      static __attribute__((noinline)) long quotient(long a, long b) { return a / b; }
      long divide(long a, long b) { return quotient(a, b) + 1; } long data = 3;`;
    const path = load('trap.smf', compile(source));
    const divide = resolver.resolveFunction('divide', I64_I64_I64);
    const error = caught(() => divide(1, 0)) as TrapError;
    expect(error).toMatchObject({ kind: 'divide', symbol: path });
    expect(resolver.symbolAt(error.pc)).toMatchObject({ path, symbol: 'quotient' });
    expect(resolver.symbolAt(resolver.resolve('data')! + 2n)).toEqual({ path, symbol: 'data', offset: 2 });
    expect(resolver.symbolAt(4096n)).toBeUndefined();
  });
});

describe.skipIf(!hasCompiler())('references between modules', () => {
  test('calls and data go in circles', () => {
    const half = (mine: string, other: string, base: number, next: string) => `
      extern long ${other}(long); extern long ${next}[]; long table_${mine}[] = {${base}, ${base} + 1};
      long *pointer_${mine} = &${next}[1];
      long ${mine}(long n) { return n == 0 ? ${base} : ${other}(n - 1); }
      long peek_${mine}(void) { return *pointer_${mine} * 1000 + ${next}[0]; }`;
    load('even.smf', compile(half('even', 'odd', 100, 'table_odd')));
    load('odd.smf', compile(half('odd', 'even', 200, 'table_even')));
    expect(resolver.resolveFunction('even', I64_I64)(10)).toBe(100);
    expect(resolver.resolveFunction('even', I64_I64)(7)).toBe(200);
    expect(resolver.resolveFunction('odd', I64_I64)(7)).toBe(100);
    expect(resolver.resolveFunction('peek_even', I64)()).toBe(201_200);
    expect(resolver.resolveFunction('peek_odd', I64)()).toBe(101_100);
  });

  test.each([['-fPIC'], ['-fPIC', '-fno-plt'], ['-fno-pic', '-mcmodel=large']])(
    'a module is loaded when it is called for the first time, all arguments as they were: %s %s',
    (...flags) => {
      load(
        'caller.smf',
        compile(
          `extern double mix(long, double, long, double, long, long, long, long, long, double);
           double call(long a, double b) { return mix(a, b, 3, 0.5, 5, 6, 7, 8, 9, b) + a; }`,
          flags,
        ),
      );
      load(
        'callee.smf',
        compile(
          `double mix(long a, double b, long c, double d, long e, long f, long g, long h, long i, double j) {
             return a + 10.0 * b + 100.0 * c + 1000.0 * d + e + f + g + h + i * 0.25 + j; }`,
          flags,
        ),
      );
      const call = resolver.resolveFunction('call', { params: ['i64', 'f64'], result: 'f64' });
      const before = arena.stats().codeBytes;
      const expected = 1 + 20 + 300 + 500 + 5 + 6 + 7 + 8 + 2.25 + 2 + 1;
      expect(call(1n, 2)).toBe(expected);
      expect(arena.stats().codeBytes).toBeGreaterThan(before);
      expect(call(1n, 2)).toBe(expected);
    },
  );

  test('function pointers cross modules', () => {
    load(
      'apply.smf',
      compile(`
        extern long twice(long); extern long thrice(long);
        static long (*const table[])(long) = {twice, thrice};
        long apply(long which, long n) { return table[which](n); }
        long apply_to(long (*f)(long), long n) { return f(n); }
        void *address(void) { return (void *)twice; }`),
    );
    load(
      'functions.smf',
      compile(`
        extern long apply_to(long (*)(long), long); extern void *address(void);
        long twice(long n) { return 2 * n; } long thrice(long n) { return 3 * n; }
        long round_trip(long n) { return apply_to(thrice, n); }
        long call_address(long n) { return ((long (*)(long))address())(n); }`),
    );
    expect(resolver.resolveFunction('apply', I64_I64_I64)(1, 5)).toBe(15);
    expect(resolver.resolveFunction('round_trip', I64_I64)(5)).toBe(15);
    expect(resolver.resolveFunction('call_address', I64_I64)(5)).toBe(10);
  });

  test('a strong definition goes before a weak one, wherever it is; without one the weak one stands', () => {
    load(
      'weak.smf',
      compile(`
        __attribute__((weak, noinline)) long hook(void) { return 1; }
        __attribute__((weak)) long setting = 10;
        long call(void) { return hook() + setting; }`),
    );
    const call = resolver.resolveFunction('call', I64);
    expect(call()).toBe(11);
    const strong = load('strong.smf', compile('long hook(void) { return 2; } long setting = 20;'));
    // Calls follow names at once; data was bound when the module was loaded.
    expect(call()).toBe(12);
    resolver.unload(strong);
    expect(call()).toBe(11);
    const other = resolver;
    resolver = new JitSymbolResolver({ arena });
    for (const name of ['strong.smf', 'weak.smf']) resolver.loadSmf(join(folder, name));
    expect(resolver.resolveFunction('call', I64)()).toBe(22);
    other.close();
  });

  test('C++: virtual calls, and one inline function of two modules', () => {
    const HEADER = `
      struct Shape { virtual long area() const = 0; virtual long twice() const { return 2 * area(); } long id; };
      template <typename T> T clamp(T x) { static T calls; calls++; return x > 100 ? 100 : x; }
      extern "C" void __cxa_pure_virtual() __attribute__((weak));
      extern "C" Shape *make(long side);`;
    const flags = ['-fPIC', '-fno-rtti', '-fno-exceptions', '-fno-threadsafe-statics', '-O0'];
    const loadCpp = (name: string, body: string) =>
      load(
        name,
        compile(HEADER + body, flags, () => {}, 'c++'),
      );
    loadCpp(
      'square.smf',
      `struct Square : Shape { long side; long area() const override { return clamp(side * side); } };
       inline void *operator new(unsigned long, void *place) { return place; }
       alignas(Square) static char memory[sizeof(Square)];
       Shape *make(long side) { Square *s = new (memory) Square; s->side = side; return s; }`,
    );
    loadCpp('user.smf', 'extern "C" long measure(long n) { return make(n)->twice() + clamp(n); }');
    const measure = resolver.resolveFunction('measure', I64_I64);
    expect([measure(3), measure(20)]).toEqual([21, 220]);
  });

  test('a displacement to a function of another module leads to its stub', () => {
    const assemble = (source: string) => compile(source, [], () => {}, 'assembler');
    load(
      'caller.smf',
      assemble(`
        .globl call_by_address, jump, load_address
        call_by_address: sub $8, %rsp; lea target(%rip), %rax; call *%rax; add $8, %rsp; ret
        jump: jmp target
        load_address: movabs $target, %rax; ret
      `),
    );
    const path = load('target.smf', assemble('.globl target; target: mov $42, %eax; ret'));
    for (const name of ['call_by_address', 'jump']) expect(resolver.resolveFunction(name, I64)()).toBe(42);
    const address = resolver.resolveFunction('load_address', { params: [], result: 'u64' })();
    expect(address).not.toBe(resolver.resolve('target'));
    resolver.unload(path);
    for (const name of ['call_by_address', 'jump']) {
      expect(caught(() => resolver.resolveFunction(name, I64)())).toMatchObject({ symbol: 'target' });
    }
  });

  test('an undefined weak symbol is 0, and calling it all the same is an error', () => {
    load(
      'optional.smf',
      compile(`
        __attribute__((weak)) extern long plugin(void); __attribute__((weak)) extern long variable;
        long *const to_variable = &variable;
        long has(void) { return plugin != 0; } long has_variable(void) { return to_variable != 0; }
        long call(void) { return plugin(); }`),
    );
    expect(resolver.resolveFunction('has', I64)()).toBe(0);
    expect(resolver.resolveFunction('has_variable', I64)()).toBe(0);
    expect(caught(() => resolver.resolveFunction('call', I64)())).toMatchObject({
      code: 'ERR_UNRESOLVED',
      symbol: 'plugin',
    });
  });

  test('a missing symbol is named; once it is there the module loads', () => {
    const path = load(
      'needy.smf',
      compile(
        'extern long far(long); extern long near(long); extern long v; long call(long n) { return far(n) + near(n) + v; }',
      ),
    );
    const before = inUse();
    const error = caught(() => resolver.resolveFunction('call', I64_I64)) as Error;
    expect(error).toMatchObject({ code: 'ERR_UNRESOLVED', symbol: 'call' });
    expect(error.cause).toBeInstanceOf(LinkError);
    expect(error.cause).toMatchObject({ code: 'ERR_UNDEFINED_SYMBOL', path, symbols: ['far', 'near', 'v'] });
    expect(resolver.resolve('call')).toBeUndefined();
    expect(inUse()).toEqual(before);
    load('far.smf', compile('long far(long n) { return n * 100; } long near(long n) { return n; } long v = 7;'));
    expect(resolver.resolveFunction('call', I64_I64)(2)).toBe(209);
  });

  test('a module whose data cannot be had takes the one that refers to it with it, and nothing stays', () => {
    load('user.smf', compile('extern long shared; long get(void) { return shared; }'));
    load('owner.smf', compile('extern long nowhere; long shared = 5; long *p = &nowhere;'));
    const before = inUse();
    expect((caught(() => resolver.resolveFunction('get', I64)) as Error).cause).toMatchObject({
      code: 'ERR_UNDEFINED_SYMBOL',
      path: join(folder, 'owner.smf'),
      symbol: 'nowhere',
    });
    expect(inUse()).toEqual(before);
    load('nowhere.smf', compile('long nowhere = 1;'));
    expect(resolver.resolveFunction('get', I64)()).toBe(5);
  });

  test('a registered name goes ahead of modules, for code too', () => {
    load('caller.smf', compile('extern long helper(void); long call(void) { return helper(); }'));
    load('helper.smf', compile('long helper(void) { return 1; } long other(void) { return 2; }'));
    const call = resolver.resolveFunction('call', I64);
    expect(call()).toBe(1);
    resolver.register('helper', resolver.resolve('other')!, I64);
    expect(call()).toBe(2);
  });

  test('a registered address of data is used as it is', () => {
    using data = arena.allocateData(8);
    data.write(Uint8Array.of(9));
    resolver.register('external', data.address);
    load('user.smf', compile('extern long external; long get(void) { return external; }'));
    expect(resolver.resolveFunction('get', I64)()).toBe(9);
  });
});

describe.skipIf(!hasCompiler())('what cannot be linked', () => {
  const causeOf = (name: string) => (caught(() => resolver.resolveFunction(name, I64)) as Error).cause;

  test('a distance that does not fit is an error with symbol, type and distance', () => {
    resolver.register('external', 0x10n);
    const path = load('pie.smf', compile('extern long external; long get(void) { return external; }', ['-fPIE']));
    const error = causeOf('get') as LinkError;
    expect(error).toMatchObject({
      code: 'ERR_RELOCATION_OVERFLOW',
      path,
      symbol: 'external',
      relocation: 'Pc32',
      section: '.text',
      message: expect.stringMatching(/external is -\d+ bytes from \.text\+\d+.*Pc32.*-fPIC/),
    });
    expect(error.distance).toBeLessThan(-(2n ** 31n));
    expect(arena.stats()).toMatchObject({ blocks: 0, dataBlocks: 0 });
  });

  test.each<[string, object, (builder: SmfBuilder, text: number) => void]>([
    [
      'a relocation of another architecture',
      { code: 'ERR_UNSUPPORTED_RELOCATION', relocation: 'Arm64Branch26', offset: 0, section: '.text' },
      (b, text) => b.setRelocations(text, [{ offset: 0, symbolIndex: 0, type: RelocationType.Arm64Branch26 }]),
    ],
    [
      'a relocation of no known type',
      { code: 'ERR_UNSUPPORTED_RELOCATION', relocation: 'unknown(77)' },
      (b, text) => b.setRelocations(text, [{ offset: 0, symbolIndex: 0, type: 77 }]),
    ],
    [
      'a relocation beyond its section',
      { code: 'ERR_BAD_RELOCATION', relocation: 'Abs64' },
      (b, text) => b.setRelocations(text, [{ offset: 1, symbolIndex: 1, type: RelocationType.Abs64 }]),
    ],
    [
      'an addend out of reach',
      { code: 'ERR_RELOCATION_OVERFLOW', relocation: 'Plt32' },
      (b, text) =>
        b.setRelocations(text, [{ offset: 0, symbolIndex: 1, type: RelocationType.Plt32, addend: 2n ** 62n }]),
    ],
    [
      'a symbol beyond its section',
      { code: 'ERR_BAD_SYMBOL', symbol: 'beyond' },
      (b, text) => {
        b.addSymbol({ name: 'beyond', sectionIndex: text, value: 1000 });
        b.setRelocations(text, [{ offset: 0, symbolIndex: 2, type: RelocationType.Pc32 }]);
      },
    ],
    [
      'a local symbol in a section that is not loaded',
      { code: 'ERR_BAD_SYMBOL', symbol: 'elsewhere' },
      (b, text) => {
        const debug = b.addSection({ type: SectionType.Debug, name: '.debug', data: new Uint8Array(8) });
        b.addSymbol({ name: 'elsewhere', sectionIndex: debug, binding: SymbolBinding.Local });
        b.setRelocations(text, [{ offset: 0, symbolIndex: 2, type: RelocationType.Pc32 }]);
      },
    ],
    [
      'a section aligned beyond measure',
      { code: 'ERR_BAD_SECTION', section: 'far' },
      (b) => {
        const data = b.addSection({ type: SectionType.Data, name: 'far', alignment: 2 ** 40, data: new Uint8Array(8) });
        b.addSymbol({ name: 'in_far', sectionIndex: data, type: SymbolType.Data });
      },
    ],
    [
      'a section of zeros without end',
      { code: 'ERR_BAD_SECTION', section: 'zeros' },
      (b) => {
        const bss = b.addSection({ type: SectionType.Bss, name: 'zeros', virtualSize: 2 ** 50 });
        b.addSymbol({ name: 'in_zeros', sectionIndex: bss, type: SymbolType.Data });
      },
    ],
  ])('%s', (_, expected, edit) => {
    const builder = new SmfBuilder();
    const text = builder.addSection({ type: SectionType.Code, name: '.text', data: new Uint8Array(8).fill(0x90) });
    builder.addSymbol({ name: 'f', sectionIndex: text });
    builder.addSymbol({ name: 'g', sectionIndex: text });
    edit(builder, text);
    const path = load('bad.smf', builder.build());
    expect(causeOf('f')).toBeInstanceOf(LinkError);
    expect(causeOf('f')).toMatchObject({ path, ...expected });
    expect(arena.stats()).toMatchObject({ blocks: 0, dataBlocks: 0 });
  });
});
