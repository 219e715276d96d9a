// Entries: code that only leads on through a slot. Who calls a function from JavaScript does it through one, and is
// redirected like all other callers.
import { signatureToString } from '@simple-jit/template-ir';
import type { Installed } from './backend.js';
import type { CallGraph, Slot } from './call-graph.js';

export class Entries<Code extends object, Pointer> {
  readonly #graph: CallGraph<Code, Pointer>;
  readonly #bySlot = new Map<Slot<Code, Pointer>, Code>();

  constructor(graph: CallGraph<Code, Pointer>) {
    this.#graph = graph;
  }

  /** The entry that leads through a slot. @param make makes it and adds it to the graph, the first time */
  of(slot: Slot<Code, Pointer>, make: () => Code): Code {
    let entry = this.#bySlot.get(slot);
    if (entry === undefined) {
      try {
        entry = make();
      } catch (error) {
        this.#graph.discard(slot);
        throw error;
      }
      this.#bySlot.set(slot, entry);
    }
    return entry;
  }

  /** Ends those that lead to these functions, and to what replaced them. */
  close(functions: readonly Installed[]): void {
    for (const { symbol, code } of functions) {
      const slot = this.#graph.slot(symbol, signatureToString(code.signature));
      const entry = slot && this.#bySlot.get(slot);
      if (entry === undefined) continue;
      this.#bySlot.delete(slot!);
      this.#graph.release(entry);
    }
    this.#graph.collect();
  }

  /** Forgets all of them; whoever closes the graph ends them. */
  clear(): void {
    this.#bySlot.clear();
  }
}
