// Installs planned functions: slots for what they call, the code with its displacements patched, then the slots are set.
// Until every block is in place no slot of the plan has a new target and nobody has an address: no caller sees half of it.
// What was replaced is freed once nothing that can still be called leads to it.
import { compileUnit, patchImports, slotKeyOf } from '@simple-jit/codegen';
import {
  bindFunction,
  type CodeArena,
  type CodeBlock,
  type CpuFeature,
  cpuFeatures,
  type ImportSlot,
  processSymbol,
} from '@simple-jit/native-mem';
import { type ConcreteFunction, signatureToString } from '@simple-jit/template-ir';
import { type Backend, type Callable, EXTERNAL_NOT_ALLOWED, type Generated, type Installed } from './backend.js';
import { CallGraph, type Slot } from './call-graph.js';
import { Entries } from './entries.js';
import type { FunctionImport } from './function.js';
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
  readonly #entries = new Entries(this.#graph);
  /** Jumps whose addresses code has taken: who keeps one may call it as long as there is this linker. */
  readonly #pinned = new Map<LinkSlot, CodeBlock>();
  readonly #externals: ReadonlySet<string>;
  readonly cpuFeatures: ReadonlySet<CpuFeature> = new Set(cpuFeatures());

  /** @param externals the C functions that code may call */
  constructor(arena: CodeArena, externals: readonly string[]) {
    this.#arena = arena;
    this.#externals = new Set(externals);
  }

  generate(fn: ConcreteFunction): Generated {
    const options = { cpuFeatures: this.cpuFeatures };
    const { functions, code, imports, traps, generator, target, cpuFeatures } = compileUnit([fn], options);
    return {
      signature: functions[0]!.signature,
      code,
      imports,
      traps,
      requirements: { generator, target, cpuFeatures },
    };
  }

  externalProblem(symbol: string): string | undefined {
    if (!this.#externals.has(symbol)) return EXTERNAL_NOT_ALLOWED;
    if (processSymbol(symbol) === undefined)
      return 'this process has no such symbol: load the library that defines it first';
    return undefined;
  }

  /** @throws NativeMemError if memory is refused */
  install(plan: readonly Planned[], installed: (symbol: string) => Installed | undefined): Linked[] {
    const blocks: CodeBlock[] = [];
    const fresh: LinkSlot[] = [];
    try {
      const slotOf = (needs: FunctionImport): LinkSlot => {
        const { symbol, signature } = needs;
        const key = slotKeyOf(needs);
        // Of a C function, the signature is only what one of its calls believes.
        const text = needs.kind === 'external' ? '' : signatureToString(signature);
        const known = this.#graph.slot(key, text);
        if (known !== undefined) return known;
        let slot: LinkSlot;
        if (needs.kind === 'external') {
          const pointer = this.#arena.allocateSlot(processSymbol(symbol)!);
          slot = this.#graph.addSlot(key, text, pointer, undefined);
        } else if (needs.kind === 'address') {
          slot = this.#addSlot(key, text, this.#pin(slotOf({ ...needs, kind: 'call' })));
        } else slot = this.#addSlot(key, text, blockOf(installed(symbol)));
        fresh.push(slot);
        return slot;
      };
      const slots = plan.map(({ code }) => code.imports.map(slotOf));
      for (const [index, { code }] of plan.entries()) {
        const addresses = new Map(
          code.imports.map((needs, i) => [slotKeyOf(needs), slots[index]![i]!.pointer.address]),
        );
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
      for (const slot of fresh.toReversed()) this.#graph.discard(slot);
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
    return this.#entries.of(slot, () => this.#addJump(slot)).address;
  }

  closeEntries(entries: readonly Installed[]): void {
    this.#entries.close(entries);
  }

  isCalled(symbol: string): boolean {
    return this.#graph.isCalled(symbol);
  }

  /** Frees all code and slots. Callables that were bound to it throw from now on. */
  close(): void {
    this.#entries.clear();
    this.#pinned.clear();
    this.#graph.close();
  }

  /** Code whose address leads to whatever the slot leads to, for good. */
  #pin(slot: LinkSlot): CodeBlock {
    let jump = this.#pinned.get(slot);
    if (jump === undefined) {
      jump = this.#addJump(slot);
      this.#pinned.set(slot, jump);
    }
    return jump;
  }

  #addJump(slot: LinkSlot): CodeBlock {
    const { symbol } = slot;
    const imports = [{ symbol, sites: [JUMP_DISPLACEMENT_AT] }];
    const jump = this.#arena.allocate(JUMP_THROUGH_SLOT, {
      name: symbol,
      relocate: (copy, address) => {
        patchImports({ code: copy, imports }, address, new Map([[symbol, slot.pointer.address]]), copy);
      },
    });
    this.#graph.add(jump, [slot]);
    return jump;
  }

  #addSlot(symbol: string, signature: string, target: CodeBlock | undefined): LinkSlot {
    return this.#graph.addSlot(symbol, signature, this.#arena.allocateSlot(target?.address ?? 0n), target);
  }
}

/** What this backend installed. */
const blockOf = (entry: Installed | undefined): CodeBlock | undefined => (entry as Linked | undefined)?.block;
