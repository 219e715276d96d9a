// What `if T is B` teaches: in the blocks that its first edge dominates, T has the bound B as well.
import { type KnownParam, taught } from './bounds.js';
import type { ControlFlow } from './dominators.js';
import type { Block, IrFunction } from './ir.js';
import { edgesOf } from './operations.js';
import type { Bound, Type } from './types.js';

/** For each block, what is known of the type parameters in it. */
export type RefinedBounds = readonly (readonly KnownParam[])[];

/** For a function with branches on types. */
export function refineBounds(fn: IrFunction, flow: ControlFlow): RefinedBounds {
  const { blocks, typeParams } = fn;
  const known: (readonly KnownParam[])[] = new Array(blocks.length).fill(typeParams);
  const lessons = lessonsOf(fn, flow);
  for (const block of flow.order.subarray(0, flow.reached)) {
    // That of a block to which a lesson leads is the block that asks.
    const above = known[flow.immediateDominator(block)]!;
    const lesson = lessons.get(block);
    known[block] = lesson === undefined ? above : learn(above, lesson);
  }
  return known;
}

interface Lesson {
  readonly index: number;
  readonly is: Bound | Type;
}

/** The first edges of `if` that dominate the block they lead to, by that block. */
function lessonsOf({ blocks, typeParams }: IrFunction, flow: ControlFlow): ReadonlyMap<number, Lesson> {
  const lessons = new Map<number, Lesson>();
  const entrances = entrancesOf(blocks, flow);
  blocks.forEach(({ terminator }, b) => {
    if (terminator.op !== 'if' || terminator.type.kind !== 'param' || !flow.isReachable(b)) return;
    const target = terminator.then.block;
    // Other ways into the block must come from blocks that it dominates; then every path first takes this edge.
    if (entrances[target] !== 1) return;
    const { index } = terminator.type;
    if (index < typeParams.length) lessons.set(target, { index, is: terminator.is });
  });
  return lessons;
}

/** For each block: how many edges lead to it from blocks that it does not dominate. */
function entrancesOf(blocks: readonly Block[], flow: ControlFlow): Int32Array {
  const entrances = new Int32Array(blocks.length);
  blocks.forEach(({ terminator }, b) => {
    if (!flow.isReachable(b)) return;
    for (const { block } of edgesOf(terminator)) if (!flow.dominates(block, b)) entrances[block]!++;
  });
  return entrances;
}

function learn(known: readonly KnownParam[], { index, is }: Lesson): readonly KnownParam[] {
  const param = taught(index, is, known);
  return param === known[index] ? known : known.map((other, i) => (i === index ? param : other));
}
