// SmfBuilder: makes a v1.1 file from nothing, or from an existing file of any layout, of which everything that is not
// edited is kept byte for byte (unknown sections, flags, reserved bytes, slack).
import { decodeUtf8, encodeUtf8 } from '../bytes.js';
import { codecFor, type SmfCodecs } from '../compression/codec.js';
import {
  Compression,
  NOTE_SECTION_NAME,
  NOTE_TERMINATOR,
  SectionFlags,
  SectionType,
  SMF_HEADER_SIZE,
  SYMBOL_ENTRY_SIZE_V11,
  SymbolFlags,
  SymbolType,
} from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import type { NoteSdnMetadata } from '../note-sdn/model.js';
import { noteBody, parseNoteSdn } from '../note-sdn/parse.js';
import { stringifyNoteSdn } from '../note-sdn/print.js';
import { updateNoteSdn } from '../note-sdn/update.js';
import { readRelocations, relocationTarget } from '../read/relocations.js';
import type { SmfSection } from '../read/sections.js';
import type { SmfFile } from '../read/smf-file.js';
import type { MetaTemplate } from '../read/template-meta.js';
import { TEMPLATE_HEADER_SIZE } from '../read/templates.js';
import { emitSmf } from './emit.js';
import { emptyTemplateCode, encodeRelocations, encodeTemplate, encodeTemplateMeta } from './encode.js';
import { invalidEdit as invalid } from './invalid.js';
import type {
  BuilderSection,
  BuilderSymbol,
  RelocationInput,
  SectionInput,
  SmfHeaderInput,
  SymbolInput,
  TemplateInput,
} from './model.js';
import { isNoteSection, keptSection, newSection, noteCapacity } from './section.js';
import { newSymbol, symbolTypeOf } from './symbol.js';

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
  #keptNames = new Map<string, number>();
  #sections: BuilderSection[] = [];
  #symbols: BuilderSymbol[] = [];
  #byName: Map<string, number> | undefined;
  #stub: Uint8Array = new Uint8Array(0);
  #growing: Uint8Array | undefined;

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
    const canonical = file.layout === 'v1.1';
    if (canonical) builder.#keptHeader = file.bytes.subarray(located.headerAt, located.headerAt + SMF_HEADER_SIZE);
    builder.#sections = file.sections.map((section) => keptSection(file, section));
    builder.#symbols = Array.from(file.symbols, (symbol) => {
      const at = located.symbolTableAt + symbol.index * located.symbolEntrySize;
      const original = canonical ? file.bytes.subarray(at, at + SYMBOL_ENTRY_SIZE_V11) : undefined;
      const nameOffset = new DataView(file.bytes.buffer, file.bytes.byteOffset + at, 4).getUint32(0, true);
      return { ...symbol, sectionIndex: Math.max(symbol.sectionIndex, 0), nameOffset, original };
    });
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
    return this.#symbols.length;
  }

  /** Index of the first section of this name (and type), or -1. */
  findSection(name: string, type?: number): number {
    return this.#sections.findIndex(
      (section) => section.name === name && (type === undefined || section.type === type),
    );
  }

  /** Index of the first symbol of this name, or -1. */
  findSymbol(name: string): number {
    this.#byName ??= firstByName(this.#symbols);
    return this.#byName.get(name) ?? -1;
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
    const firstCode = this.#firstCode();
    const targets = this.#sections.map(({ type, name }) => {
      return type === SectionType.Reloc ? relocationTarget(name, this.#sections.length, firstCode) : -1;
    });
    const doomed = (i: number): boolean => i === index || targets[i] === index;
    const symbol = this.#symbols.find((s) => doomed(s.sectionIndex) && s.type !== SymbolType.None);
    if (symbol !== undefined) {
      throw invalid(`section ${index}`, `the symbol ${symbol.name} lies in it`, 'Remove or move its symbols first');
    }
    let next = 0;
    const moved = this.#sections.map((_, i) => (doomed(i) ? -1 : next++));
    this.#sections.forEach((section, i) => {
      const target = targets[i] as number;
      if (target >= 0 && section.name !== '.reloc' && !doomed(i)) section.name = `.reloc.${moved[target]}`;
    });
    this.#sections = this.#sections.filter((_, i) => !doomed(i));
    for (const s of this.#symbols) s.sectionIndex = moved[s.sectionIndex] ?? s.sectionIndex;
    return this;
  }

  /**
   * Adds a symbol at the end.
   *
   * @returns its index
   * @throws SmfFormatError ERR_SMF_INVALID_ARGUMENT for a name with NUL or a number out of range
   */
  addSymbol(input: SymbolInput): number {
    const index = this.#symbols.push(newSymbol(input, this.#firstCode())) - 1;
    if (this.#byName !== undefined && !this.#byName.has(input.name)) this.#byName.set(input.name, index);
    return index;
  }

  /** Changes a symbol; what `changes` do not name stays. @throws SmfFormatError ERR_SMF_NO_SUCH_SYMBOL */
  replaceSymbol(index: number, changes: Partial<SymbolInput>): this {
    const old = this.#symbol(index);
    const renamed = changes.name !== undefined && changes.name !== old.name;
    const next = newSymbol({ ...old, ...changes }, this.#firstCode());
    this.#symbols[index] = {
      ...next,
      nameHash: renamed ? next.nameHash : old.nameHash,
      nameOffset: renamed ? undefined : old.nameOffset,
      original: old.original,
    };
    if (renamed) this.#byName = undefined;
    return this;
  }

  /**
   * Removes symbols. Indices of later ones go down, and relocations follow.
   *
   * @throws SmfFormatError ERR_SMF_NO_SUCH_SYMBOL, or ERR_SMF_INVALID_ARGUMENT while a relocation uses one of them
   */
  removeSymbols(indices: Iterable<number>): this {
    const doomed = new Set(indices);
    for (const index of doomed) this.#symbol(index);
    let next = 0;
    const moved = this.#symbols.map((_, index) => (doomed.has(index) ? -1 : next++));
    const edits: [BuilderSection, Uint8Array][] = [];
    for (const section of this.#sections) {
      if (section.type !== SectionType.Reloc || (section.flags & SectionFlags.COMPRESSED) !== 0) continue;
      const info = { index: 0, offset: 0, name: section.name } as SmfSection;
      const relocations = readRelocations(section.data, info).map((relocation) => {
        const symbolIndex = moved[relocation.symbolIndex] ?? relocation.symbolIndex;
        if (symbolIndex < 0) {
          const name = this.#symbol(relocation.symbolIndex).name;
          throw invalid(`symbol ${name}`, `a relocation in ${section.name} uses it`, 'Change the relocations first');
        }
        return { ...relocation, symbolIndex };
      });
      edits.push([section, encodeRelocations(relocations)]);
    }
    for (const [section, data] of edits) section.data = data;
    for (const index of doomed) {
      const { name, nameOffset } = this.#symbol(index);
      if (nameOffset !== undefined) this.#keptNames.set(name, nameOffset);
    }
    this.#symbols = this.#symbols.filter((_, index) => !doomed.has(index));
    this.#byName = undefined;
    return this;
  }

  /** Gives a section its relocations, in a section `.reloc.N` (made, replaced, or with an empty list removed). */
  setRelocations(sectionIndex: number, relocations: readonly RelocationInput[]): this {
    this.#section(sectionIndex);
    const firstCode = this.#firstCode();
    const existing = this.#sections.findIndex((s) => {
      return (
        s.type === SectionType.Reloc && relocationTarget(s.name, this.#sections.length, firstCode) === sectionIndex
      );
    });
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
    const old = section.data;
    const view = new DataView(old.buffer, old.byteOffset, old.byteLength);
    if (
      (section.flags & SectionFlags.COMPRESSED) !== 0 ||
      old.length < TEMPLATE_HEADER_SIZE ||
      view.getUint16(4, true) !== 2
    ) {
      const hint = 'Only an uncompressed TemplateCode section of version 2 can grow: build the library again';
      throw invalid(`section ${index} (${section.name})`, 'templates cannot be added to it', hint);
    }
    const entry = encodeTemplate(template);
    const offset = old.length;
    section.data = this.#append(old, entry);
    section.virtualSize = section.data.length;
    const count = new DataView(section.data.buffer, section.data.byteOffset + 6, 4);
    count.setUint32(0, count.getUint32(0, true) + 1, true);
    this.addSymbol({
      name: template.name,
      type: symbolTypeOf(template.kind),
      flags: SymbolFlags.GENERIC_TEMPLATE,
      value: offset,
      size: entry.length,
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
    if (typeof note === 'string') parseNoteSdn(note);
    const old = index < 0 ? undefined : this.#section(index);
    const body = noteBody(typeof note === 'string' ? note : typedNoteText(old, note));
    // The terminator begins with the line end of the line before it: a note without any text still needs one.
    const data = encodeUtf8(`${body.replace(/\n$/, '')}${NOTE_TERMINATOR}`);
    const room = old?.noteCapacity ?? 0;
    const capacity = data.length <= room ? room : noteCapacity(data.length);
    const fresh = newSection({ type: SectionType.TemplateMeta, name: NOTE_SECTION_NAME, data, virtualSize: 0 });
    if (old === undefined) this.#sections.push({ ...fresh, noteCapacity: capacity });
    else
      Object.assign(old, { data, noteCapacity: capacity, virtualSize: 0, flags: old.flags & ~SectionFlags.COMPRESSED });
    return this;
  }

  /** The note as it is now, or undefined. */
  get note(): NoteSdnMetadata | undefined {
    const section = this.#sections.find((candidate) => isNoteSection(candidate));
    return section === undefined ? undefined : parseNoteSdn(decodeUtf8(section.data, 0, section.data.length));
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
      symbols: this.#symbols,
      keptStrings: this.#keptStrings,
      keptNames: this.#keptNames,
      stub: this.#stub,
    });
  }

  #compressed(section: BuilderSection): BuilderSection {
    const codec = codecFor(this.#compression, this.#codecs, `section ${section.name}`);
    const data = codec.compress(section.data, this.#compressionLevel);
    return { ...section, data, flags: section.flags | SectionFlags.COMPRESSED };
  }

  #checkSymbols(sectionCount: number): void {
    for (const symbol of this.#symbols) {
      if (symbol.sectionIndex < sectionCount || symbol.original !== undefined || symbol.type === SymbolType.None)
        continue;
      const found = `section ${symbol.sectionIndex} of ${sectionCount}`;
      throw invalid(`symbol ${symbol.name}`, found, 'Add the section, or say the right sectionIndex');
    }
  }

  /** Appends to a buffer of our own that grows by doubling: adding many templates stays linear. */
  #append(old: Uint8Array, more: Uint8Array): Uint8Array {
    const length = old.length + more.length;
    if (this.#growing === undefined || old.buffer !== this.#growing.buffer || length > this.#growing.length) {
      this.#growing = new Uint8Array(Math.max(1024, 2 * length));
      this.#growing.set(old);
    }
    this.#growing.set(more, old.length);
    return this.#growing.subarray(0, length);
  }

  #firstCode(): number {
    return this.#sections.findIndex((section) => section.type === SectionType.Code);
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

  #symbol(index: number): BuilderSymbol {
    const symbol = this.#symbols[index];
    if (symbol !== undefined) return symbol;
    throw new SmfFormatError('ERR_SMF_NO_SUCH_SYMBOL', 'no such symbol', {
      structure: 'builder',
      expected: `an index below ${this.#symbols.length}`,
      found: `${index}`,
    });
  }
}

function typedNoteText(old: BuilderSection | undefined, note: NoteSdnMetadata): string {
  if (old === undefined) return stringifyNoteSdn(note);
  return updateNoteSdn(decodeUtf8(old.data, 0, old.data.length), note);
}

function firstByName(symbols: readonly BuilderSymbol[]): Map<string, number> {
  const byName = new Map<string, number>();
  symbols.forEach((symbol, index) => {
    if (!byName.has(symbol.name)) byName.set(symbol.name, index);
  });
  return byName;
}
