// The table of types at the start of a body: each type once, what it is made of right before it.
import { IrVerifyError } from '../errors.js';
import type { TypeParam } from '../ir.js';
import { MAX_PARAMS, MAX_TYPE_DEPTH, MAX_TYPE_PARAMS, MAX_TYPE_PARTS, MAX_TYPE_SIZE } from '../limits.js';
import { isDeclarationName } from '../names.js';
import { arrayOf, depthOf, fnType, named, param, partsOf, ptr, SCALAR_NAMES, scalar, type Type } from '../types.js';
import { ARRAY_TAG, FN_TAG, NAMED_TAG, PARAM_TAG, PTR_TAG } from './codes.js';
import type { ByteReader } from './reader.js';
import type { ByteWriter } from './writer.js';

/** Numbers types in the order in which they are first asked for. */
export class TypeTable {
  readonly #indices = new Map<Type, number>();
  readonly #owner: string;

  /** `owner`: the template or declaration, for errors. */
  constructor(owner: string) {
    this.#owner = owner;
  }

  /** Index of the type; throws `IrVerifyError` with `LIMIT` or `NAME` for one that no body may hold. */
  index(type: Type): number {
    const known = this.#indices.get(type);
    if (known !== undefined) return known;
    if (depthOf(type) > MAX_TYPE_DEPTH || partsOf(type) > MAX_TYPE_PARTS) {
      const expected = `a type of at most ${MAX_TYPE_DEPTH} levels and ${MAX_TYPE_PARTS} parts`;
      this.#refuse('LIMIT', expected, 'a larger one');
    }
    if (type.kind === 'named' && !isDeclarationName(type.name)) {
      this.#refuse('NAME', 'an identifier as the name of a type', JSON.stringify(type.name.slice(0, 80)));
    }
    for (const part of partsOfTable(type)) this.index(part);
    const index = this.#indices.size;
    this.#indices.set(type, index);
    return index;
  }

  #refuse(code: 'LIMIT' | 'NAME', expected: string, found: string): never {
    throw new IrVerifyError({ code, function: this.#owner, block: undefined, instruction: undefined, expected, found });
  }

  /** Writes the count and the types so far. */
  write(to: ByteWriter): void {
    to.unsigned(this.#indices.size);
    for (const type of this.#indices.keys()) this.#writeType(to, type);
  }

  #writeType(to: ByteWriter, type: Type): void {
    const part = (inner: Type): void => to.unsigned(this.#indices.get(inner)!);
    const parts = (list: readonly Type[]): void => {
      to.unsigned(list.length);
      list.forEach(part);
    };
    switch (type.kind) {
      case 'scalar':
        to.byte(SCALAR_NAMES.indexOf(type.name));
        return;
      case 'ptr':
        to.byte(PTR_TAG);
        part(type.to);
        return;
      case 'param':
        to.byte(PARAM_TAG);
        to.unsigned(type.index);
        return;
      case 'array':
        to.byte(ARRAY_TAG);
        part(type.of);
        to.unsigned(type.length);
        return;
      case 'named':
        to.byte(NAMED_TAG);
        to.name(type.name);
        parts(type.args);
        return;
      case 'fn':
        to.byte(FN_TAG);
        parts(type.params);
        to.unsigned(type.result === undefined ? 0 : this.#indices.get(type.result)! + 1);
    }
  }
}

/** What a type is made of, in the order in which the table holds it. */
function partsOfTable(type: Type): readonly Type[] {
  switch (type.kind) {
    case 'ptr':
      return [type.to];
    case 'array':
      return [type.of];
    case 'named':
      return type.args;
    case 'fn':
      return type.result === undefined ? type.params : [...type.params, type.result];
    default:
      return [];
  }
}

/** Reads a table of types; an index in it is checked against what stands before it. */
export function readTypes(reader: ByteReader, typeParams: readonly TypeParam[]): readonly Type[] {
  const types: Type[] = [];
  for (let count = reader.count('types', 1); count > 0; count--) {
    const at = reader.offset;
    const type = readType(reader, types, typeParams);
    if (depthOf(type) > MAX_TYPE_DEPTH) {
      reader.fail('LIMIT', at, `a type of at most ${MAX_TYPE_DEPTH} levels`, 'a deeper one');
    }
    if (partsOf(type) > MAX_TYPE_PARTS) {
      reader.fail('LIMIT', at, `a type of at most ${MAX_TYPE_PARTS} parts`, 'a larger one');
    }
    types.push(type);
  }
  return types;
}

function readType(reader: ByteReader, types: readonly Type[], typeParams: readonly TypeParam[]): Type {
  const at = reader.offset;
  const tag = reader.byte('a type');
  const part = (): Type => types[reader.index('a type before this one', types.length)]!;
  const parts = (limit: number): Type[] => {
    const list: Type[] = [];
    for (let n = reader.count('types within a type', 1, limit); n > 0; n--) list.push(part());
    return list;
  };
  switch (tag) {
    case PTR_TAG:
      return ptr(part());
    case PARAM_TAG: {
      const index = reader.index('a type parameter', typeParams.length);
      return param(index, typeParams[index]!.name);
    }
    case ARRAY_TAG: {
      const of = part();
      const lengthAt = reader.offset;
      const length = reader.unsigned('the length of an array');
      if (length === 0 || length > MAX_TYPE_SIZE) {
        reader.fail('LIMIT', lengthAt, `an array of 1 to ${MAX_TYPE_SIZE} elements`, `${length}`);
      }
      return arrayOf(of, length);
    }
    case NAMED_TAG: {
      const nameAt = reader.offset;
      const name = reader.name('the name of a type');
      if (name === undefined || !isDeclarationName(name)) {
        throw reader.error('NAME', nameAt, 'the name of a struct or enum', JSON.stringify(name ?? ''));
      }
      return named(name, parts(MAX_TYPE_PARAMS));
    }
    case FN_TAG: {
      const params = parts(MAX_PARAMS);
      const result = reader.index('the result of a function type', types.length + 1);
      return fnType(params, result === 0 ? undefined : types[result - 1]!);
    }
    default: {
      const name = SCALAR_NAMES[tag];
      return name === undefined ? reader.fail('TYPE', at, 'the tag of a type', `${tag}`) : scalar(name);
    }
  }
}
