// Every number that the format defines: magics, enumerations, flags, and the byte layout of each structure in each of
// the four layouts found in the wild. Reader, writer and validator take them from here. See docs/spec/smf-format.md.

/** `SMF\0` as a little-endian u32. */
export const SMF_MAGIC = 0x00464d53;
/** `LSMF` as a little-endian u32: a library of many modules. */
export const LSMF_MAGIC = 0x464d534c;
/** `GTPL` as a little-endian u32: a TemplateCode section. */
export const TEMPLATE_CODE_MAGIC = 0x4c505447;
/** `META` as a little-endian u32: a TemplateMeta section other than `note.sdn`. */
export const TEMPLATE_META_MAGIC = 0x4154454d;

/** Bytes of the v1.1 header, at the very end of the file. */
export const SMF_HEADER_SIZE = 128;
/** Name of the TemplateMeta section that holds instantiation metadata as SDN text. */
export const NOTE_SECTION_NAME = 'note.sdn';
/** The line that ends a note; the section entry's size is 0, so this is what tells its length. */
export const NOTE_TERMINATOR = '\n# END_NOTE\n';

export const Platform = { Any: 0, Linux: 1, Windows: 2, MacOS: 3, FreeBSD: 4, None: 5 } as const;
export const Arch = {
  X86_64: 0,
  Aarch64: 1,
  X86: 2,
  Arm: 3,
  Riscv64: 4,
  Riscv32: 5,
  Wasm32: 6,
  Wasm64: 7,
} as const;
export const HeaderFlags = { EXECUTABLE: 1, RELOADABLE: 2, DEBUG_INFO: 4, PIC: 8, HAS_STUB: 16 } as const;
export const Compression = { None: 0, Zstd: 1, Lz4: 2 } as const;
export const AppType = { Cli: 0, Tui: 1, Gui: 2, Service: 3, Repl: 4 } as const;

export const SectionType = {
  Code: 1,
  Data: 2,
  RoData: 3,
  Bss: 4,
  Reloc: 5,
  SymTab: 6,
  StrTab: 7,
  Debug: 8,
  TypeInfo: 9,
  Version: 10,
  SrcMap: 11,
  TemplateCode: 12,
  TemplateMeta: 13,
} as const;
export const SectionFlags = { READ: 1, WRITE: 2, EXEC: 4, COMPRESSED: 8 } as const;

export const SymbolType = { None: 0, Function: 1, Data: 2, Type: 3, Trait: 4, Actor: 5, Constant: 6 } as const;
export const SymbolBinding = { Local: 0, Global: 1, Weak: 2 } as const;
/** Bits 0-1 are the layout phase (0 startup, 1 first_frame, 2 steady, 3 cold). */
export const SymbolFlags = {
  PHASE_MASK: 3,
  EVENT_LOOP_ANCHOR: 4,
  LAYOUT_PINNED: 8,
  GENERIC_TEMPLATE: 16,
  SPECIALIZED: 32,
} as const;

export const TemplateKind = { Function: 0, Struct: 1, Class: 2, Enum: 3, Trait: 4 } as const;

export const RelocationType = {
  None: 0,
  Abs64: 1,
  Pc32: 2,
  Plt32: 3,
  GotPcRel: 4,
  Arm64Branch26: 5,
  Arm64Page21: 6,
  Arm64PageOff12: 7,
  Arm64GotLoadPage21: 8,
  Arm64GotLoadPageOff12: 9,
} as const;

const SECTION_TYPE_NAMES = Object.keys(SectionType);
const SYMBOL_TYPE_NAMES = ['none', 'function', 'data', 'type', 'trait', 'actor', 'constant'] as const;
const TEMPLATE_KIND_NAMES = ['function', 'struct', 'class', 'enum', 'trait'] as const;

/** `Code`, `Data`, …, or `unknown(n)`. */
export const sectionTypeName = (type: number): string => SECTION_TYPE_NAMES[type - 1] ?? `unknown(${type})`;
/** `none`, `function`, `data`, `type`, `trait`, `actor`, `constant`, or `unknown(n)`. */
export const symbolTypeName = (type: number): string => SYMBOL_TYPE_NAMES[type] ?? `unknown(${type})`;
/** `function`, `struct`, `class`, `enum`, `trait`, or `unknown(n)`. */
export const templateKindName = (kind: number): string => TEMPLATE_KIND_NAMES[kind] ?? `unknown(${kind})`;

/** The four layouts found in the wild. Only `v1.1` is ever written. */
export type SmfLayout = 'v1.1' | 'trailer-96' | 'legacy-96' | 'legacy-72';

/** Where each header field lies, in bytes from the header's start; a field that a layout lacks is undefined. */
export interface HeaderFields {
  readonly size: number;
  readonly compression?: number;
  readonly compressionLevel?: number;
  readonly sectionCount: number;
  readonly sectionTableOffset: number;
  readonly symbolTableOffset: number;
  readonly symbolCount: number;
  readonly exportedCount: number;
  readonly entryPoint: number;
  readonly stubSize?: number;
  readonly smfDataOffset?: number;
  readonly moduleHash: number;
  readonly sourceHash: number;
  readonly appType?: number;
  readonly windowWidth?: number;
  readonly windowHeight?: number;
  readonly prefetchHint?: number;
  readonly prefetchFileCount?: number;
}

