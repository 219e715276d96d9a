// The rules for struct and enum declarations: names, types, bounds of type arguments, and that none contains itself by value.
import { type KnownParam, satisfies } from './bounds.js';
import type { IrDiagnostic } from './errors.js';
import type { FieldDeclaration, TypeDeclaration, TypeEnvironment, TypeParam } from './ir.js';
import { MAX_FIELDS, MAX_PARAMS, MAX_TYPE_DEPTH, MAX_TYPE_PARAMS, MAX_TYPE_PARTS } from './limits.js';
import { isDeclarationName, isFieldName } from './names.js';
import { BOUNDS, depthOf, isPlain, partsOf, type Type, typeToString } from './types.js';
import type { Report } from './verify-code.js';

export type Sink = (diagnostic: IrDiagnostic) => void;

/** A report about a declaration, or about a module: `name` is what is at fault. */
export function reportFor(name: string, sink: Sink): Report {
  return (code, expected, found) =>
    sink({ code, function: name, block: undefined, instruction: undefined, expected, found });
}

const quote = (text: string): string => JSON.stringify(text.slice(0, 80));

/** Checks the type parameters of a function or declaration. `types`: declarations, whose names they must not have. */
export function checkTypeParams(
  typeParams: readonly TypeParam[],
  types: TypeEnvironment | undefined,
  report: Report,
): void {
  if (typeParams.length > MAX_TYPE_PARAMS) {
    report('LIMIT', `at most ${MAX_TYPE_PARAMS} type parameters`, `${typeParams.length}`);
  }
  if (typeParams.length === 0) return;
  const seen = new Set<string>();
  for (const { name, bound } of typeParams) {
    if (!isDeclarationName(name)) report('NAME', 'an identifier as the name of a type parameter', quote(name));
    if (seen.has(name)) report('DUPLICATE', 'one type parameter of each name', `a second ${name}`);
    if (types?.(name) !== undefined) {
      report('DUPLICATE', 'a type parameter that is named as no declaration', `${name}, which is declared`);
    }
    seen.add(name);
    if (!BOUNDS.includes(bound)) report('TYPE', `a bound (${BOUNDS.join(', ')})`, String(bound));
  }
}

/**
 * Checks that a type is one of the module, and within the limits; false, and reported, if not. `types` undefined: named
 * types are believed. Bounds of type arguments are `checkArgumentBounds`'s.
 */
export function checkTypeShape(
  type: Type,
  typeParams: readonly TypeParam[],
  types: TypeEnvironment | undefined,
  maxParams: number,
  report: Report,
): boolean {
  if (isPlain(type)) return true;
  if (depthOf(type) > MAX_TYPE_DEPTH) {
    report('LIMIT', `a type of at most ${MAX_TYPE_DEPTH} levels`, 'a deeper one');
    return false;
  }
  if (partsOf(type) > MAX_TYPE_PARTS) {
    report('LIMIT', `a type of at most ${MAX_TYPE_PARTS} parts`, 'a larger one');
    return false;
  }
  for (const part of partsWithin(type)) {
    if (part.kind === 'param' && typeParams[part.index]?.name !== part.name) {
      report('TYPE', 'a type parameter that is there', `${part.name}, number ${part.index}`);
      return false;
    }
    if (part.kind === 'fn' && part.params.length > maxParams) {
      report('LIMIT', `a function type of at most ${maxParams} parameters`, `${part.params.length}`);
      return false;
    }
    if (part.kind !== 'named') continue;
    if (!isDeclarationName(part.name)) {
      report('NAME', 'an identifier as the name of a type', quote(part.name));
      return false;
    }
    if (types === undefined) continue;
    const declaration = types(part.name);
    if (declaration === undefined) {
      report('TYPE', 'a type that is declared', part.name);
      return false;
    }
    if (declaration.typeParams.length !== part.args.length) {
      report('TYPE', `${declaration.typeParams.length} type arguments for ${part.name}`, `${part.args.length}`);
      return false;
    }
  }
  return true;
}

/** Reports each type argument of a struct or enum within `type` that does not meet its parameter's bound. */
export function checkArgumentBounds(
  type: Type,
  typeParams: readonly KnownParam[],
  types: TypeEnvironment,
  report: Report,
): void {
  for (const part of partsWithin(type)) {
    if (part.kind !== 'named') continue;
    types(part.name)?.typeParams.forEach(({ name, bound }, i) => {
      const arg = part.args[i];
      if (arg === undefined || satisfies(arg, bound, typeParams)) return;
      report('TYPE', `a type with bound ${bound} for ${name} of ${part.name}`, typeToString(arg));
    });
  }
}

/** The type and all types within it; at most MAX_TYPE_PARTS of them where that was checked. */
export function* partsWithin(type: Type): Generator<Type> {
  yield type;
  if (type.kind === 'ptr') yield* partsWithin(type.to);
  else if (type.kind === 'array') yield* partsWithin(type.of);
  else if (type.kind === 'named') for (const arg of type.args) yield* partsWithin(arg);
  else if (type.kind === 'fn') {
    for (const param of type.params) yield* partsWithin(param);
    if (type.result !== undefined) yield* partsWithin(type.result);
  }
}

/** Checks one declaration; whether it contains itself is `checkContainment`'s. */
export function checkDeclaration(declaration: TypeDeclaration, types: TypeEnvironment, report: Report): void {
  const { name, typeParams } = declaration;
  if (!isDeclarationName(name)) report('NAME', 'an identifier as the name of the declaration', quote(name));
  checkTypeParams(typeParams, types, report);
  if (declaration.kind === 'struct') {
    if (declaration.fields.length === 0) report('SHAPE', 'at least one field', 'none');
    checkFields(declaration.fields, name, declaration, types, report);
    return;
  }
  const { variants } = declaration;
  if (variants.length === 0) report('SHAPE', 'at least one variant', 'none');
  if (variants.length > MAX_FIELDS) report('LIMIT', `at most ${MAX_FIELDS} variants`, `${variants.length}`);
  const seen = new Set<string>();
  for (const { name: variant, fields } of variants) {
    if (!isFieldName(variant)) report('NAME', 'an identifier without dots as the name of a variant', quote(variant));
    if (seen.has(variant)) report('DUPLICATE', `one variant of each name in ${name}`, `a second ${variant}`);
    seen.add(variant);
    checkFields(fields, variant, declaration, types, report);
  }
}

function checkFields(
  fields: readonly FieldDeclaration[],
  owner: string,
  { typeParams }: TypeDeclaration,
  types: TypeEnvironment,
  report: Report,
): void {
  if (fields.length > MAX_FIELDS) report('LIMIT', `at most ${MAX_FIELDS} fields`, `${fields.length}`);
  const seen = new Set<string>();
  for (const { name, type } of fields) {
    if (!isFieldName(name)) report('NAME', 'an identifier without dots as the name of a field', quote(name));
    if (seen.has(name)) report('DUPLICATE', `one field of each name in ${owner}`, `a second ${name}`);
    seen.add(name);
    if (!checkTypeShape(type, typeParams, types, MAX_PARAMS, report)) continue;
    checkArgumentBounds(type, typeParams, types, report);
  }
}
