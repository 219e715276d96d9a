// Calls through pointers and of C functions, and the addresses of functions.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodeArena, processSymbol } from '@simple-jit/native-mem';
import { describe, expect, it } from 'vitest';
import { CodegenError, compileUnit, patchImports, slotKeyOf } from '../src/index.js';
import { compileWith, type InternalOptions } from '../src/unit.js';
import { agree, functionsOf } from './support/agree.js';
import { install } from './support/native.js';
import { SCARCE } from './support/random-programs.js';
import { verifyAllocation } from './support/verify-allocation.js';

const registerSets: readonly (readonly [string, InternalOptions])[] = [
  ['all registers', {}],
  ...SCARCE.map((registers, i) => [`few registers ${i}`, { registers }] as const),
];

const POINTERS = `
fn apply(n: i64, x: f64) -> f64 {
entry:
  up = fnaddr rise
  down = fnaddr fall
  odd = and n, 1
  c = eq odd, 1
  f: fn(f64, i64) -> f64 = select c, up, down
  a = invoke f(x, n)
  b = invoke up(a, 3)
  d = invoke down(b, n)
  same = eq f, up
  s: f64 = select same, d, x
  r = sub d, s
  return r
}
fn rise(x: f64, n: i64) -> f64 {
entry:
  w: f64 = convert n
  r = add x, w
  return r
}
fn fall(x: f64, n: i64) -> f64 {
entry:
  w: f64 = convert n
  m = mul w, 2.5
  r = sub x, m
  return r
}`;

describe.each(registerSets)('%s', (_, options) => {
  it('calls through pointers reach the functions of the unit', () => {
    const args = [1n, 2n, -7n, 100n].flatMap((n) => [0.5, -3, 1e10].map((x) => [n, x]));
    agree(functionsOf(POINTERS), args, options, 'fn$apply');
  });

  it('calls through a pointer keep many values, arguments on the stack and cycles of arguments', () => {
    const names = Array.from({ length: 14 }, (_x, i) => `a${i}`);
    const params = names.map((name, i) => `${name}: ${i % 3 === 2 ? 'f64' : 'i64'}`).join(', ');
    const types = names.map((_name, i) => (i % 3 === 2 ? 'f64' : 'i64')).join(', ');
    const rotated = (by: number): string =>
      names
        .map(
          (_name, i) =>
            (i % 3 === 2 ? names[(i + 3 * by) % 12 === i ? i : (i + 3 * by) % 12] : names[(i + 3 * by) % 12])!,
        )
        .join(', ');
    const text = `
fn f(${params}) -> i64 {
entry:
  p = fnaddr mix
  x = invoke p(${names.join(', ')})
  y = invoke p(${rotated(1)})
  q: fn(${types}) -> i64 = select true, p, p
  z = invoke q(${rotated(2)})
  s = add x, y
  t = sub s, z
  u = add t, a0
  v = mul u, a13
  return v
}
fn mix(${params}) -> i64 {
entry:
${names
  .filter((_n, i) => i % 3 === 2)
  .map((name) => `  c${name}: i64 = convert ${name}`)
  .join('\n')}
  s0 = add a0, 1
${names
  .slice(1)
  .map((name, i) => `  m${i} = mul s${i}, 7\n  s${i + 1} = add m${i}, ${(i + 1) % 3 === 2 ? `c${name}` : name}`)
  .join('\n')}
  return s13
}`;
    const args = [1, 5, -9].map((k) => names.map((_n, i) => (i % 3 === 2 ? k * i + 0.5 : BigInt(k * i + 2))));
    agree(functionsOf(text), args, options, 'fn$f');
  });

  it('null, and what is no function, is a memory trap, whatever comes after the call', () => {
    const text = `
fn null_function() -> i64 {
entry:
  f: fn() -> i64 = const null
  r = invoke f()
  return r
}
fn dead_end(p: u64) -> i64 {
entry:
  f: fn() = cast p
  invoke f()
  unreachable
}
fn overflow(p: u64) -> i64 {
entry:
  f: fn(u64) -> i64 = cast p
  r = invoke f(p)
  s = add_checked r, 1
  return s
}`;
    const native = install(compileWith(functionsOf(text), { onAllocated: verifyAllocation, ...options }));
    const trap = expect.objectContaining({ kind: 'memory' });
    try {
      expect(() => native.call('fn$null_function', [])).toThrow(trap);
      for (const address of [0n, 8n, 1n << 63n, (1n << 48n) + 5n]) {
        expect(() => native.call('fn$dead_end', [address])).toThrow(trap);
        expect(() => native.call('fn$overflow', [address])).toThrow(trap);
      }
    } finally {
      native.close();
    }
  });
});

