// LsmfBuilder: modules to one library file.
import { alignUp, encodeUtf8, putU64, viewOf } from '../bytes.js';
import { LSMF_MAGIC } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import { fnv1a64 } from '../hashes.js';
import { parseSmf } from '../read/smf-file.js';
import { ENTRY, HEADER } from './layout.js';

const ALIGNMENT = 16;

/**
 * Builds a library: `[header] [modules and objects, 16-aligned] [index]`. Deterministic.
 *
 * @example
 * const bytes = new LsmfBuilder().addModule('collections', smfBytes).build()
 */
export class LsmfBuilder {
  readonly #modules: { name: Uint8Array; smf: Uint8Array; obj: Uint8Array | undefined }[] = [];
  readonly #names = new Set<string>();

  /**
   * Adds a module, and the object file that goes with it. The bytes are not copied until `build`.
   *
   * @throws SmfFormatError ERR_SMF_INVALID_ARGUMENT for a name that is empty, longer than 64 bytes or there already, and
   * those of `parseSmf` for bytes that are not an SMF file
   */
  addModule(name: string, smf: Uint8Array, obj?: Uint8Array): this {
    const encoded = encodeUtf8(name);
    if (encoded.length === 0 || encoded.length > ENTRY.nameLength || name.includes('\0') || this.#names.has(name)) {
      throw new SmfFormatError('ERR_SMF_INVALID_ARGUMENT', 'not a name for a module of this library', {
        structure: `module ${name}`,
        expected: '1 to 64 bytes without NUL, not used twice',
        found: this.#names.has(name) ? 'the same name again' : `${encoded.length} bytes`,
      });
    }
    parseSmf(smf);
    this.#names.add(name);
    this.#modules.push({ name: encoded, smf, obj });
    return this;
  }

  /** The library's bytes. */
  build(): Uint8Array {
    let at: number = HEADER.size;
    const places = this.#modules.map(({ smf, obj }) => {
      const offset = alignUp(at, ALIGNMENT);
      const objOffset = obj === undefined ? 0 : alignUp(offset + smf.length, ALIGNMENT);
      at = obj === undefined ? offset + smf.length : objOffset + obj.length;
      return { offset, objOffset };
    });
    const indexOffset = alignUp(at, ALIGNMENT);
    const indexSize = this.#modules.length * ENTRY.size;
    const bytes = new Uint8Array(indexOffset + indexSize);
    const view = viewOf(bytes);
    this.#modules.forEach(({ name, smf, obj }, i) => {
      const { offset, objOffset } = places[i] as { offset: number; objOffset: number };
      const entry = indexOffset + i * ENTRY.size;
      bytes.set(smf, offset);
      bytes.set(name, entry);
      putU64(view, entry + ENTRY.offset, offset);
      putU64(view, entry + ENTRY.dataSize, smf.length);
      view.setBigUint64(entry + ENTRY.hash, fnv1a64(smf), true);
      if (obj === undefined) return;
      bytes.set(obj, objOffset);
      putU64(view, entry + ENTRY.objOffset, objOffset);
      putU64(view, entry + ENTRY.objSize, obj.length);
      view.setBigUint64(entry + ENTRY.objHash, fnv1a64(obj), true);
    });
    view.setUint32(0, LSMF_MAGIC, true);
    view.setUint8(HEADER.versionMajor, 1);
    view.setUint32(HEADER.moduleCount, this.#modules.length, true);
    putU64(view, HEADER.indexOffset, indexOffset);
    putU64(view, HEADER.indexSize, indexSize);
    putU64(view, HEADER.dataOffset, HEADER.size);
    view.setBigUint64(HEADER.libraryHash, fnv1a64(bytes.subarray(HEADER.size)), true);
    view.setBigUint64(HEADER.indexHash, fnv1a64(bytes.subarray(indexOffset)), true);
    return bytes;
  }
}
