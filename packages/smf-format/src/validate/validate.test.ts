import { legacySmf } from '@simple-jit/fixtures';
import { expect, test } from 'vitest';
import { patched, richBuilder, sumNote } from '../../test/support.js';
import { parseSmf, SmfBuilder, validateSmf } from '../index.js';

const rich = richBuilder().build();
const headerAt = rich.length - 128;
const table = parseSmf(rich).header.sectionTableOffset;
const symbols = parseSmf(rich).header.symbolTableOffset;
const section = (name: string): number => parseSmf(rich).findSection(name)?.offset ?? -1;
const codes = (edit: (view: DataView, copy: Uint8Array) => void): string[] => {
  // The hash would cover every edit: 0 says that there is none.
  return validateSmf(
    patched(rich, (view, copy) => {
      view.setBigUint64(headerAt + 60, 0n, true);
      edit(view, copy);
    }),
  ).map((diagnostic) => diagnostic.code);
};

test('nothing to say about well-formed files', () => {
  expect(validateSmf(rich)).toEqual([]);
  expect(validateSmf(new SmfBuilder().build())).toEqual([]);
  for (const layout of ['legacy-96', 'legacy-72', 'trailer-96'] as const)
    expect(validateSmf(legacySmf({ layout }))).toEqual([]);
});

test.each<[string, (view: DataView, copy: Uint8Array) => void, string[]]>([
  [
    'an unknown platform and arch',
    (_, copy) => copy.fill(99, headerAt + 6, headerAt + 8),
    ['WARN_UNKNOWN_VALUE', 'WARN_UNKNOWN_VALUE'],
  ],
  ['header flags without meaning', (v) => v.setUint32(headerAt + 8, 0x101, true), ['WARN_RESERVED_BITS']],
  ['HAS_STUB without a stub', (v) => v.setUint32(headerAt + 8, 0x11, true), ['WARN_STUB_MISMATCH']],
  ['a wrong exported_count', (v) => v.setUint32(headerAt + 40, 1, true), ['WARN_COUNT_MISMATCH']],
  ['an entry point outside the code', (v) => v.setUint32(headerAt + 44, 8, true), ['ERR_SMF_BAD_HEADER']],
  ['a wrong module hash', (v) => v.setUint32(headerAt + 60, 1, true), ['ERR_SMF_HASH_MISMATCH']],
  ['an unknown section type', (v) => v.setUint8(table + 64, 77), ['WARN_UNKNOWN_VALUE']],
  ['COMPRESSED without algorithm', (v) => v.setUint32(table + 64 + 4, 8 + 3, true), ['WARN_UNKNOWN_VALUE']],
  ['an offset off its alignment', (v) => v.setUint32(table + 64 + 32, 4096, true), ['WARN_MISALIGNED']],
  ['less in memory than in the file', (v) => v.setUint32(table + 64 + 24, 23, true), ['WARN_SIZE_MISMATCH']],
  [
    'two sections of one name',
    (_, copy) => copy.set(copy.subarray(table + 40, table + 56), table + 64 + 40),
    ['WARN_DUPLICATE_NAME'],
  ],
  ['a wrong name hash', (v) => v.setUint32(symbols + 4, 0, true), ['ERR_SMF_BAD_SYMBOL']],
  [
    'a name outside the strings',
    (v) => v.setUint32(symbols + 72, 1 << 30, true),
    ['ERR_SMF_STRING_OUT_OF_BOUNDS', 'WARN_COUNT_MISMATCH'],
  ],
  [
    'an unknown symbol type and binding',
    (_, copy) => copy.fill(9, symbols + 144 + 8, symbols + 144 + 10),
    ['WARN_UNKNOWN_VALUE', 'WARN_UNKNOWN_VALUE'],
  ],
  ['a symbol in no section', (v) => v.setUint32(symbols + 56, 50, true), ['ERR_SMF_BAD_SYMBOL']],
  ['a symbol that ends outside its section', (v) => v.setUint32(symbols + 24, 9, true), ['ERR_SMF_BAD_SYMBOL']],
  [
    'a template symbol that points nowhere',
    (v) => v.setUint32(symbols + 4 * 72 + 48, 11, true),
    ['ERR_SMF_BAD_TEMPLATE'],
  ],
  ['an unknown template kind', (v) => v.setUint8(section('.templates') + 14, 9), ['WARN_UNKNOWN_VALUE']],
  [
    'bytes after the last template',
    (v) => v.setUint32(section('.templates') + 6, 1, true),
    ['ERR_SMF_BAD_TEMPLATE', 'WARN_SIZE_MISMATCH'],
  ],
  ['a broken META section', (v) => v.setUint32(section('.tmeta') + 6, 9, true), ['ERR_SMF_BAD_TEMPLATE']],
  [
    'an unknown relocation, of no symbol, in no place',
    (v) => {
      v.setUint8(section('.reloc.0') + 12, 99);
      v.setUint32(section('.reloc.0') + 8, 99, true);
      v.setUint32(section('.reloc.0'), 99, true);
    },
    ['ERR_SMF_BAD_RELOCATION', 'ERR_SMF_BAD_RELOCATION', 'ERR_SMF_BAD_RELOCATION'],
  ],
  [
    'relocations for no section',
    (_, copy) => {
      const digit = table + 64 * (parseSmf(rich).findSection('.reloc.0')?.index ?? 0) + 40 + 7;
      copy.fill(0x39, digit, digit + 2); // .reloc.99
    },
    ['ERR_SMF_BAD_RELOCATION'],
  ],
  [
    'a note without end',
    (_, copy) => {
      const end = Buffer.from(copy).indexOf('# END_NOTE');
      copy.fill(0x20, end, end + 1);
    },
    ['ERR_SMF_BAD_NOTE'],
  ],
  [
    'a note that is not SDN',
    (_, copy) => copy.fill(0x7c, section('note.sdn'), section('note.sdn') + 3),
    ['ERR_SDN_SYNTAX'],
  ],
])('%s', (_, edit, expected) => {
  expect(codes(edit)).toEqual(expected);
});

