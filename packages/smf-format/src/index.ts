// Table of contents of the SMF format: read, validate, write; SDN, notes, libraries. Codecs have subpaths of their own.
export type { SmfCodec, SmfCodecs } from './compression/codec.js';
export {
  AppType,
  Arch,
  Compression,
  HeaderFlags,
  NOTE_SECTION_NAME,
  NOTE_TERMINATOR,
  Platform,
  RelocationType,
  SectionFlags,
  SectionType,
  SMF_HEADER_SIZE,
  type SmfLayout,
  SymbolBinding,
  SymbolFlags,
  SymbolType,
  sectionTypeName,
  symbolTypeName,
  TemplateKind,
  templateKindName,
} from './definitions.js';
export {
  type LayoutAttempt,
  SdnSyntaxError,
  type SmfErrorCode,
  type SmfErrorDetails,
  SmfFormatError,
} from './errors.js';
export { fnv1a32, fnv1a64 } from './hashes.js';
export { DEFAULT_LIMITS, type SmfLimits } from './limits.js';
export { LsmfBuilder } from './lsmf/builder.js';
export { type LsmfFile, type LsmfModule, type ParseLsmfOptions, parseLsmf } from './lsmf/library.js';
export { detectCycles, type NoteCycle } from './note-sdn/cycles.js';
export {
  emptyNote,
  type NoteBuild,
  type NoteCircularError,
  type NoteCircularWarning,
  type NoteDependency,
  type NoteInstantiation,
  type NotePossible,
  type NoteSdnMetadata,
  type NoteTypeInference,
} from './note-sdn/model.js';
export { parseNoteSdn } from './note-sdn/parse.js';
export { type StringifyNoteOptions, stringifyNoteSdn } from './note-sdn/print.js';
export { type NoteRewrite, rewriteNote, type SmfPatch } from './note-sdn/rewrite.js';
export { updateNoteSdn } from './note-sdn/update.js';
export { parseSmfHeader, type SmfHeader } from './read/header.js';
export type { ByteSource } from './read/input.js';
export type { SmfRelocation } from './read/relocations.js';
export type { SmfSection } from './read/sections.js';
export { type ParseSmfOptions, parseSmf, type SmfFile } from './read/smf-file.js';
export type { SmfSymbol, SmfSymbolTable } from './read/symbols.js';
export type { MetaSpecialisation, MetaTemplate, SmfTemplateMeta } from './read/template-meta.js';
export type { GenericParam, SmfTemplate } from './read/templates.js';
export { SdnDocument, type SdnPath } from './sdn/document.js';
export { type ParseSdnOptions, parseSdn } from './sdn/parse.js';
export { stringifySdn } from './sdn/print.js';
export { type SdnDict, SdnTable, type SdnValue } from './sdn/value.js';
export type { Diagnostic, DiagnosticCode } from './validate/diagnostics.js';
export { type ValidateOptions, validateSmf } from './validate/validate.js';
export { type BuilderSectionInfo, SmfBuilder } from './write/builder.js';
export type { RelocationInput, SectionInput, SmfHeaderInput, SymbolInput, TemplateInput } from './write/model.js';
