// One version of one file in memory, parsed, shared by every handle on it. It lives while the cache or a handle holds
// it; if handles are forgotten, MappedFile's own finalisation unmaps it. A library is one mapping for all its modules.
import { type FileIdentity, MADV_WILLNEED, type MappedFile, madvise, mmapReadBytes } from '@simple-jit/native-mem';
import {
  type LsmfFile,
  type ParseSmfOptions,
  parseLsmf,
  parseSmf,
  type SmfCodecs,
  type SmfFile,
  SmfFormatError,
} from '@simple-jit/smf-format';
import { SmfCacheError } from './errors.js';
import { MappedSource } from './mapped-source.js';
import { type Place, spell } from './place.js';

/** How files are parsed. */
export interface ParseOptions {
  readonly codecs: SmfCodecs;
  readonly verifyHashes: boolean;
  /** Told when the mapping keeps more unpacked bytes than before. */
  readonly onUnpacked: (mapping: Mapping) => void;
}

/** What a handle shows of a mapping: all of it, or one module of a library. In bytes. */
export interface Part {
  readonly smf: SmfFile;
  readonly offset: number;
  readonly size: number;
}

const isLibrary = (content: SmfFile | LsmfFile): content is LsmfFile => 'modules' in content;

const HEADER_SIZE = 128;
const LIBRARY_MAGIC = 'LSMF';

export class Mapping {
  /** Names it among all that a cache keeps: the file, or the id of bytes. */
  readonly key: string;
  /** A path that leads to it, or the id of bytes. */
  readonly path: string;
  readonly size: number;
  readonly identity: FileIdentity | undefined;
  /** The paths by which it was asked for. */
  readonly paths = new Set<string>();
  readonly #file: MappedFile | undefined;
  readonly #source: MappedSource | undefined;
  readonly #content: SmfFile | LsmfFile;
  readonly #modules = new Map<string, Part>();
  /** The file's header as it is, and as it was when it was parsed: it holds a hash of all. */
  readonly #header: { readonly now: Uint8Array; readonly parsed: Uint8Array } | undefined;
  #unpackedBytes = 0;
  #holders = 0;

  /** @throws SmfFormatError that names `path`. Takes `from` over if it is a mapping, unless this throws. */
  constructor(key: string, path: string, from: MappedFile | Uint8Array, options: ParseOptions) {
    this.key = key;
    this.path = path;
    this.#file = from instanceof Uint8Array ? undefined : from;
    this.size = from instanceof Uint8Array ? from.length : from.size;
    this.identity = this.#file?.stat;
    const source = this.#file && new MappedSource(this.#file);
    this.#source = source;
    const onUnpacked = (bytes: number): void => {
      this.#unpackedBytes += bytes;
      options.onUnpacked(this);
    };
    try {
      const { codecs, verifyHashes } = options;
      this.#content = parse(source ?? (from as Uint8Array), { codecs, onUnpacked }, verifyHashes);
    } catch (error) {
      throw error instanceof SmfFormatError ? error.inFile(path) : error;
    }
    this.#header = source && headerOf(source, this.#content);
  }

  /** Start of the mapping; 0n for bytes that were not mapped by us. */
  get address(): bigint {
    return this.#file?.address ?? 0n;
  }

  /** Bytes of unpacked sections that are kept. */
  get unpackedBytes(): number {
    return this.#unpackedBytes;
  }

