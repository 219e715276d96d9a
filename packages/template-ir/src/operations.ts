// The typing rule of every instruction, in one place: the builder (and through it the text parser) infers result types
// here, the verifier checks with the same rules.
import { satisfies } from './bounds.js';
import { literalProblem, literalToString } from './constants.js';
import type { BinaryOp, CompareOp, Edge, Instruction, Opcode, Terminator, TypeParam, UnaryOp, Value } from './ir.js';
import { type Bound, isBool, scalar, type Type, typeToString } from './types.js';

export const UNARY_OPS: readonly UnaryOp[] = ['neg', 'not', 'sqrt'];
export const BINARY_OPS: readonly BinaryOp[] = ['add', 'sub', 'mul', 'div', 'rem', 'and', 'or', 'xor', 'shl', 'shr'];
export const COMPARE_OPS: readonly CompareOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];

/**
 * The rules that a function can break:
 * - `NAME`: a name that is no identifier, or too long; `DUPLICATE`: two templates or type parameters of one name
 * - `LIMIT`: one of the limits in `limits.ts`; `TYPE`: a type that is malformed or names a parameter that is not there
 * - `NO_BLOCKS`, `SHAPE` (as many value names as values), `OPCODE`: the function is malformed
 * - `VALUE`: a value that does not exist or that nothing defines; `REDEFINED`: one that is defined twice
 * - `BLOCK`: an edge to a block that does not exist; `EDGE_TO_ENTRY`; `UNREACHABLE_BLOCK`
 * - `EDGE_ARITY`, `EDGE_TYPE`: an edge's arguments are not what the block's parameters want
 * - `NOT_DOMINATED`: a use that some path reaches without passing the definition
 * - `OPERAND_TYPE`, `RESULT_TYPE`: the instruction's types; `BOUND`: an operation that the type parameter's bound does not promise
 * - `LITERAL`: a literal that its type cannot hold; `RETURN_TYPE`
 * - `CALL_TYPE_ARGS`: their number; `CALL_BOUND`: what the callee asks of them; `CALL_SIGNATURE`: arguments or result
 */
export type VerifyCode =
  | 'NAME'
  | 'DUPLICATE'
  | 'LIMIT'
  | 'TYPE'
  | 'NO_BLOCKS'
  | 'SHAPE'
  | 'OPCODE'
  | 'VALUE'
  | 'REDEFINED'
  | 'BLOCK'
  | 'EDGE_TO_ENTRY'
  | 'UNREACHABLE_BLOCK'
  | 'EDGE_ARITY'
  | 'EDGE_TYPE'
  | 'NOT_DOMINATED'
  | 'OPERAND_TYPE'
  | 'RESULT_TYPE'
  | 'BOUND'
  | 'LITERAL'
  | 'RETURN_TYPE'
  | 'CALL_TYPE_ARGS'
  | 'CALL_BOUND'
  | 'CALL_SIGNATURE';

export type Report = (code: VerifyCode, expected: string, found: string) => void;

const BOOL = scalar('bool');
const I64 = scalar('i64');

/** What each operation needs of its operands' type. `bool` beside it where bool is allowed too. */
const NEEDS: Record<UnaryOp | BinaryOp | CompareOp, { readonly bound: Bound; readonly orBool?: true }> = {
  neg: { bound: 'Num' },
  not: { bound: 'Int', orBool: true },
  sqrt: { bound: 'Float' },
  add: { bound: 'Num' },
  sub: { bound: 'Num' },
  mul: { bound: 'Num' },
  div: { bound: 'Num' },
  rem: { bound: 'Int' },
  and: { bound: 'Int', orBool: true },
  or: { bound: 'Int', orBool: true },
  xor: { bound: 'Int', orBool: true },
  shl: { bound: 'Int' },
  shr: { bound: 'Int' },
  eq: { bound: 'Eq' },
  ne: { bound: 'Eq' },
  lt: { bound: 'Ord' },
  le: { bound: 'Ord' },
  gt: { bound: 'Ord' },
  ge: { bound: 'Ord' },
};

export function isUnary(op: Opcode): op is UnaryOp {
  return op === 'neg' || op === 'not' || op === 'sqrt';
}

export function isCompare(op: Opcode): op is CompareOp {
  return op === 'eq' || op === 'ne' || op === 'lt' || op === 'le' || op === 'gt' || op === 'ge';
}

/** The values that an instruction reads, in the order in which the text form writes them. */
export function operandsOf(instruction: Instruction): readonly Value[] {
  switch (instruction.op) {
    case 'const':
    case 'sizeof':
      return [];
    case 'neg':
    case 'not':
    case 'sqrt':
    case 'convert':
      return [instruction.arg];
    case 'select':
      return [instruction.condition, instruction.left, instruction.right];
    case 'load':
      return [instruction.address];
    case 'store':
      return [instruction.address, instruction.value];
    case 'elem':
      return [instruction.base, instruction.index];
    case 'call':
      return instruction.args;
    default:
      return [instruction.left, instruction.right];
  }
}

