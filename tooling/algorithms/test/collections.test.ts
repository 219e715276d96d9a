import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MODES, useLibrary } from './library.js';
import { arrayOf, INTEGERS, NUMBERS, random } from './numbers.js';

const ALLOCATION = ['malloc', 'calloc', 'free'];

describe.each(MODES)('collections, %s', (mode) => {
  const instance = useLibrary('collections', mode, ALLOCATION);

  // Every key type with one value type, and one key type with every value type.
  const keys = INTEGERS.map((key) => ({ key, value: NUMBERS[9]! }));
  const values = NUMBERS.map((value) => ({ key: INTEGERS[2]!, value }));
  test.each([...keys, ...values].map((pair) => ({ ...pair, name: `${pair.key.name},${pair.value.name}` })))(
    'HashMap<$name> does what a Map does',
    ({ key, value, name }) => {
      const [create, free] = [instance('map_new', name), instance('map_free', name)];
      const [set, get, remove] = [instance('map_set', name), instance('map_get', name), instance('map_remove', name)];
      const operation = fc.record({
        kind: fc.constantFrom('set', 'set', 'get', 'remove'),
        key: key.value,
        value: value.value,
      });
      fc.assert(
        fc.property(fc.array(operation, { maxLength: mode === 'native' ? 200 : 40 }), (operations) => {
          const map = new BigInt64Array(4); // a HashMap: a pointer and three counts
          const found = new value.array(1);
          const model = new Map<number | bigint, number | bigint>();
          expect(create(map)).toBe(true);
          for (const step of operations) {
            if (step.kind === 'set') {
              const stored = arrayOf(value, [step.value])[0]!;
              model.set(step.key, stored);
              expect(set(map, step.key, stored)).toBe(true);
            } else if (step.kind === 'get') {
              expect(get(map, step.key, found)).toBe(model.has(step.key));
              if (model.has(step.key)) expect(found[0]).toBe(model.get(step.key));
            } else expect(remove(map, step.key)).toBe(model.delete(step.key));
            expect(map[2]).toBe(BigInt(model.size));
          }
          for (const [k, v] of model) {
            expect(get(map, k, found)).toBe(true);
            expect(found[0]).toBe(v);
          }
          free(map);
        }),
        { numRuns: mode === 'native' ? 60 : 4 },
      );
    },
  );

  test('a map whose values are structs', () => {
    const types = 'u16,Record<f64>';
    const [create, free] = [instance('map_new', types), instance('map_free', types)];
    const [set, get] = [instance('map_set', types), instance('map_get', types)];
    const map = new BigInt64Array(4);
    create(map);
    const record = new ArrayBuffer(24); // id u32 at 0, key f64 at 8, weight u8 at 16
    const view = new DataView(record);
    for (let i = 0; i < 50; i++) {
      view.setUint32(0, i, true);
      view.setFloat64(8, i / 3, true);
      view.setUint8(16, 255 - i);
      expect(set(map, (i * 1000) % 65536, record)).toBe(true);
    }
    for (let i = 0; i < 50; i++) {
      expect(get(map, (i * 1000) % 65536, record)).toBe(true);
      expect([view.getUint32(0, true), view.getFloat64(8, true), view.getUint8(16)]).toEqual([i, i / 3, 255 - i]);
    }
    free(map);
  });

  test.each(NUMBERS)('a list of $name over malloc', (type) => {
    const [push, reverse] = [instance('list_push', type.name), instance('list_reverse', type.name)];
    const [values, free] = [instance('list_values', type.name), instance('list_free', type.name)];
    const input = arrayOf(type, fc.sample(type.value, { numRuns: 100, seed: 1 }));
    let list: unknown = 0n;
    for (const value of input) list = push(list, value);
    const out = new type.array(input.length);
    expect(values(list, out, BigInt(out.length))).toBe(BigInt(input.length));
    expect(out).toEqual(input.slice().reverse());
    list = reverse(list);
    expect(values(list, out, BigInt(out.length))).toBe(BigInt(input.length));
    expect(out).toEqual(input);
    free(list);
  });

  test.each(NUMBERS)('records sorted by a key of $name, through a function pointer', (type) => {
    const sort = instance('sort_records', type.name);
    const n = mode === 'native' ? 300 : 40;
    const keys = arrayOf(type, fc.sample(type.value, { numRuns: n, seed: 2 }));
    const size = keys.BYTES_PER_ELEMENT;
    // As C lays out { uint32_t id; K key; uint8_t weight; }
    const keyAt = Math.max(4, size);
    const align = Math.max(4, size);
    const stride = Math.ceil((keyAt + size + 1) / align) * align;
    const buffer = new ArrayBuffer(n * stride);
    const bytes = new Uint8Array(buffer);
    const view = new DataView(buffer);
    const keyBytes = new Uint8Array(keys.buffer);
    const next = random(5);
    const rows = Array.from({ length: n }, (_, i) => ({ id: Math.floor(next() * n), key: keys[i]!, weight: i % 256 }));
    rows.forEach(({ id, weight }, i) => {
      view.setUint32(i * stride, id, true);
      bytes.set(keyBytes.subarray(i * size, (i + 1) * size), i * stride + keyAt);
      view.setUint8(i * stride + keyAt + size, weight);
    });
    sort(buffer, BigInt(n));
    const read = Array.from({ length: n }, (_, i) => ({
      id: view.getUint32(i * stride, true),
      key: new type.array(buffer.slice(i * stride + keyAt, i * stride + keyAt + size))[0]!,
      weight: view.getUint8(i * stride + keyAt + size),
    }));
    const order = (row: (typeof rows)[number]): readonly (number | bigint)[] => [row.key, row.id];
    for (let i = 1; i < n; i++) {
      const [[k1, id1], [k2, id2]] = [order(read[i - 1]!), order(read[i]!)];
      expect(k1! < k2! || (k1! <= k2! && id1! <= id2!)).toBe(true);
    }
    const text = (list: typeof rows): string[] => list.map((row) => `${row.key} ${row.id} ${row.weight}`).sort();
    expect(text(read)).toEqual(text(rows));
  });
});
