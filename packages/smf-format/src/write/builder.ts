// SmfBuilder: makes a v1.1 file from nothing, or from an existing file of any layout, of which everything that is not
// edited is kept byte for byte (unknown sections, flags, reserved bytes, slack).
import { codecFor, type SmfCodecs } from '../compression/codec.js';
import { Compression, SectionFlags, SectionType, SMF_HEADER_SIZE, SymbolFlags, SymbolType } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import type { NoteSdnMetadata } from '../note-sdn/model.js';
import type { SmfFile } from '../read/smf-file.js';
import type { MetaTemplate } from '../read/template-meta.js';
import { emitSmf } from './emit.js';
import { emptyTemplateCode, encodeRelocations, encodeTemplateMeta } from './encode.js';
import { invalidEdit as invalid } from './invalid.js';
import type {
  BuilderSection,
  RelocationInput,
  SectionInput,
  SmfHeaderInput,
  SymbolInput,
  TemplateInput,
} from './model.js';
import { noteSection, readNote } from './note.js';
import { relocationSectionOf, renumberSymbols, withoutSection } from './references.js';
import { firstCodeSection, isNoteSection, keptSection, newSection } from './section.js';
import { changedSymbol, keptSymbol, newSymbol, symbolTypeOf } from './symbol.js';
import { SymbolList } from './symbol-list.js';
import { TemplateCode } from './template-code.js';

const DEFAULT_HEADER: Required<SmfHeaderInput> = {
  platform: 0,
  arch: 0,
  flags: 0,
  entryPoint: 0,
  sourceHash: 0n,
  appType: 0,
  windowWidth: 1280,
  windowHeight: 720,
  prefetchHint: false,
  prefetchFileCount: 0,
};

/** A section of a file being built, as it is now. */
export interface BuilderSectionInfo {
  readonly index: number;
  readonly type: number;
  readonly name: string;
  readonly flags: number;
  readonly alignment: number;
  readonly virtualSize: number;
}

/**
 * Builds v1.1 files. Sections and symbols are named by index; removing one moves later ones down, and every reference in
 * symbols, relocations and `.reloc.N` names follows. `build` is deterministic and may be called again after more edits.
 *
 * @example
 * const builder = new SmfBuilder()
 * const code = builder.addSection({ type: SectionType.Code, name: '.text', data: Uint8Array.of(0xc3) })
 * builder.addSymbol({ name: 'nop', sectionIndex: code, size: 1 })
 * const bytes = builder.build()
 */
export class SmfBuilder {
  #header: Required<SmfHeaderInput>;
  #compression: number = Compression.None;
  #compressionLevel = 0;
  #codecs: SmfCodecs | undefined;
  #keptHeader: Uint8Array | undefined;
  #keptStrings: Uint8Array = new Uint8Array(0);
  #sections: BuilderSection[] = [];
  #symbols = new SymbolList();
  readonly #templateCode = new TemplateCode();
  #stub: Uint8Array = new Uint8Array(0);

  constructor(header: SmfHeaderInput = {}) {
    this.#header = { ...DEFAULT_HEADER, ...header };
  }

  /**
   * Starts from an existing file of any layout; a legacy one becomes v1.1. Views of the file's bytes are used until
   * `build`: keep them unchanged until then. Costs O(symbols).
   *
   * @throws SmfFormatError for names outside the string table, or a note without end
   */
  static from(file: SmfFile): SmfBuilder {
    const { header, located } = file;
    const builder = new SmfBuilder({
      ...header,
      ...(located.shape.header.appType === undefined
        ? { windowWidth: DEFAULT_HEADER.windowWidth, windowHeight: DEFAULT_HEADER.windowHeight }
        : {}),
    });
    builder.#compression = header.compression;
    builder.#compressionLevel = header.compressionLevel;
    builder.#stub = file.stub;
    builder.#keptStrings = file.bytes.subarray(located.stringsAt, located.stringsEnd);
    if (file.layout === 'v1.1') {
      builder.#keptHeader = file.bytes.subarray(located.headerAt, located.headerAt + SMF_HEADER_SIZE);
    }
    builder.#sections = file.sections.map((section) => keptSection(file, section));
    builder.#symbols = new SymbolList(Array.from(file.symbols, (symbol) => keptSymbol(file, symbol)));
    return builder;
  }

  /** Changes header fields. Counts, offsets, hashes and HAS_STUB follow from the content. */
  setHeader(changes: SmfHeaderInput): this {
    this.#header = { ...this.#header, ...changes };
    return this;
  }

