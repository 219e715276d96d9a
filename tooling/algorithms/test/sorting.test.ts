import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MODES, useLibrary } from './library.js';
import { type AnyArray, arrayOf, NUMBERS } from './numbers.js';

describe.each(MODES)('sorting, %s', (mode) => {
  const instance = useLibrary('sorting', mode);
  const runs = { numRuns: mode === 'native' ? 200 : 25 };

  describe.each(NUMBERS)('$name', (type) => {
    const values = fc.array(type.value, { maxLength: 120 });
    const sorted = (array: AnyArray): AnyArray => array.slice().sort();

    test('insertion_sort, quick_sort and merge_sort sort as typed arrays do', () => {
      const insertion = instance('insertion_sort', type.name);
      const quick = instance('quick_sort', type.name);
      const merge = instance('merge_sort', type.name);
      fc.assert(
        fc.property(values, (list) => {
          const input = arrayOf(type, list);
          const wanted = sorted(input);
          for (const sort of [insertion, quick]) {
            const data = input.slice();
            sort(data, BigInt(data.length));
            // 0 and -0 are equal to the IR, and in any order.
            expect(data.join()).toBe(wanted.join());
          }
          const data = input.slice();
          merge(data, data.slice(), BigInt(data.length));
          expect(data.join()).toBe(wanted.join());
        }),
        runs,
      );
    });

    test('lower_bound finds what findIndex finds', () => {
      const lowerBound = instance('lower_bound', type.name);
      fc.assert(
        fc.property(values, type.value, (list, x) => {
          const data = sorted(arrayOf(type, list));
          const key = arrayOf(type, [x])[0]!;
          const index = Array.from<number | bigint>(data).findIndex((value) => value >= key);
          expect(lowerBound(data, BigInt(data.length), key)).toBe(BigInt(index < 0 ? data.length : index));
        }),
        runs,
      );
    });

    test('merge_runs merges any number of runs, empty ones too', () => {
      const mergeRuns = instance('merge_runs', type.name);
      fc.assert(
        fc.property(fc.array(fc.array(type.value, { maxLength: 20 }), { maxLength: 9 }), (lists) => {
          const all = lists.map((list) => sorted(arrayOf(type, list)));
          const data = arrayOf(
            type,
            all.flatMap((run) => Array.from<number | bigint>(run)),
          );
          const starts = new BigInt64Array(all.length + 1);
          all.forEach((run, i) => {
            starts[i + 1] = starts[i]! + BigInt(run.length);
          });
          const out = data.slice();
          const [heads, heap] = [new BigInt64Array(all.length), new BigInt64Array(all.length)];
          mergeRuns(data, starts, BigInt(all.length), out, heads, heap);
          expect(out.join()).toBe(sorted(data).join());
        }),
        runs,
      );
    });
  });

  test('quick_sort nests no deeper than log2(n), whatever the order', () => {
    const quick = instance('quick_sort', 'f64');
    const n = mode === 'native' ? 200_000 : 3_000;
    const orders: ((i: number) => number)[] = [(i) => i, (i) => -i, () => 7, (i) => i % 2, (i) => Math.min(i, n - i)];
    for (const order of orders) {
      const data = Float64Array.from({ length: n }, (_, i) => order(i));
      const wanted = data.slice().sort();
      quick(data, BigInt(n));
      expect(data.every((x, i) => x === wanted[i])).toBe(true);
    }
  });
});
