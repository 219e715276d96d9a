// The native code that an SMF module brings along: installed at the first use of one of its symbols, if it may run here.
import { isPersistedSection } from '@simple-jit/jit-instantiator';
import type { CodeArena, CodeBlock } from '@simple-jit/native-mem';
import type { MappedSmf } from '@simple-jit/smf-cache';
import {
  Arch,
  Platform,
  RelocationType,
  SectionType,
  SmfFormatError,
  type SmfSymbol,
  SymbolBinding,
} from '@simple-jit/smf-format';

/** A symbol's address, or the reason why its code may not run. */
export type Found = { readonly address: bigint } | { readonly refused: string };

export class ModuleCode {
  readonly path: string;
  readonly #file: MappedSmf;
  readonly #arena: CodeArena | undefined;
  readonly #sections = new Map<number, CodeBlock>();

  /** Takes ownership of the handle. @param arena undefined where no machine code is to run */
  constructor(file: MappedSmf, arena: CodeArena | undefined) {
    this.path = file.path;
    this.#file = file;
    this.#arena = arena;
  }

  /** The compiled symbol of that name that other modules may use: global or weak, and not a template. */
  symbol(name: string): SmfSymbol | undefined {
    const symbol = this.#file.file.findSymbol(name);
    if (symbol === undefined || symbol.binding === SymbolBinding.Local || symbol.isTemplate) return undefined;
    const section = this.#file.sections[symbol.sectionIndex];
    // What the JIT wrote back is the JIT's to check and link.
    return section?.type === SectionType.Code && !isPersistedSection(section) ? symbol : undefined;
  }

  /** Where the symbol is in executable memory; installs its section first. @throws NativeMemError if memory is refused */
  find(symbol: SmfSymbol): Found {
    let block = this.#sections.get(symbol.sectionIndex);
    if (block === undefined) {
      const refused = this.#refusal(symbol.sectionIndex);
      if (refused !== undefined) return { refused: `${this.path}: ${refused}` };
      if (this.#arena === undefined) return { refused: `${this.path}: machine code cannot run in interpret mode` };
      const code = this.#code(symbol.sectionIndex);
      if (typeof code === 'string') return { refused: `${this.path}: ${code}` };
      const section = this.#file.sections[symbol.sectionIndex]!;
      block = this.#arena.allocate(code, { name: `${this.path} ${section.name}` });
      this.#sections.set(symbol.sectionIndex, block);
    }
    if (symbol.value >= block.size) {
      return {
        refused: `${this.path}: ${symbol.name} begins at ${symbol.value}, beyond its section's ${block.size} bytes`,
      };
    }
    return { address: block.address + BigInt(symbol.value) };
  }

  /** The bytes of a section, or the reason why there are none to run. */
  #code(sectionIndex: number): Uint8Array | string {
    try {
      const code = this.#file.readSection(sectionIndex);
      return code.length > 0 ? code : 'its code section is empty';
    } catch (error) {
      if (error instanceof SmfFormatError) return error.message;
      throw error;
    }
  }

  /** Frees the code and lets go of the file. */
  close(): void {
    for (const block of this.#sections.values()) block.close();
    this.#sections.clear();
    this.#file.close();
  }

  #refusal(sectionIndex: number): string | undefined {
    const { header, trust } = this.#file;
    if (!trust.trusted) return `its native code is not trusted: ${trust.reason}`;
    if (header.arch !== Arch.X86_64 || process.arch !== 'x64') {
      return `its code is for architecture ${header.arch}, this machine is ${process.arch}`;
    }
    if (header.platform !== Platform.Any && header.platform !== hostPlatform()) {
      return `its code is for platform ${header.platform}, this is ${process.platform}`;
    }
    try {
      if (this.#file.file.relocationsOf(sectionIndex).some(({ type }) => type !== RelocationType.None)) {
        return 'its code refers to other symbols: only position-independent code without relocations can be loaded';
      }
    } catch (error) {
      if (error instanceof SmfFormatError) return error.message;
      throw error;
    }
    return undefined;
  }
}

function hostPlatform(): number | undefined {
  const platforms: Partial<Record<NodeJS.Platform, number>> = {
    linux: Platform.Linux,
    win32: Platform.Windows,
    darwin: Platform.MacOS,
    freebsd: Platform.FreeBSD,
  };
  return platforms[process.platform];
}