describe('a pointer may lead to a C function', () => {
  // What compilers make of `long f(signed char x)`, of the seventh parameter of `long f(…, unsigned short)`, and of `long f(_Bool)`,
  // where they believe that the caller has extended to 32 bits.
  const signed = Uint8Array.of(0x48, 0x63, 0xc7, 0xc3); // movsxd rax, edi; ret
  const onStack = Uint8Array.of(0x8b, 0x44, 0x24, 0x08, 0xc3); // mov eax, [rsp + 8]; ret
  const bool = Uint8Array.of(0x89, 0xf8, 0xc3); // mov eax, edi; ret

  it('narrow arguments are extended', () => {
    const text = `
fn signed(at: u64, x: i64) -> i64 {
entry:
  f: fn(i8) -> i64 = cast at
  narrow: i8 = convert x
  r = invoke f(narrow)
  return r
}
fn on_stack(at: u64, x: i64) -> i64 {
entry:
  f: fn(i64, i64, i64, i64, i64, i64, u16) -> i64 = cast at
  narrow: u16 = convert x
  r = invoke f(1, 2, 3, 4, 5, 6, narrow)
  return r
}
fn bool(at: u64, x: i64) -> i64 {
entry:
  f: fn(bool) -> i64 = cast at
  byte: u8 = convert x
  narrow = gt byte, 100
  r = invoke f(narrow)
  return r
}
fn constant(at: u64) -> i64 {
entry:
  f: fn(i8) -> i64 = cast at
  r = invoke f(-3)
  return r
}`;
    const arena = CodeArena.default();
    using signedCode = arena.allocate(signed);
    using onStackCode = arena.allocate(onStack);
    using boolCode = arena.allocate(bool);
    for (const [, options] of registerSets) {
      const native = install(compileWith(functionsOf(text), options));
      try {
        for (const x of [0n, 1n, 127n, 128n, 255n, -1n, 0x1234_5678_9abc_def0n, -0x7fff_ffff_0000_0001n]) {
          expect(native.call('fn$signed', [signedCode.address, x])).toBe(BigInt.asIntN(8, x));
          expect(native.call('fn$on_stack', [onStackCode.address, x])).toBe(BigInt.asUintN(16, x));
          expect(native.call('fn$bool', [boolCode.address, x])).toBe(BigInt.asUintN(8, x) > 100n ? 1n : 0n);
        }
        expect(native.call('fn$constant', [signedCode.address])).toBe(-3n);
      } finally {
        native.close();
      }
    }
  });
});

