// Table of contents of symbol-resolver.
export type { JitSymbolResolverConfig } from './config.js';
export { LinkError, type LinkErrorCode, type LinkErrorDetails, ResolveError, type ResolveErrorCode } from './errors.js';
export { JitSymbolResolver } from './resolver.js';
