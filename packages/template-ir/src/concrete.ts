// Makes the parts of a template concrete: types substituted, literals brought to their type, sizes and offsets written in.
import { type KnownParam, satisfies } from './bounds.js';
import { literalProblem, normaliseLiteral } from './constants.js';
import { tagOf } from './declarations.js';
import { IrLayoutError, IrSpecialiseError, type SpecialiseCode } from './errors.js';
import type { Callee, Instruction, IrFunction, TypeEnvironment, TypeParam, Value } from './ir.js';
import { Layouts, type TypeLayout } from './layout.js';
import { MAX_SLOT_BYTES, MAX_TYPE_DEPTH, MAX_TYPE_PARTS } from './limits.js';
import {
  depthOf,
  isConcrete,
  mentionsNamed,
  partsOf,
  scalar,
  sizeOf,
  substitute,
  type Type,
  typeToString,
} from './types.js';
import { partsWithin } from './verify-declarations.js';

const I64 = scalar('i64');
const U32 = scalar('u32');

/** One specialisation: type arguments, declarations, and what was found out of them. */
export class Concretion {
  readonly #template: string;
  readonly #typeArgs: readonly Type[];
  readonly #types: TypeEnvironment;
  readonly #substituted = new Map<Type, Type>();
  readonly #typeParams: readonly TypeParam[];
  #layouts: Layouts | undefined;
  #slotBytes = 0;

  constructor(fn: IrFunction, typeArgs: readonly Type[], types: TypeEnvironment) {
    this.#template = fn.name;
    this.#typeArgs = typeArgs;
    this.#types = types;
    this.#typeParams = fn.typeParams;
  }

  /** The layouts that were looked at so far: see `ConcreteFunction.layouts`. */
  get layouts(): readonly string[] {
    return this.#layouts?.lines() ?? [];
  }

