import { legacySmf } from '@simple-jit/fixtures';
import { expect, test } from 'vitest';
import { patched, richBuilder, sumNote } from '../../test/support.js';
import { LsmfBuilder, parseLsmf, SmfFormatError } from '../index.js';

const rich = richBuilder().build();
const object = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46);
const library = new LsmfBuilder()
  .addModule('collections', rich, object)
  .addModule('main', legacySmf({ layout: 'legacy-96' }))
  .addModule('größe', rich)
  .build();

test('modules are whole SMF files, views of the library', () => {
  const lib = parseLsmf(library, { verifyHashes: true });
  expect(lib.modules.map((module) => module.name)).toEqual(['collections', 'main', 'größe']);
  expect(lib.moduleBytes('collections')).toEqual(rich);
  expect(lib.moduleBytes('collections').buffer).toBe(library.buffer);
  expect(lib.open('collections').noteSdn()).toEqual(sumNote);
  expect(lib.open(1).findSymbol('main')?.name).toBe('main');
  expect(lib.objectBytes(0)).toEqual(object);
  expect(lib.objectBytes('main')).toBeUndefined();
  expect(lib.findModule('größe')?.offset).toBe(lib.modules[2]?.offset);
  expect(lib.findModule('nope')).toBeUndefined();
});

test('deterministic; an empty library', () => {
  const again = new LsmfBuilder()
    .addModule('collections', rich, object)
    .addModule('main', legacySmf({ layout: 'legacy-96' }))
    .addModule('größe', rich);
  expect(again.build()).toEqual(library);
  expect(parseLsmf(new LsmfBuilder().build(), { verifyHashes: true }).modules).toEqual([]);
});

const code = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(SmfFormatError);
    return (error as SmfFormatError).code;
  }
  return 'nothing was thrown';
};

test('every error', () => {
  const parse = (bytes: Uint8Array): string => code(() => parseLsmf(bytes));
  const at = Number(new DataView(library.buffer).getBigUint64(12, true));
  expect(parse(new Uint8Array(0))).toBe('ERR_SMF_EMPTY');
  expect(parse(library.subarray(0, 127))).toBe('ERR_SMF_TOO_SHORT');
  expect(parse(rich)).toBe('ERR_SMF_BAD_MAGIC');
  expect(parse(patched(library, (v) => v.setUint8(4, 2)))).toBe('ERR_SMF_UNSUPPORTED_VERSION');
  expect(parse(library.subarray(0, library.length - 1))).toBe('ERR_SMF_TABLE_OUT_OF_BOUNDS');
  expect(parse(patched(library, (v) => v.setUint32(8, 4, true)))).toBe('ERR_SMF_BAD_HEADER');
  expect(parse(patched(library, (v) => v.setUint32(8, 0xffffffff, true)))).toBe('ERR_SMF_LIMIT');
  expect(parse(patched(library, (v) => v.setBigUint64(12, 2n ** 64n - 128n, true)))).toBe(
    'ERR_SMF_TABLE_OUT_OF_BOUNDS',
  );
  expect(parse(patched(library, (v) => v.setBigUint64(at + 72, 2n ** 63n, true)))).toBe('ERR_SMF_TABLE_OUT_OF_BOUNDS');
  expect(parse(patched(library, (v) => v.setBigUint64(at + 80, 2n ** 63n, true)))).toBe('ERR_SMF_TABLE_OUT_OF_BOUNDS');
  expect(code(() => parseLsmf(library).open('nope'))).toBe('ERR_SMF_NO_SUCH_MODULE');
  expect(code(() => parseLsmf(library).moduleBytes(3))).toBe('ERR_SMF_NO_SUCH_MODULE');
  const changed = patched(library, (_, copy) => copy.fill(0xcc, 128, 129));
  expect(code(() => parseLsmf(changed, { verifyHashes: true }))).toBe('ERR_SMF_HASH_MISMATCH');
  const unhashed = patched(changed, (v) => v.setBigUint64(36, 0n, true)); // no library hash: the module's own still tells
  expect(code(() => parseLsmf(unhashed, { verifyHashes: true }).open('collections'))).toBe('ERR_SMF_HASH_MISMATCH');
  expect(code(() => parseLsmf(unhashed).open('collections'))).toBe('nothing was thrown');
  const index = patched(library, (v) => v.setUint8(at, 0x43)); // 'Collections'
  expect(code(() => parseLsmf(index, { verifyHashes: true }))).toBe('ERR_SMF_HASH_MISMATCH');
  const builder = new LsmfBuilder().addModule('a', rich);
  for (const name of ['', 'a', 'x'.repeat(65), 'a\0b'])
    expect(code(() => builder.addModule(name, rich))).toBe('ERR_SMF_INVALID_ARGUMENT');
  expect(code(() => builder.addModule('b', new Uint8Array(500)))).toBe('ERR_SMF_BAD_MAGIC');
});
