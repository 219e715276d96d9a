// Why a name could not be made callable, and why a module's code could not be loaded.

/**
 * - `ERR_UNRESOLVED`: nothing gives the symbol an address; `reasons` says what each place answered, and `cause` is the
 *   {@link LinkError} if a module has it but could not be loaded.
 * - `ERR_NO_SIGNATURE`: it has an address, but nothing says how to call it: pass a signature.
 * - `ERR_SIGNATURE_MISMATCH`: a signature was passed, but the symbol is known to have another.
 * - `ERR_NOT_A_FUNCTION`: the symbol is data.
 * - `ERR_NOT_LOADED`: no module of that path is loaded.
 * - `ERR_NO_ENTRY_POINT`: the module is not executable.
 * - `ERR_CLOSED`: the resolver is closed.
 */
export type ResolveErrorCode =
  | 'ERR_UNRESOLVED'
  | 'ERR_NO_SIGNATURE'
  | 'ERR_SIGNATURE_MISMATCH'
  | 'ERR_NOT_A_FUNCTION'
  | 'ERR_NOT_LOADED'
  | 'ERR_NO_ENTRY_POINT'
  | 'ERR_CLOSED';

export class ResolveError extends Error {
  override readonly name = 'ResolveError';
  readonly code: ResolveErrorCode;
  readonly symbol: string | undefined;
  /** For `ERR_UNRESOLVED`: what the modules and the JIT said. */
  readonly reasons: readonly string[];

  constructor(
    code: ResolveErrorCode,
    message: string,
    symbol?: string,
    reasons: readonly string[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.symbol = symbol;
    this.reasons = reasons;
  }
}

/**
 * - `ERR_UNDEFINED_SYMBOL`: the module needs symbols (`symbols`) that nothing has. Load what has them, and try again.
 * - `ERR_RELOCATION_OVERFLOW`: `symbol` is `distance` bytes away, more than the relocation of type `relocation` can say.
 * - `ERR_UNSUPPORTED_RELOCATION`: a relocation type that is unknown, or not one of this architecture.
 * - `ERR_BAD_RELOCATION`: a relocation that lies outside its section, or names no symbol.
 * - `ERR_BAD_SYMBOL`: a symbol that lies outside its section.
 * - `ERR_BAD_SECTION`: a section that cannot be placed: its alignment or its size is beyond what can be had.
 * - `ERR_DAMAGED_MODULE`: the file's tables cannot be read; `cause` is the SmfFormatError.
 * - `ERR_REFUSED`: the module's code may not run here; the message says why.
 */
export type LinkErrorCode =
  | 'ERR_UNDEFINED_SYMBOL'
  | 'ERR_RELOCATION_OVERFLOW'
  | 'ERR_UNSUPPORTED_RELOCATION'
  | 'ERR_BAD_RELOCATION'
  | 'ERR_BAD_SYMBOL'
  | 'ERR_BAD_SECTION'
  | 'ERR_DAMAGED_MODULE'
  | 'ERR_REFUSED';

/** What a {@link LinkError} carries beyond its code, path and message. */
export interface LinkErrorDetails {
  readonly symbol?: string;
  readonly symbols?: readonly string[];
  readonly section?: string;
  readonly offset?: number;
  readonly relocation?: string;
  readonly distance?: bigint;
  readonly cause?: unknown;
}

/** A module could not be loaded: nothing of it is, and nothing else changed. The next use tries again. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: LinkErrorCode;
  /** Of the module. */
  readonly path: string;
  readonly symbol: string | undefined;
  /** For `ERR_UNDEFINED_SYMBOL`: all that are missing. */
  readonly symbols: readonly string[];
  /** The section's name. */
  readonly section: string | undefined;
  /** In that section, in bytes. */
  readonly offset: number | undefined;
  /** The relocation's type, such as `Pc32`. */
  readonly relocation: string | undefined;
  /** What did not fit, in bytes. */
  readonly distance: bigint | undefined;

  constructor(code: LinkErrorCode, path: string, message: string, details: LinkErrorDetails = {}) {
    super(`${path}: ${message}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.path = path;
    this.symbol = details.symbol;
    this.symbols = details.symbols ?? (details.symbol === undefined ? [] : [details.symbol]);
    this.section = details.section;
    this.offset = details.offset;
    this.relocation = details.relocation;
    this.distance = details.distance;
  }
}
