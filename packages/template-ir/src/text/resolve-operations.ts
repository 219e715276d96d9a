// Instructions of the text form to the builder: finds the types of literals and results, and checks what is annotated.
import type { FunctionBuilder } from '../builder.js';
import type { Value } from '../ir.js';
import { inferResult, isBinary, isCompare, isUnary } from '../operations.js';
import { fnType, scalar, substitute, type Type, typeToString } from '../types.js';
import type { Token } from './lexer.js';
import { OperandResolver } from './resolve-operands.js';
import type { CalleeNode, FunctionNode, InstructionNode, OperandNode, OperationNode } from './syntax-tree.js';

const BOOL = scalar('bool');
const I64 = scalar('i64');
const U8 = scalar('u8');

/** All but those that `instruction` deals with itself. */
type PlainNode = Exclude<OperationNode, { op: 'const' | 'call' | 'fnaddr' | 'invoke' | 'extern' }>;
type CallNode = Extract<OperationNode, { op: 'call' }>;

export class OperationResolver extends OperandResolver {
  readonly #headers: ReadonlyMap<string, FunctionNode>;

  /** `headers`: the functions of the module, whose signatures calls are checked against. */
  constructor(builder: FunctionBuilder, headers: ReadonlyMap<string, FunctionNode>, path: string | undefined) {
    super(builder, path);
    this.#headers = headers;
  }

  /** Adds the instruction; its result, if it has one. */
  protected instruction(node: InstructionNode): Value | undefined {
    const { at, operation, annotation, result } = node;
    const { builder } = this;
    const name = result === undefined ? undefined : nameOf(result);
    switch (operation.op) {
      case 'const':
        return this.literal(operation.literal, annotation, name);
      case 'call':
        return this.#call(node, operation, name);
      case 'fnaddr': {
        const type = this.#typeOfAddress(operation.callee, node);
        const { template, typeArgs } = operation.callee;
        return this.at(at, () => builder.fnaddr(type, template.text, typeArgs, name));
      }
      case 'invoke':
        return this.#invoke(node, operation, name);
      case 'extern': {
        const args = operation.operands.map((operand) => this.operand(operand, undefined));
        const { symbol } = operation;
        if (result === undefined) return this.#none(at, () => builder.externVoid(symbol, args));
        const type = this.#annotated(node, `the type of the result of ${symbol}`, '`x: i64 = extern …`');
        return this.at(at, () => builder.extern(type, symbol, args, name));
      }
      case 'store':
      case 'copy':
      case 'fill':
      case 'bounds':
        return this.#effect(at, operation.op, operation.operands);
      case 'convert':
      case 'convert_checked':
      case 'cast': {
        const arg = this.operand(operation.operands[0]!, undefined);
        const type = this.#annotated(node, 'the type to convert to', `\`x: f64 = ${operation.op} y\``);
        if (operation.op === 'convert') return this.at(at, () => builder.convert(type, arg, name));
        if (operation.op === 'cast') return this.at(at, () => builder.cast(type, arg, name));
        return this.at(at, () => builder.convertChecked(type, arg, name));
      }
      default: {
        const value = this.#plain(at, operation, annotation, name);
        this.#checkAnnotation(node, this.builder.typeOf(value));
        return value;
      }
    }
  }

