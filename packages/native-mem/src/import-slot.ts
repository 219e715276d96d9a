// A pointer that code calls or loads through, so that its target can change without touching the code.
import { binding } from './binding.js';
import { NativeMemError } from './errors.js';

/** Made by `CodeArena.allocateSlot` and `allocateLazySlot`. */
export class ImportSlot {
  /** Of the pointer itself: what code refers to, RIP-relative. */
  readonly address: bigint;
  readonly #arena: number;
  readonly #onClose: (() => void) | undefined;
  #closed = false;

  constructor(arena: number, address: bigint, onClose?: () => void) {
    this.#arena = arena;
    this.address = address;
    this.#onClose = onClose;
  }

  /** What the slot points to. Setting it is one atomic pointer store: calls see the old or the new target. */
  get target(): bigint {
    this.#check();
    return binding.slotGet(this.#arena, this.address);
  }

  set target(target: bigint) {
    this.#check();
    binding.slotSet(this.#arena, this.address, target);
  }

  /** Gives the slot back; it reads as 0 until it is reused. Closing again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose?.();
    binding.slotFree(this.#arena, this.address);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #check(): void {
    if (!this.#closed) return;
    throw new NativeMemError('The import slot is closed.', { code: 'ERR_CLOSED', address: this.address });
  }
}
