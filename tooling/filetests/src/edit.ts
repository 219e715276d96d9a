// The `edit:` directive: changes a module in memory, where the text form cannot say what a rule of the verifier forbids.
import { parseType, type TemplateModule } from '@simple-jit/template-ir';
import { DirectiveError, type EditDirective } from './directives.js';

/**
 * A copy of the module with one thing changed. The path starts at a template's name: `f/blocks/0/terminator/op`; `module`
 * stands for the module itself. What it names must be there, so that an edit never does nothing.
 */
export function editModule(module: TemplateModule, { path, value }: EditDirective): TemplateModule {
  const replacement = 'type' in value ? parseType(value.type) : value.json;
  const [first, ...rest] = path;
  if (first === 'module') return replaceAt(module, rest, replacement) as TemplateModule;
  const index = module.templates.findIndex(({ name }) => name === first);
  if (index < 0) throw new DirectiveError(`there is no template ${first}`);
  return replaceAt(module, ['templates', String(index), ...rest], replacement) as TemplateModule;
}

function replaceAt(target: unknown, path: readonly string[], replacement: unknown): unknown {
  if (path.length === 0) return replacement;
  const [key, ...rest] = path as [string, ...string[]];
  if (typeof target !== 'object' || target === null || !(key in target)) {
    throw new DirectiveError(`there is nothing at ${key}`);
  }
  const changed = replaceAt((target as Record<string, unknown>)[key], rest, replacement);
  if (Array.isArray(target)) return target.map((item, i) => (String(i) === key ? changed : item));
  return { ...target, [key]: changed };
}
