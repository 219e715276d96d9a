// Programmatic construction of functions, with explicit block parameters, or with variables that become them. Each
// instruction is checked as it is added, so that an error points at the line that made it; what only the whole function
// shows (dominance, edges) is the verifier's.
import { type KnownParam, taught } from './bounds.js';
import { InstructionBuilder } from './build-instructions.js';
import { NO_TYPES } from './declarations.js';
import type {
  Block,
  BlockId,
  Edge,
  Instruction,
  IrFunction,
  Template,
  Terminator,
  TypeEnvironment,
  Value,
} from './ir.js';
import { mapEdges, mapInstruction, mapTerminator } from './map-values.js';
import { dropValues, renumber } from './renumber.js';
import { type Bound, type ParamType, param as paramType, scalar, type Type, typeToString } from './types.js';
import { type Variable, type VariableEdge, Variables } from './variables.js';

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
 *
 * Loops and joins are easier with variables: the builder finds out which block parameters they need. A block is sealed when
 * no more edges to it will follow; until then, reads in it are left open. (`build` seals what is left.)
 *
 * ```ts
 * const i = f.variable(scalar('i64'), 'i');
 * f.write(i, f.const(scalar('i64'), 0n));
 * f.jump(loop);
 * f.switchTo(loop);
 * f.branch(f.compare('lt', f.read(i), n), body, [], done, []);
 * f.switchTo(body);
 * f.seal(body);
 * f.write(i, f.binary('add', f.read(i), f.const(scalar('i64'), 1n)));
 * f.jump(loop);
 * f.seal(loop);
 * ```
 */
export class FunctionBuilder extends InstructionBuilder {
  readonly #typeParams: KnownParam[] = [];
  readonly #blocks: OpenBlock[] = [];
  readonly #variableTypes: { readonly type: Type; readonly name: string | undefined }[] = [];
  readonly #edges = new Map<Edge, VariableEdge>();
  readonly #variables = new Variables({
    newParam: (variable) => {
      const { type, name } = this.#variableTypes[variable]!;
      return this.newValue(type, name);
    },
    unwritten: (variable, block) => {
      const name = this.#variableTypes[variable]!.name ?? `number ${variable}`;
      const found = `a path to block ${this.#blockName(block)} on which it is not`;
      return this.fail('NOT_DOMINATED', `variable ${name} to be written on every path`, found);
    },
  });
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
    this.#variables.addBlock(this.#blocks.length === 1); // the entry has no edges to it
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

  /** A variable of the function, which has no value yet. */
  variable(type: Type, name?: string): Variable {
    this.#variableTypes.push({ type, name });
    return (this.#variableTypes.length - 1) as Variable;
  }

  /** From here on in the current block, the variable is `value`. */
  write(variable: Variable, value: Value): void {
    const [expected, found] = [this.#typeOfVariable(variable), this.typeOf(value)];
    if (found !== expected) this.fail('OPERAND_TYPE', typeToString(expected), typeToString(found));
    this.#variables.write(variable, this.#current, value);
  }

  /**
   * The value of the variable here, in the current block. Throws `IrBuildError` with `NOT_DOMINATED` if a path leads here
   * on which nothing has written it; for blocks that are not sealed, that is found out when they are.
   */
  read(variable: Variable): Value {
    this.#typeOfVariable(variable);
    return this.#variables.read(variable, this.#current);
  }

  /** Says that all edges to the block have been added. Another throws `IrBuildError` with `SHAPE`. */
  seal(block: BlockId): void {
    this.#open(block);
    this.#variables.seal(block);
  }

  #typeOfVariable(variable: Variable): Type {
    return this.#variableTypes[variable]?.type ?? this.fail('VALUE', 'a variable of this function', `${variable}`);
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

  /** Ends the current block: goes to `block`, `args` being its parameters. */
  jump(block: BlockId, args: readonly Value[] = []): void {
    this.#terminate({ op: 'jump', target: this.#edge(block, args) });
  }

  /** Ends the current block: goes to `then` if `condition` (bool) is true, otherwise to `otherwise`. */
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
    if (type.kind !== 'param' || this.#typeParams[type.index] === undefined) return;
    this.#typeParams[type.index] = taught(type.index, is, this.#typeParams);
  }

  /** Ends the current block and the function; `value` if it has a result. */
  return(value?: Value): void {
    const found = value === undefined ? undefined : this.typeOf(value);
    if (found !== this.#result) {
      const show = (type: Type | undefined) => (type === undefined ? 'no value' : `a value of ${typeToString(type)}`);
      this.fail('RETURN_TYPE', show(this.#result), show(found));
    }
    this.#terminate({ op: 'return', value });
  }

  /** Ends the current block: traps. */
  unreachable(): void {
    this.#terminate({ op: 'unreachable' });
  }

  /**
   * The function, in canonical numbering. Not verified as a whole: call `verifyTemplate` or `verifyModule`.
   * Throws `IrBuildError` with `SHAPE` if a block has no terminator.
   */
  build(): Template {
    const { types, names } = this.values();
    const fn: IrFunction = {
      name: this.name,
      typeParams: this.#typeParams.map(({ name, bound }) => ({ name, bound })),
      result: this.#result,
      valueTypes: [...types],
      valueNames: [...names],
      blocks: this.#blocks.map(({ params, instructions, terminator, name }, b) => {
        if (terminator === undefined) return this.fail('SHAPE', `a terminator in block ${this.#blockName(b)}`, 'none');
        return { name, params: [...params], instructions: [...instructions], terminator };
      }),
    };
    return renumber(this.#variableTypes.length === 0 ? fn : this.#withVariables(fn));
  }

  /** The function with the parameters and arguments that its variables need. */
  #withVariables(fn: IrFunction): IrFunction {
    for (const b of this.#blocks.keys()) this.#variables.seal(b);
    const resolve = (value: Value): Value => this.#variables.resolve(value);
    const extend = (edge: Edge): Edge => {
      const params = this.#variables.paramsOf(edge.block);
      if (params.length === 0) return edge;
      const { args } = this.#edges.get(edge)!;
      return { block: edge.block, args: [...edge.args, ...params.map((param) => args.get(param)!)] };
    };
    const blocks: Block[] = fn.blocks.map(({ params, instructions, terminator, name }, b) => ({
      name,
      params: [...params, ...this.#variables.paramsOf(b)],
      instructions: instructions.map((instruction) => mapInstruction(instruction, resolve)),
      terminator: mapTerminator(mapEdges(terminator, extend), resolve),
    }));
    const [valueTypes, valueNames] = [this.values().types, this.values().names]; // sealing may have added some
    const all = { ...fn, valueTypes, valueNames, blocks };
    return dropValues(all, (value) => this.#variables.isReplaced(value));
  }

  #blockName(block: number): string {
    return this.#blocks[block]?.name ?? `%${block}`;
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
    if (block !== 0 && this.#variables.isSealed(block)) {
      this.fail('SHAPE', 'an edge to a block before it is sealed', `one to ${this.#blockName(block)}`);
    }
    const edge: Edge = { block, args: [...args] };
    this.#edges.set(edge, this.#variables.addEdge(this.#current, block));
    return edge;
  }

  #terminate(terminator: Terminator): void {
    this.#unfinished().terminator = terminator;
  }

  #unfinished(): OpenBlock {
    const block = this.#blocks[this.#current]!;
    if (block.terminator !== undefined) {
      this.fail('SHAPE', 'a block without a terminator', `${this.#blockName(this.#current)}, which has one`);
    }
    return block;
  }
}
