// Comparisons as flags, bools or selections. NaN makes every float comparison but `ne` false: ucomis sets carry, zero and
// parity for it, so lt and le swap their operands to use the conditions that a set carry refutes.
import type { CompareOp, Value } from '@simple-jit/template-ir';
import { pseudos } from '../machine-ir.js';
import {
  CC_A, CC_AE, CC_B, CC_BE, CC_E, CC_FLOAT_EQ, CC_FLOAT_NE, CC_G, CC_GE, CC_L, CC_LE, CC_NE, CC_NP, CC_P, GENERAL, NO_REG, VECTOR,
} from '../x64/registers.js'; // biome-ignore format: a list
import { x64 } from '../x64/table.js';
import type { LoweringContext } from './context.js';
import type { Comparison } from './uses.js';

const signedConditions: Record<CompareOp, number> = { eq: CC_E, ne: CC_NE, lt: CC_L, le: CC_LE, gt: CC_G, ge: CC_GE };
const unsignedConditions: Record<CompareOp, number> = { eq: CC_E, ne: CC_NE, lt: CC_B, le: CC_BE, gt: CC_A, ge: CC_AE };
const mirrored: Record<CompareOp, CompareOp> = { eq: 'eq', ne: 'ne', lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' };

/** Sets the flags; returns the condition that then means "true". */
function lowerComparisonFlags(context: LoweringContext, comparison: Comparison): number {
  const { op, left, right } = comparison;
  const type = context.typeOf(left);
  if (type.cls === VECTOR) return lowerFloatFlags(context, op, left, right, type.bits === 64 ? 'f64' : 'f32');
  if (context.constantOf(left) !== undefined && context.constantOf(right) === undefined) {
    return lowerIntegerFlags(context, mirrored[op], right, left);
  }
  return lowerIntegerFlags(context, op, left, right);
}

export function lowerIntegerFlags(context: LoweringContext, op: CompareOp, left: Value, right: Value): number {
  const { bits, signed } = context.typeOf(left);
  const immediate = context.immediateOf(right);
  const register = context.use(left);
  const condition = (signed ? signedConditions : unsignedConditions)[op];
  if (immediate === undefined) {
    const row = bits === 64 ? x64.cmp.r64 : bits === 32 ? x64.cmp.r32 : bits === 16 ? x64.cmp16 : x64.cmp8;
    context.emit(row, register, context.use(right));
  } else if (immediate === 0) {
    const row = bits === 64 ? x64.test64 : bits === 32 ? x64.test32 : bits === 16 ? x64.test16 : x64.test8;
    context.emit(row, register, register);
  } else {
    const short = immediate >= -128 && immediate <= 127;
    const row =
      bits === 64 ? (short ? x64.cmp.i64short : x64.cmp.i64)
      : bits === 32 ? (short ? x64.cmp.i32short : x64.cmp.i32)
      : bits === 16 ? (short ? x64.cmp16short : x64.cmp16i)
      : x64.cmp8i; // biome-ignore format: one row a width
    context.emitImmediate(row, NO_REG, register, immediate);
  }
  return condition;
}

function lowerFloatFlags(
  context: LoweringContext,
  op: CompareOp,
  left: Value,
  right: Value,
  width: 'f32' | 'f64',
): number {
  const swap = op === 'lt' || op === 'le';
  const register = context.use(swap ? right : left);
  context.emitFloatOperand(x64.ucomi[width], register, swap ? left : right);
  if (op === 'eq') return CC_FLOAT_EQ;
  if (op === 'ne') return CC_FLOAT_NE;
  return op === 'lt' || op === 'gt' ? CC_A : CC_AE;
}

/** The comparison's result as a bool. */
export function lowerComparison(context: LoweringContext, comparison: Comparison): void {
  const condition = lowerComparisonFlags(context, comparison);
  const register = context.defineValue(comparison.result);
  if (condition < CC_FLOAT_EQ) {
    context.emit(x64.set[condition]!, NO_REG, register);
    return;
  }
  const equal = condition === CC_FLOAT_EQ;
  const ordered = context.temporary(GENERAL);
  context.emit(x64.set[equal ? CC_NP : CC_P]!, NO_REG, ordered);
  const same = context.temporary(GENERAL);
  context.emit(x64.set[equal ? CC_E : CC_NE]!, NO_REG, same);
  context.copy(register, same);
  context.emit((equal ? x64.and : x64.or).r32, register, ordered);
}

/** The flags for a bool that is a condition; returns the condition that means "true". */
export function lowerCondition(context: LoweringContext, condition: Value): number {
  const comparison = context.uses.fusedComparison(condition);
  if (comparison !== undefined) return lowerComparisonFlags(context, comparison);
  const register = context.use(condition);
  context.emit(x64.test8, register, register);
  return CC_NE;
}

export function lowerSelect(
  context: LoweringContext,
  result: Value,
  condition: Value,
  left: Value,
  right: Value,
): void {
  const type = context.typeOf(left);
  const minOrMax = type.cls === VECTOR ? minMaxRow(context, condition, left, right) : undefined;
  if (minOrMax !== undefined) {
    const register = context.defineValue(result);
    context.copyValue(register, left);
    context.emitFloatOperand(minOrMax[type.bits === 64 ? 'f64' : 'f32'], register, right);
    return;
  }
  const other = context.use(right);
  const register = context.defineValue(result);
  if (type.cls === VECTOR) {
    const first = context.use(left);
    const code = lowerCondition(context, condition);
    context.copy(register, first);
    context.emitConditional(pseudos.floatSelect, register, other, code);
    return;
  }
  const first = context.use(left);
  const code = lowerCondition(context, condition);
  const rows = type.bits === 64 ? x64.cmov64 : x64.cmov32;
  if (code === CC_FLOAT_EQ) {
    context.copy(register, first);
    context.emit(rows[CC_NE]!, register, other);
    context.emit(rows[CC_P]!, register, other);
  } else if (code === CC_FLOAT_NE) {
    context.copy(register, other);
    context.emit(rows[CC_NE]!, register, first);
    context.emit(rows[CC_P]!, register, first);
  } else {
    context.copy(register, other);
    context.emit(rows[code]!, register, first);
  }
}

/** `gt(a, b) ? a : b` is what maxsd computes, `lt(a, b) ? a : b` what minsd does, with NaN and equal zeros giving `b` in each. */
function minMaxRow(context: LoweringContext, condition: Value, left: Value, right: Value) {
  const comparison = context.uses.fusedComparison(condition);
  if (comparison === undefined || comparison.left !== left || comparison.right !== right) return undefined;
  if (comparison.op === 'gt') return x64.fmax;
  return comparison.op === 'lt' ? x64.fmin : undefined;
}
