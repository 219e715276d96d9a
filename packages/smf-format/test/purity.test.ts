// The main entry runs anywhere: nothing it imports, at any depth, is anything but our own files, and opening a file looks
// at as many bytes whether it has a hundred symbols or a hundred thousand.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseSmf, SmfBuilder } from '../src/index.js';

function importsOf(url: URL, seen = new Map<string, string>()): Map<string, string> {
  if (seen.has(url.href)) return seen;
  const source = readFileSync(url, 'utf8');
  seen.set(url.href, source);
  for (const [, from = ''] of source.matchAll(/(?:from|import)\s*\(?'([^']+)'/g)) {
    expect(from, `imported by ${url.pathname}`).toMatch(/^\.\.?\//);
    importsOf(new URL(from.replace(/\.js$/, '.ts'), url), seen);
  }
  return seen;
}

test('the main entry imports its own files only, and no global of Node', () => {
  const files = importsOf(new URL('../src/index.ts', import.meta.url));
  expect(files.size).toBeGreaterThan(25);
  for (const [file, source] of files) {
    const code = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'/g, '');
    expect(
      code.match(/\b(process|Buffer|globalThis|window|document|performance)\.|\b(require|setTimeout)\(|__dirname/g),
      file,
    ).toBeNull();
  }
});

/** How often a DataView is read while `action` runs. */
function readsOf(action: () => void): number {
  let reads = 0;
  const prototype = DataView.prototype;
  const names = ['getUint8', 'getUint16', 'getUint32', 'getBigUint64', 'getInt32'] as const;
  const originals = names.map((name) => prototype[name]);
  names.forEach((name, i) => {
    const original = originals[i] as (...args: unknown[]) => number;
    Object.defineProperty(prototype, name, {
      configurable: true,
      writable: true,
      value(this: DataView, ...args: unknown[]) {
        reads++;
        return original.apply(this, args);
      },
    });
  });
  try {
    action();
  } finally {
    for (const [i, name] of names.entries()) {
      Object.defineProperty(prototype, name, { configurable: true, writable: true, value: originals[i] });
    }
  }
  return reads;
}

test('opening costs O(sections): not more for more symbols or bytes', () => {
  const file = (symbols: number, size: number): Uint8Array => {
    const builder = new SmfBuilder();
    builder.addSection({ type: 1, name: '.text', data: new Uint8Array(size) });
    for (let i = 0; i < symbols; i++) builder.addSymbol({ name: `s${i}` });
    return builder.build();
  };
  const small = file(100, 1000);
  const large = file(100_000, 1 << 24);
  expect(readsOf(() => parseSmf(large))).toBe(readsOf(() => parseSmf(small)));
  const smf = parseSmf(large);
  smf.findSymbol('s5');
  expect(readsOf(() => smf.findSymbol('s77777'))).toBeLessThan(60);
});
