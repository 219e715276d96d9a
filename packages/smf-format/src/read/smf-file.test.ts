import { legacySmf, MAIN_RETURNS_ZERO } from '@simple-jit/fixtures';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { patched, richBuilder, sumNote } from '../../test/support.js';
import { parseSmf, parseSmfHeader, SectionType, SmfBuilder, type SmfErrorCode, SmfFormatError } from '../index.js';

function errorOf(action: () => unknown): SmfFormatError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(SmfFormatError);
    return error as SmfFormatError;
  }
  throw new Error('nothing was thrown');
}

const rich = richBuilder().build();
const headerAt = rich.length - 128;
const sectionTable = Number(new DataView(rich.buffer).getBigUint64(headerAt + 20, true));
const symbolTable = Number(new DataView(rich.buffer).getBigUint64(headerAt + 28, true));

const table64 = (name: string): number => sectionTable + 64 * (parseSmf(rich).findSection(name)?.index ?? 0);

describe('legacy layouts', () => {
  test.each(['legacy-96', 'legacy-72', 'trailer-96'] as const)('%s, whatever is in the padding', (layout) => {
    fc.assert(
      fc.property(fc.integer(), (garbageSeed) => {
        const smf = parseSmf(legacySmf({ layout, garbageSeed }));
        expect(smf.layout).toBe(layout);
        expect(smf.sections[0]).toMatchObject({
          type: 1,
          typeName: 'Code',
          flags: 5,
          size: 6,
          alignment: 16,
          name: 'code',
        });
        expect(smf.sectionData(0)).toEqual(MAIN_RETURNS_ZERO);
        expect(smf.findSymbol('main')).toMatchObject({ value: 0, size: 0, sectionIndex: 0, type: 1, binding: 1 });
      }),
      { numRuns: 30 },
    );
  });

  test.each([40, 56] as const)('symbol entries of %i bytes are told by their hashes', (symbolEntrySize) => {
    const symbols = [{ name: 'first' }, { name: 'second', value: 3 }, { name: 'third', value: 5, binding: 0 }];
    for (const layout of ['legacy-96', 'legacy-72', 'trailer-96'] as const) {
      const smf = parseSmf(legacySmf({ layout, symbols, symbolEntrySize }));
      expect([...smf.symbols].map(({ name, value }) => [name, value])).toEqual([
        ['first', 0],
        ['second', 3],
        ['third', 5],
      ]);
    }
  });

  test('a stub before a trailer-96 file', () => {
    const stub = new TextEncoder().encode('#!/usr/bin/env simple\n');
    const smf = parseSmf(legacySmf({ layout: 'trailer-96', stub }));
    expect(smf.stub).toEqual(stub);
    expect(smf.sectionData(0)).toEqual(MAIN_RETURNS_ZERO);
  });

  test('the other header size of legacy-72', () => {
    const bytes = legacySmf({ layout: 'legacy-72' });
    const wide = new Uint8Array([...bytes.subarray(0, 72), ...new Uint8Array(8), ...bytes.subarray(72)]);
    const view = new DataView(wide.buffer);
    view.setUint32(16, 80, true);
    view.setUint32(24, view.getUint32(24, true) + 8, true);
    view.setUint32(88, view.getUint32(88, true) + 8, true);
    expect(parseSmf(wide).findSymbol('main')?.name).toBe('main');
  });
});

