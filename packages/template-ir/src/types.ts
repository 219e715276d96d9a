// The types of the template IR. Types are interned: two structurally equal types are the same object, so `===` compares
// them and a Map keyed by type works.

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

export type Type = ScalarType | PointerType | ParamType | ArrayType | NamedType | FunctionType;

/** What a type argument must be able to do. Each name includes the operations of those before it, Int and Float those of Num. */
export type Bound = 'Any' | 'Eq' | 'Ord' | 'Num' | 'Int' | 'Float';

export const BOUNDS: readonly Bound[] = ['Any', 'Eq', 'Ord', 'Num', 'Int', 'Float'];

export const SCALAR_NAMES: readonly ScalarName[] = [
  'i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64', 'f32', 'f64', 'bool',
]; // biome-ignore format: one row reads better

const scalars = new Map<string, ScalarType>(
  SCALAR_NAMES.map((name) => [name, Object.freeze({ kind: 'scalar' as const, name })]),
);
const pointers = new WeakMap<Type, PointerType>();
// Names of type parameters come from files: they must not stay for ever.
const params = new Map<string, WeakRef<ParamType>>();
const forgotten = new FinalizationRegistry<string>((key) => {
  if (params.get(key)?.deref() === undefined) params.delete(key);
});

/** The scalar type of that name. */
export function scalar(name: ScalarName): ScalarType {
  return scalars.get(name)!;
}

/** The type of addresses of `to`. */
export function ptr(to: Type): PointerType {
  let type = pointers.get(to);
  if (type === undefined) {
    type = Object.freeze({ kind: 'ptr' as const, to });
    pointers.set(to, type);
  }
  return type;
}

/** Type parameter number `index`, which the template calls `name`. */
export function param(index: number, name: string): ParamType {
  const key = `${index} ${name}`;
  let type = params.get(key)?.deref();
  if (type === undefined) {
    type = Object.freeze({ kind: 'param' as const, index, name });
    params.set(key, new WeakRef(type));
    forgotten.register(type, key);
  }
  return type;
}

export function isInt(type: Type): type is ScalarType & { readonly name: IntName } {
  return type.kind === 'scalar' && (type.name[0] === 'i' || type.name[0] === 'u');
}

export function isSigned(type: Type): boolean {
  return type.kind === 'scalar' && type.name[0] === 'i';
}

export function isFloat(type: Type): type is ScalarType & { readonly name: FloatName } {
  return type.kind === 'scalar' && type.name[0] === 'f';
}

export function isBool(type: Type): boolean {
  return type === scalar('bool');
}

/** Size in bytes, which is also the natural alignment; undefined for a type parameter. */
export function sizeOf(type: Type): number | undefined {
  if (type.kind === 'ptr') return 8;
  if (type.kind === 'param') return undefined;
  return type.name === 'bool' ? 1 : Number(type.name.slice(1)) / 8;
}

/** True if no type parameter occurs in it. */
export function isConcrete(type: Type): boolean {
  if (type.kind === 'ptr') return isConcrete(type.to);
  return type.kind === 'scalar';
}

/** Replaces each type parameter by the argument of its index. */
export function substitute(type: Type, args: readonly Type[]): Type {
  if (type.kind === 'param') return args[type.index] ?? type;
  if (type.kind === 'ptr') return ptr(substitute(type.to, args));
  return type;
}

/** The type as text form and note.sdn write it: `i64`, `ptr<f64>`, `T`. */
export function typeToString(type: Type): string {
  return type.kind === 'ptr' ? `ptr<${typeToString(type.to)}>` : type.name;
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
  return ['fn', template, ...typeArgs.map(typeToString)].join('$');
}
