// One file through every form of input: bytes, and sources that give as little as they may.
import type { ByteSource } from '../src/index.js';

/** A source over bytes that copies what it is asked for, so that nothing is read that was not asked for. */
export function copying(
  bytes: Uint8Array,
  pieceSize?: number,
): ByteSource & { asked: number; calls: number; largest: number } {
  return {
    size: bytes.length,
    ...(pieceSize === undefined ? {} : { pieceSize }),
    asked: 0,
    calls: 0,
    largest: 0,
    view(offset, length) {
      if (!(offset >= 0 && length > 0 && offset + length <= bytes.length)) {
        throw new Error(`asked for ${length} bytes at ${offset} of ${bytes.length}`);
      }
      this.asked += length;
      this.calls += 1;
      this.largest = Math.max(this.largest, length);
      return bytes.slice(offset, offset + length);
    },
  };
}

/** A source of views, as a mapped file is one. */
export function viewing(bytes: Uint8Array, pieceSize: number): ByteSource {
  return { size: bytes.length, pieceSize, view: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** A piece of a huge file that holds data; all else is zeros. */
export interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** A sparse file of any size, of which only what is asked for ever exists. */
export function sparse(size: number, pieces: readonly Piece[]): ByteSource & { asked: number; largest: number } {
  return {
    size,
    asked: 0,
    largest: 0,
    view(offset, length) {
      if (!(offset >= 0 && length > 0 && offset + length <= size)) throw new Error(`${length} bytes at ${offset}`);
      this.asked += length;
      this.largest = Math.max(this.largest, length);
      const view = new Uint8Array(length);
      for (const { at, bytes } of pieces) {
        const from = Math.max(at, offset);
        const to = Math.min(at + bytes.length, offset + length);
        if (from < to) view.set(bytes.subarray(from - at, to - at), from - offset);
      }
      return view;
    },
  };
}
