// Functions and declarations to the text form, in the one canonical layout: what it prints, `parseModule` reads back to an
// equal module.
import { isBound } from '../bounds.js';
import { literalToString } from '../constants.js';
import type {
  Block,
  Edge,
  FieldDeclaration,
  Instruction,
  IrFunction,
  TemplateModule,
  Terminator,
  TypeDeclaration,
  TypeParam,
  Value,
} from '../ir.js';
import { isName } from '../names.js';
import { operandsOf } from '../operations.js';
import { renumber } from '../renumber.js';
import { typeToString, withArguments } from '../types.js';
import { inlineLiterals, type KnownTemplate } from './inline-literals.js';

/**
 * The module as text: declarations, then functions. A const without a name stands as a literal in the instruction that
 * uses it, where the parser would put it at the same place. Names that are no identifiers or are taken print as if there
 * were none (`%3`). `parseModule(printModule(m))` deeply equals `m` for every verified module in canonical numbering (see
 * `renumber`). What the verifier refuses prints as well as it can.
 *
 * ```ts
 * printModule(parseModule('module m  // hello')); // 'module m\n'
 * ```
 */
export function printModule(module: TemplateModule): string {
  const known = new Set(module.templates.map(({ name }) => name));
  const functions = module.templates.map((template) => new Printer(template, (name) => known.has(name)).print());
  return [`module ${module.name}\n`, ...module.types.map(printDeclaration), ...functions].join('\n');
}

/** One function as text: `fn …` to `}`. Literals as call arguments are written as in a module that has this function only. */
export function printFunction(fn: IrFunction): string {
  return new Printer(fn, (name) => name === fn.name).print();
}

/** One declaration as text: `struct …` or `enum …` to `}`. */
export function printDeclaration(declaration: TypeDeclaration): string {
  const field = ({ name, type }: FieldDeclaration): string => `${name}: ${typeToString(type)}`;
  const lines =
    declaration.kind === 'struct'
      ? declaration.fields.map(field)
      : declaration.variants.map(({ name, fields }) =>
          fields.length === 0 ? name : `${name}(${fields.map(field).join(', ')})`,
        );
  const body = lines.map((line) => `  ${line}\n`).join('');
  return `${declaration.kind} ${declaration.name}${typeParamsToString(declaration.typeParams)} {\n${body}}\n`;
}

function typeParamsToString(typeParams: readonly TypeParam[]): string {
  return typeParams.length === 0 ? '' : `<${typeParams.map(({ name, bound }) => `${name}: ${bound}`).join(', ')}>`;
}

class Printer {
  readonly #fn: IrFunction;
  /** Templates whose signatures the parser will know. */
  readonly #known: KnownTemplate;
  readonly #valueNames: readonly (string | undefined)[];
  readonly #blockNames: readonly (string | undefined)[];
  readonly #inlined: Uint8Array;
  /** Text of the consts that stand as literals. */
  readonly #literals = new Map<Value, string>();

  constructor(original: IrFunction, known: KnownTemplate) {
    const fn = renumber(original);
    this.#fn = fn;
    this.#known = known;
    this.#valueNames = uniqueNames(fn.valueNames);
    this.#blockNames = uniqueNames(fn.blocks.map(({ name }) => name));
    this.#inlined = inlineLiterals(fn, (value) => this.#valueNames[value] === undefined, known);
  }

  print(): string {
    const { name, typeParams, result, blocks } = this.#fn;
    const params = this.#parameters(blocks[0]?.params ?? []);
    const arrow = result === undefined ? '' : ` -> ${typeToString(result)}`;
    const head = `fn ${name}${typeParamsToString(typeParams)}(${params})${arrow} {\n`;
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

  #operand = (value: Value): string => this.#literals.get(value) ?? this.#name(value);

  #block({ params, instructions, terminator }: Block, b: number): string {
    const list = b === 0 || params.length === 0 ? '' : `(${this.#parameters(params)})`;
    let lines = '';
    for (const instruction of instructions) {
      if (instruction.op === 'const' && this.#inlined[instruction.result] === 1) {
        const { result, value } = instruction;
        this.#literals.set(result, literalToString(value, this.#fn.valueTypes[result]!));
      } else lines += `  ${this.#instruction(instruction)}\n`;
    }
    return `${this.#blockName(b)}${list}:\n${lines}  ${this.#terminator(terminator)}\n`;
  }

