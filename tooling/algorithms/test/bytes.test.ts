import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MODES, useLibrary } from './library.js';

describe.each(MODES)('bytes, %s', (mode) => {
  const instance = useLibrary('bytes', mode);
  const runs = { numRuns: mode === 'native' ? 300 : 15 };
  const bytes = fc.uint8Array({ maxLength: mode === 'native' ? 300 : 80 });

  test('crc32 is that of zlib', () => {
    const crc32 = instance('crc32');
    expect(crc32(Buffer.from('123456789'), 9n)).toBe(0xcbf43926);
    fc.assert(
      fc.property(bytes, (data) => {
        expect(crc32(data, BigInt(data.length))).toBe(jsCrc32(data));
      }),
      runs,
    );
  });

  test('sha256 is that of node:crypto', () => {
    const sha256 = instance('sha256');
    const check = (data: Uint8Array): void => {
      const digest = new Uint8Array(32);
      sha256(data, BigInt(data.length), digest);
      expect(Buffer.from(digest).toString('hex')).toBe(createHash('sha256').update(data).digest('hex'));
    };
    for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 128]) check(new Uint8Array(length).fill(length));
    fc.assert(fc.property(bytes, check), runs);
    if (mode === 'native') check(new Uint8Array(1_000_003).map((_, i) => i * 7));
  });

  test('is_utf8 agrees with node:buffer', () => {
    const valid = instance('is_utf8');
    const check = (data: Uint8Array): void => {
      expect(valid(data, BigInt(data.length)), Buffer.from(data).toString('hex')).toBe(isUtf8(data));
    };
    fc.assert(fc.property(bytes, check), runs);
    // A text with one byte changed: valid up to there.
    const nearly = fc
      .tuple(fc.string({ unit: 'binary', maxLength: 30 }), fc.nat(), fc.nat(255))
      .map(([text, at, byte]) => {
        const data = Buffer.from(text);
        if (data.length > 0) data[at % data.length] = byte;
        return new Uint8Array(data);
      });
    fc.assert(fc.property(nearly, check), runs);
    for (let lead = 0x80; lead < 0x100; lead++) {
      for (const second of [0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0]) {
        for (let length = 1; length <= 4; length++) check(Uint8Array.of(lead, second, 0x80, 0xbf).subarray(0, length));
      }
    }
  });
});

function jsCrc32(data: Uint8Array): number {
  let crc = -1;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
