// Equality of results: bit for bit, except that any NaN equals any NaN.
import type { IrValue } from '@simple-jit/template-ir';

export function same(a: IrValue | undefined, b: IrValue | undefined): boolean {
  return Object.is(a, b);
}
