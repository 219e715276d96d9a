// Aggregates from end to end: what a module says of them, specialised, lowered and run.
import { describe, expect, it } from 'vitest';
import {
  type ConcreteFunction,
  calleesOf,
  environmentOf,
  externsOf,
  IrSpecialiseError,
  instances,
  interpret,
  isAggregate,
  LinearMemory,
  parseModule,
  parseTypeList,
  printFunction,
  type SpecialiseCode,
  scalar,
  signatureToString,
  specialise,
  verifyModule,
} from './index.js';
import { thrown } from './thrown.test-support.js';

const PAIR = 'struct Pair<A: Any, B: Any> {\n  a: A\n  b: B\n}\n';

function load(text: string) {
  const module = parseModule(`module m\n${text}`);
  verifyModule(module);
  const call = instances(module);
  const of = (template: string, typeArgs = ''): ConcreteFunction =>
    call({ template, typeArgs: parseTypeList(typeArgs) });
  return { module, call, of };
}

describe('lowering', () => {
  it('leaves no value of an aggregate type', () => {
    const { of } = load(`${PAIR}
fn swap<A: Any, B: Any>(p: Pair<A, B>) -> Pair<B, A> {
entry:
  in = slot Pair<A, B>
  store in, p
  out = slot Pair<B, A>
  a = field in, a
  b = field in, b
  x = load a
  y = load b
  oa = field out, a
  ob = field out, b
  store oa, y
  store ob, x
  r = load out
  return r
}`);
    const fn = of('swap', 'u8, f64');
    expect(fn.valueTypes.some(isAggregate)).toBe(false);
    expect(fn.result).toBeUndefined();
    expect(printFunction(fn).split('\n')[0]).toBe('fn swap(result: ptr<Pair<f64, u8>>, p: ptr<Pair<u8, f64>>) {');
    expect(fn.layouts).toEqual([
      'struct Pair<f64, u8> { a: f64 @0, b: u8 @8 } size 16 align 8',
      'struct Pair<u8, f64> { a: u8 @0, b: f64 @8 } size 16 align 8',
    ]);
    const memory = new LinearMemory();
    const input = new Uint8Array(16);
    input[0] = 7;
    new DataView(input.buffer).setFloat64(8, 1.5, true);
    const output = new Uint8Array(16);
    interpret(fn, [memory.map(output), memory.map(input)], { memory });
    expect(new DataView(output.buffer).getFloat64(0, true)).toBe(1.5);
    expect(output[8]).toBe(7);
  });

  const rotate = `${PAIR}
fn rotate(n: i64, at: ptr<array<Pair<i64, i64>, 3>>) {
entry:
  p0 = item at, 0
  p1 = item at, 1
  p2 = item at, 2
  x = load p0
  y = load p1
  z = load p2
  jump loop(0, x, y, z)
loop(i: i64, a: Pair<i64, i64>, b: Pair<i64, i64>, c: Pair<i64, i64>):
  more = lt i, n
  branch more, body, done
body:
  next = add i, 1
  jump loop(next, b, c, a)
done:
  store p0, a
  store p1, b
  store p2, c
  return
}`;

  it.each([0, 1, 2, 3, 4])('rotates block parameters on an edge, %d times', (n) => {
    const { of } = load(rotate);
    const memory = new LinearMemory();
    const data = new BigInt64Array([1n, 2n, 3n, 4n, 5n, 6n]);
    interpret(of('rotate'), [BigInt(n), memory.map(data)], { memory });
    const expected = [1n, 2n, 3n, 4n, 5n, 6n];
    for (let i = 0; i < n; i++) expected.push(...expected.splice(0, 2));
    expect([...data]).toEqual(expected);
  });

  it('swaps what selects have chosen', () => {
    const { of } = load(`
fn f(c: bool, at: ptr<array<i64, 2>>, to: ptr<array<i64, 2>>) {
entry:
  x = load at
  y = load to
  jump loop(0, x, y)
loop(i: i64, a: array<i64, 2>, b: array<i64, 2>):
  l = select c, b, a
  r = select c, a, b
  more = lt i, 3
  branch more, body, done
body:
  next = add i, 1
  jump loop(next, l, r)
done:
  store at, a
  store to, b
  return
}`);
    for (const c of [true, false]) {
      const memory = new LinearMemory();
      const [x, y] = [new BigInt64Array([1n, 2n]), new BigInt64Array([3n, 4n])];
      interpret(of('f'), [c, memory.map(x), memory.map(y)], { memory });
      expect([[...x], [...y]]).toEqual(
        c
          ? [
              [3n, 4n],
              [1n, 2n],
            ]
          : [
              [1n, 2n],
              [3n, 4n],
            ],
      );
    }
  });

  it('keeps values that outlive their iteration, and takes both edges of one branch', () => {
    const { of } = load(`
fn f(n: i64, at: ptr<array<i64, 2>>, to: ptr<array<i64, 2>>) {
entry:
  first = load at
  jump loop(0, first)
loop(i: i64, last: array<i64, 2>):
  now = load at
  p = item at, 0
  q = load p
  q2 = add q, 1
  store p, q2
  more = lt i, n
  next = add i, 1
  odd = and i, 1
  is_odd = eq odd, 1
  branch more, choose, done
choose:
  branch is_odd, loop(next, now), loop(next, last)
done:
  store to, last
  return
}`);
    const results = [0, 1, 2, 3, 4, 5].map((n) => {
      const memory = new LinearMemory();
      const [data, out] = [new BigInt64Array([10n, 0n]), new BigInt64Array(2)];
      interpret(of('f'), [BigInt(n), memory.map(data), memory.map(out)], { memory });
      return out[0];
    });
    // At i = 1, 3, … the value as it was in that iteration is kept.
    expect(results).toEqual([10n, 10n, 11n, 11n, 13n, 13n]);
  });

  it('stores a result over its own argument', () => {
    const { of, call } = load(`${PAIR}
fn flip(p: Pair<i64, i64>) -> Pair<i64, i64> {
entry:
  s = slot Pair<i64, i64>
  store s, p
  a = field s, a
  b = field s, b
  x = load a
  y = load b
  store a, y
  store b, x
  r = load s
  return r
}
fn f(p: ptr<Pair<i64, i64>>) {
entry:
  v = load p
  r = call flip(v)
  store p, r
  return
}`);
    const memory = new LinearMemory();
    const data = new BigInt64Array([1n, 2n]);
    const address = memory.map(data);
    interpret(of('f'), [address], { memory, call });
    expect([...data]).toEqual([2n, 1n]);
    // And from outside, with the result where the argument is.
    interpret(of('flip'), [address, address], { memory, call });
    expect([...data]).toEqual([1n, 2n]);
  });

  it('passes aggregates through function pointers, also those that lie in structs', () => {
    const { of, call } = load(`${PAIR}
struct Handler<T: Any> {
  run: fn(T) -> T
  count: i64
}
fn flip<A: Any>(p: Pair<A, A>) -> Pair<A, A> {
entry:
  s = slot Pair<A, A>
  store s, p
  a = field s, a
  b = field s, b
  x = load a
  y = load b
  store a, y
  store b, x
  r = load s
  return r
}
fn apply<T: Any>(h: ptr<Handler<T>>, at: ptr<T>) {
entry:
  p = field h, run
  f = load p
  v = load at
  r = invoke f(v)
  store at, r
  return
}
fn main(at: ptr<Pair<i64, i64>>) {
entry:
  h = slot Handler<Pair<i64, i64>>
  p = field h, run
  f = fnaddr flip<i64>
  store p, f
  call apply<Pair<i64, i64>>(h, at)
  return
}`);
    const memory = new LinearMemory();
    const data = new BigInt64Array([1n, 2n]);
    interpret(of('main'), [memory.map(data)], { memory, call });
    expect([...data]).toEqual([2n, 1n]);
  });

  it('reads the declarations it is given, and refuses what nothing declares', () => {
    const { module } = load(`${PAIR}fn f<T: Any>(p: ptr<T>) -> i64 {\nentry:\n  s = sizeof T\n  return s\n}`);
    const types = environmentOf(module.types);
    const [pair] = parseTypeList('Pair<u8, u16>');
    expect(specialise(module.templates[0]!, [pair!], { types }).blocks[0]!.instructions).toMatchObject([{ value: 4n }]);
    expect(() => specialise(module.templates[0]!, [pair!])).toThrow(expect.objectContaining({ code: 'UNKNOWN_TYPE' }));
  });

  it('may take one parameter more than a template, for the result', () => {
    const types = Array.from({ length: 255 }, (_, i) => (i % 2 === 0 ? 'i64' : 'array<i64, 2>'));
    const params = types.map((type, i) => `p${i}: ${type}`).join(', ');
    const pointer = `fn(${types.join(', ')}) -> array<i64, 2>`;
    const args = types.map((_, i) => `p${i}`).join(', ');
    const { of } = load(
      `fn f(${params}) -> array<i64, 2> {\nentry:\n  g = fnaddr f\n  h: ${pointer} = cast g\n  r = invoke h(${args})\n  return r\n}\n`,
    );
    expect(of('f').blocks[0]!.params).toHaveLength(256);
  });

  it('takes much at a time in its stride', () => {
    const names = Array.from({ length: 2000 }, (_, i) => `a${i}`);
    const { of } = load(`${PAIR}
fn f(p: ptr<Pair<i64, i64>>) {
entry:
  v = load p
  jump loop(${names.map(() => 'v').join(', ')})
loop(${names.map((name) => `${name}: Pair<i64, i64>`).join(', ')}):
  jump loop(${[...names.slice(1), names[0]].join(', ')})
}
`);
    // Each parameter is read before any is written.
    expect(of('f').blocks[1]!.instructions).toHaveLength(8000);
  });
});

