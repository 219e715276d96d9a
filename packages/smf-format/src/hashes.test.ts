import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fnv1a32, fnv1a64 } from './index.js';

// From the definition, with bigint: slow and plain.
function reference(bytes: Uint8Array, basis: bigint, prime: bigint, bits: bigint): bigint {
  let hash = basis;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * prime) & ((1n << bits) - 1n);
  return hash;
}

test('known values', () => {
  expect(fnv1a32('main')).toBe(0xea90e208);
  expect(fnv1a32('')).toBe(0x811c9dc5);
  expect(fnv1a64('')).toBe(0xcbf29ce484222325n);
  expect(fnv1a64('a')).toBe(0xaf63dc4c8601ec8cn);
  expect(fnv1a64('foobar')).toBe(0x85944171f73967e8n);
});

test('a string is its UTF-8', () => {
  for (const text of ['', 'main', 'grüße', 'a\u{1f600}'])
    expect(fnv1a32(text)).toBe(fnv1a32(new TextEncoder().encode(text)));
});

test('the same as the definition, for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(BigInt(fnv1a32(bytes))).toBe(reference(bytes, 2166136261n, 16777619n, 32n));
      expect(fnv1a64(bytes)).toBe(reference(bytes, 14695981039346656037n, 1099511628211n, 64n));
    }),
  );
});
