// Inputs made to cost: each ends soon and small because of one decision in the reader. (A hang fails by the test's timeout.)
import { legacySmf } from '@simple-jit/fixtures';
import { describe, expect, test } from 'vitest';
import { parseSdn, parseSmf, SectionType, SmfBuilder, SmfFormatError, validateSmf } from '../src/index.js';
import { loadCodecs } from '../src/node.js';
import { patched, richBuilder } from './support.js';

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(SmfFormatError);
    return (error as SmfFormatError).code;
  }
  return 'none';
}

/** Many symbols whose names all are tails of one long string. */
function overlappingNames(count: number, length: number): Uint8Array {
  const builder = new SmfBuilder();
  builder.addSection({ type: 1, name: '.text', data: new Uint8Array(1) });
  builder.addSymbol({ name: 'x'.repeat(length) });
  for (let i = 1; i < count; i++) builder.addSymbol({ name: `${i}` });
  const bytes = builder.build();
  const table = parseSmf(bytes).header.symbolTableOffset;
  return patched(bytes, (view) => {
    for (let i = 1; i < count; i++) view.setUint32(table + 72 * i, i % 100, true);
  });
}

describe('names', () => {
  test('that overlap do not unfold to gigabytes', () => {
    const bytes = overlappingNames(50_000, 8000);
    const smf = parseSmf(bytes);
    expect(smf.symbols.at(49_999)?.name).toHaveLength(8000 - 99);
    expect(codeOf(() => [...smf.symbols])).toBe('ERR_SMF_LIMIT');
    expect(codeOf(() => SmfBuilder.from(smf))).toBe('ERR_SMF_LIMIT');
    expect(validateSmf(bytes).some((d) => d.code === 'ERR_SMF_LIMIT')).toBe(true);
  });

  test('without end are not searched to the end', () => {
    const bytes = overlappingNames(20_000, 1 << 20);
    expect(codeOf(() => parseSmf(bytes).symbols.at(5))).toBe('ERR_SMF_LIMIT');
    expect(validateSmf(bytes, { maxDiagnostics: 5 })).toHaveLength(6);
  });

  test('that all have one hash', () => {
    const builder = new SmfBuilder();
    for (let i = 0; i < 20_000; i++) builder.addSymbol({ name: `s${i}`, type: 0 });
    const bytes = builder.build();
    const table = parseSmf(bytes).header.symbolTableOffset;
    const collided = patched(bytes, (view) => {
      for (let i = 0; i < 20_000; i++) view.setUint32(table + 72 * i + 4, view.getUint32(table + 4, true), true);
    });
    expect(parseSmf(collided).findSymbol('s0')?.index).toBe(0);
    expect(parseSmf(collided).findSymbol('s19999')).toBeUndefined();
  });
});

test('names without end in a legacy file are not hashed to the end', () => {
  const symbols = Array.from({ length: 64 }, (_, i) => ({ name: `${i}${'x'.repeat(20_000)}` }));
  const bytes = legacySmf({ layout: 'legacy-96', symbols });
  const smf = parseSmf(bytes);
  expect(smf.symbols.length).toBe(64);
  expect(codeOf(() => smf.symbols.at(0))).toBe('ERR_SMF_LIMIT');
  const patient = parseSmf(bytes, { limits: { maxNameLength: 30_000 } });
  expect(patient.findSymbol(symbols[63]!.name)?.index).toBe(63);
});

describe('sections', () => {
  test('tens of thousands of notes in one place', () => {
    const builder = new SmfBuilder();
    for (let i = 0; i < 30_000; i++) builder.addSection({ type: SectionType.TemplateMeta, name: 'note.sdn' });
    builder.addSection({
      type: SectionType.RoData,
      name: 'end',
      data: new TextEncoder().encode(`${'#'.repeat(1 << 20)}\n# END_NOTE\n`),
    });
    const bytes = builder.build();
    const smf = parseSmf(bytes);
    for (const { index } of smf.sections.slice(1)) smf.sectionData(index);
    expect(codeOf(() => smf.sectionData(0))).toBe('ERR_SMF_BAD_NOTE');
    expect(codeOf(() => SmfBuilder.from(smf))).toBe('ERR_SMF_BAD_NOTE');
    validateSmf(bytes);
  });

  test('tens of thousands of relocation sections', () => {
    const builder = new SmfBuilder();
    builder.addSection({ type: SectionType.Code, name: '.text', data: new Uint8Array(8) });
    for (let i = 0; i < 30_000; i++) builder.addSection({ type: SectionType.Reloc, name: '.reloc.0' });
    const smf = parseSmf(builder.build());
    for (const { index } of smf.sections) expect(smf.relocationsOf(index)).toEqual([]);
    const edited = SmfBuilder.from(smf).removeSection(0);
    expect(edited.sections.map((section) => section.name)).toEqual(['.strtab']);
  });

  test('that each unpack to a little, and together to too much', async () => {
    const codecs = await loadCodecs();
    const builder = new SmfBuilder().setCompression('zstd', codecs);
    for (let i = 0; i < 20; i++)
      builder.addSection({ type: 3, name: `z${i}`, data: new Uint8Array(100_000), compress: true });
    const smf = parseSmf(builder.build(), { codecs, limits: { maxUncompressedSize: 1_000_000 } });
    for (let i = 0; i < 10; i++) expect(smf.sectionData(i)).toHaveLength(100_000);
    expect(codeOf(() => smf.sectionData(10))).toBe('ERR_SMF_LIMIT');
    expect(smf.sectionData(3)).toHaveLength(100_000);
  });
});

describe('SDN', () => {
  test.each<[string, string]>([
    ['a header of 100,000 columns', `t |${Array.from({ length: 100_000 }, (_, i) => `c${i}`).join(', ')}|\n`],
    ['100,000 keys', Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`).join('\n')],
    ['a row of spaces', `t |a|\n  x${' '.repeat(1 << 20)}\n`],
    ['a million comments', '#\n'.repeat(1 << 20)],
    ['a long array', `a = [${'1,'.repeat(300_000)}1]`],
  ])('%s', (_, text) => {
    expect(parseSdn(text)).toBeInstanceOf(Map);
  });

  test('an integer of a million digits', () => {
    expect(() => parseSdn(`a: ${'9'.repeat(1 << 20)}`)).toThrow(/beyond 64 bits/);
  });
});

test('a file whose bytes are gone gives a typed error, not a fault', () => {
  const bytes = richBuilder().build();
  const smf = parseSmf(bytes);
  const symbol = smf.findSymbol('main');
  structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
  expect(bytes.length).toBe(0);
  for (const use of [
    () => smf.sectionData(0),
    () => smf.symbols.at(0),
    () => smf.findSymbol('main'),
    () => [...smf.symbols],
    () => smf.relocationsOf(0),
  ]) {
    expect(codeOf(use)).toBe('ERR_SMF_CLOSED');
  }
  expect(symbol?.name).toBe('main');
});
