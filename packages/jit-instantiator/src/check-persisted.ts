// Whether persisted code may be used, here and now. Each condition is checked alone, so that a refusal has one reason.
import { GENERATOR_VERSION, TARGET } from '@simple-jit/codegen';
import type { Trust } from '@simple-jit/smf-cache';
import type { Type, TypeEnvironment } from '@simple-jit/template-ir';
import { type LinkableFunction, recordHash } from './function.js';
import type { PersistedFunctions } from './persisted.js';
import { printTypeArgs } from './type-args.js';
import { presentLayout } from './type-layouts.js';

/** What the code must be for. */
export interface Wanted {
  readonly symbol: string;
  readonly template: string;
  readonly typeArgs: readonly Type[];
  /** SHA-256 of the template that would be compiled otherwise. */
  readonly templateHash: string;
  /** What the names of types mean now. */
  readonly types: TypeEnvironment;
  /** What the processor has beyond the target's baseline. */
  readonly cpuFeatures: ReadonlySet<string>;
}

/** `code` holds a copy of the machine code, the one that was hashed. */
export type Checked =
  | { readonly ok: true; readonly code: LinkableFunction }
  | { readonly ok: false; readonly reason: string };

/** Undefined if the file holds nothing for the symbol. */
export function checkPersisted(persisted: PersistedFunctions, wanted: Wanted, trust: Trust): Checked | undefined {
  if (persisted.damage !== undefined) return { ok: false, reason: persisted.damage };
  const found = persisted.find(wanted.symbol);
  if (found === undefined) return undefined;
  if ('broken' in found) return { ok: false, reason: found.broken };
  if (!trust.trusted) return { ok: false, reason: `the file is not trusted: ${trust.reason}` };
  const { requirements, template, typeArgs } = found.code;
  const differences: readonly [what: string, has: string, needs: string][] = [
    ['template', template, wanted.template],
    ['type arguments', printTypeArgs(typeArgs), printTypeArgs(wanted.typeArgs)],
    ['code generator', requirements.generator, GENERATOR_VERSION],
    ['target', requirements.target, TARGET],
    ['template hash', requirements.templateHash, wanted.templateHash],
  ];
  for (const [what, has, needs] of differences) {
    if (has !== needs) return { ok: false, reason: `${what}: it was compiled for '${has}', this is '${needs}'` };
  }
  const missing = requirements.cpuFeatures.filter((feature) => !wanted.cpuFeatures.has(feature));
  if (missing.length > 0) {
    return {
      ok: false,
      reason: `CPU features: it was compiled for '${missing.join(',')}', which this processor lacks`,
    };
  }
  for (const { type, layout } of requirements.layouts) {
    const present = presentLayout(type, wanted.types);
    if (present !== layout) {
      return { ok: false, reason: `layout of ${type} changed: it was compiled for '${layout}', this is '${present}'` };
    }
  }
  // The copy is what is hashed and what will run: the file may change under us.
  const code: LinkableFunction = { ...found.code, code: found.code.code.slice() };
  const hash = recordHash(code);
  if (hash !== found.recordHash) {
    return { ok: false, reason: `record hash: it is not what was written (${hash}, written as ${found.recordHash})` };
  }
  return { ok: true, code };
}
