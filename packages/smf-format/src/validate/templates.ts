// TemplateCode and META sections: they decode, to the last byte.
import { SectionType, TemplateKind } from '../definitions.js';
import { sectionLabel } from '../read/sections.js';
import { isNote, type SmfFile } from '../read/smf-file.js';
import { readTemplateMeta } from '../read/template-meta.js';
import { readTemplates } from '../read/templates.js';
import type { DiagnosticSink } from './diagnostics.js';
import type { Readable } from './sections.js';

const KINDS = Object.keys(TemplateKind).length;

export function checkTemplates(file: SmfFile, readable: Readable, sink: DiagnosticSink): void {
  for (const section of file.sections) {
    const data = readable.get(section.index);
    if (data === undefined) continue;
    const label = sectionLabel(section);
    const start = file.dataOffset + section.offset;
    if (section.type === SectionType.TemplateMeta && !isNote(section)) {
      sink.attempt(label, start, () => readTemplateMeta(data, section, file.limits));
    }
    if (section.type !== SectionType.TemplateCode) continue;
    const templates = sink.attempt(label, start, () => readTemplates(data, section, file.limits));
    if (templates === undefined) continue;
    for (const template of templates) {
      if (template.kind < KINDS) continue;
      sink.warn(
        'WARN_UNKNOWN_VALUE',
        `${label} template ${template.name}`,
        `kind ${template.kind}`,
        start + template.offset,
      );
    }
    const last = templates.at(-1);
    const end = last === undefined ? 10 : last.offset + last.entry.length;
    if (end < data.length) {
      sink.warn('WARN_SIZE_MISMATCH', label, `${data.length - end} bytes after the last template`, start + end);
    }
  }
}
