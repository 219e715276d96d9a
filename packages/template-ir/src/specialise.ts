// From a template and type arguments to a concrete function: decides branches on types, substitutes, verifies, lowers
// aggregates. docs/spec/template-ir.md, section 9.
import { boundOf, satisfies } from './bounds.js';
import { type Concretion, checkNamedArgument, concreteType, layoutIn, layoutLines, slotLayoutIn } from './concrete.js';
import { concreteInstruction } from './concrete-instruction.js';
import { decideBranches } from './decide-branches.js';
import { NO_TYPES } from './declarations.js';
import { type IrDiagnostic, IrSpecialiseError, IrVerifyError } from './errors.js';
import { isType } from './intern.js';
import type {
  Block,
  Callee,
  ConcreteFunction,
  Instruction,
  IrFunction,
  Template,
  TypeEnvironment,
  TypeParam,
  Value,
} from './ir.js';
import { MAX_PARAMS, MAX_TYPE_DEPTH, MAX_TYPE_PARTS } from './limits.js';
import { hasAggregates, type LayoutSource, lowerAggregates, lowerType } from './lower-aggregates.js';
import { renumber } from './renumber.js';
import {
  depthOf,
  type FunctionType,
  isConcrete,
  mangle,
  mentionsNamed,
  partsOf,
  type Signature,
  signatureToString,
  type Type,
  typeToString,
  withArguments,
} from './types.js';
import { verification } from './verification.js';
import { check } from './verify-function.js';

/** The name of an instance, and where its types come from. */
export interface SpecialiseOptions {
  /** The name that the instance is linked under; default: `mangle(template.name, typeArgs)`. */
  readonly symbol?: string;
  /** Finds the declarations of the structs and enums in the template and in the type arguments; default: there are none. */
  readonly types?: TypeEnvironment;
}

/**
 * The instance of `template` for `typeArgs`: without type parameters, branches on types, and values of aggregate types;
 * verified. Values and blocks keep their numbers if the template has neither aggregates nor branches on types; parts that are
 * the same in both are the same objects.
 *
 * Throws `IrSpecialiseError`: `ARGUMENT_COUNT`, `ARGUMENT_TYPE` (no type, not concrete, or more than 64 levels deep),
 * `BOUND_NOT_MET`, `LITERAL_RANGE` (a literal that the concrete type cannot hold, such as -1 where T is u8),
 * `UNKNOWN_TYPE`, `LAYOUT_CYCLE`, `TOO_LARGE`, `LIMIT` (see `SpecialiseCode`); `IrVerifyError` if the template itself is
 * not valid.
 *
 * ```ts
 * const sum = parseModule(text).templates.find((template) => template.name === 'sum')!;
 * specialise(sum, [scalar('f64')]).symbol; // 'fn$sum$f64'
 * ```
 */
export function specialise(
  template: Template,
  typeArgs: readonly Type[],
  options: SpecialiseOptions = {},
): ConcreteFunction {
  const types = options.types ?? NO_TYPES;
  checkArguments(template, typeArgs, types);
  const chosen = decideBranches(template, typeArgs);
  const { name, typeParams } = template;
  const concretion: Concretion = {
    template: name,
    typeParams,
    typeArgs,
    types,
    substituted: undefined,
    layouts: undefined,
    slotBytes: 0,
  };
  const valueTypes = chosen.valueTypes.slice();
  for (let i = 0; i < valueTypes.length; i++) valueTypes[i] = concreteType(valueTypes[i]!, concretion);
  const fn = {
    name,
    symbol: options.symbol ?? mangle(name, typeArgs),
    typeParams: [],
    typeArgs: typeArgs.slice(),
    layouts: [] as readonly string[],
    result: chosen.result === undefined ? undefined : concreteType(chosen.result, concretion),
    valueTypes,
    valueNames: chosen.valueNames,
    blocks: concreteBlocks(chosen, valueTypes, concretion),
  };
  check(verification(fn, noTemplates, types, raise));
  if (hasAggregates(fn)) return lowered(fn, concretion);
  if (concretion.layouts !== undefined) fn.layouts = layoutLines(concretion);
  return fn as Unbranded as ConcreteFunction;
}

/** Blocks in which nothing changes are shared with the template. */
function concreteBlocks(fn: IrFunction, valueTypes: readonly Type[], concretion: Concretion): readonly Block[] {
  const blocks = fn.blocks.slice();
  for (let b = 0; b < blocks.length; b++) {
    const { name, params, instructions, terminator } = blocks[b]!;
    let concrete: Instruction[] | undefined;
    for (let i = 0; i < instructions.length; i++) {
      const instruction = concreteInstruction(instructions[i]!, valueTypes, fn.valueTypes, concretion);
      if (instruction === instructions[i]) continue;
      concrete ??= instructions.slice();
      concrete[i] = instruction;
    }
    if (concrete !== undefined) blocks[b] = { name, params, instructions: concrete, terminator };
  }
  return blocks;
}

/** The function without values of aggregate types, verified once more. */
function lowered(fn: Unbranded, concretion: Concretion): ConcreteFunction {
  const source: LayoutSource = {
    layoutOf: (type) => layoutIn(type, concretion),
    slotLayout: (type) => slotLayoutIn(type, concretion),
  };
  const found = renumber(lowerAggregates(fn, source));
  verifyLowered(found, concretion.types);
  return { ...found, layouts: layoutLines(concretion) } as Unbranded as ConcreteFunction;
}

