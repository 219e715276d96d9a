// Files that several tests look at, made by our own writer.
import {
  Arch,
  emptyNote,
  type NoteSdnMetadata,
  Platform,
  RelocationType,
  SectionType,
  SmfBuilder,
  SymbolBinding,
  SymbolFlags,
  SymbolType,
  TemplateKind,
} from '../src/index.js';

export const sumNote: NoteSdnMetadata = {
  ...emptyNote(),
  possible: [
    { template: 'sum', typeArgs: 'f64', mangledName: 'fn$sum$f64', requiredBy: 'main', canDefer: true },
    { template: 'sum', typeArgs: 'i64', mangledName: 'fn$sum$i64', requiredBy: 'main', canDefer: false },
  ],
};

/** Code, data, bss, relocations, two templates, META and a note. */
export function richBuilder(): SmfBuilder {
  const builder = new SmfBuilder({
    platform: Platform.Linux,
    arch: Arch.X86_64,
    flags: 1,
    sourceHash: 0xfedcba9876543210n,
  });
  const code = builder.addSection({
    type: SectionType.Code,
    name: '.text',
    data: Uint8Array.of(0xb8, 0, 0, 0, 0, 0xc3, 0x90, 0x90),
  });
  const data = builder.addSection({ type: SectionType.Data, name: '.data', data: new Uint8Array(24).fill(7) });
  const bss = builder.addSection({ type: SectionType.Bss, name: '.bss', virtualSize: 4096, alignment: 64 });
  builder.addSymbol({ name: 'main', sectionIndex: code, size: 6 });
  builder.addSymbol({
    name: 'table',
    type: SymbolType.Data,
    sectionIndex: data,
    size: 24,
    binding: SymbolBinding.Weak,
  });
  builder.addSymbol({
    name: 'zeros',
    type: SymbolType.Data,
    sectionIndex: bss,
    size: 4096,
    binding: SymbolBinding.Local,
  });
  builder.addSymbol({ name: 'grüße', sectionIndex: code, value: 6, flags: SymbolFlags.SPECIALIZED });
  builder.addTemplate({
    kind: TemplateKind.Function,
    name: 'sum',
    genericParams: [{ name: 'T', bound: 'Num' }],
    body: Uint8Array.of(1, 2, 3),
  });
  builder.addTemplate({
    kind: TemplateKind.Struct,
    name: 'Pair',
    genericParams: [{ name: 'A' }, { name: 'B' }],
    body: new Uint8Array(0),
  });
  builder.setRelocations(code, [{ offset: 1, symbolIndex: 1, type: RelocationType.Pc32, addend: -4n }]);
  builder.setTemplateMeta([
    {
      kind: TemplateKind.Function,
      baseName: 'sum',
      genericParams: ['T'],
      specialisations: [{ typeArgs: ['i64'], mangledName: 'fn$sum$i64', bindings: [{ param: 'T', type: 'i64' }] }],
    },
  ]);
  builder.setNote(sumNote);
  return builder;
}

/** Little-endian edits of a copy, for damaged files. */
export function patched(bytes: Uint8Array, edit: (view: DataView, copy: Uint8Array) => void): Uint8Array {
  const copy = bytes.slice();
  edit(new DataView(copy.buffer), copy);
  return copy;
}
