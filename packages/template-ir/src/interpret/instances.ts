// Provides the callees of interpreted code: specialises templates on demand and keeps the instances.
import { environmentOf } from '../declarations.js';
import { IrLinkError } from '../errors.js';
import type { Callee, ConcreteFunction, TemplateModule } from '../ir.js';
import { specialise } from '../specialise.js';
import { mangle, withArguments } from '../types.js';
import { lookupIn } from '../verify.js';

/** Gives the function that a call reaches. Throws `IrLinkError` with `UNKNOWN_TEMPLATE` if there is none. */
export type CalleeProvider = (callee: Callee) => ConcreteFunction;

/**
 * A provider of all instances of a module's templates, each specialised once. Throws what `specialise` throws, and
 * `IrLinkError` with `UNKNOWN_TEMPLATE` for a template that the module does not define.
 *
 * ```ts
 * const call = instances(module);
 * interpret(call({ template: 'median', typeArgs: [scalar('f64')] }), [data, 3n], { memory, call });
 * ```
 */
export function instances(module: TemplateModule): CalleeProvider {
  const lookup = lookupIn(module);
  const types = environmentOf(module.types);
  const made = new Map<string, ConcreteFunction>();
  return ({ template: name, typeArgs }) => {
    const key = mangle(name, typeArgs);
    const known = made.get(key);
    if (known !== undefined) return known;
    const template = lookup(name);
    if (template === undefined) {
      const callee = withArguments(name, typeArgs);
      throw new IrLinkError('UNKNOWN_TEMPLATE', callee, `a template of module ${module.name}`, name);
    }
    const fn = specialise(template, typeArgs, { types });
    made.set(key, fn);
    return fn;
  };
}
