// validateSmf: everything that is wrong with a file, not just the first thing that makes reading unsafe.
import type { SmfCodecs } from '../compression/codec.js';
import { SmfFormatError } from '../errors.js';
import { type SmfLimits, withLimits } from '../limits.js';
import { type ByteSource, Input } from '../read/input.js';
import { locate } from '../read/layout.js';
import { SmfFile } from '../read/smf-file.js';
import { type Diagnostic, DiagnosticSink } from './diagnostics.js';
import { checkHeader } from './header.js';
import { checkNote } from './note.js';
import { checkRelocations } from './relocations.js';
import { checkSectionEntries } from './sections.js';
import { checkSymbols } from './symbols.js';
import { checkTemplates } from './templates.js';

export interface ValidateOptions {
  readonly limits?: Partial<SmfLimits>;
  /** Without them, compressed sections are not looked into (WARN_NOT_CHECKED). */
  readonly codecs?: SmfCodecs;
  /** How many problems to list. Default 1,000. */
  readonly maxDiagnostics?: number;
}

/**
 * Finds all problems of a file, in the order header, sections, symbols, relocations, templates, note. An empty list means
 * that every check of the specification's section 6 passed. Never throws for anything in the bytes (what a byte source throws comes through).
 *
 * @example
 * for (const d of validateSmf(bytes)) console.log(d.severity, d.code, d.offset, d.structure, d.message)
 */
export function validateSmf(input: Uint8Array | ByteSource, options: ValidateOptions = {}): Diagnostic[] {
  const sink = new DiagnosticSink(options.maxDiagnostics ?? 1000);
  const limits = withLimits(options.limits);
  try {
    const from = new Input(input);
    const located = locate(from, limits, (problem) => sink.fromError(problem));
    const file = new SmfFile(from, located, limits, options);
    checkHeader(file, sink);
    const readable = checkSectionEntries(file, options.codecs, sink);
    checkSymbols(file, readable, sink);
    checkRelocations(file, readable, sink);
    checkTemplates(file, readable, sink);
    checkNote(file, readable, sink);
  } catch (error) {
    if (!(error instanceof SmfFormatError)) throw error;
    sink.fromError(error);
  }
  return sink.finish();
}
