// The typed errors of this package. Each carries what a program needs to react and says in its message what was expected.
import type { TrapKind } from './ir.js';
import type { VerifyCode } from './verify-code.js';

/**
 * What is wrong with a text, by code:
 * - `CHARACTER`: a character that no token starts with; `NUMBER`: a malformed or overlong number
 * - `TOKEN`: another token was expected (also: two statements on one line)
 * - `RESERVED`: a keyword where a name is expected; `DUPLICATE`: a name defined twice
 * - `UNDEFINED`: a name that nothing defines, or a value used where no path has defined it yet
 * - `LITERAL`: a literal whose type does not follow from where it stands, or that its type cannot hold
 * - `TYPE`: an operation that its operands do not allow; `ARITY`: a wrong number of operands, arguments or type arguments
 * - `LIMIT`: one of the limits in `limits.ts`
 */
export type SyntaxCode =
  | 'CHARACTER'
  | 'NUMBER'
  | 'TOKEN'
  | 'RESERVED'
  | 'DUPLICATE'
  | 'UNDEFINED'
  | 'LITERAL'
  | 'TYPE'
  | 'ARITY'
  | 'LIMIT';

export interface SyntaxErrorDetails {
  readonly code: SyntaxCode;
  readonly path: string | undefined;
  readonly line: number;
  readonly column: number;
  readonly expected: string;
  readonly found: string;
  readonly hint: string | undefined;
}

/** A text that is not a module. `line` and `column` count from 1; a column is a UTF-16 unit. */
export class IrSyntaxError extends Error {
  override readonly name = 'IrSyntaxError';
  readonly code: SyntaxCode;
  readonly path: string | undefined;
  readonly line: number;
  readonly column: number;
  readonly expected: string;
  readonly found: string;
  /** What to do about it, where we know. */
  readonly hint: string | undefined;

  constructor(details: SyntaxErrorDetails, options?: ErrorOptions) {
    const place = `${details.path ?? '<text>'}:${details.line}:${details.column}`;
    const hint = details.hint === undefined ? '' : ` (${details.hint})`;
    super(`${place}: expected ${details.expected}, found ${details.found}${hint}`, options);
    this.code = details.code;
    this.path = details.path;
    this.line = details.line;
    this.column = details.column;
    this.expected = details.expected;
    this.found = details.found;
    this.hint = details.hint;
  }
}

/** One problem that the verifier found. */
export interface IrDiagnostic {
  readonly code: VerifyCode;
  /** Name of the function; of the module, where that is at fault. */
  readonly function: string;
  /** Name of the block, or `%` and its index if it has none; undefined for the function's own properties. */
  readonly block: string | undefined;
  /** Index in the block; the terminator's is the number of instructions. Undefined for the block's own properties. */
  readonly instruction: number | undefined;
  readonly expected: string;
  readonly found: string;
}

/** `sum, block loop, instruction 2: expected …, found … [OPERAND_TYPE]` */
export function diagnosticToString(diagnostic: IrDiagnostic): string {
  const block = diagnostic.block === undefined ? '' : `, block ${diagnostic.block}`;
  const instruction = diagnostic.instruction === undefined ? '' : `, instruction ${diagnostic.instruction}`;
  const { expected, found, code } = diagnostic;
  return `${diagnostic.function}${block}${instruction}: expected ${expected}, found ${found} [${code}]`;
}

/** A function that breaks a rule of the IR. */
export class IrVerifyError extends Error implements IrDiagnostic {
  override readonly name = 'IrVerifyError';
  readonly code: VerifyCode;
  readonly function: string;
  readonly block: string | undefined;
  readonly instruction: number | undefined;
  readonly expected: string;
  readonly found: string;

  constructor(diagnostic: IrDiagnostic) {
    super(diagnosticToString(diagnostic));
    this.code = diagnostic.code;
    this.function = diagnostic.function;
    this.block = diagnostic.block;
    this.instruction = diagnostic.instruction;
    this.expected = diagnostic.expected;
    this.found = diagnostic.found;
  }
}

/**
 * - `ARGUMENT_COUNT`: not one type argument per type parameter
 * - `ARGUMENT_TYPE`: a type argument that is no type (of this copy of the package), not concrete, or too deep
 * - `BOUND_NOT_MET`: an argument that cannot do what its parameter's bound promises
 * - `LITERAL_RANGE`: a literal of the template that the concrete type cannot hold
 * - `UNKNOWN_TYPE`: a struct or enum that nothing declares; `LAYOUT_CYCLE`: one that contains itself by value
 * - `TOO_LARGE`: a type, or all slots together, with more bytes than `limits.ts` allows
 * - `LIMIT`: another limit of `limits.ts`, which a type with the arguments in it, or a struct's or enum's fields, exceed
 */
export type SpecialiseCode =
  | 'UNKNOWN_TYPE'
  | 'LAYOUT_CYCLE'
  | 'TOO_LARGE'
  | 'LIMIT'
  | 'ARGUMENT_COUNT'
  | 'ARGUMENT_TYPE'
  | 'BOUND_NOT_MET'
  | 'LITERAL_RANGE';

/** Type arguments that a template cannot be specialised for. */
export class IrSpecialiseError extends Error {
  override readonly name = 'IrSpecialiseError';
  readonly code: SpecialiseCode;
  readonly template: string;

  constructor(code: SpecialiseCode, template: string, message: string, options?: ErrorOptions) {
    super(`${template}: ${message}`, options);
    this.code = code;
    this.template = template;
  }
}

