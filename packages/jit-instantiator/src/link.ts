// Installs planned functions: slots for what they call, the code with its displacements patched, then the slots are set.
// Until every block is in place no slot of the plan has a new target and nobody has an address: no caller sees half of it.
// What was replaced is freed once nothing that can still be called leads to it.
import { compileUnit, patchImports } from '@simple-jit/codegen';
import { bindFunction, type CodeArena, type CodeBlock, type ImportSlot } from '@simple-jit/native-mem';
import { type ConcreteFunction, type Signature, signatureToString } from '@simple-jit/template-ir';
import type { Backend, Callable, Generated, Installed } from './backend.js';
import { nativeSignature } from './native-signature.js';
import type { Planned } from './plan.js';

/** A function in executable memory. */
interface Linked extends Installed {
  readonly block: CodeBlock;
}

/** Where all calls of a symbol go that rely on one signature. Code of another signature gets a slot of its own. */
interface Slot {
  readonly symbol: string;
  readonly pointer: ImportSlot;
  target: CodeBlock | undefined;
}

/** jmp [rip + displacement]: System V leaves every register as the callee expects it. */
const JUMP_THROUGH_SLOT = Uint8Array.of(0xff, 0x25, 0, 0, 0, 0);
const JUMP_DISPLACEMENT_AT = 2;

export class Linker implements Backend {
  readonly mode = 'native';
  readonly #arena: CodeArena;
  readonly #slots = new Map<string, Slot>();
  /** Every open block, with the keys of the slots that it calls through. */
  readonly #blocks = new Map<CodeBlock, readonly string[]>();
  /** By slot key: code that jumps through it, so that JS callers are redirected like all others. */
  readonly #entries = new Map<string, CodeBlock>();

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
    const fresh: string[] = [];
    try {
      const keys = plan.map(({ code }) =>
        code.imports.map(({ symbol, signature }) => {
          const key = slotKey(symbol, signature);
          if (this.#slots.has(key)) return key;
          fresh.push(key);
          const target = blockOf(installed(symbol));
          this.#slots.set(key, { symbol, pointer: this.#arena.allocateSlot(target?.address ?? 0n), target });
          return key;
        }),
      );
      for (const [index, { code }] of plan.entries()) {
        const addresses = new Map(
          code.imports.map(({ symbol }, i) => [symbol, this.#slots.get(keys[index]![i]!)!.pointer.address]),
        );
        const block = this.#arena.allocate(code.code, {
          name: code.symbol,
          traps: code.traps,
          relocate: (copy, address) => {
            patchImports({ code: copy, imports: code.imports }, address, addresses, copy);
          },
        });
        blocks.push(block);
        this.#blocks.set(block, keys[index]!);
      }
    } catch (error) {
      for (const block of blocks) this.#closeBlock(block);
      for (const key of fresh) this.#closeSlot(key);
      throw error;
    }
    const result = plan.map((planned, index) => ({ ...planned, block: blocks[index]! }));
    for (const { symbol, code, block } of result) {
      const slot = this.#slots.get(slotKey(symbol, code.signature));
      if (slot !== undefined) redirect(slot, block);
    }
    return result;
  }

  callable(entry: Installed): Callable {
    return bindFunction(this.entryOf(entry), nativeSignature(entry.code.signature)) as Callable;
  }

  entryOf(installed: Installed): bigint {
    const { symbol, code, block } = installed;
    const key = slotKey(symbol, code.signature);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const known = this.#slots.get(key);
      const slot = known ?? { symbol, pointer: this.#arena.allocateSlot(block.address), target: blockOf(installed) };
      this.#slots.set(key, slot);
      const imports = [
        { symbol, template: '', typeArgs: [], signature: code.signature, sites: [JUMP_DISPLACEMENT_AT] },
      ];
      entry = this.#arena.allocate(JUMP_THROUGH_SLOT, {
        name: symbol,
        relocate: (copy, address) => {
          patchImports({ code: copy, imports }, address, new Map([[symbol, slot.pointer.address]]), copy);
        },
      });
      this.#blocks.set(entry, [key]);
      this.#entries.set(key, entry);
    }
    return entry.address;
  }

  closeEntry({ symbol, code }: Installed): void {
    const key = slotKey(symbol, code.signature);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#closeBlock(entry);
  }

  called(published: Iterable<Installed>): Set<string> {
    const { slots } = this.#reachable(published);
    return new Set([...slots].map((key) => this.#slots.get(key)!.symbol));
  }

  /** Code that a call is in right now is kept by native-mem until that ends. */
  collect(published: Iterable<Installed>): void {
    const { blocks, slots } = this.#reachable(published);
    for (const block of [...this.#blocks.keys()]) if (!blocks.has(block)) this.#closeBlock(block);
    for (const key of [...this.#slots.keys()]) if (!slots.has(key)) this.#closeSlot(key);
  }

  /** Frees all code and slots. Callables that were bound to it throw from now on. */
  close(): void {
    this.#entries.clear();
    this.collect([]);
  }

  #reachable(published: Iterable<Installed>): { blocks: Set<CodeBlock>; slots: Set<string> } {
    const blocks = new Set<CodeBlock>(this.#entries.values());
    for (const entry of published) blocks.add((entry as Linked).block);
    const slots = new Set<string>();
    // A Set that grows while it is walked is walked to its new end.
    for (const block of blocks) {
      for (const key of this.#blocks.get(block) ?? []) {
        slots.add(key);
        const { target } = this.#slots.get(key)!;
        if (target !== undefined) blocks.add(target);
      }
    }
    return { blocks, slots };
  }

  #closeBlock(block: CodeBlock): void {
    this.#blocks.delete(block);
    block.close();
  }

  #closeSlot(key: string): void {
    this.#slots.get(key)?.pointer.close();
    this.#slots.delete(key);
  }
}

const slotKey = (symbol: string, signature: Signature): string => `${symbol} ${signatureToString(signature)}`;

/** What this backend installed. */
const blockOf = (entry: Installed | undefined): CodeBlock | undefined => (entry as Linked | undefined)?.block;

function redirect(slot: Slot, block: CodeBlock): void {
  slot.pointer.target = block.address;
  slot.target = block;
}
