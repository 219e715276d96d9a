// Rewriting of instructions and terminators with other value numbers. Property order is that of ir.ts.
import type { Block, Edge, Instruction, Terminator, Value } from './ir.js';

export type ValueMap = (value: Value) => Value;

/** The same instruction with each operand and the result mapped. */
export function mapInstruction(instruction: Instruction, map: ValueMap): Instruction {
  switch (instruction.op) {
    case 'const':
    case 'sizeof':
    case 'alignof':
    case 'offsetof':
    case 'tagof':
    case 'slot':
    case 'fnaddr':
      return { ...instruction, result: map(instruction.result) };
    case 'select': {
      const { op, result, condition, left, right } = instruction;
      return { op, result: map(result), condition: map(condition), left: map(left), right: map(right) };
    }
    case 'fma': {
      const { op, result, a, b, c } = instruction;
      return { op, result: map(result), a: map(a), b: map(b), c: map(c) };
    }
    case 'load':
      return { ...instruction, result: map(instruction.result), address: map(instruction.address) };
    case 'store':
      return { ...instruction, address: map(instruction.address), value: map(instruction.value) };
    case 'elem':
    case 'item': {
      const { op, result, base, index, size } = instruction;
      return { op, result: map(result), base: map(base), index: map(index), size };
    }
    case 'field':
      return { ...instruction, result: map(instruction.result), base: map(instruction.base) };
    case 'copy': {
      const { op, to, from, count, size } = instruction;
      return { op, to: map(to), from: map(from), count: map(count), size };
    }
    case 'fill': {
      const { op, to, value, count } = instruction;
      return { op, to: map(to), value: map(value), count: map(count) };
    }
    case 'bounds':
      return { ...instruction, index: map(instruction.index), length: map(instruction.length) };
    case 'call': {
      const { op, result, callee, args } = instruction;
      return { op, result: mapOptional(result, map), callee, args: args.map(map) };
    }
    case 'invoke': {
      const { op, result, target, args } = instruction;
      return { op, result: mapOptional(result, map), target: map(target), args: args.map(map) };
    }
    case 'extern': {
      const { op, result, symbol, args } = instruction;
      return { op, result: mapOptional(result, map), symbol, args: args.map(map) };
    }
    default: {
      if ('arg' in instruction) return { ...instruction, result: map(instruction.result), arg: map(instruction.arg) };
      const { op, result, left, right } = instruction;
      return { op, result: map(result), left: map(left), right: map(right) };
    }
  }
}

function mapOptional(value: Value | undefined, map: ValueMap): Value | undefined {
  return value === undefined ? undefined : map(value);
}

/** The same terminator with each operand mapped. */
export function mapTerminator(terminator: Terminator, map: ValueMap): Terminator {
  const mapEdge = ({ block, args }: Edge): Edge => ({ block, args: args.map(map) });
  switch (terminator.op) {
    case 'jump':
      return { op: 'jump', target: mapEdge(terminator.target) };
    case 'branch': {
      const { op, condition } = terminator;
      // biome-ignore lint/suspicious/noThenProperty: an edge's name; no one awaits a terminator
      return { op, condition: map(condition), then: mapEdge(terminator.then), else: mapEdge(terminator.else) };
    }
    case 'if':
      return mapEdges(terminator, mapEdge);
    case 'return':
      return { op: 'return', value: mapOptional(terminator.value, map) };
    default:
      return terminator;
  }
}

/** The same terminator with each edge mapped; itself if it has none. */
export function mapEdges(terminator: Terminator, map: (edge: Edge) => Edge): Terminator {
  switch (terminator.op) {
    case 'jump':
      return { op: 'jump', target: map(terminator.target) };
    case 'branch':
    case 'if':
      // biome-ignore lint/suspicious/noThenProperty: an edge's name; no one awaits a terminator
      return { ...terminator, then: map(terminator.then), else: map(terminator.else) };
    default:
      return terminator;
  }
}

/** The same block with each value mapped. */
export function mapBlock({ name, params, instructions, terminator }: Block, map: ValueMap): Block {
  return {
    name,
    params: params.map(map),
    instructions: instructions.map((instruction) => mapInstruction(instruction, map)),
    terminator: mapTerminator(terminator, map),
  };
}
