// The typing rules of convert, convert_checked and cast, and how a bound that is not met is reported.
import { satisfies } from './bounds.js';
import type { TypingContext } from './check-instruction.js';
import { isBool, scalar, type Type, typeToString } from './types.js';

/** BOUND for a type parameter, OPERAND_TYPE for any other type that cannot do what is needed. */
export function reportBound(type: Type, expected: string, { typeParams, report }: TypingContext): void {
  if (type.kind !== 'param') report('OPERAND_TYPE', `a type with bound ${expected}`, typeToString(type));
  else report('BOUND', `bound ${expected}`, `${type.name}: ${typeParams[type.index]?.bound}`);
}

/** Numbers to numbers, and bool to integers; `cast` between what is 64 bits and no float. */
export function checkConversion(
  op: 'convert' | 'convert_checked' | 'cast',
  from: Type,
  to: Type,
  context: TypingContext,
): void {
  const { typeParams, report } = context;
  if (op === 'cast') {
    const expected = 'a pointer, a function pointer, i64 or u64, for cast';
    if (!isAddressLike(from)) report('OPERAND_TYPE', expected, typeToString(from));
    if (!isAddressLike(to)) report('RESULT_TYPE', expected, typeToString(to));
    return;
  }
  if (isBool(from)) {
    if (!satisfies(to, 'Int', typeParams)) report('RESULT_TYPE', `an integer, for ${op} of bool`, typeToString(to));
    return;
  }
  if (!satisfies(from, 'Num', typeParams)) reportBound(from, `Num for ${op}`, context);
  if (!satisfies(to, 'Num', typeParams)) reportBound(to, `Num for the result of ${op}`, context);
}

function isAddressLike(type: Type): boolean {
  return type.kind === 'ptr' || type.kind === 'fn' || type === scalar('i64') || type === scalar('u64');
}
