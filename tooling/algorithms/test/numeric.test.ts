import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MODES, useLibrary } from './library.js';
import { type AnyArray, arrayOf, FLOATS, INTEGERS, NUMBERS, random } from './numbers.js';

/** The same operation on numbers of the type: rounded for f32, wrapped for integers by the array that it is stored in. */
const rounding = { f32: Math.fround, f64: (x: number): number => x } as Readonly<Record<string, (x: number) => number>>;

describe.each(MODES)('numeric, %s', (mode) => {
  const instance = useLibrary('numeric', mode);
  const runs = { numRuns: mode === 'native' ? 100 : 10 };

  test.each(INTEGERS)('prefix_sums<$name> wrap', (type) => {
    const prefixSums = instance('prefix_sums', type.name);
    fc.assert(
      fc.property(fc.array(type.value, { maxLength: 60 }), (list) => {
        const data = arrayOf(type, list);
        const wide = new BigInt64Array(data.length); // the sums before they are wrapped
        let sum = 0n;
        Array.from<number | bigint>(data).forEach((x, i) => {
          sum += BigInt(x);
          wide[i] = sum;
        });
        const wrapped = arrayOf(
          type,
          Array.from(wide, (x) => wrap(type.name, x)),
        );
        const total = prefixSums(data, BigInt(data.length));
        expect(data).toEqual(wrapped);
        expect(Number(total)).toBe(Number(wrapped.at(-1) ?? 0));
      }),
      runs,
    );
  });

  test.each(FLOATS)('prefix_sums<$name> round each sum once', (type) => {
    const prefixSums = instance('prefix_sums', type.name);
    const round = rounding[type.name]!;
    fc.assert(
      fc.property(fc.array(type.value, { maxLength: 60 }), (list) => {
        const data = arrayOf(type, list);
        const wanted = data.slice();
        let sum = 0;
        wanted.forEach((x, i) => {
          sum = round(sum + Number(x));
          wanted[i] = sum;
        });
        expect(prefixSums(data, BigInt(data.length))).toBe(sum);
        expect(data).toEqual(wanted);
      }),
      runs,
    );
  });

  test.each(NUMBERS)('matrix_multiply<$name> is the triple loop', (type) => {
    const multiply = instance('matrix_multiply', type.name);
    const n = 9;
    const next = random(7);
    const isLong = type.name.endsWith('64') && type.name !== 'f64';
    const values = (): (number | bigint)[] =>
      Array.from({ length: n * n }, () =>
        isLong ? BigInt(Math.floor(next() * 1e15)) : type.name[0] === 'f' ? next() : Math.floor(next() * 100),
      );
    const [a, b] = [arrayOf(type, values()), arrayOf(type, values())];
    const c = new type.array(n * n);
    multiply(a, b, c, BigInt(n));
    expect(c).toEqual(product(type.name, type.array, a, b, n));
  });

  test.each(FLOATS)('fft<$name> is the same computation in JavaScript, and the transform', (type) => {
    const fft = instance('fft', type.name);
    const round = rounding[type.name]!;
    for (const n of [1, 2, 8, 64]) {
      const next = random(n);
      const signal = arrayOf(
        type,
        Array.from({ length: n }, () => next() - 0.5),
      ) as Float64Array;
      const [re, im] = [signal.slice(), new type.array(n) as Float64Array];
      const angles = Array.from({ length: n / 2 }, (_, k) => (2 * Math.PI * k) / n);
      const cosines = arrayOf(type, angles.map(Math.cos)) as Float64Array;
      const sines = arrayOf(type, angles.map(Math.sin)) as Float64Array;
      const [re2, im2] = [re.slice(), im.slice()];
      fft(re, im, BigInt(n), cosines, sines);
      jsFft(re2, im2, cosines, sines, round);
      expect(re).toEqual(re2);
      expect(im).toEqual(im2);
      for (let k = 0; k < n; k++) {
        let [x, y] = [0, 0];
        for (let t = 0; t < n; t++) {
          x += signal[t]! * Math.cos((2 * Math.PI * k * t) / n);
          y -= signal[t]! * Math.sin((2 * Math.PI * k * t) / n);
        }
        expect(re[k]).toBeCloseTo(x, type.name === 'f32' ? 4 : 10);
        expect(im[k]).toBeCloseTo(y, type.name === 'f32' ? 4 : 10);
      }
    }
  });

  test.each(FLOATS)('mandelbrot<$name> counts as JavaScript does', (type) => {
    const mandelbrot = instance('mandelbrot', type.name);
    const round = rounding[type.name]!;
    const [width, height, limit] = mode === 'native' ? [60, 40, 200] : [12, 8, 50];
    const [left, top, step] = [round(-2.1), round(-1.2), round(3.2 / width)];
    const out = new Uint32Array(width * height);
    mandelbrot(out, BigInt(width), BigInt(height), left, top, step, limit);
    const wanted = out.map((_, i) => {
      const cr = round(left + round(round(i % width) * step));
      const ci = round(top + round(round(Math.floor(i / width)) * step));
      let [zr, zi, count] = [0, 0, 0];
      for (; count < limit; count++) {
        const [rr, ii] = [round(zr * zr), round(zi * zi)];
        if (!(round(rr + ii) <= 4)) break;
        const ri = round(zr * zi);
        zr = round(round(rr - ii) + cr);
        zi = round(round(ri + ri) + ci);
      }
      return count;
    });
    expect(out).toEqual(wanted);
    expect(new Set(wanted).size).toBeGreaterThan(5);
  });

  test.each(FLOATS)('advance<$name>: n bodies move as in JavaScript, bit for bit', (type) => {
    const advance = instance('advance', type.name);
    const round = rounding[type.name]!;
    const n = 5;
    const next = random(3);
    const bodies = arrayOf(
      type,
      Array.from({ length: n * 7 }, () => next() * 4 - 2),
    ) as Float64Array;
    for (let i = 0; i < n; i++) bodies[i * 7 + 6] = next() + 0.5;
    const wanted = bodies.slice();
    const time = round(0.01);
    for (let steps = 0; steps < (mode === 'native' ? 500 : 20); steps++) {
      advance(bodies, BigInt(n), time);
      jsAdvance(wanted, n, time, round);
    }
    expect(bodies).toEqual(wanted);
    expect(bodies.every(Number.isFinite)).toBe(true);
  });
});

