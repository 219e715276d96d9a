// Rounding once, against exact rationals, known hard cases, and the C library of the machine.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FloatName, scalar } from '../index.js';
import { arbitraryValue, interestingValues } from '../testing/index.js';
import { fma } from './fma.js';
import { rationalToF32, rationalToF64, toRational } from './rounding.test-support.js';

/** Of finite numbers; the sign of a zero is not its business. */
function exact(name: FloatName, a: number, b: number, c: number): number {
  const [x, y, z] = [toRational(a), toRational(b), toRational(c)];
  const product = { numerator: x.numerator * y.numerator, denominator: x.denominator * y.denominator };
  const numerator = product.numerator * z.denominator + z.numerator * product.denominator;
  const toFloat = name === 'f32' ? rationalToF32 : rationalToF64;
  return toFloat(numerator, product.denominator * z.denominator);
}

/** SplitMix64: the same operands each time. */
function* random64(seed: bigint): Generator<bigint, never> {
  for (let state = seed; ; ) {
    state = BigInt.asUintN(64, state + 0x9e37_79b9_7f4a_7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn);
    yield z ^ (z >> 31n);
  }
}

const view = new DataView(new ArrayBuffer(8));

function fromBits(name: FloatName, bits: bigint): number {
  if (name === 'f64') view.setBigUint64(0, bits);
  else view.setUint32(0, Number(bits >> 32n));
  return name === 'f64' ? view.getFloat64(0) : view.getFloat32(0);
}

/**
 * Operands, three a time: any bits; exponents near enough to one another that the sum cancels or rounds; c within an ulp of
 * -a * b; corner cases.
 */
function operands(name: FloatName, count: number): number[] {
  const random = random64(name === 'f64' ? 1n : 2n);
  const corners = interestingValues(scalar(name)) as number[];
  const next = (): bigint => random.next().value;
  const round = name === 'f64' ? (x: number) => x : Math.fround;
  const corner = (): number => corners[Number(next() % BigInt(corners.length))]!;
  const near = (): number => round((1 + Number(next() >> 12n) / 2 ** 52) * 2 ** (Number(next() % 60n) - 30));
  const ulp = name === 'f64' ? 2 ** -52 : 2 ** -23;
  const all: number[] = [];
  for (let i = 0; i < count; i++) {
    const kind = i % 5;
    if (kind === 0) all.push(fromBits(name, next()), fromBits(name, next()), fromBits(name, next()));
    else if (kind === 1) all.push(corner(), corner(), corner());
    else if (kind === 2) all.push(near(), near(), round(-near() * near()));
    else if (kind === 3) {
      const [a, b] = [near(), near()];
      all.push(a, b, round(-a * b * (1 + Number((next() % 5n) - 2n) * ulp)));
    } else {
      // Products among the subnormals, or just below the overflow.
      const edge = name === 'f64' ? (next() % 2n === 0n ? -1060 : 1010) : next() % 2n === 0n ? -140 : 120;
      const [a, b] = [round(near() * 2 ** (edge / 2)), round(near() * 2 ** (edge / 2))];
      all.push(a, b, next() % 2n === 0n ? corner() : round(near() * 2 ** edge));
    }
  }
  return all;
}

describe.each(['f32', 'f64'] as const)('fma of %s', (name) => {
  const type = scalar(name);

  it('rounds the exact result once', () => {
    const check = (a: number, b: number, c: number) => {
      const found = fma(name, a, b, c);
      if (Number.isFinite(a) && Number.isFinite(b) && !Number.isFinite(c))
        expect(found).toBe(c); // however large a * b
      else if (!Number.isFinite(a) || !Number.isFinite(b)) expect([a, b, c, found]).toEqual([a, b, c, a * b + c]);
      else if (found === 0) expect([a, b, c, Math.abs(exact(name, a, b, c))]).toEqual([a, b, c, 0]);
      else expect([a, b, c, found]).toEqual([a, b, c, exact(name, a, b, c)]);
    };
    const numbers = operands(name, 5000);
    for (let i = 0; i < numbers.length; i += 3) check(numbers[i]!, numbers[i + 1]!, numbers[i + 2]!);
    const value = arbitraryValue(type) as fc.Arbitrary<number>;
    fc.assert(fc.property(value, value, value, check), { numRuns: 1000 });
  });

  it('gives zeros the sign that IEEE 754 gives them', () => {
    const tiny = name === 'f64' ? 2 ** -1074 : 2 ** -149;
    const cases: [number, number, number, number][] = [
      [0, 1, 0, 0],
      [0, -1, 0, 0],
      [0, -1, -0, -0],
      [0, 1, -0, 0],
      [2, 3, -6, 0], // an exact difference
      [-2, 3, 6, 0],
      [-tiny, tiny, 0, -0], // not an exact zero: its own sign stays
      [tiny, tiny, -0, 0],
      [-tiny, tiny, -0, -0],
      [tiny, 0.5, 0, 0], // a tie to even
      [tiny, -0.5, 0, -0],
    ];
    for (const [a, b, c, expected] of cases) expect([a, b, c, fma(name, a, b, c)]).toEqual([a, b, c, expected]);
  });

  it('knows infinities and NaN', () => {
    const inf = Number.POSITIVE_INFINITY;
    const large = name === 'f64' ? Number.MAX_VALUE : (2 - 2 ** -23) * 2 ** 127;
    expect(fma(name, inf, 1, -inf)).toBe(Number.NaN);
    expect(fma(name, inf, 0, 1)).toBe(Number.NaN);
    expect(fma(name, 0, -inf, Number.NaN)).toBe(Number.NaN);
    expect(fma(name, -inf, 2, large)).toBe(-inf);
    expect(fma(name, large, large, -inf)).toBe(-inf); // the product is not infinite: it is exact
    expect(fma(name, large, 2, -large)).toBe(large);
    expect(fma(name, large, 2, -large / 2)).toBe(inf);
    expect(fma(name, -large, large, 1)).toBe(-inf);
  });
});

