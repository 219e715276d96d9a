// An open SMF file: views of the input, decoded on demand. Opening costs as much as there are sections; symbols,
// strings, templates and the note cost when they are asked for.
import { decodeUtf8, viewOf } from '../bytes.js';
import { decompressSection, isCompressed, type SmfCodecs } from '../compression/codec.js';
import { NOTE_SECTION_NAME, SectionType, type SmfLayout } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import { fnv1a64 } from '../hashes.js';
import { type SmfLimits, withLimits } from '../limits.js';
import type { NoteSdnMetadata } from '../note-sdn/model.js';
import { parseNoteSdn } from '../note-sdn/parse.js';
import type { SmfHeader } from './header.js';
import { type Located, locate } from './layout.js';
import { noteRegion } from './note-text.js';
import { readRelocations, relocationTarget, type SmfRelocation } from './relocations.js';
import { isBss, type SmfSection } from './sections.js';
import { closedFile, type SmfSymbol, SmfSymbolTable } from './symbols.js';
import { readTemplateMeta, type SmfTemplateMeta } from './template-meta.js';
import { readTemplates, type SmfTemplate } from './templates.js';

export interface ParseSmfOptions {
  /** Changes to the default limits. */
  readonly limits?: Partial<SmfLimits>;
  /** For files with compressed sections. */
  readonly codecs?: SmfCodecs;
  /** Check the header's module hash (where it is not 0) over the whole data: costs O(file). Default false. */
  readonly verifyModuleHash?: boolean;
}

/**
 * Opens an SMF file of any layout. Nothing is copied: sections are views of `bytes`, which must stay unchanged (and, if
 * it is a mapping, mapped) for as long as the result and its section data are used. Costs O(sections).
 *
 * @throws SmfFormatError ERR_SMF_EMPTY, ERR_SMF_TOO_SHORT, ERR_SMF_BAD_MAGIC (not an SMF file, or a truncated one),
 * ERR_SMF_UNSUPPORTED_VERSION, ERR_SMF_BAD_HEADER, ERR_SMF_TABLE_OUT_OF_BOUNDS, ERR_SMF_SECTION_OUT_OF_BOUNDS,
 * ERR_SMF_SECTION_OVERLAP, ERR_SMF_BAD_ALIGNMENT, ERR_SMF_WRITABLE_CODE, ERR_SMF_BAD_SYMBOL, ERR_SMF_HASH_MISMATCH,
 * ERR_SMF_LIMIT. Where a magic was found, `tried` tells what each layout lacked.
 * @see docs/spec/smf-format.md, sections 1 and 6
 * @example
 * const smf = parseSmf(await readFile('collections.smf'))
 * console.log(smf.layout, smf.findSymbol('main')?.size)
 */
export function parseSmf(bytes: Uint8Array, options: ParseSmfOptions = {}): SmfFile {
  const limits = withLimits(options.limits);
  const located = locate(bytes, limits);
  const file = new SmfFile(bytes, located, limits, options.codecs);
  if (options.verifyModuleHash === true) checkModuleHash(file, located);
  return file;
}

function checkModuleHash(file: SmfFile, located: Located): void {
  const stored = located.header.moduleHash;
  if (stored === 0n) return;
  const actual = file.computeModuleHash();
  if (actual === stored) return;
  throw new SmfFormatError('ERR_SMF_HASH_MISMATCH', 'the data is not what was hashed when the file was written', {
    structure: 'header',
    offset: located.headerAt + located.shape.header.moduleHash,
    expected: `0x${stored.toString(16)}`,
    found: `0x${actual.toString(16)}`,
    hint: 'The file is damaged or was changed: build it again',
  });
}

