// Every symbol: its name and hash, its place, its template.

import { encodeUtf8 } from '../bytes.js';
import { SectionType, SYMBOL_ENTRY, SymbolBinding, SymbolType } from '../definitions.js';
import { fnv1a32Range } from '../hashes.js';
import type { SmfFile } from '../read/smf-file.js';
import type { SmfSymbol } from '../read/symbols.js';
import type { DiagnosticSink } from './diagnostics.js';
import type { Readable } from './sections.js';

export function checkSymbols(file: SmfFile, readable: Readable, sink: DiagnosticSink): void {
  const { located, header } = file;
  const globals = new Set<string>();
  let exported = 0;
  let left = file.symbols.nameBudget;
  const hasTemplates = file.sections.some((s) => s.type === SectionType.TemplateCode && readable.has(s.index));
  for (let index = 0; index < header.symbolCount; index++) {
    const at = located.symbolTableAt + index * located.symbolEntrySize;
    const symbol = sink.attempt(`symbol ${index}`, at, () => file.symbols.at(index));
    if (symbol === undefined) continue;
    left -= symbol.name.length;
    if (left < 0) {
      sink.fromError(file.symbols.overlappingNames(index));
      return;
    }
    if (symbol.binding === SymbolBinding.Global || symbol.binding === SymbolBinding.Weak) exported++;
    checkSymbol(file, symbol, at, hasTemplates, sink);
    if (symbol.binding !== SymbolBinding.Global) continue;
    if (globals.has(symbol.name)) {
      sink.warn(
        'WARN_DUPLICATE_NAME',
        label(symbol),
        'another global symbol has this name',
        at,
        'Look-ups find the first',
      );
    }
    globals.add(symbol.name);
  }
  if (exported !== header.exportedCount) {
    const message = `exported_count ${header.exportedCount}, and ${exported} symbols are global or weak`;
    sink.warn('WARN_COUNT_MISMATCH', 'header', message, located.headerAt + located.shape.header.exportedCount);
  }
}

const label = (symbol: SmfSymbol): string => `symbol ${symbol.index} (${symbol.name})`;

function checkSymbol(file: SmfFile, symbol: SmfSymbol, at: number, hasTemplates: boolean, sink: DiagnosticSink): void {
  const encoded = encodeUtf8(symbol.name);
  const hash = fnv1a32Range(encoded, 0, encoded.length);
  if (hash !== symbol.nameHash) {
    const message = `name_hash 0x${symbol.nameHash.toString(16)} is not 0x${hash.toString(16)}`;
    sink.error('ERR_SMF_BAD_SYMBOL', label(symbol), message, at + SYMBOL_ENTRY.nameHash, 'It cannot be found by name');
  }
  if (symbol.typeName.startsWith('unknown')) {
    sink.warn('WARN_UNKNOWN_VALUE', label(symbol), `type ${symbol.type} is not known`, at + SYMBOL_ENTRY.type);
  }
  if (symbol.binding > SymbolBinding.Weak) {
    sink.warn('WARN_UNKNOWN_VALUE', label(symbol), `binding ${symbol.binding} is not known`, at + SYMBOL_ENTRY.binding);
  }
  if (symbol.isTemplate) {
    const found = hasTemplates
      ? sink.attempt(label(symbol), at, () => file.templateAt(symbol.templateOffset))
      : undefined;
    if (found === undefined && hasTemplates) {
      const message = `no template begins at ${symbol.templateOffset}`;
      sink.error('ERR_SMF_BAD_TEMPLATE', label(symbol), message, at + SYMBOL_ENTRY.templateOffset);
    }
    return;
  }
  if (symbol.type === SymbolType.None) return; // undefined: resolved elsewhere
  const section = file.sections[symbol.sectionIndex];
  if (section === undefined) {
    const message = `section ${symbol.sectionIndex} of ${file.sections.length}`;
    sink.error('ERR_SMF_BAD_SYMBOL', label(symbol), message, at + SYMBOL_ENTRY.sectionIndex);
  } else if (symbol.value + symbol.size > Math.max(section.virtualSize, section.size)) {
    const message = `value ${symbol.value} + size ${symbol.size} lies outside section ${section.index} (${section.name})`;
    sink.error('ERR_SMF_BAD_SYMBOL', label(symbol), message, at + SYMBOL_ENTRY.value);
  }
}
