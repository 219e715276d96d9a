// Subpath `@simple-jit/smf-format/node`: the codecs that this Node has. The only module here that knows of Node.
import type { SmfCodec } from './compression/codec.js';
import { lz4 } from './compression/lz4.js';
import { checkZstdSize } from './compression/zstd-frame.js';

/** What we use of node:zlib; the zstd functions came with Node 22.15 and 23.8. */
interface ZlibWithZstd {
  readonly constants: Readonly<Record<string, number>>;
  readonly zstdCompressSync?: (data: Uint8Array, options: object) => Uint8Array;
  readonly zstdDecompressSync?: (frame: Uint8Array, options: object) => Uint8Array;
}

/**
 * Codecs for both algorithms: zstd from node:zlib where this Node has it, else from WebAssembly (see `loadZstd`).
 *
 * @throws Error (ERR_MODULE_NOT_FOUND) on a Node without zstd where `@hpcc-js/wasm-zstd` is not installed
 * @example
 * const smf = parseSmf(bytes, { codecs: await loadCodecs() })
 */
export async function loadCodecs(): Promise<{ readonly lz4: SmfCodec; readonly zstd: SmfCodec }> {
  return { lz4, zstd: (await zlibZstd()) ?? (await (await import('./zstd.js')).loadZstd()) };
}

/**
 * The codecs that are at hand at once: lz4, and zstd where node:zlib has it. Where it has none, `loadCodecs` gives both.
 *
 * @example
 * const smf = parseSmf(bytes, { codecs: builtinCodecs() })
 */
export function builtinCodecs(): { readonly lz4: SmfCodec; readonly zstd?: SmfCodec } {
  const { process } = globalThis as unknown as { process: { getBuiltinModule(name: string): ZlibWithZstd } };
  const zstd = codecOf(process.getBuiltinModule('node:zlib'));
  return zstd === undefined ? { lz4 } : { lz4, zstd };
}

/** zstd of node:zlib, or undefined where this Node has none. */
export async function zlibZstd(): Promise<SmfCodec | undefined> {
  // The name in a variable: this package compiles without Node's types.
  const name = 'node:zlib';
  return codecOf((await import(name)) as ZlibWithZstd);
}

function codecOf({ zstdCompressSync, zstdDecompressSync, constants }: ZlibWithZstd): SmfCodec | undefined {
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return undefined;
  return {
    name: 'zstd',
    decompress(frame, size) {
      checkZstdSize(frame, size);
      return size === 0 ? new Uint8Array(0) : zstdDecompressSync(frame, { maxOutputLength: size });
    },
    compress(data, level) {
      const params = level === 0 ? {} : { [constants.ZSTD_c_compressionLevel as number]: level };
      return zstdCompressSync(data, { params, pledgedSrcSize: data.length });
    },
  };
}
