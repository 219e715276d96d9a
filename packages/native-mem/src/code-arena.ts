// Pooled executable memory for many functions, with import slots and data in reach of all of them.
import { type ArenaPlace, binding } from './binding.js';
import { VALUES, views } from './call-slots.js';
import { CodeBlock } from './code-block.js';
import { DataBlock } from './data-block.js';
import { ImportSlot } from './import-slot.js';
import { allocateLazySlot, forgetLazySlots, type SlotResolver } from './lazy-slots.js';
import { encodeTraps, type TrapPlace } from './trap-kinds.js';

/** How code pages come about: a memory file mapped executable and written through its descriptor, or mprotect(2). */
export type CodeBacking = 'memfd' | 'mprotect';

export interface CodeArenaOptions {
  /** Bytes of address space, from 1 MiB to just under 2 GiB. Default 1 GiB. Address space costs no memory. */
  readonly reserve?: number;
  /** What to try, in this order. Default `['memfd', 'mprotect']`; the other way round while a perf map is written. */
  readonly backing?: readonly CodeBacking[];
}

export interface CodeOptions {
  /** Shown in `TrapError.symbol` and in profiles. */
  readonly name?: string;
  /** Of the first byte: a power of two up to 65536. Default 64. */
  readonly alignment?: number;
  /** What a trap instruction at an offset means. */
  readonly traps?: readonly TrapPlace[];
  /**
   * Patches a private copy of the code once its final address is known. The copy is what gets installed; it must not be
   * used afterwards.
   */
  readonly relocate?: (copy: Uint8Array, address: bigint) => void;
}

export interface DataOptions {
  /** Of the first byte: a power of two up to 65536. Default 1; blocks start at a page (`pageSize()`) anyway. */
  readonly alignment?: number;
  /** Shown in the message of a TrapError when code jumps into the block. */
  readonly name?: string;
}

export interface CodeArenaStats {
  /** Address space, in bytes. */
  readonly reserved: number;
  /** Backed by memory, in bytes. */
  readonly committed: number;
  /** Of `committed`, in units of 64 bytes that are in use (blocks whose free waits for a call to end included). */
  readonly used: number;
  /** Sum of the sizes of all open blocks. */
  readonly codeBytes: number;
  readonly blocks: number;
  /** Address space for import slots and data blocks, in bytes; freed data blocks hold no memory. */
  readonly dataCommitted: number;
  /** Of `dataCommitted`: 8 bytes for each slot; whole pages, rounded up to their alignment, for each data block. */
  readonly dataUsed: number;
  /** Lazy ones included. */
  readonly slots: number;
  /** Of `used`: the entries of lazy slots, 4096 bytes for each 255 of those that were open at a time. */
  readonly lazyBytes: number;
  readonly dataBlocks: number;
  /** Sum of the sizes of all open data blocks. */
  readonly dataBytes: number;
  readonly backing: CodeBacking;
}

const DEFAULT_RESERVE = 2 ** 30;
const NO_TRAPS: readonly TrapPlace[] = [];

function installRelocated(
  arena: number,
  serial: number,
  address: bigint,
  code: Uint8Array,
  relocate: (copy: Uint8Array, address: bigint) => void,
): void {
  try {
    const copy = Uint8Array.from(code);
    relocate(copy, address);
    if (copy.length !== code.length) throw new TypeError('relocate must not detach or resize the copy');
    binding.arenaInstall(arena, serial, copy);
  } catch (error) {
    binding.arenaFree(arena, serial);
    throw error;
  }
}

/**
 * Executable memory in one reserved address range. No page is ever writable and executable; addresses never move.
 * What a thread allocates is freed when that thread ends; code may be called from every thread.
 *
 * @example
 * const arena = CodeArena.default();
 * const block = arena.allocate(Uint8Array.of(0x48, 0x8d, 0x04, 0x37, 0xc3), { name: 'add' }); // lea rax, [rdi + rsi]; ret
 * const add = bindFunction(block.address, { params: ['i64', 'i64'], result: 'i64' });
 * add(2n, 3n); // 5n
 * block.close();
 */
export class CodeArena {
  readonly #place: ArenaPlace;
  #closed = false;

  /**
   * An arena of one's own. Throws `ERR_EXEC_MEMORY_REFUSED` when the system lets none of the backings work.
   */
  constructor(options: CodeArenaOptions | ArenaPlace = {}) {
    this.#place = 'id' in options ? options : binding.arenaCreate(options.reserve ?? DEFAULT_RESERVE, options.backing);
  }

  /** The arena of the whole process, made at first use. It can't be closed. */
  static default(): CodeArena {
    return new CodeArena(binding.arenaDefault());
  }

