// Counting bits and rotating them. Where the processor may lack the instruction, what every x86-64 has does the same.
import type { Value } from '@simple-jit/template-ir';
import { CC_E, GENERAL, NO_REG, RCX } from '../x64/registers.js';
import { x64 } from '../x64/table.js';
import type { LoweringContext } from './context.js';
import type { MachineType } from './types.js';

export function lowerPopcount(context: LoweringContext, result: Value, arg: Value): void {
  const type = context.typeOf(arg);
  const register = context.defineValue(result);
  const wide = type.bits === 64;
  const value = zeroExtended(context, type, arg);
  if (context.features.use('popcnt')) {
    context.emit(wide ? x64.popcnt.r64 : x64.popcnt.r32, register, value);
    return;
  }
  // Sums of 2, then 4, then 8 bits side by side; a multiplication adds those of all bytes up in the highest one.
  const mask = context.temporary(GENERAL);
  const part = context.temporary(GENERAL);
  const setMask = (word: number): void => context.loadInteger(mask, word, wide ? word : 0);
  const [shr, and] = wide ? [x64.shr.i64, x64.and.r64] : [x64.shr.i32, x64.and.r32];
  context.copy(register, value);
  context.copy(part, value);
  context.emitImmediate(shr, NO_REG, part, 1);
  setMask(0x55555555);
  context.emit(and, part, mask);
  context.emit(wide ? x64.sub.r64 : x64.sub.r32, register, part);
  setMask(0x33333333);
  context.copy(part, register);
  context.emitImmediate(shr, NO_REG, part, 2);
  context.emit(and, part, mask);
  context.emit(and, register, mask);
  context.emit(wide ? x64.add.r64 : x64.add.r32, register, part);
  context.copy(part, register);
  context.emitImmediate(shr, NO_REG, part, 4);
  context.emit(wide ? x64.add.r64 : x64.add.r32, register, part);
  setMask(0x0f0f0f0f);
  context.emit(and, register, mask);
  setMask(0x01010101);
  context.emit(wide ? x64.imul64 : x64.imul32, register, mask);
  context.emitImmediate(shr, NO_REG, register, wide ? 56 : 24);
}

export function lowerLeadingZeros(context: LoweringContext, result: Value, arg: Value): void {
  const type = context.typeOf(arg);
  const register = context.defineValue(result);
  const wide = type.bits === 64;
  const width = wide ? 64 : 32;
  const value = zeroExtended(context, type, arg);
  if (context.features.use('lzcnt')) {
    context.emit(wide ? x64.lzcnt.r64 : x64.lzcnt.r32, register, value);
  } else {
    // bsr gives the number of the highest bit, or, for 0, only the zero flag.
    const none = context.temporary(GENERAL);
    context.loadInteger(none, 2 * width - 1, 0);
    context.emit(wide ? x64.bsr.r64 : x64.bsr.r32, register, value);
    context.emit(x64.cmov32[CC_E]!, register, none);
    context.emitImmediate(x64.xor.i32short, NO_REG, register, width - 1);
  }
  if (type.bits < 32) context.emitImmediate(x64.sub.i32short, NO_REG, register, 32 - type.bits);
}

export function lowerTrailingZeros(context: LoweringContext, result: Value, arg: Value): void {
  const type = context.typeOf(arg);
  const register = context.defineValue(result);
  const wide = type.bits === 64;
  let value = context.use(arg);
  if (type.bits < 32) {
    // A bit just above the value: so there is one, and no zero flag to look at.
    const stopped = context.temporary(GENERAL);
    context.copy(stopped, value);
    context.emitImmediate(x64.or.i32, NO_REG, stopped, 1 << type.bits);
    value = stopped;
  }
  if (context.features.use('bmi1')) {
    context.emit(wide ? x64.tzcnt.r64 : x64.tzcnt.r32, register, value);
    return;
  }
  if (type.bits < 32) {
    context.emit(x64.bsf.r32, register, value);
    return;
  }
  const none = context.temporary(GENERAL);
  context.loadInteger(none, type.bits, 0);
  context.emit(wide ? x64.bsf.r64 : x64.bsf.r32, register, value);
  context.emit(x64.cmov32[CC_E]!, register, none);
}

function zeroExtended(context: LoweringContext, type: MachineType, arg: Value): number {
  const value = context.use(arg);
  if (type.bits >= 32) return value;
  const extended = context.temporary(GENERAL);
  context.emit(type.bits === 8 ? x64.movzx8 : x64.movzx16, extended, value);
  return extended;
}

/** The processor takes the count modulo 32 or 64, of which every width is a divisor. */
export function lowerRotate(
  context: LoweringContext,
  op: 'rotl' | 'rotr',
  result: Value,
  left: Value,
  right: Value,
): void {
  const { bits } = context.typeOf(left);
  const rows = op === 'rotl' ? x64.rol : x64.ror;
  const count = context.constantOf(right);
  const countRegister = count === undefined ? context.use(right) : NO_REG;
  const register = context.defineValue(result);
  context.copyValue(register, left);
  if (count !== undefined) {
    const row = bits === 64 ? rows.i64 : bits === 32 ? rows.i32 : bits === 16 ? rows.i16 : rows.i8;
    context.emitImmediate(row, NO_REG, register, count.low & (bits - 1));
    return;
  }
  context.copy(RCX, countRegister);
  context.emit(
    bits === 64 ? rows.cl64 : bits === 32 ? rows.cl32 : bits === 16 ? rows.cl16 : rows.cl8,
    NO_REG,
    register,
  );
}
