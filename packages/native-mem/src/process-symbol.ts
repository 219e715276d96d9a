// Functions and variables of the process itself: libc, Node, libraries that were loaded for all.
import { binding } from './binding.js';

/**
 * The address of a symbol that the process exports, as dlsym(3) with `RTLD_DEFAULT` finds it; undefined when there is none.
 * It stays valid for as long as its library is loaded: for libc and Node itself, to the end of the process.
 *
 * Code calls it through an import slot, as in the example; `bindFunction` takes addresses of our own memory only. What it
 * calls is not guarded: a fault inside a foreign function (`strlen(NULL)`) ends the process as it would in C, and a wrong
 * signature does what it would do in C. Only the thread-local variables of the calling thread have an address here.
 *
 * @throws TypeError for a name that is empty, holds NUL or isn't a string
 * @example
 * const slot = arena.allocateSlot(processSymbol('strlen'));
 * // jmp [rip + displacement of the slot]
 * const veneer = arena.allocate(Uint8Array.of(0xff, 0x25, 0, 0, 0, 0), {
 *   relocate: (copy, address) => new DataView(copy.buffer).setInt32(2, Number(slot.address - (address + 6n)), true),
 * });
 * const strlen = bindFunction(veneer.address, { params: ['ptr<u8>'], result: 'u64:number' });
 * strlen(Uint8Array.of(104, 105, 0)); // 2
 */
export function processSymbol(name: string): bigint | undefined {
  return binding.processSymbol(name);
}
