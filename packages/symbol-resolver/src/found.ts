// Where a name was found.
import type { NativeSignature } from '@simple-jit/native-mem';

export type Found =
  /** By `register`. */
  | { readonly from: 'table'; readonly address: bigint; readonly signature: NativeSignature | undefined }
  /** In a loaded module. */
  | {
      readonly from: 'module';
      readonly address: bigint;
      readonly isFunction: boolean;
      readonly signature: NativeSignature | undefined;
    }
  /** Instantiated; interpreted it has no address. */
  | { readonly from: 'jit'; readonly address: bigint | undefined; readonly signature: NativeSignature }
  | { readonly from: 'process'; readonly address: bigint; readonly signature: undefined };

/** Why a name was not found. */
export interface Failure {
  /** What each place said that knows it. */
  readonly reasons: string[];
  /** A module has it, but could not be loaded. */
  cause?: Error;
}
