// Decides each `if` of a template for given type arguments, and drops what no path reaches any more.
import { isBound, satisfies } from './bounds.js';
import type { Block, BlockId, IrFunction, Terminator, Value } from './ir.js';
import { mapInstruction, mapTerminator } from './map-values.js';
import { edgesOf, resultOf } from './operations.js';
import { substitute, type Type } from './types.js';

/** The same function, still generic but for its branches on types; itself, with all its numbers, if it has none. */
export function decideBranches<F extends IrFunction>(fn: F, typeArgs: readonly Type[]): F {
  if (!fn.blocks.some(({ terminator }) => terminator.op === 'if')) return fn;
  const terminators = fn.blocks.map(({ terminator }) => decide(terminator, typeArgs));
  const blockNumbers = numberReached(terminators);
  const reached = fn.blocks.filter((_, b) => blockNumbers[b]! >= 0);
  const { valueNumbers, count } = numberDefined(fn, reached);
  // A value that nothing defines any more gets a number that no value has: then the verifier finds the use of it.
  const map = (value: Value): Value =>
    ((valueNumbers[value] ?? -1) >= 0 ? valueNumbers[value]! : count + value) as Value;
  const mapBlock = (block: BlockId): BlockId => (blockNumbers[block] ?? block) as BlockId;
  const blocks: Block[] = [];
  fn.blocks.forEach(({ name, params, instructions }, b) => {
    if (blockNumbers[b]! < 0) return;
    blocks.push({
      name,
      params: params.map(map),
      instructions: instructions.map((instruction) => mapInstruction(instruction, map)),
      terminator: mapTerminator(terminators[b]!, map, mapBlock),
    });
  });
  const kept = <Item>(items: readonly Item[]): Item[] => items.filter((_, value) => valueNumbers[value]! >= 0);
  return { ...fn, valueTypes: kept(fn.valueTypes), valueNames: kept(fn.valueNames), blocks };
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

/** New numbers of the values that these blocks define, in the same order; -1 for the others. */
function numberDefined(fn: IrFunction, blocks: readonly Block[]) {
  const valueNumbers = new Int32Array(fn.valueTypes.length).fill(-1);
  for (const { params, instructions } of blocks) {
    for (const param of params) valueNumbers[param] = 0;
    for (const instruction of instructions) {
      const result = resultOf(instruction);
      if (result !== undefined) valueNumbers[result] = 0;
    }
  }
  let count = 0;
  for (let v = 0; v < valueNumbers.length; v++) if (valueNumbers[v] === 0) valueNumbers[v] = count++;
  return { valueNumbers, count };
}
