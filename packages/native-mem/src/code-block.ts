// One piece of installed code.
import { binding } from './binding.js';

interface Installed {
  readonly arena: number;
  readonly serial: number;
  readonly address: bigint;
  readonly size: number;
  readonly name: string;
}

/** Code that was installed by `CodeArena.allocate`. The address never changes and is never reused while it is open. */
export class CodeBlock {
  /** Of the first byte. */
  readonly address: bigint;
  /** In bytes, as allocated. */
  readonly size: number;
  readonly name: string;
  readonly #arena: number;
  readonly #serial: number;
  #closed = false;

  /** Blocks are made by `CodeArena.allocate` and `findCode`. */
  constructor(installed: Installed) {
    this.address = installed.address;
    this.size = installed.size;
    this.name = installed.name;
    this.#arena = installed.arena;
    this.#serial = installed.serial;
  }

  /** A copy of what is installed. Throws `ERR_CODE_FREED` after `close()`. */
  bytes(): Uint8Array<ArrayBuffer> {
    return binding.arenaBytes(this.#arena, this.#serial);
  }

  /**
   * Gives the memory back: it is filled with trap instructions, and reused once every call that is running now has
   * ended. Functions bound to it throw `ERR_CODE_FREED`. Slots that point to it are the caller's to redirect first.
   * Closing again, or after the arena was closed, does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    binding.arenaFree(this.#arena, this.#serial);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