describe('known hard cases', () => {
  it('tell one rounding from two', () => {
    // (1 + 2^-27)^2 - (1 + 2^-26) is 2^-54, which two roundings lose.
    expect(fma('f64', 1 + 2 ** -27, 1 + 2 ** -27, -(1 + 2 ** -26))).toBe(2 ** -54);
    // The product of binary32 numbers fits binary64, but the sum does not: rounding it to binary64 first makes a tie.
    const [a, b, c] = [1 + 2 ** -12, 1 + 2 ** -12, 2 ** -60];
    expect(Math.fround(a * b + c)).toBe(1 + 2 ** -11);
    expect(fma('f32', a, b, c)).toBe(1 + 2 ** -11 + 2 ** -23);
    // Just below a tie among the subnormals.
    expect(fma('f64', 2 ** -537, 2 ** -538, 2 ** -1074)).toBe(2 ** -1073); // 1.5 units: to even
    expect(fma('f64', 2 ** -537, (1 - 2 ** -53) * 2 ** -538, 2 ** -1074)).toBe(2 ** -1074);
    // To the least normal, from below: a tie.
    expect(fma('f64', 2 ** -1022, 1 - 2 ** -53, 0)).toBe(2 ** -1022);
  });
});

const C_PROGRAM = `#include <math.h>
#include <stdio.h>
int main(void) {
  int wide = getchar();
  if (wide) {
    double v[3];
    while (fread(v, sizeof v, 1, stdin) == 1) { double r = fma(v[0], v[1], v[2]); fwrite(&r, sizeof r, 1, stdout); }
  } else {
    float v[3];
    while (fread(v, sizeof v, 1, stdin) == 1) { float r = fmaf(v[0], v[1], v[2]); fwrite(&r, sizeof r, 1, stdout); }
  }
  return 0;
}
`;

const hasCompiler = spawnSync('cc', ['--version']).status === 0;

describe('the C library', () => {
  it.skipIf(!hasCompiler)('gives the same for 100,000 operands (skipped where there is no cc)', () => {
    const directory = mkdtempSync(join(tmpdir(), 'template-ir-fma-'));
    try {
      const [source, program] = [join(directory, 'fma.c'), join(directory, 'fma')];
      writeFileSync(source, C_PROGRAM);
      execFileSync('cc', ['-O1', '-fno-builtin', '-o', program, source, '-lm']);
      for (const name of ['f64', 'f32'] as const) {
        const numbers = operands(name, 50_000);
        const array = name === 'f64' ? Float64Array.from(numbers) : Float32Array.from(numbers);
        const input = Buffer.concat([Buffer.of(name === 'f64' ? 1 : 0), Buffer.from(array.buffer)]);
        const output = new Uint8Array(execFileSync(program, { input, maxBuffer: 1 << 24 }));
        const results = name === 'f64' ? new Float64Array(output.buffer) : new Float32Array(output.buffer);
        expect(results).toHaveLength(50_000);
        const wrong = Array.from(results, (expected, i) => {
          const [a, b, c] = [array[3 * i]!, array[3 * i + 1]!, array[3 * i + 2]!];
          const found = fma(name, a, b, c);
          return Object.is(found, expected) ? '' : `fma(${a}, ${b}, ${c}): C ${expected}, here ${found}`;
        }).filter((message) => message !== '');
        expect(wrong.slice(0, 10)).toEqual([]);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
