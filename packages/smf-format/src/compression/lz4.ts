// The lz4 frame codec (subpath `@simple-jit/smf-format/lz4`). Our own because the npm packages are either native, know
// only bare blocks, or check neither match offsets nor checksums, which a reader of hostile files must.
// https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md and lz4_Block_format.md
import { SmfFormatError } from '../errors.js';
import type { SmfCodec } from './codec.js';
import { xxh32 } from './xxh32.js';

const MAGIC = 0x184d2204;
const FLAG = {
  VERSION: 0x40,
  INDEPENDENT: 0x20,
  BLOCK_CHECKSUM: 0x10,
  CONTENT_SIZE: 8,
  CONTENT_CHECKSUM: 4,
  DICTIONARY: 1,
} as const;
const UNCOMPRESSED = 0x80000000;
/** Block size code 7: 4 MiB. */
const BLOCK_SIZE = 4 << 20;
const MIN_MATCH = 4;
/** The format wants the last match to start 12 bytes before the end, and the last 5 bytes to be literals. */
const MATCH_LIMIT = 12;
const LAST_LITERALS = 5;
const HASH_BITS = 14;
const MAX_DISTANCE = 0xffff;

/**
 * lz4 frames in pure TypeScript, both directions; checks block and content checksums, sizes and every match offset.
 *
 * @example
 * parseSmf(bytes, { codecs: { lz4 } })
 */
export const lz4: SmfCodec = { name: 'lz4', decompress: decompressFrame, compress: compressFrame };

function decompressFrame(frame: Uint8Array, size: number): Uint8Array {
  const input = new Input(frame);
  if (input.u32() !== MAGIC) throw bad('no lz4 frame magic', 0);
  const descriptor = input.at;
  const flags = input.u8();
  const blockCode = (input.u8() >> 4) & 7;
  if ((flags & 0xc0) !== FLAG.VERSION || blockCode < 4) throw bad('a frame descriptor of another version', descriptor);
  if ((flags & FLAG.DICTIONARY) !== 0) throw bad('the frame needs a dictionary', descriptor);
  if ((flags & FLAG.CONTENT_SIZE) !== 0) {
    const low = input.u32();
    const said = input.u32() * 4294967296 + low;
    if (said !== size) throw bad(`the frame holds ${said} bytes, not ${size}`, descriptor + 2);
  }
  const headerSum = (xxh32(frame.subarray(descriptor, input.at)) >>> 8) & 0xff;
  if (input.u8() !== headerSum) throw bad('the descriptor checksum does not match', input.at - 1);
  const output = new Uint8Array(size);
  const blockMax = 1 << (8 + 2 * blockCode);
  let written = 0;
  for (;;) {
    const word = input.u32();
    if (word === 0) break;
    const stored = word >= UNCOMPRESSED;
    const length = stored ? word - UNCOMPRESSED : word;
    if (length > blockMax) throw bad(`a block of ${length} bytes`, input.at - 4);
    const start = input.at;
    const block = input.take(length);
    if ((flags & FLAG.BLOCK_CHECKSUM) !== 0 && input.u32() !== xxh32(block))
      throw bad('a block checksum does not match', start);
    // Matches may reach into earlier blocks, unless the frame says that blocks are independent.
    const floor = (flags & FLAG.INDEPENDENT) !== 0 ? written : 0;
    if (stored) {
      if (length > size - written) throw bad('more bytes than the section says', start);
      output.set(block, written);
      written += length;
    } else written = decompressBlock(block, output, written, Math.min(size, written + blockMax), floor, start);
  }
  if ((flags & FLAG.CONTENT_CHECKSUM) !== 0 && input.u32() !== xxh32(output.subarray(0, written))) {
    throw bad('the content checksum does not match', input.at - 4);
  }
  if (input.at !== frame.length) throw bad('bytes after the end of the frame', input.at);
  return written === size ? output : output.subarray(0, written);
}

/** Decodes one block to `output[written ...]`, never past `limit`; matches reach back to `floor`. */
function decompressBlock(
  block: Uint8Array,
  output: Uint8Array,
  written: number,
  limit: number,
  floor: number,
  start: number,
): number {
  let at = 0;
  let out = written;
  const length = (nibble: number): number => {
    let total = nibble;
    if (nibble !== 15) return total;
    let byte: number | undefined;
    do {
      byte = block[at++];
      if (byte === undefined) throw bad('a length runs past the block', start + at);
      total += byte;
    } while (byte === 255);
    return total;
  };
  for (;;) {
    const token = block[at++];
    if (token === undefined) throw bad('the block ends in the middle', start + at);
    const literals = length(token >> 4);
    if (literals > block.length - at || literals > limit - out) throw bad('literals run past the block', start + at);
    output.set(block.subarray(at, at + literals), out);
    at += literals;
    out += literals;
    if (at === block.length) return out;
    if (at + 2 > block.length) throw bad('the block ends in the middle', start + at);
    const distance = (block[at] as number) | ((block[at + 1] as number) << 8);
    at += 2;
    const count = length(token & 15) + MIN_MATCH;
    if (distance === 0 || distance > out - floor) throw bad(`a match ${distance} bytes back`, start + at);
    if (count > limit - out) throw bad('a match runs past the block', start + at);
    // Byte by byte where source and target overlap: that is how lz4 repeats a pattern.
    if (distance >= count) output.copyWithin(out, out - distance, out - distance + count);
    else for (let i = 0; i < count; i++) output[out + i] = output[out - distance + i] as number;
    out += count;
  }
}

