// The instances that a file's calls start at, and all that these reach.
import {
  type CalleeProvider,
  type ConcreteFunction,
  calleesOf,
  environmentOf,
  instances,
  parseTypeList,
  specialise,
  type TemplateModule,
} from '@simple-jit/template-ir';
import { type CallText, DirectiveError } from './directives.js';

export function instanceOf(call: CalleeProvider, { template, typeArgs }: CallText): ConcreteFunction {
  return call({ template, typeArgs: parseTypeList(typeArgs) });
}

/** Each function once, the roots first. */
export function reachable(roots: readonly ConcreteFunction[], call: CalleeProvider): ConcreteFunction[] {
  const found = new Set(roots);
  // A Set that grows while it is walked is walked to its new end.
  for (const fn of found) for (const callee of calleesOf(fn)) found.add(call(callee));
  return [...found];
}

export const providerOf = (module: TemplateModule): CalleeProvider => instances(module);

/** Specialises by itself: type arguments may name the template's own type parameters, which `specialise` must refuse. */
export function specialiseWith(module: TemplateModule, name: string, typeArgs: string): ConcreteFunction {
  const template = module.templates.find((candidate) => candidate.name === name);
  if (template === undefined) throw new DirectiveError(`there is no template ${name}`);
  const args = parseTypeList(typeArgs, { typeParams: template.typeParams });
  return specialise(template, args, { types: environmentOf(module.types) });
}