describe('imports', () => {
  it('have a slot for each kind', () => {
    const text = `
fn f(x: i64) -> i64 {
entry:
  a = call other(x)
  p: fn(i64) -> i64 = fnaddr other
  b = invoke p(a)
  c: i64 = extern labs(b)
  d = call other(c)
  return d
}
fn other(x: i64) -> i64 {
entry:
  r = sub x, 10
  return r
}`;
    const [f, other] = functionsOf(text);
    const unit = compileUnit([f!]);
    const i64 = f!.result!;
    const signature = { params: [i64], result: i64 };
    expect(unit.imports).toEqual([
      {
        kind: 'call',
        symbol: 'fn$other',
        template: 'other',
        typeArgs: [],
        signature,
        sites: [expect.any(Number), expect.any(Number)],
      },
      { kind: 'address', symbol: 'fn$other', template: 'other', typeArgs: [], signature, sites: [expect.any(Number)] },
      { kind: 'external', symbol: 'labs', template: '', typeArgs: [], signature, sites: [expect.any(Number)] },
    ]);
    expect(unit.imports.map(slotKeyOf)).toEqual(['fn$other', 'fn$other\0address', 'labs\0external']);
    const arena = CodeArena.default();
    using code = arena.allocate(compileUnit([other!]).code);
    using call = arena.allocateSlot(code.address);
    using address = arena.allocateSlot(code.address);
    using external = arena.allocateSlot(processSymbol('labs')!);
    const slots = new Map([call, address, external].map((slot, i) => [slotKeyOf(unit.imports[i]!), slot.address]));
    const native = install(unit, slots);
    try {
      expect(native.call('fn$f', [3n])).toBe(7n); // 3 - 10 - 10, its absolute value, - 10
    } finally {
      native.close();
    }
    slots.delete('labs\0external');
    expect(() => patchImports(unit, code.address, slots)).toThrow(
      expect.objectContaining({ constructor: CodegenError, code: 'ERR_SLOT_MISSING', symbol: 'labs' }),
    );
  });

  it('of one C function may differ in their types: one `malloc` serves all pointers', () => {
    const text = `
fn f(x: i64, y: f64) -> f64 {
entry:
  size: u64 = const 8
  p: ptr<i64> = extern malloc(size)
  q: ptr<f64> = extern malloc(size)
  store p, x
  store q, y
  a = load p
  b = load q
  extern free(p)
  extern free(q)
  c: f64 = convert a
  r = add b, c
  return r
}`;
    const unit = compileUnit(functionsOf(text));
    expect(unit.imports.map(({ symbol, sites }) => [symbol, sites.length])).toEqual([
      ['malloc', 2],
      ['free', 2],
    ]);
    const arena = CodeArena.default();
    using malloc = arena.allocateSlot(processSymbol('malloc')!);
    using free = arena.allocateSlot(processSymbol('free')!);
    const slots = new Map([malloc, free].map((slot, i) => [slotKeyOf(unit.imports[i]!), slot.address]));
    const native = install(unit, slots);
    try {
      expect(native.call('fn$f', [3n, 0.5])).toBe(3.5);
    } finally {
      native.close();
    }
  });

  it('of functions of a library agree about the signature', () => {
    const address = `
fn f() -> i64 {
entry:
  p: fn(i64) -> i64 = fnaddr other
  r = invoke p(1)
  return r
}
fn other(x: f64) -> f64 {
entry:
  return x
}`;
    const [caller] = functionsOf(address.slice(0, address.indexOf('fn other')));
    const [, other] = functionsOf(`fn g() {\nentry:\n  return\n}${address.slice(address.indexOf('\nfn other'))}`);
    expect(() => compileUnit([caller!, other!])).toThrow(
      expect.objectContaining({ code: 'ERR_SIGNATURE_MISMATCH', symbol: 'fn$f' }),
    );
  });
});

describe('C functions of the process', () => {
  it('are not called where the stack is about to end: a fault in them would be the end of the process', () => {
    const text = `
fn down(text: ptr<u8>, n: i64) -> f64 {
entry:
  end: ptr<ptr<u8>> = const null
  x: f64 = extern strtod(text, end)
  m = add n, 1
  y = call down(text, m)
  s = add x, y
  return s
}`;
    const arena = CodeArena.default();
    using slot = arena.allocateSlot(processSymbol('strtod')!);
    const native = install(compileUnit(functionsOf(text)), new Map([['strtod\0external', slot.address]]));
    const digits = new TextEncoder().encode(`0.${'1234567890'.repeat(80)}e-7\0`); // long: takes kilobytes of stack
    try {
      for (let i = 0; i < 3; i++) {
        expect(() => native.call('fn$down', [digits, 1n])).toThrow(expect.objectContaining({ kind: 'stack-overflow' }));
      }
    } finally {
      native.close();
    }
  });
});

