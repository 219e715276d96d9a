// `.lsm` libraries: one file of many modules, each a whole SMF file. 128-byte header at offset 0, then module data, then
// an index of 128-byte entries. docs/spec/smf-format.md, section 7.
import { decodeUtf8, fits, u32, u64, u64Exact, viewOf } from '../bytes.js';
import { LSMF_MAGIC } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import { fnv1a64 } from '../hashes.js';
import { type SmfLimits, withLimits } from '../limits.js';
import { hexBytes } from '../read/header.js';
import { type ParseSmfOptions, parseSmf, type SmfFile } from '../read/smf-file.js';
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
  /** Check the index's, the library's and each opened module's hash. Default false. */
  readonly verifyHashes?: boolean;
}

/**
 * Opens a library. Nothing is copied; modules are opened one by one. Costs O(modules).
 *
 * @throws SmfFormatError ERR_SMF_EMPTY, ERR_SMF_TOO_SHORT, ERR_SMF_BAD_MAGIC, ERR_SMF_UNSUPPORTED_VERSION,
 * ERR_SMF_TABLE_OUT_OF_BOUNDS, ERR_SMF_BAD_HEADER, ERR_SMF_LIMIT, ERR_SMF_HASH_MISMATCH
 * @example
 * const library = parseLsmf(await readFile('std.lsm'))
 * library.open('collections').findSymbol('sort')
 */
export function parseLsmf(bytes: Uint8Array, options: ParseLsmfOptions = {}): LsmfFile {
  const limits = withLimits(options.limits);
  if (bytes.length < HEADER.size) {
    throw new SmfFormatError(bytes.length === 0 ? 'ERR_SMF_EMPTY' : 'ERR_SMF_TOO_SHORT', 'too short for a library', {
      structure: 'library header',
      offset: 0,
      expected: `at least ${HEADER.size} bytes`,
      found: `${bytes.length}`,
    });
  }
  const view = viewOf(bytes);
  if (u32(view, 0) !== LSMF_MAGIC) {
    throw new SmfFormatError('ERR_SMF_BAD_MAGIC', 'not a library', {
      structure: 'library header',
      offset: 0,
      expected: '4c 53 4d 46',
      found: hexBytes(bytes, 0, 4),
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
  checkIndex(bytes, count, indexOffset, indexSize, limits);
  const modules = Array.from({ length: count }, (_, i) => readEntry(bytes, view, indexOffset + i * ENTRY.size, i));
  const library = new LsmfFile(bytes, modules, options);
  if (options.verifyHashes === true) {
    checkHash(
      'library index',
      fnv1a64(bytes.subarray(indexOffset, indexOffset + indexSize)),
      u64Exact(view, HEADER.indexHash),
      indexOffset,
    );
    checkHash('library', fnv1a64(bytes.subarray(HEADER.size)), u64Exact(view, HEADER.libraryHash), HEADER.size);
  }
  return library;
}

function checkIndex(bytes: Uint8Array, count: number, offset: number, size: number, limits: SmfLimits): void {
  if (count > limits.maxModules) {
    throw new SmfFormatError('ERR_SMF_LIMIT', 'more modules than allowed', {
      structure: 'library header',
      offset: HEADER.moduleCount,
      expected: `at most ${limits.maxModules}`,
      found: `${count}`,
      hint: 'Raise the limit maxModules if you trust the file',
    });
  }
  if (!fits(offset, size, bytes.length)) {
    throw new SmfFormatError('ERR_SMF_TABLE_OUT_OF_BOUNDS', 'the index runs past the end of the file', {
      structure: 'library index',
      offset: HEADER.indexOffset,
      expected: `offset + size <= ${bytes.length}`,
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

function readEntry(bytes: Uint8Array, view: DataView, at: number, index: number): LsmfModule {
  let end = at;
  while (end < at + ENTRY.nameLength && bytes[end] !== 0) end++;
  const module: LsmfModule = {
    index,
    name: decodeUtf8(bytes, at, end),
    offset: u64(view, at + ENTRY.offset),
    size: u64(view, at + ENTRY.dataSize),
    hash: u64Exact(view, at + ENTRY.hash),
    objOffset: u64(view, at + ENTRY.objOffset),
    objSize: u64(view, at + ENTRY.objSize),
    objHash: u64Exact(view, at + ENTRY.objHash),
  };
  const parts = [
    ['module', module.offset, module.size, ENTRY.offset],
    ['object', module.objOffset, module.objSize, ENTRY.objOffset],
  ] as const;
  for (const [part, offset, size, field] of parts) {
    if (fits(offset, size, bytes.length)) continue;
    throw new SmfFormatError('ERR_SMF_TABLE_OUT_OF_BOUNDS', `the ${part} runs past the end of the file`, {
      structure: `module ${index} (${module.name})`,
      offset: at + field,
      expected: `offset + size <= ${bytes.length}`,
      found: `${offset} + ${size}`,
      hint: 'The file may be truncated',
    });
  }
  return module;
}

function checkHash(structure: string, actual: bigint, stored: bigint, offset: number): void {
  if (stored === 0n || actual === stored) return;
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
  readonly bytes: Uint8Array;
  readonly modules: readonly LsmfModule[];
  readonly #options: ParseLsmfOptions;
  readonly #byName: Map<string, LsmfModule>;

  /** @internal Use `parseLsmf`. */
  constructor(bytes: Uint8Array, modules: readonly LsmfModule[], options: ParseLsmfOptions) {
    this.bytes = bytes;
    this.modules = modules;
    this.#options = options;
    // Of two modules of one name the first counts.
    this.#byName = new Map(modules.toReversed().map((module) => [module.name, module]));
  }

  /** The module of this name. */
  findModule(name: string): LsmfModule | undefined {
    return this.#byName.get(name);
  }

  /** A module's bytes: a view, itself a whole SMF file. @throws SmfFormatError ERR_SMF_NO_SUCH_MODULE */
  moduleBytes(nameOrIndex: string | number): Uint8Array {
    const { offset, size } = this.#module(nameOrIndex);
    return this.bytes.subarray(offset, offset + size);
  }

  /** The object file that goes with a module; undefined where there is none. @throws SmfFormatError ERR_SMF_NO_SUCH_MODULE */
  objectBytes(nameOrIndex: string | number): Uint8Array | undefined {
    const { objOffset, objSize } = this.#module(nameOrIndex);
    return objSize === 0 ? undefined : this.bytes.subarray(objOffset, objOffset + objSize);
  }

  /** Opens a module. @throws SmfFormatError ERR_SMF_NO_SUCH_MODULE, ERR_SMF_HASH_MISMATCH and those of `parseSmf` */
  open(nameOrIndex: string | number): SmfFile {
    const module = this.#module(nameOrIndex);
    const bytes = this.moduleBytes(module.index);
    if (this.#options.verifyHashes === true)
      checkHash(`module ${module.name}`, fnv1a64(bytes), module.hash, module.offset);
    return parseSmf(bytes, this.#options);
  }

  #module(nameOrIndex: string | number): LsmfModule {
    const module = typeof nameOrIndex === 'number' ? this.modules[nameOrIndex] : this.findModule(nameOrIndex);
    if (module !== undefined) return module;
    throw new SmfFormatError('ERR_SMF_NO_SUCH_MODULE', 'the library has no such module', {
      structure: 'library index',
      found: `${nameOrIndex}`,
      hint: `Its modules: ${
        this.modules
          .slice(0, 10)
          .map((m) => m.name)
          .join(', ') || 'none'
      }`,
    });
  }
}
