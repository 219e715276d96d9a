// The rules for struct and enum declarations: names, types, bounds of type arguments, and that none contains itself by value.
import { checkArgumentBounds, checkTypeShape, type TypeScope } from './check-type.js';
import type { IrDiagnostic } from './errors.js';
import type { FieldDeclaration, TypeDeclaration, TypeEnvironment, TypeParam } from './ir.js';
import { MAX_FIELDS, MAX_PARAMS, MAX_TYPE_PARAMS } from './limits.js';
import { isDeclarationName, isFieldName } from './names.js';
import { BOUNDS } from './types.js';
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

/** Checks one declaration; whether it contains itself is `checkContainment`'s. */
export function checkDeclaration(declaration: TypeDeclaration, types: TypeEnvironment, report: Report): void {
  const { name, typeParams } = declaration;
  if (!isDeclarationName(name)) report('NAME', 'an identifier as the name of the declaration', quote(name));
  checkTypeParams(typeParams, types, report);
  const known = { goodTypes: undefined, boundsMet: undefined, metBy: undefined };
  const scope: TypeScope = { typeParams, declarations: types, maxParams: MAX_PARAMS, report, ...known };
  if (declaration.kind === 'struct') {
    if (declaration.fields.length === 0) report('SHAPE', 'at least one field', 'none');
    checkFields(declaration.fields, name, scope);
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
    checkFields(fields, variant, scope);
  }
}

function checkFields(fields: readonly FieldDeclaration[], owner: string, scope: TypeScope): void {
  const { report } = scope;
  if (fields.length > MAX_FIELDS) report('LIMIT', `at most ${MAX_FIELDS} fields`, `${fields.length}`);
  const seen = new Set<string>();
  for (const { name, type } of fields) {
    if (!isFieldName(name)) report('NAME', 'an identifier without dots as the name of a field', quote(name));
    if (seen.has(name)) report('DUPLICATE', `one field of each name in ${owner}`, `a second ${name}`);
    seen.add(name);
    if (checkTypeShape(type, scope)) checkArgumentBounds(type, scope);
  }
}
