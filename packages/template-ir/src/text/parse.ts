// The text form to functions: resolves names, types literals by where they stand, and builds. Blocks are visited in
// depth-first order, in which a value's definition comes before its uses whatever the order of the blocks in the text.

import { FunctionBuilder } from '../builder.js';
import { literalProblem } from '../constants.js';
import { depthFirst, flowGraph } from '../dominators.js';
import { IrBuildError, type IrSyntaxError, type SyntaxCode } from '../errors.js';
import type { BlockId, Template, TemplateModule, TypeParam, Value } from '../ir.js';
import { inferResult, isCompare, isUnary, type VerifyCode } from '../operations.js';
import { scalar, substitute, type Type, typeToString } from '../types.js';
import { describe, syntaxError, type Token } from './lexer.js';
import { Reader } from './read.js';
import type { BlockNode, EdgeNode, FunctionNode, InstructionNode, OperandNode } from './syntax-tree.js';

/**
 * Reads a module in the text form. Names, types of operands, arities and literals are checked here, with positions; what
 * only a whole function shows (a definition on every path, unreachable blocks, bounds of callees) is for `verifyModule`.
 * `path` is for error messages. Throws `IrSyntaxError` (all its codes).
 *
 * ```ts
 * const library = parseModule('module m\nfn identity<T: Any>(x: T) -> T {\nentry:\n  return x\n}\n');
 * verifyModule(library);
 * ```
 */
export function parseModule(text: string, options: { readonly path?: string } = {}): TemplateModule {
  const { path } = options;
  const { name, functions } = new Reader(text, path).readModule();
  const headers = new Map<string, FunctionNode>();
  for (const fn of functions) {
    if (headers.has(fn.name.text)) {
      const found = `a second ${fn.name.text}`;
      throw syntaxError(path, fn.name, { code: 'DUPLICATE', expected: 'one function of each name', found });
    }
    headers.set(fn.name.text, fn);
  }
  return { name, templates: functions.map((fn) => new FunctionResolver(fn, headers, path).resolve()) };
}

/**
 * Reads one type, as notes and the text form write it: `i64`, `ptr<u8>`, `ptr<T>` if `typeParams` has a T.
 * Throws `IrSyntaxError`.
 */
export function parseType(text: string, typeParams: readonly TypeParam[] = []): Type {
  return new Reader(text, undefined, typeParams).readWholeType();
}

/** Reads a list of concrete types: `i64`, `i64, ptr<f64>`; none for an empty text. Throws `IrSyntaxError`. */
export function parseTypeList(text: string): readonly Type[] {
  return new Reader(text, undefined).readTypeList();
}

const BOOL = scalar('bool');
const I64 = scalar('i64');

const syntaxCodes: Partial<Record<VerifyCode, SyntaxCode>> = { EDGE_ARITY: 'ARITY', LITERAL: 'LITERAL' };

class FunctionResolver {
  readonly #node: FunctionNode;
  readonly #headers: ReadonlyMap<string, FunctionNode>;
  readonly #path: string | undefined;
  readonly #builder: FunctionBuilder;
  readonly #labels = new Map<string, number>();
  readonly #values = new Map<string, Value>();
  readonly #definitions = new Set<string>();

  constructor(node: FunctionNode, headers: ReadonlyMap<string, FunctionNode>, path: string | undefined) {
    this.#node = node;
    this.#headers = headers;
    this.#path = path;
    this.#builder = new FunctionBuilder(node.name.text);
  }

  resolve(): Template {
    const { typeParams, params, result, blocks } = this.#node;
    for (const { name, bound } of typeParams) this.#builder.typeParam(name, bound);
    this.#builder.setResult(result);
    this.#collectNames();
    for (const { token, type } of params) this.#values.set(token.text, this.#builder.param(type, nameOf(token)));
    blocks.forEach((block, b) => {
      if (b === 0) this.#builder.nameEntry(nameOf(block.label));
      else this.#builder.block(nameOf(block.label));
      for (const { token, type } of block.params) {
        this.#values.set(token.text, this.#builder.blockParam(b as BlockId, type, nameOf(token)));
      }
    });
    for (const b of this.#order()) {
      this.#builder.switchTo(b as BlockId);
      this.#block(blocks[b]!);
    }
    return this.#builder.build();
  }

  #error(at: Token, code: SyntaxCode, expected: string, found: string, hint?: string): IrSyntaxError {
    return syntaxError(this.#path, at, { code, expected, found, ...(hint === undefined ? {} : { hint }) });
  }

