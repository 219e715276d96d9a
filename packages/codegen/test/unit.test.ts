// Compiled units as their users see them: symbols, imports, traps, determinism, the calling convention's fine print, errors.
import { bindFunction, CodeArena, TrapError } from '@simple-jit/native-mem';
import {
  BINARY_OPS,
  type ConcreteFunction,
  type IntName,
  IrTrapError,
  interpret,
  parseModule,
  scalar,
  specialise,
  UNARY_OPS,
} from '@simple-jit/template-ir';
import { describe, expect, it } from 'vitest';
import { CodegenError, compileUnit, GENERATOR_VERSION, patchImports, TARGET } from '../src/index.js';
import { compileWith, type InternalOptions } from '../src/unit.js';
import { functionsOf } from './support/agree.js';
import { disassemble } from './support/disassembler.js';
import { install, runNatively } from './support/native.js';
import { bitsOf, INTS } from './support/values.js';

const CALLER = `
fn twice<T: Num>(x: T) -> T {
entry:
  a = call double<T>(x)
  b = call double<T>(a)
  c = call other<T>(b)
  return c
}
fn double<T: Num>(x: T) -> T {
entry:
  r = add x, x
  return r
}
fn other<T: Num>(x: T) -> T {
entry:
  r = sub x, 1
  return r
}`;

