// What the names of types mean to an instance: declarations of the module that asks, then of the modules of its type
// arguments, then of all loaded modules in load order. The same order holds for templates.
import { type Type, type TypeDeclaration, type TypeEnvironment, verifyDeclarations } from '@simple-jit/template-ir';
import type { LoadedModule } from './module.js';
import type { Modules } from './modules.js';

/** The module that asks, and those that declare the type arguments: who is asked before all others. */
export function firstAsked(home: LoadedModule, typeArgs: readonly Type[], modules: Modules): readonly LoadedModule[] {
  const asked = new Set([home]);
  for (const name of namesIn(typeArgs)) {
    const holder = home.declaration(name) === undefined ? modules.withDeclaration(name) : home;
    if (holder !== undefined) asked.add(holder);
  }
  return [...asked];
}

/**
 * Finds declarations for an instance; each was verified, with all that it uses.
 *
 * The environment throws IrDecodeError for a damaged declaration, IrVerifyError for a wrong one, SmfFormatError where a file's
 * entries cannot be read.
 */
export function typesFor(home: LoadedModule, typeArgs: readonly Type[], modules: Modules): TypeEnvironment {
  let asked: readonly LoadedModule[] | undefined;
  const find = (name: string): TypeDeclaration | undefined => {
    asked ??= firstAsked(home, typeArgs, modules);
    for (const module of asked) {
      const declaration = module.declaration(name);
      if (declaration !== undefined) return declaration;
    }
    return modules.withDeclaration(name)?.declaration(name);
  };
  return (name) => {
    const declaration = find(name);
    if (declaration !== undefined) verifyWithUsed(declaration, find);
    return declaration;
  };
}

const VERIFIED = new WeakSet<TypeDeclaration>();

function verifyWithUsed(declaration: TypeDeclaration, find: TypeEnvironment): void {
  if (VERIFIED.has(declaration)) return;
  const used = new Set([declaration]);
  // A Set that grows while it is walked is walked to its new end.
  for (const each of used) {
    for (const name of namesIn(fieldTypes(each))) {
      const found = find(name);
      if (found !== undefined) used.add(found);
    }
  }
  verifyDeclarations([...used]);
  for (const each of used) VERIFIED.add(each);
}

function fieldTypes(declaration: TypeDeclaration): readonly Type[] {
  const members = declaration.kind === 'struct' ? [declaration] : declaration.variants;
  return members.flatMap(({ fields }) => fields.map(({ type }) => type));
}

/** The names of structs and enums in types. */
export function namesIn(types: readonly Type[]): Set<string> {
  const names = new Set<string>();
  const rest = [...types];
  for (let type = rest.pop(); type !== undefined; type = rest.pop()) {
    switch (type.kind) {
      case 'ptr':
        rest.push(type.to);
        break;
      case 'array':
        rest.push(type.of);
        break;
      case 'named':
        names.add(type.name);
        rest.push(...type.args);
        break;
      case 'fn':
        rest.push(...type.params, ...(type.result === undefined ? [] : [type.result]));
        break;
      default:
    }
  }
  return names;
}
