// Programmatic construction of functions, with explicit block parameters. Each instruction is checked as it is added, so
// that an error points at the line that made it; what only the whole function shows (dominance, edges) is the verifier's.
import { boundOf, isBound, type KnownParam } from './bounds.js';
import { InstructionBuilder } from './build-instructions.js';
import { NO_TYPES } from './declarations.js';
import { IrBuildError } from './errors.js';
import type {
  Block,
  BlockId,
  Edge,
  Instruction,
  IrFunction,
  Template,
  TemplateModule,
  Terminator,
  TypeDeclaration,
  TypeEnvironment,
  Value,
} from './ir.js';
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
export class FunctionBuilder extends InstructionBuilder {
  readonly #typeParams: KnownParam[] = [];
  readonly #blocks: OpenBlock[] = [];
  #result: Type | undefined;
  #current = 0;

  /** `types` finds the declarations of structs and enums whose fields the function uses (see `environmentOf`). */
  constructor(name: string, options: { readonly types?: TypeEnvironment } = {}) {
    super(name, options.types ?? NO_TYPES);
    this.block('entry');
  }

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
    const value = this.newValue(type, name);
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

  /**
   * The type parameters so far, with the bounds that `ifType` has taught of them. Where exactly those hold is for the
   * verifier, which sees the whole function.
   */
  override knownTypeParams(): readonly KnownParam[] {
    return this.#typeParams;
  }

  protected override append(instruction: Instruction): void {
    this.#unfinished().instructions.push(instruction);
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
    if (found !== scalar('bool')) this.fail('OPERAND_TYPE', 'bool', typeToString(found));
    // biome-ignore lint/suspicious/noThenProperty: an edge's name; no one awaits a terminator
    const edges = { then: this.#edge(then, thenArgs), else: this.#edge(otherwise, otherwiseArgs) };
    this.#terminate({ op: 'branch', condition, ...edges });
  }

  /** Goes to `then` if `type` satisfies the bound, or is the type; decided at specialisation. */
  ifType(
    type: Type,
    is: Bound | Type,
    then: BlockId,
    thenArgs: readonly Value[],
    otherwise: BlockId,
    otherwiseArgs: readonly Value[],
  ): void {
    // biome-ignore lint/suspicious/noThenProperty: an edge's name; no one awaits a terminator
    const edges = { then: this.#edge(then, thenArgs), else: this.#edge(otherwise, otherwiseArgs) };
    this.#terminate({ op: 'if', type, is, ...edges });
    const learned = isBound(is) ? is : boundOf(is, this.#typeParams);
    const known = type.kind === 'param' ? this.#typeParams[type.index] : undefined;
    if (type.kind !== 'param' || known === undefined || learned === undefined) return;
    this.#typeParams[type.index] = { ...known, also: [...(known.also ?? []), learned] };
  }

  return(value?: Value): void {
    const found = value === undefined ? undefined : this.typeOf(value);
    if (found !== this.#result) {
      const show = (type: Type | undefined) => (type === undefined ? 'no value' : `a value of ${typeToString(type)}`);
      this.fail('RETURN_TYPE', show(this.#result), show(found));
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
      if (terminator === undefined) return this.fail('SHAPE', `a terminator in block ${name ?? `%${b}`}`, 'none');
      return { name, params: [...params], instructions: [...instructions], terminator };
    });
    const { types, names } = this.values();
    const fn: IrFunction = {
      name: this.name,
      typeParams: this.#typeParams.map(({ name, bound }) => ({ name, bound })),
      result: this.#result,
      valueTypes: [...types],
      valueNames: [...names],
      blocks,
    };
    return renumber(fn);
  }

  #open(block: BlockId): OpenBlock {
    return this.#blocks[block] ?? this.fail('BLOCK', `a block below ${this.#blocks.length}`, `number ${block}`);
  }

  #edge(block: BlockId, args: readonly Value[]): Edge {
    const { params } = this.#open(block);
    if (block === 0) this.fail('EDGE_TO_ENTRY', 'an edge to another block than the entry', 'one to it');
    if (args.length !== params.length) this.fail('EDGE_ARITY', `${params.length} arguments`, `${args.length}`);
    args.forEach((arg, i) => {
      const [expected, found] = [this.typeOf(params[i]!), this.typeOf(arg)];
      if (found !== expected) this.fail('EDGE_TYPE', typeToString(expected), typeToString(found));
    });
    return { block, args: [...args] };
  }

  #terminate(terminator: Terminator): void {
    this.#unfinished().terminator = terminator;
  }

  #unfinished(): OpenBlock {
    const block = this.#blocks[this.#current]!;
    if (block.terminator !== undefined) {
      this.fail('SHAPE', 'a block without a terminator', `${block.name ?? `%${this.#current}`}, which has one`);
    }
    return block;
  }
}

/** Collects the declarations and templates of one library. */
export class ModuleBuilder {
  readonly name: string;
  readonly #templates = new Map<string, Template>();
  readonly #declarations = new Map<string, TypeDeclaration>();

  constructor(name: string) {
    this.name = name;
  }

  /** Finds what `declare` added so far: the option `types` of builders of this module's functions. */
  readonly types: TypeEnvironment = (name) => this.#declarations.get(name);

  /** Adds a struct or enum. Throws `IrBuildError` with `DUPLICATE` for a name that is taken. */
  declare(declaration: TypeDeclaration): void {
    const { name } = declaration;
    if (this.#declarations.has(name)) {
      throw new IrBuildError('DUPLICATE', this.name, 'one declaration of each name', `a second ${name}`);
    }
    this.#declarations.set(name, declaration);
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
    return { name: this.name, types: [...this.#declarations.values()], templates: [...this.#templates.values()] };
  }
}
