// The resolvers of lazy slots of this thread. They are kept here and not in the addon, so that they belong to the thread
// that made them and end with it.
import { binding } from './binding.js';
import { NativeMemError } from './errors.js';
import { ImportSlot } from './import-slot.js';

/** Finds the address that a lazy slot is to point to. Never 0n. */
export type SlotResolver = () => bigint;

const resolvers = new Map<number, Map<bigint, SlotResolver>>();

function resolverOf(arena: number, slot: bigint): SlotResolver {
  const resolve = resolvers.get(arena)?.get(slot);
  if (resolve === undefined) {
    throw new NativeMemError('The lazy slot is closed.', { code: 'ERR_CLOSED', address: slot });
  }
  return resolve;
}

function resolveLazySlot(arena: number, slot: bigint): bigint {
  const target: unknown = resolverOf(arena, slot)();
  if (typeof target !== 'bigint') {
    throw new TypeError(`The resolver of a lazy slot must return an address, a bigint; it returned ${typeof target}`);
  }
  if (target <= 0n || BigInt.asUintN(64, target) !== target) {
    throw new RangeError(`The resolver of a lazy slot must return an address from 1 to 2^64-1; it returned ${target}`);
  }
  return target;
}

binding.setLazyResolver(resolveLazySlot, () => {});

/** Makes the slot of `CodeArena.allocateLazySlot`. */
export function allocateLazySlot(arena: number, resolve: SlotResolver): ImportSlot {
  if (typeof resolve !== 'function') throw new TypeError('resolve must be a function');
  const address = binding.slotAllocateLazy(arena);
  let ofArena = resolvers.get(arena);
  if (ofArena === undefined) {
    ofArena = new Map();
    resolvers.set(arena, ofArena);
  }
  ofArena.set(address, resolve);
  return new ImportSlot(arena, address, () => resolvers.get(arena)?.delete(address));
}

/** Lets go of all resolvers of an arena that is closed. */
export function forgetLazySlots(arena: number): void {
  resolvers.delete(arena);
}
