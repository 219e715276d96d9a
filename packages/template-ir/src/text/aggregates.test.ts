// The text and binary forms of declarations and of the operations on aggregates, function pointers and memory.
import { describe, expect, it } from 'vitest';
import {
  arrayOf,
  decodeDeclaration,
  decodeTemplate,
  encodeModule,
  encodeTemplate,
  environmentOf,
  fnType,
  IrDecodeError,
  IrSyntaxError,
  named,
  parseModule,
  parseType,
  parseTypeList,
  printModule,
  ptr,
  type SyntaxCode,
  scalar,
  type TemplateModule,
  verifyModule,
} from '../index.js';
import { thrown } from '../thrown.test-support.js';

/** Every operation and terminator that there is, in canonical text. */
const text = `module everything

struct Pair<A: Any, B: Any> {
  a: A
  b: B
}

enum Option<T: Any> {
  None
  Some(value: T, next: ptr<Option<T>>)
}

fn numbers<T: Num, I: Int, F: Float>(t: T, i: I, f: F, c: bool) -> F {
entry:
  %4 = abs t
  %5 = min t, 1
  %6 = max 2, t
  %7 = rotl i, 3
  %8 = rotr i, i
  %9 = popcount i
  %10 = clz i
  %11 = ctz i
  %12 = neg_checked i
  %13 = add_checked i, 1
  %14 = sub_checked i, 2
  %15 = mul_checked i, 3
  %16 = div_checked 4, i
  %17 = floor f
  %18 = ceil f
  %19 = trunc f
  %20 = round f
  %23 = fma 0.5, 1, f
  %24: i32 = convert_checked f
  bounds i, 9
  bounds 0, i
  %28 = neg t
  %29 = not i
  %30 = sqrt f
  %32 = select c, f, 2.0
  %33: T = convert i
  return %32
}

fn memory<T: Any>(p: ptr<Pair<T, i64>>, o: ptr<Option<T>>, a: ptr<array<T, 4>>, b: ptr<u8>, copy: i64) -> T {
fill:
  size = sizeof Pair<T, array<T, 3>>
  align = alignof T
  offset = offsetof Pair<T, i64>, b
  deep = offsetof Option<T>, Some.next
  tag = tagof Option<T>, Some
  if = slot T
  bounds = field p, a
  invoke = field o, tag
  extern = field o, Some.value
  at = item a, 2
  copy if, bounds, 1
  copy extern, at, copy
  fill b, 0, 10
  next = elem if, 1
  u: u64 = cast p
  x = load if
  return x
}

fn calls<T: Any>(f: fn(T, i64) -> T, g: fn(), x: T) -> T {
entry:
  y = invoke f(x, 7)
  invoke g()
  h = fnaddr calls<T>
  k: fn(i64) = fnaddr elsewhere<ptr<T>>
  invoke k(-1)
  %7: i64 = const 16
  p: ptr<u8> = extern malloc(%7)
  extern free(p)
  same = eq f, null
  r: T = call elsewhere<T, fn(i64) -> bool>(f)
  return y
}

fn choose<T: Any, U: Any>(x: T) -> i64 {
entry:
  if T is Int, ints, others(5)
ints:
  n: i64 = convert x
  return n
others(%2: i64):
  if ptr<T> is ptr<Pair<U, i64>>, done(1), done(%2)
done(%3: i64):
  unreachable
}
`;

