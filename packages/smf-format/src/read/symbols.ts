// The symbol table, decoded one symbol at a time. Looking up a name compares stored hashes first: an index over them is
// built once, at the first look-up, and no name is decoded to build it.
import { decodeUtf8, encodeUtf8, u32, u64 } from '../bytes.js';
import {
  SectionType,
  SYMBOL_ENTRY,
  SYMBOL_ENTRY_SIZE_PLAIN,
  SYMBOL_ENTRY_SIZE_V11,
  SymbolBinding,
  SymbolFlags,
  SymbolType,
  symbolTypeName,
} from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import { fnv1a32Range } from '../hashes.js';
import { NAME_BUDGET_BASE, NAME_BUDGET_FACTOR, type SmfLimits } from '../limits.js';
import type { Excerpt, Input } from './input.js';
import type { Located } from './layout.js';

/** One symbol, decoded: a plain object that stays valid after the input is gone. */
export interface SmfSymbol {
  readonly index: number;
  readonly name: string;
  /** FNV-1a 32 of the name, as stored. */
  readonly nameHash: number;
  /** See `SymbolType`. */
  readonly type: number;
  readonly typeName: string;
  /** See `SymbolBinding`. */
  readonly binding: number;
  readonly visibility: number;
  /** See `SymbolFlags`. */
  readonly flags: number;
  /** GENERIC_TEMPLATE: the symbol names a template at `templateOffset` of the TemplateCode section. */
  readonly isTemplate: boolean;
  /** SPECIALIZED: the symbol is code made from a template. */
  readonly isSpecialised: boolean;
  /** Offset in the symbol's section, in bytes. Above 2^53 - 1 rounded (no section is so large). */
  readonly value: number;
  /** Bytes; real compilers write 0 for "unknown". */
  readonly size: number;
  readonly typeId: number;
  readonly version: number;
  readonly templateParamCount: number;
  /** Where the template's entry begins in the TemplateCode section; 0 for none. */
  readonly templateOffset: number;
  /** Index in the section table. In the C-aligned layouts, which do not store it, the first Code section (-1: none). */
  readonly sectionIndex: number;
}

type Table = Pick<Located, 'symbolTableAt' | 'symbolEntrySize' | 'stringsAt' | 'stringsEnd'>;

/**
 * The symbols of a file: `length`, `at(i)`, iteration and look-up by name. Nothing is decoded until asked for.
 *
 * @example
 * for (const symbol of smf.symbols) console.log(symbol.name)
 */
export class SmfSymbolTable implements Iterable<SmfSymbol> {
  readonly length: number;
  readonly #input: Input;
  readonly #table: Table;
  readonly #entries: Excerpt;
  readonly #names: Excerpt;
  readonly #firstCode: number;
  readonly #maxNameLength: number;
  #index: HashIndex | undefined;

  /** @internal */
  constructor(input: Input, located: Located, limits: SmfLimits) {
    this.length = located.header.symbolCount;
    this.#input = input;
    this.#table = located;
    const { symbolTableAt, symbolEntrySize, stringsAt, stringsEnd } = located;
    this.#entries = input.excerpt(symbolTableAt, symbolTableAt + this.length * symbolEntrySize);
    this.#names = input.excerpt(stringsAt, stringsEnd);
    this.#firstCode = located.sections.findIndex((section) => section.type === SectionType.Code);
    this.#maxNameLength = limits.maxNameLength;
  }