test('several problems are all found, with place and hint', () => {
  const broken = patched(rich, (v) => {
    v.setUint32(table + 4, 7, true); // writable code
    v.setUint32(table + 64 + 32, 3, true); // alignment
    v.setUint32(symbols + 4, 0, true); // name hash
  });
  const diagnostics = validateSmf(broken);
  expect(diagnostics.map((d) => [d.severity, d.code, d.offset])).toEqual([
    ['error', 'ERR_SMF_WRITABLE_CODE', table + 4],
    ['error', 'ERR_SMF_BAD_ALIGNMENT', table + 64 + 32],
    ['error', 'ERR_SMF_HASH_MISMATCH', headerAt + 60],
    ['warning', 'WARN_MISALIGNED', table + 64 + 8],
    ['error', 'ERR_SMF_BAD_SYMBOL', symbols + 4],
  ]);
  expect(diagnostics[0]?.hint).toContain('Split');
  expect(() => parseSmf(broken)).toThrow(expect.objectContaining({ code: 'ERR_SMF_WRITABLE_CODE' }));
});

test('a section beyond the file, sections that overlap, one over the tables', () => {
  const far = codes((v) => v.setUint32(table + 64 + 16, 1 << 30, true));
  expect(far[0]).toBe('ERR_SMF_SECTION_OUT_OF_BOUNDS');
  expect(codes((v) => v.setUint32(table + 64 + 8, 0, true))).toContain('ERR_SMF_SECTION_OVERLAP');
  const over = codes((v) => {
    v.setUint32(table + 64 + 8, table, true);
  });
  expect(over).toContain('ERR_SMF_SECTION_OVERLAP');
});

test('a string table near 2^64 ends the check, not the process', () => {
  const strings = 64 * (parseSmf(rich).findSection('.strtab')?.index ?? 0);
  const found = codes((v) => v.setBigUint64(table + strings + 8, 2n ** 64n - 1n, true));
  expect(found[0]).toBe('ERR_SMF_SECTION_OUT_OF_BOUNDS');
});

test('a stub that the header does not know of', () => {
  const diagnostics = validateSmf(new Uint8Array([1, 2, 3, ...rich]));
  expect(diagnostics.map((d) => d.code)).toEqual(['WARN_STUB_MISMATCH']);
});

test('what is no SMF file at all', () => {
  expect(validateSmf(new Uint8Array(0))).toMatchObject([{ severity: 'error', code: 'ERR_SMF_EMPTY' }]);
  expect(validateSmf(new Uint8Array(500))).toMatchObject([{ severity: 'error', code: 'ERR_SMF_BAD_MAGIC' }]);
});

test('cycles, odd states and repeated names in the note', () => {
  const dependencies = [
    { fromInst: 'A', toInst: 'B', depKind: 'field_type' },
    { fromInst: 'B', toInst: 'A', depKind: 'field_type' },
    { fromInst: 'L', toInst: 'L', depKind: 'inner_type' },
  ];
  const row = {
    template: 't',
    typeArgs: '',
    mangledName: 'n',
    fromFile: '',
    fromLoc: '',
    outputFile: '',
    status: 'odd',
  };
  const nameless = { ...row, mangledName: '', status: 'compiled' };
  const bytes = new SmfBuilder().setNote({ ...sumNote, dependencies, instantiations: [row, row, nameless] }).build();
  expect(validateSmf(bytes).map((d) => [d.code, d.message])).toEqual([
    ['WARN_UNKNOWN_VALUE', 'status "odd" of n'],
    ['WARN_UNKNOWN_VALUE', 'status "odd" of n'],
    ['WARN_DUPLICATE_NAME', 'n twice in instantiations'],
    ['WARN_UNKNOWN_VALUE', 'a row of instantiations without mangled_name'],
    ['ERR_CIRCULAR_DEPENDENCY', 'E0420: A->B->A'],
    ['WARN_CIRCULAR_DEPENDENCY', 'L->L'],
  ]);
});

test('the list is bounded', () => {
  const builder = new SmfBuilder();
  builder.addSection({ type: 1, name: '.text', data: new Uint8Array(1) });
  for (let i = 0; i < 50; i++) builder.addSymbol({ name: `s${i}`, value: 99 });
  const diagnostics = validateSmf(builder.build(), { maxDiagnostics: 10 });
  expect(diagnostics).toHaveLength(11);
  expect(diagnostics.at(-1)?.message).toBe('40 more problems');
});
