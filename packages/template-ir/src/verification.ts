// The state of one verification of one function, and what all its stages use: reports, names, types.
import type { KnownParam } from './bounds.js';
import type { TypingContext } from './check-instruction.js';
import { checkArgumentBounds, checkTypeShape, type TypeScope } from './check-type.js';
import { NO_TYPES } from './declarations.js';
import type { ControlFlow } from './dominators.js';
import type { IrFunction, Template, TypeEnvironment, Value } from './ir.js';
import { MAX_PARAMS } from './limits.js';
import { isPlain, mentionsNamed, type Type } from './types.js';
import type { VerifyCode } from './verify-code.js';
import type { Sink } from './verify-declarations.js';
import { type Definitions, takeDefinitions } from './working-memory.js';

/** Finds a template by name; undefined if this module does not define it: then the call is checked when it is linked. */
export type TemplateLookup = (name: string) => Template | undefined;

export interface VerifierOptions {
  /** A field's type as it is in this function; other than declared where aggregates are lowered. */
  readonly fieldAs?: (type: Type) => Type;
  /** Parameters that a function may have, and arguments that a call may. */
  readonly maxParams?: number;
  /** Types were verified before; they may exceed the limits by what lowering adds. */
  readonly trustTypes?: boolean;
}

export interface Verification extends TypingContext, TypeScope {
  readonly fn: IrFunction;
  readonly lookup: TemplateLookup;
  readonly sink: Sink;
  readonly trustTypes: boolean;
  /** What is known of the type parameters in the current block. */
  typeParams: readonly KnownParam[];
  readonly definitions: Definitions;
  /** Undefined for a function of one block, and where edges lead nowhere. */
  flow: ControlFlow | undefined;
  /** The current block and the index of the instruction in it; -1 outside of one. */
  block: number;
  instruction: number;
}

export function verification(
  fn: IrFunction,
  lookup: TemplateLookup,
  declarations: TypeEnvironment | undefined,
  sink: Sink,
  { fieldAs, maxParams = MAX_PARAMS, trustTypes = false }: VerifierOptions = {},
): Verification {
  const state: Verification = {
    types: fn.valueTypes,
    typeParams: fn.typeParams,
    environment: declarations ?? NO_TYPES,
    report: (code, expected, found) => report(state, code, expected, found),
    fieldAs,
    fn,
    lookup,
    sink,
    declarations,
    maxParams,
    trustTypes,
    goodTypes: undefined,
    boundsMet: undefined,
    metBy: undefined,
    definitions: takeDefinitions(fn.valueTypes.length),
    flow: undefined,
    block: -1,
    instruction: -1,
  };
  return state;
}

function report(state: Verification, code: VerifyCode, expected: string, found: string): void {
  const { fn, block, instruction } = state;
  state.sink({
    code,
    function: fn.name,
    block: block < 0 ? undefined : blockName(state, block),
    instruction: instruction < 0 ? undefined : instruction,
    expected,
    found,
  });
}

export function blockName({ fn }: Verification, block: number): string {
  return fn.blocks[block]?.name ?? `%${block}`;
}

export function valueName({ fn }: Verification, value: Value): string {
  return fn.valueNames[value] ?? `%${value}`;
}

export function isValue(value: Value, { types }: Verification): boolean {
  return value >= 0 && value < types.length && Number.isInteger(value);
}

/** False, and reported, if the type is not one of the module or exceeds the limits. */
export function checkType(type: Type, state: Verification): boolean {
  return isPlain(type) || state.trustTypes || state.goodTypes?.has(type) === true || checkTypeShape(type, state);
}

/** Reports type arguments of structs and enums within the type that do not meet their bounds. */
export function checkBounds(type: Type, state: Verification): void {
  if (!state.trustTypes && mentionsNamed(type)) checkArgumentBounds(type, state);
}
