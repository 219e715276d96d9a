// Where a name was found.

export type Found =
  /** By `register`. */
  | { readonly from: 'table'; readonly address: bigint }
  /** In a loaded module. */
  | { readonly from: 'module'; readonly address: bigint; readonly isFunction: boolean }
  /** Instantiated; interpreted it has no address. */
  | { readonly from: 'jit'; readonly address: bigint | undefined }
  | { readonly from: 'process'; readonly address: bigint };

/** Why a name was not found. */
export interface Failure {
  /** What each place said that knows it. */
  readonly reasons: string[];
  /** A module has it, but could not be loaded. */
  cause?: Error;
}
