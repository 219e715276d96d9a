// Smaller plans: what is left when a part is taken out, or a number made smaller. Any plan is a program, so any will do.
import type { ProgramPlan } from './plan.js';

type Tree = number | boolean | string | readonly Tree[] | { readonly [key: string]: Tree };

/** Plans that are smaller than `plan` by one step, the greatest steps first. */
export function* shrinkPlan(plan: ProgramPlan): IterableIterator<ProgramPlan> {
  for (const smaller of shrinkTree(plan as unknown as Tree)) {
    const candidate = smaller as unknown as ProgramPlan;
    if (candidate.functions.length > 0 && candidate.runs.length > 0) yield candidate;
  }
}

function* shrinkTree(tree: Tree): IterableIterator<Tree> {
  if (typeof tree === 'number') yield* shrinkNumber(tree);
  else if (tree === true) yield false;
  else if (isList(tree)) yield* shrinkList(tree);
  else if (typeof tree === 'object') {
    for (const key of Object.keys(tree)) {
      for (const smaller of shrinkTree(tree[key]!)) yield { ...tree, [key]: smaller };
    }
  }
}

function isList(tree: Tree): tree is readonly Tree[] {
  return Array.isArray(tree);
}

function* shrinkNumber(value: number): IterableIterator<number> {
  if (value > 0) yield 0;
  if (value > 3) yield value >> 1;
  if (value > 1) yield value - 1;
}

/** Fewer elements, halves of them first; then an element replaced by the statements inside of it; then smaller elements. */
function* shrinkList(list: readonly Tree[]): IterableIterator<readonly Tree[]> {
  for (let size = list.length; size >= 1; size >>= 1) {
    for (let start = 0; start + size <= list.length; start += size) {
      yield [...list.slice(0, start), ...list.slice(start + size)];
    }
  }
  for (const [i, element] of list.entries()) {
    for (const inner of statementsIn(element)) yield [...list.slice(0, i), ...inner, ...list.slice(i + 1)];
  }
  for (const [i, element] of list.entries()) {
    for (const smaller of shrinkTree(element)) yield [...list.slice(0, i), smaller, ...list.slice(i + 1)];
  }
}

function statementsIn(element: Tree): readonly (readonly Tree[])[] {
  if (typeof element !== 'object' || isList(element) || !('kind' in element)) return [];
  return [element.body, element.then, element.otherwise].filter((part) => part !== undefined && isList(part));
}
