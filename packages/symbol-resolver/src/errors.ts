// Why a name could not be made callable.

/**
 * - `ERR_UNRESOLVED`: nothing gives the symbol an address; `reasons` says what each place answered.
 * - `ERR_NO_SIGNATURE`: it has an address, but nothing says how to call it: pass a signature.
 * - `ERR_SIGNATURE_MISMATCH`: a signature was passed, but the symbol is known to have another.
 * - `ERR_CLOSED`: the resolver is closed.
 */
export type ResolveErrorCode = 'ERR_UNRESOLVED' | 'ERR_NO_SIGNATURE' | 'ERR_SIGNATURE_MISMATCH' | 'ERR_CLOSED';

export class ResolveError extends Error {
  override readonly name = 'ResolveError';
  readonly code: ResolveErrorCode;
  readonly symbol: string | undefined;
  /** For `ERR_UNRESOLVED`: what the modules and the JIT said. */
  readonly reasons: readonly string[];

  constructor(code: ResolveErrorCode, message: string, symbol?: string, reasons: readonly string[] = []) {
    super(message);
    this.code = code;
    this.symbol = symbol;
    this.reasons = reasons;
  }
}
