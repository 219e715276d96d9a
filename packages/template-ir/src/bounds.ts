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

/** A type parameter where more than its own bound is known of it, as behind an `if T is Float`. */
export interface KnownParam extends TypeParam {
  readonly also?: readonly Bound[];
}

/** True if whatever satisfies `bound` satisfies `needed` as well: `implies('Int', 'Ord')`. */
export function implies(bound: Bound, needed: Bound): boolean {
  return implied[bound]?.includes(needed) ?? false;
}

/**
 * The strongest bound that `type` satisfies: `Int` and `Float` for numbers, `Ord` for pointers, `Eq` for bool and function
 * pointers, `Any` for arrays, structs and enums; undefined for an unknown parameter.
 */
export function boundOf(type: Type, typeParams: readonly TypeParam[] = []): Bound | undefined {
  switch (type.kind) {
    case 'ptr':
      return 'Ord';
    case 'param':
      return typeParams[type.index]?.bound;
    case 'fn':
      return 'Eq';
    case 'scalar':
      return type.name === 'bool' ? 'Eq' : strongest[type.name[0] as 'i' | 'u' | 'f'];
    default:
      return 'Any';
  }
}

/** True if `type` can do what `needed` promises; a type parameter can what its own bound promises. */
export function satisfies(type: Type, needed: Bound, typeParams: readonly KnownParam[] = []): boolean {
  const bound = boundOf(type, typeParams);
  if (bound === undefined) return false;
  if (implies(bound, needed)) return true;
  return type.kind === 'param' && (typeParams[type.index]!.also?.some((other) => implies(other, needed)) ?? false);
}

/** What an `if` asks: does the concrete type satisfy the bound, or is it the type? */
export function isBound(is: Bound | Type): is is Bound {
  return typeof is === 'string';
}
