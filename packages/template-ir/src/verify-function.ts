// The verifier of one function: tells whether it keeps every rule of the IR. Generic code is checked against the bounds of
// its type parameters, so that a bad template is found when the library is built and not when someone instantiates it.
// Linear in the size of the function (the dominators take a logarithm more), no recursion; any function that the
// decoder or the builder makes ends in diagnostics, never in another exception.
import { isBound, type KnownParam } from './bounds.js';
import { checkCallee } from './check-callee.js';
import { checkInstruction, type TypingContext } from './check-instruction.js';
import { NO_TYPES } from './declarations.js';
import { type Dominators, dominators, flowGraph } from './dominators.js';
import type { Block, Edge, Instruction, IrFunction, Template, TypeEnvironment, Value } from './ir.js';
import { MAX_PARAMS, MAX_TYPE_PARAMS } from './limits.js';
import { isName } from './names.js';
import { edgesOf, operandsOf, resultOf } from './operations.js';
import { type RefinedBounds, refineBounds } from './refine-bounds.js';
import { BOUNDS, mentionsNamed, scalar, type Type, typeToString } from './types.js';
import type { VerifyCode } from './verify-code.js';
import { checkArgumentBounds, checkTypeParams, checkTypeShape, type Sink } from './verify-declarations.js';

/** Instructions that name types, callees or symbols. */
const SPECIAL: ReadonlySet<string> = new Set([
  ...['sizeof', 'alignof', 'offsetof', 'tagof', 'slot'],
  ...['call', 'fnaddr', 'invoke', 'extern'],
]);

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

export class Verifier {
  readonly #fn: IrFunction;
  readonly #lookup: TemplateLookup;
  readonly #sink: Sink;
  /** Declarations; undefined if they are not known, and named types believed. */
  readonly #environment: TypeEnvironment | undefined;
  readonly #maxParams: number;
  readonly #trustTypes: boolean;
  readonly #context: { -readonly [K in keyof TypingContext]: TypingContext[K] };
  /** The block and the index in it that define each value; block -1 where nothing does, index -1 for parameters. */
  readonly #definedIn: Int32Array;
  readonly #definedAt: Int32Array;
  readonly #goodTypes = new Set<Type>();
  #dominators: Dominators | undefined;
  /** What is known of the type parameters in each block; undefined if in none more than everywhere. */
  #paramsIn: RefinedBounds | undefined;
  #block = -1;
  #instruction = -1;

