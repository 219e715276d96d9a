// A loaded SMF file as the linker sees it: which symbols it gives to others, and whether its code may run here.
import { isDeepStrictEqual } from 'node:util';
import { isPersistedSection, type JitInstantiator, type Judged } from '@simple-jit/jit-instantiator';
import { mmapReadBytes } from '@simple-jit/native-mem';
import type { MappedSmf } from '@simple-jit/smf-cache';
import { Arch, Platform, type SmfFile, type SmfSymbol, SymbolBinding, SymbolType } from '@simple-jit/smf-format';
import type { Image } from './image.js';
import { areaOf } from './layout.js';
import { canRelocate } from './relocate.js';
import { exportedHashes, isExported } from './symbol-hashes.js';

const HOST_ARCHITECTURES: Partial<Record<NodeJS.Architecture, number>> = { x64: Arch.X86_64, arm64: Arch.Aarch64 };
const HOST_PLATFORMS: Partial<Record<NodeJS.Platform, number>> = {
  linux: Platform.Linux,
  win32: Platform.Windows,
  darwin: Platform.MacOS,
  freebsd: Platform.FreeBSD,
};

const DATA_TYPES: ReadonlySet<number> = new Set([SymbolType.Data, SymbolType.Constant]);

/** A symbol that a module has and others may use. */
export interface Definition {
  readonly module: Module;
  /** What the symbol was read from. */
  readonly file: SmfFile;
  readonly symbol: SmfSymbol;
  /** It lies in code, so that it can be called. */
  readonly isFunction: boolean;
}

/** A set of names, whose members may be put together only when they are needed. */
export interface Names {
  readonly size: number;
  has(name: string): boolean;
  values(): readonly string[];
}

export class Module {
  readonly path: string;
  /** Among the loaded modules: a smaller one was loaded before. A module that is loaded again keeps it. */
  readonly order: number;
  /** The module in memory, once something of it was used. */
  image: Image | undefined;
  readonly #mapped: MappedSmf;
  readonly #judge: JitInstantiator['judge'];
  readonly #canRun: boolean;
  /** What it was when it was loaded: the file may not be readable any more when that is asked for. */
  readonly #version: Pick<MappedSmf, 'identity'> & { readonly parsed: SmfFile; readonly moduleHash: bigint };
  #judged: Judged | undefined;

  /**
   * Takes ownership of the handle.
   * @param judge tells whether its code is trusted
   * @param canRun false where no machine code is to run
   */
  constructor(mapped: MappedSmf, order: number, judge: JitInstantiator['judge'], canRun: boolean) {
    this.path = mapped.path;
    this.order = order;
    this.#mapped = mapped;
    this.#judge = judge;
    this.#canRun = canRun;
    const { file, header, identity } = mapped;
    this.#version = { parsed: file, moduleHash: header.moduleHash, identity };
  }

  /** The file that may be used: see {@link Judged}. @throws NativeMemError `ERR_FILE_SHRUNK` if that was noticed */
  get file(): SmfFile {
    return this.#judged?.copy ?? this.#mapped.file;
  }

  /** True for another handle on the same version of the file, whether it is the same mapping of it or another. */
  isSameVersion(other: MappedSmf): boolean {
    const { parsed, moduleHash, identity } = this.#version;
    if (parsed === other.file) return true;
    return moduleHash !== 0n && moduleHash === other.header.moduleHash && isDeepStrictEqual(identity, other.identity);
  }

  /** The symbol of that name which other modules may use: global or weak, in a section that is loaded, and no template. */
  definition(name: string): Definition | undefined {
    const { file } = this;
    const symbol = file.findSymbol(name);
    if (symbol !== undefined) return this.#definitionOf(symbol, file);
    void this.file; // throws if nothing was found because the file became shorter
    return undefined;
  }

  /**
   * Which of these names it has; all of them if its file cannot be read any more. Looks at the names or at the module's
   * symbols, whichever are fewer.
   */
  namesAmong(names: Names): Iterable<string> {
    try {
      const { symbols } = this.file;
      if (names.size < symbols.length) return names.values().filter((name) => this.definition(name) !== undefined);
      return Array.from(symbols, ({ name }) => name).filter((name) => names.has(name));
    } catch {
      // Damaged, or shorter than it was. Whoever needs more of it than that is told so.
      return names.values();
    }
  }

  /** The stored name hashes of all such symbols, and of some that are none: an index to look further with. */
  exportedHashes(): Iterable<number> {
    const { file } = this;
    return exportedHashes(file, (offset, length) => {
      const { address, offset: start } = this.#mapped;
      // Of a mapping a copy: what of a large file is read is to be as little as can be, and it may shrink.
      if (address !== 0n && this.#judged?.copy === undefined) return mmapReadBytes(address, start + offset, length);
      return file.bytes.subarray(offset, offset + length);
    });
  }

  /**
   * To be called after its bytes were copied, and before they are used: a file that became shorter shows zeros.
   * @throws NativeMemError `ERR_FILE_SHRUNK`
   */
  checkWhole(): void {
    if (this.#judged?.copy !== undefined) return;
    const { address, offset, size } = this.#mapped;
    if (address !== 0n && size > 0) mmapReadBytes(address, offset + size - 1, 1);
  }

  /** The last symbol that begins in a section at an offset or before it, of any binding. Goes through the symbol table. */
  symbolBefore(section: number, offset: number): SmfSymbol | undefined {
    let best: SmfSymbol | undefined;
    for (const symbol of this.file.symbols) {
      if (symbol.sectionIndex !== section || symbol.type === SymbolType.None || symbol.value > offset) continue;
      // Of those at one place a global one says more than a local one, such as that of a section.
      if (
        best === undefined ||
        symbol.value > best.value ||
        (symbol.value === best.value && symbol.binding !== SymbolBinding.Local)
      ) {
        best = symbol;
      }
    }
    return best;
  }

  /** Why its code may not run here; undefined if it may. Reads the whole of a signed file, once. */
  refusal(): string | undefined {
    if (!this.#canRun) return 'machine code cannot run in interpret mode';
    const { arch, platform } = this.file.header;
    if (arch !== HOST_ARCHITECTURES[process.arch]) {
      return `its code is for architecture ${arch}, this machine is ${process.arch}`;
    }
    if (!canRelocate(arch)) return `code for architecture ${arch} cannot be linked yet`;
    if (platform !== Platform.Any && platform !== HOST_PLATFORMS[process.platform]) {
      return `its code is for platform ${platform}, this is ${process.platform}`;
    }
    this.#judged ??= this.#judge(this.#mapped);
    const { trust } = this.#judged;
    return trust.trusted ? undefined : `its native code is not trusted: ${trust.reason}`;
  }

  /** Lets go of the file; the image is the linker's to let go of. */
  close(): void {
    this.#mapped.close();
  }

  #definitionOf(symbol: SmfSymbol, file: SmfFile): Definition | undefined {
    if (!isExported(symbol.type, symbol.binding) || symbol.isTemplate) return undefined;
    const area = areaOfSymbol(file, symbol);
    // The C-aligned layouts have all symbols in the code, data too.
    return area && { module: this, file, symbol, isFunction: area === 'code' && !DATA_TYPES.has(symbol.type) };
  }
}

/** The area of memory that a defined symbol lies in; undefined if it is in none. */
export function areaOfSymbol(file: SmfFile, symbol: SmfSymbol): ReturnType<typeof areaOf> {
  const section = file.sections[symbol.sectionIndex];
  // What the JIT wrote back is the JIT's to check and link.
  return section === undefined || isPersistedSection(section) ? undefined : areaOf(section.type);
}
