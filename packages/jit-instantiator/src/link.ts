// Installs planned functions: slots for what they call, the code with its displacements patched, then the slots are set.
// Until every block is in place no slot of the plan has a new target and nobody has an address: no caller sees half of it.
// What was replaced is freed once nothing that can still be called leads to it.
import { compileUnit, patchImports } from '@simple-jit/codegen';
import { bindFunction, type CodeArena, type CodeBlock, type ImportSlot } from '@simple-jit/native-mem';
import { type ConcreteFunction, signatureToString } from '@simple-jit/template-ir';
import type { Backend, Callable, Generated, Installed } from './backend.js';
import { CallGraph, type Slot } from './call-graph.js';
import { nativeSignature } from './native-signature.js';
import type { Planned } from './plan.js';

/** A function in executable memory. */
interface Linked extends Installed {
  readonly block: CodeBlock;
}

type LinkSlot = Slot<CodeBlock, ImportSlot>;

/** jmp [rip + displacement]: System V leaves every register as the callee expects it. */
const JUMP_THROUGH_SLOT = Uint8Array.of(0xff, 0x25, 0, 0, 0, 0);
const JUMP_DISPLACEMENT_AT = 2;

export class Linker implements Backend {
  readonly mode = 'native';
  readonly #arena: CodeArena;
  readonly #graph = new CallGraph<CodeBlock, ImportSlot>({
    redirect: (pointer, block) => {
      pointer.target = block.address;
    },
    closeCode: (block) => block.close(),
    closePointer: (pointer) => pointer.close(),
  });
  /** Code that jumps through a slot, so that JS callers are redirected like all others. */
  readonly #entries = new Map<LinkSlot, CodeBlock>();

  constructor(arena: CodeArena) {
    this.#arena = arena;
  }

  generate(fn: ConcreteFunction): Generated {
    const { functions, code, imports, traps, generator, target, cpuFeatures } = compileUnit([fn]);
    return {
      signature: functions[0]!.signature,
      code,
      imports,
      traps,
      requirements: { generator, target, cpuFeatures },
    };
  }

  /** @throws NativeMemError if memory is refused */
  install(plan: readonly Planned[], installed: (symbol: string) => Installed | undefined): Linked[] {
    const blocks: CodeBlock[] = [];
    const fresh: LinkSlot[] = [];
    try {
      const slots = plan.map(({ code }) =>
        code.imports.map(({ symbol, signature }) => {
          const text = signatureToString(signature);
          const known = this.#graph.slot(symbol, text);
          if (known !== undefined) return known;
          const slot = this.#addSlot(symbol, text, blockOf(installed(symbol)));
          fresh.push(slot);
          return slot;
        }),
      );
      for (const [index, { code }] of plan.entries()) {
        const addresses = new Map(code.imports.map(({ symbol }, i) => [symbol, slots[index]![i]!.pointer.address]));
        const block = this.#arena.allocate(code.code, {
          name: code.symbol,
          traps: code.traps,
          relocate: (copy, address) => {
            patchImports({ code: copy, imports: code.imports }, address, addresses, copy);
          },
        });
        blocks.push(block);
        this.#graph.add(block, slots[index]!);
      }
    } catch (error) {
      for (const block of blocks) this.#graph.release(block);
      this.#graph.collect();
      for (const slot of fresh) this.#graph.discard(slot);
      throw error;
    }
    const result = plan.map((planned, index) => ({ ...planned, block: blocks[index]! }));
    for (const { symbol, code, block } of result) {
      const slot = this.#graph.slot(symbol, signatureToString(code.signature));
      if (slot !== undefined) this.#graph.redirect(slot, block);
    }
    this.#graph.collect();
    return result;
  }

  /** Code that a call is in right now is kept by native-mem until that ends. */
  release(entries: readonly Installed[]): void {
    for (const { block } of entries as readonly Linked[]) this.#graph.release(block);
    this.#graph.collect();
  }

  callable(entry: Installed): Callable {
    return bindFunction(this.entryOf(entry), nativeSignature(entry.code.signature)) as Callable;
  }

  entryOf(installed: Installed): bigint {
    const { symbol, code } = installed;
    const signature = signatureToString(code.signature);
    const slot = this.#graph.slot(symbol, signature) ?? this.#addSlot(symbol, signature, (installed as Linked).block);
    let entry = this.#entries.get(slot);
    if (entry === undefined) {
      const sites = [JUMP_DISPLACEMENT_AT];
      const imports = [{ symbol, template: '', typeArgs: [], signature: code.signature, sites }];
      try {
        entry = this.#arena.allocate(JUMP_THROUGH_SLOT, {
          name: symbol,
          relocate: (copy, address) => {
            patchImports({ code: copy, imports }, address, new Map([[symbol, slot.pointer.address]]), copy);
          },
        });
      } catch (error) {
        this.#graph.discard(slot);
        throw error;
      }
      this.#graph.add(entry, [slot]);
      this.#entries.set(slot, entry);
    }
    return entry.address;
  }

  closeEntries(entries: readonly Installed[]): void {
    for (const { symbol, code } of entries) {
      const slot = this.#graph.slot(symbol, signatureToString(code.signature));
      const entry = slot && this.#entries.get(slot);
      if (entry === undefined) continue;
      this.#entries.delete(slot!);
      this.#graph.release(entry);
    }
    this.#graph.collect();
  }

  isCalled(symbol: string): boolean {
    return this.#graph.isCalled(symbol);
  }

  /** Frees all code and slots. Callables that were bound to it throw from now on. */
  close(): void {
    this.#entries.clear();
    this.#graph.close();
  }

  #addSlot(symbol: string, signature: string, target: CodeBlock | undefined): LinkSlot {
    return this.#graph.addSlot(symbol, signature, this.#arena.allocateSlot(target?.address ?? 0n), target);
  }
}

/** What this backend installed. */
const blockOf = (entry: Installed | undefined): CodeBlock | undefined => (entry as Linked | undefined)?.block;