function wrap(name: string, value: bigint): number | bigint {
  const bits = Number(name.slice(1));
  const wrapped = name[0] === 'i' ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  return bits === 64 ? wrapped : Number(wrapped);
}

function product(
  name: string,
  array: new (content: number | ArrayBuffer) => AnyArray,
  a: AnyArray,
  b: AnyArray,
  n: number,
): AnyArray {
  const c = new array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (name[0] === 'f') {
        const round = rounding[name]!;
        let sum = 0;
        for (let k = 0; k < n; k++) sum = round(sum + round(Number(a[i * n + k]) * Number(b[k * n + j])));
        c[i * n + j] = sum;
      } else {
        let sum = 0n;
        for (let k = 0; k < n; k++) sum += BigInt(a[i * n + k]!) * BigInt(b[k * n + j]!);
        c[i * n + j] = wrap(name, sum);
      }
    }
  }
  return c;
}

function jsFft(
  re: Float64Array,
  im: Float64Array,
  cosines: Float64Array,
  sines: Float64Array,
  round: (x: number) => number,
): void {
  const n = re.length;
  const bits = Math.log2(n);
  for (let i = 0; i < n; i++) {
    let j = 0;
    for (let b = 0; b < bits; b++) if (i & (1 << b)) j |= 1 << (bits - 1 - b);
    if (i < j) {
      [re[i], re[j]] = [re[j]!, re[i]!];
      [im[i], im[j]] = [im[j]!, im[i]!];
    }
  }
  for (let half = 1; half < n; half *= 2) {
    const step = n / (2 * half);
    for (let base = 0; base < n; base += 2 * half) {
      for (let k = 0; k < half; k++) {
        const [c, s] = [cosines[k * step]!, sines[k * step]!];
        const [low, high] = [base + k, base + k + half];
        const u = round(round(re[high]! * c) + round(im[high]! * s));
        const v = round(round(im[high]! * c) - round(re[high]! * s));
        [re[high], im[high]] = [re[low]! - u, im[low]! - v];
        [re[low], im[low]] = [re[low]! + u, im[low]! + v];
      }
    }
  }
}

function jsAdvance(bodies: Float64Array, n: number, time: number, round: (x: number) => number): void {
  for (let i = 0; i < n; i++) {
    const a = i * 7;
    for (let j = i + 1; j < n; j++) {
      const b = j * 7;
      const d = [0, 1, 2].map((axis) => round(bodies[a + axis]! - bodies[b + axis]!));
      const [xx, yy, zz] = d.map((x) => round(x * x));
      const square = round(round(xx! + yy!) + zz!);
      const magnitude = round(time / round(square * round(Math.sqrt(square))));
      const pullA = round(bodies[b + 6]! * magnitude);
      const pullB = round(bodies[a + 6]! * magnitude);
      d.forEach((x, axis) => {
        bodies[a + 3 + axis] = bodies[a + 3 + axis]! - round(x * pullA);
        bodies[b + 3 + axis] = bodies[b + 3 + axis]! + round(x * pullB);
      });
    }
  }
  for (let i = 0; i < n; i++) {
    for (let axis = 0; axis < 3; axis++) {
      bodies[i * 7 + axis] = bodies[i * 7 + axis]! + round(bodies[i * 7 + 3 + axis]! * time);
    }
  }
}
