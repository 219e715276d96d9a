// What a note.sdn section says: which instantiations exist, which are possible, and how they depend on each other.

/** An instantiation that was compiled, or put off. Files and places are as the compiler wrote them. */
export interface NoteInstantiation {
  readonly template: string;
  /** Comma separated, as in the text: `i64`, `Int,text`. */
  readonly typeArgs: string;
  readonly mangledName: string;
  readonly fromFile: string;
  readonly fromLoc: string;
  /** Older files call this column `to_obj`. */
  readonly outputFile: string;
  /** `compiled`, `deferred` or `jit_compiled`; others are kept. */
  readonly status: string;
}

/** An instantiation that can be made on demand. */
export interface NotePossible {
  readonly template: string;
  readonly typeArgs: string;
  readonly mangledName: string;
  readonly requiredBy: string;
  readonly canDefer: boolean;
}

export interface NoteTypeInference {
  readonly inferredType: string;
  readonly expr: string;
  /** Older files call this column `context`. */
  readonly ctx: string;
  readonly fromFile: string;
  readonly fromLoc: string;
}

export interface NoteDependency {
  readonly fromInst: string;
  readonly toInst: string;
  /** `type_param`, `field_type`, `inner_type` (an indirection) or `method_dep`. */
  readonly depKind: string;
}

export interface NoteCircularWarning {
  /** `A->B->A` */
  readonly cyclePath: string;
  readonly severity: string;
}

export interface NoteCircularError {
  readonly cyclePath: string;
  /** E0420 type cycle, E0421 inference cycle. */
  readonly errorCode: string;
}

export interface NoteBuild {
  readonly target: string;
  readonly cpu: string;
  readonly optimization: string;
  readonly features: readonly string[];
  readonly linkerFlags: readonly string[];
  readonly compilerVersion: string;
  readonly buildTimestamp: string;
}

/** A note, typed. What we do not know is kept as text and written again. */
export interface NoteSdnMetadata {
  readonly instantiations: readonly NoteInstantiation[];
  readonly possible: readonly NotePossible[];
  readonly typeInferences: readonly NoteTypeInference[];
  readonly dependencies: readonly NoteDependency[];
  readonly circularWarnings: readonly NoteCircularWarning[];
  readonly circularErrors: readonly NoteCircularError[];
  readonly build?: NoteBuild;
  /** The comment lines before the first table, as they stand. */
  readonly leadingComments?: string;
  /** Tables and blocks that we do not know, each as its source text. */
  readonly unknown?: readonly string[];
}

/** A note that says nothing, to start from. */
export function emptyNote(): NoteSdnMetadata {
  return {
    instantiations: [],
    possible: [],
    typeInferences: [],
    dependencies: [],
    circularWarnings: [],
    circularErrors: [],
  };
}

/** One column: the field, its name in what we write, and what older files call it. */
export type Column<Row> = readonly [field: keyof Row & string, name: string, older?: string];

/** The tables in the order in which they are written. */
export const NOTE_TABLES = {
  instantiations: [
    ['template', 'template'],
    ['typeArgs', 'type_args'],
    ['mangledName', 'mangled_name'],
    ['fromFile', 'from_file'],
    ['fromLoc', 'from_loc'],
    ['outputFile', 'output_file', 'to_obj'],
    ['status', 'status'],
  ] satisfies Column<NoteInstantiation>[],
  possible: [
    ['template', 'template'],
    ['typeArgs', 'type_args'],
    ['mangledName', 'mangled_name'],
    ['requiredBy', 'required_by'],
    ['canDefer', 'can_defer'],
  ] satisfies Column<NotePossible>[],
  typeInferences: [
    ['inferredType', 'inferred_type'],
    ['expr', 'expr'],
    ['ctx', 'ctx', 'context'],
    ['fromFile', 'from_file'],
    ['fromLoc', 'from_loc'],
  ] satisfies Column<NoteTypeInference>[],
  dependencies: [
    ['fromInst', 'from_inst'],
    ['toInst', 'to_inst'],
    ['depKind', 'dep_kind'],
  ] satisfies Column<NoteDependency>[],
  circularWarnings: [
    ['cyclePath', 'cycle_path'],
    ['severity', 'severity'],
  ] satisfies Column<NoteCircularWarning>[],
  circularErrors: [
    ['cyclePath', 'cycle_path'],
    ['errorCode', 'error_code'],
  ] satisfies Column<NoteCircularError>[],
} as const;

export type NoteTableField = keyof typeof NOTE_TABLES;

/** The tables' names in the text. */
export const NOTE_TABLE_NAMES: Readonly<Record<NoteTableField, string>> = {
  instantiations: 'instantiations',
  possible: 'possible',
  typeInferences: 'type_inferences',
  dependencies: 'dependencies',
  circularWarnings: 'circular_warnings',
  circularErrors: 'circular_errors',
};

/** The `build:` block: scalars, then lists. */
export const BUILD_FIELDS = [
  ['target', 'target'],
  ['cpu', 'cpu'],
  ['optimization', 'optimization'],
  ['compilerVersion', 'compiler_version'],
  ['buildTimestamp', 'build_timestamp'],
] as const satisfies readonly Column<NoteBuild>[];
export const BUILD_LISTS = [
  ['features', 'features'],
  ['linkerFlags', 'linker_flags'],
] as const satisfies readonly Column<NoteBuild>[];
