// A function that can be linked: machine code with its outward references still open, and everything that decides
// whether it may be used. It is the same whether it was compiled just now or comes from a file.
import { createHash } from 'node:crypto';
import type { CompiledImport, CompiledTrap, ImportKind } from '@simple-jit/codegen';
import { type ConcreteFunction, type Signature, signatureToString, type Type } from '@simple-jit/template-ir';
import { printTypeArgs } from './type-args.js';
import type { TypeLayoutRecord } from './type-layouts.js';

/** What must hold where the code runs. Each is compared alone, so that a refusal can say why. */
export interface Requirements {
  /** The code generator's version: the same IR may give other code in another. */
  readonly generator: string;
  readonly target: string;
  /** CPU features used beyond the target's baseline. */
  readonly cpuFeatures: readonly string[];
  /** SHA-256 of the TemplateCode entry, hex. */
  readonly templateHash: string;
  /** Of the structs and enums that the code reaches into, in the order in which specialisation gives them. */
  readonly layouts: readonly TypeLayoutRecord[];
}

/** Something that the code refers to through a slot. An external symbol has no template, and none of its names is looked up in a table. */
export interface FunctionImport extends CompiledImport {
  readonly kind: ImportKind;
}

export interface LinkableFunction {
  readonly symbol: string;
  readonly template: string;
  readonly typeArgs: readonly Type[];
  readonly signature: Signature;
  /** As generated: displacements of imports are zero. */
  readonly code: Uint8Array;
  readonly imports: readonly FunctionImport[];
  readonly traps: readonly CompiledTrap[];
  readonly requirements: Requirements;
  /** What the interpreter runs, where there is no machine code. */
  readonly body?: ConcreteFunction;
}

/** SHA-256, hex. */
export function sha256(bytes: Uint8Array): string {
  return sha256Of([bytes]);
}

/** SHA-256 of the pieces one after the other, hex. */
export function sha256Of(pieces: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/**
 * SHA-256 over everything that a persisted function is linked and called by, hex: its names, signature, requirements,
 * code, imports with their sites, and traps; each field with its length before it, so that none can pass for two others.
 */
export function recordHash(fn: LinkableFunction): string {
  const hash = createHash('sha256');
  const length = new DataView(new ArrayBuffer(8));
  const field = (bytes: Uint8Array): void => {
    length.setBigUint64(0, BigInt(bytes.length), true);
    hash.update(new Uint8Array(length.buffer)).update(bytes);
  };
  const text = (value: string): void => field(new TextEncoder().encode(value));
  const list = (values: readonly unknown[]): void => text(String(values.length));
  const { generator, target, cpuFeatures, templateHash, layouts } = fn.requirements;
  const head = [fn.symbol, fn.template, printTypeArgs(fn.typeArgs), signatureToString(fn.signature)];
  for (const value of [...head, generator, target, cpuFeatures.join(','), templateHash]) text(value);
  list(layouts);
  for (const { type, layout } of layouts) for (const value of [type, layout]) text(value);
  field(fn.code);
  list(fn.imports);
  for (const { kind, symbol, template, typeArgs, signature, sites } of fn.imports) {
    for (const value of [kind, symbol, template, printTypeArgs(typeArgs), signatureToString(signature)]) text(value);
    text(sites.toSorted((a, b) => a - b).join(','));
  }
  list(fn.traps);
  for (const { offset, kind } of fn.traps) text(`${offset} ${kind}`);
  return hash.digest('hex');
}
