// What in a file being built names sections and symbols by their index: `.reloc.N` sections, relocations, symbols. It all
// follows when a section or symbols are removed.
import { SectionFlags, SectionType, SymbolType } from '../definitions.js';
import { readRelocations, relocationTarget } from '../read/relocations.js';
import type { SmfSection } from '../read/sections.js';
import { encodeRelocations } from './encode.js';
import { invalidEdit as invalid } from './invalid.js';
import type { BuilderSection, BuilderSymbol } from './model.js';
import { firstCodeSection } from './section.js';

/** Index of the Reloc section that patches a section, or -1. */
export function relocationSectionOf(sections: readonly BuilderSection[], index: number): number {
  const patchedBy = targetIn(sections);
  return sections.findIndex((section) => patchedBy(section) === index);
}

/**
 * Takes a section and the Reloc sections that patch it away.
 *
 * @param symbols are changed where they lie in later sections
 * @returns the sections that are left
 * @throws SmfFormatError ERR_SMF_INVALID_ARGUMENT while symbols lie in what goes; nothing is changed then
 */
export function withoutSection(
  sections: readonly BuilderSection[],
  symbols: readonly BuilderSymbol[],
  index: number,
): BuilderSection[] {
  const targets = sections.map(targetIn(sections));
  const doomed = (i: number): boolean => i === index || targets[i] === index;
  const symbol = symbols.find((s) => doomed(s.sectionIndex) && s.type !== SymbolType.None);
  if (symbol !== undefined) {
    throw invalid(`section ${index}`, `the symbol ${symbol.name} lies in it`, 'Remove or move its symbols first');
  }
  const moved = indicesWithout(doomed, sections.length);
  sections.forEach((section, i) => {
    const target = targets[i] as number;
    if (target >= 0 && section.name !== '.reloc' && !doomed(i)) section.name = `.reloc.${moved[target]}`;
  });
  for (const s of symbols) s.sectionIndex = moved[s.sectionIndex] ?? s.sectionIndex;
  return sections.filter((_, i) => !doomed(i));
}

/**
 * Makes relocations name what their symbols' indices are without some of them.
 *
 * @throws SmfFormatError ERR_SMF_INVALID_ARGUMENT while a relocation uses one of those; nothing is changed then
 */
export function renumberSymbols(
  sections: readonly BuilderSection[],
  symbols: readonly BuilderSymbol[],
  doomed: ReadonlySet<number>,
): void {
  const moved = indicesWithout((index) => doomed.has(index), symbols.length);
  const edits: [BuilderSection, Uint8Array][] = [];
  for (const section of sections) {
    if (section.type !== SectionType.Reloc || (section.flags & SectionFlags.COMPRESSED) !== 0) continue;
    const info = { index: 0, offset: 0, name: section.name } as SmfSection;
    const relocations = readRelocations(section.data, info).map((relocation) => {
      const symbolIndex = moved[relocation.symbolIndex] ?? relocation.symbolIndex;
      if (symbolIndex < 0) {
        const name = (symbols[relocation.symbolIndex] as BuilderSymbol).name;
        throw invalid(`symbol ${name}`, `a relocation in ${section.name} uses it`, 'Change the relocations first');
      }
      return { ...relocation, symbolIndex };
    });
    edits.push([section, encodeRelocations(relocations)]);
  }
  for (const [section, data] of edits) section.data = data;
}

/** Which section each one patches: -1 for none. */
function targetIn(sections: readonly BuilderSection[]): (section: BuilderSection) => number {
  const firstCode = firstCodeSection(sections);
  return ({ type, name }) => (type === SectionType.Reloc ? relocationTarget(name, sections.length, firstCode) : -1);
}

/** What each index becomes: -1 for those that go. */
function indicesWithout(goes: (index: number) => boolean, count: number): number[] {
  let next = 0;
  return Array.from({ length: count }, (_, index) => (goes(index) ? -1 : next++));
}
