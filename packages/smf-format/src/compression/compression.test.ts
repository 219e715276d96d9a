import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import lz4js from 'lz4js';
import { describe, expect, test } from 'vitest';
import { patched } from '../../test/support.js';
import {
  type ParseSmfOptions,
  parseSmf,
  SectionFlags,
  SmfBuilder,
  type SmfCodecs,
  type SmfFile,
  SmfFormatError,
  validateSmf,
} from '../index.js';
import { builtinCodecs, loadCodecs, zlibZstd } from '../node.js';
import { loadZstd } from '../zstd.js';
import { lz4 } from './lz4.js';
import { xxh32 } from './xxh32.js';
import { zstdContentSize } from './zstd-frame.js';

const codecs = await loadCodecs();
const wasm = await loadZstd();

/** Bytes with repetitions near and far, as real sections have them. */
const content = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 60 })), { maxLength: 12 })
  .map((pieces) =>
    Uint8Array.from(pieces.flatMap(([piece, times]) => Array.from({ length: times }, () => [...piece]).flat())),
  );
const text = new TextEncoder().encode('the same words again and again. '.repeat(400));

describe('lz4', () => {
  test('xxHash32, from its specification', () => {
    expect(xxh32(new Uint8Array(0))).toBe(0x02cc5d05);
    expect(xxh32(new TextEncoder().encode('a'))).toBe(0x550d7456);
    expect(xxh32(new TextEncoder().encode('abc'))).toBe(0x32d153ff);
    expect(xxh32(new TextEncoder().encode('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f);
  });

  test('round trip, and both ways with another implementation', () => {
    fc.assert(
      fc.property(content, (data) => {
        const frame = lz4.compress(data, 0);
        expect(lz4.decompress(frame, data.length)).toEqual(data);
        expect(Uint8Array.from(lz4js.decompress(frame, data.length))).toEqual(data);
        expect(lz4.decompress(Uint8Array.from(lz4js.compress(data)), data.length)).toEqual(data);
      }),
    );
    expect(lz4.compress(text, 0).length).toBeLessThan(text.length / 20);
  });

  test('several blocks, and blocks that do not compress', () => {
    const large = new Uint8Array((9 << 20) + 5);
    let state = 1;
    for (let i = 0; i < 5 << 20; i++) {
      state = Math.imul(state, 1103515245) + 12345;
      large[i] = state >>> 24;
    }
    const frame = lz4.compress(large, 0);
    expect(Buffer.compare(lz4.decompress(frame, large.length), large)).toBe(0);
    expect(frame.length).toBeLessThan(6 << 20);
  });

  test('every damaged frame is an error, or unpacks to what its checksum covers', () => {
    const frame = lz4.compress(text.subarray(0, 600), 0);
    fc.assert(
      fc.property(fc.nat(frame.length - 1), fc.nat(255), (at, byte) => {
        const damaged = patched(frame, (_, copy) => copy.fill(byte, at, at + 1));
        try {
          expect(lz4.decompress(damaged, 600)).toEqual(text.subarray(0, 600));
        } catch (error) {
          if (!(error instanceof SmfFormatError)) throw error;
          expect(error.code).toBe('ERR_SMF_BAD_COMPRESSION');
        }
      }),
      { numRuns: 2000 },
    );
    for (let end = 0; end < frame.length; end++)
      expect(() => lz4.decompress(frame.subarray(0, end), 600)).toThrow(SmfFormatError);
    expect(() => lz4.decompress(new Uint8Array([...frame, 0]), 600)).toThrow(/after the end/);
  });
});

/** The reference tool, where it is installed (Debian: lz4). */
const tool = spawnSync('lz4', ['--version']).status === 0;
if (!tool) console.warn('skipped: the lz4 command is not installed');

describe.skipIf(!tool)('lz4 and its reference tool', () => {
  const data = Uint8Array.from({ length: 300_000 }, (_, i) => ((i * i) >> 7) & 0xff);
  const run = (input: Uint8Array, ...args: string[]): Uint8Array => {
    const { stdout, status } = spawnSync('lz4', ['-q', '-c', ...args], { input, maxBuffer: 1 << 24 });
    expect(status).toBe(0);
    return new Uint8Array(stdout);
  };

  test.each(['-B4 -BD', '-B4 -BX -BD', '-9 -BI', '-B7 --no-frame-crc'])('reads frames made with %s', (args) => {
    expect(Buffer.compare(lz4.decompress(run(data, ...args.split(' ')), data.length), data)).toBe(0);
  });

  test('makes frames that the tool reads', () => {
    for (const input of [data, new Uint8Array(0), Uint8Array.of(1)]) {
      expect(Buffer.compare(run(lz4.compress(input, 0), '-d'), input)).toBe(0);
    }
  });
});

test('the codecs that are there at once: lz4, and zstd where this Node has it', async () => {
  const { lz4: frames, zstd } = builtinCodecs();
  expect(frames).toBe(lz4);
  expect(zstd === undefined).toBe((await zlibZstd()) === undefined);
});

describe('what is kept', () => {
  const file = (onUnpacked?: (bytes: number) => void) => {
    const builder = new SmfBuilder().setCompression('lz4', codecs);
    for (const size of [1000, 2000]) {
      builder.addSection({ type: 3, name: `z${size}`, data: new Uint8Array(size).fill(7), compress: true });
    }
    return parseSmf(builder.build(), { codecs, ...(onUnpacked && { onUnpacked }) });
  };

  test('is told, and can be forgotten: who holds it is given the same again', () => {
    const told: number[] = [];
    const smf = file((bytes) => told.push(bytes));
    const held = smf.sectionData(1);
    expect(smf.sectionData(1)).toBe(held);
    smf.sectionData(0);
    expect([told, smf.unpackedBytes]).toEqual([[2000, 1000], 3000]);
    smf.forgetUnpacked();
    expect(smf.unpackedBytes).toBe(0);
    expect(held).toEqual(new Uint8Array(2000).fill(7));
    expect(smf.sectionData(1).buffer).toBe(held.buffer);
    expect([told, smf.unpackedBytes]).toEqual([[2000, 1000, 2000], 2000]);
  });

  test('may be forgotten the moment it is told', () => {
    const smf: SmfFile = file(() => smf.forgetUnpacked());
    expect(smf.sectionData(0)).toEqual(new Uint8Array(1000).fill(7));
    expect(smf.unpackedBytes).toBe(0);
  });

  test('of templates, their entries among it', () => {
    const builder = new SmfBuilder();
    builder.addTemplate({ kind: 0, name: 'identity', genericParams: [{ name: 'T' }], body: new Uint8Array(500) });
    const templates = parseSmf(builder.build());
    const at = templates.findSymbol('identity')!.templateOffset;
    const compressed = new SmfBuilder().setCompression('lz4', codecs);
    compressed.addSection({ type: 12, name: '.templates', data: templates.sectionData(0), compress: true });
    let budget = true;
    const smf: SmfFile = parseSmf(compressed.build(), { codecs, onUnpacked: () => budget || smf.forgetUnpacked() });
    expect(smf.templateAt(at)?.name).toBe('identity');
    expect(smf.templateAt(at)).toBe(smf.templateAt(at));
    budget = false;
    smf.forgetUnpacked();
    expect(smf.templateAt(at)?.entry).toEqual(templates.templateAt(at)?.entry);
    expect(smf.templateAt(at + 1)).toBeUndefined();
    expect(smf.unpackedBytes).toBe(0);
  });
});

describe('zstd', () => {
  test('round trip, WebAssembly and this Node both ways', async () => {
    const zlib = (await zlibZstd()) ?? wasm;
    fc.assert(
      fc.property(content, fc.constantFrom(0, 1, 9), (data, level) => {
        for (const [from, to] of [
          [wasm, zlib],
          [zlib, wasm],
        ] as const) {
          const frame = from.compress(data, level);
          expect(zstdContentSize(frame)).toBe(data.length);
          expect(Uint8Array.from(to.decompress(frame, data.length))).toEqual(data);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('a frame that holds another size is refused before it is unpacked', () => {
    const frame = wasm.compress(new Uint8Array(1 << 20), 0);
    for (const codec of [wasm, codecs.zstd])
      expect(() => codec.decompress(frame, 100)).toThrow(/holds 1048576 bytes, not 100/);
  });

  test('content sizes in every width', () => {
    for (const size of [0, 1, 255, 256, 300, 65_535, 65_791, 65_792, 1 << 20]) {
      expect(zstdContentSize(wasm.compress(new Uint8Array(size), 0))).toBe(size);
    }
    expect(() => zstdContentSize(new Uint8Array(3))).toThrow(/magic/);
  });
});

describe.each(['zstd', 'lz4'] as const)('sections compressed with %s', (algorithm) => {
  function file(): Uint8Array {
    const builder = new SmfBuilder().setCompression(algorithm, codecs);
    builder.addSection({ type: 3, name: 'text', data: text, compress: true });
    builder.addSection({ type: 3, name: 'plain', data: text });
    builder.addSymbol({ name: 'words', type: 2, sectionIndex: 0, size: text.length });
    return builder.build();
  }
  const open = (bytes: Uint8Array, options: ParseSmfOptions = { codecs }) => parseSmf(bytes, options);
  const codeOf = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      expect(error).toBeInstanceOf(SmfFormatError);
      return (error as SmfFormatError).code;
    }
    return 'nothing was thrown';
  };
  const bytes = file();
  const table = parseSmf(bytes).header.sectionTableOffset;

  test('are read whole, once', () => {
    const smf = open(bytes, { codecs, verifyModuleHash: true });
    expect(smf.sections[0]).toMatchObject({
      flags: SectionFlags.READ | SectionFlags.COMPRESSED,
      virtualSize: text.length,
    });
    expect(smf.sections[0]?.size).toBeLessThan(1000);
    expect(Uint8Array.from(smf.sectionData(0))).toEqual(text);
    expect(smf.sectionData(0)).toBe(smf.sectionData(0));
    expect(smf.sectionData(1)).toEqual(text);
    expect(validateSmf(bytes, { codecs })).toEqual([]);
    expect(validateSmf(bytes).map((d) => d.code)).toEqual(['WARN_NOT_CHECKED']);
  });

  test('are kept as they are when something else changes, and compressed anew when they do', () => {
    const smf = open(bytes);
    expect(SmfBuilder.from(smf).build()).toEqual(bytes);
    const edited = open(
      SmfBuilder.from(smf)
        .setCompression(algorithm, codecs)
        .replaceSection(0, { data: text.subarray(0, 1000) })
        .build(),
    );
    expect(Uint8Array.from(edited.sectionData(0))).toEqual(text.subarray(0, 1000));
    expect(edited.sections[0]?.size).toBeLessThan(200);
    const other = algorithm === 'zstd' ? 'lz4' : 'zstd';
    expect(codeOf(() => SmfBuilder.from(smf).setCompression(other, codecs))).toBe('ERR_SMF_INVALID_ARGUMENT');
  });

  test('without the codec, or with a bad frame, size or claim', () => {
    expect(codeOf(() => open(bytes, {}).sectionData(0))).toBe('ERR_SMF_NO_CODEC');
    const claim = (size: bigint): Uint8Array => patched(bytes, (v) => v.setBigUint64(table + 24, size, true));
    expect(codeOf(() => open(claim(BigInt(text.length - 1))).sectionData(0))).toBe('ERR_SMF_BAD_COMPRESSION');
    expect(codeOf(() => open(claim(BigInt(text.length + 1))).sectionData(0))).toBe('ERR_SMF_BAD_COMPRESSION');
    expect(codeOf(() => open(claim(2n ** 40n)).sectionData(0))).toBe('ERR_SMF_LIMIT');
    expect(codeOf(() => open(claim(2n ** 64n - 1n)).sectionData(0))).toBe('ERR_SMF_LIMIT');
    expect(codeOf(() => open(bytes, { codecs, limits: { maxUncompressedSize: 100 } }).sectionData(0))).toBe(
      'ERR_SMF_LIMIT',
    );
    expect(codeOf(() => open(bytes, { codecs, limits: { maxCompressionRatio: 1 } }).sectionData(0))).toBe(
      'ERR_SMF_LIMIT',
    );
    const cut = patched(bytes, (v) => v.setBigUint64(table + 16, 20n, true));
    expect(codeOf(() => open(cut).sectionData(0))).toBe('ERR_SMF_BAD_COMPRESSION');
    const garbage = patched(bytes, (_, copy) => copy.fill(0, 0, 4));
    expect(codeOf(() => open(garbage).sectionData(0))).toBe('ERR_SMF_BAD_COMPRESSION');
  });

  test('a codec that is not given is named when building', () => {
    const none: SmfCodecs = {};
    expect(codeOf(() => new SmfBuilder().setCompression(algorithm, none))).toBe('ERR_SMF_NO_CODEC');
    const builder = new SmfBuilder();
    builder.addSection({ type: 3, name: 'text', data: text, compress: true });
    expect(codeOf(() => builder.build())).toBe('ERR_SMF_NO_CODEC');
  });
});
