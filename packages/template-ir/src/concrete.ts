// Makes the types of a template concrete, and finds the layouts that an instance needs.
import { satisfies } from './bounds.js';
import { IrLayoutError, IrSpecialiseError, type SpecialiseCode } from './errors.js';
import type { Layout, TypeEnvironment, TypeParam } from './ir.js';
import { Layouts, type TypeLayout } from './layout.js';
import { MAX_SLOT_BYTES, MAX_TYPE_DEPTH, MAX_TYPE_PARTS } from './limits.js';
import {
  depthOf,
  everyPart,
  isPlain,
  mentionsNamed,
  type NamedType,
  partsOf,
  ptr,
  rebuild,
  type Type,
  typeToString,
} from './types.js';

/** One specialisation: type arguments, declarations, and what was found out of them. */
export interface Concretion {
  readonly template: string;
  readonly typeParams: readonly TypeParam[];
  readonly typeArgs: readonly Type[];
  readonly types: TypeEnvironment;
  /** What types became whose parts had to be looked at. */
  substituted: Map<Type, Type> | undefined;
  layouts: Layouts | undefined;
  slotBytes: number;
}

/** The type with the arguments in it. Throws IrSpecialiseError with UNKNOWN_TYPE for a struct or enum that nothing declares. */
export function concreteType(type: Type, concretion: Concretion): Type {
  if (isPlain(type)) return type;
  if (type.kind === 'param') {
    const arg = concretion.typeArgs[type.index];
    if (arg?.kind === 'scalar') return arg;
  } else if (type.kind === 'ptr') {
    const to = type.to.kind === 'param' ? concretion.typeArgs[type.to.index] : undefined;
    if (to?.kind === 'scalar') return ptr(to);
  }
  return concretion.substituted?.get(type) ?? substitutedType(type, concretion);
}

function substitutedType(type: Type, concretion: Concretion): Type {
  if (isTooLarge(type)) return type; // for any module: left as it is, for the verifier to report
  const { types, typeArgs, template } = concretion;
  const found =
    type.kind === 'param' ? (typeArgs[type.index] ?? type) : rebuild(type, (part) => concreteType(part, concretion));
  if (type.kind === 'named' && types(type.name) === undefined) {
    const message = `nothing declares the type ${type.name}: give the option \`types\``;
    throw new IrSpecialiseError('UNKNOWN_TYPE', template, message);
  }
  if (isTooLarge(found)) {
    const message = `${typeToString(type)} has more than ${MAX_TYPE_DEPTH} levels or ${MAX_TYPE_PARTS} parts with these arguments`;
    throw new IrSpecialiseError('LIMIT', template, message);
  }
  concretion.substituted ??= new Map();
  concretion.substituted.set(type, found);
  return found;
}

function isTooLarge(type: Type): boolean {
  return depthOf(type) > MAX_TYPE_DEPTH || partsOf(type) > MAX_TYPE_PARTS;
}

/** Layout of a concrete type. Throws IrSpecialiseError where it has none. */
export function layoutIn(type: Type, concretion: Concretion): TypeLayout {
  concretion.layouts ??= new Layouts(concretion.types);
  try {
    return concretion.layouts.of(type);
  } catch (error) {
    throw inTemplate(error, concretion);
  }
}

/** The lines that tell which layouts were looked at. */
export function layoutLines(concretion: Concretion): readonly string[] {
  try {
    return concretion.layouts?.lines() ?? [];
  } catch (error) {
    throw inTemplate(error, concretion);
  }
}

function inTemplate(error: unknown, { template }: Concretion): unknown {
  if (!(error instanceof IrLayoutError)) return error;
  return new IrSpecialiseError(codes[error.code], template, error.message, { cause: error });
}

/** Layout of a slot, whose bytes are counted. */
export function slotLayoutIn(type: Type, concretion: Concretion): Layout {
  const { size, align } = layoutIn(type, concretion);
  concretion.slotBytes += size;
  if (concretion.slotBytes > MAX_SLOT_BYTES) {
    const message = `the slots have more than ${MAX_SLOT_BYTES} bytes`;
    throw new IrSpecialiseError('TOO_LARGE', concretion.template, message);
  }
  return { size, align };
}

const codes: Record<IrLayoutError['code'], SpecialiseCode> = {
  UNKNOWN_TYPE: 'UNKNOWN_TYPE',
  LAYOUT_CYCLE: 'LAYOUT_CYCLE',
  TOO_LARGE: 'TOO_LARGE',
  LIMIT: 'LIMIT',
  ARGUMENT_COUNT: 'ARGUMENT_TYPE',
  NOT_CONCRETE: 'ARGUMENT_TYPE',
};

/** Throws for type arguments within `type` that do not meet the bounds of the declarations that take them. */
export function checkNamedArgument(type: Type, types: TypeEnvironment, template: string): void {
  if (type.kind === 'named') checkNamed(type, types, template);
  everyPart(type, (part) => {
    if (mentionsNamed(part)) checkNamedArgument(part, types, template);
    return true;
  });
}

function checkNamed(type: NamedType, types: TypeEnvironment, template: string): void {
  const declaration = types(type.name);
  if (declaration === undefined) {
    const message = `nothing declares the type ${type.name}: give the option \`types\``;
    throw new IrSpecialiseError('UNKNOWN_TYPE', template, message);
  }
  const { typeParams } = declaration;
  if (typeParams.length !== type.args.length) {
    const message = `${type.name} takes ${typeParams.length} type arguments, ${typeToString(type)} has ${type.args.length}`;
    throw new IrSpecialiseError('ARGUMENT_TYPE', template, message);
  }
  typeParams.forEach((param, i) => {
    const arg = type.args[i]!;
    if (satisfies(arg, param.bound)) return;
    const message = `${param.name} of ${type.name} needs bound ${param.bound}, ${typeToString(arg)} does not meet it`;
    throw new IrSpecialiseError('BOUND_NOT_MET', template, message);
  });
}
