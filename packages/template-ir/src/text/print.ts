// Functions to the text form, in the one canonical layout: what it prints, `parseModule` reads back to an equal module.
import { literalToString } from '../constants.js';
import type { Block, Edge, Instruction, IrFunction, TemplateModule, Terminator, Value } from '../ir.js';
import { isName } from '../names.js';
import { edgesOf, operandsOf } from '../operations.js';
import { renumber } from '../renumber.js';
import { type Type, typeToString } from '../types.js';

/**
 * The module as text. A const without a name stands as a literal in the instruction that uses it, where the parser would
 * put it at the same place. Names that are no identifiers or are taken print as if there were none (`%3`).
 * `parseModule(printModule(m))` deeply equals `m` for every verified module in canonical numbering (see `renumber`).
 */
export function printModule(module: TemplateModule): string {
  const known = new Set(module.templates.map(({ name }) => name));
  const functions = module.templates.map((template) => new Printer(template, known).print());
  return [`module ${module.name}\n`, ...functions].join('\n');
}

/** One function as text: `fn …` to `}`. Literals as call arguments are written as in a module that has this function only. */
export function printFunction(fn: IrFunction): string {
  return new Printer(fn, new Set([fn.name])).print();
}

class Printer {
  readonly #fn: IrFunction;
  /** Templates whose signatures the parser will know. */
  readonly #known: ReadonlySet<string>;
  readonly #valueNames: readonly string[];
  readonly #blockNames: readonly string[];
  readonly #uses: Int32Array;
  /** Text of the consts that stand as literals. */
  readonly #inlined = new Map<Value, string>();

  constructor(original: IrFunction, known: ReadonlySet<string>) {
    const fn = renumber(original);
    this.#fn = fn;
    this.#known = known;
    this.#valueNames = uniqueNames(fn.valueNames);
    this.#blockNames = uniqueNames(fn.blocks.map(({ name }) => name));
    this.#uses = new Int32Array(fn.valueTypes.length);
    const use = (value: Value): void => {
      if (this.#uses[value] !== undefined) this.#uses[value]!++;
    };
    for (const block of fn.blocks) {
      for (const instruction of block.instructions) operandsOf(instruction).forEach(use);
      terminatorOperands(block.terminator).forEach(use);
    }
  }

  print(): string {
    const { name, typeParams, result, blocks } = this.#fn;
    const generics = typeParams.map((param) => `${param.name}: ${param.bound}`).join(', ');
    const params = this.#parameters(blocks[0]?.params ?? []);
    const arrow = result === undefined ? '' : ` -> ${typeToString(result)}`;
    const head = `fn ${name}${generics === '' ? '' : `<${generics}>`}(${params})${arrow} {\n`;
    return `${head}${blocks.map((block, b) => this.#block(block, b)).join('')}}\n`;
  }

  #parameters(values: readonly Value[]): string {
    return values.map((value) => `${this.#name(value)}: ${this.#type(value)}`).join(', ');
  }