describe('v1.1', () => {
  test('sections are views of the input, wherever it lies in its buffer', () => {
    const outer = new Uint8Array(rich.length + 13);
    outer.set(rich, 13);
    const smf = parseSmf(outer.subarray(13));
    const text = smf.sectionData(0);
    expect(text.buffer).toBe(outer.buffer);
    expect(text).toEqual(Uint8Array.of(0xb8, 0, 0, 0, 0, 0xc3, 0x90, 0x90));
    expect(smf.templates()[0]?.body?.buffer).toBe(outer.buffer);
  });

  test('everything that was put in comes out', () => {
    const smf = parseSmf(rich, { verifyModuleHash: true });
    expect(smf.layout).toBe('v1.1');
    expect(smf.header).toMatchObject({
      versionMajor: 1,
      versionMinor: 1,
      platform: 1,
      flags: 1,
      sourceHash: 0xfedcba9876543210n,
    });
    expect(smf.header.exportedCount).toBe(5);
    expect([...smf.symbols].map((s) => s.name)).toEqual(['main', 'table', 'zeros', 'grüße', 'sum', 'Pair']);
    expect(smf.findSymbol('grüße')).toMatchObject({ value: 6, isSpecialised: true, isTemplate: false });
    expect(smf.findSymbol('nope')).toBeUndefined();
    expect(smf.sectionData(2)).toHaveLength(0);
    expect(smf.sections[2]?.virtualSize).toBe(4096);
    expect(smf.relocationsOf(0)).toEqual([{ offset: 1, symbolIndex: 1, type: 2, addend: -4n }]);
    expect(smf.relocations).toEqual([{ offset: 1, symbolIndex: 1, type: 2, addend: -4n, sectionIndex: 0 }]);
    expect(smf.noteSdn()).toEqual(sumNote);
    expect(smf.noteSdnText()?.endsWith('\n# END_NOTE\n')).toBe(true);
    expect(smf.templateMeta()[0]?.templates[0]?.specialisations[0]?.mangledName).toBe('fn$sum$i64');
  });

  test('templates by listing and by offset', () => {
    const smf = parseSmf(rich);
    const sum = smf.findSymbol('sum');
    const template = smf.templateAt(sum?.templateOffset ?? 0);
    expect(template).toMatchObject({ kind: 0, kindName: 'function', name: 'sum', version: 2 });
    expect(template?.genericParams).toEqual([{ name: 'T', bound: 'Num' }]);
    expect(template?.body).toEqual(Uint8Array.of(1, 2, 3));
    expect(template?.entry.length).toBe(sum?.size);
    expect(smf.templates().map((t) => t.name)).toEqual(['sum', 'Pair']);
    expect(smf.templates()[1]?.genericParams).toEqual([
      { name: 'A', bound: 'Any' },
      { name: 'B', bound: 'Any' },
    ]);
    expect(smf.templateAt(0)).toBeUndefined();
    expect(smf.templateAt(11)).toBeUndefined();
  });

  test('version 1 templates are listed, without bodies', () => {
    const entries = [0, 3, 0, 0, 0, 0x6d, 0x61, 0x78, 1, 1, 4, 0, 0, 0, 0x50, 0x61, 0x69, 0x72, 2];
    const data = Uint8Array.from([0x47, 0x54, 0x50, 0x4c, 1, 0, 2, 0, 0, 0, ...entries]);
    const builder = new SmfBuilder();
    builder.addSection({ type: SectionType.TemplateCode, name: '.templates', data });
    const templates = parseSmf(builder.build()).templates();
    expect(templates.map((t) => [t.name, t.kindName, t.genericParams.length, t.body])).toEqual([
      ['max', 'function', 1, undefined],
      ['Pair', 'struct', 2, undefined],
    ]);
    expect(errorOf(() => builder.addTemplate({ kind: 0, name: 'x', genericParams: [], body: data })).code).toBe(
      'ERR_SMF_INVALID_ARGUMENT',
    );
  });

  test('among symbols of one name, global comes before weak before local', () => {
    const builder = new SmfBuilder();
    builder.addSection({ type: SectionType.Code, name: '.text', data: new Uint8Array(16) });
    builder.addSymbol({ name: 'f', binding: 0, value: 1 });
    builder.addSymbol({ name: 'f', binding: 2, value: 2 });
    expect(parseSmf(builder.build()).findSymbol('f')?.value).toBe(2);
    builder.addSymbol({ name: 'f', binding: 1, value: 3 });
    builder.addSymbol({ name: 'f', binding: 1, value: 4 });
    expect(parseSmf(builder.build()).findSymbol('f')?.value).toBe(3);
  });

  test('among symbols of one name, what is defined comes before what is only referred to', () => {
    const builder = new SmfBuilder();
    builder.addSection({ type: SectionType.Code, name: '.text', data: new Uint8Array(16) });
    builder.addSymbol({ name: 'f', type: 0, binding: 1 });
    expect(parseSmf(builder.build()).findSymbol('f')?.type).toBe(0);
    builder.addSymbol({ name: 'f', type: 1, binding: 2, value: 5 });
    expect(parseSmf(builder.build()).findSymbol('f')?.value).toBe(5);
  });

  test('unknown section types, flags and reserved bytes survive an edit', () => {
    const odd = patched(rich, (view, copy) => {
      copy[sectionTable + 64] = 99; // .data becomes an unknown type
      view.setUint32(sectionTable + 64 + 56, 0xdeadbeef, true);
      view.setUint32(headerAt + 8, 0x8001, true);
      copy.fill(0x5a, headerAt + 83, headerAt + 128);
      copy.fill(0x5b, symbolTable + 60, symbolTable + 72);
      copy.fill(0x5c, symbolTable + 41, symbolTable + 48);
    });
    const smf = parseSmf(odd);
    expect(smf.sections[1]?.typeName).toBe('unknown(99)');
    const edited = parseSmf(SmfBuilder.from(smf).setHeader({ appType: 3 }).build());
    expect(edited.sectionData(1)).toEqual(smf.sectionData(1));
    expect(edited.bytes.subarray(-45)).toEqual(odd.subarray(-45));
    expect(edited.header.flags).toBe(0x8001);
    const at = edited.header.symbolTableOffset;
    expect(edited.bytes.subarray(at, at + 72)).toEqual(odd.subarray(symbolTable, symbolTable + 72));
    const entry = edited.header.sectionTableOffset + 64;
    expect(new DataView(edited.bytes.buffer).getUint32(entry + 56, true)).toBe(0xdeadbeef);
  });

  test('the header alone', () => {
    expect(parseSmfHeader(rich.subarray(-128)).symbolCount).toBe(6);
    expect(errorOf(() => parseSmfHeader(rich.subarray(-100))).code).toBe('ERR_SMF_TOO_SHORT');
    expect(errorOf(() => parseSmfHeader(new Uint8Array(128))).code).toBe('ERR_SMF_BAD_MAGIC');
    const future = patched(rich.slice(-128), (_, copy) => copy.fill(2, 4, 5));
    expect(errorOf(() => parseSmfHeader(future)).code).toBe('ERR_SMF_UNSUPPORTED_VERSION');
  });
});

