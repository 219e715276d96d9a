// Integer and pointer arithmetic. Values of 8 and 16 bits are computed in 32; the bits above a value's width are undefined, so
// operations that look at them (division, right shift) extend first.
import type { BinaryOp, UnaryOp, Value } from '@simple-jit/template-ir';
import { DIVIDE_BY_MINUS_ONE, DIVIDE_CHECKED, DIVIDE_SIGNED, DIVIDE_WIDE, memoryAt, pseudos } from '../machine-ir.js';
import { GENERAL, NO_REG, RAX, RCX, RDX } from '../x64/registers.js';
import { x64 } from '../x64/table.js';
import { lowerLeadingZeros, lowerPopcount, lowerRotate, lowerTrailingZeros } from './bits.js';
import { lowerCheckedBinary, lowerCheckedNegate } from './checked.js';
import type { LoweringContext } from './context.js';
import { lowerIntegerAbs, lowerIntegerExtreme } from './extremes.js';
import type { MachineType } from './types.js';

export function lowerIntegerUnary(context: LoweringContext, op: UnaryOp, result: Value, arg: Value): void {
  const type = context.typeOf(arg);
  switch (op) {
    case 'abs':
      lowerIntegerAbs(context, result, arg);
      return;
    case 'neg_checked':
      lowerCheckedNegate(context, result, arg);
      return;
    case 'popcount':
      lowerPopcount(context, result, arg);
      return;
    case 'clz':
      lowerLeadingZeros(context, result, arg);
      return;
    case 'ctz':
      lowerTrailingZeros(context, result, arg);
      return;
  }
  if (op !== 'neg' && op !== 'not') throw context.unsupported(`${op} of an integer`);
  const register = context.defineValue(result);
  context.copyValue(register, arg);
  if (type.bool) {
    if (op === 'neg') throw context.unsupported('neg of a bool');
    context.emitImmediate(x64.xor.i32short, NO_REG, register, 1);
    return;
  }
  context.emit(type.bits === 64 ? x64[op].r64 : x64[op].r32, NO_REG, register);
}

export function lowerIntegerBinary(
  context: LoweringContext,
  op: BinaryOp,
  result: Value,
  left: Value,
  right: Value,
): void {
  switch (op) {
    case 'add':
    case 'sub':
      lowerAdd(context, op, result, left, right);
      return;
    case 'mul':
      lowerMultiply(context, result, left, right);
      return;
    case 'and':
    case 'or':
    case 'xor':
      lowerBitwise(context, op, result, left, right);
      return;
    case 'shl':
    case 'shr':
      lowerShift(context, op, result, left, right);
      return;
    case 'div':
    case 'rem':
      lowerDivide(context, op, result, left, right);
      return;
    case 'min':
    case 'max':
      lowerIntegerExtreme(context, op, result, left, right);
      return;
    case 'rotl':
    case 'rotr':
      lowerRotate(context, op, result, left, right);
      return;
    default:
      lowerCheckedBinary(context, op, result, left, right);
  }
}

const fitsByte = (value: number): boolean => value >= -128 && value <= 127;

/** Addition is `lea`, which has a destination of its own; emission makes it `add` where both are the same register. */
function lowerAdd(context: LoweringContext, op: 'add' | 'sub', result: Value, left: Value, right: Value): void {
  const wide = context.typeOf(left).bits === 64;
  const lea = wide ? x64.lea64 : x64.lea32;
  const immediate = context.immediateOf(right);
  const displacement = immediate === undefined ? undefined : op === 'sub' ? -immediate : immediate;
  if (displacement !== undefined && displacement === (displacement | 0)) {
    const base = context.use(left);
    context.emitMemory(lea, context.defineValue(result), memoryAt(base, NO_REG, 0, displacement));
    return;
  }
  if (op === 'add') {
    const swapped = context.immediateOf(left);
    const base = context.use(swapped === undefined ? left : right);
    const memory = swapped === undefined ? memoryAt(base, context.use(right)) : memoryAt(base, NO_REG, 0, swapped);
    context.emitMemory(lea, context.defineValue(result), memory);
    return;
  }
  const subtrahend = context.use(right);
  const register = context.defineValue(result);
  context.copyValue(register, left);
  context.emit(wide ? x64.sub.r64 : x64.sub.r32, register, subtrahend);
}