/** The same in every layout. */
export const HEADER_COMMON = { magic: 0, versionMajor: 4, versionMinor: 5, platform: 6, arch: 7, flags: 8 } as const;

const HEADER_V11: HeaderFields = {
  size: SMF_HEADER_SIZE,
  compression: 12,
  compressionLevel: 13,
  sectionCount: 16,
  sectionTableOffset: 20,
  symbolTableOffset: 28,
  symbolCount: 36,
  exportedCount: 40,
  entryPoint: 44,
  stubSize: 52,
  smfDataOffset: 56,
  moduleHash: 60,
  sourceHash: 68,
  appType: 76,
  windowWidth: 77,
  windowHeight: 79,
  prefetchHint: 81,
  prefetchFileCount: 82,
};

const HEADER_96: HeaderFields = {
  size: 96,
  compression: 12,
  compressionLevel: 13,
  sectionCount: 16,
  sectionTableOffset: 24,
  symbolTableOffset: 32,
  symbolCount: 40,
  exportedCount: 44,
  entryPoint: 48,
  stubSize: 56,
  smfDataOffset: 60,
  moduleHash: 64,
  sourceHash: 72,
  appType: 80,
  windowWidth: 82,
  windowHeight: 84,
  prefetchHint: 86,
  prefetchFileCount: 87,
};

const HEADER_72: HeaderFields = {
  size: 72,
  sectionCount: 12,
  sectionTableOffset: 16,
  symbolTableOffset: 24,
  symbolCount: 32,
  exportedCount: 36,
  entryPoint: 40,
  moduleHash: 48,
  sourceHash: 56,
};

/** The first reserved byte of the v1.1 header; from here to its end. */
export const HEADER_V11_RESERVED = 83;

/** Section entries agree in all layouts up to their size: 64 bytes in v1.1 (the last 8 reserved), 56 elsewhere. */
export const SECTION_ENTRY = {
  type: 0,
  flags: 4,
  offset: 8,
  size: 16,
  virtualSize: 24,
  alignment: 32,
  name: 40,
  nameLength: 16,
} as const;
export const SECTION_ENTRY_SIZE_V11 = 64;
export const SECTION_ENTRY_SIZE_C = 56;

/** Symbol entries: 72 bytes in v1.1; 56 with templates and 40 before templates in the C-aligned layouts. */
export const SYMBOL_ENTRY = {
  nameOffset: 0,
  nameHash: 4,
  type: 8,
  binding: 9,
  visibility: 10,
  flags: 11,
  value: 16,
  size: 24,
  typeId: 32,
  version: 36,
  templateParamCount: 40,
  templateOffset: 48,
  sectionIndex: 56,
} as const;
export const SYMBOL_ENTRY_SIZE_V11 = 72;
export const SYMBOL_ENTRY_SIZE_TEMPLATES = 56;
export const SYMBOL_ENTRY_SIZE_PLAIN = 40;

export const RELOCATION_ENTRY = { offset: 0, symbolIndex: 8, type: 12, addend: 16 } as const;
export const RELOCATION_ENTRY_SIZE = 24;

/** What tells one layout from another. */
export interface LayoutShape {
  readonly layout: SmfLayout;
  readonly header: HeaderFields;
  /** The header is at the end of the file (else at offset 0). */
  readonly trailer: boolean;
  readonly sectionEntrySize: number;
  /** In the order in which to try them; the first is what an empty symbol table has. */
  readonly symbolEntrySizes: readonly number[];
}

export const LAYOUTS: Readonly<Record<SmfLayout, LayoutShape>> = {
  'v1.1': {
    layout: 'v1.1',
    header: HEADER_V11,
    trailer: true,
    sectionEntrySize: SECTION_ENTRY_SIZE_V11,
    symbolEntrySizes: [SYMBOL_ENTRY_SIZE_V11],
  },
  'trailer-96': {
    layout: 'trailer-96',
    header: HEADER_96,
    trailer: true,
    sectionEntrySize: SECTION_ENTRY_SIZE_C,
    symbolEntrySizes: [SYMBOL_ENTRY_SIZE_TEMPLATES, SYMBOL_ENTRY_SIZE_PLAIN],
  },
  'legacy-96': {
    layout: 'legacy-96',
    header: HEADER_96,
    trailer: false,
    sectionEntrySize: SECTION_ENTRY_SIZE_C,
    symbolEntrySizes: [SYMBOL_ENTRY_SIZE_TEMPLATES, SYMBOL_ENTRY_SIZE_PLAIN],
  },
  'legacy-72': {
    layout: 'legacy-72',
    header: HEADER_72,
    trailer: false,
    sectionEntrySize: SECTION_ENTRY_SIZE_C,
    symbolEntrySizes: [SYMBOL_ENTRY_SIZE_PLAIN, SYMBOL_ENTRY_SIZE_TEMPLATES],
  },
};
