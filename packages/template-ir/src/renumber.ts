// Canonical numbering: values count up in the order of their definitions, block by block, parameters first. The builder,
// the text form and the binary form all make functions numbered so; only then are two equal functions deeply equal.
import type { Block, Edge, Instruction, IrFunction, Terminator, Value } from './ir.js';
import { resultOf } from './operations.js';

/** The new number of each value in canonical order; -1 where nothing defines the value. */
export function canonicalNumbers(fn: IrFunction): Int32Array {
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
export function renumber(fn: IrFunction): IrFunction {
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
  const blocks: Block[] = fn.blocks.map((block) => ({
    name: block.name,
    params: block.params.map(map),
    instructions: block.instructions.map((instruction) => mapInstruction(instruction, map)),
    terminator: mapTerminator(block.terminator, map),
  }));
  return { ...fn, valueTypes, valueNames, blocks };
}

function mapInstruction(instruction: Instruction, map: (value: Value) => Value): Instruction {
  switch (instruction.op) {
    case 'const':
    case 'sizeof':
      return { ...instruction, result: map(instruction.result) };
    case 'neg':
    case 'not':
    case 'sqrt':
    case 'convert':
      return { ...instruction, result: map(instruction.result), arg: map(instruction.arg) };
    case 'select': {
      const { op, result, condition, left, right } = instruction;
      return { op, result: map(result), condition: map(condition), left: map(left), right: map(right) };
    }
    case 'load':
      return { ...instruction, result: map(instruction.result), address: map(instruction.address) };
    case 'store':
      return { ...instruction, address: map(instruction.address), value: map(instruction.value) };
    case 'elem': {
      const { op, result, base, index } = instruction;
      return { op, result: map(result), base: map(base), index: map(index) };
    }
    case 'call': {
      const { op, result, callee, args } = instruction;
      return { op, result: result === undefined ? undefined : map(result), callee, args: args.map(map) };
    }
    default: {
      const { op, result, left, right } = instruction;
      return { op, result: map(result), left: map(left), right: map(right) };
    }
  }
}

function mapTerminator(terminator: Terminator, map: (value: Value) => Value): Terminator {
  const mapEdge = (edge: Edge): Edge => ({ block: edge.block, args: edge.args.map(map) });
  switch (terminator.op) {
    case 'jump':
      return { op: 'jump', target: mapEdge(terminator.target) };
    case 'branch': {
      const { op, condition } = terminator;
      // biome-ignore lint/suspicious/noThenProperty: an edge's name; no one awaits a terminator
      return { op, condition: map(condition), then: mapEdge(terminator.then), else: mapEdge(terminator.else) };
    }
    case 'return':
      return { op: 'return', value: terminator.value === undefined ? undefined : map(terminator.value) };
    default:
      return terminator;
  }
}
