// Table of contents of smf-cache.
export { type PrefetchFailure, SmfCacheError, type SmfCacheErrorCode } from './errors.js';
export { MappedSmf } from './mapped-smf.js';
export type { PrefetchOptions, PrefetchProgress } from './prefetch.js';
export { type CacheStats, SmfCache, type SmfCacheOptions } from './smf-cache.js';
export { type Trust, trustOf } from './trust.js';
