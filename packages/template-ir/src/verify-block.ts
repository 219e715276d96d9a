// The verifier's rules for one block: what its instructions, edges and return may use, and with which types.
import { isBound } from './bounds.js';
import { checkCallee } from './check-callee.js';
import {
  checkOther,
  checkSimple,
  type OtherInstruction,
  RULES,
  type Rule,
  type SimpleInstruction,
} from './check-instruction.js';
import type { Block, Edge, Instruction, Terminator, Value } from './ir.js';
import { MAX_TYPE_PARAMS } from './limits.js';
import { isName } from './names.js';
import { type BinaryInstruction, resultOf, type UnaryInstruction, visitOperands } from './operations.js';
import { BOUNDS, isPlain, scalar, type Type, typeToString } from './types.js';
import { blockName, checkBounds, checkType, isValue, type Verification, valueName } from './verification.js';
import type { VerifyCode } from './verify-code.js';

const BOOL = scalar('bool');

/** Instructions that name types, callees or symbols. */
const SPECIAL: ReadonlySet<string> = new Set([
  ...['sizeof', 'alignof', 'offsetof', 'tagof', 'slot'],
  ...['call', 'fnaddr', 'invoke', 'extern'],
]);

export function checkBlock(b: number, { params, instructions, terminator }: Block, state: Verification): void {
  state.block = b;
  state.instruction = -1;
  if (state.flow?.isReachable(b) === false) {
    state.report('UNREACHABLE_BLOCK', 'a path from the entry to every block', `none to ${blockName(state, b)}`);
  }
  for (let p = 0; p < params.length; p++) {
    const type = state.types[params[p]!];
    if (type !== undefined && !isPlain(type)) checkBounds(type, state);
  }
  for (let i = 0; i < instructions.length; i++) {
    state.instruction = i;
    const instruction = instructions[i]!;
    const rule = RULES.get(instruction.op);
    if (rule === undefined) checkOtherInstruction(instruction as OtherInstruction, state);
    else checkSimpleInstruction(instruction as SimpleInstruction, rule, state);
  }
  state.instruction = instructions.length;
  switch (terminator.op) {
    case 'jump':
      checkEdge(terminator.target, state);
      break;
    case 'branch':
      if (checkUse(terminator.condition, state) && state.types[terminator.condition] !== BOOL) {
        reportType('OPERAND_TYPE', terminator.condition, BOOL, state);
      }
      checkEdge(terminator.then, state);
      checkEdge(terminator.else, state);
      break;
    case 'if':
      checkQuestion(terminator, state);
      checkEdge(terminator.then, state);
      checkEdge(terminator.else, state);
      break;
    case 'return':
      checkReturn(terminator.value, state);
      break;
    case 'unreachable':
      break;
    default:
      state.report('OPCODE', 'a terminator', JSON.stringify((terminator as { op: unknown }).op));
  }
  state.block = state.instruction = -1;
}

function checkQuestion({ type, is }: Extract<Terminator, { op: 'if' }>, state: Verification): void {
  checkType(type, state);
  if (!isBound(is)) checkType(is, state);
  else if (!BOUNDS.includes(is)) state.report('TYPE', 'a bound', JSON.stringify(is));
}

/** True if the value exists and has a definition that comes first on every path; reports otherwise. */
function checkUse(value: Value, state: Verification): boolean {
  const { definitions } = state;
  if (!isValue(value, state)) {
    state.report('VALUE', 'a value of the function', `number ${value}`);
    return false;
  }
  const block = definitions.block[value]!;
  if (block === -1) return false; // reported once, for the whole function
  // In blocks that no path reaches, and where edges are broken, that is the error to report and not this.
  const comesFirst =
    block === state.block
      ? definitions.instruction[value]! < state.instruction
      : block === 0 || state.flow === undefined || state.flow.dominates(block, state.block);
  if (!comesFirst) {
    const found = `${valueName(state, value)}, defined in block ${blockName(state, block)}`;
    state.report('NOT_DOMINATED', 'a value that is defined on every path to here', found);
  }
  return true;
}

function reportType(code: VerifyCode, value: Value, expected: Type, state: Verification): void {
  state.report(code, typeToString(expected), `${valueName(state, value)}: ${typeToString(state.types[value]!)}`);
}