describe('specialise', () => {
  const library = load(`${PAIR}
fn kind<T: Any>(x: T) -> i64 {
entry:
  if T is Float, a, b
a:
  s = sqrt x
  return 1
b:
  if T is Pair<i64, i64>, c, d
c:
  return 2
d:
  if ptr<T> is ptr<bool>, e(3), e(4)
e(n: i64):
  return n
}
fn uses<T: Any>(p: ptr<Pair<T, u8>>) -> i64 {
entry:
  f = fnaddr uses<T>
  g: fn(Pair<T, T>) -> Pair<T, T> = fnaddr other<T>
  x = call uses<T>(p)
  m: ptr<u8> = extern malloc(x)
  extern free(m)
  extern free(m)
  s = sizeof Pair<T, u8>
  o = offsetof Pair<u8, T>, b
  q = field p, b
  next = elem p, 1
  return s
}
`);
  const types = environmentOf(library.module.types);
  const [kind, uses] = library.module.templates;

  it.each([
    ['f32', 1n],
    ['Pair<i64, i64>', 2n],
    ['bool', 3n],
    ['Pair<i64, u8>', 4n],
    ['i8', 4n],
  ])('decides branches on types for %s, and drops what is not taken', (type, expected) => {
    const [arg] = parseTypeList(type);
    const fn = specialise(kind!, [arg!], { types });
    expect(fn.blocks.flatMap(({ terminator }) => (terminator.op === 'return' ? [terminator] : []))).toHaveLength(1);
    const memory = new LinearMemory();
    const value = isAggregate(arg!)
      ? memory.map(new Uint8Array(16))
      : arg!.kind === 'scalar' && arg!.name === 'f32'
        ? 1.5
        : arg!.kind === 'scalar' && arg!.name === 'bool'
          ? true
          : 1n;
    expect(interpret(fn, [value], { memory })).toBe(expected);
  });

  it('writes sizes and offsets in, and says which layouts they come from', () => {
    const fn = specialise(uses!, parseTypeList('f64'), { types });
    const found = fn.blocks[0]!.instructions.slice(-5);
    expect(found).toMatchObject([
      { op: 'const', value: 16n },
      { op: 'const', value: 8n },
      { op: 'field', offset: 8 },
      { op: 'const', value: 1n },
      { op: 'elem', size: 16 },
    ]);
    expect(fn.layouts).toEqual([
      'struct Pair<f64, u8> { a: f64 @0, b: u8 @8 } size 16 align 8',
      'struct Pair<u8, f64> { a: u8 @0, b: f64 @8 } size 16 align 8',
    ]);
  });

  it('says what it calls, takes the address of, and wants from C', () => {
    const fn = specialise(uses!, parseTypeList('f64'), { types });
    const shown = calleesOf(fn).map(
      ({ op, template, signature }) => `${op} ${template}${signatureToString(signature)}`,
    );
    expect(shown).toEqual([
      'fnaddr uses(ptr<Pair<f64, u8>>) -> i64',
      'fnaddr other(ptr<Pair<f64, f64>>, ptr<Pair<f64, f64>>)',
      'call uses(ptr<Pair<f64, u8>>) -> i64',
    ]);
    expect(externsOf(fn).map(({ symbol, signature }) => `${symbol}${signatureToString(signature)}`)).toEqual([
      'malloc(i64) -> ptr<u8>',
      'free(ptr<u8>)',
    ]);
  });

  const big = load(
    'fn big<T: Any>() {\nentry:\n  a = slot array<T, 134217729>\n  return\n}\nfn deref<T: Any>(p: ptr<T>) {\nentry:\n  x = load p\n  return\n}\n',
  );
  const [slot, deref] = big.module.templates;
  const cyclic = environmentOf([
    { kind: 'struct', name: 'A', typeParams: [], fields: [{ name: 'a', type: parseTypeList('A')[0]! }] },
    {
      kind: 'struct',
      name: 'K',
      typeParams: [{ name: 'T', bound: 'Num' }],
      fields: [{ name: 'a', type: scalar('i8') }],
    },
  ]);
  it.each<[SpecialiseCode, () => unknown]>([
    ['TOO_LARGE', () => specialise(slot!, parseTypeList('i64'))],
    ['TOO_LARGE', () => specialise(slot!, parseTypeList('array<i64, 1000>'))],
    ['TOO_LARGE', () => specialise(deref!, parseTypeList('array<i64, 2147483647>'))],
    ['LAYOUT_CYCLE', () => specialise(deref!, parseTypeList('A'), { types: cyclic })],
    ['UNKNOWN_TYPE', () => specialise(deref!, parseTypeList('ptr<Nope>'))],
    ['UNKNOWN_TYPE', () => specialise(uses!, parseTypeList('f64'))],
    ['ARGUMENT_TYPE', () => specialise(deref!, parseTypeList('ptr<Pair<u8>>'), { types })],
    ['BOUND_NOT_MET', () => specialise(deref!, parseTypeList('K<bool>'), { types: cyclic })],
  ])('reports %s (case %#)', (code, action) => {
    expect(thrown(IrSpecialiseError, action).code).toBe(code);
  });
});
