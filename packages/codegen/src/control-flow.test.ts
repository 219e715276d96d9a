import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderBlocks as orderGraph } from './control-flow.js';
import { Scratch } from './scratch.js';

/** Of at most two successors for each block. */
function orderBlocks(successors: readonly (readonly number[])[]) {
  const edges = Int32Array.from(successors.flatMap(([one = -1, other = -1]) => [one, other]));
  const { order, count, ...loops } = orderGraph(successors.length, edges, new Scratch());
  return { ...loops, order: [...order.subarray(0, count)] };
}

function reachable(successors: readonly (readonly number[])[], without = -1): Set<number> {
  const seen = new Set<number>();
  const pending = [0];
  while (pending.length > 0) {
    const block = pending.pop()!;
    if (block === without || seen.has(block)) continue;
    seen.add(block);
    pending.push(...successors[block]!);
  }
  return seen;
}

/** Random graphs in which no edge leads to the entry. */
const graphs = fc.integer({ min: 1, max: 14 }).chain((count) =>
  fc.array(fc.array(fc.integer({ min: 1, max: Math.max(1, count - 1) }), { maxLength: count > 1 ? 2 : 0 }), {
    minLength: count,
    maxLength: count,
  }),
);

describe('orderBlocks', () => {
  it('lists every reachable block once, after all that dominate it', () => {
    fc.assert(
      fc.property(graphs, (successors) => {
        const { order } = orderBlocks(successors);
        expect(new Set(order)).toEqual(reachable(successors));
        expect(order).toHaveLength(new Set(order).size);
        for (const dominator of order) {
          const beyond = reachable(successors, dominator);
          for (const block of order.slice(0, order.indexOf(dominator))) expect(beyond.has(block)).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps the blocks of a loop together, behind its header', () => {
    // 0 → 1 (header) → 2 or 5 (exit); 2 → 3 (inner header) → 4 → 3, 3 → 1; 4 → 6 (exit from inside)
    const { order, loopDepth, loopHeader, outerHeader } = orderBlocks([[1], [5, 2], [3], [1, 4], [6, 3], [], []]);
    expect([...loopDepth.subarray(0, 7)]).toEqual([0, 1, 1, 2, 2, 0, 0]);
    expect([...loopHeader.subarray(0, 7)]).toEqual([-1, 1, 1, 3, 3, -1, -1]);
    expect(outerHeader[3]).toBe(1);
    const positions = [1, 2, 3, 4].map((block) => order.indexOf(block));
    expect(Math.max(...positions) - Math.min(...positions)).toBe(3);
    expect(order.indexOf(1)).toBe(1);
    expect(Math.abs(order.indexOf(3) - order.indexOf(4))).toBe(1);
  });

  it('leaves out what cannot be reached, and survives long chains', () => {
    expect(orderBlocks([[], [0]]).order).toEqual([0]);
    const chain = Array.from({ length: 100_000 }, (_, i) => (i < 99_999 ? [i + 1] : []));
    expect(orderBlocks(chain).order).toHaveLength(100_000);
  });
});
