// The one error type of this package: whatever the target cannot do is said, never compiled wrongly.
import type { CpuFeature } from './cpu-features.js';

/**
 * - `ERR_NOT_CONCRETE`: a type parameter is left in the function; specialise it first
 * - `ERR_CPU_FEATURE`: an operation that no instruction of the baseline does, and the feature that it needs is not among
 *   `cpuFeatures`; `feature` names it
 * - `ERR_UNSUPPORTED_TYPE`: an operation on a type that has no meaning for it (the verifier refuses such functions too)
 * - `ERR_SIGNATURE_MISMATCH`: a call relies on another signature than its callee, or two calls to one symbol disagree
 * - `ERR_DUPLICATE_SYMBOL`: two functions of one unit have the same symbol, or the same template name and types
 * - `ERR_TOO_LARGE`: more code than 32-bit displacements can span, or a stack frame of more than 1 GiB
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

/** Thrown by `compileUnit` and `patchImports`. `symbol` is the function (or import) it is about. */
export class CodegenError extends Error {
  override readonly name = 'CodegenError';

  constructor(
    readonly code: CodegenErrorCode,
    readonly symbol: string,
    message: string,
    readonly feature?: CpuFeature,
  ) {
    super(`${symbol}: ${message}`);
  }
}
