import { describe, expect, it } from 'vitest';
import {
  environmentOf,
  IrLayoutError,
  type LayoutCode,
  layoutOf,
  parseModule,
  parseType,
  scalar,
  type TypeDeclaration,
  type TypeEnvironment,
} from './index.js';
import { thrown } from './thrown.test-support.js';

const { types } = parseModule(`module m
struct Pair<A: Any, B: Any> {
  a: A
  b: B
}
struct Mixed {
  flag: bool
  half: i16
  pair: Pair<u8, f64>
  bytes: array<u8, 3>
  next: ptr<Mixed>
  run: fn(Mixed) -> Mixed
  last: u8
}
enum Color {
  Red
  Green
}
enum Option<T: Any> {
  None
  Some(value: T)
}
enum Shape {
  Circle(r: f64)
  Box(w: u8, h: u16, d: u8)
  Empty
}
`);
const environment = environmentOf(types);
const layout = (type: string, of: TypeEnvironment = environment) => layoutOf(parseType(type), of);
const offsets = (type: string) => [...layout(type).fields].map(([path, { offset }]) => `${path} ${offset}`);

describe('layoutOf', () => {
  it.each<[string, number, number]>([
    ['i8', 1, 1],
    ['bool', 1, 1],
    ['f64', 8, 8],
    ['ptr<Unknown>', 8, 8],
    ['fn(Unknown)', 8, 8],
    ['array<u16, 5>', 10, 2],
    ['array<array<i32, 3>, 2>', 24, 4],
    ['Pair<u8, u8>', 2, 1],
    ['Pair<u8, f64>', 16, 8],
    ['Pair<f64, u8>', 16, 8],
    ['Pair<Pair<u8, u32>, u8>', 12, 4],
    ['array<Pair<u16, u8>, 3>', 12, 2],
    ['Mixed', 56, 8],
    ['Color', 4, 4],
    ['Option<u8>', 8, 4],
    ['Option<i64>', 16, 8],
    ['Option<Option<i64>>', 24, 8],
    ['Shape', 16, 8],
  ])('%s has %d bytes, aligned to %d', (type, size, align) => {
    expect(layout(type)).toMatchObject({ size, align });
  });

  it('places fields as C does', () => {
    expect(offsets('Mixed')).toEqual(['flag 0', 'half 2', 'pair 8', 'bytes 24', 'next 32', 'run 40', 'last 48']);
    expect(offsets('Shape')).toEqual(['tag 0', 'Circle.r 8', 'Box.w 8', 'Box.h 10', 'Box.d 12']);
    expect(offsets('Option<u8>')).toEqual(['tag 0', 'Some.value 4']);
    expect(layout('Pair<u8, f64>').fields.get('b')).toEqual({ offset: 8, size: 8, align: 8, type: scalar('f64') });
  });

  /** Declarations that `verifyDeclarations` refuses, or that come from different modules. */
  function bad(...declarations: TypeDeclaration[]): TypeEnvironment {
    return environmentOf([...declarations, ...types]);
  }
  const struct = (name: string, ...fields: string[]): TypeDeclaration => ({
    kind: 'struct',
    name,
    typeParams: [{ name: 'T', bound: 'Any' }],
    fields: fields.map((type, i) => ({
      name: `f${i}`,
      type: parseType(type, { typeParams: [{ name: 'T', bound: 'Any' }] }),
    })),
  });
  const chain = Array.from({ length: 300 }, (_, i) => struct(`C${i}`, `C${i + 1}<T>`));
  const doubling = Array.from({ length: 40 }, (_, i) => struct(`D${i + 1}`, `D${i}<ptr<T>>`, `D${i}<fn(T)>`));

  it.each<[LayoutCode, readonly string[], string, TypeEnvironment]>([
    ['UNKNOWN_TYPE', ['Pair<Nope, u8>', 'a', 'Nope'], 'Pair<Nope, u8>', environment],
    ['ARGUMENT_COUNT', ['Pair<u8>'], 'Pair<u8>', environment],
    [
      'LAYOUT_CYCLE',
      ['A<u8>', 'f1', 'B<u8>', 'f0', 'A<u8>'],
      'A<u8>',
      bad(struct('A', 'i8', 'B<T>'), struct('B', 'A<T>')),
    ],
    ['LAYOUT_CYCLE', ['A<u8>', 'f0', 'A<u8>'], 'A<u8>', bad(struct('A', 'array<A<T>, 2>'))],
    ['TOO_LARGE', [], 'array<array<i64, 2147483647>, 2>', environment],
    ['TOO_LARGE', ['Pair<array<i8, 2147483647>, i8>', 'b'], 'Pair<array<i8, 2147483647>, i8>', environment],
  ])('reports %s at %j', (code, path, type, of) => {
    const error = thrown(IrLayoutError, () => layout(type, of));
    expect(error.code).toBe(code);
    if (code !== 'TOO_LARGE') expect(error.path).toEqual(path);
    expect(error.message).toContain(`[${code}]`);
  });

  it.each<[string, string, TypeEnvironment]>([
    ['structs within one another', 'C0<u8>', bad(...chain, struct('C300', 'u8'))],
    ['levels of types that grow', 'G<u8>', bad(struct('G', 'G<ptr<T>>'))],
    ['more types than one can count', 'D40<u8>', bad(struct('D0', 'u8'), ...doubling)],
  ])('reports LIMIT for %s', (_, type, of) => {
    expect(thrown(IrLayoutError, () => layout(type, of)).code).toBe('LIMIT');
  });

  it('reports NOT_CONCRETE for a type parameter', () => {
    const type = parseType('Pair<u8, T>', { typeParams: [{ name: 'T', bound: 'Any' }] });
    const error = thrown(IrLayoutError, () => layoutOf(type, environment));
    expect(error).toMatchObject({ code: 'NOT_CONCRETE', path: ['Pair<u8, T>', 'b'] });
  });

  it('computes shared types once: 2^30 bytes of doubled structs', () => {
    const declarations = Array.from({ length: 30 }, (_, i) => struct(`S${i + 1}`, `S${i}<T>`, `S${i}<T>`));
    expect(layout('S30<u8>', bad(struct('S0', 'T'), ...declarations)).size).toBe(2 ** 30);
    const more = struct('S31', 'S30<T>', 'S30<T>');
    expect(() => layout('S31<u8>', bad(struct('S0', 'T'), ...declarations, more))).toThrow(IrLayoutError);
  });
});
