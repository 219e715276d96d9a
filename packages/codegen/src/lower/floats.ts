// Floating-point arithmetic in SSE2: f32 in single, f64 in double precision, IEEE 754 with round to nearest even.
import type { BinaryOp, Instruction, UnaryOp, Value } from '@simple-jit/template-ir';
import { pseudos } from '../machine-ir.js';
import { x64 } from '../x64/table.js';
import type { LoweringContext } from './context.js';
import { lowerFloatExtreme } from './extremes.js';
import { lowerRounding } from './rounding.js';

export function lowerFloatUnary(context: LoweringContext, op: UnaryOp, result: Value, arg: Value): void {
  const width = context.typeOf(arg).bits === 64 ? 'f64' : 'f32';
  switch (op) {
    case 'sqrt':
      context.emitFloatOperand(x64.fsqrt[width], context.defineValue(result), arg);
      return;
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'round':
      lowerRounding(context, op, result, arg);
      return;
  }
  if (op !== 'neg' && op !== 'abs') throw context.unsupported(`${op} of a float`);
  // Flips or clears the sign bit, also of zero and NaN. The mask is loaded into a register: xorps from memory would need 16 aligned bytes.
  const operand = context.use(arg);
  const register = context.defineValue(result);
  const sign = op === 'neg' ? -0x80000000 : 0x7fffffff;
  if (width === 'f32') context.loadFloat(register, sign, 0);
  else context.loadFloat(register, op === 'neg' ? 0 : -1, sign);
  context.emit(op === 'neg' ? x64.xorps : x64.andps, register, operand);
}

const binaryRows = { add: x64.fadd, sub: x64.fsub, mul: x64.fmul, div: x64.fdiv } as const;

export function lowerFloatBinary(
  context: LoweringContext,
  op: BinaryOp,
  result: Value,
  left: Value,
  right: Value,
): void {
  const width = context.typeOf(left).bits === 64 ? 'f64' : 'f32';
  if (op === 'min' || op === 'max') {
    lowerFloatExtreme(context, op, result, left, right);
    return;
  }
  if (op !== 'add' && op !== 'sub' && op !== 'mul' && op !== 'div') throw context.unsupported(`${op} of floats`);
  const register = context.defineValue(result);
  context.copyValue(register, left);
  context.emitFloatOperand(binaryRows[op][width], register, right);
}

export function lowerFma(context: LoweringContext, { result, a, b, c }: Instruction & { readonly op: 'fma' }): void {
  context.features.require('fma', context.source.symbol, 'fma');
  const addend = context.use(c);
  const second = context.use(b);
  const register = context.defineValue(result);
  context.copyValue(register, a);
  context.emitArguments(pseudos.fma, register, addend, [second], context.typeOf(a).bits / 8);
}
