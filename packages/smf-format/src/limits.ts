// All limits in one place. They bound what a hostile file can make us do; every one can be changed by an option.

/** Limits on what a reader accepts. All are inclusive; sizes are in bytes. */
export interface SmfLimits {
  /** Sections of one file. */
  readonly maxSections: number;
  /** Symbols of one file. */
  readonly maxSymbols: number;
  /** Bytes of one name in the string table. Also bounds the work that overlapping names can cause. */
  readonly maxNameLength: number;
  /** Bytes that the compressed sections of one file may unpack to. A larger claim is refused before anything is allocated. */
  readonly maxUncompressedSize: number;
  /** How many times its stored size a compressed section may claim to unpack to. */
  readonly maxCompressionRatio: number;
  /** Templates of one TemplateCode or TemplateMeta section. */
  readonly maxTemplates: number;
  /** Bytes of SDN text, in a note or given to `parseSdn`. */
  readonly maxSdnLength: number;
  /** Nesting of SDN blocks, arrays and dictionaries. */
  readonly maxSdnDepth: number;
  /** Modules of one library. */
  readonly maxModules: number;
}

/** What is used where no option says otherwise. */
export const DEFAULT_LIMITS: SmfLimits = Object.freeze({
  maxSections: 65_536,
  maxSymbols: 16_777_216,
  maxNameLength: 8192,
  maxUncompressedSize: 1 << 30,
  maxCompressionRatio: 4096,
  maxTemplates: 1_048_576,
  maxSdnLength: 256 << 20,
  maxSdnDepth: 64,
  maxModules: 1_048_576,
});

/** The default limits with some of them changed. */
export function withLimits(changes: Partial<SmfLimits> | undefined): SmfLimits {
  return changes === undefined ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, ...changes };
}

/** How many names are hashed to tell a file's layout; the validator checks them all. */
export const HASH_SAMPLE = 64;
/** All names together may come to this many times the string table, and a little: shared tails are fine, bombs are not. */
export const NAME_BUDGET_FACTOR = 16;
export const NAME_BUDGET_BASE = 1 << 20;
/** Larger alignments are for memory; honouring them in the file would let an entry of 64 bytes ask for gigabytes. */
export const LARGEST_FILE_ALIGNMENT = 65_536;
/** How long a string table may be for the entry of it to be looked for in front of it, in a file behind a foreign stub. */
export const LONGEST_SEARCHED_STRINGS = 1 << 30;
/** What one string of V8 holds, in UTF-16 units. */
export const LONGEST_STRING = 2 ** 29 - 24;
/** What one Uint8Array holds everywhere. */
export const LARGEST_FILE = 2 ** 32 - 1;
/** Whoever asks for cycles wants to see some, not to be drowned: enough for any real module. */
export const MOST_CYCLES = 1000;
/** All listed cycles together: long ones count for more. */
export const MOST_CYCLE_STEPS = 1_000_000;
