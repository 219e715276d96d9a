// What can go wrong in the cache itself; mapping errors are NativeMemError, bad files SmfFormatError.

/**
 * - `ERR_CLOSED`: the handle or the cache was closed before.
 * - `ERR_NO_SUCH_SYMBOL`: the file has no symbol of that name.
 * - `ERR_NO_TEMPLATE`: the symbol is there, but is not a generic template.
 * - `ERR_IS_LIBRARY`: the file is a library: get one of its modules, as `lib.lsm#module`; the message lists them.
 * - `ERR_NOT_A_LIBRARY`: a module was asked for of a file that is a module itself.
 * - `ERR_PREFETCH`: some files could not be read ahead; `failures` says which, in the order of the paths, and why.
 */
export type SmfCacheErrorCode =
  | 'ERR_CLOSED'
  | 'ERR_NO_SUCH_SYMBOL'
  | 'ERR_NO_TEMPLATE'
  | 'ERR_IS_LIBRARY'
  | 'ERR_NOT_A_LIBRARY'
  | 'ERR_PREFETCH';

/** A file that could not be read ahead. */
export interface PrefetchFailure {
  readonly path: string;
  readonly error: unknown;
}

/** An error of the cache. `path` names the file, `symbol` the symbol, where there is one. */
export class SmfCacheError extends Error {
  override readonly name = 'SmfCacheError';
  readonly code: SmfCacheErrorCode;
  readonly path: string | undefined;
  readonly symbol: string | undefined;
  /** With `ERR_PREFETCH`: each file that failed, with its error. */
  readonly failures: readonly PrefetchFailure[];

  constructor(
    code: SmfCacheErrorCode,
    message: string,
    data: {
      path?: string;
      symbol?: string;
      failures?: readonly PrefetchFailure[];
    } = {},
  ) {
    super(message);
    this.code = code;
    this.path = data.path;
    this.symbol = data.symbol;
    this.failures = data.failures ?? [];
  }
}