describe('the text form', () => {
  const module = parseModule(text);

  it('holds every operation: parsing what is printed gives the same', () => {
    const printed = printModule(module);
    expect(parseModule(printed)).toEqual(module);
    expect(printModule(parseModule(printed))).toBe(printed);
  });

  it('and the binary form', () => {
    verifyModule(module);
    const encoded = encodeModule(module);
    expect(encoded.map(({ kind, name }) => [kind, name])).toEqual([
      [1, 'Pair'],
      [3, 'Option'],
      ...['numbers', 'memory', 'calls', 'choose'].map((name) => [0, name]),
    ]);
    const decoded: TemplateModule = {
      name: module.name,
      types: encoded.slice(0, 2).map(decodeDeclaration),
      templates: encoded.slice(2).map(decodeTemplate),
    };
    verifyModule(decoded);
    expect(decoded.types).toEqual(module.types);
    expect(encodeModule(decoded)).toEqual(encoded);
  });

  it('takes words that are keywords only in their place as names', () => {
    const names =
      'module m\nstruct is {\n  struct: i64\n  enum: i64\n}\nfn copy(if: i64, is: ptr<is>) -> i64 {\nfill:\n  jump bounds(if)\nbounds(extern: i64):\n  copy: i64 = const 1\n  fill = add copy, extern\n  bounds fill, copy\n  invoke = call copy(fill, is)\n  copy is, is, copy\n  if is is is, if(invoke), if(if)\nif(enum: i64):\n  return enum\n}\n';
    const parsed = parseModule(names);
    verifyModule(parsed);
    expect(parseModule(printModule(parsed))).toEqual(parsed);
  });

  const inF = (statement: string) =>
    `module m\nstruct S<A: Any> {\n  x: A\n}\nenum E {\n  A\n  B(x: i64)\n}\nfn f(p: ptr<S<i64>>, g: fn(i64) -> i64, h: fn(), b: ptr<u8>, i: i64) {\nentry:\n  ${statement}\n  return\n}`;
  it.each<[SyntaxCode, string, number]>([
    ['TYPE', inF('q = field p, y'), 11],
    ['TYPE', inF('q = field b, y'), 11],
    ['TYPE', inF('q = offsetof E, A.x'), 11],
    ['TYPE', inF('q = tagof E, C'), 11],
    ['TYPE', inF('q = item b, 1'), 11],
    ['TYPE', inF('q = cast p'), 11],
    ['TYPE', inF('q: f64 = cast p'), 11],
    ['TYPE', inF('q = convert_checked i'), 11],
    ['TYPE', inF('q = extern c(i)'), 11],
    ['TYPE', inF('q = invoke i(i)'), 11],
    ['TYPE', inF('invoke g(i)'), 11],
    ['TYPE', inF('q = invoke h()'), 11],
    ['TYPE', inF('q: f64 = invoke g(i)'), 11],
    ['TYPE', inF('q = invoke g(b)'), 11],
    ['TYPE', inF('q = fnaddr other'), 11],
    ['TYPE', inF('q: fn() = fnaddr f'), 11],
    ['TYPE', inF('fill p, 1, 2'), 11],
    ['TYPE', inF('copy p, b, 2'), 11],
    ['TYPE', inF('bounds b, b'), 11],
    ['TYPE', inF('q: i32 = sizeof S<i64>'), 11],
    ['ARITY', inF('q = invoke g()'), 11],
    ['ARITY', inF('q = fnaddr f<i64>'), 11],
    ['ARITY', inF('copy p, p'), 12],
    ['ARITY', inF('q = slot S'), 11],
    ['ARITY', inF('q = slot E<i64>'), 11],
    ['LITERAL', inF('bounds 1, 2'), 11],
    ['LITERAL', inF('extern c(1)'), 11],
    ['LITERAL', inF('fill b, 256, 1'), 11],
    ['LITERAL', inF('q = invoke null(1)'), 11],
    ['UNDEFINED', inF('q = slot Nope'), 11],
    ['RESERVED', inF('if Num is Int, a, b'), 11],
    ['TOKEN', inF('if i64 as Int, a, b'), 11],
    ['TOKEN', inF('q = offsetof S<i64> x'), 11],
    ['TOKEN', inF('q = sizeof 4'), 11],
    ['TOKEN', 'module m\nstruct S {\n}', 3],
    ['TOKEN', 'module m\nstruct S { x: i64\n}', 2],
    ['TOKEN', 'module m\nstruct S {\n  x: i64 y: i64\n}', 3],
    ['TOKEN', 'module m\nstruct S {\n  a.b: i64\n}', 3],
    ['TOKEN', 'module m\nenum E {\n  A.b\n}', 3],
    ['RESERVED', 'module m\nstruct Num {\n  x: i64\n}', 2],
    ['RESERVED', 'module m\nenum array {\n  A\n}', 2],
    ['DUPLICATE', 'module m\nstruct S {\n  x: i64\n}\nenum S {\n  A\n}', 5],
    ['DUPLICATE', 'module m\nstruct S {\n  x: i64\n  x: i64\n}', 4],
    ['DUPLICATE', 'module m\nenum E {\n  A\n  A(x: i64)\n}', 4],
    ['DUPLICATE', 'module m\nenum E {\n  A(x: i64, x: i64)\n}', 3],
    ['UNDEFINED', 'module m\nstruct S {\n  x: R\n}', 3],
    ['UNDEFINED', 'module m\nstruct S<T: Any> {\n  x: T\n}\nstruct R {\n  y: T\n}', 6],
    ['LIMIT', 'module m\nstruct S {\n  x: array<i64, 2147483648>\n}', 3],
  ])('reports %s (case %#)', (code, source, line) => {
    expect(thrown(IrSyntaxError, () => parseModule(source))).toMatchObject({ code, line });
  });

  it('reads the types that notes write', () => {
    expect(parseTypeList('Pair<i32,f64>, ptr<u8>,array<i32, 4>, fn(i64) -> bool,fn()')).toEqual([
      named('Pair', [scalar('i32'), scalar('f64')]),
      ptr(scalar('u8')),
      arrayOf(scalar('i32'), 4),
      fnType([scalar('i64')], scalar('bool')),
      fnType([], undefined),
    ]);
    const types = environmentOf(module.types);
    expect(parseType('Pair<i32, Option<u8>>', { types })).toBe(
      named('Pair', [scalar('i32'), named('Option', [scalar('u8')])]),
    );
    expect(thrown(IrSyntaxError, () => parseType('Pare<u8, u8>', { types })).code).toBe('UNDEFINED');
    expect(thrown(IrSyntaxError, () => parseTypeList('Pair<u8>', { types })).code).toBe('ARITY');
  });

  const blow = (levels: number): string => (levels === 0 ? 'i8' : `P<${blow(levels - 1)}, ${blow(levels - 1)}>`);
  it('refuses types that are too large to write', () => {
    expect(thrown(IrSyntaxError, () => parseType(blow(10))).code).toBe('LIMIT');
    expect(parseType(blow(8))).toBe(parseType(blow(8)));
  });
});

describe('templates in the binary form', () => {
  const memory = encodeTemplate(parseModule(text).templates[1]!);

  it('survive any single change of a byte, or end in a typed error', () => {
    const seen = new Set<string>();
    for (let at = 0; at < memory.body.length; at++) {
      for (const byte of [0, 1, 0x0b, 0x12, 0x13, 0x14, 0x2e, 0x57, 0xf5, 0xff]) {
        const body = Uint8Array.from(memory.body);
        body[at] = byte;
        try {
          encodeTemplate(decodeTemplate({ ...memory, body }));
          seen.add('decoded');
        } catch (error) {
          expect(error).toBeInstanceOf(IrDecodeError);
          seen.add((error as IrDecodeError).code);
        }
      }
    }
    const all = ['MAGIC', 'VERSION', 'INDEX', 'NAME', 'OPCODE', 'TYPE', 'COUNT', 'TRUNCATED', 'decoded'];
    expect([...seen]).toEqual(expect.arrayContaining(all));
  });
});
