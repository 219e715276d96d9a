// The one error type of this package: whatever the target cannot do is said, never compiled wrongly.
import type { CpuFeature } from './cpu-features.js';

/**
 * - `ERR_NOT_CONCRETE`: a type parameter is left in the function; specialise it first
 * - `ERR_CPU_FEATURE`: an operation that no instruction of the baseline does, and the feature that it needs is not among
 *   `cpuFeatures`; `feature` names it
 * - `ERR_UNSUPPORTED_TYPE`: an operation on a type that has no meaning for it (the verifier refuses such functions too), or a slot
 *   aligned to more than 16 bytes (which no type is)
 * - `ERR_SIGNATURE_MISMATCH`: a call relies on another signature than its callee, or two calls to one symbol disagree; so does `fnaddr`
 * - `ERR_DUPLICATE_SYMBOL`: two functions of one unit have the same symbol, or the same template name and types
 * - `ERR_TOO_LARGE`: a unit of more than 1 GiB of code, or a function with a stack frame of more than 1 GiB, or one that is too
 *   large to compile in the memory at hand
 * - `ERR_SLOT_OUT_OF_REACH`: an import slot lies more than 2 GiB away from the code
 * - `ERR_SLOT_MISSING`: no address was given for an import's slot
 */
export type CodegenErrorCode =
  | 'ERR_NOT_CONCRETE'
  | 'ERR_CPU_FEATURE'
  | 'ERR_UNSUPPORTED_TYPE'
  | 'ERR_SIGNATURE_MISMATCH'
  | 'ERR_DUPLICATE_SYMBOL'
  | 'ERR_TOO_LARGE'
  | 'ERR_SLOT_OUT_OF_REACH'
  | 'ERR_SLOT_MISSING';

/** What a `CodegenError` carries beyond code and symbol, in the words of its message. */
export interface CodegenErrorDetails {
  readonly feature?: CpuFeature;
  readonly expected?: string;
  readonly found?: string;
}

/**
 * Thrown by `compileUnit` and `patchImports`; the message says what to do about it. What was being compiled leaves nothing behind:
 * the next call is as good as any.
 *
 * @example
 * try {
 *   return compileUnit(functions, { cpuFeatures });
 * } catch (error) {
 *   if (!(error instanceof CodegenError)) throw error;
 *   return interpretInstead(error.code, error.symbol);
 * }
 */
export class CodegenError extends Error {
  override readonly name = 'CodegenError';
  /** Of `ERR_CPU_FEATURE`: what has to be among `cpuFeatures`. */
  readonly feature: CpuFeature | undefined;
  /**
   * Of `ERR_SIGNATURE_MISMATCH` the callee's signature and the one that the caller relies on; of `ERR_TOO_LARGE` bytes; of
   * `ERR_SLOT_OUT_OF_REACH` addresses.
   */
  readonly expected: string | undefined;
  readonly found: string | undefined;

  constructor(
    readonly code: CodegenErrorCode,
    /** Of the function that it is about: of `patchImports` the import, otherwise the one that was being compiled. */
    readonly symbol: string,
    message: string,
    { feature, expected, found }: CodegenErrorDetails = {},
  ) {
    super(`${symbol}: ${message}`);
    this.feature = feature;
    this.expected = expected;
    this.found = found;
  }
}
