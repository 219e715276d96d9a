// Relocations: what they patch, and which symbol they name.
import { RELOCATION_ENTRY_SIZE, RelocationType, SectionType } from '../definitions.js';
import { readRelocations, relocationTarget } from '../read/relocations.js';
import { sectionLabel } from '../read/sections.js';
import type { SmfFile } from '../read/smf-file.js';
import type { DiagnosticSink } from './diagnostics.js';
import type { Readable } from './sections.js';

const KINDS = Object.keys(RelocationType).length;

export function checkRelocations(file: SmfFile, readable: Readable, sink: DiagnosticSink): void {
  for (const section of file.sections) {
    const data = readable.get(section.index);
    if (section.type !== SectionType.Reloc || data === undefined) continue;
    const start = file.dataOffset + section.offset;
    const label = sectionLabel(section);
    const target = file.sections[relocationTarget(section.name, file.sections.length, file.firstCodeSection)];
    if (target === undefined) {
      const hint = 'The names are .reloc, for the first Code section, and .reloc.N, for section N';
      sink.error('ERR_SMF_BAD_RELOCATION', label, 'its name does not tell which section it patches', start, hint);
    }
    const relocations = sink.attempt(label, start, () => readRelocations(data, section)) ?? [];
    relocations.forEach((relocation, i) => {
      const at = start + i * RELOCATION_ENTRY_SIZE;
      const bad = (message: string): void => sink.error('ERR_SMF_BAD_RELOCATION', `${label} entry ${i}`, message, at);
      if (relocation.type >= KINDS) bad(`type ${relocation.type} is not known`);
      if (relocation.symbolIndex >= file.symbols.length) {
        bad(`symbol ${relocation.symbolIndex} of ${file.symbols.length}`);
      }
      const width = relocation.type === RelocationType.Abs64 ? 8 : relocation.type === RelocationType.None ? 0 : 4;
      if (target !== undefined && relocation.offset + width > target.virtualSize) {
        bad(`offset ${relocation.offset} + ${width} lies outside ${sectionLabel(target)}`);
      }
    });
  }
}
