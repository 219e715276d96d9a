// Where each field of a library's header and index entries lies. docs/spec/smf-format.md, section 7.

export const HEADER = {
  size: 128,
  versionMajor: 4,
  versionMinor: 5,
  moduleCount: 8,
  indexOffset: 12,
  indexSize: 20,
  dataOffset: 28,
  libraryHash: 36,
  indexHash: 44,
} as const;
export const ENTRY = {
  size: 128,
  nameLength: 64,
  offset: 64,
  dataSize: 72,
  objOffset: 80,
  objSize: 88,
  hash: 96,
  objHash: 104,
} as const;
