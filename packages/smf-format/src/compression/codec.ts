// What the core knows of compression: an interface. Codecs are passed in, so that a reader of plain files carries none.
import { Compression, SectionFlags } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import type { SmfLimits } from '../limits.js';
import { type SmfSection, sectionLabel } from '../read/sections.js';

/** One compression algorithm: whole frames (zstd frame, lz4 frame) in and out, synchronously. */
export interface SmfCodec {
  /** For messages. */
  readonly name: string;
  /**
   * Unpacks one frame. `size` is what the section entry claims; an implementation must not allocate more than about that,
   * and throws (anything) for a bad frame. The caller checks the length of what comes back.
   */
  decompress(frame: Uint8Array, size: number): Uint8Array;
  /** Packs into one frame, with the content size in it where the format allows. `level` 0 is the algorithm's default. */
  compress(data: Uint8Array, level: number): Uint8Array;
}

/** The codecs at hand, by algorithm. */
export interface SmfCodecs {
  readonly zstd?: SmfCodec | undefined;
  readonly lz4?: SmfCodec | undefined;
}

export const isCompressed = (section: SmfSection, compression: number): boolean =>
  compression !== Compression.None && (section.flags & SectionFlags.COMPRESSED) !== 0;

/** The codec for the header's `compression` value, or a typed error that tells how to get one. */
export function codecFor(compression: number, codecs: SmfCodecs | undefined, structure: string): SmfCodec {
  const known = compression === Compression.Zstd ? 'zstd' : compression === Compression.Lz4 ? 'lz4' : undefined;
  const codec = known === undefined ? undefined : codecs?.[known];
  if (codec !== undefined) return codec;
  throw new SmfFormatError('ERR_SMF_NO_CODEC', `no codec for ${known ?? `compression ${compression}`}`, {
    structure,
    hint:
      known === undefined
        ? 'Known are 1 (zstd) and 2 (lz4)'
        : `Pass { codecs: { ${known} } }; codecs come from @simple-jit/smf-format/node and /${known}`,
  });
}

/** The uncompressed bytes of a compressed section. A claim beyond the limits is refused before anything is allocated. */
export function decompressSection(
  frame: Uint8Array,
  section: SmfSection,
  compression: number,
  codecs: SmfCodecs | undefined,
  limits: SmfLimits,
): Uint8Array {
  const structure = sectionLabel(section);
  const claimed = section.virtualSize;
  const limit = Math.min(limits.maxUncompressedSize, Math.max(frame.length, 64) * limits.maxCompressionRatio);
  if (claimed > limit) {
    throw new SmfFormatError('ERR_SMF_LIMIT', 'the section claims to unpack to more than allowed', {
      structure,
      offset: section.offset,
      expected: `at most ${limit} bytes`,
      found: `${claimed}`,
      hint: 'Raise maxUncompressedSize and maxCompressionRatio if you trust the file',
    });
  }
  const codec = codecFor(compression, codecs, structure);
  let data: Uint8Array;
  try {
    data = codec.decompress(frame, claimed);
  } catch (cause) {
    throw new SmfFormatError('ERR_SMF_BAD_COMPRESSION', `not a whole ${codec.name} frame`, {
      structure,
      offset: section.offset,
      expected: `one frame of ${claimed} bytes uncompressed`,
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
  if (data.length !== claimed) {
    throw new SmfFormatError('ERR_SMF_BAD_COMPRESSION', 'the frame has another size than the section says', {
      structure,
      offset: section.offset,
      expected: `${claimed} bytes`,
      found: `${data.length}`,
    });
  }
  return data;
}
