// The little that we must know of a zstd frame before a library unpacks it: how much it says it holds.
// RFC 8878, section 3.1.1.
import { SmfFormatError } from '../errors.js';

const MAGIC = 0xfd2fb528;

/** The frame's content size, or undefined where it does not say. */
export function zstdContentSize(frame: Uint8Array): number | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 6 || view.getUint32(0, true) !== MAGIC) throw bad('no zstd frame magic');
  const descriptor = frame[4] as number;
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number;
  const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 1 << sizeFlag;
  const at = 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  if (at + sizeBytes > frame.length) throw bad('the frame header is cut');
  if (sizeBytes === 0) return undefined;
  if (sizeBytes === 1) return view.getUint8(at);
  if (sizeBytes === 2) return view.getUint16(at, true) + 256;
  const low = view.getUint32(at, true);
  return sizeBytes === 4 ? low : low + view.getUint32(at + 4, true) * 4294967296;
}

/** Refuses a frame that says another size than the section does, before anything is unpacked. */
export function checkZstdSize(frame: Uint8Array, size: number): void {
  const said = zstdContentSize(frame);
  if (said === undefined) throw bad('the frame does not say how much it holds');
  if (said !== size) throw bad(`the frame holds ${said} bytes, not ${size}`);
}

const bad = (message: string): SmfFormatError =>
  new SmfFormatError('ERR_SMF_BAD_COMPRESSION', message, { structure: 'zstd frame', offset: 0 });
