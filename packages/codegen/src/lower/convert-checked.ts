// Conversions that trap where the type has no such value: what is in range is checked first, then converted.
import type { Value } from '@simple-jit/template-ir';
import { CC_A, CC_AE, CC_B, CC_BE, CC_NE, CC_S, GENERAL, NO_REG, VECTOR } from '../x64/registers.js';
import { x64 } from '../x64/table.js';
import type { LoweringContext } from './context.js';
import { doubleToU64, lowerConvert } from './convert.js';
import { extend } from './integers.js';
import { floatBits, type MachineType } from './types.js';

export function lowerCheckedConvert(context: LoweringContext, result: Value, arg: Value): void {
  const from = context.typeOf(arg);
  const to = context.typeOf(result);
  if (to.cls === VECTOR || from.bool) {
    lowerConvert(context, result, arg);
    return;
  }
  if (from.cls === VECTOR) floatToInteger(context, result, arg, from, to);
  else {
    checkInteger(context, arg, from, to);
    lowerConvert(context, result, arg);
  }
}

function checkInteger(context: LoweringContext, arg: Value, from: MachineType, to: MachineType): void {
  if (from.signed === to.signed ? to.bits >= from.bits : to.signed && to.bits > from.bits) return;
  const value = inFull(context, arg, from);
  if (to.bits === 64 || (from.signed && !to.signed && to.bits >= from.bits)) {
    // The one question is bit 63: a negative number for an unsigned type, or one that is too large for i64.
    context.emit(x64.test64, value, value);
    context.trapIf(CC_S, 'overflow');
    return;
  }
  if (to.signed && !from.signed) {
    context.emitImmediate(x64.cmp.i64, NO_REG, value, 2 ** (to.bits - 1) - 1);
    context.trapIf(CC_A, 'overflow');
    return;
  }
  const same = context.temporary(GENERAL);
  if (to.bits === 32) context.emit(to.signed ? x64.movsxd : x64.mov32, same, value);
  else if (to.signed) context.emit(to.bits === 8 ? x64.movsx8to64 : x64.movsx16to64, same, value);
  else extend(context, to, same, value);
  context.emit(x64.cmp.r64, same, value);
  context.trapIf(CC_NE, 'overflow');
}

/** The value, extended by its sign to 64 bits. */
function inFull(context: LoweringContext, arg: Value, from: MachineType): number {
  const value = context.use(arg);
  if (from.bits === 64) return value;
  const full = context.temporary(GENERAL);
  if (from.bits === 32) context.emit(from.signed ? x64.movsxd : x64.mov32, full, value);
  else if (from.signed) context.emit(from.bits === 8 ? x64.movsx8to64 : x64.movsx16to64, full, value);
  else extend(context, from, full, value);
  return full;
}

/** An unordered comparison sets carry and zero, so that NaN fails the first check. */
function floatToInteger(context: LoweringContext, result: Value, arg: Value, from: MachineType, to: MachineType): void {
  let value = context.use(arg);
  if (from.bits === 32) {
    const double = context.temporary(VECTOR);
    context.emit(x64.widen, double, value); // exact
    value = double;
  }
  const compareWith = (bound: number): void => {
    context.emitMemory(x64.ucomi.f64, value, context.pool(...floatBits(bound, 64)));
  };
  const width = to.signed ? to.bits - 1 : to.bits;
  if (to.signed && to.bits === 64) {
    compareWith(-(2 ** 63)); // there is no double between this and the next integer below
    context.trapIf(CC_B, 'overflow');
  } else {
    compareWith(to.signed ? -(2 ** width) - 1 : -1);
    context.trapIf(CC_BE, 'overflow');
  }
  compareWith(2 ** width);
  context.trapIf(CC_AE, 'overflow');
  if (to.bits === 64 && !to.signed) doubleToU64(context, result, value);
  else {
    const wide = to.bits === 64 || (to.bits === 32 && !to.signed);
    context.emit(wide ? x64.truncate64 : x64.truncate32, context.defineValue(result), value);
  }
}
