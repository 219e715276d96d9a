// Installs planned functions: slots for what they call, the code with its displacements patched, then the slots are set.
// Until every block is in place no slot of the plan has a target and nobody has an address: no caller sees half of it.
import { patchImports } from '@simple-jit/codegen';
import type { CodeArena, CodeBlock, ImportSlot } from '@simple-jit/native-mem';
import type { Planned } from './plan.js';

/** A function in executable memory. */
export interface Installed extends Planned {
  readonly block: CodeBlock;
}

/** The import slots of one instantiator: one for each symbol that some installed code calls. */
export class Linker {
  readonly #arena: CodeArena;
  readonly #slots = new Map<string, ImportSlot>();
  /** Every block ever published: code that was dropped may still be running, or be called through a slot. */
  readonly #blocks: CodeBlock[] = [];

  constructor(arena: CodeArena) {
    this.#arena = arena;
  }

  /**
   * Installs all functions of a plan, or none.
   * @param addressOf where a function that was installed before is
   * @throws NativeMemError if memory is refused
   */
  install(plan: readonly Planned[], addressOf: (symbol: string) => bigint | undefined): Installed[] {
    const blocks: CodeBlock[] = [];
    const fresh: string[] = [];
    try {
      const slots = new Map<string, bigint>();
      for (const { code } of plan) {
        for (const { symbol } of code.imports) {
          let slot = this.#slots.get(symbol);
          if (slot === undefined) {
            slot = this.#arena.allocateSlot(addressOf(symbol) ?? 0n);
            this.#slots.set(symbol, slot);
            fresh.push(symbol);
          }
          slots.set(symbol, slot.address);
        }
      }
      for (const { code } of plan) {
        blocks.push(
          this.#arena.allocate(code.code, {
            name: code.symbol,
            traps: code.traps,
            relocate: (copy, address) => copy.set(patchImports({ code: copy, imports: code.imports }, address, slots)),
          }),
        );
      }
    } catch (error) {
      for (const block of blocks) block.close();
      for (const symbol of fresh) {
        this.#slots.get(symbol)!.close();
        this.#slots.delete(symbol);
      }
      throw error;
    }
    this.#blocks.push(...blocks);
    const installed = plan.map((planned, index) => ({ ...planned, block: blocks[index]! }));
    for (const { symbol, block } of installed) {
      const slot = this.#slots.get(symbol);
      if (slot !== undefined) slot.target = block.address;
    }
    return installed;
  }

  /** Frees all code and slots. Callables that were bound to it throw from now on. */
  close(): void {
    for (const block of this.#blocks.splice(0)) block.close();
    for (const slot of this.#slots.values()) slot.close();
    this.#slots.clear();
  }
}
