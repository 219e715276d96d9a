// What a module's sections refer to: read from its relocations, before anything of it is placed.
import { isPersistedSection } from '@simple-jit/jit-instantiator';
import { RelocationType, SectionType, type SmfFile, type SmfSymbol, SymbolType } from '@simple-jit/smf-format';
import { LinkError } from './errors.js';
import { areaOf, damaged } from './layout.js';
import { areaOfSymbol } from './module.js';
import { type RelocationKind, relocationKind, relocationTypeName } from './relocate.js';

/** A place to patch. */
export interface Patch {
  /** In its section, in bytes. */
  readonly offset: number;
  readonly kind: RelocationKind;
  readonly use: Use;
  readonly addend: bigint;
}

/** A symbol that something refers to. */
export interface Use {
  readonly symbol: SmfSymbol;
  /** In the global offset table; -1 if it needs none. */
  slot: number;
}

export interface References {
  /** The sections that are to be loaded: code, and whatever a symbol lies in. Nothing else can be reached. */
  readonly sections: ReadonlySet<number>;
  /** By the section that they are in. */
  readonly patches: ReadonlyMap<number, readonly Patch[]>;
  readonly uses: ReadonlyMap<number, Use>;
  /** How many slots the global offset table has. */
  readonly slots: number;
}

/** @throws LinkError `ERR_DAMAGED_MODULE`, `ERR_BAD_RELOCATION`, `ERR_UNSUPPORTED_RELOCATION` */
export function readReferences(file: SmfFile, path: string): References {
  try {
    return read(file, path);
  } catch (error) {
    throw error instanceof LinkError ? error : damaged(path, error);
  }
}

function read(file: SmfFile, path: string): References {
  const sections = neededSections(file);
  const uses = new Map<number, Use>();
  const patches = new Map<number, Patch[]>();
  let slots = 0;
  for (const index of sections) {
    const section = file.sections[index]!.name;
    const inSection: Patch[] = [];
    patches.set(index, inSection);
    for (const { offset, symbolIndex, type, addend } of file.relocationsOf(index)) {
      if (type === RelocationType.None) continue;
      const relocation = relocationTypeName(type);
      const kind = relocationKind(file.header.arch, type);
      if (kind === undefined) {
        throw new LinkError(
          'ERR_UNSUPPORTED_RELOCATION',
          path,
          `${section}+${offset} has a relocation of type ${relocation}, which code for architecture ${file.header.arch} cannot have`,
          { section, offset, relocation },
        );
      }
      let use = uses.get(symbolIndex);
      if (use === undefined) {
        const symbol = file.symbols.at(symbolIndex);
        if (symbol === undefined) {
          throw new LinkError(
            'ERR_BAD_RELOCATION',
            path,
            `the relocation at ${section}+${offset} names symbol ${symbolIndex}, and there are ${file.symbols.length}`,
            { section, offset, relocation },
          );
        }
        use = { symbol, slot: -1 };
        uses.set(symbolIndex, use);
      }
      if (kind.needs === 'slot' && use.slot < 0) use.slot = slots++;
      inSection.push({ offset, kind, use, addend });
    }
  }
  return { sections, patches, uses, slots };
}

function neededSections(file: SmfFile): Set<number> {
  const needed = new Set<number>();
  for (const section of file.sections) {
    if (section.type === SectionType.Code && !isPersistedSection(section)) needed.add(section.index);
  }
  if (file.sections.every(({ index, type }) => needed.has(index) || areaOf(type) === undefined)) return needed;
  for (const symbol of file.symbols) {
    if (symbol.type !== SymbolType.None && areaOfSymbol(file, symbol) !== undefined) needed.add(symbol.sectionIndex);
  }
  return needed;
}
