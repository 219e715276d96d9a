// What an instantiation ends in.

/**
 * Compiled (or found compiled) and callable at `address` until the symbol is dropped. `code` is a copy of what runs there.
 * Interpreted: `code` is empty and `address` 0n; call it by `callable(symbol)`.
 */
export interface JitSuccess {
  readonly kind: 'success';
  readonly code: Uint8Array;
  readonly symbol: string;
  readonly address: bigint;
}

/** No loaded module's metadata lists the symbol, or the JIT is disabled. */
export interface JitNotFound {
  readonly kind: 'notFound';
  readonly symbol: string;
}

/** The symbol needs itself in a way that has no solution. `cycle` is the path, in order; its first and last are the same. */
export interface JitCircularDependency {
  readonly kind: 'circularDependency';
  readonly cycle: readonly string[];
}

/** The template is missing, damaged, ill-typed or beyond what can be compiled; `message` says which and what to do. */
export interface JitCompilationError {
  readonly kind: 'compilationError';
  readonly message: string;
}

/** Compiled and callable at `address`, but not written back; `error` says why. */
export interface JitUpdateFailed {
  readonly kind: 'updateFailed';
  readonly symbol: string;
  readonly error: string;
  readonly address: bigint;
}

export type JitInstantiationResult =
  | JitSuccess
  | JitNotFound
  | JitCircularDependency
  | JitCompilationError
  | JitUpdateFailed;

export function isSuccess(result: JitInstantiationResult): result is JitSuccess {
  return result.kind === 'success';
}

/** True for circularDependency, compilationError and updateFailed; false for success and notFound. */
export function isError(
  result: JitInstantiationResult,
): result is JitCircularDependency | JitCompilationError | JitUpdateFailed {
  return result.kind !== 'success' && result.kind !== 'notFound';
}
