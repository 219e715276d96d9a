// The verifier's entrances: whole modules and single functions, the first problem thrown or all of them collected.
// docs/spec/template-ir.md, section 8.
import { containmentCycle } from './containment.js';
import { environmentOf } from './declarations.js';
import { type IrDiagnostic, IrVerifyError } from './errors.js';
import type { IrFunction, TemplateModule, TypeDeclaration, TypeEnvironment } from './ir.js';
import { MAX_DIAGNOSTICS } from './limits.js';
import { isName } from './names.js';
import { type TemplateLookup, verification } from './verification.js';
import { checkDeclaration, reportFor, type Sink } from './verify-declarations.js';
import { check } from './verify-function.js';

export type { TemplateLookup } from './verification.js';

const noTemplates: TemplateLookup = () => undefined;

/**
 * Checks every declaration and template of a module, and calls between templates against the callee's parameters and
 * bounds. Throws `IrVerifyError` (any `VerifyCode`) for the first rule that is broken.
 *
 * ```ts
 * verifyModule(parseModule(text));
 * ```
 */
export function verifyModule(module: TemplateModule): void {
  checkModule(module, raise);
}

/**
 * Checks one function, generic or concrete. Calls of templates that `lookup` finds are checked against them; others only
 * for well-formed types. `types` finds the declarations of structs and enums; without it, named types are believed to
 * exist, but no field of them can be used. Throws `IrVerifyError` (any `VerifyCode`) for the first rule that is broken.
 *
 * ```ts
 * verifyTemplate(decodeTemplate(entry), lookupIn(module), environmentOf(module.types));
 * ```
 */
export function verifyTemplate(
  template: IrFunction,
  lookup: TemplateLookup = noTemplates,
  types?: TypeEnvironment,
): void {
  check(verification(template, lookup, types, raise));
}

/**
 * Checks struct and enum declarations: all of a module, or of several that belong together. Throws `IrVerifyError` for the
 * first rule that is broken, with the name of the declaration as that of the function: `NAME`, `DUPLICATE`, `TYPE`, `SHAPE`, `LIMIT`,
 * `LAYOUT_CYCLE`.
 */
export function verifyDeclarations(declarations: readonly TypeDeclaration[]): void {
  checkDeclarations(declarations, raise);
}

/**
 * All problems of a module (at most 100); empty if `verifyModule` would accept it.
 *
 * ```ts
 * console.log(diagnoseModule(module).map(diagnosticToString).join('\n'));
 * ```
 */
export function diagnoseModule(module: TemplateModule): readonly IrDiagnostic[] {
  const found: IrDiagnostic[] = [];
  checkModule(module, collectInto(found));
  return found;
}

/** All problems of a function (at most 100); empty if `verifyTemplate` would accept it. */
export function diagnoseTemplate(
  template: IrFunction,
  lookup: TemplateLookup = noTemplates,
  types?: TypeEnvironment,
): readonly IrDiagnostic[] {
  const found: IrDiagnostic[] = [];
  check(verification(template, lookup, types, collectInto(found)));
  return found;
}

/** A lookup over the templates of a module. */
export function lookupIn(module: TemplateModule): TemplateLookup {
  const byName = new Map(module.templates.map((template) => [template.name, template]));
  return (name) => byName.get(name);
}

function raise(diagnostic: IrDiagnostic): never {
  throw new IrVerifyError(diagnostic);
}

function collectInto(found: IrDiagnostic[]): Sink {
  return (diagnostic) => {
    if (found.length < MAX_DIAGNOSTICS) found.push(diagnostic);
  };
}

function checkModule(module: TemplateModule, sink: Sink): void {
  const lookup = lookupIn(module);
  if (!isName(module.name)) {
    const found = JSON.stringify(module.name.slice(0, 80));
    reportFor(module.name, sink)('NAME', 'an identifier as the name of the module', found);
  }
  checkDeclarations(module.types, sink);
  const types = environmentOf(module.types);
  const seen = new Set<string>();
  for (const template of module.templates) {
    const state = verification(template, lookup, types, sink);
    if (seen.has(template.name)) state.report('DUPLICATE', 'one template of each name', `a second ${template.name}`);
    seen.add(template.name);
    check(state);
  }
}

function checkDeclarations(declarations: readonly TypeDeclaration[], sink: Sink): void {
  const types = environmentOf(declarations);
  const seen = new Set<string>();
  let problems = 0;
  const counting: Sink = (diagnostic) => {
    problems++;
    sink(diagnostic);
  };
  for (const declaration of declarations) {
    const { name } = declaration;
    const report = reportFor(name, counting);
    if (seen.has(name)) report('DUPLICATE', 'one declaration of each name', `a second ${name.slice(0, 80)}`);
    seen.add(name);
    checkDeclaration(declaration, types, report);
  }
  if (problems > 0) return; // what contains what is only sound to ask of well-formed declarations
  const cycle = containmentCycle(declarations, types);
  if (cycle === undefined) return;
  const path = cycle.length > 10 ? [...cycle.slice(0, 5), '…', ...cycle.slice(-4)] : cycle;
  reportFor(cycle[0]!, sink)('LAYOUT_CYCLE', 'a type that does not contain itself by value', path.join(' > '));
}
