// A function that can be linked: machine code with its outward references still open, and everything that decides
// whether it may be used. It is the same whether it was compiled just now or comes from a file.
import { createHash } from 'node:crypto';
import type { ConcreteFunction, Signature, TrapKind, Type } from '@simple-jit/template-ir';

/** A reference to another function: where in the code, and what the code relies on. */
export interface FunctionImport {
  readonly symbol: string;
  readonly template: string;
  readonly typeArgs: readonly Type[];
  readonly signature: Signature;
  /** Offsets of the 4-byte GotPcRel displacements. */
  readonly sites: readonly number[];
}

/** What must hold where the code runs. Each is compared alone, so that a refusal can say why. */
export interface Requirements {
  /** The code generator's version: the same IR may give other code in another. */
  readonly generator: string;
  readonly target: string;
  /** CPU features used beyond the target's baseline. */
  readonly cpuFeatures: readonly string[];
  /** SHA-256 of the TemplateCode entry, hex. */
  readonly templateHash: string;
}

export interface LinkableFunction {
  readonly symbol: string;
  readonly template: string;
  readonly typeArgs: readonly Type[];
  readonly signature: Signature;
  /** As generated: displacements of imports are zero. */
  readonly code: Uint8Array;
  readonly imports: readonly FunctionImport[];
  readonly traps: readonly { readonly offset: number; readonly kind: TrapKind }[];
  readonly requirements: Requirements;
  /** What the interpreter runs, where there is no machine code. */
  readonly body?: ConcreteFunction;
}

/** SHA-256, hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
