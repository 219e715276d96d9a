// Programmatic construction of functions, with explicit block parameters. Each instruction is checked as it is added, so
// that an error points at the line that made it; what only the whole function shows (dominance, edges) is the verifier's.
import { IrBuildError } from './errors.js';
import type {
  BinaryOp,
  Block,
  BlockId,
  CompareOp,
  ConstValue,
  Edge,
  Instruction,
  IrFunction,
  Template,
  TemplateModule,
  Terminator,
  TypeParam,
  UnaryOp,
  Value,
} from './ir.js';
import { checkInstruction, inferResult, type VerifyCode } from './operations.js';
import { renumber } from './renumber.js';
import { type Bound, type ParamType, param as paramType, scalar, type Type, typeToString } from './types.js';

interface OpenBlock {
  readonly name: string | undefined;
  readonly params: Value[];
  readonly instructions: Instruction[];
  terminator: Terminator | undefined;
}

/**
 * Builds one function. Declare type parameters and parameters first; block 0 exists from the start and is current.
 * Instructions and terminators go to the current block; names are optional and for people. Every method throws
 * `IrBuildError` (`code` is the rule of the verifier that would be broken); a builder that has thrown is not to be used on.
 *
 * ```ts
 * const f = new FunctionBuilder('double');
 * const T = f.typeParam('T', 'Num');
 * const x = f.param(T, 'x');
 * f.setResult(T);
 * f.return(f.binary('add', x, x));
 * const template = f.build();
 * ```
 */
export class FunctionBuilder {
  readonly name: string;
  readonly #typeParams: TypeParam[] = [];
  readonly #types: Type[] = [];
  readonly #names: (string | undefined)[] = [];
  readonly #blocks: OpenBlock[] = [];
  #result: Type | undefined;
  #current = 0;

  constructor(name: string) {
    this.name = name;
    this.block('entry');
  }