function compressFrame(data: Uint8Array): Uint8Array {
  // Worst case: nothing compresses, and every block is stored.
  const frame = new Uint8Array(15 + data.length + 4 * Math.ceil(data.length / BLOCK_SIZE) + 8);
  const view = new DataView(frame.buffer);
  view.setUint32(0, MAGIC, true);
  frame[4] = FLAG.VERSION | FLAG.INDEPENDENT | FLAG.CONTENT_SIZE | FLAG.CONTENT_CHECKSUM;
  frame[5] = 7 << 4;
  view.setUint32(6, data.length, true);
  view.setUint32(10, Math.floor(data.length / 4294967296), true);
  frame[14] = (xxh32(frame.subarray(4, 14)) >>> 8) & 0xff;
  let at = 15;
  for (let start = 0; start < data.length; start += BLOCK_SIZE) {
    const block = data.subarray(start, start + BLOCK_SIZE);
    const length = compressBlock(block, frame.subarray(at + 4, at + 4 + block.length));
    if (length === 0) frame.set(block, at + 4);
    view.setUint32(at, length === 0 ? block.length + UNCOMPRESSED : length, true);
    at += 4 + (length === 0 ? block.length : length);
  }
  view.setUint32(at, 0, true);
  view.setUint32(at + 4, xxh32(data), true);
  return frame.slice(0, at + 8);
}

/** Greedy, one hash slot per sequence of four bytes. @returns bytes written, or 0 where they would not be fewer */
function compressBlock(input: Uint8Array, output: Uint8Array): number {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const table = new Int32Array(1 << HASH_BITS).fill(-1);
  const lastMatch = input.length - MATCH_LIMIT;
  let anchor = 0;
  let at = 0;
  let out = 0;
  const emit = (literals: number, distance: number, match: number): boolean => {
    const rest = match - MIN_MATCH;
    const needed = 1 + literals + Math.floor(literals / 255) + 1 + 2 + (match === 0 ? 0 : Math.floor(rest / 255) + 1);
    if (out + needed > output.length) return false;
    output[out++] = (Math.min(literals, 15) << 4) | (match === 0 ? 0 : Math.min(rest, 15));
    if (literals >= 15) out = putLength(output, out, literals - 15);
    output.set(input.subarray(anchor, anchor + literals), out);
    out += literals;
    if (match === 0) return true;
    output[out++] = distance & 0xff;
    output[out++] = distance >> 8;
    if (rest >= 15) out = putLength(output, out, rest - 15);
    return true;
  };
  while (at < lastMatch) {
    const word = view.getInt32(at, true);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    const candidate = table[slot] as number;
    table[slot] = at;
    if (candidate < 0 || at - candidate > MAX_DISTANCE || view.getInt32(candidate, true) !== word) {
      // The longer nothing matches, the larger the steps.
      at += 1 + ((at - anchor) >> 6);
      continue;
    }
    let length = MIN_MATCH;
    const most = input.length - LAST_LITERALS - at;
    while (length < most && input[candidate + length] === input[at + length]) length++;
    if (!emit(at - anchor, at - candidate, length)) return 0;
    at += length;
    anchor = at;
  }
  return emit(input.length - anchor, 0, 0) ? out : 0;
}

function putLength(output: Uint8Array, at: number, rest: number): number {
  let left = rest;
  let end = at;
  for (; left >= 255; left -= 255) output[end++] = 255;
  output[end++] = left;
  return end;
}

class Input {
  at = 0;
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.take(1)[0] as number;
  }
  u32(): number {
    this.take(4);
    return this.#view.getUint32(this.at - 4, true);
  }
  take(size: number): Uint8Array {
    if (size > this.bytes.length - this.at) throw bad('the frame ends in the middle', this.at);
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }
}

const bad = (message: string, offset: number): SmfFormatError =>
  new SmfFormatError('ERR_SMF_BAD_COMPRESSION', message, { structure: 'lz4 frame', offset });
