// What a bound promises: which types satisfy it, and which other bounds follow from it.
import type { TypeParam } from './ir.js';
import type { Bound, Type } from './types.js';

const implied: Record<Bound, readonly Bound[]> = {
  Any: ['Any'],
  Eq: ['Any', 'Eq'],
  Ord: ['Any', 'Eq', 'Ord'],
  Num: ['Any', 'Eq', 'Ord', 'Num'],
  Int: ['Any', 'Eq', 'Ord', 'Num', 'Int'],
  Float: ['Any', 'Eq', 'Ord', 'Num', 'Float'],
};

const strongest = { i: 'Int', u: 'Int', f: 'Float' } as const;

/** True if whatever satisfies `bound` satisfies `needed` as well: `implies('Int', 'Ord')`. */
export function implies(bound: Bound, needed: Bound): boolean {
  return implied[bound].includes(needed);
}

/** The strongest bound that `type` satisfies: `Int` and `Float` for numbers, `Ord` for pointers, `Eq` for bool; undefined for an unknown parameter. */
export function boundOf(type: Type, typeParams: readonly TypeParam[] = []): Bound | undefined {
  if (type.kind === 'ptr') return 'Ord';
  if (type.kind === 'param') return typeParams[type.index]?.bound;
  return type.name === 'bool' ? 'Eq' : strongest[type.name[0] as 'i' | 'u' | 'f'];
}

/** True if `type` can do what `needed` promises; a type parameter can what its own bound promises. */
export function satisfies(type: Type, needed: Bound, typeParams: readonly TypeParam[] = []): boolean {
  const bound = boundOf(type, typeParams);
  return bound !== undefined && implies(bound, needed);
}
