// The errors of this package. The addon constructs them itself, so that a fault costs no translation in JavaScript.

/** What a {@link NativeMemError} carries beyond its message. */
export interface NativeMemErrorDetails {
  readonly code: string;
  readonly syscall?: string;
  readonly path?: string;
  readonly address?: bigint;
}

/**
 * Something about memory, files or the addon went wrong. Wrong argument kinds and ranges are the built-in `TypeError`
 * and `RangeError` instead.
 *
 * `code` is the name of an errno (`ENOENT`, `EACCES`, `ENOMEM`, `EINVAL`, …; see errno(3)) or one of
 * `ERR_NOT_MAPPED` (no live region at this address), `ERR_OUT_OF_BOUNDS`, `ERR_NOT_EXECUTABLE`, `ERR_CODE_FREED`,
 * `ERR_CLOSED`, `ERR_WRONG_THREAD`, `ERR_FILE_SHRUNK`, `ERR_NOT_REGULAR_FILE`, `ERR_WRITABLE_AND_EXECUTABLE`, `ERR_EXEC_MEMORY_REFUSED`,
 * `ERR_STRING_TOO_LONG`, `ERR_UNSUPPORTED`, `ERR_ADDON_NOT_FOUND`, `ERR_ADDON_NOT_LOADABLE`, `ERR_TRAP`.
 */
export class NativeMemError extends Error {
  override readonly name: string = 'NativeMemError';
  readonly code: string;
  /** The system call that failed, such as `mmap`. */
  readonly syscall: string | undefined;
  /** The file that it was about. */
  readonly path: string | undefined;
  /** The address that it was about. */
  readonly address: bigint | undefined;

  constructor(message: string, details: NativeMemErrorDetails, options?: ErrorOptions) {
    super(message, options);
    this.code = details.code;
    this.syscall = details.syscall;
    this.path = details.path;
    this.address = details.address;
  }
}

/** What a fault in native code was. */
export type TrapKind =
  | 'divide'
  | 'memory'
  | 'illegal-instruction'
  | 'breakpoint'
  | 'stack-overflow'
  | 'bus'
  | 'unreachable'
  | 'bounds'
  | 'overflow';

/** What a {@link TrapError} carries beyond its message. */
export interface TrapErrorDetails {
  readonly kind: TrapKind;
  readonly address: bigint;
  readonly pc: bigint;
  readonly symbol?: string;
  readonly offset?: number;
}

/**
 * Native code that we called faulted. The call was abandoned where it faulted: memory that it had written stays
 * written, memory that it had allocated stays allocated.
 *
 * `address` is the address that was accessed for `memory`, `bus` and `stack-overflow`, else that of the instruction;
 * `pc` is always the instruction; `symbol` and `offset` say where in which code block it lies, where that is known.
 */
export class TrapError extends NativeMemError {
  override readonly name: string = 'TrapError';
  readonly kind: TrapKind;
  readonly pc: bigint;
  readonly symbol: string | undefined;
  /** Bytes from the start of the code block to the instruction; after a call of what is no code, to where that call would have returned. */
  readonly offset: number | undefined;

  constructor(message: string, details: TrapErrorDetails) {
    super(message, { code: 'ERR_TRAP', address: details.address });
    this.kind = details.kind;
    this.pc = details.pc;
    this.symbol = details.symbol;
    this.offset = details.offset;
  }
}
