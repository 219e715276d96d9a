// A module in memory: its areas, and what it holds on to. Made and filled by linker.ts.
import type { CodeArena, CodeBlock, DataBlock } from '@simple-jit/native-mem';
import type { SmfSymbol } from '@simple-jit/smf-format';
import { LinkError } from './errors.js';
import type { ImportStub } from './import-stubs.js';
import type { Area, AreaExtent, Layout, PlacedSection } from './layout.js';

/** How much memory it takes, in bytes. */
export interface Extent {
  readonly codeBytes: number;
  readonly dataBytes: number;
  readonly constantBytes: number;
}

export class Image {
  readonly path: string;
  readonly layout: Layout;
  /** Whose data this one's code and data refer to by address: they stay in memory as long as this one does. */
  readonly dependencies = new Set<Image>();
  /** Those that this one is a dependency of. */
  readonly dependents = new Set<Image>();
  /** Of what it calls. By name, as the next. */
  readonly calledStubs = new Map<string, ImportStub>();
  /**
   * Of what it has the address. That may be stored anywhere by now, so these stay when it goes: for C it is the address of a
   * function of another module, which is good as long as that module is.
   */
  readonly takenStubs = new Map<string, ImportStub>();
  readonly #arena: CodeArena;
  #code: CodeBlock | undefined;
  readonly #writable: DataBlock | undefined;
  readonly #constant: DataBlock | undefined;
  readonly #bases: Record<Area, number>;

  /** Reserves the memory of its data; its code follows. @throws NativeMemError if memory is refused */
  constructor(path: string, layout: Layout, arena: CodeArena) {
    this.path = path;
    this.layout = layout;
    this.#arena = arena;
    const { writable, constant } = layout.areas;
    this.#writable = allocateData(arena, writable, `${path} data`);
    try {
      this.#constant = allocateData(arena, constant, `${path} constants`);
    } catch (error) {
      this.#writable?.close();
      throw error;
    }
    this.#bases = {
      code: 0,
      writable: Number(this.#writable?.address ?? 0n),
      constant: Number(this.#constant?.address ?? 0n),
    };
  }

  /**
   * Installs the code, then fills in the data and seals the constants. What is zeros is not written, however much it is.
   *
   * @param relocate what the file has of a section; addresses in the module are known by then
   * @param slots what is in the global offset table
   * @throws NativeMemError if memory is refused; whatever the two throw
   */
  install(relocate: (section: PlacedSection, bytes: Uint8Array) => void, slots: () => BigUint64Array): void {
    const sections = [...this.layout.sections.values()];
    const { code } = this.layout.areas;
    if (code.size > 0) {
      const codeSections = sections.filter(({ area }) => area === 'code');
      const between = new Uint8Array(code.size).fill(TRAP);
      for (const { offset, bytes } of codeSections) between.set(bytes, offset);
      this.#code = this.#arena.allocate(between, {
        name: this.path,
        alignment: Math.max(64, code.alignment),
        relocate: (copy, address) => {
          this.#bases.code = Number(address);
          for (const section of codeSections) {
            relocate(section, copy.subarray(section.offset, section.offset + section.size));
          }
        },
      });
    }
    for (const section of sections) {
      if (section.area === 'code') continue;
      const bytes = section.bytes.slice();
      relocate(section, bytes);
      if (bytes.length > 0) this.#blockOf(section.area)?.write(bytes, section.offset);
    }
    const table = slots();
    if (table.length > 0) this.#constant?.write(new Uint8Array(table.buffer), this.layout.slotOffset(0));
    this.#constant?.seal();
  }

  get extent(): Extent {
    const { code, writable, constant } = this.layout.areas;
    return { codeBytes: code.size, dataBytes: writable.size, constantBytes: constant.size };
  }

  /** Where a section is. */
  addressOfSection(index: number): number | undefined {
    const section = this.layout.sections.get(index);
    return section && this.#bases[section.area] + section.offset;
  }

  /** Where the slot of the global offset table is. */
  addressOfSlot(slot: number): number {
    return this.#bases.constant + this.layout.slotOffset(slot);
  }

  /** Where a symbol of this module is. @throws LinkError `ERR_BAD_SYMBOL` */
  addressOf({ name, sectionIndex, value }: SmfSymbol): number {
    return this.addressIn(sectionIndex, value, name);
  }

  /**
   * Where an offset of a section is.
   * @param what begins there
   * @throws LinkError `ERR_BAD_SYMBOL` if the section is not loaded, or ends before
   */
  addressIn(index: number, offset: number, what: string): number {
    const section = this.layout.sections.get(index);
    if (section === undefined) {
      throw new LinkError('ERR_BAD_SYMBOL', this.path, `${what} is in no section that is loaded`, { symbol: what });
    }
    // A symbol at the very end of data is how code says where it ends; at the end of code there is nothing to run.
    if (offset < section.size || (offset === section.size && section.area !== 'code')) {
      return this.#bases[section.area] + section.offset + offset;
    }
    const size = section.size === 0 ? 'is empty' : `has ${section.size} bytes`;
    throw new LinkError(
      'ERR_BAD_SYMBOL',
      this.path,
      `${what} begins at offset ${offset} of section ${section.name}, which ${size}`,
      { symbol: what, section: section.name, offset },
    );
  }

  /** The section that an address lies in, and how many bytes from its start. */
  placeOf(address: number): { readonly section: number; readonly offset: number } | undefined {
    for (const { index, area, offset, size } of this.layout.sections.values()) {
      const within = address - this.#bases[area] - offset;
      if (within >= 0 && within < size) return { section: index, offset: within };
    }
    return undefined;
  }

  dependOn(other: Image): void {
    if (other === this) return;
    this.dependencies.add(other);
    other.dependents.add(this);
  }

  /** Gives the memory back. What a call is in right now native-mem keeps until that ends. */
  close(): void {
    for (const block of [this.#code, this.#writable, this.#constant]) block?.close();
    for (const other of this.dependencies) other.dependents.delete(this);
  }

  #blockOf(area: 'writable' | 'constant'): DataBlock | undefined {
    return area === 'writable' ? this.#writable : this.#constant;
  }
}

/** int3: what lies between sections of code. */
const TRAP = 0xcc;

function allocateData(arena: CodeArena, { size, alignment }: AreaExtent, name: string): DataBlock | undefined {
  return size === 0 ? undefined : arena.allocateData(size, { alignment, name });
}
