// The example library, at every scalar type, against plain JavaScript.
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeTemplate,
  encodeModule,
  IrSpecialiseError,
  type IrValue,
  instances,
  interpret,
  isInt,
  isSigned,
  LinearMemory,
  parseModule,
  printModule,
  SCALAR_NAMES,
  satisfies,
  scalar,
  sizeOf,
  type Type,
  verifyModule,
} from '../src/index.js';
import { arbitraryValue } from '../src/testing/index.js';
import { fromTypedArray, toTypedArray } from '../src/testing/values.js';

const path = new URL('../../../examples/collections.tir', import.meta.url);
const library = parseModule(readFileSync(path, 'utf8'), { path: path.pathname });
const call = instances(library);
const types = SCALAR_NAMES.map(scalar);
const named = (list: readonly Type[]) => list.map((type) => [type.kind === 'scalar' ? type.name : '', type] as const);
const [ordered, numbers] = [
  types.filter((type) => satisfies(type, 'Ord')),
  types.filter((type) => satisfies(type, 'Num')),
];

/** Calls a function of the library with arrays and values, and returns its result and what is in the arrays then. */
function run(name: string, type: Type, ...args: (IrValue | readonly IrValue[])[]) {
  const memory = new LinearMemory();
  const arrays = args.map((arg) => (Array.isArray(arg) ? toTypedArray(type, arg) : undefined));
  const values = args.map((arg, i) => (arrays[i] === undefined ? (arg as IrValue) : memory.map(arrays[i])));
  const result = interpret(call({ template: name, typeArgs: [type] }), values, { memory, call });
  return { result, arrays: arrays.map((array) => (array === undefined ? undefined : fromTypedArray(array))) };
}

const arbitraryArray = (type: Type) => fc.array(arbitraryValue(type), { maxLength: 20 });
const withoutNaN = (values: readonly IrValue[]) => values.map((value) => (Number.isNaN(value) ? 0 : value));
const length = (values: readonly IrValue[]) => BigInt(values.length);

/** a op b in the type: wrapped or rounded. */
function inType(type: Type, value: bigint | number): IrValue {
  if (typeof value === 'number') return sizeOf(type) === 4 ? Math.fround(value) : value;
  const bits = sizeOf(type)! * 8;
  return isSigned(type) ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

it('is valid, and the same after printing, and after encoding but for the names', () => {
  verifyModule(library);
  expect(parseModule(printModule(library))).toEqual(library);
  const decoded = { ...library, templates: encodeModule(library).map(decodeTemplate) };
  verifyModule(decoded);
  expect(encodeModule(decoded)).toEqual(encodeModule(library));
});

describe.each(named(types))('at %s', (_, type) => {
  it('identity', () => {
    fc.assert(
      fc.property(arbitraryValue(type), (x) => {
        expect(run('identity', type, x).result).toBe(x);
      }),
    );
  });

  it('find', () => {
    fc.assert(
      fc.property(arbitraryArray(type), arbitraryValue(type), fc.nat(19), (data, value, at) => {
        const wanted = data[at] ?? value;
        const index = data.indexOf(wanted);
        // NaN is equal to nothing, for indexOf too.
        expect(run('find', type, data, length(data), wanted).result).toBe(BigInt(index));
      }),
    );
  });
});

describe.each(named(ordered))('at %s', (_, type) => {
  it('max', () => {
    fc.assert(
      fc.property(arbitraryValue(type), arbitraryValue(type), (a, b) => {
        expect(run('max', type, a, b).result).toBe([b, a][Number(a > b)]);
      }),
    );
  });

  it('sort and median', () => {
    fc.assert(
      fc.property(arbitraryArray(type), (values) => {
        const data = withoutNaN(values);
        const sorted = data.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        const after = run('sort', type, data, length(data)).arrays[0]!;
        expect(after.every((x, i) => x === sorted[i])).toBe(true); // in that order 0 and -0 are equal
        if (data.length === 0) return;
        const median = run('median', type, data, length(data)).result!;
        expect(median === sorted[(data.length - 1) >> 1]).toBe(true);
      }),
    );
  });

  it('median of nothing traps', () => {
    expect(() => run('median', type, [], 0n)).toThrow(expect.objectContaining({ kind: 'unreachable' }));
  });
});

describe.each(named(numbers))('at %s', (_, type) => {
  const zero = isInt(type) ? 0n : 0;
  const add = (a: IrValue, b: IrValue) => inType(type, ((a as number) + (b as number)) as number | bigint);
  const multiply = (a: IrValue, b: IrValue) => inType(type, ((a as number) * (b as number)) as number | bigint);

  it('sum and dot', () => {
    fc.assert(
      fc.property(arbitraryArray(type), (data) => {
        expect(run('sum', type, data, length(data)).result).toBe(data.reduce(add, zero));
        const other = data.toReversed();
        const products = data.map((x, i) => multiply(x, other[i]!));
        expect(run('dot', type, data, other, length(data)).result).toBe(products.reduce(add, zero));
      }),
    );
  });
});

it('refuses bool where order or arithmetic is needed', () => {
  for (const template of ['max', 'sum', 'dot', 'sort', 'median']) {
    expect(() => call({ template, typeArgs: [scalar('bool')] })).toThrow(IrSpecialiseError);
  }
});
