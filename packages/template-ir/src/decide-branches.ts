// Decides each `if` of a template for given type arguments, and drops what no path reaches any more.
import { isBound, satisfies } from './bounds.js';
import type { BlockId, Edge, IrFunction, Terminator } from './ir.js';
import { mapEdges } from './map-values.js';
import { edgesOf } from './operations.js';
import { keepDefined } from './renumber.js';
import { substitute, type Type } from './types.js';

/** The same function, still generic but for its branches on types; itself, with all its numbers, if it has none. */
export function decideBranches<F extends IrFunction>(fn: F, typeArgs: readonly Type[]): F {
  const { blocks } = fn;
  for (let b = 0; b < blocks.length; b++) if (blocks[b]!.terminator.op === 'if') return decideAll(fn, typeArgs);
  return fn;
}

function decideAll<F extends IrFunction>(fn: F, typeArgs: readonly Type[]): F {
  const terminators = fn.blocks.map(({ terminator }) => decide(terminator, typeArgs));
  const numbers = numberReached(terminators);
  const renumbered = (edge: Edge): Edge => ({ ...edge, block: (numbers[edge.block] ?? edge.block) as BlockId });
  const blocks = fn.blocks
    .map((block, b) => ({ ...block, terminator: mapEdges(terminators[b]!, renumbered) }))
    .filter((_, b) => numbers[b]! >= 0);
  return keepDefined({ ...fn, blocks });
}

function decide(terminator: Terminator, typeArgs: readonly Type[]): Terminator {
  if (terminator.op !== 'if') return terminator;
  const type = substitute(terminator.type, typeArgs);
  const { is } = terminator;
  const taken = isBound(is) ? satisfies(type, is) : type === substitute(is, typeArgs);
  return { op: 'jump', target: taken ? terminator.then : terminator.else };
}

/** New numbers of the blocks that the entry reaches, in the same order; -1 for the others. */
function numberReached(terminators: readonly Terminator[]): Int32Array {
  const numbers = new Int32Array(terminators.length).fill(-1);
  const work = [0];
  numbers[0] = 0;
  for (let b = work.pop(); b !== undefined; b = work.pop()) {
    for (const { block } of edgesOf(terminators[b]!)) {
      if (numbers[block] !== -1) continue; // seen, or an edge to nowhere, which the verifier reports
      numbers[block] = 0;
      work.push(block);
    }
  }
  let next = 0;
  for (let b = 0; b < numbers.length; b++) if (numbers[b] === 0) numbers[b] = next++;
  return numbers;
}
