// Real files of the Simple compiler, where they are at hand (beside the repository), and the generated ones against them.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { legacySmf, MAIN_RETURNS_ZERO } from '@simple-jit/fixtures';
import { describe, expect, test } from 'vitest';
import { parseSmf, SmfBuilder, validateSmf } from '../src/index.js';

const corpus = fileURLToPath(new URL('../../../../shared/corpus/legacy/', import.meta.url));
const present = existsSync(corpus);
if (!present) console.warn(`skipped: the real files are not at ${corpus}`);

const files = [
  ['builder.smf', 'legacy-96', [20, 24, 81, 84, 88, 96, 97, 100, 170, 174, 199, 206]],
  ['interrupt.smf', 'legacy-72', [73, 76, 146, 150]],
] as const;

describe.skipIf(!present)('real files', () => {
  test.each(files)('%s is %s', (name, layout) => {
    const smf = parseSmf(new Uint8Array(readFileSync(corpus + name)));
    expect(smf.layout).toBe(layout);
    expect(smf.header).toMatchObject({
      versionMajor: 0,
      versionMinor: 1,
      platform: 1,
      arch: 0,
      flags: 1,
      symbolCount: 1,
      exportedCount: 1,
    });
    expect(smf.sectionData(0)).toEqual(MAIN_RETURNS_ZERO);
    expect(smf.findSymbol('main')).toMatchObject({ nameHash: 0xea90e208, value: 0, size: 0, sectionIndex: 0 });
    expect(validateSmf(smf.bytes)).toEqual([]);
    expect(parseSmf(SmfBuilder.from(smf).build()).findSymbol('main')).toEqual(smf.findSymbol('main'));
  });

  test.each(files)('%s differs from the generated one in padding only', (name, layout, padding) => {
    const real = new Uint8Array(readFileSync(corpus + name));
    const made = legacySmf({ layout });
    expect(made.length).toBe(real.length);
    const isPadding = (at: number): boolean =>
      padding.some((start, i) => i % 2 === 0 && at >= start && at < (padding[i + 1] ?? 0));
    const different = Array.from(made.keys()).filter((at) => made[at] !== real[at] && !isPadding(at));
    expect(different).toEqual([]);
  });
});

test('generated files have the shape of the real ones', () => {
  const wide = legacySmf({ layout: 'legacy-96', garbageSeed: 5 });
  const narrow = legacySmf({ layout: 'legacy-72', garbageSeed: 5 });
  expect([wide.length, narrow.length]).toEqual([219, 179]);
  expect(Buffer.from(wide.subarray(0x98, 0x9e)).toString('hex')).toBe('b800000000c3');
  expect(Buffer.from(wide.subarray(-5)).toString('latin1')).toBe('main\0');
  expect(Buffer.from(narrow.subarray(0x48 + 4, 0x48 + 12)).toString('hex')).toBe('0500000080000000');
  expect(legacySmf({ layout: 'legacy-96', garbageSeed: 5 })).toEqual(wide);
  expect(legacySmf({ layout: 'legacy-96', garbageSeed: 6 })).not.toEqual(wide);
});
