// The types of the template IR. Types are interned: two structurally equal types are the same object, so `===` compares
// them and a Map keyed by type works.

import { enroll, factsOf, intern } from './intern.js';
import { MAX_TYPE_SIZE } from './limits.js';

export { isAggregate } from './intern.js';

export type SignedIntName = 'i8' | 'i16' | 'i32' | 'i64';
export type UnsignedIntName = 'u8' | 'u16' | 'u32' | 'u64';
export type IntName = SignedIntName | UnsignedIntName;
export type FloatName = 'f32' | 'f64';
export type ScalarName = IntName | FloatName | 'bool';

/** A number or truth value that fits one register. */
export interface ScalarType {
  readonly kind: 'scalar';
  readonly name: ScalarName;
}

/** An address of a value of type `to`; 8 bytes. */
export interface PointerType {
  readonly kind: 'ptr';
  readonly to: Type;
}

/** The template's type parameter number `index`; gone after specialisation. */
export interface ParamType {
  readonly kind: 'param';
  readonly index: number;
  readonly name: string;
}

/** `length` values of type `of`, one after the other. Lies in memory. */
export interface ArrayType {
  readonly kind: 'array';
  readonly of: Type;
  readonly length: number;
}

/** A struct or enum by its name; its declaration says what it holds. Lies in memory. */
export interface NamedType {
  readonly kind: 'named';
  readonly name: string;
  readonly args: readonly Type[];
}

/** The address of a function; 8 bytes. `result` is undefined if it has none. */
export interface FunctionType {
  readonly kind: 'fn';
  readonly params: readonly Type[];
  readonly result: Type | undefined;
}

/** A type: made by `scalar`, `ptr`, `param`, `arrayOf`, `named` and `fnType` only, and compared by `===`. */
export type Type = ScalarType | PointerType | ParamType | ArrayType | NamedType | FunctionType;

/** What a type argument must be able to do. Each name includes the operations of those before it, Int and Float those of Num. */
export type Bound = 'Any' | 'Eq' | 'Ord' | 'Num' | 'Int' | 'Float';

/** All bounds, in the order of the binary form. */
export const BOUNDS: readonly Bound[] = ['Any', 'Eq', 'Ord', 'Num', 'Int', 'Float'];

/** All scalar types, in the order of the binary form. */
export const SCALAR_NAMES: readonly ScalarName[] = [
  'i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64', 'f32', 'f64', 'bool',
]; // biome-ignore format: one row reads better

const SCALAR_SIZES: Readonly<Record<ScalarName, number>> = {
  ...{ i8: 1, i16: 2, i32: 4, i64: 8, u8: 1, u16: 2, u32: 4, u64: 8 },
  ...{ f32: 4, f64: 8, bool: 1 },
};

const scalars = new Map<string, ScalarType>(
  SCALAR_NAMES.map((name) => [name, enroll<ScalarType>({ kind: 'scalar', name }, [])]),
);
const pointers = new WeakMap<Type, PointerType>();

const BOOL = scalars.get('bool')!;

/** The scalar type of that name. */
export function scalar(name: ScalarName): ScalarType {
  return scalars.get(name)!;
}

/** The type of addresses of `to`. Throws TypeError if that is no type of this copy of the package; so do all that follow. */
export function ptr(to: Type): PointerType {
  let type = pointers.get(to);
  if (type === undefined) {
    type = enroll<PointerType>({ kind: 'ptr', to }, [to]);
    pointers.set(to, type);
  }
  return type;
}

/** Type parameter number `index`, which the template calls `name`. */
export function param(index: number, name: string): ParamType {
  return intern<ParamType>(`T${index} ${name}`, [], () => ({ kind: 'param', index, name }));
}

/** `length` values of type `of`. Throws RangeError unless `length` is an integer from 1 to 2^31 - 1. */
export function arrayOf(of: Type, length: number): ArrayType {
  if (!Number.isInteger(length) || length < 1 || length > MAX_TYPE_SIZE) {
    throw new RangeError(`the length of an array is an integer from 1 to ${MAX_TYPE_SIZE}, not ${length}`);
  }
  return intern<ArrayType>(`a${factsOf(of).id},${length}`, [of], () => ({ kind: 'array', of, length }));
}

/** The struct or enum `name` with type arguments `args`. What it holds, and whether it exists, a declaration says. */
export function named(name: string, args: readonly Type[] = []): NamedType {
  const key = `n${args.map((arg) => factsOf(arg).id).join()} ${name}`;
  return intern<NamedType>(key, args, () => ({ kind: 'named', name, args: Object.freeze([...args]) }));
}

/** The type of addresses of functions with those parameters and that result; `undefined` for none. */
export function fnType(params: readonly Type[], result: Type | undefined): FunctionType {
  const parts = result === undefined ? params : [...params, result];
  const key = `f${parts.map((part) => factsOf(part).id).join()}${result === undefined ? '' : '>'}`;
  return intern<FunctionType>(key, parts, () => ({ kind: 'fn', params: Object.freeze([...params]), result }));
}

/** True for `i8` to `u64`. */
export function isInt(type: Type): type is ScalarType & { readonly name: IntName } {
  return type.kind === 'scalar' && (type.name[0] === 'i' || type.name[0] === 'u');
}

