// The note: it ends, it is SDN, its names are unique, its dependencies have no cycle that is not an indirection.
import { detectCycles } from '../note-sdn/cycles.js';
import { sectionLabel } from '../read/sections.js';
import type { SmfFile } from '../read/smf-file.js';
import type { DiagnosticSink } from './diagnostics.js';
import type { Readable } from './sections.js';

const STATUSES = new Set(['compiled', 'deferred', 'jit_compiled']);

export function checkNote(file: SmfFile, readable: Readable, sink: DiagnosticSink): void {
  const section = file.noteSection;
  if (section === undefined || !readable.has(section.index)) return;
  const label = sectionLabel(section);
  const start = file.dataOffset + section.offset;
  const note = sink.attempt(label, start, () => file.noteSdn());
  if (note === undefined) return;
  for (const row of note.instantiations) {
    if (STATUSES.has(row.status)) continue;
    sink.warn('WARN_UNKNOWN_VALUE', label, `status "${row.status}" of ${row.mangledName}`, start);
  }
  for (const table of ['instantiations', 'possible'] as const) {
    const names = new Set<string>();
    for (const { mangledName } of note[table]) {
      if (mangledName === '') sink.warn('WARN_UNKNOWN_VALUE', label, `a row of ${table} without mangled_name`, start);
      else if (names.has(mangledName))
        sink.warn('WARN_DUPLICATE_NAME', label, `${mangledName} twice in ${table}`, start);
      names.add(mangledName);
    }
  }
  for (const { cyclePath, severity } of detectCycles(note)) {
    if (severity === 'warning') sink.warn('WARN_CIRCULAR_DEPENDENCY', label, cyclePath, start);
    else
      sink.error(
        'ERR_CIRCULAR_DEPENDENCY',
        label,
        `E0420: ${cyclePath}`,
        start,
        'A type contains itself by value: use an indirection',
      );
  }
}
