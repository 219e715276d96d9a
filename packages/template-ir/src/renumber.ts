// Canonical numbering: values count up in the order of their definitions, block by block, parameters first. The builder,
// the text form and the binary form all make functions numbered so; only then are two equal functions deeply equal.
import type { IrFunction, Value } from './ir.js';
import { mapBlock } from './map-values.js';
import { resultOf } from './operations.js';

/** The new number of each value in canonical order; -1 where nothing defines the value. */
function canonicalNumbers(fn: IrFunction): Int32Array {
  const numbers = new Int32Array(fn.valueTypes.length).fill(-1);
  let next = 0;
  const define = (value: Value | undefined): void => {
    if (value !== undefined && numbers[value] === -1) numbers[value] = next++;
  };
  for (const block of fn.blocks) {
    block.params.forEach(define);
    for (const instruction of block.instructions) define(resultOf(instruction));
  }
  return numbers;
}

/**
 * The same function with canonical numbers; `fn` itself if it has them. Values that nothing defines get the last numbers,
 * so that the verifier still finds them.
 */
export function renumber<F extends IrFunction>(fn: F): F {
  const numbers = canonicalNumbers(fn);
  let next = numbers.reduce((max, number) => Math.max(max, number), -1) + 1;
  let same = true;
  numbers.forEach((number, value) => {
    if (number === -1) numbers[value] = next++;
    if (numbers[value] !== value) same = false;
  });
  if (same) return fn;

  const map = (value: Value): Value => (numbers[value] ?? value) as Value;
  const valueTypes = [...fn.valueTypes];
  const valueNames = [...fn.valueNames];
  numbers.forEach((number, value) => {
    valueTypes[number] = fn.valueTypes[value]!;
    valueNames[number] = fn.valueNames[value];
  });
  return { ...fn, valueTypes, valueNames, blocks: fn.blocks.map((block) => mapBlock(block, map)) };
}

/** The same function without the values that nothing defines; the others move up. */
export function keepDefined<F extends IrFunction>(fn: F): F {
  const numbers = canonicalNumbers(fn);
  return dropValues(fn, (value) => numbers[value] === -1);
}

/**
 * The same function without some values, which nothing may define; the others move up. Where one is used all the same, the
 * use gets a number that no value has, so that the verifier finds it.
 */
export function dropValues<F extends IrFunction>(fn: F, isDropped: (value: Value) => boolean): F {
  const numbers = new Int32Array(fn.valueTypes.length).fill(-1);
  let count = 0;
  for (let v = 0; v < numbers.length; v++) if (!isDropped(v as Value)) numbers[v] = count++;
  if (count === numbers.length) return fn;
  const map = (value: Value): Value => ((numbers[value] ?? -1) >= 0 ? numbers[value]! : count + value) as Value;
  const kept = <Item>(items: readonly Item[]): Item[] => items.filter((_, value) => numbers[value] !== -1);
  const blocks = fn.blocks.map((block) => mapBlock(block, map));
  return { ...fn, valueTypes: kept(fn.valueTypes), valueNames: kept(fn.valueNames), blocks };
}
