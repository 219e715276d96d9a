// Points compiled code at its import slots.
import { CodegenError } from './errors.js';
import type { CompiledImport } from './unit.js';

/**
 * What an import slot holds the address of: the function that a `call` goes to; the one that `fnaddr` names, which may be another
 * (one that people may keep, so it must live as long as any copy of it); or the C function that `extern` calls.
 */
export type ImportKind = 'call' | 'address' | 'external';

/**
 * The key of an import's slot: one symbol may be imported in three kinds, each through a slot of its own. That of a call is its
 * symbol; no other key is one, as no symbol holds a zero.
 *
 * @example
 * const slots = new Map(unit.imports.map((needs) => [slotKeyOf(needs), addressOfSlotFor(needs)]));
 */
export function slotKeyOf({ kind = 'call', symbol }: { readonly kind?: ImportKind; readonly symbol: string }): string {
  return kind === 'call' ? symbol : `${symbol}\0${kind}`;
}

/** What `patchImports` needs to know of a unit. */
export interface PatchableCode {
  readonly code: Uint8Array;
  /** Without a `kind`: of a call. */
  readonly imports: readonly (Pick<CompiledImport, 'symbol' | 'sites'> & { readonly kind?: ImportKind })[];
}

/**
 * The unit's code for `codeAddress`, with every import site reaching its slot: 8 bytes of readable memory that hold the
 * address of the function to call. Storing another address there redirects all its calls. `unit.code` stays as it is.
 *
 * @param codeAddress where the code will be installed
 * @param slots the address of each import's slot, by `slotKeyOf`; more than the unit needs do no harm
 * @param copy the bytes to patch and return: a copy of `unit.code`, by default a new one. After an error they are of no use.
 * @throws CodegenError `ERR_SLOT_MISSING` for an import that `slots` lacks, `ERR_SLOT_OUT_OF_REACH` for a slot that is more than
 * 2 GiB away from a call.
 * @example
 * arena.allocate(unit.code, { traps: unit.traps, relocate: (copy, address) => patchImports(unit, address, slots, copy) });
 */
export function patchImports(
  unit: PatchableCode,
  codeAddress: bigint,
  slots: ReadonlyMap<string, bigint>,
  copy: Uint8Array = unit.code.slice(),
): Uint8Array {
  const view = new DataView(copy.buffer, copy.byteOffset, copy.byteLength);
  for (const needs of unit.imports) {
    const { symbol, sites } = needs;
    const slot = slots.get(slotKeyOf(needs));
    if (slot === undefined) {
      throw new CodegenError(
        'ERR_SLOT_MISSING',
        symbol,
        'has no import slot; give one for every entry of unit.imports',
      );
    }
    for (const site of sites) {
      const displacement = slot - (codeAddress + BigInt(site) + 4n);
      if (displacement !== BigInt.asIntN(32, displacement)) {
        const problem = `its slot at 0x${slot.toString(16)} is more than 2 GiB from the code at 0x${codeAddress.toString(16)}`;
        throw new CodegenError('ERR_SLOT_OUT_OF_REACH', symbol, `${problem}; allocate both in one reserved range`, {
          expected: `within 2 GiB of 0x${codeAddress.toString(16)}`,
          found: `0x${slot.toString(16)}`,
        });
      }
      view.setInt32(site, Number(displacement), true);
    }
  }
  return copy;
}
