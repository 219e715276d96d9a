// What the validator says, and where it collects it.
import type { SmfErrorCode } from '../errors.js';
import { SdnSyntaxError, SmfFormatError } from '../errors.js';

/** Codes that only the validator gives: things that reading survives. */
export type DiagnosticCode =
  | SmfErrorCode
  | 'ERR_SDN_SYNTAX'
  | 'ERR_CIRCULAR_DEPENDENCY'
  | 'WARN_UNKNOWN_VALUE'
  | 'WARN_RESERVED_BITS'
  | 'WARN_COUNT_MISMATCH'
  | 'WARN_STUB_MISMATCH'
  | 'WARN_MISALIGNED'
  | 'WARN_SIZE_MISMATCH'
  | 'WARN_DUPLICATE_NAME'
  | 'WARN_NOT_CHECKED'
  | 'WARN_CIRCULAR_DEPENDENCY';

/** One problem. An `error` makes some reading or loading fail; a `warning` is odd, and survived. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly code: DiagnosticCode;
  readonly structure: string;
  readonly message: string;
  /** Bytes from the input's start. */
  readonly offset: number;
  readonly hint: string | undefined;
}

/** Collects up to a limit; what is beyond is counted in one last diagnostic. */
export class DiagnosticSink {
  readonly list: Diagnostic[] = [];
  #dropped = 0;

  constructor(readonly limit: number) {}

  add(
    severity: Diagnostic['severity'],
    code: DiagnosticCode,
    structure: string,
    message: string,
    offset: number,
    hint?: string,
  ): void {
    if (this.list.length >= this.limit) this.#dropped++;
    else this.list.push({ severity, code, structure, message, offset, hint });
  }

  error(code: DiagnosticCode, structure: string, message: string, offset: number, hint?: string): void {
    this.add('error', code, structure, message, offset, hint);
  }

  warn(code: DiagnosticCode, structure: string, message: string, offset: number, hint?: string): void {
    this.add('warning', code, structure, message, offset, hint);
  }

  /** Runs a part of the check; an error of ours becomes a diagnostic, any other is a defect and goes on up. */
  attempt<T>(structure: string, offset: number, part: () => T): T | undefined {
    try {
      return part();
    } catch (error) {
      if (error instanceof SmfFormatError) this.fromError(error);
      else if (error instanceof SdnSyntaxError) this.error('ERR_SDN_SYNTAX', structure, error.message, offset);
      else throw error;
      return undefined;
    }
  }

  fromError(error: SmfFormatError): void {
    const found = error.expected === undefined ? '' : `; expected ${error.expected}, found ${error.found ?? 'none'}`;
    this.error(error.code, error.structure, `${error.reason}${found}`, error.offset, error.hint);
  }

  finish(): Diagnostic[] {
    if (this.#dropped > 0) {
      const last = { severity: 'warning', code: 'ERR_SMF_LIMIT', structure: 'file', offset: 0 } as const;
      const message = `${this.#dropped} more problems`;
      this.list.push({ ...last, message, hint: 'Raise maxDiagnostics to see them' });
    }
    return this.list;
  }
}
