// Functions to the binary form. Deterministic: equal functions give equal bytes.
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
import { isName } from '../names.js';
import { operandsOf, resultOf } from '../operations.js';
import { renumber } from '../renumber.js';
import { type Bound, mangle, SCALAR_NAMES, type Type } from '../types.js';
import {
  CALL_VOID,
  FALSE_LITERAL,
  INTEGER_LITERAL,
  MAGIC,
  NUMBER_LITERAL,
  OPCODES,
  PARAM_TAG,
  PTR_TAG,
  RETURN_VALUE,
  TERMINATORS,
  TRUE_LITERAL,
  VERSION,
} from './codes.js';
import { ByteWriter } from './writer.js';

/** A template as an entry of an SMF file's TemplateCode section (version 2) holds it: the envelope has all but the body. */
export interface EncodedTemplate {
  /** 0: a function. */
  readonly kind: 0;
  readonly name: string;
  readonly genericParams: readonly { readonly name: string; readonly bound: Bound }[];
  readonly body: Uint8Array;
}

/**
 * The template in the binary form. Names of blocks and values are left out, but for those of the function's parameters.
 * Types are not checked (`verifyTemplate` does); throws `IrVerifyError` (`VALUE`, `REDEFINED`, `NO_BLOCKS`) for a
 * function whose values are not each defined once: that has no binary form.
 *
 * ```ts
 * const { name, genericParams, body } = encodeTemplate(template);
 * decodeTemplate({ name, genericParams, body }); // equal to template, without the names
 * ```
 */
export function encodeTemplate(template: Template): EncodedTemplate {
  return {
    kind: 0,
    name: template.name,
    genericParams: template.typeParams.map(({ name, bound }) => ({ name, bound })),
    body: new Encoder(renumber(template)).encode(),
  };
}

/** All templates of a module, in its order. */
export function encodeModule(module: TemplateModule): readonly EncodedTemplate[] {
  return module.templates.map(encodeTemplate);
}

class Encoder {
  readonly #fn: IrFunction;
  readonly #types = new Map<Type, number>();
  readonly #callees = new Map<string, { readonly index: number; readonly callee: Callee }>();
  /** Written after the tables that writing it fills. */
  readonly #code = new ByteWriter();
  #nextValue = 0;

  constructor(fn: IrFunction) {
    this.#fn = fn;
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
      callees.name(callee.template);
      callees.unsigned(callee.typeArgs.length);
      for (const type of callee.typeArgs) callees.unsigned(this.#type(type));
    }
    const body = new ByteWriter();
    body.bytes(MAGIC);
    body.byte(VERSION);
    body.unsigned(this.#types.size);
    for (const type of this.#types.keys()) {
      if (type.kind === 'scalar') body.byte(SCALAR_NAMES.indexOf(type.name));
      else {
        body.byte(type.kind === 'ptr' ? PTR_TAG : PARAM_TAG);
        body.unsigned(type.kind === 'ptr' ? this.#types.get(type.to)! : type.index);
      }
    }
    body.bytes(callees.finish());
    body.bytes(this.#code.finish());
    return body.finish();
  }

  #broken(code: 'NO_BLOCKS' | 'VALUE' | 'REDEFINED', expected: string, found: string): IrVerifyError {
    const where = { function: this.#fn.name, block: undefined, instruction: undefined };
    return new IrVerifyError({ code, ...where, expected, found });
  }

  /** Index in the type table; a pointer comes after what it points to. */
  #type(type: Type): number {
    const known = this.#types.get(type);
    if (known !== undefined) return known;
    if (type.kind === 'ptr') this.#type(type.to);
    const index = this.#types.size;
    this.#types.set(type, index);
    return index;
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
    const isVoidCall = instruction.op === 'call' && result === undefined;
    code.byte(isVoidCall ? CALL_VOID : OPCODES[instruction.op]);
    if (result !== undefined) this.#define(result);
    if (instruction.op === 'const') this.#literal(instruction.value);
    else if (instruction.op === 'sizeof') code.unsigned(this.#type(instruction.type));
    else if (instruction.op === 'call') {
      code.unsigned(this.#callee(instruction.callee));
      this.#uses(instruction.args);
    } else for (const value of operandsOf(instruction)) this.#use(value);
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
    if (terminator.op === 'branch') {
      this.#use(terminator.condition);
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
