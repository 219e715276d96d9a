// What every instruction has, whatever it means: its operands, its result, its edges; the lists of simple operations.
// The typing rules are in check-instruction.ts.
import type { BinaryOp, CompareOp, Edge, Instruction, Opcode, Terminator, UnaryOp, Value } from './ir.js';
import { fnType, ptr, scalar, type Type } from './types.js';

/** All operations of one operand. */
export const UNARY_OPS: readonly UnaryOp[] = [
  ...(['neg', 'not', 'sqrt', 'abs', 'floor', 'ceil', 'trunc', 'round'] as const),
  ...(['popcount', 'clz', 'ctz', 'neg_checked'] as const),
];
/** All operations of two operands whose result has their type. */
export const BINARY_OPS: readonly BinaryOp[] = [
  ...(['add', 'sub', 'mul', 'div', 'rem', 'and', 'or', 'xor', 'shl', 'shr', 'min', 'max', 'rotl', 'rotr'] as const),
  ...(['add_checked', 'sub_checked', 'mul_checked', 'div_checked'] as const),
];
/** All comparisons. */
export const COMPARE_OPS: readonly CompareOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];

const unaryOps: ReadonlySet<string> = new Set(UNARY_OPS);
const binaryOps: ReadonlySet<string> = new Set(BINARY_OPS);

/** True for one of UNARY_OPS. */
export function isUnary(op: Opcode): op is UnaryOp {
  return unaryOps.has(op);
}

/** True for one of BINARY_OPS. */
export function isBinary(op: Opcode): op is BinaryOp {
  return binaryOps.has(op);
}

/** True for one of COMPARE_OPS. */
export function isCompare(op: Opcode): op is CompareOp {
  return op === 'eq' || op === 'ne' || op === 'lt' || op === 'le' || op === 'gt' || op === 'ge';
}

const NO_VALUES: readonly Value[] = [];

export type UnaryInstruction = Extract<Instruction, { op: UnaryOp }>;
export type BinaryInstruction = Extract<Instruction, { op: BinaryOp }>;

/** The values that an instruction reads, in the order in which the text form writes them. */
export function operandsOf(instruction: Instruction): readonly Value[] {
  const operands: Value[] = [];
  visitOperands(instruction, pushTo, operands);
  return operands;
}

function pushTo(value: Value, operands: Value[]): boolean {
  operands.push(value);
  return true;
}

/** Calls `visit` for each value that an instruction reads, in that order; true if all calls give true. */
export function visitOperands<C>(
  instruction: Instruction,
  visit: (value: Value, context: C) => boolean,
  context: C,
): boolean {
  switch (instruction.op) {
    case 'const':
      return true;
    case 'load':
      return visit(instruction.address, context);
    case 'store':
      return eachOfTwo(instruction.address, instruction.value, visit, context);
    case 'elem':
    case 'item':
      return eachOfTwo(instruction.base, instruction.index, visit, context);
    default:
      return visitOthers(instruction, visit, context);
  }
}

/** `visitOperands` for what not every function has: V8 compiles a function when it is first called. */
function visitOthers<C>(
  instruction: Exclude<Instruction, { op: 'const' | 'load' | 'store' | 'elem' | 'item' }>,
  visit: (value: Value, context: C) => boolean,
  context: C,
): boolean {
  switch (instruction.op) {
    case 'sizeof':
    case 'alignof':
    case 'offsetof':
    case 'tagof':
    case 'slot':
    case 'fnaddr':
      return true;
    case 'field':
      return visit(instruction.base, context);
    case 'select': {
      const first = visit(instruction.condition, context);
      return eachOfTwo(instruction.left, instruction.right, visit, context) && first;
    }
    case 'fma': {
      const first = visit(instruction.a, context);
      return eachOfTwo(instruction.b, instruction.c, visit, context) && first;
    }
    case 'copy': {
      const first = visit(instruction.to, context);
      return eachOfTwo(instruction.from, instruction.count, visit, context) && first;
    }
    case 'fill': {
      const first = visit(instruction.to, context);
      return eachOfTwo(instruction.value, instruction.count, visit, context) && first;
    }
    case 'bounds':
      return eachOfTwo(instruction.index, instruction.length, visit, context);
    case 'call':
    case 'extern':
      return each(instruction.args, visit, context);
    case 'invoke': {
      const first = visit(instruction.target, context);
      return each(instruction.args, visit, context) && first;
    }
    default:
      return 'arg' in instruction
        ? visit(instruction.arg, context)
        : eachOfTwo(instruction.left, instruction.right, visit, context);
  }
}

function eachOfTwo<C>(a: Value, b: Value, visit: (value: Value, context: C) => boolean, context: C): boolean {
  const first = visit(a, context);
  return visit(b, context) && first;
}

function each<C>(values: readonly Value[], visit: (value: Value, context: C) => boolean, context: C): boolean {
  let all = true;
  for (const value of values) all = visit(value, context) && all;
  return all;
}

/** The value that an instruction defines. */
export function resultOf(instruction: Instruction): Value | undefined {
  switch (instruction.op) {
    case 'store':
    case 'copy':
    case 'fill':
    case 'bounds':
      return undefined;
    default:
      return instruction.result;
  }
}

const NO_EDGES: readonly Edge[] = [];

/** The edges that a terminator may take, in the order in which the text form writes them. */
export function edgesOf(terminator: Terminator): readonly Edge[] {
  if (terminator.op === 'jump') return [terminator.target];
  if (terminator.op === 'branch' || terminator.op === 'if') return [terminator.then, terminator.else];
  return NO_EDGES;
}

/** The values that a terminator reads, in the order in which the text form writes them. */
export function terminatorOperands(terminator: Terminator): readonly Value[] {
  switch (terminator.op) {
    case 'jump':
      return terminator.target.args;
    case 'branch':
      return [terminator.condition, ...terminator.then.args, ...terminator.else.args];
    case 'if':
      return [...terminator.then.args, ...terminator.else.args];
    case 'return':
      return terminator.value === undefined ? NO_VALUES : [terminator.value];
    default:
      return NO_VALUES;
  }
}

/**
 * The type of the result where it follows from the operands' types (`first`, `second`); undefined where it must be said
 * (`const`, the conversions, `call`, `fnaddr`, `extern`), where a type or declaration says it (`slot`, `field`), where there
 * is none, and where the operand is not what the operation wants.
 */
export function inferResult(op: Opcode, first: Type | undefined, second: Type | undefined): Type | undefined {
  switch (op) {
    case 'sizeof':
    case 'alignof':
    case 'offsetof':
      return scalar('i64');
    case 'tagof':
      return scalar('u32');
    case 'select':
      return second;
    case 'load':
      return first?.kind === 'ptr' ? first.to : undefined;
    case 'item':
      return first?.kind === 'ptr' && first.to.kind === 'array' ? ptr(first.to.of) : undefined;
    case 'invoke':
      return first?.kind === 'fn' ? first.result : undefined;
    case 'elem':
    case 'fma':
      return first;
    default:
      if (isCompare(op)) return scalar('bool');
      return isUnary(op) || isBinary(op) ? first : undefined;
  }
}

/** The signature that a call, `invoke`, `extern` or `fnaddr` relies on, as a function type. */
export function calledType(args: readonly Value[], result: Value | undefined, types: readonly Type[]) {
  return fnType(
    args.map((arg) => types[arg]!),
    result === undefined ? undefined : types[result]!,
  );
}