function caught(run: () => unknown): CodegenError {
  try {
    run();
  } catch (error) {
    if (error instanceof CodegenError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a unit', () => {
  it('says what it is', () => {
    const unit = compileUnit(functionsOf(CALLER, [scalar('i32')]));
    expect(unit.target).toBe(TARGET);
    expect(unit.generator).toBe(GENERATOR_VERSION);
    expect(unit.cpuFeatures).toEqual([]);
    expect(unit.functions.map(({ symbol }) => symbol)).toEqual(['fn$twice$i32', 'fn$double$i32', 'fn$other$i32']);
    expect(unit.functions[0]!.signature).toEqual({ params: [scalar('i32')], result: scalar('i32') });
    expect(unit.imports).toEqual([]);
    for (const { offset, size } of unit.functions) {
      expect(offset % 16).toBe(0);
      expect(disassemble(unit.code.subarray(offset, offset + size), offset).at(-1)!.text).toBe('ret');
    }
  });

  it('is the same bytes every time', () => {
    const make = () => compileUnit(functionsOf(CALLER, [scalar('f64')]));
    expect(make()).toEqual(make());
  });

  it('may be empty', () => {
    expect(compileUnit([])).toMatchObject({ functions: [], imports: [], traps: [], code: new Uint8Array(0) });
  });

  it('knows a function by template and types, whatever symbol it is linked under', () => {
    const [twice, ...callees] = parseModule(`module m\n${CALLER}`).templates.map((template) =>
      specialise(template, [scalar('i16')], { symbol: `linked_${template.name}` }),
    );
    const native = runNatively([twice!, ...callees]);
    try {
      expect(native.unit.imports).toEqual([]);
      expect(native.call('linked_twice', [5n])).toBe(19n);
    } finally {
      native.close();
    }
  });

  it('reaches functions outside through one import slot each, wherever code and slots lie', () => {
    const [twice, double, other] = functionsOf(CALLER, [scalar('i64')]);
    const unit = compileUnit([twice!]);
    expect(unit.imports.map(({ symbol, sites }) => [symbol, sites.length])).toEqual([
      ['fn$double$i64', 2],
      ['fn$other$i64', 1],
    ]);
    expect(unit.imports[0]).toMatchObject({
      template: 'double',
      typeArgs: [scalar('i64')],
      signature: { params: [scalar('i64')], result: scalar('i64') },
    });
    const arena = CodeArena.default();
    using doubleSlot = arena.allocateSlot();
    using otherSlot = arena.allocateSlot();
    const callees = runNatively([double!, other!]);
    const slots = new Map([
      ['fn$double$i64', doubleSlot.address],
      ['fn$other$i64', otherSlot.address],
    ]);
    const callers = [install(unit, slots), install(unit, slots)];
    try {
      const addressOf = (i: number) => callees.address + BigInt(callees.unit.functions[i]!.offset);
      doubleSlot.target = addressOf(0);
      otherSlot.target = addressOf(1);
      expect(callers.map((caller) => caller.call('fn$twice$i64', [5n]))).toEqual([19n, 19n]);
      otherSlot.target = addressOf(0); // redirected by one store
      expect(callers.map((caller) => caller.call('fn$twice$i64', [5n]))).toEqual([40n, 40n]);
    } finally {
      for (const caller of callers) caller.close();
      callees.close();
    }
  });

  it('lists the instructions that trap on purpose', () => {
    const unit = compileUnit(
      functionsOf(`
fn div(a: i32, b: i32) -> i32 {
entry:
  q = div a, b
  r = rem q, 3
  return r
}
fn none() {
entry:
  unreachable
}`),
    );
    const text = new Map(
      unit.functions.flatMap(({ offset, size }) =>
        disassemble(unit.code.subarray(offset, offset + size), offset).map((line) => [line.offset, line.text] as const),
      ),
    );
    expect(unit.traps.map(({ offset, kind }) => [text.get(offset)!.split(' ')[0], kind])).toEqual([
      ['idiv', 'divide'],
      ['idiv', 'divide'],
      ['ud2', 'unreachable'],
    ]);
  });
});

describe('patchImports', () => {
  const [twice] = functionsOf(CALLER, [scalar('u8')]);
  const unit = compileUnit([twice!]);
  const slots = (address: bigint) => new Map(unit.imports.map(({ symbol }) => [symbol, address]));

  it('writes displacements relative to the end of each field, into a copy', () => {
    const before = unit.code.slice();
    const patched = patchImports(unit, 0x10000n, slots(0x20000n));
    const view = new DataView(patched.buffer);
    for (const { sites } of unit.imports) {
      for (const site of sites) expect(view.getInt32(site, true)).toBe(0x10000 - site - 4);
    }
    expect(unit.code).toEqual(before);
  });

  it('takes slots up to 2 GiB away on either side, and refuses those beyond', () => {
    const near = 0x7fff_0000n;
    expect(() => patchImports(unit, 0x1_0000_0000n, slots(0x1_0000_0000n + near))).not.toThrow();
    expect(() => patchImports(unit, 0x1_0000_0000n, slots(0x1_0000_0000n - near))).not.toThrow();
    const error = caught(() => patchImports(unit, 0x1000n, slots(0x9000_0000n)));
    expect(error).toMatchObject({ code: 'ERR_SLOT_OUT_OF_REACH', symbol: 'fn$double$u8', found: '0x90000000' });
    expect(error.message).toContain('0x90000000');
  });

  it('refuses to leave an import without a slot', () => {
    expect(caught(() => patchImports(unit, 0x1000n, new Map()))).toMatchObject({
      code: 'ERR_SLOT_MISSING',
      symbol: 'fn$double$u8',
    });
  });
});

describe('bits above a value', () => {
  const garbage = (value: bigint, bits: number): bigint =>
    BigInt.asIntN(64, BigInt.asUintN(bits, value) | (0x5a5a_a5a5_3c3c_c3c3n << BigInt(bits)));

  it.each(INTS.filter((name) => bitsOf(name) < 64))('are not trusted in %s arguments', (type: IntName) => {
    const bits = bitsOf(type);
    const wrap = (value: bigint): bigint =>
      type[0] === 'i' ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
    const text = [...BINARY_OPS, 'lt', 'eq', 'ge'].map(
      (op, i) =>
        `fn b${i}(x: ${type}, y: ${type}) -> ${i < BINARY_OPS.length ? type : 'bool'} {\nentry:\n  r = ${op} x, y\n  return r\n}`,
    );
    const integerOps = UNARY_OPS.filter((op) => !['sqrt', 'floor', 'ceil', 'trunc', 'round'].includes(op));
    for (const op of integerOps) {
      text.push(`fn ${op}_(x: ${type}) -> ${type} {\nentry:\n  r = ${op} x\n  return r\n}`);
    }
    for (const to of ['i64', 'u64', 'f64', 'f32', 'u32', 'i16']) {
      const integer = to[0] === 'f' ? '' : `  return r\n}`;
      const back = to[0] === 'f' ? `  s: i64 = convert r\n  return s\n}` : integer;
      text.push(
        `fn checked_${to}(x: ${type}) -> ${to[0] === 'f' ? 'i64' : to} {\nentry:\n  r: ${to} = convert_checked x\n${back}`,
      );
      text.push(`fn to_${to}(x: ${type}) -> ${to[0] === 'f' ? 'i64' : to} {\nentry:\n  r: ${to} = convert x\n${back}`);
    }
    text.push(`fn bounds_(x: ${type}, y: ${type}) -> ${type} {\nentry:\n  bounds x, y\n  return x\n}`);
    const functions = functionsOf(text.join('\n'));
    const native = runNatively(functions);
    const outcome = (width: number, run: () => bigint): string => {
      try {
        return `${BigInt.asUintN(width, run())}`;
      } catch (error) {
        if (error instanceof TrapError || error instanceof IrTrapError) return error.kind;
        throw error;
      }
    };
    try {
      for (const [i, fn] of functions.entries()) {
        const address = native.address + BigInt(native.unit.functions[i]!.offset);
        const call = bindFunction(address, { params: ['i64', 'i64'], result: 'i64' });
        for (const [x, y] of [
          [1n, 2n],
          [-1n, 3n],
          [100n, -7n],
          [127n, 1n],
          [-128n, -1n],
        ] as const) {
          const args = [wrap(x), wrap(y)].slice(0, fn.blocks[0]!.params.length);
          const width = fn.result!.kind === 'scalar' ? bitsOf(fn.result!.name) : 64;
          const expected = outcome(width, () => BigInt(interpret(fn, args)!));
          const found = outcome(width, () => call(garbage(x, bits), garbage(y, bits)));
          expect(`${fn.name} ${x} ${y} ${found}`).toBe(`${fn.name} ${x} ${y} ${expected}`);
        }
      }
    } finally {
      native.close();
    }
  });
});

describe('errors', () => {
  it('a template that was not specialised', () => {
    const [template] = parseModule(
      'module m\nfn f<T: Num>(x: T) -> T {\nentry:\n  r = add x, x\n  return r\n}',
    ).templates;
    const fn = { ...template!, symbol: 'fn$f', typeArgs: [] } as unknown as ConcreteFunction;
    expect(caught(() => compileUnit([fn]))).toMatchObject({ code: 'ERR_NOT_CONCRETE', symbol: 'fn$f' });
    expect(() => compileUnit([specialise(template!, [scalar('i8')])])).not.toThrow();
  });

  it('one symbol twice', () => {
    const [, double] = functionsOf(CALLER, [scalar('i8')]);
    for (const again of [double!, { ...double!, symbol: 'other' }, { ...double!, name: 'other' }]) {
      expect(caught(() => compileUnit([double!, again]))).toMatchObject({
        code: 'ERR_DUPLICATE_SYMBOL',
        symbol: again.symbol,
      });
    }
  });

  it('a call that relies on another signature than its callee in the unit has', () => {
    const [caller] = functionsOf(
      'fn f(x: i32) -> i32 {\nentry:\n  r = call g(x)\n  return r\n}\nfn g(x: i32) -> i32 {\nentry:\n  return x\n}',
    );
    const [callee] = functionsOf('fn g(x: i64) -> i32 {\nentry:\n  return 1\n}');
    const error = caught(() => compileUnit([caller!, callee!]));
    expect(error).toMatchObject({
      code: 'ERR_SIGNATURE_MISMATCH',
      symbol: 'fn$f',
      expected: '(i64) -> i32',
      found: '(i32) -> i32',
    });
    expect(error.message).toContain('fn$g as (i32) -> i32, but it is (i64) -> i32');
  });

  it('two calls of one import that disagree', () => {
    const text = (type: string, name: string) =>
      `fn ${name}(x: ${type}) -> i32 {\nentry:\n  r = call g(x)\n  return r\n}\nfn g(x: ${type}) -> i32 {\nentry:\n  return 1\n}`;
    const functions = [functionsOf(text('i32', 'a'))[0]!, functionsOf(text('i64', 'b'))[0]!];
    expect(caught(() => compileUnit(functions))).toMatchObject({ code: 'ERR_SIGNATURE_MISMATCH', symbol: 'fn$b' });
  });

  it('two uses of an address that disagree', () => {
    const takes = (name: string, type: string): ConcreteFunction =>
      functionsOf(`fn ${name}() -> ${type} {\nentry:\n  f: ${type} = fnaddr g\n  return f\n}`)[0]!;
    const functions = [takes('a', 'fn(i32) -> i32'), takes('b', 'fn(i64) -> i32')];
    expect(caught(() => compileUnit(functions))).toMatchObject({
      code: 'ERR_SIGNATURE_MISMATCH',
      symbol: 'fn$b',
      expected: '(i32) -> i32',
      found: '(i64) -> i32',
    });
    const [inside] = functionsOf('fn g(x: i64) -> i32 {\nentry:\n  return 1\n}');
    expect(caught(() => compileUnit([functions[0]!, inside!]))).toMatchObject({
      code: 'ERR_SIGNATURE_MISMATCH',
      symbol: 'fn$a',
    });
  });

  it('an operation that its type does not have, which the verifier would have refused', () => {
    const broken = (type: string, op: string): ConcreteFunction => {
      const [fn] = functionsOf(`fn f(x: ${type}) -> ${type} {\nentry:\n  r = neg x\n  return r\n}`);
      const [entry] = fn!.blocks;
      const [instruction] = entry!.instructions;
      const blocks = [{ ...entry!, instructions: [{ ...instruction!, op } as typeof instruction & object] }];
      return { ...fn!, blocks };
    };
    for (const fn of [broken('f64', 'not'), broken('i32', 'sqrt')]) {
      expect(caught(() => compileUnit([fn]))).toMatchObject({ code: 'ERR_UNSUPPORTED_TYPE', symbol: 'fn$f' });
    }
  });

  it('what specialisation leaves in no function', () => {
    const changed = (text: string, change: object): ConcreteFunction => {
      const [fn] = functionsOf(text);
      const [entry] = fn!.blocks;
      const [first, ...rest] = entry!.instructions;
      return {
        ...fn!,
        blocks: [{ ...entry!, instructions: [{ ...first!, ...change } as typeof first & object, ...rest] }],
      };
    };
    const slot = 'fn f() -> ptr<i64> {\nentry:\n  p = slot i64\n  return p\n}';
    const elem = 'fn f(p: ptr<i64>, i: i64) -> ptr<i64> {\nentry:\n  q = elem p, i\n  return q\n}';
    const size = 'fn f() -> i64 {\nentry:\n  n: i64 = const 3\n  return n\n}';
    for (const fn of [
      changed(slot, { layout: undefined }),
      changed(elem, { size: undefined }),
      changed(size, { op: 'sizeof', type: scalar('i64') }),
    ]) {
      expect(caught(() => compileUnit([fn]))).toMatchObject({ code: 'ERR_NOT_CONCRETE', symbol: 'fn$f' });
    }
    const module = parseModule(
      'module m\nfn f<T: Num>(x: T) -> i64 {\nentry:\n  if T is Int, yes, no\nyes:\n  return 1\nno:\n  return 2\n}',
    );
    const undecided = { ...module.templates[0]!, symbol: 'fn$f', typeArgs: [] } as unknown as ConcreteFunction;
    expect(caught(() => compileUnit([undecided]))).toMatchObject({ code: 'ERR_NOT_CONCRETE', symbol: 'fn$f' });
    // More than the frame gives; less is given.
    const aligned = (align: number): ConcreteFunction => changed(slot, { layout: { size: 64, align } });
    expect(caught(() => compileUnit([aligned(32)]))).toMatchObject({ code: 'ERR_UNSUPPORTED_TYPE', symbol: 'fn$f' });
    const native = runNatively([aligned(16)]);
    try {
      expect((native.call('fn$f', []) as bigint) % 16n).toBe(0n);
    } finally {
      native.close();
    }
  });

  it('a stack frame that no stack holds', () => {
    const slots = (bytes: number) =>
      functionsOf(
        `fn f() -> ptr<u8> {\nentry:\n  a = slot array<u8, ${bytes}>\n  p: ptr<u8> = cast a\n  r = call g(p)\n  return r\n}\nfn g(p: ptr<u8>) -> ptr<u8> {\nentry:\n  return p\n}`,
      );
    expect(caught(() => compileUnit(slots(2 ** 30)))).toMatchObject({
      code: 'ERR_TOO_LARGE',
      symbol: 'fn$f',
      expected: 'at most 1073741824 bytes',
      found: '1073741832 bytes',
    });
    expect(() => compileUnit(slots(2 ** 30 - 64))).not.toThrow();
  });

  it('a function that takes more memory to compile than there is', () => {
    const functions = functionsOf(CALLER, [scalar('i32')]);
    const before = compileUnit(functions);
    const onAllocated: InternalOptions['onAllocated'] = ({ machine }) => {
      if (machine.symbol === 'fn$double$i32') machine.scratch.take(2 ** 30 + 1);
    };
    const error = caught(() => compileWith(functions, { onAllocated }));
    expect(error).toMatchObject({ code: 'ERR_TOO_LARGE', symbol: 'fn$double$i32', found: '4294967300 bytes' });
    expect(compileUnit(functions)).toEqual(before);
  });
});

describe('large functions', () => {
  const straight = (count: number): string =>
    `fn f(x: i64) -> i64 {\nentry:\n  v0 = add x, 1\n${Array.from({ length: count }, (_, i) => `  v${i + 1} = ${['add', 'xor', 'mul', 'sub'][i % 4]} v${i}, ${i % 3 === 0 ? 'x' : `v${Math.max(0, i - 7)}`}`).join('\n')}\n  return v${count}\n}`;
  const chain = (count: number): string =>
    `fn f(x: i64) -> i64 {\nentry:\n  jump b0(x)\n${Array.from({ length: count }, (_, i) => `b${i}(p${i}: i64):\n  c${i} = gt p${i}, ${i}\n  d${i} = sub p${i}, x\n  branch c${i}, b${i + 1}(d${i}), b${i + 1}(p${i})`).join('\n')}\nb${count}(last: i64):\n  return last\n}`;

  const walk = (count: number): string =>
    `fn f(x: i64) -> i64 {\nentry:\n  a = slot array<i64, ${count + 1}>\n  p0 = item a, 0\n  store p0, x\n  s0 = add x, 1\n${Array.from({ length: count }, (_, i) => `  p${i + 1} = elem p${i}, 1\n  store p${i + 1}, s${i}\n  l${i} = load p${i}\n  s${i + 1} = add s${i}, l${i}`).join('\n')}\n  return s${count}\n}`;

  it.each([
    ['20,000 instructions in a row', straight(20_000)],
    ['5,000 branches in a row', chain(5_000)],
    ['3,000 steps from one element to the next', walk(3_000)],
  ])('%s', (_, text) => {
    const functions = functionsOf(text);
    const native = runNatively(functions);
    try {
      for (const x of [3n, -9n, 1234567890123n]) expect(native.call('fn$f', [x])).toBe(interpret(functions[0]!, [x]));
    } finally {
      native.close();
    }
  });
});