/** True for `i8` to `i64`. */
export function isSigned(type: Type): boolean {
  return type.kind === 'scalar' && type.name[0] === 'i';
}

/** True for `f32` and `f64`. */
export function isFloat(type: Type): type is ScalarType & { readonly name: FloatName } {
  return type.kind === 'scalar' && type.name[0] === 'f';
}

/** True for `bool`. */
export function isBool(type: Type): boolean {
  return type === BOOL;
}

/** Size in bytes where it needs no declaration; undefined for type parameters, structs and enums, and arrays of them (see `layoutOf`). */
export function sizeOf(type: Type): number | undefined {
  switch (type.kind) {
    case 'scalar':
      return SCALAR_SIZES[type.name];
    case 'ptr':
    case 'fn':
      return 8;
    case 'array': {
      const size = sizeOf(type.of);
      return size === undefined || size * type.length > MAX_TYPE_SIZE ? undefined : size * type.length;
    }
    default:
      return undefined;
  }
}

/** True for numbers, truth values and the addresses of them, as nearly all types are: no more needs to be asked of such a type. */
export function isPlain(type: Type): boolean {
  return type.kind === 'scalar' || (type.kind === 'ptr' && type.to.kind === 'scalar');
}

/** True if no type parameter occurs in it. */
export function isConcrete(type: Type): boolean {
  return type.kind === 'scalar' || factsOf(type).concrete;
}

/** Levels of a type: `i64` has one, `ptr<i64>` two. */
export function depthOf(type: Type): number {
  return type.kind === 'scalar' ? 1 : factsOf(type).depth;
}

/** How many types are written in a type: `Pair<i64, ptr<i64>>` has four. */
export function partsOf(type: Type): number {
  return type.kind === 'scalar' ? 1 : factsOf(type).parts;
}

/** True if a struct or enum is written in it. */
export function mentionsNamed(type: Type): boolean {
  return !isPlain(type) && type.kind !== 'param' && factsOf(type).mentionsNamed;
}

/** Replaces each type parameter by the argument of its index; one that has none stays. The result may exceed the limits of types. */
export function substitute(type: Type, args: readonly Type[]): Type {
  if (type.kind === 'param') return args[type.index] ?? type;
  if (isConcrete(type)) return type;
  if (type.kind === 'ptr') return ptr(substitute(type.to, args));
  return rebuild(type, (part) => substitute(part, args));
}

/** A type of the same form, with each of its parts mapped. */
export function rebuild(type: Type, map: (part: Type) => Type): Type {
  switch (type.kind) {
    case 'ptr':
      return ptr(map(type.to));
    case 'array':
      return arrayOf(map(type.of), type.length);
    case 'named':
      return type.args.length === 0 ? type : named(type.name, type.args.map(map));
    case 'fn':
      return fnType(type.params.map(map), type.result === undefined ? undefined : map(type.result));
    default:
      return type;
  }
}

/** True if `test` holds for each of the types that this one is made of, in the order in which they are written. */
export function everyPart(type: Type, test: (part: Type) => boolean): boolean {
  switch (type.kind) {
    case 'ptr':
      return test(type.to);
    case 'array':
      return test(type.of);
    case 'named':
      return type.args.every(test);
    case 'fn':
      return type.params.every(test) && (type.result === undefined || test(type.result));
    default:
      return true;
  }
}

/** The type as text form and note.sdn write it: `i64`, `ptr<f64>`, `Pair<i32, f64>`, `array<u8, 16>`, `fn(i64) -> bool`, `T`. */
export function typeToString(type: Type): string {
  switch (type.kind) {
    case 'ptr':
      return `ptr<${typeToString(type.to)}>`;
    case 'array':
      return `array<${typeToString(type.of)}, ${type.length}>`;
    case 'named':
      return withArguments(type.name, type.args);
    case 'fn':
      return `fn${signatureToString(type)}`;
    default:
      return type.name;
  }
}

/** The name of a struct, enum or template with type arguments: `Pair<i32, f64>`, `sort<f64>`, `main`. */
export function withArguments(name: string, typeArgs: readonly Type[]): string {
  return typeArgs.length === 0 ? name : `${name}<${typeArgs.map(typeToString).join(', ')}>`;
}

/** What a native caller must pass and gets back; all types are concrete. `result` is undefined for a function without one. */
export interface Signature {
  readonly params: readonly Type[];
  readonly result: Type | undefined;
}

/** `(ptr<f64>, i64) -> f64`. Equal text means equal signatures. */
export function signatureToString(signature: Signature): string {
  const result = signature.result === undefined ? '' : ` -> ${typeToString(signature.result)}`;
  return `(${signature.params.map(typeToString).join(', ')})${result}`;
}

/**
 * The symbol of an instance for which no note gives one: `fn$sort$f64`. Never parsed back: tables say what a symbol means.
 */
export function mangle(template: string, typeArgs: readonly Type[]): string {
  let symbol = `fn$${template}`;
  for (const type of typeArgs) symbol += `$${type.kind === 'scalar' ? type.name : typeToString(type)}`;
  return symbol;
}