  /** Start of the reserved range. */
  get address(): bigint {
    return this.#place.address;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Copies code into executable memory. The block lives until its `close()`, its arena's, or the end of this thread.
   *
   * @throws RangeError for an empty code, a bad alignment or a trap outside the code; NativeMemError `ENOMEM` when the
   *   arena is full, `ERR_CLOSED`; whatever `relocate` throws, and then nothing stays allocated
   */
  allocate(code: Uint8Array, options: CodeOptions = {}): CodeBlock {
    const arena = this.#place.id;
    const { name = '', alignment = 64, traps = NO_TRAPS, relocate } = options;
    const size = code.length;
    const count = traps.length;
    const encoded = count === 0 ? undefined : encodeTraps(traps, count, size);
    binding.arenaReserve(arena, size, alignment, name, encoded, count, relocate ? undefined : code);
    const serial = views.f64[VALUES] as number;
    const address = views.u64[VALUES + 1] as bigint;
    if (relocate) installRelocated(arena, serial, address, code, relocate);
    return new CodeBlock({ arena, serial, address, size, name });
  }

  /**
   * A writable pointer within reach (a signed 32-bit displacement) of all code of this arena.
   * @param target what it points to at first; 0n, the default, makes a call through it a `memory` trap
   */
  allocateSlot(target = 0n): ImportSlot {
    return new ImportSlot(this.#place.id, binding.slotAllocate(this.#place.id, target));
  }

  /**
   * A slot that gets its target when code first calls through it: `resolve` is asked then, on the calling thread and inside
   * the call from JavaScript that runs; what it returns is stored in the slot, and the call goes on there with its arguments
   * as they were. Later calls go straight to the target.
   *
   * `resolve` may call native code, allocate and free, and throw. What it throws ends the call from JavaScript that runs and
   * is thrown by it, the same object; the code is abandoned as by a trap, and the next call asks again. A result that is no
   * address throws TypeError (not a bigint) or RangeError. A call through the slot inside `resolve` asks once more.
   *
   * - Only the thread that made the slot resolves it: elsewhere a call through it throws `ERR_WRONG_THREAD` until it has a
   *   target. Outside of any call from JavaScript (on a thread that C started) there is no one to tell, and the process ends.
   * - JavaScript needs stack: the call is a `stack-overflow` trap beyond V8's own limit (`--stack-size`, about 1 MB on the
   *   main thread; found out when a thread makes its first lazy slot), and with less than 256 KiB of stack left.
   * - `resolve` must not detach, transfer or resize a buffer that the running call was given: the code still has its address.
   * - For calls and jumps only. An address that code reads from an unresolved slot works when it is called, at the price of a
   *   look-up each time, but compares unequal to that of the function.
   * - Vector arguments wider than 128 bits lose their upper half on the first call.
   *
   * `target` reads as the address of the slot's entry until it is resolved; storing that address again makes the slot lazy
   * again. Setting another target is as good as resolving. A call through a closed slot that some code still points to throws
   * `ERR_CLOSED`.
   *
   * @throws TypeError when `resolve` is no function; NativeMemError `ENOMEM` when the arena is full, `ERR_CLOSED`
   * @example
   * const slot = arena.allocateLazySlot(() => compile('median').address);
   */
  allocateLazySlot(resolve: SlotResolver): ImportSlot {
    return allocateLazySlot(this.#place.id, resolve);
  }

  /**
   * Zeroed, writable, never executable memory within reach (a signed 32-bit displacement) of all code of this arena: for the
   * variables and constants of code. It takes whole pages, so that {@link DataBlock.seal} can make it read-only alone. It
   * lives until its `close()`, its arena's, or the end of this thread.
   *
   * @param size in bytes, at least 1
   * @throws RangeError for a size or an alignment that can't be; NativeMemError `ENOMEM` when the arena is full, `ERR_CLOSED`
   * @example
   * const constants = arena.allocateData(16, { name: 'constants' });
   * constants.write(new Uint8Array(new Float64Array([0.5, 2]).buffer));
   * constants.seal();
   */
  allocateData(size: number, options: DataOptions = {}): DataBlock {
    const { id } = this.#place;
    const name = options.name ?? '';
    const allocated = binding.dataAllocate(id, size, options.alignment ?? 1, name);
    return new DataBlock({ ...allocated, arena: id, size, name });
  }

  /** Exact numbers, for all threads together. */
  stats(): CodeArenaStats {
    return binding.arenaStats(this.#place.id);
  }

  /** Frees the whole range. Blocks, slots and data in it are closed, bound functions throw. Closing again does nothing. */
  close(): void {
    if (this.#closed) return;
    binding.arenaClose(this.#place.id);
    this.#closed = true;
    forgetLazySlots(this.#place.id);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * The open code block, of any arena and thread, that holds `address`; undefined when none does.
 * @example
 * findCode(block.address + 4n); // { block, offset: 4 }
 */
export function findCode(address: bigint): { block: CodeBlock; offset: number } | undefined {
  const found = binding.arenaFindCode(address);
  return found && { block: new CodeBlock(found), offset: found.offset };
}
