import { legacySmf, MAIN_RETURNS_ZERO } from '@simple-jit/fixtures';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { richBuilder, sumNote } from '../../test/support.js';
import { parseSmf, SectionType, SmfBuilder, SymbolFlags, stringifyNoteSdn } from '../index.js';

const invalid = expect.objectContaining({ code: 'ERR_SMF_INVALID_ARGUMENT' });

describe('round trips', () => {
  const sectionType = fc.constantFrom(1, 2, 3, 8, 9, 10, 11, 200);
  const content = fc.record({
    sections: fc.array(
      fc.record({
        type: sectionType,
        name: fc.string({ maxLength: 16, unit: fc.constantFrom('a', '.', 'z', '9') }),
        data: fc.uint8Array({ maxLength: 64 }),
        alignment: fc.constantFrom(1, 2, 8, 16, 64),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    symbols: fc.array(
      fc.record({
        name: fc.string({ maxLength: 12, unit: 'grapheme' }).filter((name) => !name.includes('\0')),
        type: fc.nat(7),
        binding: fc.nat(2),
        visibility: fc.nat(255),
        flags: fc.nat(255),
        value: fc.maxSafeNat(),
        size: fc.maxSafeNat(),
        typeId: fc.nat(0xffffffff),
        version: fc.nat(0xffffffff),
        templateParamCount: fc.nat(255),
        templateOffset: fc.maxSafeNat(),
      }),
      { maxLength: 12 },
    ),
    stub: fc.uint8Array({ maxLength: 40 }),
  });

  test('parse(build(x)) = x, and build(parse(bytes)) = bytes', () => {
    fc.assert(
      fc.property(content, ({ sections, symbols, stub }) => {
        const builder = new SmfBuilder().setStub(stub);
        for (const section of sections) builder.addSection(section);
        for (const [i, symbol] of symbols.entries())
          builder.addSymbol({ ...symbol, sectionIndex: i % sections.length });
        const bytes = builder.build();
        expect(builder.build()).toEqual(bytes);
        const smf = parseSmf(bytes, { verifyModuleHash: true });
        expect(smf.sections.slice(0, -1)).toMatchObject(
          sections.map(({ type, name, alignment, data }) => ({ type, name, alignment, size: data.length })),
        );
        expect(sections.map((_, i) => smf.sectionData(i))).toEqual(sections.map(({ data }) => data));
        expect([...smf.symbols]).toMatchObject(symbols.map((s, i) => ({ ...s, sectionIndex: i % sections.length })));
        for (const { name } of symbols) expect(smf.findSymbol(name)?.name).toBe(name);
        expect(smf.stub).toEqual(stub);
        expect(SmfBuilder.from(smf).build()).toEqual(bytes);
      }),
    );
  });

  test('a rich file, byte for byte', () => {
    const bytes = richBuilder().build();
    expect(SmfBuilder.from(parseSmf(bytes)).build()).toEqual(bytes);
    expect(richBuilder().build()).toEqual(bytes);
  });

  test.each(['legacy-96', 'legacy-72', 'trailer-96'] as const)('%s becomes v1.1', (layout) => {
    const stub = new TextEncoder().encode('#!stub\n');
    const old = parseSmf(legacySmf(layout === 'trailer-96' ? { layout, stub } : { layout }));
    const smf = parseSmf(SmfBuilder.from(old).build(), { verifyModuleHash: true });
    expect(smf.layout).toBe('v1.1');
    expect(smf.sectionData(0)).toEqual(MAIN_RETURNS_ZERO);
    expect(smf.findSymbol('main')).toEqual(old.findSymbol('main'));
    expect(smf.header).toMatchObject({ platform: 1, flags: old.header.flags, exportedCount: 1 });
    expect(smf.stub).toEqual(old.stub);
  });
});

describe('editing an existing file', () => {
  test('as a JIT writes back: code, relocations, a RoData section, symbols, a longer note', () => {
    const before = parseSmf(richBuilder().build());
    const builder = SmfBuilder.from(before);
    const code = builder.addSection({ type: SectionType.Code, name: '.text.jit', data: new Uint8Array(32).fill(0x90) });
    builder.setRelocations(code, [{ offset: 4, symbolIndex: 0, type: 4, addend: -4n }]);
    builder.addSection({ type: SectionType.RoData, name: 'jit.sdn', data: new TextEncoder().encode('a: 1\n') });
    builder.addSymbol({ name: 'fn$sum$f64', sectionIndex: code, size: 32, flags: SymbolFlags.SPECIALIZED });
    const row = {
      template: 'sum',
      typeArgs: 'f64',
      mangledName: 'fn$sum$f64',
      fromFile: '',
      fromLoc: '',
      outputFile: '',
      status: 'jit_compiled',
    };
    const note = builder.note ?? sumNote;
    builder.setNote({ ...note, instantiations: Array.from({ length: 30 }, () => row) });
    const bytes = builder.build();
    const after = parseSmf(bytes, { verifyModuleHash: true });
    for (const section of before.sections) {
      if (section.name === 'note.sdn' || section.name === '.strtab') continue;
      expect(after.sections[section.index]?.name).toBe(section.name);
      expect(after.sectionData(section.index)).toEqual(before.sectionData(section.index));
    }
    for (const symbol of before.symbols) expect(after.symbols.at(symbol.index)).toEqual(symbol);
    expect(after.relocationsOf(code)).toEqual([{ offset: 4, symbolIndex: 0, type: 4, addend: -4n }]);
    expect(after.relocationsOf(0)).toEqual(before.relocationsOf(0));
    expect(after.findSymbol('fn$sum$f64')).toMatchObject({
      sectionIndex: code,
      isSpecialised: true,
      value: 0,
      size: 32,
    });
    expect(after.noteSdn()).toEqual({ ...sumNote, instantiations: Array.from({ length: 30 }, () => row) });
    expect(SmfBuilder.from(after).build()).toEqual(bytes);

    const again = SmfBuilder.from(after).replaceSection(code, { data: new Uint8Array(64) });
    again.replaceSymbol(again.findSymbol('fn$sum$f64'), { value: 16, size: 48 });
    const third = parseSmf(again.build());
    expect(third.sectionData(code)).toHaveLength(64);
    expect(third.findSymbol('fn$sum$f64')).toMatchObject({ value: 16, size: 48, isSpecialised: true });
    expect(third.header.symbolCount).toBe(after.header.symbolCount);
  });

  test('removing a section renumbers symbols and .reloc.N, and takes its own relocations along', () => {
    const builder = new SmfBuilder();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => builder.addSection({ type: 1, name, data: new Uint8Array(8) })) as [
      number,
      number,
      number,
    ];
    builder.addSymbol({ name: 'in-c', sectionIndex: c });
    builder.setRelocations(b, [{ offset: 0, symbolIndex: 0, type: 2 }]);
    builder.setRelocations(c, [{ offset: 1, symbolIndex: 0, type: 2 }]);
    expect(() => builder.removeSection(c)).toThrow(invalid);
    builder.removeSection(b);
    const smf = parseSmf(builder.build());
    expect(smf.sections.map((s) => s.name)).toEqual(['a', 'c', '.reloc.1', '.strtab']);
    expect(smf.findSymbol('in-c')?.sectionIndex).toBe(1);
    expect(smf.relocationsOf(1)).toEqual([{ offset: 1, symbolIndex: 0, type: 2, addend: 0n }]);
    expect(smf.relocationsOf(a)).toEqual([]);
  });

  test('removing symbols renumbers relocations, and refuses where one is used', () => {
    const builder = richBuilder();
    expect(() => builder.removeSymbols([1])).toThrow(invalid);
    builder.removeSymbols([0, 2]);
    const smf = parseSmf(builder.build());
    expect([...smf.symbols].map((s) => s.name)).toEqual(['table', 'grüße', 'sum', 'Pair']);
    expect(smf.relocationsOf(0)[0]?.symbolIndex).toBe(0);
    expect(smf.findSymbol('main')).toBeUndefined();
    expect(() => builder.removeSymbols([99])).toThrow(expect.objectContaining({ code: 'ERR_SMF_NO_SUCH_SYMBOL' }));
  });

  test('renaming a symbol; removing relocations, note and stub', () => {
    const builder = SmfBuilder.from(parseSmf(richBuilder().setStub(Uint8Array.of(1)).build()));
    builder.replaceSymbol(builder.findSymbol('main'), { name: 'start' });
    builder.setRelocations(0, []).setNote(undefined).setStub(undefined);
    const smf = parseSmf(builder.build());
    expect(smf.findSymbol('start')?.index).toBe(0);
    expect(smf.findSymbol('main')).toBeUndefined();
    expect(smf.relocations).toEqual([]);
    expect(smf.noteSdn()).toBeUndefined();
    expect(smf.stub).toHaveLength(0);
    expect(builder.findSymbol('main')).toBe(-1);
  });

  test('only metadata of a section changes', () => {
    const builder = richBuilder().replaceSection(1, { name: '.rodata', type: SectionType.RoData, flags: 1 });
    const smf = parseSmf(builder.build());
    expect(smf.sections[1]).toMatchObject({ name: '.rodata', type: 3, flags: 1, virtualSize: 24 });
    expect(smf.sectionData(1)).toEqual(new Uint8Array(24).fill(7));
  });

  test('adding 5,000 templates to a file', () => {
    const builder = SmfBuilder.from(parseSmf(richBuilder().build()));
    for (let i = 0; i < 5000; i++)
      builder.addTemplate({ kind: 0, name: `t${i}`, genericParams: [{ name: 'T' }], body: Uint8Array.of(i) });
    const smf = parseSmf(builder.build());
    expect(smf.templates()).toHaveLength(5002);
    expect(smf.templateAt(smf.findSymbol('t4999')?.templateOffset ?? 0)?.body).toEqual(Uint8Array.of(4999));
  });
});

describe('what cannot be built', () => {
  test.each([
    ['writable code', { type: 1, name: 'x', flags: 6 }],
    ['a long name', { type: 1, name: 'seventeen letters' }],
    ['a name with NUL', { type: 1, name: 'a\0' }],
    ['an alignment of 12', { type: 1, name: 'x', alignment: 12 }],
    ['a type of 256', { type: 256, name: 'x' }],
    ['a negative virtual size', { type: 4, name: 'x', virtualSize: -1 }],
  ])('%s', (_, section) => {
    expect(() => new SmfBuilder().addSection(section)).toThrow(invalid);
  });

  test('symbols out of range', () => {
    const builder = new SmfBuilder();
    expect(() => builder.addSymbol({ name: 'a\0b' })).toThrow(invalid);
    expect(() => builder.addSymbol({ name: 'a', flags: 256 })).toThrow(invalid);
    expect(() => builder.addSymbol({ name: 'a', value: -1 })).toThrow(invalid);
    expect(() => builder.addSymbol({ name: 'a', typeId: 2 ** 32 })).toThrow(invalid);
    builder.addSymbol({ name: 'a', sectionIndex: 7 });
    expect(() => builder.build()).toThrow(invalid);
  });

  test('an undefined symbol needs no section', () => {
    const builder = new SmfBuilder();
    builder.addSymbol({ name: 'malloc', type: 0, sectionIndex: 0xffffffff });
    expect(parseSmf(builder.build()).findSymbol('malloc')?.type).toBe(0);
  });

  test('sections that are not there', () => {
    const builder = new SmfBuilder();
    for (const action of [
      () => builder.removeSection(0),
      () => builder.setRelocations(0, []),
      () => builder.replaceSection(-1, {}),
    ]) {
      expect(action).toThrow(expect.objectContaining({ code: 'ERR_SMF_NO_SUCH_SECTION' }));
    }
  });

  test('notes that are not SDN', () => {
    expect(() => new SmfBuilder().setNote('a |b\n')).toThrow(/line 1/);
  });

  test('no alignment makes a small file large', () => {
    const builder = new SmfBuilder();
    builder.addSection({ type: 1, name: 'a', data: Uint8Array.of(1) });
    builder.addSection({ type: 1, name: 'b', data: Uint8Array.of(1), alignment: 2 ** 40 });
    expect(builder.build().length).toBeLessThan(70_000);
    expect(parseSmf(builder.build()).sections[1]?.alignment).toBe(2 ** 40);
  });
});

test('the note has room to grow', () => {
  const text = stringifyNoteSdn(sumNote);
  const smf = parseSmf(new SmfBuilder().setNote(text).build());
  const next = smf.header.sectionTableOffset;
  const room = next - (smf.sections[0]?.offset ?? 0);
  expect(room % 512).toBe(0);
  expect(room).toBeGreaterThanOrEqual(text.length + 256);
  expect(smf.noteSdnText()).toBe(text);
});
