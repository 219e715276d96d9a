// The limits of what relocations can say.
import { Arch, RelocationType } from '@simple-jit/smf-format';
import { expect, test } from 'vitest';
import { canRelocate, relocationKind, relocationTypeName } from './relocate.js';

const PLACE = 0x7f00_0000_0000;
const view = () => new DataView(new ArrayBuffer(16));

test.each(['Pc32', 'Plt32', 'GotPcRel'] as const)(
  '%s reaches 2 GiB to both sides, and writes nothing beyond',
  (name) => {
    const kind = relocationKind(Arch.X86_64, RelocationType[name])!;
    expect(kind).toMatchObject({ name, size: 4 });
    for (const distance of [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]) {
      for (const addend of [0n, -4n, 2n ** 40n]) {
        const bytes = view();
        expect(kind.apply(bytes, 4, PLACE + distance - Number(addend), PLACE, addend)).toBeUndefined();
        expect([bytes.getInt32(0, true), bytes.getInt32(4, true), bytes.getInt32(8, true)]).toEqual([0, distance, 0]);
      }
    }
    for (const distance of [2n ** 31n, -(2n ** 31n) - 1n]) {
      const bytes = view();
      expect(kind.apply(bytes, 4, PLACE + Number(distance), PLACE, 0n)).toBe(distance);
      expect(bytes.getBigUint64(0)).toBe(0n);
    }
    const far = 2n ** 63n - 1n;
    expect(kind.apply(view(), 0, PLACE, PLACE, far)).toBe(far);
  },
);

test('Abs64 stores all 64 bits, modulo 2^64', () => {
  const kind = relocationKind(Arch.X86_64, RelocationType.Abs64)!;
  for (const [target, addend, stored] of [
    [PLACE, 0n, BigInt(PLACE)],
    [PLACE, -8n, BigInt(PLACE) - 8n],
    [0, -1n, 2n ** 64n - 1n],
    [1, 2n ** 63n - 1n, 2n ** 63n],
  ] as const) {
    const bytes = view();
    expect(kind.apply(bytes, 8, target, PLACE, addend)).toBeUndefined();
    expect(bytes.getBigUint64(8, true)).toBe(stored);
  }
});

test('what an architecture does not have is not known for it', () => {
  expect(relocationKind(Arch.X86_64, RelocationType.Arm64Page21)).toBeUndefined();
  expect(relocationKind(Arch.Aarch64, RelocationType.Abs64)).toBeUndefined();
  expect([canRelocate(Arch.X86_64), canRelocate(Arch.Wasm32)]).toEqual([true, false]);
  expect([relocationTypeName(7), relocationTypeName(99)]).toEqual(['Arm64PageOff12', 'unknown(99)']);
});
