// The file header, in any of the four layouts, as one plain object.
import { u16, u32, u64, u64Exact, viewOf } from '../bytes.js';
import { HEADER_COMMON, LAYOUTS, type LayoutShape, SMF_HEADER_SIZE, SMF_MAGIC } from '../definitions.js';
import { SmfFormatError } from '../errors.js';

/** A file's header. Offsets and sizes are in bytes; a field that the file's layout lacks has its neutral value. */
export interface SmfHeader {
  readonly versionMajor: number;
  readonly versionMinor: number;
  /** See `Platform`. */
  readonly platform: number;
  /** See `Arch`. */
  readonly arch: number;
  /** See `HeaderFlags`; bits that we do not know are kept. */
  readonly flags: number;
  /** See `Compression`. */
  readonly compression: number;
  readonly compressionLevel: number;
  readonly sectionCount: number;
  readonly sectionTableOffset: number;
  readonly symbolTableOffset: number;
  readonly symbolCount: number;
  readonly exportedCount: number;
  /** Offset in the first Code section; meaningful with the flag EXECUTABLE. */
  readonly entryPoint: number;
  readonly stubSize: number;
  readonly smfDataOffset: number;
  /** FNV-1a 64 of the SMF data, or 0n. */
  readonly moduleHash: bigint;
  readonly sourceHash: bigint;
  /** See `AppType`. */
  readonly appType: number;
  readonly windowWidth: number;
  readonly windowHeight: number;
  readonly prefetchHint: boolean;
  readonly prefetchFileCount: number;
}

/** Reads the header at `at`; the caller has checked that it lies in the input. Padding is never looked at. */
export function readHeader(view: DataView, at: number, shape: LayoutShape): SmfHeader {
  const f = shape.header;
  const byte = (field: number | undefined): number => (field === undefined ? 0 : view.getUint8(at + field));
  return {
    versionMajor: byte(HEADER_COMMON.versionMajor),
    versionMinor: byte(HEADER_COMMON.versionMinor),
    platform: byte(HEADER_COMMON.platform),
    arch: byte(HEADER_COMMON.arch),
    flags: u32(view, at + HEADER_COMMON.flags),
    compression: byte(f.compression),
    compressionLevel: byte(f.compressionLevel),
    sectionCount: u32(view, at + f.sectionCount),
    sectionTableOffset: u64(view, at + f.sectionTableOffset),
    symbolTableOffset: u64(view, at + f.symbolTableOffset),
    symbolCount: u32(view, at + f.symbolCount),
    exportedCount: u32(view, at + f.exportedCount),
    entryPoint: u64(view, at + f.entryPoint),
    stubSize: f.stubSize === undefined ? 0 : u32(view, at + f.stubSize),
    smfDataOffset: f.smfDataOffset === undefined ? 0 : u32(view, at + f.smfDataOffset),
    moduleHash: u64Exact(view, at + f.moduleHash),
    sourceHash: u64Exact(view, at + f.sourceHash),
    appType: byte(f.appType),
    windowWidth: f.windowWidth === undefined ? 0 : u16(view, at + f.windowWidth),
    windowHeight: f.windowHeight === undefined ? 0 : u16(view, at + f.windowHeight),
    prefetchHint: byte(f.prefetchHint) !== 0,
    prefetchFileCount: byte(f.prefetchFileCount),
  };
}

/**
 * Reads a v1.1 header alone: the last 128 bytes of a file, for instance straight from a mapping.
 *
 * @param bytes exactly 128 bytes (a longer input is taken from its end)
 * @throws SmfFormatError ERR_SMF_TOO_SHORT, ERR_SMF_BAD_MAGIC, ERR_SMF_UNSUPPORTED_VERSION
 * @example
 * parseSmfHeader(bytes.subarray(bytes.length - 128)).symbolCount
 */
export function parseSmfHeader(bytes: Uint8Array): SmfHeader {
  const at = bytes.length - SMF_HEADER_SIZE;
  if (at < 0) {
    throw new SmfFormatError('ERR_SMF_TOO_SHORT', 'too few bytes', {
      structure: 'header',
      expected: `${SMF_HEADER_SIZE} bytes`,
      found: `${bytes.length}`,
      hint: 'Pass the last 128 bytes of the file',
    });
  }
  const view = viewOf(bytes);
  if (u32(view, at) !== SMF_MAGIC) {
    throw new SmfFormatError('ERR_SMF_BAD_MAGIC', 'no v1.1 header here', {
      structure: 'header',
      offset: at,
      expected: '53 4d 46 00',
      found: hexBytes(bytes, at, 4),
      hint: 'Older layouts have their header elsewhere: parseSmf(wholeFile) finds it',
    });
  }
  const header = readHeader(view, at, LAYOUTS['v1.1']);
  checkVersion(header, LAYOUTS['v1.1'], at);
  return header;
}

/** v1.1 takes 1.0 and 1.1; the C-aligned layouts have been seen with 0.1 and may carry 1.x. */
export function checkVersion(header: SmfHeader, shape: LayoutShape, at: number): void {
  const { versionMajor: major, versionMinor: minor } = header;
  const known = major === 1 ? minor <= 1 : major === 0 && shape.layout !== 'v1.1';
  if (known) return;
  throw new SmfFormatError('ERR_SMF_UNSUPPORTED_VERSION', 'a version that this reader does not know', {
    structure: 'header',
    offset: at + HEADER_COMMON.versionMajor,
    expected: shape.layout === 'v1.1' ? '1.0 or 1.1' : '0.x, 1.0 or 1.1',
    found: `${major}.${minor}`,
    hint: 'Update @simple-jit/smf-format, or build the module again for version 1.1',
  });
}

export function hexBytes(bytes: Uint8Array, at: number, count: number): string {
  return Array.from(bytes.subarray(at, at + count), (b) => b.toString(16).padStart(2, '0')).join(' ') || 'nothing';
}
