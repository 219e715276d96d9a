// Table of contents of symbol-resolver.
export { ResolveError, type ResolveErrorCode } from './errors.js';
export { JitSymbolResolver } from './resolver.js';
