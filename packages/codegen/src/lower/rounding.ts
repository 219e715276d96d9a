// Rounding to integral values: one instruction of SSE4.1, or arithmetic that every x86-64 has.
import type { Value } from '@simple-jit/template-ir';
import { VECTOR } from '../x64/registers.js';
import { x64 } from '../x64/table.js';
import type { LoweringContext } from './context.js';
import { floatBits } from './types.js';

export type RoundingOp = 'floor' | 'ceil' | 'trunc' | 'round';

/** The immediate of roundsd: direction, and 8 for no inexact exception. */
const DIRECTIONS: Record<RoundingOp, number> = { round: 8, floor: 9, ceil: 10, trunc: 11 };
const LESS = 1;

export function lowerRounding(context: LoweringContext, op: RoundingOp, result: Value, arg: Value): void {
  const { bits } = context.typeOf(arg);
  const width = bits === 64 ? 'f64' : 'f32';
  const register = context.defineValue(result);
  const value = context.use(arg);
  if (context.features.use('sse4.1')) {
    context.emitImmediate(x64.round[width], register, value, DIRECTIONS[op]);
    return;
  }
  const constant = (number: number): number => {
    const to = context.temporary(VECTOR);
    context.loadFloat(to, ...floatBits(number, bits));
    return to;
  };
  const copyOf = (from: number): number => {
    const to = context.temporary(VECTOR);
    context.copy(to, from);
    return to;
  };
  const sign = constant(-0);
  const magnitude = copyOf(sign);
  context.emit(x64.andnps, magnitude, value);
  context.emit(x64.andps, sign, value);
  // From `large` on all values are integral, and its neighbours below are 1 apart: adding it rounds to nearest even.
  const large = constant(bits === 64 ? 2 ** 52 : 2 ** 23);
  const rounded = copyOf(magnitude);
  context.emit(x64.fadd[width], rounded, large);
  context.emit(x64.fsub[width], rounded, large);
  if (op === 'trunc') stepWhere(context, width, magnitude, rounded, rounded, x64.fsub[width], constant(1));
  context.emit(x64.orps, rounded, sign);
  if (op === 'floor') stepWhere(context, width, value, rounded, rounded, x64.fsub[width], constant(1));
  else if (op === 'ceil') stepWhere(context, width, rounded, value, rounded, x64.fadd[width], constant(1));
  context.emit(x64.orps, rounded, sign); // ceil makes a positive zero of what is above -1
  // What is large already stays, and NaN, for which no comparison holds.
  context.emitImmediate(x64.fcmp[width], magnitude, large, LESS);
  context.emit(x64.andps, rounded, magnitude);
  context.emit(x64.andnps, magnitude, value);
  context.copy(register, rounded);
  context.emit(x64.orps, register, magnitude);
}

/** Where one < other: `value` one step further. */
function stepWhere(
  context: LoweringContext,
  width: 'f32' | 'f64',
  one: number,
  other: number,
  value: number,
  step: typeof x64.movaps,
  unit: number,
): void {
  const mask = context.temporary(VECTOR);
  context.copy(mask, one);
  context.emitImmediate(x64.fcmp[width], mask, other, LESS);
  context.emit(x64.andps, mask, unit);
  context.emit(step, value, mask);
}
