// From a template and type arguments to a concrete function: substitutes, brings literals to their type, verifies.
import { boundOf, satisfies } from './bounds.js';
import { literalProblem, normaliseLiteral } from './constants.js';
import { IrSpecialiseError } from './errors.js';
import type { Callee, ConcreteFunction, Instruction, IrFunction, Template } from './ir.js';
import { MAX_TYPE_DEPTH } from './limits.js';
import { isConcrete, mangle, type Signature, signatureToString, substitute, type Type, typeToString } from './types.js';
import { verifyTemplate } from './verify.js';

/**
 * The instance of `template` for `typeArgs`, without type parameters, verified. Values and blocks keep their numbers.
 * `symbol` is the name it is linked under; default: `mangle(template.name, typeArgs)`.
 *
 * Throws `IrSpecialiseError`: `ARGUMENT_COUNT`, `ARGUMENT_TYPE` (not concrete, or more than 64 levels deep),
 * `BOUND_NOT_MET`, `LITERAL_RANGE` (a literal that the concrete type cannot hold, such as -1 where T is u8);
 * `IrVerifyError` if the template itself is not valid.
 *
 * ```ts
 * const sum = parseModule(text).templates.find((template) => template.name === 'sum')!;
 * specialise(sum, [scalar('f64')]).symbol; // 'fn$sum$f64'
 * ```
 */
export function specialise(
  template: Template,
  typeArgs: readonly Type[],
  options: { readonly symbol?: string } = {},
): ConcreteFunction {
  checkArguments(template, typeArgs);
  const valueTypes = template.valueTypes.map((type) => substitute(type, typeArgs));
  const fn = {
    name: template.name,
    symbol: options.symbol ?? mangle(template.name, typeArgs),
    typeParams: [],
    typeArgs: [...typeArgs],
    result: template.result === undefined ? undefined : substitute(template.result, typeArgs),
    valueTypes,
    valueNames: template.valueNames,
    blocks: template.blocks.map((block) => ({
      ...block,
      instructions: block.instructions.map((instruction) => concrete(template, instruction, valueTypes, typeArgs)),
    })),
  };
  verifyTemplate(fn);
  return fn as unknown as ConcreteFunction; // the brand is a type only; nothing else sets it
}

function checkArguments(template: Template, typeArgs: readonly Type[]): void {
  const { typeParams, name } = template;
  if (typeArgs.length !== typeParams.length) {
    const params = typeParams.map((param) => `${param.name}: ${param.bound}`).join(', ');
    const wanted = typeParams.length === 0 ? 'takes no type arguments' : `takes ${typeParams.length} (${params})`;
    throw new IrSpecialiseError('ARGUMENT_COUNT', name, `${wanted}, got ${typeArgs.length}`);
  }
  typeParams.forEach((param, i) => {
    const arg = typeArgs[i]!;
    if (depthOf(arg) > MAX_TYPE_DEPTH) {
      const message = `the argument for ${param.name} has more than ${MAX_TYPE_DEPTH} levels`;
      throw new IrSpecialiseError('ARGUMENT_TYPE', name, message);
    }
    if (!isConcrete(arg)) {
      const message = `the argument for ${param.name} must be concrete, ${typeToString(arg)} is not`;
      throw new IrSpecialiseError('ARGUMENT_TYPE', name, message);
    }
    if (!satisfies(arg, param.bound)) {
      const message = `${param.name} needs bound ${param.bound}, ${typeToString(arg)} has ${boundOf(arg)} only`;
      throw new IrSpecialiseError('BOUND_NOT_MET', name, message);
    }
  });
}

function depthOf(type: Type): number {
  let depth = 1;
  for (let inner = type; inner.kind === 'ptr'; inner = inner.to) depth++;
  return depth;
}

function concrete(
  template: Template,
  instruction: Instruction,
  valueTypes: readonly Type[],
  typeArgs: readonly Type[],
): Instruction {
  switch (instruction.op) {
    case 'const': {
      const type = valueTypes[instruction.result];
      if (type === undefined) return instruction; // the verifier reports it
      const generic = template.valueTypes[instruction.result]!;
      const problem = literalProblem(instruction.value, type);
      // Wrong for every argument: the verifier's to report. Wrong for this one: ours.
      if (problem !== undefined && literalProblem(instruction.value, generic, template.typeParams) === undefined) {
        const message = `literal ${String(instruction.value)} of type ${typeToString(generic)}: expected ${problem}`;
        throw new IrSpecialiseError('LITERAL_RANGE', template.name, message);
      }
      return { ...instruction, value: normaliseLiteral(instruction.value, type) };
    }
    case 'sizeof':
      return { ...instruction, type: substitute(instruction.type, typeArgs) };
    case 'call': {
      const { template: name, typeArgs: args } = instruction.callee;
      return {
        ...instruction,
        callee: { template: name, typeArgs: args.map((type) => substitute(type, typeArgs)) },
      };
    }
    default:
      return instruction;
  }
}

/** What a caller passes and gets back. For a template, its types still name the type parameters. */
export function signatureOf(fn: IrFunction): Signature {
  return { params: fn.blocks[0]!.params.map((value) => fn.valueTypes[value]!), result: fn.result };
}

/** A callee, and the signature that the calls of it rely on. */
export interface CalleeReference extends Callee {
  readonly signature: Signature;
}

/** What a verified function calls: each template, type arguments and signature once, in the order of their first call. */
export function calleesOf(fn: IrFunction): readonly CalleeReference[] {
  const found = new Map<string, CalleeReference>();
  for (const block of fn.blocks) {
    for (const instruction of block.instructions) {
      if (instruction.op !== 'call') continue;
      const { callee, args, result } = instruction;
      const signature = {
        params: args.map((arg) => fn.valueTypes[arg]!),
        result: result === undefined ? undefined : fn.valueTypes[result]!,
      };
      const key = `${callee.template}<${callee.typeArgs.map(typeToString).join(', ')}>${signatureToString(signature)}`;
      if (!found.has(key)) found.set(key, { ...callee, signature });
    }
  }
  return [...found.values()];
}