  #blockName(block: number): string {
    return this.#blockNames[block] ?? `%${block}`;
  }

  #instruction(instruction: Instruction): string {
    const operands = operandsOf(instruction).map(this.#operand);
    switch (instruction.op) {
      case 'store':
      case 'copy':
      case 'fill':
      case 'bounds':
        return `${instruction.op} ${operands.join(', ')}`;
      case 'call': {
        const { callee, result } = instruction;
        const text = `call ${withArguments(callee.template, callee.typeArgs)}(${operands.join(', ')})`;
        return this.#assign(result, text, !this.#known(callee.template));
      }
      case 'invoke': {
        const [target, ...args] = operands;
        return this.#assign(instruction.result, `invoke ${target}(${args.join(', ')})`);
      }
      case 'extern':
        return this.#assign(instruction.result, `extern ${instruction.symbol}(${operands.join(', ')})`, true);
      default:
        return this.#definition(instruction, operands.join(', '));
    }
  }

  #definition(
    instruction: Exclude<Instruction, { op: 'store' | 'copy' | 'fill' | 'bounds' | 'call' | 'invoke' | 'extern' }>,
    operands: string,
  ): string {
    const { op, result } = instruction;
    switch (op) {
      case 'const':
        return this.#assign(result, `const ${literalToString(instruction.value, this.#fn.valueTypes[result])}`, true);
      case 'convert':
      case 'convert_checked':
      case 'cast':
        return this.#assign(result, `${op} ${operands}`, true);
      case 'sizeof':
      case 'alignof':
        return this.#assign(result, `${op} ${typeToString(instruction.type)}`);
      case 'slot': {
        const comment = instruction.zeroed ? '' : ' // not zeroed';
        return this.#assign(result, `slot ${typeToString(instruction.type)}${comment}`);
      }
      case 'offsetof':
        return this.#assign(result, `offsetof ${typeToString(instruction.type)}, ${instruction.path}`);
      case 'tagof':
        return this.#assign(result, `tagof ${typeToString(instruction.type)}, ${instruction.variant}`);
      case 'field':
        return this.#assign(result, `field ${operands}, ${instruction.path}`);
      case 'fnaddr': {
        const { callee } = instruction;
        return this.#assign(
          result,
          `fnaddr ${withArguments(callee.template, callee.typeArgs)}`,
          !this.#known(callee.template),
        );
      }
      default:
        return this.#assign(result, `${op} ${operands}`);
    }
  }

  /** `x = …`, or `x: i64 = …` where the type does not follow. */
  #assign(result: Value | undefined, text: string, typed = false): string {
    if (result === undefined) return text;
    return `${this.#name(result)}${typed ? `: ${this.#type(result)}` : ''} = ${text}`;
  }

  #terminator(terminator: Terminator): string {
    switch (terminator.op) {
      case 'jump':
        return `jump ${this.#edge(terminator.target)}`;
      case 'branch': {
        const { condition, then, else: otherwise } = terminator;
        return `branch ${this.#operand(condition)}, ${this.#edge(then)}, ${this.#edge(otherwise)}`;
      }
      case 'if': {
        const { type, is, then, else: otherwise } = terminator;
        const asked = isBound(is) ? is : typeToString(is);
        return `if ${typeToString(type)} is ${asked}, ${this.#edge(then)}, ${this.#edge(otherwise)}`;
      }
      case 'return':
        return terminator.value === undefined ? 'return' : `return ${this.#operand(terminator.value)}`;
      default:
        return terminator.op;
    }
  }

  #edge({ block, args }: Edge): string {
    const name = this.#blockName(block);
    return args.length === 0 ? name : `${name}(${args.map(this.#operand).join(', ')})`;
  }
}

/** The names where they can be written and are the first of their kind; undefined elsewhere, where `%` and the number stand. */
export function uniqueNames(names: readonly (string | undefined)[]): readonly (string | undefined)[] {
  const taken = new Set<string>();
  return names.map((name) => {
    if (name === undefined || !isName(name) || taken.has(name)) return undefined;
    taken.add(name);
    return name;
  });
}
