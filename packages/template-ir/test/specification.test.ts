// The tables of docs/spec/template-ir.md against the implementation: who changes one without the other hears of it here.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OPCODES, RETURN_VALUE, TERMINATORS, VOID_OPCODES } from '../src/binary/codes.js';
import {
  arrayOf,
  BINARY_OPS,
  BOUNDS,
  type Bound,
  COMPARE_OPS,
  FunctionBuilder,
  fnType,
  IrBuildError,
  named,
  ptr,
  SCALAR_NAMES,
  type ScalarName,
  satisfies,
  scalar,
  sizeOf,
  type Type,
  UNARY_OPS,
} from '../src/index.js';
import * as limits from '../src/limits.js';
import { thrown } from '../src/thrown.test-support.js';

const spec = readFileSync(new URL('../../../docs/spec/template-ir.md', import.meta.url), 'utf8');
const source = (name: string): string => readFileSync(new URL(`../src/${name}`, import.meta.url), 'utf8');

/** The rows of all tables of a section, as cells without their blanks. */
function rows(number: number): readonly (readonly string[])[] {
  const section = spec.split(/^## /m).find((part) => part.startsWith(`${number}. `))!;
  const lines = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('|---'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** What stands in backquotes. */
const quoted = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);

/** `13 to 15`, `10 11 12`, `f0` */
function bytes(cell: string): number[] {
  const numbers = [...cell.matchAll(/[0-9a-f]{2}/g)].map((match) => Number.parseInt(match[0], 16));
  if (!cell.includes(' to ')) return numbers;
  return Array.from({ length: numbers[1]! - numbers[0]! + 1 }, (_, i) => numbers[0]! + i);
}

/** The members of a union of string literals. */
function unionOf(text: string, name: string): string[] {
  const body = text.slice(text.indexOf(`export type ${name} =`)).split(';')[0]!;
  return [...body.matchAll(/'([^']+)'/g)].map((match) => match[1]!).sort();
}

describe('the specification', () => {
  it('gives each instruction and terminator its byte (section 11)', () => {
    const table = rows(11).filter(([first]) => /^[0-9a-f]{2}( |$)/.test(first!) && !first!.includes('  '));
    const pairs = table.flatMap(([codes, names]) => {
      const [numbers, ops] = [bytes(codes!), quoted(names!)];
      expect(ops, codes).toHaveLength(numbers.length);
      return numbers.map((code, i) => [code, ops[i]!]);
    });
    const implemented = [OPCODES, VOID_OPCODES, TERMINATORS, { return: RETURN_VALUE }].flatMap((codes) =>
      Object.entries(codes).map(([name, code]) => [code, name]),
    );
    const byCode = (a: readonly unknown[], b: readonly unknown[]): number => Number(a[0]) - Number(b[0]);
    expect(pairs.sort(byCode)).toEqual(implemented.sort(byCode));
    expect(spec).toContain(`The tags 00 to 0a are\n  \`${SCALAR_NAMES.join(' ')}\``);
  });

  it('defines every operation and no other (section 4)', () => {
    const forms = rows(4).flatMap(([first]) => quoted(first!));
    const inProse = [...spec.matchAll(/`(x: U = \w+ a)` (?:is defined|gives)/g)].map((match) => match[1]!);
    const names = [...forms, ...inProse].map((form) => form.replace(/^x: [TU] = /, '').split(' ')[0]!);
    const types: readonly string[] = ['bool', 'f32', 'f64', 'Num', 'Float'];
    const found = new Set(names.filter((name) => !types.includes(name)));
    expect([...found].sort()).toEqual(Object.keys(OPCODES).sort());
  });

  it('lists the limits (section 12)', () => {
    const numbers = rows(12).flatMap(([, most]) => {
      const match = /^(?:2\^)?(\d+)( - 1)?$/.exec(most!);
      if (match === null) return [];
      return [(most!.startsWith('2^') ? 2 ** Number(match[1]) : Number(match[1])) - (match[2] ? 1 : 0)];
    });
    expect(numbers).toEqual([
      ...[limits.MAX_NAME_LENGTH, limits.MAX_TYPE_PARAMS, limits.MAX_PARAMS],
      ...[limits.MAX_TYPE_DEPTH, limits.MAX_TYPE_PARTS, limits.MAX_LAYOUT_DEPTH, limits.MAX_LAYOUT_FIELDS],
      limits.MAX_LAYOUT_TEXT,
      ...[limits.MAX_TYPE_SIZE, limits.MAX_FIELDS, limits.MAX_SLOT_BYTES],
      ...[limits.MAX_TEXT_LENGTH, limits.MAX_LITERAL_LENGTH],
    ]);
  });

  it('lists the codes of errors and the kinds of traps (sections 7, 8 and 9)', () => {
    const codes = rows(8).flatMap(([first]) => quoted(first!));
    expect(codes.sort()).toEqual(unionOf(source('verify-code.ts'), 'VerifyCode'));
    const kinds = rows(7).flatMap(([first]) => quoted(first!));
    expect(kinds.sort()).toEqual(unionOf(source('ir.ts'), 'TrapKind'));
    const ninth = spec.split(/^## /m).find((part) => part.startsWith('9. '))!;
    const known = unionOf(source('errors.ts'), 'SpecialiseCode');
    expect([...new Set(quoted(ninth).filter((word) => /^[A-Z_]{5,}$/.test(word)))].sort()).toEqual(known);
  });

  it('gives the scalar types their sizes (section 1)', () => {
    for (const [types, , sizes] of rows(1)) {
      const names = quoted(types!).filter((name): name is ScalarName => (SCALAR_NAMES as string[]).includes(name));
      const numbers = sizes?.split(', ').map(Number) ?? [];
      expect(names.map((name) => sizeOf(scalar(name)))).toEqual(numbers.slice(0, names.length));
    }
  });

  const table = rows(2).filter(([first]) => (BOUNDS as string[]).includes(quoted(first!)[0]!));
  const operations = new Set<string>([...UNARY_OPS, ...BINARY_OPS, ...COMPARE_OPS, 'fma', 'bounds']);

  it('says what each bound promises (section 2)', () => {
    const promised = new Map<string, ReadonlySet<string>>();
    for (const [first, promises] of table) {
      const words = quoted(promises!).flatMap((word) => word.split(' '));
      const checked = promises!.includes('the `_checked` operations');
      const own = [...words, ...(checked ? [...operations].filter((op) => op.endsWith('_checked')) : [])];
      promised.set(quoted(first!)[0]!, new Set(own.flatMap((word) => [word, ...(promised.get(word) ?? [])])));
    }
    expect([...promised.keys()]).toEqual(BOUNDS);
    for (const bound of BOUNDS) {
      for (const op of operations) {
        const use = (): unknown => useOn(bound, op);
        if (promised.get(bound)!.has(op)) use();
        else expect(thrown(IrBuildError, use).code, `${op} on ${bound}`).toBe('BOUND');
      }
    }
  });

  it('says which types satisfy each bound (section 2)', () => {
    const numbers = SCALAR_NAMES.filter((name) => name !== 'bool');
    const kinds: Record<string, readonly Type[]> = {
      integers: numbers.filter((name) => !name.startsWith('f')).map(scalar),
      floats: [scalar('f32'), scalar('f64')],
      pointers: [ptr(scalar('u8')), ptr(named('S'))],
      others: [scalar('bool'), fnType([], undefined)],
      aggregates: [arrayOf(scalar('i64'), 2), named('S')],
    };
    const lists: Record<string, readonly string[]> = {
      all: Object.keys(kinds),
      'all but aggregates': Object.keys(kinds).filter((kind) => kind !== 'aggregates'),
    };
    for (const [first, , types] of table) {
      const bound = quoted(first!)[0] as Bound;
      const satisfying = (lists[types!] ?? types!.split(', ')).flatMap((kind) => kinds[kind]!);
      for (const type of Object.values(kinds).flat()) expect(satisfies(type, bound)).toBe(satisfying.includes(type));
    }
  });
});

/** A function that uses the operation on values of a type parameter with that bound. */
function useOn(bound: Bound, op: string): unknown {
  const f = new FunctionBuilder('f');
  const x = f.param(f.typeParam('T', bound));
  if (op === 'fma') return f.fma(x, x, x);
  if (op === 'bounds') return f.bounds(x, x);
  const among = <Op extends string>(ops: readonly Op[]): Op | undefined => ops.find((known) => known === op);
  const [unary, binary, compare] = [among(UNARY_OPS), among(BINARY_OPS), among(COMPARE_OPS)];
  if (unary !== undefined) return f.unary(unary, x);
  return binary === undefined ? f.compare(compare!, x, x) : f.binary(binary, x, x);
}
