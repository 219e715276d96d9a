// What a struct's or enum's declaration says of its fields: looking them up by path, and their types after substitution.
import type { FieldDeclaration, TypeDeclaration, TypeEnvironment } from './ir.js';
import { type NamedType, scalar, substitute, type Type } from './types.js';

/** Declarations by name; of several with one name, the first. */
export function environmentOf(declarations: readonly TypeDeclaration[]): TypeEnvironment {
  const byName = new Map<string, TypeDeclaration>();
  for (const declaration of declarations) if (!byName.has(declaration.name)) byName.set(declaration.name, declaration);
  return (name) => byName.get(name);
}

/** An environment without declarations. */
export const NO_TYPES: TypeEnvironment = () => undefined;

/** All fields of a declaration with the paths that name them: `x` of a struct, `tag` and `Variant.x` of an enum. */
export function* fieldsOf(declaration: TypeDeclaration): Generator<readonly [path: string, field: FieldDeclaration]> {
  if (declaration.kind === 'struct') {
    for (const field of declaration.fields) yield [field.name, field];
    return;
  }
  for (const { name, fields } of declaration.variants)
    for (const field of fields) yield [`${name}.${field.name}`, field];
}

// Fields by path of declarations that were asked for; a declaration is never changed.
const paths = new WeakMap<TypeDeclaration, ReadonlyMap<string, Type>>();

/** The type of the field of `type` that `path` names; undefined if the declaration has none. */
export function fieldType(type: NamedType, declaration: TypeDeclaration, path: string): Type | undefined {
  let known = paths.get(declaration);
  if (known === undefined) {
    const fields = [...fieldsOf(declaration)].map(([name, field]) => [name, field.type] as const);
    if (declaration.kind === 'enum') fields.push(['tag', scalar('u32')]);
    known = new Map(fields);
    paths.set(declaration, known);
  }
  const found = known.get(path);
  return found === undefined ? undefined : substitute(found, type.args);
}

// Tags by variant, likewise.
const tags = new WeakMap<TypeDeclaration, ReadonlyMap<string, number>>();

/** The tag of a variant: its index; undefined if the declaration is no enum with that variant. */
export function tagOf(declaration: TypeDeclaration, variant: string): number | undefined {
  if (declaration.kind !== 'enum') return undefined;
  let known = tags.get(declaration);
  if (known === undefined) {
    known = new Map(declaration.variants.map(({ name }, tag) => [name, tag] as const).reverse()); // the first of a name
    tags.set(declaration, known);
  }
  return known.get(variant);
}

/** What a path of a declaration may be, for messages: `a, b` of a struct, `tag, Some.value` of an enum. */
export function pathsToString(declaration: TypeDeclaration): string {
  const all = [...(declaration.kind === 'enum' ? ['tag'] : []), ...[...fieldsOf(declaration)].map(([path]) => path)];
  return all.length > 10 ? `${all.slice(0, 10).join(', ')}, …` : all.join(', ');
}
