// An open SMF file: views of the input, decoded on demand. Opening costs as much as there are sections; symbols,
// strings, templates and the note cost when they are asked for.
import { decompressSection, isCompressed, type SmfCodecs } from '../compression/codec.js';
import { NOTE_SECTION_NAME, SectionType, type SmfLayout } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import { fnv1a64Parts } from '../hashes.js';
import { type SmfLimits, withLimits } from '../limits.js';
import type { NoteSdnMetadata } from '../note-sdn/model.js';
import { parseNoteSdn } from '../note-sdn/parse.js';
import type { SmfHeader } from './header.js';
import { type ByteSource, Input } from './input.js';
import { type Located, locate } from './layout.js';
import { noteRegion, noteText } from './note-text.js';
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
  /**
   * Called when a compressed section was unpacked and is kept, with its bytes. A cache that has to stay within a budget
   * counts them, and gets them back by `SmfFile.forgetUnpacked`.
   */
  readonly onUnpacked?: (bytes: number) => void;
}

/**
 * Opens an SMF file of any layout. Nothing is copied: sections are views of `input`, which must stay unchanged (and, if
 * it is a mapping, mapped) for as long as the result and its section data are used. Costs O(sections).
 *
 * @param input the bytes of the file, or a {@link ByteSource} that shows parts of them: of that, only the header, the
 * tables and what is asked for are looked at, so that its size does not matter
 * @throws SmfFormatError ERR_SMF_EMPTY, ERR_SMF_TOO_SHORT, ERR_SMF_BAD_MAGIC (not an SMF file, or a truncated one),
 * ERR_SMF_UNSUPPORTED_VERSION, ERR_SMF_BAD_HEADER, ERR_SMF_TABLE_OUT_OF_BOUNDS, ERR_SMF_SECTION_OUT_OF_BOUNDS,
 * ERR_SMF_SECTION_OVERLAP, ERR_SMF_BAD_ALIGNMENT, ERR_SMF_WRITABLE_CODE, ERR_SMF_BAD_SYMBOL, ERR_SMF_HASH_MISMATCH,
 * ERR_SMF_LIMIT. Where a magic was found, `tried` tells what each layout lacked.
 * @see docs/spec/smf-format.md, sections 1 and 6
 * @example
 * const smf = parseSmf(await readFile('collections.smf'))
 * console.log(smf.layout, smf.findSymbol('main')?.size)
 */