/** The machine code of C functions without relocations, or undefined where no compiler is there. */
function compileC(source: string, compiler: string): Uint8Array | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'codegen-c-'));
  try {
    const file = join(directory, 'f.c');
    const object = join(directory, 'f.o');
    const text = join(directory, 'f.bin');
    writeFileSync(file, source);
    const flags = ['-O2', '-fno-asynchronous-unwind-tables', '-fcf-protection=none', '-fno-stack-protector'];
    execFileSync(compiler, [...flags, '-c', '-o', object, file]);
    execFileSync('objcopy', ['-O', 'binary', '--only-section=.text', object, text]);
    return readFileSync(text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe.each(['clang', 'gcc'])('C functions that %s compiled', (compiler) => {
  const narrow = compileC(
    `long f(signed char a, unsigned char b, short c, unsigned short d, _Bool e, int f, unsigned g, signed char h, unsigned char i, _Bool j) {
       return a + 3L * b + 5L * c + 7L * d + 11L * e + 13L * f + 17L * g + 19L * h + 23L * i + 29L * j;
     }`,
    compiler,
  );
  it.skipIf(narrow === undefined)('get narrow arguments extended, in registers and on the stack', () => {
    const text = `
fn f(a: i64, b: i64) -> i64 {
entry:
  x: i8 = convert a
  y: u8 = convert a
  z: i16 = convert a
  w: u16 = convert a
  e = lt a, b
  v: i32 = convert b
  u: u32 = convert b
  x2: i8 = convert b
  y2 = add y, 100
  c4: bool = const true
  r: i64 = extern f(x, y, z, w, e, v, u, x2, y2, c4)
  c0: i8 = const -5
  c1: u8 = const 250
  c2: i16 = const -300
  c3: u16 = const 65000
  c5: i32 = const -7
  c6: u32 = const 4000000000
  c7: i8 = const -128
  c8: u8 = const 255
  c9: bool = const false
  s: i64 = extern f(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9)
  t = add r, s
  return t
}`;
    const arena = CodeArena.default();
    using code = arena.allocate(narrow!);
    using slot = arena.allocateSlot(code.address);
    const c = (...args: readonly bigint[]): bigint =>
      args.reduce((sum, arg, i) => sum + arg * [1n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n][i]!, 0n);
    for (const [, options] of registerSets) {
      const native = install(compileWith(functionsOf(text), options), new Map([['f\0external', slot.address]]));
      try {
        for (const a of [0n, -1n, 127n, 128n, 255n, 256n, -129n, 70000n, 1n << 40n]) {
          for (const b of [5n, -1n, 1n << 31n, 200n]) {
            const u8 = BigInt.asUintN(8, a);
            const expected = c(
              BigInt.asIntN(8, a), u8, BigInt.asIntN(16, a), BigInt.asUintN(16, a), a < b ? 1n : 0n, BigInt.asIntN(32, b),
              BigInt.asUintN(32, b), BigInt.asIntN(8, b), BigInt.asUintN(8, u8 + 100n), 1n,
            ); // biome-ignore format: a list
            const constant = c(-5n, 250n, -300n, 65000n, 1n, -7n, 4000000000n, -128n, 255n, 0n);
            expect(native.call('fn$f', [a, b])).toBe(expected + constant);
          }
        }
      } finally {
        native.close();
      }
    }
  });

  const wide = compileC('signed char f(long x) { return x >> 8; }', compiler);
  it.skipIf(wide === undefined)('have narrow results counted in their own width only', () => {
    const text = `
fn f(x: i64) -> i64 {
entry:
  r: i8 = extern f(x)
  w: i64 = convert r
  return w
}`;
    const arena = CodeArena.default();
    using code = arena.allocate(wide!);
    using slot = arena.allocateSlot(code.address);
    const native = install(compileUnit(functionsOf(text)), new Map([['f\0external', slot.address]]));
    try {
      for (const x of [0n, 0x1234n, 0x80ffn, -1n, 0x7f00n])
        expect(native.call('fn$f', [x])).toBe(BigInt.asIntN(8, x >> 8n));
    } finally {
      native.close();
    }
  });

  const frame = compileC('unsigned long f(void) { return (unsigned long)__builtin_frame_address(0); }', compiler);
  it.skipIf(frame === undefined)('find the stack aligned, whatever the caller has on it', () => {
    const text = [0, 1, 2, 3, 5, 8, 9].map(
      (slots) => `
fn f${slots}(x: u64) -> u64 {
entry:
${Array.from({ length: slots }, (_x, i) => `  a${i} = slot u64\n  store a${i}, x`).join('\n')}
  r: u64 = extern f()
${Array.from({ length: slots }, (_x, i) => `  b${i} = load a${i}`).join('\n')}
  s0 = add r, 0
${Array.from({ length: slots }, (_x, i) => `  d${i} = sub b${i}, x\n  s${i + 1} = add s${i}, d${i}`).join('\n')}
  return s${slots}
}`,
    );
    const arena = CodeArena.default();
    using code = arena.allocate(frame!);
    using slot = arena.allocateSlot(code.address);
    const functions = functionsOf(text.join('\n'));
    for (const [, options] of registerSets) {
      const native = install(compileWith(functions, options), new Map([['f\0external', slot.address]]));
      try {
        for (const { symbol } of functions) expect((native.call(symbol, [77n]) as bigint) % 16n).toBe(0n);
      } finally {
        native.close();
      }
    }
  });
});
