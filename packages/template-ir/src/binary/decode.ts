// The binary form to functions. Nothing in the input is believed: every index and count is checked before it is used, and
// memory stays within 70 times the input (types take most; instructions and blocks some 30 bytes for each). What comes out is well-formed but not verified.
import { IrDecodeError } from '../errors.js';
import type {
  Block,
  BlockId,
  Callee,
  ConstValue,
  Edge,
  Instruction,
  Opcode,
  Template,
  Terminator,
  TypeParam,
  Value,
} from '../ir.js';
import { MAX_PARAMS, MAX_TYPE_PARAMS } from '../limits.js';
import { isFieldName } from '../names.js';
import { isUnary } from '../operations.js';
import { BOUNDS, type Bound, type Type } from '../types.js';
import {
  FALSE_LITERAL,
  FUNCTION_KIND,
  INTEGER_LITERAL,
  IS_BOUND,
  IS_TYPE,
  MAGIC,
  NUMBER_LITERAL,
  OPCODE_NAMES,
  RETURN_VALUE,
  TERMINATORS,
  TRUE_LITERAL,
  VOID_OPCODES,
} from './codes.js';
import { readHeader, readTypeParams } from './envelope.js';
import { ByteReader } from './reader.js';
import { readTypes } from './type-table.js';

/**
 * The template that a TemplateCode entry holds. It is *not* verified: call `verifyTemplate` before anything else; whatever
 * the bytes were, that then either accepts it or throws `IrVerifyError`. The input is not kept.
 *
 * Throws `IrDecodeError` (all codes of `DecodeCode`) with the offset in `body`, in bytes.
 *
 * ```ts
 * const template = decodeTemplate(entry);
 * verifyTemplate(template, lookup, types);
 * ```
 */
export function decodeTemplate(encoded: {
  /** Of the entry; only 0, a function, can be decoded. */
  readonly kind?: number;
  readonly name: string;
  readonly genericParams: readonly { readonly name: string; readonly bound: string }[];
  readonly body: Uint8Array;
}): Template {
  const { kind = FUNCTION_KIND, name, genericParams, body } = encoded;
  if (kind !== FUNCTION_KIND) throw new IrDecodeError('KIND', name.slice(0, 80), 0, 'a function (kind 0)', `${kind}`);
  return new Decoder(name, genericParams, body).decode();
}

// Shared by all blocks: a body can hold one block in two bytes, and memory is to stay near its size.
const NOTHING: readonly never[] = Object.freeze([]);
const RETURN: Terminator = Object.freeze({ op: 'return', value: undefined });
const UNREACHABLE: Terminator = Object.freeze({ op: 'unreachable' });

function orNothing<Item>(items: readonly Item[]): readonly Item[] {
  return items.length === 0 ? NOTHING : items;
}

class Decoder {
  readonly #name: string;
  readonly #reader: ByteReader;
  readonly #typeParams: readonly TypeParam[];
  #types: readonly Type[] = [];
  readonly #callees: Callee[] = [];
  readonly #valueTypes: Type[] = [];
  readonly #valueNames: (string | undefined)[] = [];
  #valueCount = 0;
  #blockCount = 0;

  constructor(name: string, genericParams: readonly { name: string; bound: string }[], body: Uint8Array) {
    this.#name = name;
    this.#reader = new ByteReader(body, name.slice(0, 80));
    this.#typeParams = readTypeParams(this.#reader, genericParams);
  }

