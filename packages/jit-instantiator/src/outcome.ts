// What an instantiator tells of itself.

/** What a JitInstantiator did since it was made, and holds now. */
export interface JitStats {
  /** Functions installed and callable. */
  readonly cachedCount: number;
  /** Functions compiled here. */
  readonly compileCount: number;
  /** Functions taken from a file, compiled by an earlier run. */
  readonly persisted: number;
  /** Functions that were in a file but failed their check, and were compiled anew; `explain` says why. */
  readonly rejected: number;
  /** Instantiations that ended in an error. */
  readonly failed: number;
  /** Milliseconds spent in lookups of what was not installed yet. */
  readonly instantiateMs: number;
  /** Milliseconds spent in writing back. */
  readonly writeBackMs: number;
  /** Functions that wait for `flush()`. */
  readonly pendingWrites: number;
  readonly loadedSmfCount: number;
  readonly smfCacheHits: number;
  readonly smfCacheMisses: number;
  readonly smfFilesMapped: number;
  /** Bytes. */
  readonly smfMemoryMapped: number;
}

/** How the latest lookup of a symbol ended. */
export type Outcome =
  | { readonly kind: 'persisted' }
  | { readonly kind: 'compiled' }
  /** There is no machine code: the interpreter runs it. */
  | { readonly kind: 'interpreted' }
  /** Compiled, because the persisted code did not pass its check. */
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };
