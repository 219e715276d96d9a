// The typing rule of every instruction, in one place: the builder (and through it the text parser) and the verifier check
// with the same rules. docs/spec/template-ir.md, section 4.
import { type KnownParam, satisfies } from './bounds.js';
import { checkConversion, reportBound } from './check-conversion.js';
import { checkAddress } from './check-memory.js';
import { literalProblem, literalToString } from './constants.js';
import type { BinaryOp, CompareOp, Instruction, TypeEnvironment, UnaryOp, Value } from './ir.js';
import { calledType, isCompare } from './operations.js';
import { type Bound, isBool, scalar, type Type, typeToString } from './types.js';
import type { Report } from './verify-code.js';

/** What the rules need to know of the function around the instruction. */
export interface TypingContext {
  /** Of the values. */
  readonly types: readonly Type[];
  readonly typeParams: readonly KnownParam[];
  readonly environment: TypeEnvironment;
  readonly report: Report;
  /** A field's type as it is here; other than declared where aggregates are lowered. */
  readonly fieldAs?: ((type: Type) => Type) | undefined;
}

const BOOL = scalar('bool');

/** What each operation needs of its operands' type. `bool` beside it where bool is allowed too. */
const NEEDS: Record<UnaryOp | BinaryOp | CompareOp, { readonly bound: Bound; readonly orBool?: true }> = {
  neg: { bound: 'Num' },
  not: { bound: 'Int', orBool: true },
  sqrt: { bound: 'Float' },
  abs: { bound: 'Num' },
  floor: { bound: 'Float' },
  ceil: { bound: 'Float' },
  trunc: { bound: 'Float' },
  round: { bound: 'Float' },
  popcount: { bound: 'Int' },
  clz: { bound: 'Int' },
  ctz: { bound: 'Int' },
  neg_checked: { bound: 'Int' },
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
  min: { bound: 'Num' },
  max: { bound: 'Num' },
  rotl: { bound: 'Int' },
  rotr: { bound: 'Int' },
  add_checked: { bound: 'Int' },
  sub_checked: { bound: 'Int' },
  mul_checked: { bound: 'Int' },
  div_checked: { bound: 'Int' },
  eq: { bound: 'Eq' },
  ne: { bound: 'Eq' },
  lt: { bound: 'Ord' },
  le: { bound: 'Ord' },
  gt: { bound: 'Ord' },
  ge: { bound: 'Ord' },
};

/** Reports OPERAND_TYPE unless the value has the type. */
export function expectOperand({ types, report }: TypingContext, value: Value, expected: Type): void {
  const found = types[value]!;
  if (found !== expected) report('OPERAND_TYPE', typeToString(expected), typeToString(found));
}

/** Reports RESULT_TYPE unless the value has the type. */
export function expectResult({ types, report }: TypingContext, result: Value, expected: Type): void {
  const found = types[result]!;
  if (found !== expected) report('RESULT_TYPE', typeToString(expected), typeToString(found));
}

/**
 * Checks the types of one instruction; every value in it is known to exist, every type to be well-formed. Calls are
 * checked against their callee by the verifier.
 */
export function checkInstruction(instruction: Instruction, context: TypingContext): void {
  const { types, typeParams, report } = context;
  switch (instruction.op) {
    case 'const': {
      const type = types[instruction.result]!;
      const problem = literalProblem(instruction.value, type, typeParams);
      if (problem !== undefined) report('LITERAL', problem, literalToString(instruction.value, type));
      return;
    }
    case 'select':
      expectOperand(context, instruction.condition, BOOL);
      expectOperand(context, instruction.right, types[instruction.left]!);
      expectResult(context, instruction.result, types[instruction.left]!);
      return;
    case 'convert':
    case 'convert_checked':
    case 'cast':
      checkConversion(instruction.op, types[instruction.arg]!, types[instruction.result]!, context);
      return;
    case 'fma': {
      const type = types[instruction.a]!;
      checkBound('fma', { bound: 'Float' }, type, context);
      expectOperand(context, instruction.b, type);
      expectOperand(context, instruction.c, type);
      expectResult(context, instruction.result, type);
      return;
    }
    case 'bounds': {
      const type = types[instruction.index]!;
      checkBound('bounds', { bound: 'Int' }, type, context);
      expectOperand(context, instruction.length, type);
      return;
    }
    case 'load':
    case 'store':
    case 'elem':
    case 'item':
    case 'field':
    case 'sizeof':
    case 'alignof':
    case 'offsetof':
    case 'tagof':
    case 'slot':
    case 'copy':
    case 'fill':
      checkAddress(instruction, context);
      return;
    case 'call':
      return;
    case 'fnaddr': {
      const type = types[instruction.result]!;
      if (type.kind !== 'fn') report('RESULT_TYPE', 'a function type', typeToString(type));
      return;
    }
    case 'invoke': {
      const target = types[instruction.target]!;
      const wanted = calledType(instruction.args, instruction.result, types);
      if (target !== wanted) report('OPERAND_TYPE', typeToString(wanted), typeToString(target));
      return;
    }
    case 'extern': {
      const { args, result, symbol } = instruction;
      for (const value of result === undefined ? args : [...args, result]) {
        if (satisfies(types[value]!, 'Eq', typeParams)) continue;
        reportBound(types[value]!, `Eq (all but aggregates) for extern ${symbol}`, context);
      }
      return;
    }
    default: {
      const need = NEEDS[instruction.op];
      if (need === undefined) {
        report('OPCODE', 'an operation of the IR', JSON.stringify((instruction as Instruction).op));
        return;
      }
      const type = types['arg' in instruction ? instruction.arg : instruction.left]!;
      checkBound(instruction.op, need, type, context);
      if ('right' in instruction) expectOperand(context, instruction.right, type);
      expectResult(context, instruction.result, isCompare(instruction.op) ? BOOL : type);
    }
  }
}

function checkBound(op: string, need: { bound: Bound; orBool?: true }, type: Type, context: TypingContext): void {
  if (satisfies(type, need.bound, context.typeParams) || (need.orBool && isBool(type))) return;
  reportBound(type, `${need.bound}${need.orBool ? ' or bool' : ''} for ${op}`, context);
}
