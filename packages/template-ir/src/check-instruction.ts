// The typing rule of every instruction, in one place: the builder (and through it the text parser) and the verifier check
// with the same rules. docs/spec/template-ir.md, section 4.
import { type KnownParam, satisfies } from './bounds.js';
import { checkConversion, reportBound } from './check-conversion.js';
import { checkAddress } from './check-memory.js';
import { literalProblem, literalToString } from './constants.js';
import type { BinaryOp, CompareOp, Instruction, TypeEnvironment, UnaryOp, Value } from './ir.js';
import { type BinaryInstruction, calledType, isCompare, isUnary, type UnaryInstruction } from './operations.js';
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
const FLOATS = { bound: 'Float', orBool: false } as const;
const INTS = { bound: 'Int', orBool: false } as const;

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

/** The rule of an operation on one or two operands of one type. */
export interface Rule {
  readonly bound: Bound;
  readonly orBool: boolean;
  readonly isUnary: boolean;
  /** The type of the result; undefined if it is that of the operands. */
  readonly result: Type | undefined;
}

export const RULES: ReadonlyMap<string, Rule> = new Map(
  (Object.keys(NEEDS) as (keyof typeof NEEDS)[]).map((op) => {
    const { bound, orBool = false } = NEEDS[op];
    return [op, { bound, orBool, isUnary: isUnary(op), result: isCompare(op) ? BOOL : undefined }];
  }),
);

/** Reports OPERAND_TYPE unless the value has the type. */
export function expectOperand(context: TypingContext, value: Value, expected: Type): void {
  const found = context.types[value]!;
  if (found !== expected) context.report('OPERAND_TYPE', typeToString(expected), typeToString(found));
}

/** Reports RESULT_TYPE unless the value has the type. */
export function expectResult(context: TypingContext, result: Value, expected: Type): void {
  const found = context.types[result]!;
  if (found !== expected) context.report('RESULT_TYPE', typeToString(expected), typeToString(found));
}

/**
 * Checks the types of one instruction; every value in it is known to exist, every type to be well-formed. Calls are
 * checked against their callee by the verifier.
 */
export function checkInstruction(instruction: Instruction, context: TypingContext): void {
  const rule = RULES.get(instruction.op);
  if (rule === undefined) checkOther(instruction as OtherInstruction, context);
  else checkSimple(instruction as SimpleInstruction, rule, context);
}

export type SimpleInstruction = UnaryInstruction | BinaryInstruction;
export type OtherInstruction = Exclude<Instruction, { op: keyof typeof NEEDS }>;

/** `checkInstruction` for what has a rule. */
export function checkSimple(instruction: SimpleInstruction, rule: Rule, context: TypingContext): void {
  const { op, result } = instruction;
  const first = rule.isUnary ? (instruction as UnaryInstruction).arg : (instruction as BinaryInstruction).left;
  const type = context.types[first]!;
  checkBound(op, rule, type, context);
  if (!rule.isUnary) expectOperand(context, (instruction as BinaryInstruction).right, type);
  expectResult(context, result, rule.result ?? type);
}

/** `checkInstruction` for what has none. */
export function checkOther(instruction: OtherInstruction, context: TypingContext): void {
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
      checkBound('fma', FLOATS, type, context);
      expectOperand(context, instruction.b, type);
      expectOperand(context, instruction.c, type);
      expectResult(context, instruction.result, type);
      return;
    }
    case 'bounds': {
      const type = types[instruction.index]!;
      checkBound('bounds', INTS, type, context);
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
    default:
      report('OPCODE', 'an operation of the IR', JSON.stringify((instruction as Instruction).op));
  }
}

function checkBound(op: string, need: Pick<Rule, 'bound' | 'orBool'>, type: Type, context: TypingContext): void {
  if (satisfies(type, need.bound, context.typeParams) || (need.orBool && isBool(type))) return;
  reportBound(type, `${need.bound}${need.orBool ? ' or bool' : ''} for ${op}`, context);
}
