// Interning of types: equal types are one object. Names and nesting of types come from files, so that nothing here may
// keep a type alive: the table holds weak references, and forgets an entry when its type is collected.
import type { ArrayType, NamedType, Type } from './types.js';

/** What is known of a type from its making on, so that no question about it walks a deep or much shared type. */
export interface TypeFacts {
  /** Never given to another type. */
  readonly id: number;
  /** Levels: `i64` has one, `ptr<i64>` two. */
  readonly depth: number;
  /** Types written in it: `Pair<i64, ptr<i64>>` has four. Infinity is possible: `Pair<X, X>` doubles. */
  readonly parts: number;
  readonly concrete: boolean;
  /** True if a struct or enum is written in it. */
  readonly mentionsNamed: boolean;
  /** True if a function type with an aggregate parameter or result is in it, outside of the arguments of named types. */
  readonly passesAggregates: boolean;
}

const facts = new WeakMap<Type, TypeFacts>();
const interned = new Map<string, WeakRef<Type>>();
const forgotten = new FinalizationRegistry<string>((key) => {
  if (interned.get(key)?.deref() === undefined) interned.delete(key);
});
let nextId = 0;

/** Throws TypeError for what is no type of this copy of the package. */
export function factsOf(type: Type): TypeFacts {
  return facts.get(type) ?? refuseType();
}

/** False for what only looks like a type, or comes from another copy of this package: it equals no type of this one. */
export function isType(type: Type): boolean {
  return facts.has(type);
}

function refuseType(): never {
  throw new TypeError('a type that is not made by scalar, ptr, arrayOf, named, fnType or param');
}

/** True for arrays, structs and enums: they lie in memory, and a value of one is a copy of it. */
export function isAggregate(type: Type): type is ArrayType | NamedType {
  return type.kind === 'array' || type.kind === 'named';
}

/** Freezes a new type and notes what is known of it. `parts`: the types that it is made of. */
export function enroll<T extends Type>(type: T, parts: readonly Type[]): T {
  let [depth, count] = [0, 1];
  let concrete = type.kind !== 'param';
  let mentionsNamed = type.kind === 'named';
  let passesAggregates = type.kind === 'fn' && parts.some(isAggregate);
  for (const part of parts) {
    const fact = factsOf(part);
    depth = Math.max(depth, fact.depth);
    count += fact.parts;
    concrete &&= fact.concrete;
    mentionsNamed ||= fact.mentionsNamed;
    passesAggregates ||= type.kind !== 'named' && fact.passesAggregates;
  }
  facts.set(type, { id: nextId++, depth: depth + 1, parts: count, concrete, mentionsNamed, passesAggregates });
  return Object.freeze(type);
}

/** The type of that key, made if there is none. `key` says all of it, by the `id`s of its parts. */
export function intern<T extends Type>(key: string, parts: readonly Type[], make: () => T): T {
  const known = interned.get(key)?.deref() as T | undefined;
  if (known !== undefined) return known;
  const type = enroll(make(), parts);
  interned.set(key, new WeakRef<Type>(type));
  forgotten.register(type, key);
  return type;
}
