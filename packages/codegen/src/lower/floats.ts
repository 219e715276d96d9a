// Floating-point arithmetic in SSE2: f32 in single, f64 in double precision, IEEE 754 with round to nearest even.
import type { BinaryOp, UnaryOp, Value } from '@simple-jit/template-ir';
import { x64 } from '../x64/table.js';
import type { LoweringContext } from './context.js';

export function lowerFloatUnary(context: LoweringContext, op: UnaryOp, result: Value, arg: Value): void {
  const width = context.typeOf(arg).bits === 64 ? 'f64' : 'f32';
  if (op === 'not') throw context.unsupported('not of a float');
  if (op === 'sqrt') {
    context.emitFloatOperand(x64.fsqrt[width], context.defineValue(result), arg);
    return;
  }
  // Flips the sign bit, also of zero and NaN. The mask is loaded into a register: xorps from memory would need 16 aligned bytes.
  const operand = context.use(arg);
  const register = context.defineValue(result);
  context.loadFloat(register, width === 'f64' ? 0 : -0x80000000, width === 'f64' ? -0x80000000 : 0);
  context.emit(x64.xorps, register, operand);
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
  if (op !== 'add' && op !== 'sub' && op !== 'mul' && op !== 'div') throw context.unsupported(`${op} of floats`);
  const register = context.defineValue(result);
  context.copyValue(register, left);
  context.emitFloatOperand(binaryRows[op][width], register, right);
}
