// The binary form to functions. Nothing in the input is believed: every index and count is checked before it is used, and
// memory stays within a small multiple of the input. What comes out is well-formed but not verified.
import { IrDecodeError } from '../errors.js';
import type {
  BinaryOp,
  Block,
  BlockId,
  Callee,
  CompareOp,
  ConstValue,
  Edge,
  Instruction,
  Template,
  Terminator,
  TypeParam,
  Value,
} from '../ir.js';
import { MAX_NAME_LENGTH, MAX_PARAMS, MAX_TYPE_DEPTH, MAX_TYPE_PARAMS } from '../limits.js';
import { isUnary } from '../operations.js';
import { BOUNDS, type Bound, param, ptr, SCALAR_NAMES, scalar, type Type } from '../types.js';
import {
  CALL_VOID,
  FALSE_LITERAL,
  INTEGER_LITERAL,
  MAGIC,
  NUMBER_LITERAL,
  OPCODE_NAMES,
  PARAM_TAG,
  PTR_TAG,
  RETURN_VALUE,
  TERMINATORS,
  TRUE_LITERAL,
  VERSION,
} from './codes.js';
import { ByteReader } from './reader.js';

/**
 * The template that a TemplateCode entry holds. It is *not* verified: call `verifyTemplate` before anything else; whatever
 * the bytes were, that then either accepts it or throws `IrVerifyError`. The input is not kept.
 *
 * Throws `IrDecodeError` (all its codes) with the offset in `body`.
 */
export function decodeTemplate(encoded: {
  /** Of the entry; only 0, a function, can be decoded. */
  readonly kind?: number;
  readonly name: string;
  readonly genericParams: readonly { readonly name: string; readonly bound: string }[];
  readonly body: Uint8Array;
}): Template {
  const { kind = 0, name, genericParams, body } = encoded;
  if (kind !== 0) throw new IrDecodeError('KIND', name.slice(0, 80), 0, 'a function (kind 0)', `${kind}`);
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
  readonly #types: Type[] = [];
  readonly #callees: Callee[] = [];
  readonly #valueTypes: Type[] = [];
  readonly #valueNames: (string | undefined)[] = [];
  #valueCount = 0;
  #blockCount = 0;

  constructor(name: string, genericParams: readonly { name: string; bound: string }[], body: Uint8Array) {
    this.#name = name;
    this.#reader = new ByteReader(body, name.slice(0, 80));
    this.#typeParams = genericParams.map((generic) => this.#typeParam(generic));
  }

  decode(): Template {
    const reader = this.#reader;
    for (const byte of MAGIC) {
      const at = reader.offset;
      const found = reader.byte('the magic bytes TIR');
      if (found !== byte) reader.fail('MAGIC', at, `byte ${byte} of the magic TIR`, `${found}`);
    }
    const version = reader.byte('the version');
    if (version !== VERSION) {
      reader.fail('VERSION', 3, `version ${VERSION}`, `${version}, which another version of template-ir wrote`);
    }
    this.#readTypes();
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

  #typeParam({ name, bound }: { name: string; bound: string }): TypeParam {
    if (name.length > MAX_NAME_LENGTH) {
      this.#reader.fail(
        'LIMIT',
        0,
        `a type parameter's name of at most ${MAX_NAME_LENGTH} characters`,
        `${name.length}`,
      );
    }
    if (!(BOUNDS as readonly string[]).includes(bound)) {
      this.#reader.fail('TYPE', 0, `a bound of ${name} (${BOUNDS.join(', ')})`, JSON.stringify(bound.slice(0, 80)));
    }
    return { name, bound: bound as Bound };
  }

  #readTypes(): void {
    const reader = this.#reader;
    const count = reader.count('types', 1);
    const depths: number[] = [];
    for (let i = 0; i < count; i++) {
      const at = reader.offset;
      const tag = reader.byte('a type');
      if (tag === PTR_TAG) {
        const to = reader.index('the type pointed to', i);
        depths.push(depths[to]! + 1);
        if (depths[i]! > MAX_TYPE_DEPTH)
          reader.fail('LIMIT', at, `a type of at most ${MAX_TYPE_DEPTH} levels`, 'a deeper one');
        this.#types.push(ptr(this.#types[to]!));
        continue;
      }
      depths.push(1);
      const name = SCALAR_NAMES[tag];
      if (name !== undefined) this.#types.push(scalar(name));
      else if (tag === PARAM_TAG) {
        const index = reader.index('a type parameter', this.#typeParams.length);
        this.#types.push(param(index, this.#typeParams[index]!.name));
      } else reader.fail('TYPE', at, 'the tag of a type', `${tag}`);
    }
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

  #edge(): Edge {
    const block = this.#reader.index('a block', this.#blockCount) as BlockId;
    return { block, args: this.#uses() };
  }

  #instruction(code: number, at: number): Instruction {
    if (code === CALL_VOID) return { op: 'call', result: undefined, ...this.#callParts() };
    const op = OPCODE_NAMES.get(code);
    switch (op) {
      case undefined:
        return this.#reader.fail('OPCODE', at, 'an instruction or a terminator', `0x${code.toString(16)}`);
      case 'const':
        return { op, result: this.#define(), value: this.#literal() };
      case 'sizeof':
        return { op, result: this.#define(), type: this.#type() };
      case 'convert':
        return { op, result: this.#define(), arg: this.#use() };
      case 'select':
        return { op, result: this.#define(), condition: this.#use(), left: this.#use(), right: this.#use() };
      case 'load':
        return { op, result: this.#define(), address: this.#use() };
      case 'store':
        return { op, address: this.#use(), value: this.#use() };
      case 'elem':
        return { op, result: this.#define(), base: this.#use(), index: this.#use() };
      case 'call':
        return { op, result: this.#define(), ...this.#callParts() };
      default: {
        if (isUnary(op)) return { op, result: this.#define(), arg: this.#use() };
        return { op: op as BinaryOp | CompareOp, result: this.#define(), left: this.#use(), right: this.#use() };
      }
    }
  }

  #callParts(): { callee: Callee; args: readonly Value[] } {
    const callee = this.#callees[this.#reader.index('a callee', this.#callees.length)]!;
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
