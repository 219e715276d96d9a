// The scalar types, in the order in which the generator's numbers choose them.
import { satisfies } from '../bounds.js';
import { type Bound, SCALAR_NAMES, scalar, type Type } from '../types.js';

/** i64 first: what the number 0 chooses. */
export const SCALARS: readonly Type[] = [scalar('i64'), ...SCALAR_NAMES.filter((name) => name !== 'i64').map(scalar)];

/** The scalar types that satisfy a bound. */
export function scalarsWith(bound: Bound): readonly Type[] {
  return SCALARS.filter((type) => satisfies(type, bound));
}
