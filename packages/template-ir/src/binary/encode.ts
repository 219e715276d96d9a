// Functions to the binary form. Deterministic: equal functions give equal bytes.
import { isBound } from '../bounds.js';
import { IrVerifyError } from '../errors.js';
import type {
  Callee,
  ConstValue,
  Edge,
  Instruction,
  IrFunction,
  Template,
  TemplateModule,
  Terminator,
  Value,
} from '../ir.js';
import { isFieldName, isName } from '../names.js';
import { operandsOf, resultOf } from '../operations.js';
import { renumber } from '../renumber.js';
import { BOUNDS, type Bound, mangle, type Type } from '../types.js';
import {
  FALSE_LITERAL,
  FUNCTION_KIND,
  INTEGER_LITERAL,
  IS_BOUND,
  IS_TYPE,
  MAGIC,
  NUMBER_LITERAL,
  OPCODES,
  RETURN_VALUE,
  TERMINATORS,
  TRUE_LITERAL,
  VOID_OPCODES,
} from './codes.js';
import { encodeDeclaration } from './declarations.js';
import { writeHeader } from './envelope.js';
import { TypeTable } from './type-table.js';
import { ByteWriter } from './writer.js';

/** A template or declaration as an entry of an SMF file's TemplateCode section (version 2) holds it: the envelope has all but the body. */
export interface EncodedTemplate {
  /** 0: a function; 1: a struct; 3: an enum. */
  readonly kind: 0 | 1 | 3;
  readonly name: string;
  readonly genericParams: readonly { readonly name: string; readonly bound: Bound }[];
  readonly body: Uint8Array;
}

/**
 * The template in the binary form. Names of blocks and values are left out, but for those of the function's parameters.
 * Only what the form needs is checked (`verifyTemplate` does the rest). Throws `IrVerifyError`: `VALUE`, `REDEFINED`, `NO_BLOCKS`
 * for a function whose values are not each defined once, `NAME`, `FIELD`, `LIMIT` for names and types that have no binary form.
 *
 * ```ts
 * const { name, genericParams, body } = encodeTemplate(template);
 * decodeTemplate({ name, genericParams, body }); // equal to template, without the names
 * ```
 */
export function encodeTemplate(template: Template): EncodedTemplate {
  return {
    kind: FUNCTION_KIND,
    name: template.name,
    genericParams: template.typeParams.map(({ name, bound }) => ({ name, bound })),
    body: new Encoder(renumber(template)).encode(),
  };
}

/**
 * All declarations of a module and then all templates, each in its order. Throws what `encodeDeclaration` and
 * `encodeTemplate` throw.
 */
export function encodeModule(module: TemplateModule): readonly EncodedTemplate[] {
  return [...module.types.map(encodeDeclaration), ...module.templates.map(encodeTemplate)];
}

class Encoder {
  readonly #fn: IrFunction;
  readonly #types: TypeTable;
  readonly #callees = new Map<string, { readonly index: number; readonly callee: Callee }>();
  /** Written after the tables that writing it fills. */
  readonly #code = new ByteWriter();
  #nextValue = 0;

  constructor(fn: IrFunction) {
    this.#fn = fn;
    this.#types = new TypeTable(fn.name);
  }

  encode(): Uint8Array {
    const { blocks, result } = this.#fn;
    if (blocks.length === 0) throw this.#broken('NO_BLOCKS', 'an entry block', 'none');
    const code = this.#code;
    code.unsigned(result === undefined ? 0 : this.#type(result) + 1);
    code.unsigned(this.#fn.valueTypes.length);
    code.unsigned(blocks.length);
    blocks.forEach((block, b) => {
      code.unsigned(block.params.length);
      for (const param of block.params) {
        this.#define(param);
        const name = this.#fn.valueNames[param];
        if (b === 0) code.name(name !== undefined && isName(name) ? name : '');
      }
      for (const instruction of block.instructions) this.#instruction(instruction);
      this.#terminator(block.terminator);
    });
    if (this.#nextValue !== this.#fn.valueTypes.length) {
      throw this.#broken('VALUE', 'a definition of every value', `${this.#nextValue} of ${this.#fn.valueTypes.length}`);
    }
    return this.#assemble();
  }

  #assemble(): Uint8Array {
    const callees = new ByteWriter();
    callees.unsigned(this.#callees.size);
    for (const { callee } of this.#callees.values()) {
      callees.name(this.#checked(callee.template, 'the name of a callee'));
      callees.unsigned(callee.typeArgs.length);
      for (const type of callee.typeArgs) callees.unsigned(this.#type(type));
    }
    const body = new ByteWriter();
    writeHeader(body, MAGIC);
    this.#types.write(body);
    body.bytes(callees.finish());
    body.bytes(this.#code.finish());
    return body.finish();
  }

  /** The name, if it is one: another would be read as something else. */
  #checked(name: string, what: string): string {
    if (isName(name)) return name;
    throw this.#broken('NAME', `an identifier as ${what}`, JSON.stringify(name.slice(0, 80)));
  }

  #broken(
    code: 'NO_BLOCKS' | 'VALUE' | 'REDEFINED' | 'FIELD' | 'NAME',
    expected: string,
    found: string,
  ): IrVerifyError {
    const where = { function: this.#fn.name, block: undefined, instruction: undefined };
    return new IrVerifyError({ code, ...where, expected, found });
  }

  #type(type: Type): number {
    return this.#types.index(type);
  }

  #callee(callee: Callee): number {
    const key = mangle(callee.template, callee.typeArgs);
    const known = this.#callees.get(key);
    if (known !== undefined) return known.index;
    const index = this.#callees.size;
    for (const type of callee.typeArgs) this.#type(type);
    this.#callees.set(key, { index, callee });
    return index;
  }

  /** Definitions are not numbered in the binary form: each is the next. Only its type is written. */
  #define(value: Value): void {
    const type = this.#fn.valueTypes[value];
    if (type === undefined) throw this.#broken('VALUE', 'a value of the function', `number ${value}`);
    if (value !== this.#nextValue) throw this.#broken('REDEFINED', 'one definition of a value', `another of %${value}`);
    this.#nextValue++;
    this.#code.unsigned(this.#type(type));
  }

  #use(value: Value): void {
    if (this.#fn.valueTypes[value] === undefined) {
      throw this.#broken('VALUE', 'a value of the function', `number ${value}`);
    }
    this.#code.unsigned(value);
  }

  #uses(values: readonly Value[]): void {
    this.#code.unsigned(values.length);
    for (const value of values) this.#use(value);
  }

