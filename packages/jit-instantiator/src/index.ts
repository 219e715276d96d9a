// Table of contents of jit-instantiator. `assembleLibrary` is an entry of its own (`…/assemble`), so that a process which only
// instantiates does not load it.
export type { Callable } from './backend.js';
export type { JitInstantiatorConfig } from './config.js';
export { type FlushFailure, JitError, type JitErrorCode } from './errors.js';
export type { DropEvent, InstantiateEvent, LoadEvent, WriteBackEvent } from './events.js';
export { JitInstantiator } from './instantiator.js';
export { nativeSignature } from './native-signature.js';
export type { JitStats, Outcome } from './outcome.js';
export { isPersistedSection } from './persisted.js';
export {
  isError,
  isSuccess,
  type JitCircularDependency,
  type JitCompilationError,
  type JitInstantiationResult,
  type JitNotFound,
  type JitSuccess,
  type JitUpdateFailed,
} from './result.js';
export { type SignatureCheck, type SigningKey, signSmf, verifySmf } from './signature.js';
export type { Judged } from './trust.js';