  #none(at: Token, step: () => void): undefined {
    this.at(at, step);
    return undefined;
  }

  /** The type that must be written before the `=`. */
  #annotated({ at, annotation }: InstructionNode, expected: string, example: string): Type {
    if (annotation === undefined) throw this.error(at, 'TYPE', expected, 'none', `write ${example}`);
    return annotation;
  }

  #checkAnnotation({ at, annotation, operation }: InstructionNode, found: Type): void {
    if (annotation === undefined || annotation === found) return;
    const expected = `a result of ${typeToString(annotation)}`;
    throw this.error(at, 'TYPE', expected, `${operation.op}, which gives ${typeToString(found)}`);
  }

  #effect(at: Token, op: 'store' | 'copy' | 'fill' | 'bounds', operands: readonly OperandNode[]): undefined {
    const [first, second, third] = operands as [OperandNode, OperandNode, OperandNode];
    const { builder } = this;
    switch (op) {
      case 'store': {
        const type = inferResult('load', this.typeOf(first), undefined);
        const [address, value] = [this.operand(first, undefined), this.operand(second, type)];
        return this.#none(at, () => builder.store(address, value));
      }
      case 'copy': {
        const [to, from] = [this.operand(first, undefined), this.operand(second, undefined)];
        const count = this.operand(third, I64);
        return this.#none(at, () => builder.copy(to, from, count));
      }
      case 'fill': {
        const [to, value, count] = [this.operand(first, undefined), this.operand(second, U8), this.operand(third, I64)];
        return this.#none(at, () => builder.fill(to, value, count));
      }
      default: {
        const type = this.typeOf(first) ?? this.typeOf(second);
        const [index, length] = [this.operand(first, type), this.operand(second, type)];
        return this.#none(at, () => builder.bounds(index, length));
      }
    }
  }

  /** Operations whose result's type follows from their operands. */
  #plain(at: Token, operation: PlainNode, annotation: Type | undefined, name: string | undefined): Value {
    const { builder } = this;
    switch (operation.op) {
      case 'sizeof':
      case 'alignof':
      case 'slot': {
        const { op, type } = operation;
        return this.at(at, () => builder[op](type, name));
      }
      case 'offsetof':
        return this.at(at, () => builder.offsetof(operation.type, operation.path, name));
      case 'tagof':
        return this.at(at, () => builder.tagof(operation.type, operation.variant, name));
      case 'field': {
        const base = this.operand(operation.operands[0], undefined);
        return this.at(at, () => builder.field(base, operation.path, name));
      }
      default:
        return this.#simple(at, operation.op, operation.operands, annotation, name);
    }
  }

  #simple(
    at: Token,
    op: OperationNode['op'],
    operands: readonly OperandNode[],
    annotation: Type | undefined,
    name: string | undefined,
  ): Value {
    const { builder } = this;
    const [first, second, third] = operands as [OperandNode, OperandNode, OperandNode];
    switch (op) {
      case 'load': {
        const address = this.operand(first, undefined);
        return this.at(at, () => builder.load(address, name));
      }
      case 'elem':
      case 'item': {
        const [base, index] = [this.operand(first, undefined), this.operand(second, I64)];
        return this.at(at, () => builder[op](base, index, name));
      }
      case 'select': {
        const type = this.typeOf(second) ?? this.typeOf(third) ?? annotation;
        const condition = this.operand(first, BOOL);
        const [left, right] = [this.operand(second, type), this.operand(third, type)];
        return this.at(at, () => builder.select(condition, left, right, name));
      }
      case 'fma': {
        const type = this.typeOf(first) ?? this.typeOf(second) ?? this.typeOf(third) ?? annotation;
        const [a, b, c] = [this.operand(first, type), this.operand(second, type), this.operand(third, type)];
        return this.at(at, () => builder.fma(a, b, c, name));
      }
      default: {
        if (isUnary(op)) {
          const arg = this.operand(first, annotation);
          return this.at(at, () => builder.unary(op, arg, name));
        }
        const beside = this.typeOf(first) ?? this.typeOf(second);
        const type = isCompare(op) ? beside : (beside ?? annotation);
        const [left, right] = [this.operand(first, type), this.operand(second, type)];
        if (isCompare(op)) return this.at(at, () => builder.compare(op, left, right, name));
        if (isBinary(op)) return this.at(at, () => builder.binary(op, left, right, name));
        throw this.error(at, 'TOKEN', 'an operation', op);
      }
    }
  }

  #invoke(
    node: InstructionNode,
    { target, operands }: Extract<OperationNode, { op: 'invoke' }>,
    name: string | undefined,
  ): Value | undefined {
    const { at, result } = node;
    const type = this.typeOf(target);
    const value = this.operand(target, undefined);
    if (type?.kind !== 'fn') {
      const found = type === undefined ? 'another' : typeToString(type);
      throw this.error(target.token, 'TYPE', 'a function pointer', found);
    }
    if (operands.length !== type.params.length) {
      throw this.error(at, 'ARITY', `${type.params.length} arguments for ${typeToString(type)}`, `${operands.length}`);
    }
    const args = operands.map((operand, i) => this.#argument(operand, type.params[i]));
    if (type.result === undefined && result === undefined) {
      return this.#none(at, () => this.builder.invokeVoid(value, args));
    }
    if (type.result === undefined)
      throw this.error(result!, 'TYPE', 'no result', `a name for one of ${typeToString(type)}`);
    if (result === undefined) throw this.error(at, 'TYPE', 'a name for the result', 'none', 'write `x = invoke …`');
    this.#checkAnnotation(node, type.result);
    return this.at(at, () => this.builder.invoke(value, args, name));
  }

  /** An argument, of that type where it is known. */
  #argument(operand: OperandNode, type: Type | undefined): Value {
    const value = this.operand(operand, type);
    const found = this.builder.typeOf(value);
    if (type === undefined || type === found) return value;
    throw this.error(operand.token, 'TYPE', `a value of ${typeToString(type)}`, typeToString(found));
  }

  #call(node: InstructionNode, { callee: called, operands }: CallNode, name: string | undefined): Value | undefined {
    const { at, annotation, result } = node;
    const { template, typeArgs } = called;
    const callee = this.#callee(called);
    if (callee !== undefined && operands.length !== callee.params.length) {
      const expected = `${callee.params.length} arguments for ${template.text}`;
      throw this.error(template, 'ARITY', expected, `${operands.length}`);
    }
    const types = callee?.params.map(({ type }) => substitute(type, typeArgs)) ?? [];
    const args = operands.map((operand, i) => this.#argument(operand, types[i]));
    const type = callee === undefined ? annotation : callee.result && substitute(callee.result, typeArgs);
    if (type === undefined && result === undefined) {
      return this.#none(at, () => this.builder.callVoid(template.text, typeArgs, args));
    }
    if (type === undefined) {
      if (callee !== undefined) throw this.error(result!, 'TYPE', 'no result', `a name for that of ${template.text}`);
      const hint = `${template.text} is not in this module: write \`x: i64 = call …\``;
      throw this.error(result!, 'TYPE', 'the type of the result', 'none', hint);
    }
    if (result === undefined) {
      throw this.error(at, 'TYPE', `a name for the result of ${template.text}`, 'none', 'write `x = call …`');
    }
    if (annotation !== undefined && annotation !== type) {
      throw this.error(at, 'TYPE', `a result of ${typeToString(annotation)}`, typeToString(type));
    }
    return this.at(at, () => this.builder.call(type, template.text, typeArgs, args, name));
  }

  #typeOfAddress(node: CalleeNode, instruction: InstructionNode): Type {
    const callee = this.#callee(node);
    if (callee === undefined) {
      const example = '`x: fn(i64) -> i64 = fnaddr …`';
      return this.#annotated(instruction, `the type of ${node.template.text}, which is not in this module`, example);
    }
    const type = fnType(
      callee.params.map((param) => substitute(param.type, node.typeArgs)),
      callee.result === undefined ? undefined : substitute(callee.result, node.typeArgs),
    );
    this.#checkAnnotation(instruction, type);
    return type;
  }

  /** The callee's header, if it is in the module; its type arguments are counted. */
  #callee({ template, typeArgs }: CalleeNode): FunctionNode | undefined {
    const callee = this.#headers.get(template.text);
    if (callee !== undefined && typeArgs.length !== callee.typeParams.length) {
      const expected = `${callee.typeParams.length} type arguments for ${template.text}`;
      throw this.error(template, 'ARITY', expected, `${typeArgs.length}`);
    }
    return callee;
  }
}

/** `%3` stands for a value or block without a name. */
export function nameOf(token: Token): string | undefined {
  return token.kind === 'anonymous' ? undefined : token.text;
}