/** The value that an instruction defines. */
export function resultOf(instruction: Instruction): Value | undefined {
  return instruction.op === 'store' ? undefined : instruction.result;
}

const NO_EDGES: readonly Edge[] = [];

/** The edges that a terminator may take, in the order in which the text form writes them. */
export function edgesOf(terminator: Terminator): readonly Edge[] {
  if (terminator.op === 'jump') return [terminator.target];
  if (terminator.op === 'branch') return [terminator.then, terminator.else];
  return NO_EDGES;
}

/**
 * The type of the result where it follows from the operands' types; undefined where it must be said: `const`, `convert`,
 * `call`, and where the operand is not what the operation wants.
 */
export function inferResult(op: Opcode, first: Type | undefined, second: Type | undefined): Type | undefined {
  switch (op) {
    case 'const':
    case 'convert':
    case 'call':
    case 'store':
      return undefined;
    case 'sizeof':
      return I64;
    case 'select':
      return second;
    case 'load':
      return first?.kind === 'ptr' ? first.to : undefined;
    default:
      return isCompare(op) ? BOOL : first;
  }
}

/** Checks the types of one instruction other than a call; every value in it is known to exist. */
export function checkInstruction(
  instruction: Instruction,
  types: readonly Type[],
  typeParams: readonly TypeParam[],
  report: Report,
): void {
  const expectOperand = (value: Value, expected: Type): void => {
    const found = types[value]!;
    if (found !== expected) report('OPERAND_TYPE', typeToString(expected), typeToString(found));
  };
  const expectResult = (result: Value, expected: Type): void => {
    const found = types[result]!;
    if (found !== expected) report('RESULT_TYPE', typeToString(expected), typeToString(found));
  };
  switch (instruction.op) {
    case 'const': {
      const type = types[instruction.result]!;
      const problem = literalProblem(instruction.value, type, typeParams);
      if (problem !== undefined) report('LITERAL', problem, literalToString(instruction.value, type));
      return;
    }
    case 'select':
      expectOperand(instruction.condition, BOOL);
      expectOperand(instruction.right, types[instruction.left]!);
      expectResult(instruction.result, types[instruction.left]!);
      return;
    case 'convert':
      checkConvert(types[instruction.arg]!, types[instruction.result]!, typeParams, report);
      return;
    case 'load':
    case 'store': {
      const address = types[instruction.address]!;
      if (address.kind !== 'ptr') {
        report('OPERAND_TYPE', 'a pointer', typeToString(address));
        return;
      }
      if (instruction.op === 'load') expectResult(instruction.result, address.to);
      else expectOperand(instruction.value, address.to);
      return;
    }
    case 'elem': {
      const base = types[instruction.base]!;
      if (base.kind !== 'ptr') report('OPERAND_TYPE', 'a pointer', typeToString(base));
      expectOperand(instruction.index, I64);
      expectResult(instruction.result, base);
      return;
    }
    case 'sizeof':
      expectResult(instruction.result, I64);
      return;
    case 'call':
      return;
    case 'neg':
    case 'not':
    case 'sqrt':
      checkOperandBound(instruction.op, types[instruction.arg]!, typeParams, report);
      expectResult(instruction.result, types[instruction.arg]!);
      return;
    default:
      if (NEEDS[instruction.op] === undefined) {
        report('OPCODE', 'an operation of the IR', JSON.stringify((instruction as Instruction).op));
        return;
      }
      checkOperandBound(instruction.op, types[instruction.left]!, typeParams, report);
      expectOperand(instruction.right, types[instruction.left]!);
      expectResult(instruction.result, isCompare(instruction.op) ? BOOL : types[instruction.left]!);
  }
}

function checkOperandBound(op: keyof typeof NEEDS, type: Type, typeParams: readonly TypeParam[], report: Report): void {
  const need = NEEDS[op];
  if (satisfies(type, need.bound, typeParams) || (need.orBool && isBool(type))) return;
  const expected = `${need.bound}${need.orBool ? ' or bool' : ''} for ${op}`;
  reportBound(type, expected, typeParams, report);
}

function reportBound(type: Type, expected: string, typeParams: readonly TypeParam[], report: Report): void {
  if (type.kind !== 'param') {
    report('OPERAND_TYPE', `a type with bound ${expected}`, typeToString(type));
    return;
  }
  report('BOUND', `bound ${expected}`, `${type.name}: ${typeParams[type.index]?.bound}`);
}

/** Numbers to numbers, and bool to integers. */
function checkConvert(from: Type, to: Type, typeParams: readonly TypeParam[], report: Report): void {
  if (isBool(from)) {
    if (!satisfies(to, 'Int', typeParams)) report('RESULT_TYPE', 'an integer, for convert of bool', typeToString(to));
    return;
  }
  if (!satisfies(from, 'Num', typeParams)) reportBound(from, 'Num for convert', typeParams, report);
  if (!satisfies(to, 'Num', typeParams)) reportBound(to, 'Num for the result of convert', typeParams, report);
}
