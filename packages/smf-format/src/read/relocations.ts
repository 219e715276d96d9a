// Relocation entries: 24 bytes each, in sections of type Reloc. The section's name says what it patches: `.reloc` the
// first Code section, `.reloc.N` section N.
import { i64Exact, u32, u64, viewOf } from '../bytes.js';
import { RELOCATION_ENTRY, RELOCATION_ENTRY_SIZE } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import { type SmfSection, sectionLabel } from './sections.js';

export interface SmfRelocation {
  /** Where to patch, in bytes from the start of the section that is patched. */
  readonly offset: number;
  readonly symbolIndex: number;
  /** See `RelocationType`. */
  readonly type: number;
  readonly addend: bigint;
}

const RELOC_NAME = /^\.reloc(?:\.(0|[1-9][0-9]{0,9}))?$/;

/** The index of the section that a Reloc section patches, or -1 where its name does not tell an existing one. */
export function relocationTarget(name: string, sectionCount: number, firstCode: number): number {
  const match = RELOC_NAME.exec(name);
  if (match === null) return -1;
  if (match[1] === undefined) return firstCode;
  const target = Number(match[1]);
  return target < sectionCount ? target : -1;
}

/** Decodes the bytes of one Reloc section. Padding is not looked at. */
export function readRelocations(data: Uint8Array, section: SmfSection): SmfRelocation[] {
  if (data.length % RELOCATION_ENTRY_SIZE !== 0) {
    throw new SmfFormatError('ERR_SMF_BAD_RELOCATION', 'the section does not hold whole entries', {
      structure: sectionLabel(section),
      offset: section.offset,
      expected: `a multiple of ${RELOCATION_ENTRY_SIZE} bytes`,
      found: `${data.length}`,
    });
  }
  const view = viewOf(data);
  const relocations: SmfRelocation[] = new Array(data.length / RELOCATION_ENTRY_SIZE);
  for (let i = 0; i < relocations.length; i++) {
    const at = i * RELOCATION_ENTRY_SIZE;
    relocations[i] = {
      offset: u64(view, at + RELOCATION_ENTRY.offset),
      symbolIndex: u32(view, at + RELOCATION_ENTRY.symbolIndex),
      type: view.getUint8(at + RELOCATION_ENTRY.type),
      addend: i64Exact(view, at + RELOCATION_ENTRY.addend),
    };
  }
  return relocations;
}
