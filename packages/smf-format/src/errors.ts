// The two errors of this package. Whatever a file holds, reading it ends in a result or in one of these.

/** What is wrong, as a stable code. The README lists each with its cause and remedy. */
export type SmfErrorCode =
  | 'ERR_SMF_EMPTY'
  | 'ERR_SMF_TOO_SHORT'
  | 'ERR_SMF_BAD_MAGIC'
  | 'ERR_SMF_UNSUPPORTED_VERSION'
  | 'ERR_SMF_BAD_HEADER'
  | 'ERR_SMF_TABLE_OUT_OF_BOUNDS'
  | 'ERR_SMF_SECTION_OUT_OF_BOUNDS'
  | 'ERR_SMF_SECTION_OVERLAP'
  | 'ERR_SMF_BAD_ALIGNMENT'
  | 'ERR_SMF_WRITABLE_CODE'
  | 'ERR_SMF_STRING_OUT_OF_BOUNDS'
  | 'ERR_SMF_BAD_SYMBOL'
  | 'ERR_SMF_BAD_RELOCATION'
  | 'ERR_SMF_BAD_TEMPLATE'
  | 'ERR_SMF_BAD_NOTE'
  | 'ERR_SMF_HASH_MISMATCH'
  | 'ERR_SMF_NO_CODEC'
  | 'ERR_SMF_BAD_COMPRESSION'
  | 'ERR_SMF_LIMIT'
  | 'ERR_SMF_CLOSED'
  | 'ERR_SMF_NO_SUCH_SECTION'
  | 'ERR_SMF_NO_SUCH_SYMBOL'
  | 'ERR_SMF_NO_SUCH_MODULE'
  | 'ERR_SMF_INVALID_ARGUMENT';

/** One layout that was tried and did not fit. */
export interface LayoutAttempt {
  readonly layout: string;
  readonly code: SmfErrorCode;
  readonly reason: string;
  /** Where in the input, in bytes. */
  readonly offset: number;
}

export interface SmfErrorDetails {
  /** Which structure is wrong: `header`, `section table`, `section 3 (.text)`, `symbol 17`, … */
  readonly structure: string;
  /** Where in the input, in bytes from its start. */
  readonly offset?: number | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** What to do next. */
  readonly hint?: string | undefined;
  readonly tried?: readonly LayoutAttempt[] | undefined;
  readonly cause?: unknown;
}

/**
 * Bytes that are not a well-formed SMF file or library, a limit passed, or an edit that would make a file ill-formed.
 *
 * @example
 * try { parseSmf(bytes) } catch (e) { if (e instanceof SmfFormatError) console.error(e.code, e.offset, e.hint) }
 */
export class SmfFormatError extends Error {
  #path: string | undefined;
  override readonly name = 'SmfFormatError';
  readonly code: SmfErrorCode;
  /** Bytes from the start of the input; 0 where no place can be named. */
  readonly offset: number;
  readonly structure: string;
  /** What is wrong, without place, expectation and hint (which `message` holds too). */
  readonly reason: string;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly hint: string | undefined;
  /** For a file that fits no layout: what was tried, in order, and why each failed. */
  readonly tried: readonly LayoutAttempt[];

  constructor(code: SmfErrorCode, message: string, details: SmfErrorDetails) {
    super(fullMessage(message, details), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.offset = details.offset ?? 0;
    this.structure = details.structure;
    this.reason = message;
    this.expected = details.expected;
    this.found = details.found;
    this.hint = details.hint;
    this.tried = details.tried ?? [];
  }

  /** The file that the bytes came from, where the reader of the file named it with `inFile`. */
  get path(): string | undefined {
    return this.#path;
  }

  /** Names the file, here and in the message; this package sees bytes only. Returns this error, to be thrown on. */
  inFile(path: string): this {
    if (this.#path === undefined) this.message = `${path}: ${this.message}`;
    this.#path = path;
    return this;
  }
}

function fullMessage(message: string, details: SmfErrorDetails): string {
  let text = `${details.structure}: ${message}`;
  if (details.expected !== undefined) text += `; expected ${details.expected}`;
  if (details.found !== undefined) text += `, found ${details.found}`;
  if (details.offset !== undefined) text += ` (at byte ${details.offset})`;
  if (details.hint !== undefined) text += `. ${details.hint}`;
  return text;
}

/** SDN text that is not well formed. `line` and `column` count from 1; columns are UTF-16 code units. */
export class SdnSyntaxError extends Error {
  override readonly name = 'SdnSyntaxError';
  readonly code = 'ERR_SDN_SYNTAX';
  readonly line: number;
  readonly column: number;
  readonly expected: string;

  constructor(message: string, line: number, column: number, expected: string) {
    super(`line ${line}, column ${column}: ${message}; expected ${expected}`);
    this.line = line;
    this.column = column;
    this.expected = expected;
  }
}
