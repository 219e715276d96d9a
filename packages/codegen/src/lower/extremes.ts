// The lesser, the greater, and the absolute value of numbers.
import type { Value } from '@simple-jit/template-ir';
import { CC_S, NO_REG, VECTOR } from '../x64/registers.js';
import { x64 } from '../x64/table.js';
import { lowerIntegerFlags } from './compare.js';
import type { LoweringContext } from './context.js';
import { extend } from './integers.js';

export function lowerIntegerExtreme(
  context: LoweringContext,
  op: 'min' | 'max',
  result: Value,
  left: Value,
  right: Value,
): void {
  const register = context.defineValue(result);
  const first = context.use(left);
  const condition = lowerIntegerFlags(context, op === 'min' ? 'lt' : 'gt', left, right);
  context.copyValue(register, right);
  context.emit((context.typeOf(left).bits === 64 ? x64.cmov64 : x64.cmov32)[condition]!, register, first);
}

export function lowerIntegerAbs(context: LoweringContext, result: Value, arg: Value): void {
  const type = context.typeOf(arg);
  const register = context.defineValue(result);
  if (!type.signed) {
    context.copyValue(register, arg);
    return;
  }
  let value = context.use(arg);
  if (type.bits < 32) {
    const extended = context.temporary(type.cls);
    extend(context, type, extended, value);
    value = extended;
  }
  const wide = type.bits === 64;
  context.copy(register, value);
  context.emit(wide ? x64.neg.r64 : x64.neg.r32, NO_REG, register);
  // Negative now: it was positive before, or is the least of all, whose negative is itself.
  context.emit((wide ? x64.cmov64 : x64.cmov32)[CC_S]!, register, value);
}

/**
 * minsd gives its second operand for two zeros and for NaN; so both orders are computed. Where they differ, the bits of one are zeros of
 * both signs, or a NaN and something else.
 */
export function lowerFloatExtreme(
  context: LoweringContext,
  op: 'min' | 'max',
  result: Value,
  left: Value,
  right: Value,
): void {
  const width = context.typeOf(left).bits === 64 ? 'f64' : 'f32';
  const row = (op === 'min' ? x64.fmin : x64.fmax)[width];
  const register = context.defineValue(result);
  context.copyValue(register, left);
  context.emitFloatOperand(row, register, right);
  const other = context.temporary(VECTOR);
  context.copyValue(other, right);
  context.emitFloatOperand(row, other, left);
  if (op === 'min') {
    // Either sign makes -0; NaN stays NaN whatever bits are added.
    context.emit(x64.orps, register, other);
    return;
  }
  // `other` becomes the difference: 0, a sign, or what makes a NaN of `register`. With the sign, -0 - -0 is 0.
  context.emit(x64.xorps, other, register);
  context.emit(x64.orps, register, other);
  context.emit(x64.fsub[width], register, other);
}
