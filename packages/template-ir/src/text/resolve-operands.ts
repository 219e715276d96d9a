// Operands of the text form to values: names to what they define, literals to consts whose type follows from the place.
import type { FunctionBuilder } from '../builder.js';
import { literalProblem } from '../constants.js';
import { IrBuildError, type IrSyntaxError, type SyntaxCode } from '../errors.js';
import type { Value } from '../ir.js';
import { type Type, typeToString } from '../types.js';
import type { VerifyCode } from '../verify-code.js';
import { describe, syntaxError, type Token } from './lexer.js';
import type { OperandNode } from './syntax-tree.js';

const syntaxCodes: Partial<Record<VerifyCode, SyntaxCode>> = { EDGE_ARITY: 'ARITY', LITERAL: 'LITERAL' };

export class OperandResolver {
  protected readonly builder: FunctionBuilder;
  /** Values that are defined so far, by name. */
  protected readonly values = new Map<string, Value>();
  /** The names that the whole function defines. */
  protected readonly definitions = new Set<string>();
  readonly #path: string | undefined;

  constructor(builder: FunctionBuilder, path: string | undefined) {
    this.builder = builder;
    this.#path = path;
  }

  protected error(at: Token, code: SyntaxCode, expected: string, found: string, hint?: string): IrSyntaxError {
    return syntaxError(this.#path, at, { code, expected, found, ...(hint === undefined ? {} : { hint }) });
  }

  /** Runs a step of the builder; what it refuses is an error in the text at `token`. */
  protected at<Result>(token: Token, step: () => Result): Result {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof IrBuildError)) throw error;
      const { expected, found, code } = error;
      throw syntaxError(this.#path, token, { code: syntaxCodes[code] ?? 'TYPE', expected, found }, { cause: error });
    }
  }

  #value(token: Token): Value {
    const value = this.values.get(token.text);
    if (value !== undefined) return value;
    if (!this.definitions.has(token.text)) throw this.error(token, 'UNDEFINED', 'a value', describe(token));
    const found = `${token.text}, whose definition no path has passed yet`;
    throw this.error(token, 'UNDEFINED', 'a value that is defined here', found);
  }

  protected typeOf(operand: OperandNode | undefined): Type | undefined {
    return operand?.kind === 'name' ? this.builder.typeOf(this.#value(operand.token)) : undefined;
  }

  /** The value of an operand; a literal becomes a const of `type`, which must then be known. */
  protected operand(operand: OperandNode, type: Type | undefined): Value {
    if (operand.kind === 'name') return this.#value(operand.token);
    return this.literal(operand, type, undefined);
  }

  protected literal(
    { token, value }: Extract<OperandNode, { kind: 'literal' }>,
    type: Type | undefined,
    name: string | undefined,
  ): Value {
    if (type === undefined) {
      const hint = 'give it a name: `x: i64 = const …`';
      throw this.error(token, 'LITERAL', 'a value, or a literal whose type follows from here', describe(token), hint);
    }
    const isAddress = type.kind === 'ptr' || type.kind === 'fn';
    if (value === null && !isAddress) {
      throw this.error(token, 'LITERAL', `a literal of ${typeToString(type)}`, 'null');
    }
    const problem = value === null ? undefined : literalProblem(value, type, this.builder.knownTypeParams());
    if (problem !== undefined || (isAddress && value !== null)) {
      throw this.error(token, 'LITERAL', problem ?? 'null', describe(token));
    }
    return this.at(token, () => this.builder.const(type, value ?? 0n, name));
  }
}