function lowerMultiply(context: LoweringContext, result: Value, left: Value, right: Value): void {
  const wide = context.typeOf(left).bits === 64;
  const swap = context.constantOf(right) === undefined && context.constantOf(left) !== undefined;
  const [first, second] = swap ? [right, left] : [left, right];
  const immediate = context.immediateOf(second);
  if (immediate !== undefined) {
    const factor = context.use(first);
    const register = context.defineValue(result);
    if (immediate > 0 && (immediate & (immediate - 1)) === 0) {
      context.copy(register, factor);
      context.emitImmediate(wide ? x64.shl.i64 : x64.shl.i32, NO_REG, register, 31 - Math.clz32(immediate));
      return;
    }
    const short = fitsByte(immediate);
    const row = wide ? (short ? x64.imul64short : x64.imul64i) : short ? x64.imul32short : x64.imul32i;
    context.emitImmediate(row, register, factor, immediate);
    return;
  }
  const factor = context.use(second);
  const register = context.defineValue(result);
  context.copyValue(register, first);
  context.emit(wide ? x64.imul64 : x64.imul32, register, factor);
}

function lowerBitwise(
  context: LoweringContext,
  op: 'and' | 'or' | 'xor',
  result: Value,
  left: Value,
  right: Value,
): void {
  const wide = context.typeOf(left).bits === 64;
  const rows = x64[op];
  const swap = context.constantOf(right) === undefined && context.constantOf(left) !== undefined;
  const [first, second] = swap ? [right, left] : [left, right];
  const immediate = context.immediateOf(second);
  if (immediate !== undefined) {
    const register = context.defineValue(result);
    context.copyValue(register, first);
    const short = fitsByte(immediate);
    const row = wide ? (short ? rows.i64short : rows.i64) : short ? rows.i32short : rows.i32;
    context.emitImmediate(row, NO_REG, register, immediate);
    return;
  }
  const other = context.use(second);
  const register = context.defineValue(result);
  context.copyValue(register, first);
  context.emit(wide ? rows.r64 : rows.r32, register, other);
}

function lowerShift(context: LoweringContext, op: 'shl' | 'shr', result: Value, left: Value, right: Value): void {
  const type = context.typeOf(left);
  const wide = type.bits === 64;
  const rows = op === 'shl' ? x64.shl : type.signed ? x64.sar : x64.shr;
  const count = context.constantOf(right);
  const countRegister = count === undefined ? context.use(right) : NO_REG;
  const register = context.defineValue(result);
  if (op === 'shr' && type.bits < 32) extend(context, type, register, context.use(left));
  else context.copyValue(register, left);
  if (count !== undefined) {
    context.emitImmediate(wide ? rows.i64 : rows.i32, NO_REG, register, count.low & (type.bits - 1));
    return;
  }
  context.copy(RCX, countRegister);
  // The processor takes the count modulo 32 or 64; narrower types have to do it themselves.
  if (type.bits < 32) context.emitImmediate(x64.and.i32short, NO_REG, RCX, type.bits - 1);
  context.emit(wide ? rows.cl64 : rows.cl32, NO_REG, register);
}

/** to = from, sign- or zero-extended from 8 or 16 bits to 32. */
export function extend(context: LoweringContext, type: MachineType, to: number, from: number): void {
  if (type.bits === 8) context.emit(type.signed ? x64.movsx8 : x64.movzx8, to, from);
  else context.emit(type.signed ? x64.movsx16 : x64.movzx16, to, from);
}

