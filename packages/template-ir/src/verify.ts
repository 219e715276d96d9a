// The verifier: tells whether a function keeps every rule of the IR. Generic code is checked against the bounds of its
// type parameters, so that a bad template is found when the library is built and not when someone instantiates it.
// Linear in the size of the function (the dominators take a logarithm more), no recursion; any function that the
// decoder or the builder makes ends in diagnostics, never in another exception.
import { satisfies } from './bounds.js';
import { type Dominators, dominators, flowGraph } from './dominators.js';
import { type IrDiagnostic, IrVerifyError } from './errors.js';
import type { Block, Edge, Instruction, IrFunction, Template, TemplateModule, Value } from './ir.js';
import { MAX_DIAGNOSTICS, MAX_PARAMS, MAX_TYPE_DEPTH, MAX_TYPE_PARAMS } from './limits.js';
import { isName, isTypeParamName } from './names.js';
import { checkInstruction, edgesOf, operandsOf, resultOf, type VerifyCode } from './operations.js';
import { BOUNDS, scalar, substitute, type Type, typeToString } from './types.js';

/** Finds a template by name; undefined if this module does not define it: then the call is checked when it is linked. */
export type TemplateLookup = (name: string) => Template | undefined;

const noTemplates: TemplateLookup = () => undefined;

/**
 * Checks every template of a module, and calls between them against the callee's parameters and bounds.
 * Throws `IrVerifyError` for the first rule that is broken.
 */
export function verifyModule(module: TemplateModule): void {
  checkModule(module, raise);
}

/**
 * Checks one function, generic or concrete. Calls of templates that `lookup` finds are checked against them; others only
 * for well-formed types. Throws `IrVerifyError` for the first rule that is broken.
 */
export function verifyTemplate(template: IrFunction, lookup: TemplateLookup = noTemplates): void {
  new Verifier(template, lookup, raise).check();
}

/** All problems of a module (at most 100); empty if `verifyModule` would accept it. */
export function diagnoseModule(module: TemplateModule): readonly IrDiagnostic[] {
  const found: IrDiagnostic[] = [];
  checkModule(module, collectInto(found));
  return found;
}

/** All problems of a function (at most 100); empty if `verifyTemplate` would accept it. */
export function diagnoseTemplate(template: IrFunction, lookup: TemplateLookup = noTemplates): readonly IrDiagnostic[] {
  const found: IrDiagnostic[] = [];
  new Verifier(template, lookup, collectInto(found)).check();
  return found;
}

/** A lookup over the templates of a module. */
export function lookupIn(module: TemplateModule): TemplateLookup {
  const byName = new Map(module.templates.map((template) => [template.name, template]));
  return (name) => byName.get(name);
}

type Sink = (diagnostic: IrDiagnostic) => void;

function raise(diagnostic: IrDiagnostic): never {
  throw new IrVerifyError(diagnostic);
}

function collectInto(found: IrDiagnostic[]): Sink {
  return (diagnostic) => {
    if (found.length < MAX_DIAGNOSTICS) found.push(diagnostic);
  };
}

function checkModule(module: TemplateModule, sink: Sink): void {
  const lookup = lookupIn(module);
  if (!isName(module.name)) {
    const [expected, found] = ['an identifier as the name of the module', JSON.stringify(module.name.slice(0, 80))];
    sink({ code: 'NAME', function: module.name, block: undefined, instruction: undefined, expected, found });
  }
  const seen = new Set<string>();
  for (const template of module.templates) {
    const verifier = new Verifier(template, lookup, sink);
    if (seen.has(template.name)) verifier.report('DUPLICATE', 'one template of each name', `a second ${template.name}`);
    seen.add(template.name);
    verifier.check();
  }
}

class Verifier {
  readonly #fn: IrFunction;
  readonly #lookup: TemplateLookup;
  readonly #sink: Sink;
  /** The block and the index in it that define each value; block -1 where nothing does, index -1 for parameters. */
  readonly #definedIn: Int32Array;
  readonly #definedAt: Int32Array;
  readonly #goodTypes = new Set<Type>();
  #dominators: Dominators | undefined;
  #block = -1;
  #instruction = -1;

