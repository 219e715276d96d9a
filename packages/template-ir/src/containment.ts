// Which declared types lie within which by value: found on the declarations, before any type argument is known, so that
// no instance can contain itself.
import { fieldsOf } from './declarations.js';
import type { TypeDeclaration, TypeEnvironment } from './ir.js';
import { isPlain, type Type } from './types.js';

/**
 * A cycle of declarations that contain each other by value, from one back to itself (`['A', 'B', 'A']`); undefined if there
 * is none. A type argument counts as contained where the declaration that takes it holds it by value: `struct A { b: Box<A> }`
 * is a cycle if Box holds its T, and none if it holds a `ptr<T>`.
 */
export function containmentCycle(
  declarations: readonly TypeDeclaration[],
  types: TypeEnvironment,
): readonly string[] | undefined {
  const byValue = parametersByValue(declarations, types);
  const state = new Map<string, 'open' | 'done'>();
  for (const { name: root } of declarations) {
    if (state.has(root)) continue;
    // Depth first without recursion: chains of declarations may be as long as the module.
    const stack = [{ name: root, rest: containedIn(types(root)!, types, byValue) }];
    state.set(root, 'open');
    while (stack.length > 0) {
      const { name, rest } = stack.at(-1)!;
      const next = rest.pop();
      if (next === undefined) {
        state.set(name, 'done');
        stack.pop();
      } else if (state.get(next) === 'open') {
        const path = stack.map((frame) => frame.name);
        return [...path.slice(path.indexOf(next)), next];
      } else if (!state.has(next)) {
        state.set(next, 'open');
        stack.push({ name: next, rest: containedIn(types(next)!, types, byValue) });
      }
    }
  }
  return undefined;
}

/** For each declaration, which of its type parameters its values hold by value. */
type ByValue = ReadonlyMap<string, readonly boolean[]>;

/** A type that stands in a field of `owner`, as an argument or as a whole. */
interface Part {
  readonly owner: TypeDeclaration;
  readonly type: Type;
}

/**
 * Grows from "none" until nothing changes. Looks at each part of each declaration once: an argument waits until the
 * declaration that takes it is found to hold it by value.
 */
function parametersByValue(declarations: readonly TypeDeclaration[], types: TypeEnvironment): ByValue {
  const byValue = new Map<string, boolean[]>();
  const waiting = new Map<string, Part[][]>();
  const work: Part[] = [];
  for (const { name, typeParams } of declarations) {
    byValue.set(name, new Array<boolean>(typeParams.length).fill(false));
    waiting.set(
      name,
      typeParams.map(() => []),
    );
    const owner = types(name)!;
    for (const [, { type }] of fieldsOf(owner)) work.push({ owner, type });
  }
  const seen = new Map<TypeDeclaration, Set<Type>>();
  for (let part = work.pop(); part !== undefined; part = work.pop()) {
    const { owner, type } = part;
    if (isPlain(type) || !isNew(type, owner, seen)) continue;
    if (type.kind === 'array') work.push({ owner, type: type.of });
    else if (type.kind === 'param') {
      const held = byValue.get(owner.name)!;
      if (held[type.index] !== false) continue;
      held[type.index] = true;
      for (const user of waiting.get(owner.name)![type.index]!) work.push(user);
    } else if (type.kind === 'named') {
      const held = byValue.get(type.name);
      type.args.forEach((arg, i) => {
        if (held?.[i] === true) work.push({ owner, type: arg });
        else if (held?.[i] === false) waiting.get(type.name)![i]!.push({ owner, type: arg });
      });
    }
  }
  return byValue;
}

function isNew(type: Type, owner: TypeDeclaration, seen: Map<TypeDeclaration, Set<Type>>): boolean {
  const types = seen.get(owner);
  if (types === undefined) seen.set(owner, new Set([type]));
  else if (types.has(type)) return false;
  else types.add(type);
  return true;
}

/** The names of the declarations that a value of this one holds by value, each once. */
function containedIn(declaration: TypeDeclaration, types: TypeEnvironment, byValue: ByValue): string[] {
  const names = new Set<string>();
  const seen = new Set<Type>();
  const look = (type: Type): void => {
    if (isPlain(type) || seen.has(type)) return;
    seen.add(type);
    if (type.kind === 'array') look(type.of);
    if (type.kind !== 'named') return;
    const held = byValue.get(type.name);
    if (held !== undefined && types(type.name) !== undefined) names.add(type.name);
    type.args.forEach((arg, i) => {
      if (held?.[i] === true) look(arg);
    });
  };
  for (const [, { type }] of fieldsOf(declaration)) look(type);
  return [...names];
}
