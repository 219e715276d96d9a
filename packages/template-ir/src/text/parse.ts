// The text form to functions: resolves names and labels, and builds. Blocks are visited in depth-first order, in which a
// value's definition comes before its uses whatever the order of the blocks in the text.
import { FunctionBuilder } from '../builder.js';
import { environmentOf } from '../declarations.js';
import { walk } from '../dominators.js';
import type { BlockId, Template, TemplateModule, TypeEnvironment, TypeParam, Value } from '../ir.js';
import { scalar, type Type } from '../types.js';
import { giveBack, takeFlow } from '../working-memory.js';
import { describe, syntaxError, type Token } from './lexer.js';
import { Reader } from './read.js';
import { nameOf, OperationResolver } from './resolve-operations.js';
import type { BlockNode, EdgeNode, FunctionNode } from './syntax-tree.js';

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
  const { name, types, functions } = new Reader(text, path).readModule();
  const environment = environmentOf(types);
  const headers = new Map<string, FunctionNode>();
  for (const fn of functions) {
    if (headers.has(fn.name.text)) {
      const found = `a second ${fn.name.text}`;
      throw syntaxError(path, fn.name, { code: 'DUPLICATE', expected: 'one function of each name', found });
    }
    headers.set(fn.name.text, fn);
  }
  const templates = functions.map((fn) => new FunctionResolver(fn, headers, environment, path).resolve());
  return { name, types, templates };
}

/** What names in a type may mean; without it, all but those of the types that are always there are structs or enums. */
export interface ParseTypeOptions {
  /** Names that stand for type parameters. */
  readonly typeParams?: readonly TypeParam[];
  /** Finds declarations: a struct or enum that it does not have is an error. Without it, every name may be one. */
  readonly types?: TypeEnvironment;
}

/**
 * Reads one type, as notes and the text form write it: `i64`, `ptr<u8>`, `Pair<i32,f64>`, `array<i32, 4>`,
 * `fn(i64) -> bool`; `ptr<T>` if `typeParams` has a T. Throws `IrSyntaxError`: `CHARACTER`, `NUMBER`, `TOKEN`, `RESERVED`, `LIMIT`;
 * `UNDEFINED` for what `types` does not have, `ARITY` for a wrong number of type arguments.
 *
 * ```ts
 * parseType('ptr<u8>') === ptr(scalar('u8')); // true
 * ```
 */
export function parseType(text: string, options: ParseTypeOptions = {}): Type {
  const reader = new Reader(text, undefined, options.typeParams);
  const type = reader.readWholeType();
  if (options.types !== undefined) reader.checkReferences(options.types, []);
  return type;
}

/**
 * Reads a list of types: `i64`, `i64, Pair<i32, f64>`; none for an empty text. Throws `IrSyntaxError` as `parseType` does.
 *
 * ```ts
 * specialise(template, parseTypeList('i64, f64'));
 * ```
 */
export function parseTypeList(text: string, options: ParseTypeOptions = {}): readonly Type[] {
  const reader = new Reader(text, undefined, options.typeParams);
  const types = reader.readTypeList();
  if (options.types !== undefined) reader.checkReferences(options.types, []);
  return types;
}

const BOOL = scalar('bool');

class FunctionResolver extends OperationResolver {
  readonly #node: FunctionNode;
  readonly #labels = new Map<string, number>();

  constructor(
    node: FunctionNode,
    headers: ReadonlyMap<string, FunctionNode>,
    types: TypeEnvironment,
    path: string | undefined,
  ) {
    super(new FunctionBuilder(node.name.text, { types }), headers, path);
    this.#node = node;
  }

  resolve(): Template {
    const { typeParams, params, result, blocks } = this.#node;
    for (const { name, bound } of typeParams) this.builder.typeParam(name, bound);
    this.builder.setResult(result);
    this.#collectNames();
    for (const { token, type } of params) this.values.set(token.text, this.builder.param(type, nameOf(token)));
    blocks.forEach((block, b) => {
      if (b === 0) this.builder.nameEntry(nameOf(block.label));
      else this.builder.block(nameOf(block.label));
      for (const { token, type } of block.params) {
        this.values.set(token.text, this.builder.blockParam(b as BlockId, type, nameOf(token)));
      }
    });
    for (const b of this.#order()) {
      this.builder.switchTo(b as BlockId);
      this.#block(blocks[b]!);
    }
    return this.builder.build();
  }