  /** Runs a step of the builder; what it refuses is an error in the text at `token`. */
  #at<Result>(token: Token, step: () => Result): Result {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof IrBuildError)) throw error;
      const { expected, found, code } = error;
      throw syntaxError(this.#path, token, { code: syntaxCodes[code] ?? 'TYPE', expected, found }, { cause: error });
    }
  }

  #collectNames(): void {
    const { params, blocks } = this.#node;
    const define = (token: Token): void => {
      if (this.#definitions.has(token.text)) {
        throw this.#error(token, 'DUPLICATE', 'one definition of each value', `a second ${token.text}`);
      }
      this.#definitions.add(token.text);
    };
    for (const { token } of params) define(token);
    blocks.forEach((block, b) => {
      if (this.#labels.has(block.label.text)) {
        throw this.#error(block.label, 'DUPLICATE', 'one block of each label', `a second ${block.label.text}`);
      }
      if (b === 0 && block.params.length > 0) {
        const hint = 'its parameters are those of the function';
        throw this.#error(block.label, 'TOKEN', 'an entry block without a parameter list', 'one with it', hint);
      }
      this.#labels.set(block.label.text, b);
      for (const { token } of block.params) define(token);
      for (const { result } of block.instructions) if (result !== undefined) define(result);
    });
  }

  /** Depth-first from the entry; then what it does not reach, which the verifier will refuse. */
  #order(): number[] {
    const { blocks } = this.#node;
    const graph = flowGraph(blocks.length, (b) => {
      const { terminator } = blocks[b]!;
      return 'edges' in terminator ? terminator.edges.map(({ label }) => this.#label(label)) : [];
    });
    const { order, position } = depthFirst(graph);
    return [...order, ...blocks.keys()].filter((b, i) => i < order.length || position[b] === -1);
  }

  #label(token: Token): BlockId {
    const block = this.#labels.get(token.text);
    if (block === undefined) throw this.#error(token, 'UNDEFINED', 'the label of a block', describe(token));
    return block as BlockId;
  }

  #value(token: Token): Value {
    const value = this.#values.get(token.text);
    if (value !== undefined) return value;
    if (!this.#definitions.has(token.text)) throw this.#error(token, 'UNDEFINED', 'a value', describe(token));
    const found = `${token.text}, whose definition no path has passed yet`;
    throw this.#error(token, 'UNDEFINED', 'a value that is defined here', found);
  }

  #typeOf(operand: OperandNode | undefined): Type | undefined {
    return operand?.kind === 'name' ? this.#builder.typeOf(this.#value(operand.token)) : undefined;
  }

  /** The value of an operand; a literal becomes a const of `type`, which must then be known. */
  #operand(operand: OperandNode, type: Type | undefined): Value {
    if (operand.kind === 'name') return this.#value(operand.token);
    return this.#literal(operand, type, undefined);
  }

  #literal({ token, value }: Extract<OperandNode, { kind: 'literal' }>, type: Type | undefined, name?: string): Value {
    if (type === undefined) {
      const hint = 'give it a name: `x: i64 = const …`';
      throw this.#error(token, 'LITERAL', 'a value, or a literal whose type follows from here', describe(token), hint);
    }
    if (value === null && type.kind !== 'ptr') {
      throw this.#error(token, 'LITERAL', `a literal of ${typeToString(type)}`, 'null');
    }
    const problem = value === null ? undefined : literalProblem(value, type, this.#node.typeParams);
    if (problem !== undefined || (type.kind === 'ptr' && value !== null)) {
      throw this.#error(token, 'LITERAL', problem ?? 'null', describe(token));
    }
    return this.#at(token, () => this.#builder.const(type, value ?? 0n, name));
  }

  #block({ instructions, terminator }: BlockNode): void {
    for (const instruction of instructions) {
      const value = this.#instruction(instruction);
      if (instruction.result !== undefined && value !== undefined) this.#values.set(instruction.result.text, value);
    }
    const { at } = terminator;
    switch (terminator.op) {
      case 'jump': {
        const target = this.#edge(terminator.edges[0]!);
        this.#at(at, () => this.#builder.jump(...target));
        return;
      }
      case 'branch': {
        const condition = this.#operand(terminator.condition, BOOL);
        const then = this.#edge(terminator.edges[0]!);
        const otherwise = this.#edge(terminator.edges[1]!);
        this.#at(at, () => this.#builder.branch(condition, ...then, ...otherwise));
        return;
      }
      case 'return': {
        const value = terminator.value === undefined ? undefined : this.#operand(terminator.value, this.#node.result);
        this.#at(at, () => this.#builder.return(value));
        return;
      }
      case 'unreachable':
        this.#builder.unreachable();
        return;
    }
  }

  #edge({ label, args }: EdgeNode): [BlockId, Value[]] {
    const block = this.#label(label);
    const params = this.#builder.paramsOf(block);
    if (params.length !== args.length && block !== 0) {
      const expected = `${params.length} arguments for ${label.text}`;
      throw this.#error(label, 'ARITY', expected, `${args.length}`);
    }
    const types = params.map((param) => this.#builder.typeOf(param));
    return [block, args.map((arg, i) => this.#operand(arg, types[i]))];
  }

  #instruction(node: InstructionNode): Value | undefined {
    const { at, operation, annotation, result } = node;
    const name = result === undefined ? undefined : nameOf(result);
    switch (operation.op) {
      case 'const':
        return this.#literal(operation.literal, annotation, name);
      case 'call':
        return this.#call(node, name);
      case 'convert': {
        const arg = this.#operand(operation.operands[0]!, undefined);
        if (annotation === undefined) {
          throw this.#error(at, 'TYPE', 'the type to convert to', 'none', 'write `x: f64 = convert y`');
        }
        return this.#at(at, () => this.#builder.convert(annotation, arg, name));
      }
      case 'store': {
        const [address, value] = operation.operands;
        const type = inferResult('load', this.#typeOf(address), undefined);
        const operands = [this.#operand(address!, undefined), this.#operand(value!, type)] as const;
        return this.#at(at, () => void this.#builder.store(...operands)) as undefined;
      }
      default: {
        const value = this.#simple(node, name);
        const found = this.#builder.typeOf(value);
        if (annotation !== undefined && annotation !== found) {
          const expected = `a result of ${typeToString(annotation)}`;
          throw this.#error(at, 'TYPE', expected, `${operation.op}, which gives ${typeToString(found)}`);
        }
        return value;
      }
    }
  }

  #simple({ at, operation, annotation }: InstructionNode, name: string | undefined): Value {
    if (operation.op === 'sizeof') return this.#at(at, () => this.#builder.sizeof(operation.type, name));
    if (!('operands' in operation)) throw this.#error(at, 'TOKEN', 'an operation', describe(at));
    const [first, second, third] = operation.operands as [OperandNode, OperandNode, OperandNode];
    const builder = this.#builder;
    const { op } = operation;
    if (op === 'load') {
      const address = this.#operand(first, undefined);
      return this.#at(at, () => builder.load(address, name));
    }
    if (op === 'elem') {
      const [base, index] = [this.#operand(first, undefined), this.#operand(second, I64)];
      return this.#at(at, () => builder.elem(base, index, name));
    }
    if (op === 'select') {
      const type = this.#typeOf(second) ?? this.#typeOf(third) ?? annotation;
      const [condition, left, right] = [
        this.#operand(first, BOOL),
        this.#operand(second, type),
        this.#operand(third, type),
      ];
      return this.#at(at, () => builder.select(condition, left, right, name));
    }
    if (isUnary(op)) {
      const arg = this.#operand(first, annotation);
      return this.#at(at, () => builder.unary(op, arg, name));
    }
    const type = this.#typeOf(first) ?? this.#typeOf(second);
    if (isCompare(op)) {
      const [left, right] = [this.#operand(first, type), this.#operand(second, type)];
      return this.#at(at, () => builder.compare(op, left, right, name));
    }
    if (op === 'call' || op === 'convert' || op === 'store')
      throw this.#error(at, 'TOKEN', 'an operation', describe(at));
    const [left, right] = [this.#operand(first, type ?? annotation), this.#operand(second, type ?? annotation)];
    return this.#at(at, () => builder.binary(op, left, right, name));
  }

  #call({ at, operation, annotation, result }: InstructionNode, name: string | undefined): Value | undefined {
    if (operation.op !== 'call') return undefined;
    const { template, typeArgs, operands } = operation;
    const callee = this.#headers.get(template.text);
    if (callee !== undefined) this.#checkCounts(operation, callee);
    const types = callee?.params.map(({ type }) => substitute(type, typeArgs)) ?? [];
    const args = operands.map((operand, i) => {
      const value = this.#operand(operand, types[i]);
      const found = this.#builder.typeOf(value);
      if (types[i] === undefined || types[i] === found) return value;
      throw this.#error(operand.token, 'TYPE', `a value of ${typeToString(types[i])}`, typeToString(found));
    });
    const type = callee === undefined ? annotation : callee.result && substitute(callee.result, typeArgs);
    if (type === undefined && result === undefined) {
      return this.#at(at, () => void this.#builder.callVoid(template.text, typeArgs, args)) as undefined;
    }
    if (type === undefined) {
      if (callee !== undefined) throw this.#error(result!, 'TYPE', 'no result', `a name for that of ${template.text}`);
      const hint = `${template.text} is not in this module: write \`x: i64 = call …\``;
      throw this.#error(result!, 'TYPE', 'the type of the result', 'none', hint);
    }
    if (result === undefined) {
      throw this.#error(at, 'TYPE', `a name for the result of ${template.text}`, 'none', 'write `x = call …`');
    }
    if (annotation !== undefined && annotation !== type) {
      throw this.#error(at, 'TYPE', `a result of ${typeToString(annotation)}`, typeToString(type));
    }
    return this.#at(at, () => this.#builder.call(type, template.text, typeArgs, args, name));
  }

  #checkCounts(
    { template, typeArgs, operands }: Extract<InstructionNode['operation'], { op: 'call' }>,
    callee: FunctionNode,
  ): void {
    if (typeArgs.length !== callee.typeParams.length) {
      const expected = `${callee.typeParams.length} type arguments for ${template.text}`;
      throw this.#error(template, 'ARITY', expected, `${typeArgs.length}`);
    }
    if (operands.length !== callee.params.length) {
      const expected = `${callee.params.length} arguments for ${template.text}`;
      throw this.#error(template, 'ARITY', expected, `${operands.length}`);
    }
  }
}

/** `%3` stands for a value or block without a name. */
function nameOf(token: Token): string | undefined {
  return token.kind === 'anonymous' ? undefined : token.text;
}
