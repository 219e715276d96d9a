// Files that are no one Uint8Array: only what is asked for is read, whatever the size, and errors of the source come through.
import { legacySmf } from '@simple-jit/fixtures';
import { describe, expect, test } from 'vitest';
import { copying, type Piece, sparse } from '../../test/sources.js';
import { patched, richBuilder, sumNote } from '../../test/support.js';
import {
  type ByteSource,
  LsmfBuilder,
  parseLsmf,
  parseSmf,
  rewriteNote,
  SectionType,
  SmfBuilder,
  SmfFormatError,
  validateSmf,
} from '../index.js';

const GIB = 2 ** 30;

function errorOf(action: () => unknown): SmfFormatError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(SmfFormatError);
    return error as SmfFormatError;
  }
  throw new Error('nothing was thrown');
}

/** The rich file with its Data section and all that follows moved `gap` bytes further away: a sparse file of any size. */
function spread(gap: number): { source: ReturnType<typeof sparse>; pieces: Piece[] } {
  const rich = richBuilder().build();
  const smf = parseSmf(rich);
  const cut = smf.findSection('.data')!.offset;
  const tail = patched(rich, (view) => {
    const add = (at: number) => view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(gap), true);
    for (const { index, offset } of smf.sections) {
      if (offset >= cut) add(smf.header.sectionTableOffset + 64 * index + 8);
    }
    add(rich.length - 128 + 20);
    add(rich.length - 128 + 28);
  });
  const pieces = [
    { at: 0, bytes: tail.subarray(0, cut) },
    { at: cut + gap, bytes: tail.subarray(cut) },
  ];
  return { source: sparse(rich.length + gap, pieces), pieces };
}

describe('a file of 9 GiB', () => {
  test('reads as a small one does', () => {
    const { source } = spread(9 * GIB);
    const smf = parseSmf(source);
    const small = parseSmf(richBuilder().build());
    expect([...smf.symbols]).toEqual([...small.symbols]);
    expect(smf.findSymbol('table')).toEqual(small.findSymbol('table'));
    expect(smf.sectionData(0)).toEqual(small.sectionData(0));
    expect(smf.sectionData(1)).toEqual(small.sectionData(1));
    expect(smf.sections[1]!.offset).toBe(small.sections[1]!.offset + 9 * GIB);
    expect(smf.relocations).toEqual(small.relocations);
    expect(smf.templates().map(({ name, entry }) => [name, entry])).toEqual(
      small.templates().map(({ name, entry }) => [name, entry]),
    );
    expect(smf.templateMeta()).toEqual(small.templateMeta());
    expect(smf.noteSdn()).toEqual(sumNote);
    expect(source.asked).toBeLessThan(200_000);
  });

  test('is one too many for a Uint8Array, and says so', () => {
    const smf = parseSmf(spread(9 * GIB).source);
    expect(errorOf(() => smf.bytes)).toMatchObject({ code: 'ERR_SMF_LIMIT', found: expect.stringMatching(/^96636/) });
  });

  test('behind a stub that its header does not know of, is found as well', () => {
    const { pieces, source } = spread(5 * GIB);
    const stub = 3 * GIB;
    const moved = sparse(
      source.size + stub,
      pieces.map(({ at, bytes }) => ({ at: at + stub, bytes })),
    );
    const smf = parseSmf(moved);
    expect(smf.dataOffset).toBe(stub);
    expect(smf.noteSdn()).toEqual(sumNote);
    expect(moved.largest).toBeLessThan(16 << 20);
  });

  test('in a legacy layout, with its names at the end', () => {
    const bytes = legacySmf({ layout: 'legacy-96', symbols: [{ name: 'a' }, { name: 'bb' }] });
    const smf = parseSmf(sparse(9 * GIB, [{ at: 0, bytes }]));
    expect([...smf.symbols].map(({ name }) => name)).toEqual(['a', 'bb']);
    expect(smf.findSymbol('bb')?.index).toBe(1);
  });

  test('a module of a library beyond 4 GiB', () => {
    const module = richBuilder().build();
    const library = new LsmfBuilder().addModule('far', module).build();
    const at = 6 * GIB;
    const index = Number(new DataView(library.buffer).getBigUint64(12, true));
    const head = patched(library, (view) => {
      view.setBigUint64(12, BigInt(index + at), true);
      view.setBigUint64(36, 0n, true);
      view.setBigUint64(44, 0n, true);
      view.setBigUint64(index + 64, BigInt(128 + at), true);
    });
    const source = sparse(library.length + at, [
      { at: 0, bytes: head.subarray(0, 128) },
      { at: 128 + at, bytes: head.subarray(128) },
    ]);
    const lib = parseLsmf(source, { verifyHashes: 'modules' });
    expect(lib.open('far').noteSdn()).toEqual(sumNote);
    expect(lib.moduleBytes('far')).toEqual(module);
    expect(errorOf(() => lib.bytes).code).toBe('ERR_SMF_LIMIT');
    expect(source.asked).toBeLessThan(300_000);
  });
});

