// Memory for the variables and constants of code, in reach of it.
import { binding } from './binding.js';
import { NativeMemError } from './errors.js';

interface AllocatedData {
  readonly arena: number;
  readonly serial: number;
  readonly address: bigint;
  readonly size: number;
  readonly name: string;
}

/**
 * Zeroed memory that code of its arena reads and writes; made by `CodeArena.allocateData`. Never executable. The address
 * never changes and is not reused while the block is open.
 */
export class DataBlock {
  /** Of the first byte. */
  readonly address: bigint;
  /** In bytes, as allocated. */
  readonly size: number;
  readonly name: string;
  readonly #arena: number;
  readonly #serial: number;
  #closed = false;

  /** Blocks are made by `CodeArena.allocateData`. */
  constructor(allocated: AllocatedData) {
    this.address = allocated.address;
    this.size = allocated.size;
    this.name = allocated.name;
    this.#arena = allocated.arena;
    this.#serial = allocated.serial;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Copies `bytes` to `offset`.
   * @throws NativeMemError `ERR_OUT_OF_BOUNDS` (they don't fit; nothing is written then), `EACCES` (sealed), `ERR_CLOSED`
   */
  write(bytes: Uint8Array, offset = 0): void {
    this.#check();
    binding.dataWrite(this.#arena, this.#serial, bytes, offset);
  }

  /**
   * A copy of `length` bytes from `offset` on; by default up to the end.
   * @throws NativeMemError `ERR_OUT_OF_BOUNDS`, `ERR_CLOSED`
   */
  read(offset = 0, length = Math.max(0, this.size - offset)): Uint8Array<ArrayBuffer> {
    this.#check();
    return binding.dataRead(this.#arena, this.#serial, offset, length);
  }

  /**
   * Makes the block read-only for as long as it lives: code that writes to it traps (`memory`). Sealing again does nothing.
   * Each sealed block may cost the process up to two mappings (vm.max_map_count) where its neighbours aren't sealed.
   * @throws NativeMemError `ENOMEM` (too many mappings; see mmapFile), `ERR_CLOSED`
   */
  seal(): void {
    this.#check();
    binding.dataSeal(this.#arena, this.#serial);
  }

  /**
   * Gives the memory back; it is reused once every call that is running now has ended. Code that still refers to it reads
   * zeros or what is there next, so close that code first. Closing again, or after the arena was closed, does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    binding.dataFree(this.#arena, this.#serial);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #check(): void {
    if (!this.#closed) return;
    throw new NativeMemError('The data block is closed.', { code: 'ERR_CLOSED', address: this.address });
  }
}