  constructor(fn: IrFunction, lookup: TemplateLookup, sink: Sink) {
    this.#fn = fn;
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
    if (typeParams.length > MAX_TYPE_PARAMS) {
      this.report('LIMIT', `at most ${MAX_TYPE_PARAMS} type parameters`, `${typeParams.length}`);
    }
    const seen = new Set<string>();
    for (const param of typeParams) {
      if (!isTypeParamName(param.name)) {
        this.report('NAME', 'an identifier as the name of a type parameter', JSON.stringify(param.name.slice(0, 80)));
      }
      if (seen.has(param.name)) this.report('DUPLICATE', 'one type parameter of each name', `a second ${param.name}`);
      seen.add(param.name);
      if (!BOUNDS.includes(param.bound)) this.report('TYPE', `a bound (${BOUNDS.join(', ')})`, String(param.bound));
    }
    const entry = blocks[0];
    if (entry !== undefined && entry.params.length > MAX_PARAMS) {
      this.report('LIMIT', `at most ${MAX_PARAMS} parameters`, `${entry.params.length}`);
    }
    if (valueNames.length !== valueTypes.length) {
      this.report('SHAPE', `${valueTypes.length} value names, as there are values`, `${valueNames.length}`);
    }
  }

  #checkTypes(): boolean {
    let good = this.#fn.result === undefined || this.#checkType(this.#fn.result);
    for (const type of this.#fn.valueTypes) good = this.#checkType(type) && good;
    return good;
  }

  #checkType(type: Type): boolean {
    if (this.#goodTypes.has(type)) return true;
    let inner = type;
    for (let depth = 1; inner.kind === 'ptr'; depth++, inner = inner.to) {
      if (depth >= MAX_TYPE_DEPTH) {
        this.report('LIMIT', `a type of at most ${MAX_TYPE_DEPTH} levels`, 'a deeper one');
        return false;
      }
    }
    if (inner.kind === 'param') {
      const found = `${inner.name}, number ${inner.index}`;
      if (this.#fn.typeParams[inner.index]?.name !== inner.name) {
        this.report('TYPE', `a type parameter of ${this.#fn.name}`, found);
        return false;
      }
    }
    this.#goodTypes.add(type);
    return true;
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
    const { valueTypes, typeParams } = this.#fn;
    let usable = true;
    for (const value of operandsOf(instruction)) usable = this.#checkUse(value) && usable;
    const result = resultOf(instruction);
    if (result !== undefined && valueTypes[result] === undefined) usable = false; // reported as a definition
    if (instruction.op === 'sizeof' && !this.#checkType(instruction.type)) return;
    if (!usable) return;
    if (instruction.op === 'call') this.#checkCall(instruction);
    else checkInstruction(instruction, valueTypes, typeParams, this.report);
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

  #checkCall(call: Extract<Instruction, { op: 'call' }>): void {
    const { template, typeArgs } = call.callee;
    if (!isName(template)) this.report('NAME', 'an identifier as the callee', JSON.stringify(template.slice(0, 80)));
    if (typeArgs.length > MAX_TYPE_PARAMS) {
      this.report('LIMIT', `at most ${MAX_TYPE_PARAMS} type arguments`, `${typeArgs.length}`);
      return;
    }
    if (call.args.length > MAX_PARAMS) {
      this.report('LIMIT', `at most ${MAX_PARAMS} arguments`, `${call.args.length}`);
    }
    let good = true;
    for (const type of typeArgs) good = this.#checkType(type) && good;
    const callee = good ? this.#lookup(template) : undefined;
    if (callee !== undefined) this.#checkKnownCallee(call, callee);
  }

  #checkKnownCallee({ callee, args, result }: Extract<Instruction, { op: 'call' }>, target: Template): void {
    const { typeArgs } = callee;
    if (typeArgs.length !== target.typeParams.length) {
      const expected = `${target.typeParams.length} type arguments for ${target.name}`;
      this.report('CALL_TYPE_ARGS', expected, `${typeArgs.length}`);
      return;
    }
    target.typeParams.forEach((param, i) => {
      const arg = typeArgs[i]!;
      if (satisfies(arg, param.bound, this.#fn.typeParams)) return;
      const bound = arg.kind === 'param' ? `: ${this.#fn.typeParams[arg.index]?.bound}` : '';
      const expected = `a type with bound ${param.bound} for ${param.name} of ${target.name}`;
      this.report('CALL_BOUND', expected, `${typeToString(arg)}${bound}`);
    });
    const params = target.blocks[0]?.params ?? [];
    if (args.length !== params.length) {
      this.report('CALL_SIGNATURE', `${params.length} arguments for ${target.name}`, `${args.length}`);
      return;
    }
    params.forEach((param, i) => {
      const type = target.valueTypes[param];
      if (type !== undefined) this.#expectType('CALL_SIGNATURE', args[i]!, substitute(type, typeArgs));
    });
    const expected = target.result === undefined ? undefined : substitute(target.result, typeArgs);
    const found = result === undefined ? undefined : this.#fn.valueTypes[result];
    if (expected === found) return;
    const show = (type: Type | undefined) => (type === undefined ? 'no result' : `a result of ${typeToString(type)}`);
    this.report('CALL_SIGNATURE', `${show(expected)} from ${target.name}`, show(found));
  }
}
