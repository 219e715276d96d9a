// A symbol on its way into a file: defaults, and whether its numbers fit their fields.
import { SYMBOL_ENTRY_SIZE_V11, SymbolBinding, SymbolType, TemplateKind } from '../definitions.js';
import type { SmfFormatError } from '../errors.js';
import { fnv1a32 } from '../hashes.js';
import type { SmfFile } from '../read/smf-file.js';
import type { SmfSymbol } from '../read/symbols.js';
import { invalidEdit as invalid } from './invalid.js';
import { type BuilderSymbol, isUnsigned, type SymbolInput } from './model.js';

/** A symbol as it will be written, checked. `firstCode` is where it lies unless it says so. */
export function newSymbol(input: SymbolInput, firstCode: number): BuilderSymbol {
  const bad = (what: string, hint: string): SmfFormatError => invalid(`symbol ${input.name}`, what, hint);
  if (input.name.includes('\0')) throw bad('a NUL in its name', 'Names are NUL-ended in the file');
  const symbol: BuilderSymbol = {
    name: input.name,
    nameHash: fnv1a32(input.name),
    type: input.type ?? SymbolType.Function,
    binding: input.binding ?? SymbolBinding.Global,
    visibility: input.visibility ?? 0,
    flags: input.flags ?? 0,
    value: input.value ?? 0,
    size: input.size ?? 0,
    typeId: input.typeId ?? 0,
    version: input.version ?? 0,
    templateParamCount: input.templateParamCount ?? 0,
    templateOffset: input.templateOffset ?? 0,
    sectionIndex: input.sectionIndex ?? Math.max(firstCode, 0),
    nameOffset: undefined,
    original: undefined,
  };
  if (!fitsEntry(symbol)) throw bad('a number that its field cannot hold', symbolRange(symbol));
  return symbol;
}

/** A symbol of an existing file, as it is. */
export function keptSymbol(file: SmfFile, symbol: SmfSymbol): BuilderSymbol {
  const { bytes, layout, located } = file;
  const at = located.symbolTableAt + symbol.index * located.symbolEntrySize;
  const original = layout === 'v1.1' ? bytes.subarray(at, at + SYMBOL_ENTRY_SIZE_V11) : undefined;
  const nameOffset = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
  return { ...symbol, sectionIndex: Math.max(symbol.sectionIndex, 0), nameOffset, original };
}

/** The symbol with some of its fields changed, and checked. A name that stays keeps its hash and its place. */
export function changedSymbol(old: BuilderSymbol, changes: Partial<SymbolInput>, firstCode: number): BuilderSymbol {
  const next = newSymbol({ ...old, ...changes }, firstCode);
  const kept = next.name === old.name ? { nameHash: old.nameHash, nameOffset: old.nameOffset } : {};
  return { ...next, ...kept, original: old.original };
}

const BYTE_FIELDS = ['type', 'binding', 'visibility', 'flags', 'templateParamCount'] as const;
const WORD_FIELDS = ['typeId', 'version', 'sectionIndex'] as const;
const LONG_FIELDS = ['value', 'size', 'templateOffset'] as const;

function fitsEntry(s: BuilderSymbol): boolean {
  return (
    isUnsigned(s.type, 0xff) &&
    isUnsigned(s.binding, 0xff) &&
    isUnsigned(s.visibility, 0xff) &&
    isUnsigned(s.flags, 0xff) &&
    isUnsigned(s.templateParamCount, 0xff) &&
    isUnsigned(s.typeId, 0xffffffff) &&
    isUnsigned(s.version, 0xffffffff) &&
    isUnsigned(s.sectionIndex, 0xffffffff) &&
    isUnsigned(s.value, Number.MAX_SAFE_INTEGER) &&
    isUnsigned(s.size, Number.MAX_SAFE_INTEGER) &&
    isUnsigned(s.templateOffset, Number.MAX_SAFE_INTEGER)
  );
}

/** Which field it is, and what it can hold. */
function symbolRange(symbol: BuilderSymbol): string {
  const groups = [
    [BYTE_FIELDS, 0xff],
    [WORD_FIELDS, 0xffffffff],
    [LONG_FIELDS, Number.MAX_SAFE_INTEGER],
  ] as const;
  for (const [fields, greatest] of groups) {
    const field = fields.find((name) => !isUnsigned(symbol[name], greatest));
    if (field !== undefined) return `${field} ${symbol[field]} is not in 0 to ${greatest}`;
  }
  return '';
}

/** What kind of symbol names a template of this kind. */
export function symbolTypeOf(templateKind: number): number {
  if (templateKind === TemplateKind.Function) return SymbolType.Function;
  return templateKind === TemplateKind.Trait ? SymbolType.Trait : SymbolType.Type;
}