/** An open SMF file, made by `parseSmf`. */
export class SmfFile {
  /** The input, not copied. */
  readonly bytes: Uint8Array;
  readonly layout: SmfLayout;
  readonly header: SmfHeader;
  readonly sections: readonly SmfSection[];
  readonly symbols: SmfSymbolTable;
  /** Where SMF data begins, in bytes: section offsets count from here. After a plain `cat`, not what the header says. */
  readonly dataOffset: number;
  /** @internal For the writer and the validator. */
  readonly located: Located;
  /** The limits in force. */
  readonly limits: SmfLimits;
  /** Index of the first Code section, or -1. */
  readonly firstCodeSection: number;
  /** The `note.sdn` section: the first TemplateMeta section of that name. */
  readonly noteSection: SmfSection | undefined;
  readonly #codecs: SmfCodecs | undefined;
  readonly #unpacked = new Map<number, Uint8Array>();
  #unpackedBytes = 0;
  #relocSections: Map<number, SmfSection[]> | undefined;
  readonly #templates = new Map<number, readonly SmfTemplate[]>();
  #byOffset: Map<number, SmfTemplate> | undefined;

  /** @internal Use `parseSmf`. */
  constructor(bytes: Uint8Array, located: Located, limits: SmfLimits, codecs: SmfCodecs | undefined) {
    this.bytes = bytes;
    this.located = located;
    this.limits = limits;
    this.layout = located.shape.layout;
    this.header = located.header;
    this.sections = located.sections;
    this.dataOffset = located.base;
    this.symbols = new SmfSymbolTable(bytes, viewOf(bytes), located, limits);
    this.firstCodeSection = located.sections.findIndex((section) => section.type === SectionType.Code);
    this.noteSection = located.sections.find(isNote);
    this.#codecs = codecs;
  }

  /** Whatever comes before the SMF data (a shebang line, an executable), a view; empty for a pure SMF file. */
  get stub(): Uint8Array {
    return this.bytes.subarray(0, this.dataOffset);
  }

  /** All relocations with the section that each patches (-1 where the Reloc section's name does not tell). */
  get relocations(): readonly (SmfRelocation & { readonly sectionIndex: number })[] {
    return this.sections
      .filter((section) => section.type === SectionType.Reloc)
      .flatMap((section) => {
        const sectionIndex = this.#patches(section);
        return readRelocations(this.sectionData(section.index), section).map((r) => ({ ...r, sectionIndex }));
      });
  }

