// Arithmetic that traps where the exact result does not fit, and bounds checks.
import type { BinaryOp, CompareOp, Instruction, Value } from '@simple-jit/template-ir';
import { CC_A, CC_AE, CC_B, CC_GE, CC_NE, CC_O, CC_S, GENERAL, NO_REG, RAX } from '../x64/registers.js';
import type { Row } from '../x64/row.js';
import { x64 } from '../x64/table.js';
import { lowerIntegerFlags } from './compare.js';
import type { LoweringContext } from './context.js';
import { divideInRegisters, extend, lowerDivide } from './integers.js';
import type { MachineType } from './types.js';

export type CheckedOp = BinaryOp & `${string}_checked`;

const ADD: Record<number, Row> = { 8: x64.add8, 16: x64.add16, 32: x64.add.r32, 64: x64.add.r64 };
const SUB: Record<number, Row> = { 8: x64.sub8, 16: x64.sub16, 32: x64.sub.r32, 64: x64.sub.r64 };
const NEG: Record<number, Row> = { 8: x64.neg8, 16: x64.neg16, 32: x64.neg.r32, 64: x64.neg.r64 };

export function lowerCheckedBinary(
  context: LoweringContext,
  op: CheckedOp,
  result: Value,
  left: Value,
  right: Value,
): void {
  const type = context.typeOf(left);
  if (op === 'mul_checked') lowerCheckedMultiply(context, type, result, left, right);
  else if (op === 'div_checked') lowerCheckedDivide(context, type, result, left, right);
  else {
    // In its own width the processor says both: signed overflow, and the carry that is an unsigned one.
    const add = op === 'add_checked';
    const swap = add && context.constantOf(right) === undefined && context.constantOf(left) !== undefined;
    const [first, second] = swap ? [right, left] : [left, right];
    const immediate = type.bits >= 32 ? context.immediateOf(second) : undefined;
    const other = immediate === undefined ? context.use(second) : NO_REG;
    const register = context.defineValue(result);
    context.copyValue(register, first);
    if (immediate === undefined) context.emit((add ? ADD : SUB)[type.bits]!, register, other);
    else {
      const rows = add ? x64.add : x64.sub;
      const short = immediate >= -128 && immediate <= 127;
      const row = type.bits === 64 ? (short ? rows.i64short : rows.i64) : short ? rows.i32short : rows.i32;
      context.emitImmediate(row, NO_REG, register, immediate);
    }
    context.trapIf(type.signed ? CC_O : CC_B, 'overflow');
  }
}

/** Of unsigned numbers only 0 can be negated: for all others the carry is set. */
export function lowerCheckedNegate(context: LoweringContext, result: Value, arg: Value): void {
  const type = context.typeOf(arg);
  const register = context.defineValue(result);
  context.copyValue(register, arg);
  context.emit(NEG[type.bits]!, NO_REG, register);
  context.trapIf(type.signed ? CC_O : CC_B, 'overflow');
}

function lowerCheckedMultiply(
  context: LoweringContext,
  type: MachineType,
  result: Value,
  left: Value,
  right: Value,
): void {
  const register = context.defineValue(result);
  if (type.bits === 64 && !type.signed) {
    const factor = context.use(right);
    context.copyValue(RAX, left);
    context.emit(x64.mul64, NO_REG, factor);
    context.trapIf(CC_O, 'overflow');
    context.copy(register, RAX);
    return;
  }
  if (type.bits >= 32 && type.signed) {
    const factor = context.use(right);
    context.copyValue(register, left);
    context.emit(type.bits === 64 ? x64.imul64 : x64.imul32, register, factor);
    context.trapIf(CC_O, 'overflow');
    return;
  }
  // The product has room in twice the width.
  const wide = type.bits === 32 ? x64.imul64 : x64.imul32;
  const product = context.temporary(GENERAL);
  widen(context, type, product, left);
  const factor = context.temporary(GENERAL);
  widen(context, type, factor, right);
  context.emit(wide, product, factor);
  if (type.signed) {
    extend(context, type, register, product);
    context.emit(x64.cmp.r32, register, product);
    context.trapIf(CC_NE, 'overflow');
    return;
  }
  if (type.bits === 32) {
    context.copy(register, product);
    context.emitImmediate(x64.shr.i64, NO_REG, product, 32);
    context.trapIf(CC_NE, 'overflow');
    return;
  }
  context.emitImmediate(x64.cmp.i32, NO_REG, product, 2 ** type.bits - 1);
  context.trapIf(CC_A, 'overflow');
  context.copy(register, product);
}

/** to = value, extended by its sign to 32 bits, or from 32 to 64. */
function widen(context: LoweringContext, type: MachineType, to: number, value: Value): void {
  if (type.bits === 32) context.emit(type.signed ? x64.movsxd : x64.mov32, to, context.use(value));
  else extend(context, type, to, context.use(value));
}

function lowerCheckedDivide(
  context: LoweringContext,
  type: MachineType,
  result: Value,
  left: Value,
  right: Value,
): void {
  if (!type.signed) {
    lowerDivide(context, 'div', result, left, right);
    return;
  }
  divideInRegisters(context, type, left, right, true);
  const register = context.defineValue(result);
  if (type.bits >= 32) {
    context.copy(register, RAX);
    return;
  }
  // Divided in 32 bits, where nothing overflows: the quotient may be one too large for the type.
  const quotient = context.temporary(GENERAL);
  context.copy(quotient, RAX);
  extend(context, type, register, quotient);
  context.emit(x64.cmp.r32, register, quotient);
  context.trapIf(CC_NE, 'overflow');
}

/** Traps unless 0 <= index < length. */
export function lowerBounds(context: LoweringContext, index: Value, length: Value): void {
  const { bits, signed } = context.typeOf(index);
  const constant = context.constantOf(length);
  // No negative index is less than a length that is not negative, if both are taken for unsigned.
  if (!signed || (constant !== undefined && constant.high >= 0)) {
    lowerIntegerFlags(context, 'ge' satisfies CompareOp, index, length);
    context.trapIf(CC_AE, 'bounds');
    return;
  }
  const register = context.use(index);
  const test = bits === 64 ? x64.test64 : bits === 32 ? x64.test32 : bits === 16 ? x64.test16 : x64.test8;
  context.emit(test, register, register);
  context.trapIf(CC_S, 'bounds');
  lowerIntegerFlags(context, 'ge' satisfies CompareOp, index, length);
  context.trapIf(CC_GE, 'bounds');
}

/** The check of `item`; no length is greater than 2**31 - 1. */
export function lowerItemCheck(context: LoweringContext, item: Instruction & { readonly op: 'item' }): void {
  const pointer = context.source.valueTypes[item.base]!;
  if (pointer.kind !== 'ptr' || pointer.to.kind !== 'array') throw context.unsupported('an item of no array');
  const { length } = pointer.to;
  const constant = context.uses.constantIndex(item.index);
  if (constant !== undefined) {
    if (constant < 0 || constant >= length) context.trap('bounds');
    return;
  }
  context.emitImmediate(length < 128 ? x64.cmp.i64short : x64.cmp.i64, NO_REG, context.use(item.index), length);
  context.trapIf(CC_AE, 'bounds');
}