  #instruction(instruction: Instruction): void {
    const code = this.#code;
    const result = resultOf(instruction);
    const { op } = instruction;
    const isVoid = result === undefined && (op === 'call' || op === 'invoke' || op === 'extern');
    code.byte(isVoid ? VOID_OPCODES[op] : OPCODES[op]);
    if (result !== undefined) this.#define(result);
    switch (op) {
      case 'const':
        this.#literal(instruction.value);
        return;
      case 'sizeof':
      case 'alignof':
      case 'slot':
        code.unsigned(this.#type(instruction.type));
        return;
      case 'offsetof':
        code.unsigned(this.#type(instruction.type));
        this.#path(instruction.path);
        return;
      case 'tagof':
        code.unsigned(this.#type(instruction.type));
        this.#fieldName(instruction.variant);
        return;
      case 'field':
        this.#use(instruction.base);
        this.#path(instruction.path);
        return;
      case 'fnaddr':
        code.unsigned(this.#callee(instruction.callee));
        return;
      case 'call':
        code.unsigned(this.#callee(instruction.callee));
        this.#uses(instruction.args);
        return;
      case 'invoke':
        this.#use(instruction.target);
        this.#uses(instruction.args);
        return;
      case 'extern':
        code.name(this.#checked(instruction.symbol, 'a C symbol'));
        this.#uses(instruction.args);
        return;
      default:
        for (const value of operandsOf(instruction)) this.#use(value);
    }
  }

  /** The variant or nothing, then the field: `x`, `tag`, `Some.value`. */
  #path(path: string): void {
    const dot = path.indexOf('.');
    if (dot < 0) this.#code.name('');
    else this.#fieldName(path.slice(0, dot));
    this.#fieldName(path.slice(dot + 1));
  }

  #fieldName(name: string): void {
    if (!isFieldName(name)) {
      throw this.#broken('FIELD', 'the name of a field or variant', JSON.stringify(name.slice(0, 80)));
    }
    this.#code.name(name);
  }

  #literal(value: ConstValue): void {
    if (typeof value === 'bigint') {
      this.#code.byte(INTEGER_LITERAL);
      this.#code.signed(value);
    } else if (typeof value === 'number') {
      this.#code.byte(NUMBER_LITERAL);
      this.#code.float64(value);
    } else this.#code.byte(value ? TRUE_LITERAL : FALSE_LITERAL);
  }

  #terminator(terminator: Terminator): void {
    const code = this.#code;
    const hasValue = terminator.op === 'return' && terminator.value !== undefined;
    code.byte(hasValue ? RETURN_VALUE : TERMINATORS[terminator.op]);
    if (terminator.op === 'return' && terminator.value !== undefined) this.#use(terminator.value);
    if (terminator.op === 'jump') this.#edge(terminator.target);
    if (terminator.op === 'if') {
      code.unsigned(this.#type(terminator.type));
      if (isBound(terminator.is)) {
        code.byte(IS_BOUND);
        code.byte(BOUNDS.indexOf(terminator.is));
      } else {
        code.byte(IS_TYPE);
        code.unsigned(this.#type(terminator.is));
      }
    }
    if (terminator.op === 'branch') this.#use(terminator.condition);
    if (terminator.op === 'branch' || terminator.op === 'if') {
      this.#edge(terminator.then);
      this.#edge(terminator.else);
    }
  }

  #edge({ block, args }: Edge): void {
    if (this.#fn.blocks[block] === undefined)
      throw this.#broken('VALUE', 'an edge to a block of the function', `${block}`);
    this.#code.unsigned(block);
    this.#uses(args);
  }
}
