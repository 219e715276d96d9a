// Random structs and enums, and what the generator must know of a type before it uses it.

import { type KnownParam, satisfies } from '../bounds.js';
import { fieldsOf } from '../declarations.js';
import type { EnumDeclaration, FieldDeclaration, StructDeclaration, TypeDeclaration, TypeEnvironment } from '../ir.js';
import { arrayOf, type FunctionType, fnType, named, param, ptr, scalar, substitute, type Type } from '../types.js';
import type { DeclarationPlan } from './plan.js';
import { SCALARS } from './scalars.js';

/** Types of function pointers in declarations; `addressable` functions have them. */
export const FUNCTION_TYPES: readonly FunctionType[] = [
  fnType([scalar('i64')], scalar('i64')),
  fnType([scalar('f64'), scalar('i32')], scalar('f64')),
  fnType([ptr(scalar('u8'))], undefined),
  fnType([scalar('bool'), scalar('u8'), scalar('i16')], scalar('bool')),
];

/** Declarations, each of which may use those before it, and itself through a pointer. */
export function declare(plans: readonly DeclarationPlan[]): readonly TypeDeclaration[] {
  const declarations: TypeDeclaration[] = [];
  for (const [i, plan] of plans.entries())
    declarations.push(declareOne(`${plan.isEnum ? 'E' : 'S'}${i}`, plan, declarations));
  return declarations;
}

function declareOne(name: string, plan: DeclarationPlan, earlier: readonly TypeDeclaration[]): TypeDeclaration {
  const typeParams = plan.bounds.map((bound, i) => ({ name: `A${i}`, bound }));
  const params = typeParams.map(({ name: paramName }, i) => param(i, paramName));
  const self = named(name, params);
  const scalarsAndParams = [...SCALARS, ...params, ...params];
  const plain = [
    ...scalarsAndParams,
    ...earlier.map((declaration) => instanceOf(declaration, scalarsAndParams, 0, typeParams)),
  ];
  const fields = (list: DeclarationPlan['variants'][number], prefix: string): FieldDeclaration[] =>
    list.map(({ type: number, shape }, k) => {
      const type = plain[number % plain.length]!;
      return { name: `${prefix}${k}`, type: shaped(type, shape, number, self) };
    });
  const variants = plan.variants.map((list, k) => ({ name: `V${k}`, fields: fields(list, 'f') }));
  if (plan.isEnum)
    return {
      kind: 'enum',
      name,
      typeParams,
      variants: variants.length > 0 ? variants : [NO_FIELDS],
    } satisfies EnumDeclaration;
  const members = variants.flatMap((variant) => variant.fields);
  return {
    kind: 'struct',
    name,
    typeParams,
    fields: members.length > 0 ? members : [FALLBACK],
  } satisfies StructDeclaration;
}

const NO_FIELDS = { name: 'V0', fields: [] };
const FALLBACK = { name: 'f0', type: scalar('i64') };

function shaped(type: Type, shape: number, number: number, self: Type): Type {
  // Not many structs in an array: arrays of arrays of them grow fast.
  if (shape === 4) return arrayOf(type, 1 + (number % (type.kind === 'named' ? 2 : 9)));
  if (shape === 5) return ptr(type);
  if (shape === 6) return ptr(self);
  if (shape === 7) return FUNCTION_TYPES[number % FUNCTION_TYPES.length]!;
  return type;
}

/** The declared type with arguments from `types` that satisfy its bounds; `number` chooses. */
export function instanceOf(
  { name, typeParams }: TypeDeclaration,
  types: readonly Type[],
  number: number,
  known: readonly KnownParam[],
): Type {
  return named(
    name,
    typeParams.map(({ bound }, i) => {
      const candidates = types.filter((type) => satisfies(type, bound, known));
      return candidates[(number + i) % candidates.length]!;
    }),
  );
}

/** What may be inside of a value of a type. */
export class Contents {
  readonly #environment: TypeEnvironment;
  readonly #known: () => readonly KnownParam[];

  constructor(environment: TypeEnvironment, known: () => readonly KnownParam[]) {
    this.#environment = environment;
    this.#known = known;
  }

  /** Types of the fields of a struct, or of all variants of an enum. */
  fields(type: Type): readonly Type[] {
    const declaration = type.kind === 'named' ? this.#environment(type.name) : undefined;
    if (type.kind !== 'named' || declaration === undefined) return [];
    return [...fieldsOf(declaration)].map(([, field]) => substitute(field.type, type.args));
  }

  declarationOf(type: Type): TypeDeclaration | undefined {
    return type.kind === 'named' ? this.#environment(type.name) : undefined;
  }

  /** True if a pointer may be in it: it must not outlive what the pointer leads to. */
  holdsPointers(type: Type): boolean {
    if (type.kind === 'ptr') return true;
    if (type.kind === 'param') return !satisfies(type, 'Num', this.#known());
    if (type.kind === 'array') return this.holdsPointers(type.of);
    return this.fields(type).some((field) => this.holdsPointers(field));
  }

  /** True if any bytes make values of it, none of which traps or is undefined. */
  isBytes(type: Type): boolean {
    if (type.kind === 'scalar') return true;
    if (type.kind === 'param') return satisfies(type, 'Num', this.#known());
    if (type.kind === 'array') return this.isBytes(type.of);
    return this.declarationOf(type)?.kind === 'struct' && this.fields(type).every((field) => this.isBytes(field));
  }
}