export function parseSmf(input: Uint8Array | ByteSource, options: ParseSmfOptions = {}): SmfFile {
  const limits = withLimits(options.limits);
  const from = new Input(input);
  return from.checked(() => {
    const located = locate(from, limits);
    const file = new SmfFile(from, located, limits, options);
    if (options.verifyModuleHash === true) checkModuleHash(file, located);
    return file;
  });
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
  /** @internal For the writer and the validator. */
  readonly input: Input;
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
  readonly #onUnpacked: ((bytes: number) => void) | undefined;
  readonly #unpacked = new Map<number, Uint8Array>();
  /** What was forgotten, for as long as someone else holds a view of it. */
  readonly #forgotten = new Map<number, Forgotten>();
  #unpackedBytes = 0;
  /** Views of a source's sections: making one costs more than of bytes in memory. */
  readonly #views = new Map<number, Uint8Array>();
  #relocSections: Map<number, SmfSection[]> | undefined;
  readonly #templates = new Map<number, readonly SmfTemplate[]>();
  #byOffset: Map<number, SmfTemplate> | undefined;

  /** @internal Use `parseSmf`. */
  constructor(input: Input, located: Located, limits: SmfLimits, options: Omit<ParseSmfOptions, 'limits'>) {
    this.input = input;
    this.located = located;
    this.limits = limits;
    this.layout = located.shape.layout;
    this.header = located.header;
    this.sections = located.sections;
    this.dataOffset = located.base;
    this.symbols = new SmfSymbolTable(input, located, limits);
    this.firstCodeSection = located.sections.findIndex((section) => section.type === SectionType.Code);
    this.noteSection = located.sections.find(isNote);
    this.#codecs = options.codecs;
    this.#onUnpacked = options.onUnpacked;
  }

  /**
   * All bytes of the file: the input itself, or one view over a whole byte source, made at first use (prefer
   * `sectionData` there).
   *
   * @throws SmfFormatError ERR_SMF_LIMIT for a source of 4 GiB or more
   */
  get bytes(): Uint8Array {
    return this.input.whole;
  }

  /**
   * All bytes of the file, in order, in pieces: to hash a file of any size without a view over the whole.
   *
   * @example for (const piece of smf.pieces()) hash.update(piece)
   */
  *pieces(): Generator<Uint8Array, void, undefined> {
    if (this.input.closed) throw closedFile();
    for (const piece of this.input.pieces(0, this.input.size)) {
      yield piece;
      this.input.check();
    }
  }

  /** Whatever comes before the SMF data (a shebang line, an executable), a view; empty for a pure SMF file. */
  get stub(): Uint8Array {
    return this.input.bytesAt(0, this.dataOffset);
  }

  /** All relocations with the section that each patches (-1 where the Reloc section's name does not tell). */
  get relocations(): readonly (SmfRelocation & { readonly sectionIndex: number })[] {
    return this.sections
      .filter((section) => section.type === SectionType.Reloc)
      .flatMap((section) => {
        const sectionIndex = this.#patches(section);
        return this.#relocationsIn(section).map((r) => ({ ...r, sectionIndex }));
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
    const kept = this.#unpacked.get(index);
    if (kept !== undefined) return kept;
    const data = recall(this.#forgotten.get(index)) ?? this.#unpack(section);
    this.#forgotten.delete(index);
    this.#unpacked.set(index, data);
    this.#unpackedBytes += data.length;
    this.#onUnpacked?.(data.length);
    return data;
  }

  /** Bytes of unpacked sections that are kept at the moment. */
  get unpackedBytes(): number {
    return this.#unpackedBytes;
  }

  /**
   * Keeps unpacked sections no longer. Who holds one goes on doing so, and is given the same again while he does; the
   * others are collected, and unpacked anew when they are asked for.
   */
  forgetUnpacked(): void {
    for (const [index, data] of this.#unpacked) {
      this.#forgotten.set(index, { buffer: new WeakRef(data.buffer), at: data.byteOffset, length: data.length });
      this.#templates.delete(index); // their entries hold it, too
      this.#byOffset = undefined;
    }
    this.#unpacked.clear();
    this.#unpackedBytes = 0;
  }

  /** The bytes of a section as they are in the file: a compressed section's frame. */
  storedSectionData(index: number): Uint8Array {
    const section = this.#section(index);
    const data = this.input.checked(() => this.#stored(section));
    // Bytes that vanished since (a file that became shorter) show it when they are looked at, the last ones first.
    if (!this.input.inMemory && data.length > 0) this.input.checked(() => data[data.length - 1]);
    return data;
  }

  #stored(section: SmfSection): Uint8Array {
    if (isBss(section)) return this.input.bytesAt(0, 0);
    const { input } = this;
    const seen = this.#views.get(section.index);
    if (seen !== undefined) return seen;
    let start = this.dataOffset + section.offset;
    let { size } = section;
    if (section === this.noteSection && size === 0) {
      const region = noteRegion(input, this.located, section, this.limits);
      start = region.start;
      size = region.end - region.start;
    }
    const data = input.bytesAt(start, size);
    if (!input.inMemory) this.#views.set(section.index, data);
    return data;
  }

  #unpack(section: SmfSection): Uint8Array {
    const frame = this.storedSectionData(section.index);
    const left = { ...this.limits, maxUncompressedSize: this.limits.maxUncompressedSize - this.#unpackedBytes };
    return this.input.checked(() => decompressSection(frame, section, this.header.compression, this.#codecs, left));
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
    return sections.flatMap((section) => this.#relocationsIn(section));
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
    const section = this.sections.find((candidate) => candidate.type === SectionType.TemplateCode);
    const templates = section === undefined ? [] : this.#templatesOf(section);
    if (this.#byOffset !== undefined) return this.#byOffset.get(offset);
    // What was forgotten at once must not be held by an index of it.
    if (section !== undefined && !this.#templates.has(section.index)) return templates.find((t) => t.offset === offset);
    this.#byOffset = new Map(templates.map((template) => [template.offset, template]));
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
      .map((section) => {
        const data = this.sectionData(section.index);
        return this.input.checked(() => readTemplateMeta(data, section, this.limits));
      });
  }

  /**
   * The note's SDN text with its terminator line; undefined where the file has no note.
   *
   * @throws SmfFormatError ERR_SMF_BAD_NOTE for a note without end, ERR_SMF_LIMIT for one above `limits.maxSdnLength`
   */
  noteSdnText(): string | undefined {
    const section = this.noteSection;
    if (section === undefined) return undefined;
    if (isCompressed(section, this.header.compression)) {
      return noteText(this.sectionData(section.index), section, this.limits);
    }
    this.#section(section.index);
    return this.input.checked(() => {
      const { start, end } = noteRegion(this.input, this.located, section, this.limits);
      return noteText(this.input.bytesAt(start, end - start), section, this.limits);
    });
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
    if (this.input.closed) throw closedFile();
    const start = this.located.shape.trailer ? this.dataOffset : this.located.shape.header.size;
    return this.input.checked(() => fnv1a64Parts(this.input.pieces(start, this.located.dataEnd)));
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
      const data = this.sectionData(section.index);
      templates = this.input.checked(() => readTemplates(data, section, this.limits));
      // Unless they would hold what was forgotten while it was unpacked.
      if (!isCompressed(section, this.header.compression) || this.#unpacked.has(section.index)) {
        this.#templates.set(section.index, templates);
      }
    } else this.input.check();
    return templates;
  }

  #relocationsIn(section: SmfSection): SmfRelocation[] {
    const data = this.sectionData(section.index);
    return this.input.checked(() => readRelocations(data, section));
  }

  #section(index: number): SmfSection {
    if (this.input.closed) throw closedFile();
    const section = this.sections[index];
    if (section !== undefined) return section;
    throw new SmfFormatError('ERR_SMF_NO_SUCH_SECTION', 'no such section', {
      structure: 'section table',
      expected: `an index below ${this.sections.length}`,
      found: `${index}`,
    });
  }
}

/** Unpacked bytes that someone else may hold still: a view, or a part of one, keeps their buffer. */
interface Forgotten {
  readonly buffer: WeakRef<ArrayBufferLike>;
  readonly at: number;
  readonly length: number;
}

function recall(forgotten: Forgotten | undefined): Uint8Array | undefined {
  const buffer = forgotten?.buffer.deref();
  return buffer && forgotten && new Uint8Array(buffer, forgotten.at, forgotten.length);
}

/** A TemplateMeta section is a note by its name. */
export const isNote = (section: SmfSection): boolean =>
  section.type === SectionType.TemplateMeta && section.name === NOTE_SECTION_NAME;
