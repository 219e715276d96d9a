// Values of every type that sit where semantics bend: ends of ranges, signs, zeros, NaN, rounding boundaries.
import { type FloatName, type IntName, type IrValue, SCALAR_NAMES, type ScalarName } from '@simple-jit/template-ir';

export const INTS = SCALAR_NAMES.filter((name) => name[0] === 'i' || name[0] === 'u') as IntName[];
export const FLOATS: readonly FloatName[] = ['f32', 'f64'];

export function bitsOf(name: ScalarName): number {
  return name === 'bool' ? 8 : Number(name.slice(1));
}

export function rangeOf(name: IntName): readonly [bigint, bigint] {
  const bits = BigInt(bitsOf(name));
  return name[0] === 'i' ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n] : [0n, (1n << bits) - 1n];
}

export function interestingValues(name: ScalarName): readonly IrValue[] {
  if (name === 'bool') return [false, true];
  if (name === 'f32' || name === 'f64') return interestingFloats(name);
  const [least, greatest] = rangeOf(name as IntName);
  const candidates = [
    0n, 1n, 2n, 3n, 7n, 8n, 15n, 16n, 31n, 33n, 63n, 64n, 100n, 127n, 128n, 255n, 1000n, -1n, -2n, -3n, -7n, -100n, -128n,
    least, least + 1n, greatest, greatest - 1n, greatest / 2n, (greatest / 2n) + 1n, 0x123456789abcdefn, 1n << 53n, (1n << 53n) + 1n,
    (1n << 24n) + 1n, 0x8000008000000001n, 0xfffffffffffff400n, 0x7fffffbfffffffffn, 0x80000000n, 0xffffffffn, -0x80000000n,
  ]; // biome-ignore format: a list
  return [...new Set(candidates.filter((value) => value >= least && value <= greatest))];
}

export function interestingFloats(name: FloatName): readonly number[] {
  const values = [
    0, -0, 1, -1, 0.5, -0.5, 0.9999999, -0.9999999, 1.5, 2.5, -2.5, 3.75, 126.9, 127, 127.5, 128, 128.5, -128, -128.9, -129,
    255, 255.5, 256, 32767.5, 32768, -32768.5, -32769, 65535.9, 65536, 2147483647, 2147483648, -2147483648, -2147483649,
    4294967295, 4294967296, 2 ** 53, 2 ** 62, 2 ** 63, -(2 ** 63), 2 ** 63 - 1024, 2 ** 63 + 2048, 2 ** 64, 2 ** 64 - 2048, 1.8446744e19,
    1e300, -1e300, 1e-300, 5e-324, 1.401298464324817e-45, 3.4028234663852886e38, -3.4028234663852886e38, 1.1754943508222875e-38,
    0.1, 0.2, 0.3, 1 / 3, Math.PI, Infinity, -Infinity, NaN,
  ]; // biome-ignore format: a list
  return name === 'f64' ? values : [...new Set(values.map(Math.fround))].concat(-0);
}