  readonly #fail = (code: VerifyCode, expected: string, found: string): never => {
    throw new IrBuildError(code, this.name, expected, found);
  };

  /** Adds a type parameter and returns the type that it stands for. */
  typeParam(name: string, bound: Bound): ParamType {
    this.#typeParams.push({ name, bound });
    return paramType(this.#typeParams.length - 1, name);
  }

  /** Adds a parameter of the function. */
  param(type: Type, name?: string): Value {
    return this.blockParam(0 as BlockId, type, name);
  }

  /** Says what the function returns; without it, nothing. */
  setResult(type: Type | undefined): void {
    this.#result = type;
  }

  /** Adds a block after the others. It becomes current only by `switchTo`. */
  block(name?: string): BlockId {
    this.#blocks.push({ name, params: [], instructions: [], terminator: undefined });
    return (this.#blocks.length - 1) as BlockId;
  }

  /** Names the entry block, which is called `entry` otherwise. */
  nameEntry(name: string | undefined): void {
    this.#blocks[0] = { ...this.#blocks[0]!, name };
  }

  /** Adds a parameter to a block: its value comes with each edge to the block. */
  blockParam(block: BlockId, type: Type, name?: string): Value {
    const value = this.#value(type, name);
    this.#open(block).params.push(value);
    return value;
  }

  /** The parameters of a block so far. */
  paramsOf(block: BlockId): readonly Value[] {
    return this.#open(block).params;
  }

  /** What is added next goes to the end of `block`. */
  switchTo(block: BlockId): void {
    this.#open(block);
    this.#current = block;
  }

  typeOf(value: Value): Type {
    return this.#types[value] ?? this.#fail('VALUE', 'a value of this function', `number ${value}`);
  }

  const(type: Type, value: ConstValue, name?: string): Value {
    return this.#define(type, name, (result) => ({ op: 'const', result, value }));
  }

  unary(op: UnaryOp, arg: Value, name?: string): Value {
    return this.#define(this.typeOf(arg), name, (result) => ({ op, result, arg }));
  }

  binary(op: BinaryOp, left: Value, right: Value, name?: string): Value {
    this.typeOf(right);
    return this.#define(this.typeOf(left), name, (result) => ({ op, result, left, right }));
  }

  compare(op: CompareOp, left: Value, right: Value, name?: string): Value {
    this.typeOf(left);
    this.typeOf(right);
    return this.#define(scalar('bool'), name, (result) => ({ op, result, left, right }));
  }

  select(condition: Value, left: Value, right: Value, name?: string): Value {
    this.typeOf(condition);
    this.typeOf(right);
    return this.#define(this.typeOf(left), name, (result) => ({ op: 'select', result, condition, left, right }));
  }

  /** Converts to `type`. */
  convert(type: Type, arg: Value, name?: string): Value {
    this.typeOf(arg);
    return this.#define(type, name, (result) => ({ op: 'convert', result, arg }));
  }

  load(address: Value, name?: string): Value {
    const found = this.typeOf(address);
    const type = inferResult('load', found, undefined);
    if (type === undefined) return this.#fail('OPERAND_TYPE', 'a pointer', typeToString(found));
    return this.#define(type, name, (result) => ({ op: 'load', result, address }));
  }

  store(address: Value, value: Value): void {
    this.typeOf(address);
    this.typeOf(value);
    this.#add({ op: 'store', address, value });
  }

  /** The address of element `index` (i64) of the array at `base`. */
  elem(base: Value, index: Value, name?: string): Value {
    this.typeOf(index);
    return this.#define(this.typeOf(base), name, (result) => ({ op: 'elem', result, base, index }));
  }

  /** The size of `type` in bytes. */
  sizeof(type: Type, name?: string): Value {
    return this.#define(scalar('i64'), name, (result) => ({ op: 'sizeof', result, type }));
  }

  /** Calls a template that returns a value of type `type`. The callee is checked by `verifyModule`. */
  call(type: Type, template: string, typeArgs: readonly Type[], args: readonly Value[], name?: string): Value {
    for (const arg of args) this.typeOf(arg);
    return this.#define(type, name, (result) => ({
      op: 'call',
      result,
      callee: { template, typeArgs: [...typeArgs] },
      args: [...args],
    }));
  }

  /** Calls a template that returns nothing. */
  callVoid(template: string, typeArgs: readonly Type[], args: readonly Value[]): void {
    for (const arg of args) this.typeOf(arg);
    this.#add({ op: 'call', result: undefined, callee: { template, typeArgs: [...typeArgs] }, args: [...args] });
  }

  jump(block: BlockId, args: readonly Value[] = []): void {
    this.#terminate({ op: 'jump', target: this.#edge(block, args) });
  }

  branch(
    condition: Value,
    then: BlockId,
    thenArgs: readonly Value[],
    otherwise: BlockId,
    otherwiseArgs: readonly Value[],
  ): void {
    const found = this.typeOf(condition);
    if (found !== scalar('bool')) this.#fail('OPERAND_TYPE', 'bool', typeToString(found));
    // biome-ignore lint/suspicious/noThenProperty: an edge's name; no one awaits a terminator
    const edges = { then: this.#edge(then, thenArgs), else: this.#edge(otherwise, otherwiseArgs) };
    this.#terminate({ op: 'branch', condition, ...edges });
  }

  return(value?: Value): void {
    const found = value === undefined ? undefined : this.typeOf(value);
    if (found !== this.#result) {
      const show = (type: Type | undefined) => (type === undefined ? 'no value' : `a value of ${typeToString(type)}`);
      this.#fail('RETURN_TYPE', show(this.#result), show(found));
    }
    this.#terminate({ op: 'return', value });
  }

  unreachable(): void {
    this.#terminate({ op: 'unreachable' });
  }

  /**
   * The function, in canonical numbering. Not verified as a whole: call `verifyTemplate` or `verifyModule`.
   * Throws `IrBuildError` with `SHAPE` if a block has no terminator.
   */
  build(): Template {
    const blocks: Block[] = this.#blocks.map(({ name, params, instructions, terminator }, b) => {
      if (terminator === undefined) return this.#fail('SHAPE', `a terminator in block ${name ?? `%${b}`}`, 'none');
      return { name, params: [...params], instructions: [...instructions], terminator };
    });
    const fn: IrFunction = {
      name: this.name,
      typeParams: [...this.#typeParams],
      result: this.#result,
      valueTypes: [...this.#types],
      valueNames: [...this.#names],
      blocks,
    };
    return renumber(fn);
  }

  #value(type: Type, name: string | undefined): Value {
    this.#types.push(type);
    this.#names.push(name);
    return (this.#types.length - 1) as Value;
  }

  #open(block: BlockId): OpenBlock {
    return this.#blocks[block] ?? this.#fail('BLOCK', `a block below ${this.#blocks.length}`, `number ${block}`);
  }

  #define(type: Type, name: string | undefined, make: (result: Value) => Instruction): Value {
    const result = this.#value(type, name);
    this.#add(make(result));
    return result;
  }

  #add(instruction: Instruction): void {
    checkInstruction(instruction, this.#types, this.#typeParams, this.#fail);
    this.#unfinished().instructions.push(instruction);
  }

  #edge(block: BlockId, args: readonly Value[]): Edge {
    const { params } = this.#open(block);
    if (block === 0) this.#fail('EDGE_TO_ENTRY', 'an edge to another block than the entry', 'one to it');
    if (args.length !== params.length) this.#fail('EDGE_ARITY', `${params.length} arguments`, `${args.length}`);
    args.forEach((arg, i) => {
      const [expected, found] = [this.typeOf(params[i]!), this.typeOf(arg)];
      if (found !== expected) this.#fail('EDGE_TYPE', typeToString(expected), typeToString(found));
    });
    return { block, args: [...args] };
  }

  #terminate(terminator: Terminator): void {
    this.#unfinished().terminator = terminator;
  }

  #unfinished(): OpenBlock {
    const block = this.#blocks[this.#current]!;
    if (block.terminator !== undefined) {
      this.#fail('SHAPE', 'a block without a terminator', `${block.name ?? `%${this.#current}`}, which has one`);
    }
    return block;
  }
}

/** Collects the templates of one library. */
export class ModuleBuilder {
  readonly name: string;
  readonly #templates = new Map<string, Template>();

  constructor(name: string) {
    this.name = name;
  }

  /** Adds a finished function, or a builder's. Throws `IrBuildError` with `DUPLICATE` for a name that is taken. */
  add(template: Template | FunctionBuilder): void {
    const built = template instanceof FunctionBuilder ? template.build() : template;
    if (this.#templates.has(built.name)) {
      throw new IrBuildError('DUPLICATE', this.name, 'one template of each name', `a second ${built.name}`);
    }
    this.#templates.set(built.name, built);
  }

  /** The module so far. Not verified: call `verifyModule`. */
  build(): TemplateModule {
    return { name: this.name, templates: [...this.#templates.values()] };
  }
}
