// FNV-1a, 32 and 64 bits: symbol names, modules and libraries. The 64-bit one works on 32-bit halves: a bigint a byte
// would be some fifty times slower. http://www.isthe.com/chongo/tech/comp/fnv/

const encoder = new TextEncoder();
/** What an FNV-1a 32 begins with, before any byte. */
export const fnv1a32Basis = 0x811c9dc5 | 0;
const PRIME_32 = 0x01000193;

/**
 * FNV-1a 32 of bytes, or of a string's UTF-8. An unsigned 32-bit integer.
 *
 * @example
 * fnv1a32('main') // 0xea90e208
 */
export function fnv1a32(data: Uint8Array | string): number {
  if (typeof data !== 'string') return fnv1a32Range(data, 0, data.length);
  let hash = fnv1a32Basis;
  for (let i = 0; i < data.length; i++) {
    const code = data.charCodeAt(i);
    if (code >= 0x80) {
      const bytes = encoder.encode(data);
      return fnv1a32Range(bytes, 0, bytes.length);
    }
    hash = Math.imul(hash ^ code, PRIME_32);
  }
  return hash >>> 0;
}

/** One byte more; the result is signed until `>>> 0`. */
export const fnv1a32Step = (hash: number, byte: number): number => Math.imul(hash ^ byte, PRIME_32);

/** FNV-1a 32 of `bytes[start, end)`. */
export function fnv1a32Range(bytes: Uint8Array, start: number, end: number): number {
  let hash = fnv1a32Basis;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), PRIME_32);
  return hash >>> 0;
}

/**
 * FNV-1a 64 of bytes, or of a string's UTF-8. An unsigned 64-bit bigint.
 *
 * @example
 * fnv1a64('') // 0xcbf29ce484222325n
 */
export function fnv1a64(data: Uint8Array | string): bigint {
  return fnv1a64Parts([typeof data === 'string' ? encoder.encode(data) : data]);
}

/** FNV-1a 64 of several pieces, as if they were one. */
export function fnv1a64Parts(parts: Iterable<Uint8Array>): bigint {
  let high = 0xcbf29ce4 | 0;
  let low = 0x84222325 | 0;
  // prime = 2^40 + 435, so hash * prime = (hash << 40) + hash * 435; the first term touches the high half only.
  for (const bytes of parts) {
    for (let i = 0; i < bytes.length; i++) {
      low ^= bytes[i] as number;
      const p0 = (low & 0xffff) * 435;
      const p1 = (low >>> 16) * 435 + (p0 >>> 16);
      high = (Math.imul(high, 435) + (p1 >>> 16) + (low << 8)) | 0;
      low = ((p1 & 0xffff) << 16) | (p0 & 0xffff);
    }
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
