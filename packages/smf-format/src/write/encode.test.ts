import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { patched } from '../../test/support.js';
import { type MetaTemplate, parseSmf, SmfBuilder } from '../index.js';

const invalid = expect.objectContaining({ code: 'ERR_SMF_INVALID_ARGUMENT' });
const name = fc.string({ unit: 'grapheme', maxLength: 8 });
const param = fc.record({
  name: name.filter((text) => !text.includes(': ')),
  bound: name.filter((text) => text !== ''),
});

describe('TemplateCode', () => {
  test('templates come back as they were put in', () => {
    const template = fc.record({
      kind: fc.nat(4),
      name: name.filter((text) => !text.includes('\0')),
      genericParams: fc.array(param, { maxLength: 4 }),
      body: fc.uint8Array({ maxLength: 30 }),
    });
    fc.assert(
      fc.property(fc.array(template, { minLength: 1, maxLength: 6 }), (templates) => {
        const builder = new SmfBuilder();
        const offsets = templates.map((input) => builder.addTemplate(input));
        const smf = parseSmf(builder.build());
        expect(smf.templates()).toHaveLength(templates.length);
        offsets.forEach((offset, i) => {
          const { kind, name: itsName, genericParams, body } = templates[i] as (typeof templates)[number];
          const found = smf.templateAt(offset);
          expect([found?.kind, found?.name, found?.genericParams]).toEqual([kind, itsName, genericParams]);
          expect(found?.body).toEqual(body);
          expect(smf.symbols.at(i)).toMatchObject({ name: itsName, isTemplate: true, templateOffset: offset });
        });
      }),
    );
  });

  test('what an entry cannot hold', () => {
    const base = { kind: 0, name: 't', body: new Uint8Array(0) };
    const many = Array.from({ length: 256 }, () => ({ name: 'T' }));
    expect(() => new SmfBuilder().addTemplate({ ...base, genericParams: many })).toThrow(invalid);
    expect(() => new SmfBuilder().addTemplate({ ...base, genericParams: [{ name: 'T'.repeat(70_000) }] })).toThrow(
      invalid,
    );
  });
});

describe('META', () => {
  const strings = fc.array(name, { maxLength: 3 });
  const meta: fc.Arbitrary<MetaTemplate> = fc.record({
    kind: fc.constantFrom(0, 1, 3, 4),
    baseName: name,
    genericParams: strings,
    specialisations: fc.array(
      fc.record({
        typeArgs: strings,
        mangledName: name,
        bindings: fc.array(fc.record({ param: name, type: name }), { maxLength: 2 }),
      }),
      { maxLength: 3 },
    ),
  });

  test('templates come back as they were put in, by kind', () => {
    fc.assert(
      fc.property(fc.array(meta, { maxLength: 6 }), (templates) => {
        const builder = new SmfBuilder();
        builder.setTemplateMeta([]);
        expect(builder.setTemplateMeta(templates)).toBe(0);
        const [found] = parseSmf(builder.build()).templateMeta();
        const byKind = [0, 1, 3, 4].flatMap((kind) => templates.filter((template) => template.kind === kind));
        expect(found).toEqual({ sectionIndex: 0, sectionName: '.tmeta', version: 1, templates: byKind });
      }),
    );
  });

  test('a class is listed as a struct; lists have limits; damage is typed', () => {
    const builder = new SmfBuilder();
    const one: MetaTemplate = { kind: 2, baseName: 'C', genericParams: [], specialisations: [] };
    builder.setTemplateMeta([one]);
    const bytes = builder.build();
    expect(parseSmf(bytes).templateMeta()[0]?.templates[0]?.kind).toBe(1);
    const many = Array.from({ length: 256 }, () => 'T');
    expect(() => builder.setTemplateMeta([{ ...one, genericParams: many }])).toThrow(invalid);
    const code = (edit: (view: DataView) => void): string => {
      try {
        parseSmf(patched(bytes, edit)).templateMeta();
      } catch (error) {
        return (error as { code: string }).code;
      }
      return 'none';
    };
    expect(code((v) => v.setUint32(0, 0, true))).toBe('ERR_SMF_BAD_TEMPLATE');
    expect(code((v) => v.setUint16(4, 2, true))).toBe('ERR_SMF_UNSUPPORTED_VERSION');
    expect(code((v) => v.setUint32(6, 0xffffffff, true))).toBe('ERR_SMF_LIMIT');
    expect(code((v) => v.setUint32(6, 5, true))).toBe('ERR_SMF_BAD_TEMPLATE');
  });
});