  /** The sections as they are now. */
  get sections(): readonly BuilderSectionInfo[] {
    return this.#sections.map(({ type, name, flags, alignment, virtualSize }, index) => {
      return { index, type, name, flags, alignment, virtualSize };
    });
  }

  get symbolCount(): number {
    return this.#symbols.all.length;
  }

  /** Index of the first section of this name (and type), or -1. */
  findSection(name: string, type?: number): number {
    return this.#sections.findIndex(
      (section) => section.name === name && (type === undefined || section.type === type),
    );
  }

  /** Index of the first symbol of this name, or -1. */
  findSymbol(name: string): number {
    return this.#symbols.find(name);
  }

  /** Adds a section at the end. @returns its index */
  addSection(input: SectionInput): number {
    return this.#sections.push(newSection(input)) - 1;
  }

  /**
   * Gives a section other content, name, type, flags or alignment; what `changes` do not name stays. New data of a section
   * that was compressed is compressed again at `build`.
   *
   * @throws SmfFormatError ERR_SMF_NO_SUCH_SECTION, ERR_SMF_INVALID_ARGUMENT
   */
  replaceSection(index: number, changes: Partial<SectionInput>): this {
    const old = this.#section(index);
    const wasCompressed = old.compress || (old.flags & SectionFlags.COMPRESSED) !== 0;
    const { type, name, flags, alignment, virtualSize } = old;
    if (changes.data === undefined && (changes.compress ?? wasCompressed) === wasCompressed) {
      const checked = newSection({ type, name, flags, alignment, virtualSize, ...changes });
      Object.assign(old, { ...checked, data: old.data, compress: old.compress, noteCapacity: old.noteCapacity });
      return this;
    }
    if (changes.data === undefined && wasCompressed && !old.compress) {
      throw invalid(`section ${index} (${name})`, 'it is stored compressed', 'Pass its uncompressed data too');
    }
    const merged = { type, name, alignment, data: old.data, compress: wasCompressed, ...changes };
    const fresh = newSection({ ...merged, flags: (changes.flags ?? flags) & ~SectionFlags.COMPRESSED });
    this.#sections[index] = { ...fresh, reserved: old.reserved };
    return this;
  }

  /**
   * Removes a section and the Reloc sections that patch it. Indices of later sections go down by one.
   *
   * @throws SmfFormatError ERR_SMF_NO_SUCH_SECTION, or ERR_SMF_INVALID_ARGUMENT while symbols lie in it
   */
  removeSection(index: number): this {
    this.#section(index);
    this.#sections = withoutSection(this.#sections, this.#symbols.all, index);
    return this;
  }

  /**
   * Adds a symbol at the end.
   *
   * @returns its index
   * @throws SmfFormatError ERR_SMF_INVALID_ARGUMENT for a name with NUL or a number out of range
   */
  addSymbol(input: SymbolInput): number {
    return this.#symbols.add(newSymbol(input, firstCodeSection(this.#sections)));
  }

  /** Changes a symbol; what `changes` do not name stays. @throws SmfFormatError ERR_SMF_NO_SUCH_SYMBOL */
  replaceSymbol(index: number, changes: Partial<SymbolInput>): this {
    const changed = changedSymbol(this.#symbols.at(index), changes, firstCodeSection(this.#sections));
    this.#symbols.replace(index, changed);
    return this;
  }

  /**
   * Removes symbols. Indices of later ones go down, and relocations follow.
   *
   * @throws SmfFormatError ERR_SMF_NO_SUCH_SYMBOL, or ERR_SMF_INVALID_ARGUMENT while a relocation uses one of them
   */
  removeSymbols(indices: Iterable<number>): this {
    const doomed = new Set(indices);
    for (const index of doomed) this.#symbols.at(index);
    renumberSymbols(this.#sections, this.#symbols.all, doomed);
    this.#symbols.remove(doomed);
    return this;
  }

  /** Gives a section its relocations, in a section `.reloc.N` (made, replaced, or with an empty list removed). */
  setRelocations(sectionIndex: number, relocations: readonly RelocationInput[]): this {
    this.#section(sectionIndex);
    const existing = relocationSectionOf(this.#sections, sectionIndex);
    if (relocations.length === 0) return existing < 0 ? this : this.removeSection(existing);
    const data = encodeRelocations(relocations);
    if (existing >= 0) return this.replaceSection(existing, { data });
    this.addSection({ type: SectionType.Reloc, name: `.reloc.${sectionIndex}`, data });
    return this;
  }

  /**
   * Adds a template to the TemplateCode section (version 2; made at the first call), and a global symbol flagged
   * GENERIC_TEMPLATE of the template's name.
   *
   * @returns the template's offset, for `templateAt`
   * @throws SmfFormatError ERR_SMF_INVALID_ARGUMENT, also where the file's TemplateCode is of version 1
   */
  addTemplate(template: TemplateInput): number {
    let index = this.#sections.findIndex((section) => section.type === SectionType.TemplateCode);
    if (index < 0)
      index = this.addSection({ type: SectionType.TemplateCode, name: '.templates', data: emptyTemplateCode() });
    const section = this.#section(index);
    const { offset, size } = this.#templateCode.append(section, index, template);
    this.addSymbol({
      name: template.name,
      type: symbolTypeOf(template.kind),
      flags: SymbolFlags.GENERIC_TEMPLATE,
      value: offset,
      size,
      templateParamCount: template.genericParams.length,
      templateOffset: offset,
      sectionIndex: index,
    });
    return offset;
  }

  /** Sets the META section (`.tmeta`; made at the first call). @returns its index */
  setTemplateMeta(templates: readonly MetaTemplate[]): number {
    const data = encodeTemplateMeta(templates);
    const index = this.#sections.findIndex((s) => s.type === SectionType.TemplateMeta && !isNoteSection(s));
    if (index < 0) return this.addSection({ type: SectionType.TemplateMeta, name: '.tmeta', data });
    this.replaceSection(index, { data });
    return index;
  }

  /**
   * Sets the note (made at the first call), or with undefined removes it. A typed note changes the tables of the text
   * that is there and keeps the rest of it (see `updateNoteSdn`); a text replaces it. The section is written with size 0 and slack
   * after the terminator line, so that tools can rewrite the text in place: a quarter of the text and at least 256 bytes,
   * to a multiple of 512. A note of an existing file keeps its room while the text fits.
   *
   * @param note a typed note, or its text; the `# END_NOTE` line is added where it is missing
   * @throws SdnSyntaxError for text that is not SDN
   */
  setNote(note: NoteSdnMetadata | string | undefined): this {
    const index = this.#sections.findIndex((section) => isNoteSection(section));
    if (note === undefined) return index < 0 ? this : this.removeSection(index);
    const section = noteSection(this.#sections[index], note);
    if (index < 0) this.#sections.push(section);
    else this.#sections[index] = section;
    return this;
  }

  /** The note as it is now, or undefined. */
  get note(): NoteSdnMetadata | undefined {
    const section = this.#sections.find((candidate) => isNoteSection(candidate));
    return section && readNote(section);
  }

  /** What comes before the SMF data: a shebang line, an executable. Undefined strips it. */
  setStub(stub: Uint8Array | undefined): this {
    this.#stub = stub ?? new Uint8Array(0);
    return this;
  }

  /**
   * The algorithm for sections with `compress`. One file has one algorithm: a file with sections that are stored
   * compressed keeps theirs.
   *
   * @throws SmfFormatError ERR_SMF_NO_CODEC, ERR_SMF_INVALID_ARGUMENT
   */
  setCompression(algorithm: 'zstd' | 'lz4', codecs: SmfCodecs, level = 0): this {
    const compression = algorithm === 'zstd' ? Compression.Zstd : Compression.Lz4;
    codecFor(compression, codecs, 'builder');
    const stored = this.#sections.some(
      (section) => !section.compress && (section.flags & SectionFlags.COMPRESSED) !== 0,
    );
    if (stored && this.#compression !== compression) {
      throw invalid('compression', 'sections are stored with another algorithm', 'Replace their data first');
    }
    if (!Number.isInteger(level) || level < 0 || level > 255)
      throw invalid('compression', `level ${level}`, '0 to 255');
    this.#compression = compression;
    this.#compressionLevel = level;
    this.#codecs = codecs;
    return this;
  }

  /**
   * The file. The same content gives the same bytes, always.
   *
   * @throws SmfFormatError ERR_SMF_INVALID_ARGUMENT for a symbol in a section that does not exist or a section both
   * writable and executable, ERR_SMF_NO_CODEC, ERR_SMF_LIMIT
   */
  build(): Uint8Array {
    let sections = this.#sections;
    const firstStrings = sections.findIndex((section) => section.extent === 'strings');
    if (firstStrings < 0) {
      const strings = newSection({ type: SectionType.StrTab, name: '.strtab', alignment: 1 });
      sections = [...sections, { ...strings, extent: 'strings' }];
    }
    this.#checkSymbols(sections.length);
    return emitSmf({
      header: this.#header,
      compression: this.#compression,
      compressionLevel: this.#compressionLevel,
      keptHeader: this.#keptHeader,
      sections: sections.map((section) => (section.compress ? this.#compressed(section) : section)),
      symbols: this.#symbols.all,
      keptStrings: this.#keptStrings,
      keptNames: this.#symbols.keptNames,
      stub: this.#stub,
    });
  }

  #compressed(section: BuilderSection): BuilderSection {
    const codec = codecFor(this.#compression, this.#codecs, `section ${section.name}`);
    const data = codec.compress(section.data, this.#compressionLevel);
    return { ...section, data, flags: section.flags | SectionFlags.COMPRESSED };
  }

  #checkSymbols(sectionCount: number): void {
    for (const symbol of this.#symbols.all) {
      if (symbol.sectionIndex < sectionCount || symbol.original !== undefined || symbol.type === SymbolType.None)
        continue;
      const found = `section ${symbol.sectionIndex} of ${sectionCount}`;
      throw invalid(`symbol ${symbol.name}`, found, 'Add the section, or say the right sectionIndex');
    }
  }

  #section(index: number): BuilderSection {
    const section = this.#sections[index];
    if (section !== undefined) return section;
    throw new SmfFormatError('ERR_SMF_NO_SUCH_SECTION', 'no such section', {
      structure: 'builder',
      expected: `an index below ${this.#sections.length}`,
      found: `${index}`,
    });
  }
}
