// Makes an instruction of a template concrete: types substituted, literals brought to their type, sizes and offsets
// written in. One in which nothing changes is shared with the template.
import type { KnownParam } from './bounds.js';
import { type Concretion, concreteType, layoutIn, slotLayoutIn } from './concrete.js';
import { literalProblem, normaliseLiteral } from './constants.js';
import { tagOf } from './declarations.js';
import { IrSpecialiseError } from './errors.js';
import type { Callee, ConstValue, Instruction } from './ir.js';
import { isConcrete, scalar, sizeOf, type Type, typeToString } from './types.js';

const I64 = scalar('i64');
const U32 = scalar('u32');

/**
 * The instruction with types, sizes and offsets of this instance; `valueTypes` are those of the values in it, `generic` what
 * they were in the template. What is wrong with it is left for the verifier.
 */
export function concreteInstruction(
  instruction: Instruction,
  valueTypes: readonly Type[],
  generic: readonly Type[],
  concretion: Concretion,
): Instruction {
  switch (instruction.op) {
    case 'const': {
      const { op, result, value } = instruction;
      const type = valueTypes[result];
      if (type === undefined) return instruction; // the verifier reports it
      if (literalProblem(value, type) !== undefined) refuseLiteral(value, type, generic[result]!, concretion);
      const normal = normaliseLiteral(value, type);
      return Object.is(normal, value) ? instruction : { op, result, value: normal };
    }
    case 'elem': {
      const { op, result, base, index } = instruction;
      return { op, result, base, index, size: pointedSize(valueTypes[base], concretion) };
    }
    case 'item':
    case 'copy':
    case 'field':
    case 'slot':
    case 'call':
    case 'fnaddr':
    case 'sizeof':
    case 'alignof':
    case 'offsetof':
    case 'tagof':
      return withLayouts(instruction, valueTypes, concretion);
    default:
      return instruction;
  }
}

/** Instructions in which types, sizes or offsets are written that not every function has. */
function withLayouts(instruction: Instruction, valueTypes: readonly Type[], concretion: Concretion): Instruction {
  switch (instruction.op) {
    case 'item': {
      const array = valueTypes[instruction.base];
      const isArray = array?.kind === 'ptr' && array.to.kind === 'array';
      return { ...instruction, size: isArray ? sizeIn(array.to.of, concretion) : undefined };
    }
    case 'copy':
      return { ...instruction, size: pointedSize(valueTypes[instruction.to], concretion) };
    case 'field': {
      const base = valueTypes[instruction.base];
      if (base?.kind !== 'ptr' || base.to.kind !== 'named' || !isConcrete(base)) return instruction;
      return { ...instruction, offset: layoutIn(base.to, concretion).fields.get(instruction.path)?.offset };
    }
    case 'slot': {
      const type = concreteType(instruction.type, concretion);
      return isConcrete(type) ? { ...instruction, type, layout: slotLayoutIn(type, concretion) } : instruction;
    }
    case 'call':
    case 'fnaddr':
      return { ...instruction, callee: concreteCallee(instruction.callee, concretion) };
    case 'sizeof':
    case 'alignof':
    case 'offsetof':
    case 'tagof':
      return literalOf(instruction, valueTypes[instruction.result], concretion);
    default:
      return instruction;
  }
}

/** A literal that is wrong for every argument is the verifier's to report; one that is wrong for this one is ours. */
function refuseLiteral(value: ConstValue, type: Type, generic: Type, { template, typeParams }: Concretion): void {
  // Behind an `if`, a type parameter may be any number; the template is verified elsewhere.
  const believed: KnownParam[] = typeParams.map((param) => ({ ...param, also: ['Int', 'Float'] }));
  if (literalProblem(value, generic, believed) !== undefined) return;
  const message = `literal ${String(value)} of type ${typeToString(generic)}: expected ${literalProblem(value, type)}`;
  throw new IrSpecialiseError('LITERAL_RANGE', template, message);
}

/** The size of what a value points to; undefined where the verifier will find that it does not. */
function pointedSize(pointer: Type | undefined, concretion: Concretion): number | undefined {
  if (pointer?.kind !== 'ptr') return undefined;
  return pointer.to.kind === 'scalar' ? sizeOf(pointer.to) : sizeIn(pointer.to, concretion);
}

function sizeIn(type: Type, concretion: Concretion): number | undefined {
  if (!isConcrete(type)) return undefined;
  return type.kind === 'scalar' || type.kind === 'ptr' ? sizeOf(type) : layoutIn(type, concretion).size;
}

function concreteCallee({ template, typeArgs }: Callee, concretion: Concretion): Callee {
  return { template, typeArgs: typeArgs.map((type) => concreteType(type, concretion)) };
}

type Measure = Extract<Instruction, { op: 'sizeof' | 'alignof' | 'offsetof' | 'tagof' }>;

/** Sizes, offsets and tags are literals from here on. */
function literalOf(instruction: Measure, resultType: Type | undefined, concretion: Concretion): Instruction {
  const type = concreteType(instruction.type, concretion);
  if (!isConcrete(type) || resultType !== (instruction.op === 'tagof' ? U32 : I64)) return { ...instruction, type };
  const number = measure(instruction, type, concretion);
  if (number === undefined) return { ...instruction, type };
  return { op: 'const', result: instruction.result, value: BigInt(number) };
}

function measure(instruction: Measure, type: Type, concretion: Concretion): number | undefined {
  const { size, align, fields } = layoutIn(type, concretion);
  switch (instruction.op) {
    case 'sizeof':
      return size;
    case 'alignof':
      return align;
    case 'offsetof':
      return fields.get(instruction.path)?.offset;
    case 'tagof': {
      const declaration = type.kind === 'named' ? concretion.types(type.name) : undefined;
      return declaration === undefined ? undefined : tagOf(declaration, instruction.variant);
    }
  }
}
