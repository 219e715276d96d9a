// The typing rules of the operations on memory: addresses, sizes, fields, slots.
import { expectOperand, expectResult, type TypingContext } from './check-instruction.js';
import { fieldType, pathsToString, tagOf } from './declarations.js';
import type { Instruction, TypeDeclaration } from './ir.js';
import { ptr, scalar, type Type, typeToString } from './types.js';

const I64 = scalar('i64');
const U32 = scalar('u32');
const U8 = scalar('u8');

type MemoryOp =
  | ('load' | 'store' | 'elem' | 'item' | 'field' | 'sizeof')
  | ('alignof' | 'offsetof' | 'tagof' | 'slot' | 'copy' | 'fill');

export function checkAddress(instruction: Extract<Instruction, { op: MemoryOp }>, context: TypingContext): void {
  const { types, report } = context;
  switch (instruction.op) {
    case 'load':
    case 'store': {
      const address = types[instruction.address]!;
      if (address.kind !== 'ptr') report('OPERAND_TYPE', 'a pointer', typeToString(address));
      else if (instruction.op === 'load') expectResult(context, instruction.result, address.to);
      else expectOperand(context, instruction.value, address.to);
      return;
    }
    case 'elem': {
      const base = types[instruction.base]!;
      if (base.kind !== 'ptr') report('OPERAND_TYPE', 'a pointer', typeToString(base));
      expectOperand(context, instruction.index, I64);
      expectResult(context, instruction.result, base);
      return;
    }
    case 'item': {
      const base = types[instruction.base]!;
      expectOperand(context, instruction.index, I64);
      if (base.kind === 'ptr' && base.to.kind === 'array') expectResult(context, instruction.result, ptr(base.to.of));
      else report('OPERAND_TYPE', 'a pointer to an array', typeToString(base));
      return;
    }
    case 'field': {
      const base = types[instruction.base]!;
      if (base.kind !== 'ptr' || base.to.kind !== 'named') {
        report('OPERAND_TYPE', 'a pointer to a struct or enum', typeToString(base));
        return;
      }
      const type = checkPath(base.to, instruction.path, context);
      if (type !== undefined) expectResult(context, instruction.result, ptr(context.fieldAs?.(type) ?? type));
      return;
    }
    case 'offsetof':
      checkPath(instruction.type, instruction.path, context);
      expectResult(context, instruction.result, I64);
      return;
    case 'tagof':
      checkVariant(instruction.type, instruction.variant, context);
      expectResult(context, instruction.result, U32);
      return;
    case 'sizeof':
    case 'alignof':
      expectResult(context, instruction.result, I64);
      return;
    case 'slot':
      expectResult(context, instruction.result, ptr(instruction.type));
      return;
    case 'copy': {
      const to = types[instruction.to]!;
      if (to.kind !== 'ptr') report('OPERAND_TYPE', 'a pointer', typeToString(to));
      expectOperand(context, instruction.from, to);
      expectOperand(context, instruction.count, I64);
      return;
    }
    case 'fill':
      expectOperand(context, instruction.to, ptr(U8));
      expectOperand(context, instruction.value, U8);
      expectOperand(context, instruction.count, I64);
  }
}

/** The declaration of a struct or enum type; reports FIELD, and gives undefined, where there is none. */
function declarationOf(type: Type, what: string, { environment, report }: TypingContext): TypeDeclaration | undefined {
  const declaration = type.kind === 'named' ? environment(type.name) : undefined;
  if (declaration === undefined) report('FIELD', `a type that this module declares, for ${what}`, typeToString(type));
  return declaration;
}

/** The type of the field; reports FIELD where there is none. */
function checkPath(type: Type, path: string, context: TypingContext): Type | undefined {
  const declaration = declarationOf(type, `the field ${path.slice(0, 80)}`, context);
  if (declaration === undefined || type.kind !== 'named') return undefined;
  const found = fieldType(type, declaration, path);
  if (found !== undefined) return found;
  context.report('FIELD', `a field of ${typeToString(type)}: ${pathsToString(declaration)}`, path.slice(0, 80));
  return undefined;
}

function checkVariant(type: Type, variant: string, context: TypingContext): void {
  const declaration = declarationOf(type, `the variant ${variant.slice(0, 80)}`, context);
  if (declaration === undefined || tagOf(declaration, variant) !== undefined) return;
  const variants = declaration.kind === 'enum' ? declaration.variants.map(({ name }) => name) : [];
  const known = declaration.kind === 'enum' ? `: ${variants.slice(0, 10).join(', ')}` : ', which is no enum';
  context.report('FIELD', `a variant of ${typeToString(type)}${known}`, variant.slice(0, 80));
}