  #name(value: Value): string {
    return this.#valueNames[value] ?? `%${value}`;
  }

  #type(value: Value): string {
    const type = this.#fn.valueTypes[value];
    return type === undefined ? '?' : typeToString(type);
  }

  #operand = (value: Value): string => this.#inlined.get(value) ?? this.#name(value);

  #block(block: Block, b: number): string {
    const params = b === 0 || block.params.length === 0 ? '' : `(${this.#parameters(block.params)})`;
    const { instructions, terminator } = block;
    instructions.forEach((instruction, i) => {
      this.#inline(instructions, i, operandsOf(instruction), (value) => this.#typeFollows(instruction, value));
    });
    // Every operand of a terminator has a type that follows: bool, the block parameter's, the function's result.
    this.#inline(instructions, instructions.length, terminatorOperands(terminator), () => true);
    const lines = instructions
      .filter(({ op, ...rest }) => !(op === 'const' && this.#inlined.has((rest as { result: Value }).result)))
      .map((instruction) => `  ${this.#instruction(instruction)}\n`);
    return `${this.#blockNames[b]}${params}:\n${lines.join('')}  ${this.#terminator(terminator)}\n`;
  }

  /** Finds the consts right before position `at` that the parser would insert there, from the last operand to the first. */
  #inline(
    instructions: readonly Instruction[],
    at: number,
    operands: readonly Value[],
    typeFollows: (value: Value) => boolean,
  ): void {
    let before = at - 1;
    for (let i = operands.length - 1; i >= 0; i--) {
      const candidate = instructions[before];
      const value = operands[i]!;
      if (candidate?.op !== 'const' || candidate.result !== value || this.#uses[value] !== 1) continue;
      if (!this.#valueNames[value]?.startsWith('%') || !typeFollows(value)) continue;
      this.#inlined.set(value, literalToString(candidate.value, this.#fn.valueTypes[value]!));
      before--;
    }
  }

  /** True if the parser knows the type of a literal in the place of `value`. */
  #typeFollows(instruction: Instruction, value: Value): boolean {
    switch (instruction.op) {
      case 'store':
        return value === instruction.value;
      case 'elem':
        return value === instruction.index;
      case 'call':
        return this.#known.has(instruction.callee.template);
      case 'select':
        if (value === instruction.condition) return true;
        return !this.#inlined.has(value === instruction.left ? instruction.right : instruction.left);
      case 'const':
      case 'sizeof':
      case 'neg':
      case 'not':
      case 'sqrt':
      case 'convert':
      case 'load':
        return false;
      default:
        return !this.#inlined.has(value === instruction.left ? instruction.right : instruction.left);
    }
  }

  #instruction(instruction: Instruction): string {
    const operands = operandsOf(instruction).map(this.#operand).join(', ');
    if (instruction.op === 'store') return `store ${operands}`;
    const { op, result } = instruction;
    const name = result === undefined ? '' : this.#name(result);
    switch (op) {
      case 'const': {
        const type = this.#fn.valueTypes[instruction.result];
        return `${name}: ${this.#type(instruction.result)} = const ${literalToString(instruction.value, type as Type)}`;
      }
      case 'sizeof':
        return `${name} = sizeof ${typeToString(instruction.type)}`;
      case 'convert':
        return `${name}: ${this.#type(instruction.result)} = convert ${operands}`;
      case 'call': {
        const { template, typeArgs } = instruction.callee;
        const generics = typeArgs.length === 0 ? '' : `<${typeArgs.map(typeToString).join(', ')}>`;
        const call = `call ${template}${generics}(${operands})`;
        if (result === undefined) return call;
        return this.#known.has(template) ? `${name} = ${call}` : `${name}: ${this.#type(result)} = ${call}`;
      }
      default:
        return `${name} = ${op} ${operands}`;
    }
  }

  #terminator(terminator: Terminator): string {
    switch (terminator.op) {
      case 'jump':
        return `jump ${this.#edge(terminator.target)}`;
      case 'branch': {
        const { condition, then, else: otherwise } = terminator;
        return `branch ${this.#operand(condition)}, ${this.#edge(then)}, ${this.#edge(otherwise)}`;
      }
      case 'return':
        return terminator.value === undefined ? 'return' : `return ${this.#operand(terminator.value)}`;
      default:
        return terminator.op;
    }
  }

  #edge({ block, args }: Edge): string {
    const name = this.#blockNames[block] ?? `%${block}`;
    return args.length === 0 ? name : `${name}(${args.map(this.#operand).join(', ')})`;
  }
}

function terminatorOperands(terminator: Terminator): readonly Value[] {
  const edges = edgesOf(terminator).flatMap(({ args }) => args);
  if (terminator.op === 'branch') return [terminator.condition, ...edges];
  if (terminator.op === 'return' && terminator.value !== undefined) return [terminator.value];
  return edges;
}

/** The names where they can be written and are the first of their kind, `%` and the number elsewhere. */
function uniqueNames(names: readonly (string | undefined)[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name, i) => {
    if (name === undefined || !isName(name) || taken.has(name)) return `%${i}`;
    taken.add(name);
    return name;
  });
}