export function lowerDivide(
  context: LoweringContext,
  op: 'div' | 'rem',
  result: Value,
  left: Value,
  right: Value,
): void {
  const type = context.typeOf(left);
  const divisorConstant = context.constantOf(right);
  if (divisorConstant !== undefined && lowerDivideByPower(context, op, result, left, divisorConstant, type)) return;
  divideInRegisters(context, type, left, right, false);
  context.copy(context.defineValue(result), op === 'div' ? RAX : RDX);
}

/** Quotient in rax, remainder in rdx; of narrow types in 32 bits. */
export function divideInRegisters(
  context: LoweringContext,
  type: MachineType,
  left: Value,
  right: Value,
  checked: boolean,
): void {
  const divisorConstant = context.constantOf(right);
  let divisor = context.use(right);
  if (type.bits < 32) {
    if (divisorConstant === undefined) {
      const extended = context.temporary(GENERAL);
      extend(context, type, extended, divisor);
      divisor = extended;
    } else if (!type.signed) {
      divisor = context.temporary(GENERAL);
      context.loadInteger(divisor, divisorConstant.low & ((1 << type.bits) - 1), 0);
    }
    extend(context, type, RAX, context.use(left));
  } else {
    context.copyValue(RAX, left);
  }
  const minusOne = divisorConstant === undefined || (divisorConstant.low === -1 && divisorConstant.high === -1);
  let flags = type.bits === 64 ? DIVIDE_WIDE : 0;
  if (type.signed) flags |= DIVIDE_SIGNED;
  if (type.signed && type.bits >= 32 && minusOne) flags |= DIVIDE_BY_MINUS_ONE; // in 32 bits, no narrower quotient overflows
  if (checked) flags |= DIVIDE_CHECKED;
  context.emitImmediate(pseudos.divide, NO_REG, divisor, flags);
}

/** Division by a positive power of two: shifts and masks. Signed division truncates, so negative dividends are biased first. */
function lowerDivideByPower(
  context: LoweringContext,
  op: 'div' | 'rem',
  result: Value,
  left: Value,
  divisor: { readonly low: number; readonly high: number },
  type: MachineType,
): boolean {
  const power = divisor.low;
  if (divisor.high !== 0 || power <= 0 || power > 1 << 30 || (power & (power - 1)) !== 0) return false;
  if (type.bits < 32 && power >= 2 ** (type.bits - 1)) return false;
  const shift = 31 - Math.clz32(power);
  const wide = type.bits === 64;
  let dividend = context.use(left);
  if (type.bits < 32) {
    const extended = context.temporary(GENERAL);
    extend(context, type, extended, dividend);
    dividend = extended;
  }
  const register = context.defineValue(result);
  if (type.signed && shift > 0) {
    // bias = dividend < 0 ? power - 1 : 0
    const bias = context.temporary(GENERAL);
    context.copy(bias, dividend);
    const width = wide ? 64 : 32;
    if (shift > 1) context.emitImmediate(wide ? x64.sar.i64 : x64.sar.i32, NO_REG, bias, width - 1);
    context.emitImmediate(wide ? x64.shr.i64 : x64.shr.i32, NO_REG, bias, width - shift);
    context.emitMemory(wide ? x64.lea64 : x64.lea32, register, memoryAt(dividend, bias));
    if (op === 'rem') {
      context.emitImmediate(wide ? x64.and.i64 : x64.and.i32, NO_REG, register, power - 1);
      context.emit(wide ? x64.sub.r64 : x64.sub.r32, register, bias);
      return true;
    }
    context.emitImmediate(wide ? x64.sar.i64 : x64.sar.i32, NO_REG, register, shift);
    return true;
  }
  context.copy(register, dividend);
  if (op === 'rem') context.emitImmediate(wide ? x64.and.i64 : x64.and.i32, NO_REG, register, power - 1);
  else context.emitImmediate(wide ? x64.shr.i64 : x64.shr.i32, NO_REG, register, shift);
  return true;
}
