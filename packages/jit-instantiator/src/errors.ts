// Errors of using the instantiator itself. What is wrong with a file or a template is a result, not an error.

/**
 * - `ERR_CLOSED`: used after `close()`.
 * - `ERR_WRITE_BACK`: results could not be written; `failures` says where and why.
 * - `ERR_CACHE_DIRECTORY`: the directory for companions cannot be made, or is not this user's alone.
 * - `ERR_SIGNED`: the file is signed, and changing it would end that; only as the cause of a failed write-back.
 * - `ERR_LIBRARY_MODULE`: it is a module of a library, which is not changed; likewise.
 */
export type JitErrorCode =
  | 'ERR_CLOSED'
  | 'ERR_WRITE_BACK'
  | 'ERR_CACHE_DIRECTORY'
  | 'ERR_SIGNED'
  | 'ERR_LIBRARY_MODULE';

/** A file that could not be written back. */
export interface FlushFailure {
  readonly path: string;
  /** The functions that wait for it. */
  readonly symbols: readonly string[];
  readonly error: Error;
}

export class JitError extends Error {
  override readonly name = 'JitError';
  readonly code: JitErrorCode;
  readonly failures: readonly FlushFailure[];

  constructor(code: JitErrorCode, message: string, failures: readonly FlushFailure[] = [], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.failures = failures;
  }

  /** @internal */
  static writeBack(failures: readonly FlushFailure[]): JitError {
    const lines = failures.map(({ path, symbols, error }) => `${path} (${symbols.join(', ')}): ${error.message}`);
    return new JitError(
      'ERR_WRITE_BACK',
      `compiled functions could not be written back; they will be compiled again next time. ${lines.join('; ')}`,
      failures,
    );
  }
}
