// The rules of calls, and of addresses taken, of templates in the same module: type arguments, bounds, signature.
import { satisfies } from './bounds.js';
import type { TypingContext } from './check-instruction.js';
import type { Instruction, Template } from './ir.js';
import { fnType, substitute, type Type, typeToString } from './types.js';

export function checkCallee(
  instruction: Extract<Instruction, { op: 'call' | 'fnaddr' }>,
  target: Template,
  context: TypingContext,
): void {
  const { types, typeParams, report } = context;
  const { typeArgs } = instruction.callee;
  if (typeArgs.length !== target.typeParams.length) {
    const expected = `${target.typeParams.length} type arguments for ${target.name}`;
    report('CALL_TYPE_ARGS', expected, `${typeArgs.length}`);
    return;
  }
  target.typeParams.forEach((param, i) => {
    const arg = typeArgs[i]!;
    if (satisfies(arg, param.bound, typeParams)) return;
    const bound = arg.kind === 'param' ? `: ${typeParams[arg.index]?.bound}` : '';
    const expected = `a type with bound ${param.bound} for ${param.name} of ${target.name}`;
    report('CALL_BOUND', expected, `${typeToString(arg)}${bound}`);
  });
  const params = (target.blocks[0]?.params ?? []).map((param) => target.valueTypes[param]);
  if (params.some((type) => type === undefined)) return; // reported where the callee is verified
  const expected = (params as readonly Type[]).map((type) => substitute(type, typeArgs));
  const result = target.result === undefined ? undefined : substitute(target.result, typeArgs);
  if (instruction.op === 'fnaddr') {
    const [wanted, found] = [fnType(expected, result), types[instruction.result]!];
    if (found !== wanted) report('CALL_SIGNATURE', `${typeToString(wanted)} for ${target.name}`, typeToString(found));
    return;
  }
  const { args } = instruction;
  if (args.length !== expected.length) {
    report('CALL_SIGNATURE', `${expected.length} arguments for ${target.name}`, `${args.length}`);
    return;
  }
  expected.forEach((wanted, i) => {
    const found = types[args[i]!]!;
    if (found !== wanted) report('CALL_SIGNATURE', typeToString(wanted), `argument ${i + 1}: ${typeToString(found)}`);
  });
  const found = instruction.result === undefined ? undefined : types[instruction.result];
  if (result === found) return;
  const show = (type: Type | undefined) => (type === undefined ? 'no result' : `a result of ${typeToString(type)}`);
  report('CALL_SIGNATURE', `${show(result)} from ${target.name}`, show(found));
}
