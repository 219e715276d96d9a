// Calls: of functions of the unit, through import slots, through pointers, and of C functions; and the addresses of functions.
import { type Callee, type Instruction, mangle, type Signature, type Value } from '@simple-jit/template-ir';
import type { Callees } from '../callees.js';
import { type CallTarget, pseudos } from '../machine-ir.js';
import { GENERAL, NO_REG, RESULT_REGISTER, type RegClass, VECTOR, VECTOR_RESULT_REGISTER } from '../x64/registers.js';
import { assignArguments } from './arguments.js';
import type { LoweringContext } from './context.js';
import { extend } from './integers.js';

type CallInstruction = Instruction & { readonly op: 'call' | 'invoke' | 'extern' };

const NO_CALLEE: Callee = { template: '', typeArgs: [] };

export function lowerCall(context: LoweringContext, call: CallInstruction, callees: Callees): void {
  const { machine } = context;
  const argClasses = call.args.map((arg) => context.typeOf(arg).cls);
  const mayBeForeign = call.op !== 'call'; // nobody knows where a pointer comes from
  const args = call.args.map((arg) => (mayBeForeign ? useAsForeign(context, arg) : context.useAnywhere(arg)));
  if (call.op === 'invoke') args.push(context.useAnywhere(call.target));
  const { stackArguments } = assignArguments(argClasses);
  machine.outgoingBytes = Math.max(machine.outgoingBytes, stackArguments * 8);
  machine.hasCalls = true;
  context.emitCall(pseudos.call, NO_REG, targetOf(context, call, argClasses, callees), args);
  if (call.result === undefined || !context.uses.isUsed(call.result)) return;
  const from = context.typeOf(call.result).cls === VECTOR ? VECTOR_RESULT_REGISTER : RESULT_REGISTER;
  context.copy(context.defineValue(call.result), from);
}

function targetOf(
  context: LoweringContext,
  call: CallInstruction,
  argClasses: readonly RegClass[],
  callees: Callees,
): CallTarget {
  if (call.op === 'invoke') return { symbol: '', local: -1, imported: -1, foreign: false, argClasses };
  const { valueTypes } = context.source;
  const signature: Signature = {
    params: call.args.map((arg) => valueTypes[arg]!),
    result: call.result === undefined ? undefined : valueTypes[call.result]!,
  };
  if (call.op === 'extern') {
    const { local, imported } = callees.resolve(context.source, 'external', call.symbol, NO_CALLEE, signature);
    return { symbol: call.symbol, local, imported, foreign: true, argClasses };
  }
  const symbol = mangle(call.callee.template, call.callee.typeArgs);
  const { local, imported } = callees.resolve(context.source, 'call', symbol, call.callee, signature);
  return { symbol, local, imported, foreign: false, argClasses };
}

/**
 * Compilers for C rely on arguments narrower than 32 bits being extended to that (clang does; the psABI leaves it open), and
 * extend such results themselves.
 */
function useAsForeign(context: LoweringContext, arg: Value): number {
  const type = context.typeOf(arg);
  if (type.cls === VECTOR || type.bits >= 32) return context.useAnywhere(arg);
  const constant = context.constantOf(arg);
  if (constant !== undefined) {
    const low = type.signed ? constant.low : constant.low & ((1 << type.bits) - 1);
    return ~(context.machine.constants.push({ cls: GENERAL, low, high: low >> 31 }) - 1);
  }
  const extended = context.temporary(GENERAL);
  extend(context, type, extended, context.use(arg));
  return extended;
}

export function lowerFunctionAddress(
  context: LoweringContext,
  { result, callee }: Instruction & { readonly op: 'fnaddr' },
  callees: Callees,
): void {
  const type = context.source.valueTypes[result]!;
  if (type.kind !== 'fn') throw context.unsupported('an address of a function that is no function pointer');
  const symbol = mangle(callee.template, callee.typeArgs);
  const { params, result: returned } = type;
  const signature = { params, result: returned };
  const { local, imported } = callees.resolve(context.source, 'address', symbol, callee, signature);
  const target = { symbol, local, imported, foreign: false, argClasses: [] };
  context.emitCall(pseudos.functionAddress, context.defineValue(result), target, []);
}