describe('bad input', () => {
  const cases: [string, SmfErrorCode, () => Uint8Array][] = [
    ['empty', 'ERR_SMF_EMPTY', () => new Uint8Array(0)],
    ['a few bytes', 'ERR_SMF_TOO_SHORT', () => new Uint8Array(71)],
    ['zeros', 'ERR_SMF_BAD_MAGIC', () => new Uint8Array(4096)],
    ['v1.1 without its end', 'ERR_SMF_BAD_MAGIC', () => rich.subarray(0, rich.length - 1)],
    [
      'legacy without its end',
      'ERR_SMF_TABLE_OUT_OF_BOUNDS',
      () => legacySmf({ layout: 'legacy-96' }).subarray(0, 140),
    ],
    ['legacy without its names', 'ERR_SMF_BAD_SYMBOL', () => legacySmf({ layout: 'legacy-72' }).subarray(0, -2)],
    [
      'version 2.0',
      'ERR_SMF_UNSUPPORTED_VERSION',
      () => patched(rich, (_, copy) => copy.fill(2, headerAt + 4, headerAt + 5)),
    ],
    [
      'data beyond the file',
      'ERR_SMF_BAD_HEADER',
      () => patched(legacySmf({ layout: 'trailer-96' }), (v) => v.setUint32(v.byteLength - 36, 0xffffffff, true)),
    ],
    [
      'a section count of 2^32 - 1',
      'ERR_SMF_LIMIT',
      () => patched(rich, (v) => v.setUint32(headerAt + 16, 0xffffffff, true)),
    ],
    [
      'a symbol count of 2^32 - 1',
      'ERR_SMF_LIMIT',
      () => patched(rich, (v) => v.setUint32(headerAt + 36, 0xffffffff, true)),
    ],
    [
      'a count that does not fit',
      'ERR_SMF_TABLE_OUT_OF_BOUNDS',
      () => patched(rich, (v) => v.setUint32(headerAt + 36, 100000, true)),
    ],
    [
      'a table near 2^64',
      'ERR_SMF_TABLE_OUT_OF_BOUNDS',
      () => patched(rich, (v) => v.setBigUint64(headerAt + 20, 2n ** 64n - 64n, true)),
    ],
    [
      'a section near 2^64',
      'ERR_SMF_SECTION_OUT_OF_BOUNDS',
      () => patched(rich, (v) => v.setBigUint64(sectionTable + 8, 2n ** 64n - 8n, true)),
    ],
    [
      'a size near 2^64',
      'ERR_SMF_SECTION_OUT_OF_BOUNDS',
      () => patched(rich, (v) => v.setBigUint64(sectionTable + 16, 2n ** 64n - 1n, true)),
    ],
    ['an alignment of 3', 'ERR_SMF_BAD_ALIGNMENT', () => patched(rich, (v) => v.setUint32(sectionTable + 32, 3, true))],
    ['writable code', 'ERR_SMF_WRITABLE_CODE', () => patched(rich, (v) => v.setUint32(sectionTable + 4, 7, true))],
    [
      'two sections in one place',
      'ERR_SMF_SECTION_OVERLAP',
      () => patched(rich, (v) => v.setUint32(sectionTable + 64 + 8, 0, true)),
    ],
  ];
  test.each(cases)('%s: %s', (_, code, make) => {
    const error = errorOf(() => parseSmf(make()));
    expect(error.code).toBe(code);
    expect(error.structure).not.toBe('');
    expect(error.message).toContain(error.structure);
  });

  test('the error tells all layouts that were tried', () => {
    const error = errorOf(() => parseSmf(new Uint8Array(300)));
    expect(error.tried.map((attempt) => attempt.layout)).toEqual(['v1.1', 'trailer-96', 'legacy-96', 'legacy-72']);
    expect(error.tried.every((attempt) => attempt.code === 'ERR_SMF_BAD_MAGIC')).toBe(true);
    expect(error.hint).toContain('truncated');
  });

  test('a changed byte is found when the hash is asked for', () => {
    const changed = patched(rich, (_, copy) => copy.fill(0xcc, 0, 1));
    expect(parseSmf(changed).sectionData(0)[0]).toBe(0xcc);
    expect(errorOf(() => parseSmf(changed, { verifyModuleHash: true })).code).toBe('ERR_SMF_HASH_MISMATCH');
  });

  test('a symbol name outside the string table is an error of that symbol only', () => {
    const smf = parseSmf(patched(rich, (v) => v.setUint32(symbolTable, 0xfffffff0, true)));
    expect(errorOf(() => smf.symbols.at(0)).code).toBe('ERR_SMF_STRING_OUT_OF_BOUNDS');
    expect(smf.symbols.at(1)?.name).toBe('table');
    expect(smf.findSymbol('main')).toBeUndefined();
    expect(smf.symbols.at(-1)).toBeUndefined();
    expect(smf.symbols.at(6)).toBeUndefined();
  });

  test('limits can be changed', () => {
    expect(errorOf(() => parseSmf(rich, { limits: { maxSymbols: 5 } })).code).toBe('ERR_SMF_LIMIT');
    expect(errorOf(() => parseSmf(rich, { limits: { maxSections: 2 } })).code).toBe('ERR_SMF_LIMIT');
    expect(errorOf(() => parseSmf(rich, { limits: { maxTemplates: 1 } }).templates()).code).toBe('ERR_SMF_LIMIT');
    expect(errorOf(() => parseSmf(rich, { limits: { maxNameLength: 3 } }).symbols.at(0)).code).toBe('ERR_SMF_LIMIT');
    expect(errorOf(() => parseSmf(rich, { limits: { maxSdnLength: 3 } }).noteSdn()).code).toBe('ERR_SMF_LIMIT');
  });

  test('a section that is not there', () => {
    const smf = parseSmf(rich);
    for (const index of [-1, 99, 0.5])
      expect(errorOf(() => smf.sectionData(index)).code).toBe('ERR_SMF_NO_SUCH_SECTION');
    expect(errorOf(() => smf.relocationsOf(99)).code).toBe('ERR_SMF_NO_SUCH_SECTION');
  });

  test('templates that are cut, in each place', () => {
    const section = parseSmf(rich).sections.find((s) => s.type === SectionType.TemplateCode);
    const at = section?.offset ?? 0;
    const broken = (edit: (view: DataView) => void): SmfFormatError =>
      errorOf(() => parseSmf(patched(rich, edit)).templates());
    expect(broken((v) => v.setUint32(at, 0, true)).code).toBe('ERR_SMF_BAD_TEMPLATE');
    expect(broken((v) => v.setUint16(at + 4, 3, true)).code).toBe('ERR_SMF_UNSUPPORTED_VERSION');
    expect(broken((v) => v.setUint32(at + 6, 3, true)).code).toBe('ERR_SMF_BAD_TEMPLATE');
    expect(broken((v) => v.setUint32(at + 10, 0xffffffff, true)).code).toBe('ERR_SMF_BAD_TEMPLATE');
    expect(broken((v) => v.setUint32(at + 15, 0xfffffff0, true)).code).toBe('ERR_SMF_BAD_TEMPLATE');
    expect(broken((v) => v.setUint8(at + 22, 255)).code).toBe('ERR_SMF_BAD_TEMPLATE');
  });

  test('relocations that are not whole entries', () => {
    const builder = new SmfBuilder();
    builder.addSection({ type: SectionType.Code, name: '.text', data: new Uint8Array(8) });
    builder.addSection({ type: SectionType.Reloc, name: '.reloc', data: new Uint8Array(25) });
    expect(errorOf(() => parseSmf(builder.build()).relocations).code).toBe('ERR_SMF_BAD_RELOCATION');
  });

  test('a note without terminator, and one that runs into the next section', () => {
    const note = parseSmf(rich).findSection('note.sdn');
    const cut = patched(rich, (_, copy) => {
      const end = Buffer.from(copy).indexOf('# END_NOTE');
      copy[end] = 0x20;
    });
    expect(note?.size).toBe(0);
    expect(errorOf(() => parseSmf(cut).noteSdn()).code).toBe('ERR_SMF_BAD_NOTE');
    const builder = new SmfBuilder();
    builder.addSection({
      type: SectionType.TemplateMeta,
      name: 'note.sdn',
      data: new TextEncoder().encode('a |b|\n# END_NOTE\n'),
    });
    expect(parseSmf(builder.build()).noteSdn()?.unknown).toEqual(['a |b|\n']);
  });
});

