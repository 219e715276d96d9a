import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ControlFlow, walk } from './dominators.js';

function controlFlow(
  successors: readonly (readonly number[])[],
  flow = new ControlFlow(successors.length),
): ControlFlow {
  for (const [block, [first = -1, second = -1]] of successors.entries()) flow.setSuccessors(block, first, second);
  walk(flow, successors.length);
  return flow;
}

/** Blocks that can be reached from block 0 without entering `avoided`. */
function reachable(successors: readonly (readonly number[])[], avoided = -1): Set<number> {
  const found = new Set<number>();
  const open = avoided === 0 || successors.length === 0 ? [] : [0];
  for (let block = open.pop(); block !== undefined; block = open.pop()) {
    if (found.has(block) || block === avoided) continue;
    found.add(block);
    open.push(...successors[block]!);
  }
  return found;
}

const MOST_BLOCKS = 14;
const arbitraryGraph = fc
  .integer({ min: 1, max: MOST_BLOCKS })
  .chain((count) => fc.array(fc.array(fc.nat(count - 1), { maxLength: 2 }), { minLength: count, maxLength: count }));

describe('dominators', () => {
  it('agree with the definition: without the dominator, the block is out of reach', () => {
    fc.assert(
      fc.property(arbitraryGraph, (successors) => {
        const flow = controlFlow(successors);
        const all = reachable(successors);
        for (const b of successors.keys()) expect(flow.isReachable(b)).toBe(all.has(b));
        for (const a of all) {
          const without = reachable(successors, a);
          for (const b of all) expect(flow.dominates(a, b)).toBe(a === b || !without.has(b));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('are those of the last graph, whatever was found in the same memory before', () => {
    fc.assert(
      fc.property(fc.array(arbitraryGraph, { minLength: 2, maxLength: 4 }), (graphs) => {
        const reused = new ControlFlow(MOST_BLOCKS);
        for (const successors of graphs) {
          const flow = controlFlow(successors, reused);
          const fresh = controlFlow(successors);
          expect(flow.order.subarray(0, flow.reached)).toEqual(fresh.order.subarray(0, fresh.reached));
          for (const a of successors.keys()) {
            expect(flow.isReachable(a)).toBe(fresh.isReachable(a));
            if (fresh.isReachable(a)) expect(flow.immediateDominator(a)).toBe(fresh.immediateDominator(a));
            for (const b of successors.keys()) expect(flow.dominates(a, b)).toBe(fresh.dominates(a, b));
          }
        }
      }),
    );
  });

  it('come first in depth-first order', () => {
    fc.assert(
      fc.property(arbitraryGraph, (successors) => {
        const flow = controlFlow(successors);
        const order = flow.order.subarray(0, flow.reached);
        order.forEach((b, i) => {
          for (const later of order.subarray(i + 1)) expect(flow.dominates(later, b)).toBe(false);
        });
      }),
    );
  });
});
