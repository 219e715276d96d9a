// A user's handle on a mapped SMF file.
import type { FileIdentity } from '@simple-jit/native-mem';
import { type NoteSdnMetadata, type SmfFile, SmfFormatError, type SmfSymbol } from '@simple-jit/smf-format';
import { SmfCacheError } from './errors.js';
import type { Mapping, Part } from './mapping.js';
import { type Place, spell } from './place.js';
import { type Trust, trustOf } from './trust.js';

/** Of a handle on a module of a library. */
export interface LibraryModule {
  /** The library, absolute. */
  readonly path: string;
  /** The module's name in it. */
  readonly module: string;
}

/**
 * A mapped SMF file, or one module of a mapped library, got from {@link SmfCache.get}. Nothing is copied: sections and
 * templates are views of the mapping, those of compressed sections of what they were unpacked to.
 *
 * The file stays mapped while any handle on it (or on any module of the library) is open, whatever the cache evicts or the
 * disk does. Close it when done (or hold it with `using`); a forgotten one is unmapped when it is collected.
 *
 * Every member but `path`, `size`, `offset`, `library` and `close()` throws {@link SmfCacheError} `ERR_CLOSED` after `close()`, and
 * NativeMemError `ERR_FILE_SHRUNK` once the file was found to have become shorter while it was mapped. Views that were
 * handed out have length 0 once the last handle is closed and the cache let go of the file (unpacked ones stay); of a
 * file that became shorter they show zeros where it ended.
 *
 * @example
 * using file = cache.get('collections.smf');
 * for (const { mangledName } of file.readNoteSdn()?.possible ?? []) console.log(mangledName);
 */
export class MappedSmf implements Disposable {
  /** The absolute path it was asked for by, of a module with `#` and its name; or the id given to `cacheFromBytes`. */
  readonly path: string;
  /** Bytes, of the file or of the module. */
  readonly size: number;
  /** Where it is a module of a library: of which, and which. */
  readonly library: LibraryModule | undefined;
  readonly #part: Part;
  #mapping: Mapping | undefined;

  /** @internal Handles come from {@link SmfCache}. */
  constructor(mapping: Mapping, place: Place) {
    this.#part = mapping.part(place);
    this.#mapping = mapping.retain();
    this.path = spell(place);
    this.size = this.#part.size;
    this.library = place.module === undefined ? undefined : { path: place.file, module: place.module };
  }

  get #open(): Mapping {
    if (this.#mapping === undefined) {
      throw new SmfCacheError('ERR_CLOSED', `${this.path}: this handle is closed; get() the file again`, {
        path: this.path,
      });
    }
    return this.#mapping;
  }

  /**
   * Where the mapping of the file (or library) begins, page-aligned; 0n for bytes given to `cacheFromBytes`. Valid until
   * `close()`, for `mmapReadBytes` and its kin.
   *
   * @example mmapReadBytes(file.address, file.offset + file.size - 128, 128) // the header
   */
  get address(): bigint {
    return this.#open.address;
  }

  /** Where this begins in the mapping, in bytes: 0, unless it is a module of a library. */
  get offset(): number {
    return this.#part.offset;
  }

  /** The parsed file. Its views live as long as this handle. */
  get file(): SmfFile {
    this.#open.check();
    return this.#part.smf;
  }

  get header(): SmfFile['header'] {
    return this.file.header;
  }

  get sections(): SmfFile['sections'] {
    return this.file.sections;
  }

  get symbols(): SmfFile['symbols'] {
    return this.file.symbols;
  }

  /** Which version of which file this is (of a module: of which library); undefined for bytes that came from no file. */
  get identity(): FileIdentity | undefined {
    return this.#open.identity;
  }

  /** Whether its native code may run (the trust rule of docs/architecture.md). */
  get trust(): Trust {
    return trustOf(this.identity);
  }

  /**
   * The note of the file, or undefined if it has none.
   * @throws SmfFormatError or SdnSyntaxError if the note is damaged
   */
  readNoteSdn(): NoteSdnMetadata | undefined {
    return this.#read((smf) => smf.noteSdn());
  }

  /**
   * The TemplateCode entry of a symbol: its length field and what follows, a view of the mapping.
   *
   * @param symbol a name, or one of `symbols`
   * @param offset where the entry is in the TemplateCode section; the symbol's `templateOffset` unless given
   * @throws SmfCacheError `ERR_NO_SUCH_SYMBOL`, `ERR_NO_TEMPLATE`
   * @throws SmfFormatError if the entry is damaged
   */
  readTemplateBytes(symbol: string | SmfSymbol, offset?: number): Uint8Array {
    return this.#read((smf) => {
      const found = typeof symbol === 'string' ? smf.findSymbol(symbol) : symbol;
      if (found === undefined) throw this.#error('ERR_NO_SUCH_SYMBOL', 'no symbol', String(symbol));
      const at = offset ?? found.templateOffset;
      const template = at === 0 ? undefined : smf.templateAt(at);
      if (template === undefined) throw this.#error('ERR_NO_TEMPLATE', 'no generic template:', found.name);
      return template.entry;
    });
  }

  /**
   * The bytes of a section; a view of the mapping. A compressed one is unpacked first, once for all handles: the cache
   * keeps the result as long as it keeps the file and `maxMemory` allows, and who holds it may go on doing so.
   *
   * @throws SmfFormatError if there is no such section, it is damaged, or there is no codec for it
   */
  readSection(index: number): Uint8Array {
    return this.#read((smf) => smf.sectionData(index));
  }

  /** Asks the system to read the whole file (or module) ahead. A hint, as madvise(2) is. */
  readAhead(): void {
    this.#open.readAhead(this.#part);
  }

  /** Lets go of the file. Closing twice does nothing. */
  close(): void {
    this.#mapping?.release();
    this.#mapping = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What `action` reads, unless the file became shorter by then: what it read may be zeros. */
  #read<T>(action: (smf: SmfFile) => T): T {
    const mapping = this.#open;
    let result: T;
    try {
      result = action(this.#part.smf);
    } catch (error) {
      mapping.checkWhole();
      throw error instanceof SmfFormatError ? error.inFile(this.path) : error;
    }
    mapping.checkWhole();
    return result;
  }

  #error(code: 'ERR_NO_SUCH_SYMBOL' | 'ERR_NO_TEMPLATE', what: string, symbol: string): SmfCacheError {
    return new SmfCacheError(code, `${this.path}: ${what} ${symbol}`, { path: this.path, symbol });
  }
}
