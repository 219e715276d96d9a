// Subpath `@simple-jit/smf-format/zstd`: the zstd codec for browsers and older Nodes, on WebAssembly. The optional peer
// dependency @hpcc-js/wasm-zstd (the reference implementation, compiled) does the work.
import type { SmfCodec } from './compression/codec.js';
import { checkZstdSize } from './compression/zstd-frame.js';

/**
 * Loads the zstd codec: compiles its WebAssembly once; the codec itself is synchronous. Frames must say their content
 * size, as all zstd tools write it for data of known length: what a frame says is checked before it is unpacked.
 *
 * @throws Error (ERR_MODULE_NOT_FOUND) where the peer dependency `@hpcc-js/wasm-zstd` is not installed
 * @example
 * const smf = parseSmf(bytes, { codecs: { zstd: await loadZstd() } })
 */
export async function loadZstd(): Promise<SmfCodec> {
  const { Zstd } = await import('@hpcc-js/wasm-zstd');
  const library = await Zstd.load();
  return {
    name: 'zstd',
    decompress(frame, size) {
      checkZstdSize(frame, size);
      return size === 0 ? new Uint8Array(0) : library.decompress(frame);
    },
    compress: (data, level) => library.compress(data, level === 0 ? undefined : level),
  };
}