  forgetUnpacked(): void {
    if (this.#unpackedBytes === 0) return;
    this.#unpackedBytes = 0;
    if (!isLibrary(this.#content)) this.#content.forgetUnpacked();
    for (const { smf } of this.#modules.values()) smf.forgetUnpacked();
  }

  /** True if there is what the place names: the file itself, or a module. */
  has({ module }: Place): boolean {
    if (module === undefined) return true;
    return isLibrary(this.#content) && this.#content.findModule(module) !== undefined;
  }

  /**
   * The file, or one module of a library.
   *
   * @throws SmfCacheError `ERR_IS_LIBRARY`, `ERR_NOT_A_LIBRARY`
   * @throws SmfFormatError if there is no such module, or it is damaged
   */
  part(place: Place): Part {
    const { module } = place;
    const content = this.#content;
    if (!isLibrary(content)) {
      if (module !== undefined) throw notALibrary(place);
      return { smf: content, offset: 0, size: this.size };
    }
    if (module === undefined) throw noSingleModule(place.file, content, this.#file !== undefined);
    let part = this.#modules.get(module);
    if (part === undefined) {
      try {
        const smf = content.open(module);
        part = { smf, offset: content.findModule(module)!.offset, size: content.findModule(module)!.size };
      } catch (error) {
        throw error instanceof SmfFormatError ? error.inFile(spell(place)) : error;
      }
      this.#modules.set(module, part);
    }
    return part;
  }

  /** Where a place lies in the file, in bytes; of a library all of it. Throws as `part`. */
  range(place: Place): { readonly offset: number; readonly size: number } {
    if (place.module === undefined) return { offset: 0, size: this.size };
    const { offset, size } = this.part(place);
    return { offset, size };
  }

  /**
   * Throws if the file is so much shorter than it was mapped that something of it is lost.
   * @throws NativeMemError `ERR_FILE_SHRUNK`
   */
  check(): void {
    this.#source?.check();
  }

  /** As `check`, but also if all that is lost is zeros at its end. */
  checkWhole(): void {
    if (this.#file !== undefined && this.size > 0) mmapReadBytes(this.#file.address, this.size - 1, 1);
  }

  /** True if this is still what the file is. */
  isCurrent(onDisk: FileIdentity): boolean {
    return this.identity !== undefined && sameVersion(this.identity, onDisk) && this.#hasItsHeader();
  }

  /** Asks the system to read a part of it ahead. Best effort, as madvise(2) is. */
  readAhead({ offset, size }: { readonly offset: number; readonly size: number }): void {
    if (this.#file !== undefined && size > 0) madvise(this.#file.address + BigInt(offset), size, MADV_WILLNEED);
  }

  retain(): this {
    this.#holders += 1;
    return this;
  }

  /** Unmaps when the last holder lets go. */
  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#file?.close();
  }

  /** Rewritten in place within one tick of the file system's clock, or with its time set back, a file looks the same. */
  #hasItsHeader(): boolean {
    return this.#header === undefined || Buffer.compare(this.#header.now, this.#header.parsed) === 0;
  }
}

function headerOf(source: MappedSource, content: SmfFile | LsmfFile): { now: Uint8Array; parsed: Uint8Array } {
  const size = Math.min(HEADER_SIZE, source.size);
  const atStart = isLibrary(content) || content.layout.startsWith('legacy');
  const now = atStart ? source.first(size) : source.last(size);
  return { now, parsed: now.slice() };
}

/**
 * The same file with the same content, as far as a look from outside tells; and with the same owner and permissions,
 * because trust hangs on them.
 */
function sameVersion(a: FileIdentity, b: FileIdentity): boolean {
  return (
    a.ino === b.ino &&
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs &&
    a.dev === b.dev &&
    a.mode === b.mode &&
    a.uid === b.uid
  );
}

function parse(input: MappedSource | Uint8Array, options: ParseSmfOptions, verify: boolean): SmfFile | LsmfFile {
  const module = (): SmfFile => parseSmf(input, { ...options, verifyModuleHash: verify });
  if (magicOf(input) !== LIBRARY_MAGIC) return module();
  try {
    return parseLsmf(input, { ...options, verifyHashes: verify ? 'modules' : 'index' });
  } catch (error) {
    try {
      return module(); // one that happens to begin with those letters
    } catch {
      throw error;
    }
  }
}

function magicOf(input: MappedSource | Uint8Array): string {
  if (input instanceof Uint8Array) return String.fromCharCode(...input.subarray(0, LIBRARY_MAGIC.length));
  return input.size < LIBRARY_MAGIC.length ? '' : String.fromCharCode(...input.first(LIBRARY_MAGIC.length));
}

/** How many names of modules an error lists. */
const MOST_NAMES = 10;

function noSingleModule(path: string, { modules }: LsmfFile, onDisk: boolean): SmfCacheError {
  const names = modules.slice(0, MOST_NAMES).map(({ name }) => name);
  const more = modules.length > names.length ? `, and ${modules.length - names.length} more` : '';
  const how = onDisk
    ? `Get one by its name, as '${path}#${names[0]}'`
    : 'Take one by parseLsmf(bytes).moduleBytes(name)';
  const next = names.length === 0 ? 'It has none' : `${how}. It has ${names.join(', ')}${more}`;
  return new SmfCacheError('ERR_IS_LIBRARY', `${path} is a library of modules. ${next}`, { path });
}

function notALibrary(place: Place): SmfCacheError {
  const path = spell(place);
  const message = `${path}: ${place.file} is a single module, not a library. Get it without '#${place.module}'`;
  return new SmfCacheError('ERR_NOT_A_LIBRARY', message, { path });
}
