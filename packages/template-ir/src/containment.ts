// Which declared types lie within which by value: found on the declarations, before any type argument is known, so that
// no instance can contain itself.
import { fieldsOf } from './declarations.js';
import type { TypeDeclaration, TypeEnvironment } from './ir.js';
import type { Type } from './types.js';

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

/** Grows from "none" until nothing changes: at most as many rounds as there are type parameters. */
function parametersByValue(declarations: readonly TypeDeclaration[], types: TypeEnvironment): ByValue {
  const byValue = new Map<string, boolean[]>();
  /** Declarations to look at again when one of theirs has changed. */
  const users = new Map<string, Set<string>>();
  for (const { name, typeParams } of declarations)
    byValue.set(
      name,
      typeParams.map(() => false),
    );
  const work = declarations.map(({ name }) => name);
  const queued = new Set(work);
  for (let name = work.pop(); name !== undefined; name = work.pop()) {
    queued.delete(name);
    const known = byValue.get(name)!;
    let changed = false;
    for (const [, { type }] of fieldsOf(types(name)!)) {
      for (const part of heldBy(type, byValue)) {
        if (part.kind === 'param' && known[part.index] === false) {
          known[part.index] = true;
          changed = true;
        }
        if (part.kind !== 'named' || !byValue.has(part.name)) continue;
        if (!users.has(part.name)) users.set(part.name, new Set());
        users.get(part.name)!.add(name);
      }
    }
    if (!changed) continue;
    for (const user of users.get(name) ?? []) {
      if (queued.has(user)) continue;
      queued.add(user);
      work.push(user);
    }
  }
  return byValue;
}

/** The type and what a value of it holds by value, as far as `byValue` knows. */
function* heldBy(type: Type, byValue: ByValue): Generator<Type> {
  yield type;
  if (type.kind === 'array') yield* heldBy(type.of, byValue);
  if (type.kind !== 'named') return;
  const held = byValue.get(type.name);
  for (const [i, arg] of type.args.entries()) if (held?.[i]) yield* heldBy(arg, byValue);
}

/** The names of the declarations that a value of this one holds by value, each once. */
function containedIn(declaration: TypeDeclaration, types: TypeEnvironment, byValue: ByValue): string[] {
  const names = new Set<string>();
  for (const [, { type }] of fieldsOf(declaration)) {
    for (const part of heldBy(type, byValue)) {
      if (part.kind === 'named' && types(part.name) !== undefined && byValue.has(part.name)) names.add(part.name);
    }
  }
  return [...names];
}
