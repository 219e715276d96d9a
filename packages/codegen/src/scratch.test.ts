import { expect, it } from 'vitest';
import { IntList, OutOfScratch, Scratch } from './scratch.js';

it('never gives out an array that is still taken, and gives it out again afterwards', () => {
  const scratch = new Scratch();
  const lengths = [0, 1, 64, 65, 128, 1000, 1024, 1025, 64];
  const first = lengths.map((length) => scratch.take(length));
  expect(new Set(first).size).toBe(lengths.length);
  for (const [i, array] of first.entries()) expect(array.length).toBeGreaterThanOrEqual(lengths[i]!);
  scratch.release();
  const second = lengths.map((length) => scratch.take(length));
  expect(new Set(second)).toEqual(new Set(first));
});

it('fills as far as it is asked to, whatever was there before', () => {
  const scratch = new Scratch();
  for (const length of [0, 1, 32, 33, 64, 500]) {
    scratch.take(length).fill(7);
    scratch.release();
    expect([...scratch.filled(length, -1).subarray(0, length)]).toEqual(new Array(length).fill(-1));
    scratch.release();
  }
});

it('does not keep more than 16 MiB', () => {
  const scratch = new Scratch();
  const large = Array.from({ length: 5 }, () => scratch.take(2 ** 20)); // 4 MiB each
  scratch.release();
  const kept = Array.from({ length: 5 }, () => scratch.take(2 ** 20)).filter((array) => large.includes(array));
  expect(kept).toHaveLength(4);
});

it('says when an array would be too long', () => {
  const scratch = new Scratch();
  const before = scratch.take(64);
  for (const length of [2 ** 30 + 1, 2 ** 31]) {
    expect(() => scratch.take(length)).toThrow(expect.objectContaining({ name: 'OutOfScratch', bytes: length * 4 }));
    expect(() => scratch.take(length)).toThrow(OutOfScratch);
  }
  scratch.release();
  expect(scratch.take(64)).toBe(before);
});

it('lists grow, keeping their items, and can be reversed', () => {
  const scratch = new Scratch();
  for (const count of [0, 1, 2, 64, 65, 1001]) {
    const list = new IntList(scratch);
    for (let i = 0; i < count; i++) list.push(i * 3);
    const items = (): number[] => [...list.items.subarray(0, list.length)];
    expect(items()).toEqual(Array.from({ length: count }, (_, i) => i * 3));
    list.reverse();
    expect(items()).toEqual(Array.from({ length: count }, (_, i) => (count - 1 - i) * 3));
  }
});
