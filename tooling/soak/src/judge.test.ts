// The judgement itself: it sees slow growth under noise, and is not moved by noise or by a single peak.

import { Random } from '@simple-jit/fixtures/random';
import { describe, expect, test } from 'vitest';
import { judge, trendOf } from './judge.js';
import type { Sample } from './measure.js';

const MIB = 2 ** 20;

function samples(change: (i: number, random: Random) => Partial<Sample>, seed = 1): Sample[] {
  const random = new Random(seed);
  return Array.from({ length: 40 }, (_, i) => ({
    seconds: i * 15,
    rounds: i * 10_000,
    residentBytes: 100 * MIB + random.below(6 * MIB),
    heapBytes: 10 * MIB + random.below(MIB / 2),
    codeBytes: 0,
    codeBlocks: 0,
    slots: 0,
    mappedFiles: 0,
    mappings: 400 + random.below(4),
    descriptors: 25,
    ...change(i, random),
  }));
}

describe('flat', () => {
  test.each([1, 2, 3, 4, 5])('noise, seed %i', (seed) => expect(judge(samples(() => ({}), seed))).toEqual([]));

  test('a warm-up, and single peaks', () => {
    const found = judge(
      samples((i) => ({
        ...(i < 10 ? { residentBytes: (60 + i * 4) * MIB, mappings: 300 + i * 10 } : {}),
        ...(i % 13 === 12 ? { residentBytes: 180 * MIB, heapBytes: 30 * MIB } : {}),
      })),
    );
    expect(found).toEqual([]);
  });
});

describe('not flat', () => {
  test.each([1, 2, 3])('12 MiB over the run, under 6 MiB of noise, seed %i', (seed) => {
    const found = judge(
      samples((i, random) => ({ residentBytes: (100 + i * 0.3) * MIB + random.below(6 * MIB) }), seed),
    );
    expect(found).toEqual([expect.stringMatching(/^residentBytes: grew by/)]);
  });

  test('the heap, the mappings', () => {
    const found = judge(samples((i) => ({ heapBytes: 10 * MIB + i * 90_000, mappings: 400 + i * 2 })));
    expect(found).toEqual([expect.stringMatching(/^heapBytes/), expect.stringMatching(/^mappings/)]);
  });

  test.each(['codeBytes', 'codeBlocks', 'slots', 'mappedFiles', 'descriptors'] as const)('one more of %s', (name) => {
    const found = judge(samples((i) => ({ [name]: i < 30 ? 7 : 8 })));
    expect(found).toEqual([expect.stringMatching(new RegExp(`^${name}: 7 at .* 8 at `))]);
  });

  test('too few samples to tell', () => expect(() => judge(samples(() => ({})).slice(0, 10))).toThrow(RangeError));
});

test('the growth is that of the middle slope', () => {
  const { growth, significance } = trendOf([0, 1, 2, 300, 4, 5].map((y, x) => ({ x, y })));
  expect(growth).toBe(5);
  expect(significance).toBeGreaterThan(1);
});
