// Little-endian reading and writing over one Uint8Array. Nothing here checks bounds beyond what DataView does: callers
// have checked the structure that they read. u64 comes as a number for offsets and sizes (above 2^53 it is rounded, and
// still far beyond any file, so bounds checks stay right) and as a bigint where all 64 bits matter.

const TWO_32 = 4294967296;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export const u16 = (view: DataView, at: number): number => view.getUint16(at, true);
export const u32 = (view: DataView, at: number): number => view.getUint32(at, true);
export const u64 = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
export const u64Exact = (view: DataView, at: number): bigint => view.getBigUint64(at, true);
export const i64Exact = (view: DataView, at: number): bigint => view.getBigInt64(at, true);

export function putU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true); // modulo 2^32, as DataView defines it
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

/** `offset .. offset + size` lies in `0 .. limit`, without wrap-around. */
export const fits = (offset: number, size: number, limit: number): boolean => size <= limit && offset <= limit - size;

export const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;

/** UTF-8 to string; bytes that are not UTF-8 become U+FFFD. Short ASCII, the usual case, skips the decoder. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= 48) {
    let text = '';
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte >= 0x80) return decoder.decode(bytes.subarray(start, end));
      text += String.fromCharCode(byte);
    }
    return text;
  }
  return decoder.decode(bytes.subarray(start, end));
}

export const encodeUtf8 = (text: string): Uint8Array => encoder.encode(text);

/** The same bytes? */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
