// Table of contents of symbol-resolver.
export type { JitSymbolResolverConfig } from './config.js';
export { LinkError, type LinkErrorCode, type LinkErrorDetails, ResolveError, type ResolveErrorCode } from './errors.js';
export type { FreeEvent, LinkEvent, LinkedModule, ResolveEvent, ResolverStats } from './ledger.js';
export { JitSymbolResolver } from './resolver.js';
