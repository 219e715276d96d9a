// Conversions between all numeric types. Integers wrap or extend; to a float they round to nearest even, once; from a float
// they truncate, saturate at the type's ends, and NaN gives 0.
import type { Value } from '@simple-jit/template-ir';
import { pseudos } from '../machine-ir.js';
import { CC_AE, CC_P, GENERAL, NO_REG, VECTOR } from '../x64/registers.js';
import { x64 } from '../x64/table.js';
import type { LoweringContext } from './context.js';
import { extend } from './integers.js';
import { floatBits, type MachineType } from './types.js';

export function lowerConvert(context: LoweringContext, result: Value, arg: Value): void {
  const from = context.typeOf(arg);
  const to = context.typeOf(result);
  if (to.bool && !from.bool) throw context.unsupported('a conversion to bool');
  if (from.cls === GENERAL && to.cls === GENERAL) {
    integerToInteger(context, result, arg, from, to);
    return;
  }
  if (from.cls === GENERAL) {
    integerToFloat(context, result, arg, from, to);
    return;
  }
  if (to.cls === VECTOR) {
    floatToFloat(context, result, arg, from, to);
    return;
  }
  const double = from.bits === 64 ? context.use(arg) : context.temporary(VECTOR);
  if (from.bits === 32) context.emitFloatOperand(x64.widen, double, arg); // exact, so one case remains
  if (to.bits < 64) {
    doubleToNarrow(context, result, double, to);
    return;
  }
  if (to.signed) {
    doubleToI64(context, result, double);
    return;
  }
  doubleToU64(context, result, double);
}

function integerToInteger(
  context: LoweringContext,
  result: Value,
  arg: Value,
  from: MachineType,
  to: MachineType,
): void {
  const register = context.defineValue(result);
  if (to.bits <= from.bits) {
    context.copyValue(register, arg);
    return;
  }
  const source = context.use(arg);
  if (from.bits === 32) context.emit(from.signed ? x64.movsxd : x64.mov32, register, source);
  else if (to.bits === 64 && from.signed) {
    context.emit(from.bits === 8 ? x64.movsx8to64 : x64.movsx16to64, register, source);
  } else extend(context, from, register, source);
}

function integerToFloat(context: LoweringContext, result: Value, arg: Value, from: MachineType, to: MachineType): void {
  const width = to.bits === 64 ? 'f64' : 'f32';
  let source = context.use(arg);
  if (from.bits === 64 && !from.signed) {
    context.emitImmediate(pseudos.u64ToFloat, context.defineValue(result), source, to.bits / 8);
    return;
  }
  if (from.bits < 32) {
    const extended = context.temporary(GENERAL);
    extend(context, from, extended, source);
    source = extended;
  } else if (from.bits === 32 && !from.signed) {
    const extended = context.temporary(GENERAL);
    context.emit(x64.mov32, extended, source);
    source = extended;
  }
  const wide = from.bits === 64 || (from.bits === 32 && !from.signed);
  const register = context.defineValue(result);
  context.emit(pseudos.zero, register, NO_REG); // the instruction keeps the upper bits: don't wait for who wrote them
  context.emit((wide ? x64.fromInt64 : x64.fromInt32)[width], register, source);
}

function floatToFloat(context: LoweringContext, result: Value, arg: Value, from: MachineType, to: MachineType): void {
  const register = context.defineValue(result);
  if (from.bits === to.bits) context.copyValue(register, arg);
  else context.emitFloatOperand(to.bits === 64 ? x64.widen : x64.narrow, register, arg);
}

const double = (context: LoweringContext, value: number) => context.pool(...floatBits(value, 64));

/** To 8, 16 or 32 bits: both ends are doubles, so clamp as a double and truncate. */
function doubleToNarrow(context: LoweringContext, result: Value, source: number, to: MachineType): void {
  const register = context.defineValue(result);
  const clamped = context.temporary(VECTOR);
  context.copy(clamped, source);
  if (to.signed) {
    zeroNan(context, clamped, source);
    context.emitMemory(x64.fmax.f64, clamped, double(context, -(2 ** (to.bits - 1))));
    context.emitMemory(x64.fmin.f64, clamped, double(context, 2 ** (to.bits - 1) - 1));
  } else {
    clampAtZero(context, clamped);
    context.emitMemory(x64.fmin.f64, clamped, double(context, 2 ** to.bits - 1));
  }
  context.emit(to.bits === 32 && !to.signed ? x64.truncate64 : x64.truncate32, register, clamped);
}

/** clamped = source, but 0 where that is NaN: an ordered comparison with itself gives the mask. */
function zeroNan(context: LoweringContext, clamped: number, source: number): void {
  context.emitImmediate(x64.fcmp.f64, clamped, clamped, 7);
  context.emit(x64.andps, clamped, source);
}

/** maxsd gives its second operand where the first is NaN. */
function clampAtZero(context: LoweringContext, clamped: number): void {
  context.emitMemory(x64.fmax.f64, clamped, double(context, 0));
}

/** cvttsd2si gives the least i64 for everything out of range: right for the negative end. */
function doubleToI64(context: LoweringContext, result: Value, source: number): void {
  const maximum = context.temporary(GENERAL);
  context.loadInteger(maximum, -1, 0x7fffffff);
  const zero = context.temporary(GENERAL);
  context.loadInteger(zero, 0, 0);
  const register = context.defineValue(result);
  context.emit(x64.truncate64, register, source);
  context.emitMemory(x64.ucomi.f64, source, double(context, 2 ** 63));
  context.emit(x64.cmov64[CC_AE]!, register, maximum);
  context.emit(x64.cmov64[CC_P]!, register, zero);
}

/** Below 2**63 truncation is right; from there on it gives bit 63 alone, and the rest comes from `source - 2**63`. */
export function doubleToU64(context: LoweringContext, result: Value, source: number): void {
  const clamped = context.temporary(VECTOR);
  context.copy(clamped, source);
  clampAtZero(context, clamped);
  const low = context.temporary(GENERAL);
  context.emit(x64.truncate64, low, clamped);
  const reduced = context.temporary(VECTOR);
  context.copy(reduced, clamped);
  context.emitMemory(x64.fsub.f64, reduced, double(context, 2 ** 63));
  const high = context.temporary(GENERAL);
  context.emit(x64.truncate64, high, reduced);
  const isHigh = context.temporary(GENERAL);
  context.copy(isHigh, low);
  context.emitImmediate(x64.sar.i64, NO_REG, isHigh, 63);
  context.emit(x64.and.r64, high, isHigh);
  const maximum = context.temporary(GENERAL);
  context.loadInteger(maximum, -1, -1);
  const register = context.defineValue(result);
  context.copy(register, low);
  context.emit(x64.or.r64, register, high);
  context.emitMemory(x64.ucomi.f64, clamped, double(context, 2 ** 64));
  context.emit(x64.cmov64[CC_AE]!, register, maximum);
}