test('only the header and the tables are read to open a file, and a section when it is asked for', () => {
  const builder = new SmfBuilder();
  builder.addSection({ type: SectionType.Code, name: '.text', data: new Uint8Array(20 << 20) });
  builder.addSection({ type: SectionType.Data, name: '.data', data: new Uint8Array(1000).fill(7) });
  for (let i = 0; i < 2000; i++) builder.addSymbol({ name: `s${i}`, sectionIndex: 0 });
  const source = copying(builder.build());
  const smf = parseSmf(source);
  expect(source).toMatchObject({ asked: (64 << 10) + 192, calls: 2 });
  smf.sectionData(1);
  expect(source.asked).toBe((64 << 10) + 192 + 1000);
  expect(smf.sectionData(1)).toBe(smf.sectionData(1));
  expect(smf.findSymbol('s1999')?.index).toBe(1999);
  expect(source.asked).toBeLessThan(400_000);
});

test('a section that no Uint8Array holds', () => {
  const text = new SmfBuilder();
  text.addSection({ type: SectionType.Code, name: '.text', data: new Uint8Array(16) });
  const bytes = text.build();
  const table = parseSmf(bytes).header.sectionTableOffset;
  const gap = 5 * GIB;
  const tail = patched(bytes, (view) => {
    for (const at of [table + 16, table + 64 + 8, bytes.length - 128 + 20, bytes.length - 128 + 28]) {
      view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(gap), true);
    }
  });
  const smf = parseSmf(sparse(bytes.length + gap, [{ at: 16 + gap, bytes: tail.subarray(16) }]));
  expect(smf.sections[0]!.size).toBe(16 + gap);
  expect(errorOf(() => smf.sectionData(0)).code).toBe('ERR_SMF_LIMIT');
});

test('a note is found to end wherever the pieces that it is searched in are cut', () => {
  const marker = '# END_NOTE';
  const bytes = richBuilder()
    .setNote({ ...sumNote, possible: [] })
    .build();
  const smf = parseSmf(bytes);
  const start = smf.noteSection!.offset;
  const end = Buffer.from(bytes).indexOf(marker);
  for (let more = (16 << 10) - (end - start) - 16; more < (16 << 10) - (end - start) + 4; more++) {
    // A comment of so many bytes before the terminator, and the rest of the file after that.
    const text = Buffer.concat([
      Buffer.from(bytes.subarray(start, end)),
      Buffer.alloc(more, 0x20),
      Buffer.from(`\n${marker}\n`),
    ]);
    const builder = SmfBuilder.from(smf).setNote(text.subarray(0, -marker.length - 1).toString());
    const built = builder.build();
    const expected = parseSmf(built).noteSdnText();
    expect(Math.abs(expected!.length - (16 << 10))).toBeLessThan(20);
    expect(parseSmf(copying(built)).noteSdnText()).toBe(expected);
    expect(parseSmf(copying(built, 1)).noteSdnText()).toBe(expected);
  }
});

test('a note is searched for its end in larger and larger pieces, and changed', () => {
  const row = { template: 't', typeArgs: '', mangledName: 'm', requiredBy: '', canDefer: true };
  const possible = Array.from({ length: 5000 }, (_, i) => ({ ...row, mangledName: `m${i}` }));
  const bytes = richBuilder()
    .setNote({ ...sumNote, possible })
    .build();
  const smf = parseSmf(copying(bytes, 500));
  expect(smf.noteSdn()?.possible).toHaveLength(5000);
  expect(rewriteNote(smf, { possible: [] })).toEqual(rewriteNote(parseSmf(bytes), { possible: [] }));
});