test('a reader of files can name the file in the error', () => {
  const error = errorOf(() => parseSmf(new Uint8Array(0))).inFile('/tmp/x.smf');
  expect(error.path).toBe('/tmp/x.smf');
  expect(error.message.startsWith('/tmp/x.smf: file: ')).toBe(true);
});

describe('stubs', () => {
  const stub = new TextEncoder().encode('#!/usr/bin/env simple\n');

  test('by the header', () => {
    const smf = parseSmf(richBuilder().setStub(stub).build(), { verifyModuleHash: true });
    expect(smf.header).toMatchObject({ stubSize: stub.length, smfDataOffset: stub.length, flags: 17 });
    expect(smf.stub).toEqual(stub);
    expect(smf.noteSdn()).toEqual(sumNote);
    expect(SmfBuilder.from(smf).setStub(undefined).build()).toEqual(rich);
  });

  test('by plain cat, once and twice, with garbage that looks like a string table entry', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (prefix) => {
        const smf = parseSmf(new Uint8Array([...prefix, ...rich]), { verifyModuleHash: true });
        expect(smf.dataOffset).toBe(prefix.length);
        expect(smf.stub).toEqual(prefix);
        expect(smf.findSymbol('table')?.name).toBe('table');
        expect(smf.noteSdn()).toEqual(sumNote);
      }),
      { numRuns: 50 },
    );
    const inner = richBuilder().setStub(stub).build();
    const twice = parseSmf(new Uint8Array([...rich, ...inner]), { verifyModuleHash: true });
    expect(twice.dataOffset).toBe(rich.length + stub.length);
    expect(twice.templates()).toHaveLength(2);
  });

  test('behind zeros, which look like a table of empty sections', () => {
    const smf = parseSmf(new Uint8Array([...new Uint8Array(20_000), ...rich]), { verifyModuleHash: true });
    expect(smf.dataOffset).toBe(20_000);
    expect(smf.findSymbol('main')?.size).toBe(6);
  });

  test('a symbol that looks like the string table entry is passed over', () => {
    const { symbolTableOffset, symbolCount } = parseSmf(rich).header;
    const stringsOffset = BigInt(symbolTableOffset + 72 * symbolCount);
    const decoyed = patched(rich, (view) => {
      const decoy = symbolTable + 72 * 5;
      view.setUint8(decoy, SectionType.StrTab);
      view.setBigUint64(decoy + 8, stringsOffset, true);
      view.setBigUint64(decoy + 16, 0n, true);
    });
    expect(parseSmf(new Uint8Array([...new Uint8Array(100), ...decoyed])).dataOffset).toBe(100);
  });

  test('a file of another writer, without a StrTab entry', () => {
    const strings = table64('.strtab');
    const foreign = patched(rich, (view) => {
      view.setBigUint64(headerAt + 60, 0n, true);
      view.setUint8(strings, 99);
      view.setBigUint64(strings + 8, 0n, true);
      view.setBigUint64(strings + 16, 0n, true);
    });
    expect(parseSmf(foreign).findSymbol('table')?.name).toBe('table');
    expect(parseSmf(SmfBuilder.from(parseSmf(foreign)).build()).findSymbol('table')?.name).toBe('table');
  });

  test('a file without symbols and sections', () => {
    const bytes = new SmfBuilder().build();
    expect(parseSmf(bytes).sections.map((s) => s.name)).toEqual(['.strtab']);
    expect(parseSmf(new Uint8Array([...stub, ...bytes])).stub).toEqual(stub);
  });
});
