// What a bound promises: which types satisfy it, and which other bounds follow from it.
import type { TypeParam } from './ir.js';
import { BOUNDS, type Bound, type ScalarName, type Type } from './types.js';

/** How much a bound promises: it implies those that promise less. Int and Float do not imply each other. */
const promises: Readonly<Record<Bound, number>> = { Any: 1, Eq: 2, Ord: 3, Num: 4, Int: 5, Float: 5 };

const NO_PARAMS: readonly KnownParam[] = [];

/** A type parameter where more than its own bound is known of it, as behind an `if T is Float`. */
export interface KnownParam extends TypeParam {
  readonly also?: readonly Bound[];
}

/** True if whatever satisfies `bound` satisfies `needed` as well: `implies('Int', 'Ord')`. */
export function implies(bound: Bound, needed: Bound): boolean {
  return promises[bound] > promises[needed] || (bound === needed && promises[bound] !== undefined);
}

/**
 * The strongest bound that `type` satisfies: `Int` and `Float` for numbers, `Ord` for pointers, `Eq` for bool and function
 * pointers, `Any` for arrays, structs and enums; undefined for an unknown parameter.
 *
 * ```ts
 * boundOf(parseType('ptr<u8>')); // 'Ord'
 * ```
 */
export function boundOf(type: Type, typeParams: readonly TypeParam[] = NO_PARAMS): Bound | undefined {
  switch (type.kind) {
    case 'ptr':
      return 'Ord';
    case 'param':
      return typeParams[type.index]?.bound;
    case 'fn':
      return 'Eq';
    case 'scalar':
      return boundOfScalar(type.name);
    default:
      return 'Any';
  }
}

function boundOfScalar(name: ScalarName): Bound | undefined {
  if (name === 'bool') return 'Eq';
  const first = name[0];
  if (first === 'i' || first === 'u') return 'Int';
  return first === 'f' ? 'Float' : undefined;
}

/**
 * True if `type` can do what `needed` promises: `satisfies(scalar('i64'), 'Int')`. A type parameter can what its bound in
 * `typeParams` promises.
 */
export function satisfies(type: Type, needed: Bound, typeParams: readonly KnownParam[] = NO_PARAMS): boolean {
  const bound = boundOf(type, typeParams);
  if (bound === undefined) return false;
  if (implies(bound, needed)) return true;
  return type.kind === 'param' && (typeParams[type.index]!.also?.some((other) => implies(other, needed)) ?? false);
}

/** What an `if` asks: does the concrete type satisfy the bound, or is it the type? */
export function isBound(is: Bound | Type): is is Bound {
  return typeof is === 'string';
}

/** Type parameter `index` with the bounds that it has as well if it is `is`; itself if they are known. */
export function taught(index: number, is: Bound | Type, known: readonly KnownParam[]): KnownParam {
  const param = known[index]!;
  const bounds = isBound(is) ? [is] : BOUNDS.filter((bound) => satisfies(is, bound, known));
  const unknown = bounds.filter((bound) => !satisfies({ kind: 'param', index, name: param.name }, bound, known));
  return unknown.length === 0 ? param : { ...param, also: [...(param.also ?? []), ...unknown] };
}