  constructor(
    fn: IrFunction,
    lookup: TemplateLookup,
    environment: TypeEnvironment | undefined,
    sink: Sink,
    options: VerifierOptions = {},
  ) {
    this.#fn = fn;
    this.#environment = environment;
    this.#maxParams = options.maxParams ?? MAX_PARAMS;
    this.#trustTypes = options.trustTypes ?? false;
    this.#context = {
      types: fn.valueTypes,
      typeParams: fn.typeParams,
      environment: environment ?? NO_TYPES,
      report: this.report,
      fieldAs: options.fieldAs,
    };
    this.#lookup = lookup;
    this.#sink = sink;
    this.#definedIn = new Int32Array(fn.valueTypes.length).fill(-1);
    this.#definedAt = new Int32Array(fn.valueTypes.length);
  }

  readonly report = (code: VerifyCode, expected: string, found: string): void => {
    this.#sink({
      code,
      function: this.#fn.name,
      block: this.#block < 0 ? undefined : this.#blockName(this.#block),
      instruction: this.#instruction < 0 ? undefined : this.#instruction,
      expected,
      found,
    });
  };

  check(): void {
    const { blocks } = this.#fn;
    this.#checkHeader();
    if (blocks.length === 0) {
      this.report('NO_BLOCKS', 'an entry block', 'a function without blocks');
      return;
    }
    // Later stages index by what the earlier ones checked; so each is entered only if that is sound.
    const typesAreGood = this.#checkTypes();
    this.#collectDefinitions();
    const edgesAreGood = this.#checkEdgeTargets();
    if (edgesAreGood) {
      this.#dominators = dominators(
        flowGraph(blocks.length, (b) => edgesOf(blocks[b]!.terminator).map((e) => e.block)),
      );
      this.#paramsIn = refineBounds(this.#fn, this.#dominators);
    }
    if (typesAreGood) for (let b = 0; b < blocks.length; b++) this.#checkBlock(b, blocks[b]!);
  }

  #blockName(block: number): string {
    return this.#fn.blocks[block]?.name ?? `%${block}`;
  }

  #valueName(value: Value): string {
    return this.#fn.valueNames[value] ?? `%${value}`;
  }

  #checkHeader(): void {
    const { name, typeParams, valueNames, valueTypes, blocks } = this.#fn;
    if (!isName(name))
      this.report('NAME', 'an identifier as the name of the function', JSON.stringify(name.slice(0, 80)));
    checkTypeParams(typeParams, this.#environment, this.report);
    const entry = blocks[0];
    if (entry !== undefined && entry.params.length > this.#maxParams) {
      this.report('LIMIT', `at most ${this.#maxParams} parameters`, `${entry.params.length}`);
    }
    if (valueNames.length !== valueTypes.length) {
      this.report('SHAPE', `${valueTypes.length} value names, as there are values`, `${valueNames.length}`);
    }
  }

  #checkTypes(): boolean {
    const { result, valueTypes, typeParams } = this.#fn;
    let good = result === undefined || this.#checkType(result);
    if (good && result !== undefined) this.#checkBounds(result, typeParams);
    for (const type of valueTypes) good = this.#checkType(type) && good;
    return good;
  }

  #checkType(type: Type): boolean {
    if (type.kind === 'scalar' || this.#trustTypes || this.#goodTypes.has(type)) return true;
    if (!checkTypeShape(type, this.#fn.typeParams, this.#environment, this.#maxParams, this.report)) return false;
    this.#goodTypes.add(type);
    return true;
  }

  /** Reports type arguments of structs and enums within the type that do not meet their bounds. */
  #checkBounds(type: Type, typeParams: readonly KnownParam[] = this.#context.typeParams): void {
    if (this.#environment === undefined || this.#trustTypes || !mentionsNamed(type)) return;
    checkArgumentBounds(type, typeParams, this.#environment, this.report);
  }

  #collectDefinitions(): void {
    this.#fn.blocks.forEach((block, b) => {
      this.#block = b;
      for (const param of block.params) this.#define(param, b, -1);
      block.instructions.forEach((instruction, i) => {
        const result = resultOf(instruction);
        this.#instruction = i;
        if (result !== undefined) this.#define(result, b, i);
      });
      this.#instruction = -1;
    });
    this.#block = -1;
    for (let value = 0; value < this.#definedIn.length; value++) {
      if (this.#definedIn[value] === -1) {
        this.report('VALUE', 'a definition of every value', `none of ${this.#valueName(value as Value)}`);
      }
    }
  }

  #define(value: Value, block: number, instruction: number): void {
    if (this.#definedIn[value] === undefined) {
      this.report('VALUE', 'a value of the function', `number ${value}`);
      return;
    }
    if (this.#definedIn[value] !== -1) {
      this.report('REDEFINED', 'one definition of a value', `another of ${this.#valueName(value)}`);
      return;
    }
    this.#definedIn[value] = block;
    this.#definedAt[value] = instruction;
  }

  #checkEdgeTargets(): boolean {
    let good = true;
    this.#fn.blocks.forEach((block, b) => {
      this.#block = b;
      this.#instruction = block.instructions.length;
      for (const edge of edgesOf(block.terminator)) {
        if (this.#fn.blocks[edge.block] === undefined) {
          this.report('BLOCK', `a block below ${this.#fn.blocks.length}`, `number ${edge.block}`);
          good = false;
        } else if (edge.block === 0) {
          this.report('EDGE_TO_ENTRY', 'an edge to another block than the entry', `one to ${this.#blockName(0)}`);
        }
      }
    });
    this.#block = this.#instruction = -1;
    return good;
  }

  #checkBlock(b: number, block: Block): void {
    this.#block = b;
    this.#instruction = -1;
    if (this.#dominators?.isReachable(b) === false) {
      this.report('UNREACHABLE_BLOCK', 'a path from the entry to every block', `none to ${this.#blockName(b)}`);
    }
    const { instructions, terminator } = block;
    this.#context.typeParams = this.#paramsIn?.[b] ?? this.#fn.typeParams;
    for (const param of block.params) {
      const type = this.#fn.valueTypes[param];
      if (type !== undefined) this.#checkBounds(type);
    }
    for (let i = 0; i < instructions.length; i++) {
      this.#instruction = i;
      this.#checkInstruction(instructions[i]!);
    }
    this.#instruction = instructions.length;
    switch (terminator.op) {
      case 'jump':
      case 'branch':
        if (terminator.op === 'branch' && this.#checkUse(terminator.condition)) {
          this.#expectType('OPERAND_TYPE', terminator.condition, scalar('bool'));
        }
        for (const edge of edgesOf(terminator)) this.#checkEdge(edge);
        break;
      case 'if':
        this.#checkType(terminator.type);
        if (!isBound(terminator.is)) this.#checkType(terminator.is);
        else if (!BOUNDS.includes(terminator.is)) this.report('TYPE', 'a bound', JSON.stringify(terminator.is));
        for (const edge of edgesOf(terminator)) this.#checkEdge(edge);
        break;
      case 'return':
        this.#checkReturn(terminator.value);
        break;
      case 'unreachable':
        break;
      default:
        this.report('OPCODE', 'a terminator', JSON.stringify((terminator as { op: unknown }).op));
    }
    this.#block = this.#instruction = -1;
  }

  /** True if the value exists and has a definition that comes first on every path; reports otherwise. */
  #checkUse(value: Value): boolean {
    const block = this.#definedIn[value];
    if (block === undefined) {
      this.report('VALUE', 'a value of the function', `number ${value}`);
      return false;
    }
    if (block === -1) return false; // reported once, for the whole function
    const comesFirst =
      block === this.#block ? this.#definedAt[value]! < this.#instruction : this.#dominates(block, this.#block);
    if (!comesFirst) {
      const found = `${this.#valueName(value)}, defined in block ${this.#blockName(block)}`;
      this.report('NOT_DOMINATED', 'a value that is defined on every path to here', found);
    }
    return true;
  }

  /** In blocks that no path reaches, and where edges are broken, that is the error to report and not this. */
  #dominates(a: number, b: number): boolean {
    const tree = this.#dominators;
    if (tree === undefined || !tree.isReachable(b)) return true;
    return tree.isReachable(a) && tree.dominates(a, b);
  }

  #expectType(code: VerifyCode, value: Value, expected: Type): void {
    const found = this.#fn.valueTypes[value]!;
    if (found !== expected)
      this.report(code, typeToString(expected), `${this.#valueName(value)}: ${typeToString(found)}`);
  }

  #checkInstruction(instruction: Instruction): void {
    const { valueTypes } = this.#fn;
    let usable = true;
    for (const value of operandsOf(instruction)) usable = this.#checkUse(value) && usable;
    const result = resultOf(instruction);
    const type = result === undefined ? undefined : valueTypes[result];
    if (result !== undefined && type === undefined) usable = false; // reported as a definition
    const special = SPECIAL.has(instruction.op);
    if (special && !this.#checkNamedTypes(instruction)) return;
    if (!usable) return;
    if (type !== undefined) this.#checkBounds(type);
    if (special && !this.#checkNames(instruction)) return;
    checkInstruction(instruction, this.#context);
  }

  /** Checks the types that an instruction names, beside those of its operands and result. */
  #checkNamedTypes(instruction: Instruction): boolean {
    if (!('type' in instruction)) return true;
    if (!this.#checkType(instruction.type)) return false;
    this.#checkBounds(instruction.type);
    return true;
  }

  /** Checks callee, symbol and number of arguments; false if there are too many to look at. */
  #checkNames(instruction: Instruction): boolean {
    if ('callee' in instruction) this.#checkCall(instruction);
    if ('symbol' in instruction && !isName(instruction.symbol)) {
      this.report('NAME', 'an identifier as the C symbol', JSON.stringify(instruction.symbol.slice(0, 80)));
    }
    if (!('args' in instruction) || instruction.args.length <= this.#maxParams) return true;
    this.report('LIMIT', `at most ${this.#maxParams} arguments`, `${instruction.args.length}`);
    return false;
  }

  #checkCall(instruction: Extract<Instruction, { op: 'call' | 'fnaddr' }>): void {
    const { template, typeArgs } = instruction.callee;
    if (!isName(template)) this.report('NAME', 'an identifier as the callee', JSON.stringify(template.slice(0, 80)));
    if (typeArgs.length > MAX_TYPE_PARAMS) {
      this.report('LIMIT', `at most ${MAX_TYPE_PARAMS} type arguments`, `${typeArgs.length}`);
      return;
    }
    let good = true;
    for (const type of typeArgs) good = this.#checkType(type) && good;
    const callee = good ? this.#lookup(template) : undefined;
    if (good) for (const type of typeArgs) this.#checkBounds(type);
    if (callee !== undefined) checkCallee(instruction, callee, this.#context);
  }

  #checkEdge({ block, args }: Edge): void {
    const target = this.#fn.blocks[block];
    if (target === undefined) return; // reported as an edge
    if (args.length !== target.params.length) {
      const found = `${args.length} for ${this.#blockName(block)}`;
      this.report('EDGE_ARITY', `${target.params.length} arguments`, found);
    }
    args.forEach((arg, i) => {
      const expected = this.#fn.valueTypes[target.params[i]!];
      if (this.#checkUse(arg) && expected !== undefined) this.#expectType('EDGE_TYPE', arg, expected);
    });
  }

  #checkReturn(value: Value | undefined): void {
    const { result } = this.#fn;
    if (value !== undefined && !this.#checkUse(value)) return;
    if (value !== undefined && result !== undefined) this.#expectType('RETURN_TYPE', value, result);
    else if (value !== undefined) this.report('RETURN_TYPE', 'no value', this.#valueName(value));
    else if (result !== undefined) this.report('RETURN_TYPE', `a value of ${typeToString(result)}`, 'none');
  }
}