  #collectNames(): void {
    const { params, blocks } = this.#node;
    const define = (token: Token): void => {
      if (this.definitions.has(token.text)) {
        throw this.error(token, 'DUPLICATE', 'one definition of each value', `a second ${token.text}`);
      }
      this.definitions.add(token.text);
    };
    for (const { token } of params) define(token);
    blocks.forEach((block, b) => {
      if (this.#labels.has(block.label.text)) {
        throw this.error(block.label, 'DUPLICATE', 'one block of each label', `a second ${block.label.text}`);
      }
      if (b === 0 && block.params.length > 0) {
        const hint = 'its parameters are those of the function';
        throw this.error(block.label, 'TOKEN', 'an entry block without a parameter list', 'one with it', hint);
      }
      this.#labels.set(block.label.text, b);
      for (const { token } of block.params) define(token);
      for (const { result } of block.instructions) if (result !== undefined) define(result);
    });
  }

  /** Depth-first from the entry; then what it does not reach, which the verifier will refuse. */
  #order(): number[] {
    const { blocks } = this.#node;
    const flow = takeFlow(blocks.length);
    blocks.forEach(({ terminator }, b) => {
      const [first, second] = 'edges' in terminator ? terminator.edges : [];
      flow.setSuccessors(
        b,
        first === undefined ? -1 : this.#label(first.label),
        second === undefined ? -1 : this.#label(second.label),
      );
    });
    walk(flow, blocks.length);
    const order: number[] = [...flow.order.subarray(0, flow.reached)];
    for (let b = 0; b < blocks.length; b++) if (!flow.isReachable(b)) order.push(b);
    giveBack(undefined, flow);
    return order;
  }

  #label(token: Token): BlockId {
    const block = this.#labels.get(token.text);
    if (block === undefined) throw this.error(token, 'UNDEFINED', 'the label of a block', describe(token));
    return block as BlockId;
  }

  #block({ instructions, terminator }: BlockNode): void {
    for (const instruction of instructions) {
      const value = this.instruction(instruction);
      if (instruction.result !== undefined && value !== undefined) this.values.set(instruction.result.text, value);
    }
    const { at } = terminator;
    switch (terminator.op) {
      case 'jump': {
        const target = this.#edge(terminator.edges[0]!);
        this.at(at, () => this.builder.jump(...target));
        return;
      }
      case 'branch': {
        const condition = this.operand(terminator.condition, BOOL);
        const then = this.#edge(terminator.edges[0]!);
        const otherwise = this.#edge(terminator.edges[1]!);
        this.at(at, () => this.builder.branch(condition, ...then, ...otherwise));
        return;
      }
      case 'if': {
        const { type, is } = terminator;
        const then = this.#edge(terminator.edges[0]!);
        const otherwise = this.#edge(terminator.edges[1]!);
        this.at(at, () => this.builder.ifType(type, is, ...then, ...otherwise));
        return;
      }
      case 'return': {
        const value = terminator.value === undefined ? undefined : this.operand(terminator.value, this.#node.result);
        this.at(at, () => this.builder.return(value));
        return;
      }
      case 'unreachable':
        this.builder.unreachable();
        return;
    }
  }

  #edge({ label, args }: EdgeNode): [BlockId, Value[]] {
    const block = this.#label(label);
    const params = this.builder.paramsOf(block);
    if (params.length !== args.length && block !== 0) {
      const expected = `${params.length} arguments for ${label.text}`;
      throw this.error(label, 'ARITY', expected, `${args.length}`);
    }
    const types = params.map((param) => this.builder.typeOf(param));
    return [block, args.map((arg, i) => this.operand(arg, types[i]))];
  }
}
