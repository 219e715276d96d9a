// The rules for types, wherever they occur: that each part of one is there and within the limits, and that type arguments
// meet their bounds. Each type is looked at once in a function or declaration: large types may share most of their parts.
import { type KnownParam, satisfies } from './bounds.js';
import type { TypeEnvironment } from './ir.js';
import { MAX_TYPE_DEPTH, MAX_TYPE_PARTS } from './limits.js';
import { isDeclarationName } from './names.js';
import { depthOf, everyPart, isPlain, mentionsNamed, partsOf, type Type, typeToString } from './types.js';
import type { Report } from './verify-code.js';

/** The function or declaration in which types occur, and which of them were found good. */
export interface TypeScope {
  /** What is known of the type parameters here. */
  readonly typeParams: readonly KnownParam[];
  /** Undefined: named types are believed. */
  readonly declarations: TypeEnvironment | undefined;
  /** Parameters that a function type may have. */
  readonly maxParams: number;
  readonly report: Report;
  /** Types other than the usual ones that were found good. */
  goodTypes: Set<Type> | undefined;
  /** Types whose type arguments were found to meet their bounds, as far as `metBy` is what is known. */
  boundsMet: Set<Type> | undefined;
  metBy: readonly KnownParam[] | undefined;
}

/** False, and reported, if the type is not one of the scope or exceeds the limits. Bounds are `checkArgumentBounds`'s. */
export function checkTypeShape(type: Type, scope: TypeScope): boolean {
  if (isPlain(type)) return true;
  scope.goodTypes ??= new Set();
  if (scope.goodTypes.has(type)) return true;
  if (!checkOne(type, scope) || !everyPart(type, (part) => checkTypeShape(part, scope))) return false;
  scope.goodTypes.add(type);
  return true;
}

/** The same for the type without its parts. */
function checkOne(type: Type, { typeParams, declarations, maxParams, report }: TypeScope): boolean {
  if (depthOf(type) > MAX_TYPE_DEPTH) {
    report('LIMIT', `a type of at most ${MAX_TYPE_DEPTH} levels`, 'a deeper one');
    return false;
  }
  if (partsOf(type) > MAX_TYPE_PARTS) {
    report('LIMIT', `a type of at most ${MAX_TYPE_PARTS} parts`, 'a larger one');
    return false;
  }
  if (type.kind === 'param' && typeParams[type.index]?.name !== type.name) {
    report('TYPE', 'a type parameter that is there', `${type.name}, number ${type.index}`);
    return false;
  }
  if (type.kind === 'fn' && type.params.length > maxParams) {
    report('LIMIT', `a function type of at most ${maxParams} parameters`, `${type.params.length}`);
    return false;
  }
  if (type.kind !== 'named') return true;
  if (!isDeclarationName(type.name)) {
    report('NAME', 'an identifier as the name of a type', JSON.stringify(type.name.slice(0, 80)));
    return false;
  }
  if (declarations === undefined) return true;
  const declaration = declarations(type.name);
  if (declaration === undefined) {
    report('TYPE', 'a type that is declared', type.name);
    return false;
  }
  if (declaration.typeParams.length !== type.args.length) {
    report('TYPE', `${declaration.typeParams.length} type arguments for ${type.name}`, `${type.args.length}`);
    return false;
  }
  return true;
}

/** Reports each type argument of a struct or enum within `type`, whose shape is good, that does not meet its bound. */
export function checkArgumentBounds(type: Type, scope: TypeScope): void {
  if (scope.declarations === undefined) return;
  if (scope.boundsMet === undefined || scope.metBy !== scope.typeParams) {
    scope.boundsMet = new Set();
    scope.metBy = scope.typeParams;
  }
  meetsBounds(type, scope, scope.declarations, scope.boundsMet);
}

function meetsBounds(type: Type, scope: TypeScope, declarations: TypeEnvironment, met: Set<Type>): boolean {
  if (!mentionsNamed(type) || met.has(type)) return true;
  let good = true;
  if (type.kind === 'named') {
    declarations(type.name)?.typeParams.forEach(({ name, bound }, i) => {
      const arg = type.args[i];
      if (arg === undefined || satisfies(arg, bound, scope.typeParams)) return;
      scope.report('TYPE', `a type with bound ${bound} for ${name} of ${type.name}`, typeToString(arg));
      good = false;
    });
  }
  everyPart(type, (part) => {
    good = meetsBounds(part, scope, declarations, met) && good;
    return true;
  });
  if (good) met.add(type);
  return good;
}
