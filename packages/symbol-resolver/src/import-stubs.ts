// How code of one module calls a name that is not its own: through a stub, `jmp [slot]`, in reach of all code of the arena.
// There is one for a name, whoever calls it, so that one store redirects all callers. A slot that is not bound leads to
// the resolver: the first call finds the function (instantiating it, or loading its module), and if that fails, the error
// is thrown by the call from JavaScript.
import type { CodeArena, CodeBlock, ImportSlot } from '@simple-jit/native-mem';

/** jmp [rip + displacement]: System V leaves every register as the callee expects it. */
const JUMP_THROUGH_SLOT = Uint8Array.of(0xff, 0x25, 0, 0, 0, 0);
const DISPLACEMENT_AT = 2;

export interface ImportStub {
  readonly name: string;
  /** What callers call, and what the function's address is to them. */
  readonly address: bigint;
}

interface Stub extends ImportStub {
  readonly block: CodeBlock;
  readonly slot: ImportSlot;
  /** What the slot points to while it is not bound. */
  readonly unbound: bigint;
  users: number;
}

export class ImportStubs {
  readonly #arena: CodeArena;
  readonly #find: (name: string) => bigint;
  readonly #stubs = new Map<string, Stub>();
  readonly #names = new Map<bigint, string>();

  /** @param find the present address of a function, called by the first call; what it throws, that call throws */
  constructor(arena: CodeArena, find: (name: string) => bigint) {
    this.#arena = arena;
    this.#find = find;
  }

  get size(): number {
    return this.#stubs.size;
  }

  has(name: string): boolean {
    return this.#stubs.has(name);
  }

  /** The name whose stub is at an address. */
  nameAt(address: bigint): string | undefined {
    return this.#names.get(address);
  }

  names(): Iterable<string> {
    return this.#stubs.keys();
  }

  /** The stub of a name, for one more user. @throws NativeMemError if memory is refused */
  acquire(name: string): ImportStub {
    let stub = this.#stubs.get(name);
    if (stub === undefined) {
      stub = this.#make(name);
      this.#stubs.set(name, stub);
      this.#names.set(stub.address, name);
    }
    stub.users += 1;
    return stub;
  }

  /** One user less; without users it is freed. */
  release({ name }: ImportStub): void {
    const stub = this.#stubs.get(name);
    if (stub === undefined) return;
    stub.users -= 1;
    if (stub.users > 0) return;
    this.#stubs.delete(name);
    this.#names.delete(stub.address);
    stub.block.close();
    stub.slot.close();
  }

  /** The next call through the name's stub finds the function anew. */
  unbind(name: string): void {
    const stub = this.#stubs.get(name);
    if (stub !== undefined) stub.slot.target = stub.unbound;
  }

  /** Frees all of them. */
  close(): void {
    for (const { block, slot } of this.#stubs.values()) {
      block.close();
      slot.close();
    }
    this.#stubs.clear();
    this.#names.clear();
  }

  #make(name: string): Stub {
    const slot = this.#arena.allocateLazySlot(() => this.#find(name));
    try {
      const block = this.#arena.allocate(JUMP_THROUGH_SLOT, {
        name: name.replaceAll('\0', ''),
        relocate: (copy, address) => {
          const distance = Number(slot.address - address) - JUMP_THROUGH_SLOT.length;
          new DataView(copy.buffer, copy.byteOffset).setInt32(DISPLACEMENT_AT, distance, true);
        },
      });
      return { name, address: block.address, block, slot, unbound: slot.target, users: 0 };
    } catch (error) {
      slot.close();
      throw error;
    }
  }
}
