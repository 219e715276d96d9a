// What SmfBuilder takes: sections, symbols, relocations, templates and header fields, with their defaults.
import { SectionFlags, SectionType } from '../definitions.js';
import type { SmfHeader } from '../read/header.js';
import type { GenericParam } from '../read/templates.js';

/** The header fields that are the caller's to choose; the rest follows from the content. */
export type SmfHeaderInput = Partial<
  Pick<
    SmfHeader,
    | 'platform'
    | 'arch'
    | 'flags'
    | 'entryPoint'
    | 'sourceHash'
    | 'appType'
    | 'windowWidth'
    | 'windowHeight'
    | 'prefetchHint'
    | 'prefetchFileCount'
  >
>;

export interface SectionInput {
  /** See `SectionType`; any number from 0 to 255. */
  readonly type: number;
  /** At most 16 bytes of UTF-8. */
  readonly name: string;
  /** Not copied: leave it unchanged until `build`. Nothing for Bss. */
  readonly data?: Uint8Array;
  /** See `SectionFlags`. Default: what the type needs (Code READ + EXEC, Data and Bss READ + WRITE, else READ). */
  readonly flags?: number;
  /** A power of two. Default 16 for Code, 8 otherwise. The file honours up to 65,536; more is for memory only. */
  readonly alignment?: number;
  /** Bytes in memory. Default: the data's length. For Bss, how many zeros. */
  readonly virtualSize?: number;
  /** Compress it, with the algorithm given to `setCompression`. */
  readonly compress?: boolean;
}

export interface SymbolInput {
  readonly name: string;
  /** See `SymbolType`. Default function. */
  readonly type?: number;
  /** See `SymbolBinding`. Default global. */
  readonly binding?: number;
  readonly visibility?: number;
  /** See `SymbolFlags`. */
  readonly flags?: number;
  /** Offset in its section. */
  readonly value?: number;
  readonly size?: number;
  readonly typeId?: number;
  readonly version?: number;
  readonly templateParamCount?: number;
  readonly templateOffset?: number;
  /** Default: the first Code section. */
  readonly sectionIndex?: number;
}

export interface RelocationInput {
  readonly offset: number;
  readonly symbolIndex: number;
  readonly type: number;
  readonly addend?: bigint;
}

export interface TemplateInput {
  /** See `TemplateKind`. */
  readonly kind: number;
  readonly name: string;
  readonly genericParams: readonly (GenericParam | { readonly name: string })[];
  /** Template IR; opaque here. */
  readonly body: Uint8Array;
}

export function defaultFlags(type: number): number {
  if (type === SectionType.Code) return SectionFlags.READ | SectionFlags.EXEC;
  if (type === SectionType.Data || type === SectionType.Bss) return SectionFlags.READ | SectionFlags.WRITE;
  return SectionFlags.READ;
}

export const defaultAlignment = (type: number): number => (type === SectionType.Code ? 16 : 8);

/** A section while it is being edited. */
export interface BuilderSection {
  type: number;
  name: string;
  flags: number;
  alignment: number;
  /** As it goes into the file: a frame, where `flags` say COMPRESSED. */
  data: Uint8Array;
  virtualSize: number;
  /** Bytes 56..63 of a v1.1 entry, kept. */
  reserved: Uint8Array | undefined;
  /** To be compressed at `build`. */
  compress: boolean;
  /** A note: written with size 0 and this much room (text and slack). */
  noteCapacity: number | undefined;
  /** Its extent is that of the string or symbol table. */
  extent: 'strings' | 'symbols' | undefined;
}

/** A symbol while it is being edited. */
export interface BuilderSymbol {
  name: string;
  nameHash: number;
  type: number;
  binding: number;
  visibility: number;
  flags: number;
  value: number;
  size: number;
  typeId: number;
  version: number;
  templateParamCount: number;
  templateOffset: number;
  sectionIndex: number;
  /** In the kept string table; undefined for a new name. */
  nameOffset: number | undefined;
  /** The 72 bytes that it had in a v1.1 file: what we do not know is kept. */
  original: Uint8Array | undefined;
}

export const isUnsigned = (value: number, greatest: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= greatest;