function checkSimpleInstruction(instruction: SimpleInstruction, rule: Rule, state: Verification): void {
  const { left, right } = instruction as BinaryInstruction;
  let usable = checkUse(rule.isUnary ? (instruction as UnaryInstruction).arg : left, state);
  if (!rule.isUnary) usable = checkUse(right, state) && usable;
  const { result } = instruction;
  const type = state.types[result];
  if (!usable || (type === undefined && result !== undefined)) return; // reported as a definition
  if (type !== undefined && !isPlain(type)) checkBounds(type, state);
  checkSimple(instruction, rule, state);
}

function checkOtherInstruction(instruction: OtherInstruction, state: Verification): void {
  let usable = visitOperands(instruction, checkUse, state);
  const result = resultOf(instruction);
  const type = result === undefined ? undefined : state.types[result];
  if (result !== undefined && type === undefined) usable = false; // reported as a definition
  const special = SPECIAL.has(instruction.op);
  if (special && !checkNamedTypes(instruction, state)) return;
  if (!usable) return;
  if (type !== undefined && !isPlain(type)) checkBounds(type, state);
  if (special && !checkNames(instruction, state)) return;
  checkOther(instruction, state);
}

/** Checks the types that an instruction names, beside those of its operands and result. */
function checkNamedTypes(instruction: Instruction, state: Verification): boolean {
  if (!('type' in instruction)) return true;
  if (!checkType(instruction.type, state)) return false;
  checkBounds(instruction.type, state);
  return true;
}

/** Checks callee, symbol and number of arguments; false if there are too many to look at. */
function checkNames(instruction: Instruction, state: Verification): boolean {
  if ('callee' in instruction) checkCall(instruction, state);
  if ('symbol' in instruction && !isName(instruction.symbol)) {
    state.report('NAME', 'an identifier as the C symbol', JSON.stringify(instruction.symbol.slice(0, 80)));
  }
  if (!('args' in instruction) || instruction.args.length <= state.maxParams) return true;
  state.report('LIMIT', `at most ${state.maxParams} arguments`, `${instruction.args.length}`);
  return false;
}

function checkCall(instruction: Extract<Instruction, { op: 'call' | 'fnaddr' }>, state: Verification): void {
  const { template, typeArgs } = instruction.callee;
  if (!isName(template)) state.report('NAME', 'an identifier as the callee', JSON.stringify(template.slice(0, 80)));
  if (typeArgs.length > MAX_TYPE_PARAMS) {
    state.report('LIMIT', `at most ${MAX_TYPE_PARAMS} type arguments`, `${typeArgs.length}`);
    return;
  }
  let good = true;
  for (const type of typeArgs) good = checkType(type, state) && good;
  const callee = good ? state.lookup(template) : undefined;
  if (good) for (const type of typeArgs) checkBounds(type, state);
  if (callee !== undefined) checkCallee(instruction, callee, state);
}

function checkEdge({ block, args }: Edge, state: Verification): void {
  const { types, fn } = state;
  const target = fn.blocks[block];
  if (target === undefined) return; // reported as an edge
  const { params } = target;
  if (args.length !== params.length) {
    const found = `${args.length} for ${blockName(state, block)}`;
    state.report('EDGE_ARITY', `${params.length} arguments`, found);
  }
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const expected = i < params.length ? types[params[i]!] : undefined;
    if (!checkUse(arg, state) || expected === undefined || expected === types[arg]) continue;
    reportType('EDGE_TYPE', arg, expected, state);
  }
}

function checkReturn(value: Value | undefined, state: Verification): void {
  const { result } = state.fn;
  if (value !== undefined && !checkUse(value, state)) return;
  if (result !== (value === undefined ? undefined : state.types[value])) reportReturn(value, state);
}

function reportReturn(value: Value | undefined, state: Verification): void {
  const { result } = state.fn;
  if (value !== undefined && result !== undefined) reportType('RETURN_TYPE', value, result, state);
  else if (value !== undefined) state.report('RETURN_TYPE', 'no value', valueName(state, value));
  else if (result !== undefined) state.report('RETURN_TYPE', `a value of ${typeToString(result)}`, 'none');
}