  /**
   * Decodes symbol `index`.
   *
   * @returns undefined where there is no such index
   * @throws SmfFormatError ERR_SMF_STRING_OUT_OF_BOUNDS when its name lies outside the string table or is not ended by
   * NUL, ERR_SMF_LIMIT when its name is longer than `limits.maxNameLength`
   */
  at(index: number): SmfSymbol | undefined {
    if (this.#input.closed) throw closedFile();
    if (!Number.isInteger(index) || index < 0 || index >= this.length) return undefined;
    if (this.#input.inMemory) return this.#decode(index);
    return this.#input.checked(() => this.#decode(index));
  }

  #decode(index: number): SmfSymbol {
    const entries = this.#entries;
    const at = entries.seek(this.#entryAt(index), this.#table.symbolEntrySize);
    const { view } = entries;
    const flags = view.getUint8(at + SYMBOL_ENTRY.flags);
    const type = view.getUint8(at + SYMBOL_ENTRY.type);
    const withTemplates = this.#table.symbolEntrySize !== SYMBOL_ENTRY_SIZE_PLAIN;
    return {
      index,
      name: this.#name(u32(view, at + SYMBOL_ENTRY.nameOffset), index),
      nameHash: u32(view, at + SYMBOL_ENTRY.nameHash),
      type,
      typeName: symbolTypeName(type),
      binding: view.getUint8(at + SYMBOL_ENTRY.binding),
      visibility: view.getUint8(at + SYMBOL_ENTRY.visibility),
      flags,
      isTemplate: (flags & SymbolFlags.GENERIC_TEMPLATE) !== 0,
      isSpecialised: (flags & SymbolFlags.SPECIALIZED) !== 0,
      value: u64(view, at + SYMBOL_ENTRY.value),
      size: u64(view, at + SYMBOL_ENTRY.size),
      typeId: u32(view, at + SYMBOL_ENTRY.typeId),
      version: u32(view, at + SYMBOL_ENTRY.version),
      templateParamCount: withTemplates ? view.getUint8(at + SYMBOL_ENTRY.templateParamCount) : 0,
      templateOffset: withTemplates ? u64(view, at + SYMBOL_ENTRY.templateOffset) : 0,
      sectionIndex:
        this.#table.symbolEntrySize === SYMBOL_ENTRY_SIZE_V11
          ? u32(view, at + SYMBOL_ENTRY.sectionIndex)
          : this.#firstCode,
    };
  }

  /** All symbols in order. @throws SmfFormatError those of `at`, ERR_SMF_LIMIT where names overlap beyond measure */
  *[Symbol.iterator](): IterableIterator<SmfSymbol> {
    let left = this.nameBudget;
    for (let i = 0; i < this.length; i++) {
      const symbol = this.at(i) as SmfSymbol;
      left -= symbol.name.length;
      if (left < 0) throw this.overlappingNames(i);
      yield symbol;
    }
  }

  /** @internal What all names together may come to: shared tails are fine, a file that unfolds to gigabytes is not. */
  get nameBudget(): number {
    return NAME_BUDGET_FACTOR * (this.#table.stringsEnd - this.#table.stringsAt) + NAME_BUDGET_BASE;
  }

  /** @internal */
  overlappingNames(index: number): SmfFormatError {
    return new SmfFormatError(
      'ERR_SMF_LIMIT',
      'the names overlap so much that they come to many times the string table',
      {
        structure: `symbol ${index}`,
        offset: this.#entryAt(index),
        expected: `at most ${this.nameBudget} characters in all`,
        hint: 'The file is made to exhaust memory; at(i) still reads single symbols',
      },
    );
  }

  /**
   * The symbol of this name: constant time, after an index that is built once. Among several of one name one that is
   * defined comes before one that is only referred to (type none), a global one before a weak one, a weak one before a
   * local one.
   */
  find(name: string): SmfSymbol | undefined {
    const index = this.indexOf(name);
    return index < 0 ? undefined : this.at(index);
  }

  /** The index of the symbol that `find` gives, or -1. */
  indexOf(name: string): number {
    if (this.#input.closed) throw closedFile();
    const wanted = encodeUtf8(name);
    const hash = fnv1a32Range(wanted, 0, wanted.length);
    return this.#input.inMemory ? this.#search(wanted, hash) : this.#input.checked(() => this.#search(wanted, hash));
  }

  #search(wanted: Uint8Array, hash: number): number {
    const entries = this.#entries;
    this.#index ??= new HashIndex(entries, this.#table, this.length);
    let best = -1;
    let bestRank = -1;
    for (let i = this.#index.first(hash); i >= 0; i = this.#index.next(i)) {
      const at = entries.seek(this.#entryAt(i), this.#table.symbolEntrySize);
      const { view } = entries;
      if (u32(view, at + SYMBOL_ENTRY.nameHash) !== hash) continue;
      if (!this.#hasName(u32(view, at + SYMBOL_ENTRY.nameOffset), wanted)) continue;
      const rank = rankOf(view.getUint8(at + SYMBOL_ENTRY.type), view.getUint8(at + SYMBOL_ENTRY.binding));
      if (rank > bestRank) {
        best = i;
        bestRank = rank;
      }
    }
    return best;
  }

  #entryAt(index: number): number {
    return this.#table.symbolTableAt + index * this.#table.symbolEntrySize;
  }

  #hasName(nameOffset: number, wanted: Uint8Array): boolean {
    const start = this.#table.stringsAt + nameOffset;
    if (start + wanted.length >= this.#table.stringsEnd) return false;
    const names = this.#names;
    const at = names.seek(start, wanted.length + 1);
    const { bytes } = names;
    if (bytes[at + wanted.length] !== 0) return false;
    for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
    return true;
  }

  #name(nameOffset: number, index: number): string {
    const start = this.#table.stringsAt + nameOffset;
    const limit = Math.min(this.#table.stringsEnd, start + this.#maxNameLength + 1);
    if (start < limit) {
      const names = this.#names;
      const at = names.seek(start, limit - start);
      const { bytes } = names;
      const last = at + limit - start;
      for (let end = at; end < last; end++) if (bytes[end] === 0) return decodeUtf8(bytes, at, end);
    }
    const tooLong = limit < this.#table.stringsEnd;
    throw new SmfFormatError(
      tooLong ? 'ERR_SMF_LIMIT' : 'ERR_SMF_STRING_OUT_OF_BOUNDS',
      tooLong ? 'the name is longer than allowed' : 'the name does not lie in the string table',
      {
        structure: `symbol ${index}`,
        offset: this.#entryAt(index) + SYMBOL_ENTRY.nameOffset,
        expected: tooLong
          ? `at most ${this.#maxNameLength} bytes`
          : `a NUL-ended name below offset ${this.#table.stringsEnd - this.#table.stringsAt}`,
        found: `offset ${nameOffset}`,
        hint: tooLong ? 'Raise the limit maxNameLength if you trust the file' : 'The file is damaged',
      },
    );
  }
}

/** The input was emptied under us: a mapping that was closed leaves views of length 0. */
export const closedFile = (): SmfFormatError =>
  new SmfFormatError('ERR_SMF_CLOSED', 'the bytes of this file are gone', {
    structure: 'file',
    hint: 'The mapping or buffer that it was opened on was closed: open it again',
  });

function rankOf(type: number, binding: number): number {
  const defined = type === SymbolType.None ? 0 : 3;
  if (binding === SymbolBinding.Global) return defined + 2;
  return binding === SymbolBinding.Weak ? defined + 1 : defined;
}

/** Chains of symbols with like hashes, in table order, as two flat arrays. */
class HashIndex {
  readonly #heads: Int32Array;
  readonly #next: Int32Array;
  readonly #mask: number;

  constructor(entries: Excerpt, table: Table, count: number) {
    const size = 2 ** Math.max(3, Math.ceil(Math.log2(count + 1)));
    this.#mask = size - 1;
    this.#heads = new Int32Array(size).fill(-1);
    this.#next = new Int32Array(count);
    const { symbolTableAt, symbolEntrySize } = table;
    // Backwards, so that each chain comes out in table order; at one go as many entries as the excerpt shows.
    for (let i = count - 1; i >= 0; ) {
      let at = entries.seek(symbolTableAt + i * symbolEntrySize, symbolEntrySize);
      const { view } = entries;
      const end = Math.max(0, at - i * symbolEntrySize);
      for (; at >= end; at -= symbolEntrySize) {
        const slot = u32(view, at + SYMBOL_ENTRY.nameHash) & this.#mask;
        this.#next[i] = this.#heads[slot] as number;
        this.#heads[slot] = i--;
      }
    }
  }

  first(hash: number): number {
    return this.#heads[hash & this.#mask] as number;
  }

  next(index: number): number {
    return this.#next[index] as number;
  }
}
