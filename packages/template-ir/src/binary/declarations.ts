// Struct and enum declarations to the binary form and back.
import { IrDecodeError, IrVerifyError } from '../errors.js';
import type { FieldDeclaration, TypeDeclaration } from '../ir.js';
import { MAX_FIELDS } from '../limits.js';
import { isFieldName } from '../names.js';
import type { Type } from '../types.js';
import { DECLARATION_MAGIC, ENUM_KIND, STRUCT_KIND } from './codes.js';
import type { EncodedTemplate } from './encode.js';
import { readHeader, readTypeParams, writeHeader } from './envelope.js';
import { ByteReader } from './reader.js';
import { readTypes, TypeTable } from './type-table.js';
import { ByteWriter } from './writer.js';

/**
 * A struct or enum declaration in the binary form. Nothing is checked but what the form needs: `verifyDeclarations` does.
 * Throws `IrVerifyError` (`LIMIT`, `NAME`) for types or names that the form cannot hold.
 *
 * ```ts
 * const { kind, name, genericParams, body } = encodeDeclaration(declaration);
 * decodeDeclaration({ kind, name, genericParams, body }); // equal to declaration
 * ```
 */
export function encodeDeclaration(declaration: TypeDeclaration): EncodedTemplate {
  const { kind, name, typeParams } = declaration;
  const types = new TypeTable(name);
  const code = new ByteWriter();
  const writeName = (text: string): void => {
    if (!isFieldName(text)) {
      const where = { function: name, block: undefined, instruction: undefined };
      const found = JSON.stringify(text.slice(0, 80));
      throw new IrVerifyError({ code: 'NAME', ...where, expected: 'the name of a field or variant', found });
    }
    code.name(text);
  };
  const writeFields = (fields: readonly FieldDeclaration[]): void => {
    code.unsigned(fields.length);
    for (const field of fields) {
      writeName(field.name);
      code.unsigned(types.index(field.type));
    }
  };
  if (declaration.kind === 'struct') writeFields(declaration.fields);
  else {
    code.unsigned(declaration.variants.length);
    for (const variant of declaration.variants) {
      writeName(variant.name);
      writeFields(variant.fields);
    }
  }
  const body = new ByteWriter();
  writeHeader(body, DECLARATION_MAGIC);
  types.write(body);
  body.bytes(code.finish());
  return {
    kind: kind === 'struct' ? STRUCT_KIND : ENUM_KIND,
    name,
    genericParams: typeParams.map((typeParam) => ({ name: typeParam.name, bound: typeParam.bound })),
    body: body.finish(),
  };
}

/**
 * The declaration that an entry of kind 1 or 3 holds. It is *not* verified: call `verifyDeclarations` with it and those
 * that it uses before anything else.
 *
 * Throws `IrDecodeError` with the offset in `body`: `KIND` for an entry of another kind, and all the other codes of `DecodeCode` but
 * `LITERAL` and `OPCODE`. The input is not kept.
 */
export function decodeDeclaration(encoded: {
  readonly kind: number;
  readonly name: string;
  readonly genericParams: readonly { readonly name: string; readonly bound: string }[];
  readonly body: Uint8Array;
}): TypeDeclaration {
  const { kind, name, genericParams, body } = encoded;
  if (kind !== STRUCT_KIND && kind !== ENUM_KIND) {
    throw new IrDecodeError('KIND', name.slice(0, 80), 0, 'a struct or enum (kind 1 or 3)', `${kind}`);
  }
  const reader = new ByteReader(body, name.slice(0, 80));
  const typeParams = readTypeParams(reader, genericParams);
  readHeader(reader, DECLARATION_MAGIC, 'TID');
  const types = readTypes(reader, typeParams);
  let declaration: TypeDeclaration;
  if (kind === STRUCT_KIND) declaration = { kind: 'struct', name, typeParams, fields: readFields(reader, types) };
  else {
    const variants: { name: string; fields: readonly FieldDeclaration[] }[] = [];
    for (let n = reader.count('variants', 2, MAX_FIELDS); n > 0; n--) {
      variants.push({ name: readFieldName(reader), fields: readFields(reader, types) });
    }
    declaration = { kind: 'enum', name, typeParams, variants };
  }
  reader.end();
  return declaration;
}

function readFields(reader: ByteReader, types: readonly Type[]): readonly FieldDeclaration[] {
  const fields: FieldDeclaration[] = [];
  for (let n = reader.count('fields', 2, MAX_FIELDS); n > 0; n--) {
    fields.push({ name: readFieldName(reader), type: types[reader.index('a type', types.length)]! });
  }
  return fields;
}

function readFieldName(reader: ByteReader): string {
  const at = reader.offset;
  const name = reader.name('the name of a field or variant');
  if (name !== undefined && isFieldName(name)) return name;
  throw reader.error('NAME', at, 'the name of a field or variant', JSON.stringify(name ?? ''));
}
