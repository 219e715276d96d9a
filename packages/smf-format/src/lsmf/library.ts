// `.lsm` libraries: one file of many modules, each a whole SMF file. 128-byte header at offset 0, then module data, then
// an index of 128-byte entries. docs/spec/smf-format.md, section 7.
import { decodeUtf8, fits, u32, u64, u64Exact } from '../bytes.js';
import { LSMF_MAGIC } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import { fnv1a64Parts } from '../hashes.js';
import { type SmfLimits, withLimits } from '../limits.js';
import { hexBytes } from '../read/header.js';
import { type ByteSource, type Excerpt, Input } from '../read/input.js';
import { type ParseSmfOptions, parseSmf, type SmfFile } from '../read/smf-file.js';
import { closedFile } from '../read/symbols.js';
import { ENTRY, HEADER } from './layout.js';

/** One module of a library. */
export interface LsmfModule {
  readonly index: number;
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** FNV-1a 64 of the module's bytes, as stored. */
  readonly hash: bigint;
  /** An object file that goes with the module; empty where there is none. */
  readonly objOffset: number;
  readonly objSize: number;
  readonly objHash: bigint;
}

export interface ParseLsmfOptions extends ParseSmfOptions {
  /**
   * Which stored hashes to check: `'index'` that of the index, which costs O(modules); `'modules'` that and each module's
   * when it is opened; `true` all those, and on opening that of the whole library. Default false: none.
   */
  readonly verifyHashes?: boolean | 'index' | 'modules';
}

/**
 * Opens a library. Nothing is copied; modules are opened one by one. Costs O(modules).
 *
 * @param input the bytes of the file, or a {@link ByteSource} that shows parts of them
 * @throws SmfFormatError ERR_SMF_EMPTY, ERR_SMF_TOO_SHORT, ERR_SMF_BAD_MAGIC, ERR_SMF_UNSUPPORTED_VERSION,
 * ERR_SMF_TABLE_OUT_OF_BOUNDS, ERR_SMF_BAD_HEADER, ERR_SMF_LIMIT, ERR_SMF_HASH_MISMATCH
 * @example
 * const library = parseLsmf(await readFile('std.lsm'))
 * library.open('collections').findSymbol('sort')
 */
export function parseLsmf(input: Uint8Array | ByteSource, options: ParseLsmfOptions = {}): LsmfFile {
  const from = new Input(input);
  return from.checked(() => readLibrary(from, options));
}

function readLibrary(input: Input, options: ParseLsmfOptions): LsmfFile {
  const limits = withLimits(options.limits);
  if (input.size < HEADER.size) {
    throw new SmfFormatError(input.size === 0 ? 'ERR_SMF_EMPTY' : 'ERR_SMF_TOO_SHORT', 'too short for a library', {
      structure: 'library header',
      offset: 0,
      expected: `at least ${HEADER.size} bytes`,
      found: `${input.size}`,
    });
  }
  const excerpt = input.excerpt(0, HEADER.size);
  excerpt.seek(0, HEADER.size); // position 0 is the first there is
  const { view } = excerpt;
  if (u32(view, 0) !== LSMF_MAGIC) {
    throw new SmfFormatError('ERR_SMF_BAD_MAGIC', 'not a library', {
      structure: 'library header',
      offset: 0,
      expected: '4c 53 4d 46',
      found: hexBytes(excerpt.bytes, 0, 4),
      hint: 'A single module is opened with parseSmf',
    });
  }
  const version = `${view.getUint8(HEADER.versionMajor)}.${view.getUint8(HEADER.versionMinor)}`;
  if (version !== '1.0') {
    throw new SmfFormatError('ERR_SMF_UNSUPPORTED_VERSION', 'a library version that this reader does not know', {
      structure: 'library header',
      offset: HEADER.versionMajor,
      expected: '1.0',
      found: version,
      hint: 'Update @simple-jit/smf-format',
    });
  }
  const count = u32(view, HEADER.moduleCount);
  const indexOffset = u64(view, HEADER.indexOffset);
  const indexSize = u64(view, HEADER.indexSize);
  checkIndex(input.size, count, indexOffset, indexSize, limits);
  const verify = options.verifyHashes ?? false;
  const index = input.excerpt(indexOffset, indexOffset + count * ENTRY.size);
  const modules = Array.from({ length: count }, (_, i) =>
    readEntry(input.size, index, indexOffset + i * ENTRY.size, i),
  );
  if (verify !== false) {
    const stored = u64Exact(view, HEADER.indexHash);
    checkHash('library index', input.pieces(indexOffset, indexOffset + indexSize), stored, indexOffset);
  }
  if (verify === true) {
    checkHash('library', input.pieces(HEADER.size, input.size), u64Exact(view, HEADER.libraryHash), HEADER.size);
  }
  return new LsmfFile(input, modules, options);
}

function checkIndex(fileSize: number, count: number, offset: number, size: number, limits: SmfLimits): void {
  if (count > limits.maxModules) {
    throw new SmfFormatError('ERR_SMF_LIMIT', 'more modules than allowed', {
      structure: 'library header',
      offset: HEADER.moduleCount,
      expected: `at most ${limits.maxModules}`,
      found: `${count}`,
      hint: 'Raise the limit maxModules if you trust the file',
    });
  }
  if (!fits(offset, size, fileSize)) {
    throw new SmfFormatError('ERR_SMF_TABLE_OUT_OF_BOUNDS', 'the index runs past the end of the file', {
      structure: 'library index',
      offset: HEADER.indexOffset,
      expected: `offset + size <= ${fileSize}`,
      found: `${offset} + ${size}`,
      hint: 'The file may be truncated',
    });
  }
  if (size < count * ENTRY.size) {
    throw new SmfFormatError('ERR_SMF_BAD_HEADER', 'the index is too small for its modules', {
      structure: 'library header',
      offset: HEADER.indexSize,
      expected: `at least ${count * ENTRY.size}`,
      found: `${size}`,
    });
  }
}