describe('the source', () => {
  const bytes = richBuilder().build();

  test('says that what it gave is gone: after each thing that was read', () => {
    let gone: Error | undefined;
    const source: ByteSource = {
      ...copying(bytes),
      check() {
        if (gone !== undefined) throw gone;
      },
    };
    const smf = parseSmf(source);
    const library = parseLsmf({ ...copying(new LsmfBuilder().addModule('m', bytes).build()), check: source.check! });
    smf.templates();
    gone = new Error('gone');
    for (const use of [
      () => parseSmf(source),
      () => validateSmf(source),
      () => smf.sectionData(0),
      () => smf.storedSectionData(0),
      () => smf.symbols.at(0),
      () => smf.findSymbol('main'),
      () => [...smf.symbols],
      () => smf.relocations,
      () => smf.relocationsOf(0),
      () => smf.templates(),
      () => smf.templateAt(10),
      () => smf.templateMeta(),
      () => smf.noteSdn(),
      () => smf.noteSdnText(),
      () => smf.computeModuleHash(),
      () => library.open('m'),
      () => library.moduleBytes('m'),
    ]) {
      expect(use).toThrow(gone);
    }
  });

  test('throws, and that comes through', () => {
    const failing = { size: 1000, view: () => expect.fail('the disk is on fire') };
    expect(() => parseSmf(failing)).toThrow('the disk is on fire');
    expect(() => validateSmf(failing)).toThrow('the disk is on fire');
  });

  test('gives fewer bytes than it was asked for', () => {
    const short: ByteSource = { size: bytes.length, view: (at, length) => bytes.subarray(at, at + length - 1) };
    expect(errorOf(() => parseSmf(short))).toMatchObject({ code: 'ERR_SMF_TOO_SHORT', found: `${bytes.length - 1}` });
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 53])('must not claim a size of %s', (size) => {
    expect(() => parseSmf({ size, view: () => bytes })).toThrow(TypeError);
  });

  test.each([0, -1, 0.5])('must not ask to be asked for %s bytes at a time', (pieceSize) => {
    expect(() => parseSmf({ ...copying(bytes), pieceSize })).toThrow(TypeError);
  });

  test('of size 0 is an empty file', () => {
    expect(errorOf(() => parseSmf({ size: 0, view: () => bytes })).code).toBe('ERR_SMF_EMPTY');
    expect(errorOf(() => parseLsmf({ size: 0, view: () => bytes })).code).toBe('ERR_SMF_EMPTY');
  });
});

test('a note above the limit is refused, and not searched for its end any further', () => {
  const file = parseSmf(richBuilder().build(), { limits: { maxSdnLength: 10 } });
  expect(errorOf(() => file.noteSdnText())).toMatchObject({
    code: 'ERR_SMF_LIMIT',
    expected: expect.stringMatching(/10/),
  });
  // The next thing in the file is 9 GiB away.
  const bytes = new SmfBuilder().setNote(sumNote).build();
  const smf = parseSmf(bytes);
  const cut = smf.header.sectionTableOffset;
  const moved = patched(bytes, (view, copy) => {
    const add = (at: number) => view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(9 * GIB), true);
    add(smf.header.sectionTableOffset + 64 + 8);
    add(bytes.length - 128 + 20);
    add(bytes.length - 128 + 28);
    copy[Buffer.from(copy).indexOf('# END_NOTE')] = 0x20;
  });
  const source = sparse(bytes.length + 9 * GIB, [
    { at: 0, bytes: moved.subarray(0, cut) },
    { at: cut + 9 * GIB, bytes: moved.subarray(cut) },
  ]);
  const endless = parseSmf(source, { limits: { maxSdnLength: 1 << 20 } });
  expect(errorOf(() => endless.noteSdn()).code).toBe('ERR_SMF_LIMIT');
  expect(source.asked).toBeLessThan(8 << 20);
});

test('all of a file, in pieces', () => {
  const bytes = richBuilder().build();
  for (const input of [bytes, copying(bytes), copying(bytes, 100)]) {
    expect(Buffer.concat([...parseSmf(input).pieces()])).toEqual(Buffer.from(bytes));
  }
});