/**
 * - `UNKNOWN_TYPE`: a struct or enum that nothing declares
 * - `ARGUMENT_COUNT`: not one type argument per type parameter of the declaration; `NOT_CONCRETE`: a type parameter
 * - `LAYOUT_CYCLE`: a type that contains itself by value; `TOO_LARGE`: one of more than 2^31 - 1 bytes
 * - `LIMIT`: another limit of `limits.ts`
 */
export type LayoutCode = 'UNKNOWN_TYPE' | 'ARGUMENT_COUNT' | 'NOT_CONCRETE' | 'LAYOUT_CYCLE' | 'TOO_LARGE' | 'LIMIT';

/** A type that has no layout. */
export class IrLayoutError extends Error {
  override readonly name = 'IrLayoutError';
  readonly code: LayoutCode;
  /** From the type that was asked for to what is at fault: types and, between them, the fields that lead on. */
  readonly path: readonly string[];

  constructor(code: LayoutCode, path: readonly string[], message: string) {
    const where = path.length > 10 ? [...path.slice(0, 5), '…', ...path.slice(-4)] : path;
    super(`${message}${where.length === 0 ? '' : ` (at ${where.join(' > ')})`} [${code}]`);
    this.code = code;
    this.path = path;
  }
}

/** Something that the builder was asked for and that makes no sense; `code` is the rule of the verifier that it would break. */
export class IrBuildError extends Error {
  override readonly name = 'IrBuildError';
  readonly code: VerifyCode;
  readonly function: string;
  readonly expected: string;
  readonly found: string;

  constructor(code: VerifyCode, fn: string, expected: string, found: string) {
    super(`${fn}: expected ${expected}, found ${found} [${code}]`);
    this.code = code;
    this.function = fn;
    this.expected = expected;
    this.found = found;
  }
}

/**
 * - `TRUNCATED`: the input ends inside something; `TRAILING`: it goes on after the end
 * - `MAGIC`, `VERSION`: not a template body, or one of another version
 * - `VARINT`: a number in more bytes than it needs or may have
 * - `COUNT`: a count that the rest of the input cannot hold; `INDEX`: a value, block, type or name that does not exist
 * - `OPCODE`, `TYPE`, `NAME`, `LITERAL`: a byte or text that means nothing there
 * - `KIND`: an entry that is no function; `LIMIT`: one of the limits in `limits.ts`
 */
export type DecodeCode =
  | 'KIND'
  | 'TRUNCATED'
  | 'TRAILING'
  | 'MAGIC'
  | 'VERSION'
  | 'VARINT'
  | 'COUNT'
  | 'INDEX'
  | 'OPCODE'
  | 'TYPE'
  | 'NAME'
  | 'LITERAL'
  | 'LIMIT';

/** A template body that cannot be read. `offset` counts bytes from the start of the body. */
export class IrDecodeError extends Error {
  override readonly name = 'IrDecodeError';
  readonly code: DecodeCode;
  readonly template: string;
  readonly offset: number;
  readonly expected: string;
  readonly found: string;

  constructor(code: DecodeCode, template: string, offset: number, expected: string, found: string) {
    super(`body of template ${template}, offset ${offset}: expected ${expected}, found ${found} [${code}]`);
    this.code = code;
    this.template = template;
    this.offset = offset;
    this.expected = expected;
    this.found = found;
  }
}

/**
 * - `UNKNOWN_TEMPLATE`: a callee that no one provides; `UNKNOWN_SYMBOL`: a C function that no one provides
 * - `SIGNATURE`: a callee whose parameters or result are not what the call relies on
 */
export type LinkCode = 'UNKNOWN_TEMPLATE' | 'UNKNOWN_SYMBOL' | 'SIGNATURE';

/** A call that cannot be linked to a function. */
export class IrLinkError extends Error {
  override readonly name = 'IrLinkError';
  readonly code: LinkCode;
  /** The instance that was called: `sort<f64>`. */
  readonly callee: string;
  readonly expected: string;
  readonly found: string;

  constructor(code: LinkCode, callee: string, expected: string, found: string) {
    super(`call of ${callee}: expected ${expected}, found ${found} [${code}]`);
    this.code = code;
    this.callee = callee;
    this.expected = expected;
    this.found = found;
  }
}

/** Interpreted code that ran longer than `maxSteps` allows. Native code has no such limit. */
export class IrStepLimitError extends Error {
  override readonly name = 'IrStepLimitError';
  readonly steps: number;

  constructor(steps: number) {
    super(`interpreted code did not end within ${steps} steps; raise maxSteps if it is meant to run so long`);
    this.steps = steps;
  }
}

/** A trap in interpreted code: native code stops with the same kind at the same place. */
export class IrTrapError extends Error {
  override readonly name = 'IrTrapError';
  readonly kind: TrapKind;
  /** Symbol of the function that trapped. */
  readonly function: string;
  readonly block: string;
  readonly instruction: number;
  /** The address, for kind `memory`. */
  readonly address: bigint | undefined;

  constructor(kind: TrapKind, fn: string, block: string, instruction: number, address?: bigint) {
    const where = `${fn}, block ${block}, instruction ${instruction}`;
    super(`trap ${kind} in ${where}${address === undefined ? '' : `, address 0x${address.toString(16)}`}`);
    this.kind = kind;
    this.function = fn;
    this.block = block;
    this.instruction = instruction;
    this.address = address;
  }
}