  /**
   * The bytes of a section: a view of the input, or for a compressed one its uncompressed bytes (unpacked once). Empty
   * for Bss. Of a note with size 0: the text with its terminator line.
   *
   * @throws SmfFormatError ERR_SMF_NO_SUCH_SECTION, ERR_SMF_NO_CODEC, ERR_SMF_BAD_COMPRESSION, ERR_SMF_LIMIT,
   * ERR_SMF_BAD_NOTE
   */
  sectionData(index: number): Uint8Array {
    const section = this.#section(index);
    if (!isCompressed(section, this.header.compression)) return this.storedSectionData(index);
    let data = this.#unpacked.get(index);
    if (data === undefined) {
      const frame = this.storedSectionData(index);
      const left = { ...this.limits, maxUncompressedSize: this.limits.maxUncompressedSize - this.#unpackedBytes };
      data = decompressSection(frame, section, this.header.compression, this.#codecs, left);
      this.#unpacked.set(index, data);
      this.#unpackedBytes += data.length;
    }
    return data;
  }

  /** The bytes of a section as they are in the file: a compressed section's frame. */
  storedSectionData(index: number): Uint8Array {
    const section = this.#section(index);
    if (isBss(section)) return this.bytes.subarray(0, 0);
    if (section === this.noteSection && section.size === 0) {
      const region = noteRegion(this.bytes, this.located, section);
      return this.bytes.subarray(region.start, region.end);
    }
    const start = this.dataOffset + section.offset;
    return this.bytes.subarray(start, start + section.size);
  }

  /** The first section of this name. */
  findSection(name: string): SmfSection | undefined {
    return this.sections.find((section) => section.name === name);
  }

  /** The symbol of this name, in constant time. See `SmfSymbolTable.find`. */
  findSymbol(name: string): SmfSymbol | undefined {
    return this.symbols.find(name);
  }

  /** What patches section `sectionIndex`, in file order. @throws SmfFormatError ERR_SMF_BAD_RELOCATION */
  relocationsOf(sectionIndex: number): readonly SmfRelocation[] {
    this.#section(sectionIndex);
    this.#relocSections ??= this.#indexRelocations();
    const sections = this.#relocSections.get(sectionIndex) ?? [];
    return sections.flatMap((section) => readRelocations(this.sectionData(section.index), section));
  }

  /**
   * All templates of all TemplateCode sections. Names and parameters are decoded, bodies are views.
   *
   * @throws SmfFormatError ERR_SMF_BAD_TEMPLATE, ERR_SMF_UNSUPPORTED_VERSION, ERR_SMF_LIMIT, and those of `sectionData`
   */
  templates(): readonly SmfTemplate[] {
    return this.sections
      .filter((section) => section.type === SectionType.TemplateCode)
      .flatMap((section) => this.#templatesOf(section));
  }

  /**
   * The template whose entry begins at `offset` (a symbol's `templateOffset`) in the first TemplateCode section, or
   * undefined where no entry begins there.
   */
  templateAt(offset: number): SmfTemplate | undefined {
    if (this.#byOffset === undefined) {
      const section = this.sections.find((candidate) => candidate.type === SectionType.TemplateCode);
      const templates = section === undefined ? [] : this.#templatesOf(section);
      this.#byOffset = new Map(templates.map((template) => [template.offset, template]));
    }
    return this.#byOffset.get(offset);
  }

  /**
   * The META sections: which specialisations the module was built with.
   *
   * @throws SmfFormatError ERR_SMF_BAD_TEMPLATE, ERR_SMF_UNSUPPORTED_VERSION, ERR_SMF_LIMIT, and those of `sectionData`
   */
  templateMeta(): readonly SmfTemplateMeta[] {
    return this.sections
      .filter((section) => section.type === SectionType.TemplateMeta && !isNote(section))
      .map((section) => readTemplateMeta(this.sectionData(section.index), section, this.limits));
  }

  /** The note's SDN text with its terminator line; undefined where the file has no note. */
  noteSdnText(): string | undefined {
    const section = this.noteSection;
    if (section === undefined) return undefined;
    if (isCompressed(section, this.header.compression)) {
      const data = this.sectionData(section.index);
      return decodeUtf8(data, 0, data.length);
    }
    const { start, end } = noteRegion(this.bytes, this.located, section);
    return decodeUtf8(this.bytes, start, end);
  }

  /**
   * The note's tables; undefined where the file has no note.
   *
   * @throws SmfFormatError ERR_SMF_BAD_NOTE for a note without end, SdnSyntaxError for text that is not SDN
   */
  noteSdn(): NoteSdnMetadata | undefined {
    const text = this.noteSdnText();
    return text === undefined ? undefined : parseNoteSdn(text, this.limits);
  }

  /** FNV-1a 64 of the SMF data (stub and header excluded): what `header.moduleHash` should be. Costs O(file). */
  computeModuleHash(): bigint {
    const start = this.located.shape.trailer ? this.dataOffset : this.located.shape.header.size;
    return fnv1a64(this.bytes.subarray(start, this.located.dataEnd));
  }

  #indexRelocations(): Map<number, SmfSection[]> {
    const index = new Map<number, SmfSection[]>();
    for (const section of this.sections) {
      if (section.type !== SectionType.Reloc) continue;
      const target = this.#patches(section);
      const others = index.get(target);
      if (others === undefined) index.set(target, [section]);
      else others.push(section);
    }
    return index;
  }

  /** Which section a Reloc section patches, or -1. */
  #patches(section: SmfSection): number {
    return relocationTarget(section.name, this.sections.length, this.firstCodeSection);
  }

  #templatesOf(section: SmfSection): readonly SmfTemplate[] {
    let templates = this.#templates.get(section.index);
    if (templates === undefined) {
      templates = readTemplates(this.sectionData(section.index), section, this.limits);
      this.#templates.set(section.index, templates);
    }
    return templates;
  }

  #section(index: number): SmfSection {
    if (this.bytes.length === 0) throw closedFile();
    const section = this.sections[index];
    if (section !== undefined) return section;
    throw new SmfFormatError('ERR_SMF_NO_SUCH_SECTION', 'no such section', {
      structure: 'section table',
      expected: `an index below ${this.sections.length}`,
      found: `${index}`,
    });
  }
}

/** A TemplateMeta section is a note by its name. */
export const isNote = (section: SmfSection): boolean =>
  section.type === SectionType.TemplateMeta && section.name === NOTE_SECTION_NAME;
