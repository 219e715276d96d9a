// What bodies of templates and declarations have in common: magic, version, and the type parameters of their entries.
import type { TypeParam } from '../ir.js';
import { MAX_NAME_LENGTH } from '../limits.js';
import { BOUNDS, type Bound } from '../types.js';
import { VERSION } from './codes.js';
import type { ByteReader } from './reader.js';
import type { ByteWriter } from './writer.js';

export function writeHeader(to: ByteWriter, magic: readonly number[]): void {
  to.bytes(magic);
  to.byte(VERSION);
}

/** Reads and checks magic and version. `text` is the magic as one reads it. */
export function readHeader(reader: ByteReader, magic: readonly number[], text: string): void {
  for (const byte of magic) {
    const at = reader.offset;
    const found = reader.byte(`the magic bytes ${text}`);
    if (found !== byte) reader.fail('MAGIC', at, `byte ${byte} of the magic ${text}`, `${found}`);
  }
  const at = reader.offset;
  const version = reader.byte('the version');
  if (version === VERSION) return;
  reader.fail('VERSION', at, `version ${VERSION}`, `${version}, which another version of template-ir wrote`);
}

/** The type parameters that the entry around a body gives. */
export function readTypeParams(
  reader: ByteReader,
  genericParams: readonly { readonly name: string; readonly bound: string }[],
): readonly TypeParam[] {
  return genericParams.map(({ name, bound }) => {
    if (name.length > MAX_NAME_LENGTH) {
      const expected = `a type parameter's name of at most ${MAX_NAME_LENGTH} characters`;
      reader.fail('LIMIT', 0, expected, `${name.length}`);
    }
    if (!(BOUNDS as readonly string[]).includes(bound)) {
      reader.fail('TYPE', 0, `a bound of ${name} (${BOUNDS.join(', ')})`, JSON.stringify(bound.slice(0, 80)));
    }
    return { name, bound: bound as Bound };
  });
}