function readEntry(fileSize: number, excerpt: Excerpt, at: number, index: number): LsmfModule {
  const entry = excerpt.seek(at, ENTRY.size);
  const { bytes, view } = excerpt;
  let end = entry;
  while (end < entry + ENTRY.nameLength && bytes[end] !== 0) end++;
  const module: LsmfModule = {
    index,
    name: decodeUtf8(bytes, entry, end),
    offset: u64(view, entry + ENTRY.offset),
    size: u64(view, entry + ENTRY.dataSize),
    hash: u64Exact(view, entry + ENTRY.hash),
    objOffset: u64(view, entry + ENTRY.objOffset),
    objSize: u64(view, entry + ENTRY.objSize),
    objHash: u64Exact(view, entry + ENTRY.objHash),
  };
  const parts = [
    ['module', module.offset, module.size, ENTRY.offset],
    ['object', module.objOffset, module.objSize, ENTRY.objOffset],
  ] as const;
  for (const [part, offset, size, field] of parts) {
    if (fits(offset, size, fileSize)) continue;
    throw new SmfFormatError('ERR_SMF_TABLE_OUT_OF_BOUNDS', `the ${part} runs past the end of the file`, {
      structure: `module ${index} (${module.name})`,
      offset: at + field,
      expected: `offset + size <= ${fileSize}`,
      found: `${offset} + ${size}`,
      hint: 'The file may be truncated',
    });
  }
  return module;
}

function checkHash(structure: string, pieces: Iterable<Uint8Array>, stored: bigint, offset: number): void {
  if (stored === 0n) return;
  const actual = fnv1a64Parts(pieces);
  if (actual === stored) return;
  throw new SmfFormatError('ERR_SMF_HASH_MISMATCH', 'the bytes are not what was hashed when the library was written', {
    structure,
    offset,
    expected: `0x${stored.toString(16)}`,
    found: `0x${actual.toString(16)}`,
    hint: 'The file is damaged: build it again',
  });
}

/** An open library, made by `parseLsmf`. */
export class LsmfFile {
  readonly modules: readonly LsmfModule[];
  readonly #input: Input;
  readonly #options: ParseLsmfOptions;
  readonly #byName: Map<string, LsmfModule>;

  /** @internal Use `parseLsmf`. */
  constructor(input: Input, modules: readonly LsmfModule[], options: ParseLsmfOptions) {
    this.#input = input;
    this.modules = modules;
    this.#options = options;
    // Of two modules of one name the first counts.
    this.#byName = new Map(modules.toReversed().map((module) => [module.name, module]));
  }

  /** All bytes of the file, as `SmfFile.bytes`. */
  get bytes(): Uint8Array {
    return this.#input.whole;
  }

  /** The module of this name. */
  findModule(name: string): LsmfModule | undefined {
    return this.#byName.get(name);
  }

  /** A module's bytes: a view, itself a whole SMF file. @throws SmfFormatError ERR_SMF_NO_SUCH_MODULE */
  moduleBytes(nameOrIndex: string | number): Uint8Array {
    const { offset, size } = this.#module(nameOrIndex);
    return this.#input.checked(() => this.#input.bytesAt(offset, size));
  }

  /** The object file that goes with a module; undefined where there is none. @throws SmfFormatError ERR_SMF_NO_SUCH_MODULE */
  objectBytes(nameOrIndex: string | number): Uint8Array | undefined {
    const { objOffset, objSize } = this.#module(nameOrIndex);
    return objSize === 0 ? undefined : this.#input.checked(() => this.#input.bytesAt(objOffset, objSize));
  }

  /** Opens a module. @throws SmfFormatError ERR_SMF_NO_SUCH_MODULE, ERR_SMF_HASH_MISMATCH and those of `parseSmf` */
  open(nameOrIndex: string | number): SmfFile {
    const { name, offset, size, hash } = this.#module(nameOrIndex);
    const input = this.#input;
    if (input.closed) throw closedFile();
    const { verifyHashes } = this.#options;
    if (verifyHashes === true || verifyHashes === 'modules') {
      input.checked(() => checkHash(`module ${name}`, input.pieces(offset, offset + size), hash, offset));
    }
    return parseSmf(input.inMemory ? input.bytesAt(offset, size) : input.part(offset, size), this.#options);
  }

  #module(nameOrIndex: string | number): LsmfModule {
    const module = typeof nameOrIndex === 'number' ? this.modules[nameOrIndex] : this.findModule(nameOrIndex);
    if (module !== undefined) return module;
    const names = this.modules.slice(0, MOST_NAMES).map(({ name }) => name);
    const more = this.modules.length - names.length;
    throw new SmfFormatError('ERR_SMF_NO_SUCH_MODULE', 'the library has no such module', {
      structure: 'library index',
      found: `${nameOrIndex}`.slice(0, ENTRY.nameLength),
      hint: `Its modules: ${names.join(', ') || 'none'}${more > 0 ? `, and ${more} more` : ''}`,
    });
  }
}

/** How many names of modules an error lists. */
const MOST_NAMES = 10;