  decode(): Template {
    const reader = this.#reader;
    readHeader(reader, MAGIC, 'TIR');
    this.#types = readTypes(reader, this.#typeParams);
    this.#readCallees();
    const result = reader.index('the result type', this.#types.length + 1);
    this.#valueCount = reader.count('values', 1);
    const at = reader.offset;
    this.#blockCount = reader.count('blocks', 2);
    if (this.#blockCount === 0) reader.fail('COUNT', at, 'at least one block', '0');
    const blocks: Block[] = [];
    for (let b = 0; b < this.#blockCount; b++) blocks.push(this.#block(b));
    reader.end();
    if (this.#valueTypes.length !== this.#valueCount) {
      reader.fail('COUNT', reader.offset, `${this.#valueCount} values`, `${this.#valueTypes.length}`);
    }
    return {
      name: this.#name,
      typeParams: this.#typeParams,
      result: result === 0 ? undefined : this.#types[result - 1]!,
      valueTypes: this.#valueTypes,
      valueNames: this.#valueNames,
      blocks,
    };
  }

  #readCallees(): void {
    const reader = this.#reader;
    const count = reader.count('callees', 2);
    for (let i = 0; i < count; i++) {
      const at = reader.offset;
      const template = reader.name('the name of a callee');
      const typeArgs: Type[] = [];
      if (template === undefined) throw reader.error('NAME', at, 'the name of a callee', 'an empty one');
      for (let n = reader.count('type arguments', 1, MAX_TYPE_PARAMS); n > 0; n--) typeArgs.push(this.#type());
      this.#callees.push({ template, typeArgs });
    }
  }

  #type(): Type {
    return this.#types[this.#reader.index('a type', this.#types.length)]!;
  }

  #use(): Value {
    return this.#reader.index('a value', this.#valueCount) as Value;
  }

  #uses(limit?: number): readonly Value[] {
    const values: Value[] = [];
    for (let n = this.#reader.count('values', 1, limit); n > 0; n--) values.push(this.#use());
    return orNothing(values);
  }

  #define(): Value {
    this.#valueTypes.push(this.#type());
    this.#valueNames.push(undefined);
    return (this.#valueTypes.length - 1) as Value;
  }

  #block(b: number): Block {
    const reader = this.#reader;
    const params: Value[] = [];
    for (let n = reader.count('parameters', 1, b === 0 ? MAX_PARAMS : undefined); n > 0; n--) {
      const value = this.#define();
      params.push(value);
      if (b === 0) this.#valueNames[value] = reader.name('the name of a parameter');
    }
    const instructions: Instruction[] = [];
    for (;;) {
      const at = reader.offset;
      const code = reader.byte('an instruction or a terminator');
      const terminator = this.#terminator(code);
      if (terminator !== undefined)
        return { name: undefined, params: orNothing(params), instructions: orNothing(instructions), terminator };
      instructions.push(this.#instruction(code, at));
    }
  }

  #terminator(code: number): Terminator | undefined {
    switch (code) {
      case TERMINATORS.jump:
        return { op: 'jump', target: this.#edge() };
      case TERMINATORS.branch: {
        const condition = this.#use();
        const then = this.#edge();
        return { op: 'branch', condition, then, else: this.#edge() };
      }
      case TERMINATORS.if: {
        const type = this.#type();
        const is = this.#asked();
        const then = this.#edge();
        return { op: 'if', type, is, then, else: this.#edge() };
      }
      case TERMINATORS.return:
        return RETURN;
      case RETURN_VALUE:
        return { op: 'return', value: this.#use() };
      case TERMINATORS.unreachable:
        return UNREACHABLE;
      default:
        return undefined;
    }
  }

  /** What an `if` asks for. */
  #asked(): Bound | Type {
    const at = this.#reader.offset;
    const kind = this.#reader.byte('what an if asks for');
    if (kind === IS_TYPE) return this.#type();
    if (kind !== IS_BOUND) this.#reader.fail('OPCODE', at, 'a bound (0) or a type (1)', `${kind}`);
    const boundAt = this.#reader.offset;
    const bound = BOUNDS[this.#reader.byte('a bound')];
    return bound ?? this.#reader.fail('TYPE', boundAt, `a bound below ${BOUNDS.length}`, 'another');
  }

  #edge(): Edge {
    const block = this.#reader.index('a block', this.#blockCount) as BlockId;
    return { block, args: this.#uses() };
  }

  #instruction(code: number, at: number): Instruction {
    if (code === VOID_OPCODES.call) return { op: 'call', result: undefined, ...this.#callParts() };
    if (code === VOID_OPCODES.invoke) return { op: 'invoke', result: undefined, ...this.#invokeParts() };
    if (code === VOID_OPCODES.extern) return { op: 'extern', result: undefined, ...this.#externParts() };
    const op = OPCODE_NAMES.get(code);
    switch (op) {
      case undefined:
        return this.#reader.fail('OPCODE', at, 'an instruction or a terminator', `0x${code.toString(16)}`);
      case 'store':
        return { op, address: this.#use(), value: this.#use() };
      case 'copy':
        return { op, to: this.#use(), from: this.#use(), count: this.#use(), size: undefined };
      case 'fill':
        return { op, to: this.#use(), value: this.#use(), count: this.#use() };
      case 'bounds':
        return { op, index: this.#use(), length: this.#use() };
      default:
        return this.#definition(op);
    }
  }

  #definition(op: Exclude<Opcode, 'store' | 'copy' | 'fill' | 'bounds'>): Instruction {
    const result = this.#define();
    switch (op) {
      case 'const':
        return { op, result, value: this.#literal() };
      case 'sizeof':
      case 'alignof':
        return { op, result, type: this.#type() };
      case 'offsetof':
        return { op, result, type: this.#type(), path: this.#path() };
      case 'tagof':
        return { op, result, type: this.#type(), variant: this.#fieldName() };
      case 'slot':
        return { op, result, type: this.#type(), zeroed: true, layout: undefined };
      case 'field':
        return { op, result, base: this.#use(), path: this.#path(), offset: undefined };
      case 'convert':
      case 'convert_checked':
      case 'cast':
        return { op, result, arg: this.#use() };
      case 'select':
        return { op, result, condition: this.#use(), left: this.#use(), right: this.#use() };
      case 'fma':
        return { op, result, a: this.#use(), b: this.#use(), c: this.#use() };
      case 'load':
        return { op, result, address: this.#use() };
      case 'elem':
      case 'item':
        return { op, result, base: this.#use(), index: this.#use(), size: undefined };
      case 'call':
        return { op, result, ...this.#callParts() };
      case 'fnaddr':
        return { op, result, callee: this.#callee() };
      case 'invoke':
        return { op, result, ...this.#invokeParts() };
      case 'extern':
        return { op, result, ...this.#externParts() };
      default:
        if (isUnary(op)) return { op, result, arg: this.#use() };
        return { op, result, left: this.#use(), right: this.#use() };
    }
  }

  #path(): string {
    const at = this.#reader.offset;
    const variant = this.#reader.name('the name of a variant');
    if (variant?.includes('.')) this.#reader.fail('NAME', at, 'the name of a variant', JSON.stringify(variant));
    const field = this.#fieldName();
    return variant === undefined ? field : `${variant}.${field}`;
  }

  #fieldName(): string {
    const at = this.#reader.offset;
    const name = this.#reader.name('the name of a field or variant');
    if (name !== undefined && isFieldName(name)) return name;
    throw this.#reader.error('NAME', at, 'the name of a field or variant', JSON.stringify(name ?? ''));
  }

  #callee(): Callee {
    return this.#callees[this.#reader.index('a callee', this.#callees.length)]!;
  }

  #invokeParts(): { target: Value; args: readonly Value[] } {
    return { target: this.#use(), args: this.#uses(MAX_PARAMS) };
  }

  #externParts(): { symbol: string; args: readonly Value[] } {
    const at = this.#reader.offset;
    const symbol = this.#reader.name('a C symbol');
    if (symbol === undefined) throw this.#reader.error('NAME', at, 'a C symbol', 'an empty one');
    return { symbol, args: this.#uses(MAX_PARAMS) };
  }

  #callParts(): { callee: Callee; args: readonly Value[] } {
    const callee = this.#callee();
    return { callee, args: this.#uses(MAX_PARAMS) };
  }

  #literal(): ConstValue {
    const at = this.#reader.offset;
    const kind = this.#reader.byte('the kind of a literal');
    switch (kind) {
      case INTEGER_LITERAL:
        return this.#reader.signed('an integer');
      case NUMBER_LITERAL:
        return this.#reader.float64('a number');
      case FALSE_LITERAL:
      case TRUE_LITERAL:
        return kind === TRUE_LITERAL;
      default:
        return this.#reader.fail('LITERAL', at, 'the kind of a literal (0 to 3)', `${kind}`);
    }
  }
}
