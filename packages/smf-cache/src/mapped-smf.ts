// A user's handle on a mapped SMF file.
import type { FileIdentity } from '@simple-jit/native-mem';
import type { NoteSdnMetadata, SmfFile, SmfSymbol } from '@simple-jit/smf-format';
import { SmfCacheError } from './errors.js';
import type { Mapping } from './mapping.js';
import { type Trust, trustOf } from './trust.js';

/**
 * A mapped SMF file, got from {@link SmfCache.get}. Nothing is copied: sections and templates are views of the mapping.
 *
 * The file stays mapped while any handle on it is open, whatever the cache evicts or the disk does. Close it when done
 * (or hold it with `using`); a forgotten one is unmapped when it is collected.
 *
 * Every member but `path`, `size` and `close()` throws {@link SmfCacheError} `ERR_CLOSED` after `close()`. Views that
 * were handed out have length 0 once the last handle is closed and the cache let go of the file.
 *
 * @example
 * using file = cache.get('collections.smf');
 * for (const { mangledName } of file.readNoteSdn()?.possible ?? []) console.log(mangledName);
 */
export class MappedSmf implements Disposable {
  /** The absolute path it was asked for by, or the id given to `cacheFromBytes`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  #mapping: Mapping | undefined;

  /** @internal Handles come from {@link SmfCache}. */
  constructor(mapping: Mapping, path: string) {
    this.#mapping = mapping.retain();
    this.path = path;
    this.size = mapping.size;
  }

  get #open(): Mapping {
    if (this.#mapping === undefined) {
      throw new SmfCacheError('ERR_CLOSED', `${this.path}: this handle is closed; get() the file again`, {
        path: this.path,
      });
    }
    return this.#mapping;
  }

  /** Where the mapping begins, page-aligned; 0n for bytes given to `cacheFromBytes`. Valid until `close()`. */
  get address(): bigint {
    return this.#open.address;
  }

  /** The parsed file. Its views live as long as this handle. */
  get file(): SmfFile {
    return this.#open.smf;
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

  /** Which version of which file this is; undefined for bytes that came from no file. */
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
    return this.file.noteSdn();
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
    const found = typeof symbol === 'string' ? this.file.findSymbol(symbol) : symbol;
    if (found === undefined) {
      throw new SmfCacheError('ERR_NO_SUCH_SYMBOL', `${this.path}: no symbol ${symbol}`, {
        path: this.path,
        symbol: String(symbol),
      });
    }
    const at = offset ?? found.templateOffset;
    const template = at === 0 ? undefined : this.file.templateAt(at);
    if (template === undefined) {
      throw new SmfCacheError('ERR_NO_TEMPLATE', `${this.path}: ${found.name} is not a generic template`, {
        path: this.path,
        symbol: found.name,
      });
    }
    return template.entry;
  }

  /**
   * The bytes of a section, decompressed; a view of the mapping unless the section is compressed.
   * @throws SmfFormatError if there is no such section, or it is damaged
   */
  readSection(index: number): Uint8Array {
    return this.file.sectionData(index);
  }

  /** Asks the system to read the whole file ahead. A hint, as madvise(2) is. */
  readAhead(): void {
    this.#open.readAhead();
  }

  /** Lets go of the file. Closing twice does nothing. */
  close(): void {
    this.#mapping?.release();
    this.#mapping = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
