// Relocation types, one row each: how many bytes they patch, what they need of their symbol, and what they store
// (docs/spec/smf-format.md 3.4; System V ABI, AMD64 supplement, "Relocation"). An architecture is a table of its own.
import { Arch, RelocationType } from '@simple-jit/smf-format';

/**
 * What stands for S: the symbol's `address`; where a `call` of it goes, which may be a stub; or the `slot` of the global
 * offset table that holds its address.
 */
export type Needs = 'address' | 'call' | 'slot';

export interface RelocationKind {
  readonly name: string;
  /** Bytes that it patches. */
  readonly size: number;
  readonly needs: Needs;
  /**
   * Patches `view` at `at`. Addresses are numbers: user space ends below 2^53.
   *
   * @param target S
   * @param place P
   * @returns the value, if it does not fit; then nothing was written
   */
  readonly apply: (view: DataView, at: number, target: number, place: number, addend: bigint) => bigint | undefined;
}

/** S + A, 64 bits: nothing is beyond them. */
const absolute: RelocationKind['apply'] = (view, at, target, _place, addend) => {
  view.setBigUint64(at, BigInt.asUintN(64, BigInt(target) + addend), true);
  return undefined;
};

/** S + A - P, 32 bits, signed. */
const relative: RelocationKind['apply'] = (view, at, target, place, addend) => {
  // Inexact only for addends that are far out of reach.
  const distance = target - place + Number(addend);
  if (distance !== (distance | 0)) return BigInt(target) - BigInt(place) + addend;
  view.setInt32(at, distance, true);
  return undefined;
};

const X86_64: ReadonlyMap<number, RelocationKind> = new Map([
  [RelocationType.Abs64, { name: 'Abs64', size: 8, needs: 'address', apply: absolute }],
  [RelocationType.Pc32, { name: 'Pc32', size: 4, needs: 'address', apply: relative }],
  [RelocationType.Plt32, { name: 'Plt32', size: 4, needs: 'call', apply: relative }],
  [RelocationType.GotPcRel, { name: 'GotPcRel', size: 4, needs: 'slot', apply: relative }],
]);

const KINDS: ReadonlyMap<number, ReadonlyMap<number, RelocationKind>> = new Map([[Arch.X86_64, X86_64]]);

/** How relocations of a type are done for an architecture; undefined if it has none such. */
export function relocationKind(arch: number, type: number): RelocationKind | undefined {
  return KINDS.get(arch)?.get(type);
}

/** True for architectures whose relocations are known here. */
export function canRelocate(arch: number): boolean {
  return KINDS.has(arch);
}

/** A type's name, for messages. */
export function relocationTypeName(type: number): string {
  return Object.entries(RelocationType).find(([, value]) => value === type)?.[0] ?? `unknown(${type})`;
}