  /** The type with the arguments in it. Throws IrSpecialiseError with UNKNOWN_TYPE for a struct or enum that nothing declares. */
  type(type: Type): Type {
    if (type.kind === 'scalar') return type;
    const known = this.#substituted.get(type);
    if (known !== undefined) return known;
    // Too large for any module: left as it is, for the verifier to report.
    if (depthOf(type) > MAX_TYPE_DEPTH || partsOf(type) > MAX_TYPE_PARTS) return type;
    const found = substitute(type, this.#typeArgs);
    if (mentionsNamed(found) && partsOf(found) <= MAX_TYPE_PARTS) {
      for (const part of partsWithin(found)) {
        if (part.kind !== 'named' || this.#types(part.name) !== undefined) continue;
        const message = `nothing declares the type ${part.name}: give the option \`types\``;
        throw new IrSpecialiseError('UNKNOWN_TYPE', this.#template, message);
      }
    }
    this.#substituted.set(type, found);
    return found;
  }

  /** Layout of a concrete type. Throws IrSpecialiseError where it has none. */
  layoutOf(type: Type): TypeLayout {
    this.#layouts ??= new Layouts(this.#types);
    try {
      return this.#layouts.of(type);
    } catch (error) {
      if (!(error instanceof IrLayoutError)) throw error;
      throw new IrSpecialiseError(codes[error.code], this.#template, error.message, { cause: error });
    }
  }

  /** Layout of a slot, whose bytes are counted. */
  slotLayout(type: Type): { readonly size: number; readonly align: number } {
    const { size, align } = this.layoutOf(type);
    this.#slotBytes += size;
    if (this.#slotBytes > MAX_SLOT_BYTES) {
      throw new IrSpecialiseError('TOO_LARGE', this.#template, `the slots have more than ${MAX_SLOT_BYTES} bytes`);
    }
    return { size, align };
  }

  /** The size of what a value points to; undefined where the verifier will find that it does not. */
  #pointedSize(pointer: Type | undefined, isArray = false): number | undefined {
    if (pointer?.kind !== 'ptr') return undefined;
    const type = isArray ? (pointer.to.kind === 'array' ? pointer.to.of : undefined) : pointer.to;
    if (type === undefined || !isConcrete(type)) return undefined;
    return type.kind === 'scalar' || type.kind === 'ptr' ? sizeOf(type) : this.layoutOf(type).size;
  }

  #callee({ template, typeArgs }: Callee): Callee {
    return { template, typeArgs: typeArgs.map((type) => this.type(type)) };
  }

  /** The instruction with types, sizes and offsets of this instance; `valueTypes` are those of the values in it. */
  instruction(instruction: Instruction, valueTypes: readonly Type[], generic: readonly Type[]): Instruction {
    switch (instruction.op) {
      case 'const': {
        const { result } = instruction;
        const type = valueTypes[result];
        if (type === undefined) return instruction; // the verifier reports it
        this.#checkLiteral(instruction, type, generic[result]!);
        return { op: 'const', result, value: normaliseLiteral(instruction.value, type) };
      }
      case 'elem': {
        const { op, result, base, index } = instruction;
        return { op, result, base, index, size: this.#pointedSize(valueTypes[base]) };
      }
      case 'item':
        return { ...instruction, size: this.#pointedSize(valueTypes[instruction.base], true) };
      case 'copy':
        return { ...instruction, size: this.#pointedSize(valueTypes[instruction.to]) };
      case 'field': {
        const base = valueTypes[instruction.base];
        if (base?.kind !== 'ptr' || base.to.kind !== 'named' || !isConcrete(base)) return instruction;
        return { ...instruction, offset: this.layoutOf(base.to).fields.get(instruction.path)?.offset };
      }
      case 'slot': {
        const type = this.type(instruction.type);
        return isConcrete(type) ? { ...instruction, type, layout: this.slotLayout(type) } : instruction;
      }
      case 'call':
      case 'fnaddr':
        return { ...instruction, callee: this.#callee(instruction.callee) };
      case 'sizeof':
      case 'alignof':
      case 'offsetof':
      case 'tagof':
        return this.#literal(instruction, valueTypes[instruction.result]);
      default:
        return instruction;
    }
  }

  /** A literal that is wrong for every argument is the verifier's to report; one that is wrong for this one is ours. */
  #checkLiteral({ value }: Extract<Instruction, { op: 'const' }>, type: Type, generic: Type): void {
    const problem = literalProblem(value, type);
    if (problem === undefined) return;
    // Behind an `if`, a type parameter may be any number; the template is verified elsewhere.
    const believed: KnownParam[] = this.#typeParams.map((param) => ({ ...param, also: ['Int', 'Float'] }));
    if (literalProblem(value, generic, believed) !== undefined) return;
    const message = `literal ${String(value)} of type ${typeToString(generic)}: expected ${problem}`;
    throw new IrSpecialiseError('LITERAL_RANGE', this.#template, message);
  }

  /** Sizes, offsets and tags are literals from here on. What is wrong with the instruction is left for the verifier. */
  #literal(
    instruction: Extract<Instruction, { op: 'sizeof' | 'alignof' | 'offsetof' | 'tagof' }>,
    resultType: Type | undefined,
  ): Instruction {
    const type = this.type(instruction.type);
    if (!isConcrete(type) || resultType !== (instruction.op === 'tagof' ? U32 : I64)) return { ...instruction, type };
    const number = this.#measure(instruction, type);
    if (number === undefined) return { ...instruction, type };
    return { op: 'const', result: instruction.result as Value, value: BigInt(number) };
  }

  #measure(
    instruction: Extract<Instruction, { op: 'sizeof' | 'alignof' | 'offsetof' | 'tagof' }>,
    type: Type,
  ): number | undefined {
    const { size, align, fields } = this.layoutOf(type);
    switch (instruction.op) {
      case 'sizeof':
        return size;
      case 'alignof':
        return align;
      case 'offsetof':
        return fields.get(instruction.path)?.offset;
      case 'tagof': {
        const declaration = type.kind === 'named' ? this.#types(type.name) : undefined;
        return declaration === undefined ? undefined : tagOf(declaration, instruction.variant);
      }
    }
  }
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
  for (const part of partsWithin(type)) {
    if (part.kind !== 'named') continue;
    const name = typeToString(part);
    const declaration = types(part.name);
    if (declaration === undefined) {
      const message = `nothing declares the type ${part.name}: give the option \`types\``;
      throw new IrSpecialiseError('UNKNOWN_TYPE', template, message);
    }
    const { typeParams } = declaration;
    if (typeParams.length !== part.args.length) {
      const message = `${part.name} takes ${typeParams.length} type arguments, ${name} has ${part.args.length}`;
      throw new IrSpecialiseError('ARGUMENT_TYPE', template, message);
    }
    typeParams.forEach((param, i) => {
      if (satisfies(part.args[i]!, param.bound)) return;
      const message = `${param.name} of ${part.name} needs bound ${param.bound}, ${typeToString(part.args[i]!)} does not meet it`;
      throw new IrSpecialiseError('BOUND_NOT_MET', template, message);
    });
  }
}