/** The brand is a type only; nothing else sets it. */
type Unbranded = Omit<ConcreteFunction, symbol>;

const noTemplates = (): undefined => undefined;

function raise(diagnostic: IrDiagnostic): never {
  throw new IrVerifyError(diagnostic);
}

/** What was valid before is valid now, or the lowering is wrong. It may add a parameter, and levels to types. */
function verifyLowered(fn: IrFunction, types: TypeEnvironment): void {
  const options = { fieldAs: lowerType, maxParams: MAX_PARAMS + 1, trustTypes: true };
  check(verification(fn, noTemplates, types, raise, options));
}

function checkArguments(template: Template, typeArgs: readonly Type[], types: TypeEnvironment): void {
  const { typeParams, name } = template;
  if (typeArgs.length !== typeParams.length) refuseCount(template, typeArgs.length);
  for (let i = 0; i < typeParams.length; i++) {
    const arg = typeArgs[i]!;
    const param = typeParams[i]!;
    if (!isType(arg)) {
      const message = `the argument for ${param.name} is no type of this copy of @simple-jit/template-ir`;
      throw new IrSpecialiseError('ARGUMENT_TYPE', name, message);
    }
    if (arg.kind !== 'scalar') checkShape(arg, param, name);
    if (!satisfies(arg, param.bound)) {
      const message = `${param.name} needs bound ${param.bound}, ${typeToString(arg)} has ${boundOf(arg)} only`;
      throw new IrSpecialiseError('BOUND_NOT_MET', name, message);
    }
    if (mentionsNamed(arg)) checkNamedArgument(arg, types, name);
  }
}

function refuseCount({ typeParams, name }: Template, count: number): never {
  const params = typeParams.map((param) => `${param.name}: ${param.bound}`).join(', ');
  const wanted = typeParams.length === 0 ? 'takes no type arguments' : `takes ${typeParams.length} (${params})`;
  throw new IrSpecialiseError('ARGUMENT_COUNT', name, `${wanted}, got ${count}`);
}

function checkShape(arg: Type, param: TypeParam, template: string): void {
  if (depthOf(arg) > MAX_TYPE_DEPTH || partsOf(arg) > MAX_TYPE_PARTS) {
    const limits = `${MAX_TYPE_DEPTH} levels or ${MAX_TYPE_PARTS} parts`;
    throw new IrSpecialiseError('ARGUMENT_TYPE', template, `the argument for ${param.name} has more than ${limits}`);
  }
  if (isConcrete(arg)) return;
  const message = `the argument for ${param.name} must be concrete, ${typeToString(arg)} is not`;
  throw new IrSpecialiseError('ARGUMENT_TYPE', template, message);
}

/**
 * What a caller passes and gets back. For a template, its types still name the type parameters. The function has been verified:
 * one without blocks has no signature (TypeError).
 *
 * ```ts
 * signatureToString(signatureOf(fn)); // '(ptr<f64>, i64) -> f64'
 * ```
 */
export function signatureOf(fn: IrFunction): Signature {
  return { params: fn.blocks[0]!.params.map((value) => fn.valueTypes[value]!), result: fn.result };
}

/** A callee, and the signature that the calls of it rely on. */
export interface CalleeReference extends Callee {
  readonly signature: Signature;
  /** `call`, or `fnaddr` where its address is taken. */
  readonly op: 'call' | 'fnaddr';
}

/**
 * What a verified function calls and takes the address of: each template, type arguments, signature and operation once, in
 * the order of their first use.
 *
 * ```ts
 * for (const { template, typeArgs, signature } of calleesOf(fn)) link(template, typeArgs, signature);
 * ```
 */
export function calleesOf(fn: IrFunction): readonly CalleeReference[] {
  const found = new Map<string, CalleeReference>();
  for (const block of fn.blocks) {
    for (const instruction of block.instructions) {
      const { op } = instruction;
      if (op !== 'call' && op !== 'fnaddr') continue;
      const { callee } = instruction;
      const signature = op === 'call' ? signatureOfCall(instruction, fn) : addressedSignature(instruction.result, fn);
      const key = `${op} ${withArguments(callee.template, callee.typeArgs)}${signatureToString(signature)}`;
      if (!found.has(key)) found.set(key, { ...callee, signature, op });
    }
  }
  return [...found.values()];
}

/** A C function, and the signature that the calls of it rely on. */
export interface ExternReference {
  readonly symbol: string;
  readonly signature: Signature;
}

/** The C functions that a verified function calls: each symbol and signature once, in the order of their first call. */
export function externsOf(fn: IrFunction): readonly ExternReference[] {
  const found = new Map<string, ExternReference>();
  for (const block of fn.blocks) {
    for (const instruction of block.instructions) {
      if (instruction.op !== 'extern') continue;
      const signature = signatureOfCall(instruction, fn);
      const key = `${instruction.symbol}${signatureToString(signature)}`;
      if (!found.has(key)) found.set(key, { symbol: instruction.symbol, signature });
    }
  }
  return [...found.values()];
}

function signatureOfCall({ args, result }: Extract<Instruction, { op: 'call' | 'extern' }>, fn: IrFunction): Signature {
  return {
    params: args.map((arg) => fn.valueTypes[arg]!),
    result: result === undefined ? undefined : fn.valueTypes[result]!,
  };
}

function addressedSignature(address: Value, fn: IrFunction): Signature {
  const { params, result } = fn.valueTypes[address] as FunctionType;
  return { params, result };
}
