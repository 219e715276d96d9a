// The header against the rest of the file.
import { AppType, Arch, Compression, HeaderFlags, Platform, SectionType } from '../definitions.js';
import type { SmfFile } from '../read/smf-file.js';
import type { DiagnosticSink } from './diagnostics.js';

const KNOWN_FLAGS = Object.values(HeaderFlags).reduce((all: number, flag) => all | flag, 0);

export function checkHeader(file: SmfFile, sink: DiagnosticSink): void {
  const { header, located } = file;
  const fields = located.shape.header;
  const at = located.headerAt;
  const known = [
    ['platform', header.platform, Object.keys(Platform).length, 6],
    ['arch', header.arch, Object.keys(Arch).length, 7],
    ['compression', header.compression, Object.keys(Compression).length, fields.compression ?? 0],
    ['app_type', header.appType, Object.keys(AppType).length, fields.appType ?? 0],
  ] as const;
  for (const [name, value, count, field] of known) {
    if (value >= count) sink.warn('WARN_UNKNOWN_VALUE', 'header', `${name} ${value} is not known`, at + field);
  }
  if ((header.flags & ~KNOWN_FLAGS) !== 0) {
    sink.warn(
      'WARN_RESERVED_BITS',
      'header',
      `flag bits that have no meaning: 0x${(header.flags & ~KNOWN_FLAGS).toString(16)}`,
      at + 8,
    );
  }
  checkStub(file, sink);
  checkEntryPoint(file, sink);
  if (header.moduleHash !== 0n && file.computeModuleHash() !== header.moduleHash) {
    const hint = 'The file was damaged, or changed by a tool that does not know of the hash';
    sink.error('ERR_SMF_HASH_MISMATCH', 'header', 'module_hash is not that of the data', at + fields.moduleHash, hint);
  }
}

function checkStub({ header, located, dataOffset, layout }: SmfFile, sink: DiagnosticSink): void {
  if (layout !== 'v1.1' && layout !== 'trailer-96') return;
  const at = located.headerAt + (located.shape.header.stubSize ?? 0);
  const { stubSize, smfDataOffset } = header;
  if (smfDataOffset !== dataOffset) {
    const message = `a stub of ${dataOffset} bytes was prepended, and the header says ${smfDataOffset}`;
    sink.warn(
      'WARN_STUB_MISMATCH',
      'header',
      message,
      at,
      'SmfBuilder.from(file).build() writes a header that knows of it',
    );
  } else if (stubSize !== smfDataOffset) {
    sink.warn('WARN_STUB_MISMATCH', 'header', `stub_size ${stubSize} is not smf_data_offset ${smfDataOffset}`, at);
  } else if (stubSize > 0 !== ((header.flags & HeaderFlags.HAS_STUB) !== 0)) {
    sink.warn('WARN_STUB_MISMATCH', 'header', 'HAS_STUB and stub_size contradict each other', located.headerAt + 8);
  }
}

function checkEntryPoint({ header, located, sections }: SmfFile, sink: DiagnosticSink): void {
  if ((header.flags & HeaderFlags.EXECUTABLE) === 0) return;
  const code = sections.find((section) => section.type === SectionType.Code);
  if (code !== undefined && header.entryPoint < code.virtualSize) return;
  const message =
    code === undefined ? 'EXECUTABLE without a Code section' : `entry_point ${header.entryPoint} lies outside the code`;
  sink.error('ERR_SMF_BAD_HEADER', 'header', message, located.headerAt + located.shape.header.entryPoint);
}
