// Real modules for tests: C and assembly, compiled by gcc to an ELF object, whose sections, symbols and relocations become
// those of an SMF file one to one (System V ABI, AMD64 supplement).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Arch,
  Platform,
  type RelocationInput,
  RelocationType,
  SectionType,
  SmfBuilder,
  SymbolBinding,
  SymbolType,
} from '@simple-jit/smf-format';

const SHF = { WRITE: 1, ALLOC: 2, EXECINSTR: 4, TLS: 0x400 } as const;
const SHT = { PROGBITS: 1, SYMTAB: 2, RELA: 4, NOBITS: 8 } as const;
const SHN_UNDEF = 0;
const STT_SECTION = 3;

/** R_X86_64_64, PC32, PLT32, GOTPCREL, GOTPCRELX, REX_GOTPCRELX. */
const RELOCATIONS: ReadonlyMap<number, number> = new Map([
  [1, RelocationType.Abs64],
  [2, RelocationType.Pc32],
  [4, RelocationType.Plt32],
  [9, RelocationType.GotPcRel],
  [41, RelocationType.GotPcRel],
  [42, RelocationType.GotPcRel],
]);
const BINDINGS = [SymbolBinding.Local, SymbolBinding.Global, SymbolBinding.Weak] as const;

interface ElfSection {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly data: Uint8Array;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly alignment: number;
}

/** A compiler for the machine's own architecture that the tests may use. */
export function hasCompiler(): boolean {
  if (process.arch !== 'x64' || process.platform !== 'linux') return false;
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Compiles C, or another language that gcc knows, to the bytes of an SMF file. */
export function compile(
  source: string,
  flags: readonly string[] = ['-fPIC'],
  edit: (builder: SmfBuilder) => void = () => {},
  language: 'c' | 'c++' | 'assembler' = 'c',
): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'symbol-resolver-gcc-'));
  try {
    const input = join(folder, 'source');
    const output = join(folder, 'source.o');
    writeFileSync(input, source);
    execFileSync('gcc', [
      ...['-c', '-O1', '-w', '-fno-asynchronous-unwind-tables', '-fcf-protection=none', '-fno-stack-protector'],
      ...flags,
      ...['-x', language, '-o', output, input],
    ]);
    const builder = fromElf(readFileSync(output));
    edit(builder);
    return builder.build();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The sections, symbols and relocations of an ELF64 object for x86-64. @throws Error for a relocation that SMF has not */
export function fromElf(elf: Buffer): SmfBuilder {
  const sections = readSections(elf);
  const builder = new SmfBuilder({ arch: Arch.X86_64, platform: Platform.Linux });
  const indices = new Map<number, number>();
  sections.forEach((section, index) => {
    const type = smfType(section);
    if (type === undefined) return;
    const { name, data, size, alignment } = section;
    const content = type === SectionType.Bss ? { virtualSize: size } : { data };
    indices.set(index, builder.addSection({ type, name: name.slice(0, 16), alignment, ...content }));
  });
  const table = sections.find(({ type }) => type === SHT.SYMTAB)!;
  const symbols = readSymbols(table, sections);
  for (const { name, info, section, value, size } of symbols) {
    const type = indices.has(section) ? (isCode(sections[section]!) ? SymbolType.Function : SymbolType.Data) : 0;
    builder.addSymbol({
      name: (info & 0xf) === STT_SECTION ? (sections[section]?.name ?? '') : name,
      binding: BINDINGS[info >> 4]!,
      type: section === SHN_UNDEF ? SymbolType.None : type,
      value,
      size,
      sectionIndex: indices.get(section) ?? 0,
    });
  }
  for (const { type, info, data } of sections) {
    const target = indices.get(info);
    if (type !== SHT.RELA || target === undefined) continue;
    builder.setRelocations(target, readRelocations(Buffer.from(data), sections[info]!.name));
  }
  return builder;
}

function smfType({ type, flags, name, size }: ElfSection): number | undefined {
  if ((flags & SHF.ALLOC) === 0 || (flags & SHF.TLS) !== 0 || name === '.eh_frame' || size === 0) return undefined;
  if (type === SHT.NOBITS) return SectionType.Bss;
  if (type !== SHT.PROGBITS) return undefined;
  if ((flags & SHF.EXECINSTR) !== 0) return SectionType.Code;
  return (flags & SHF.WRITE) !== 0 ? SectionType.Data : SectionType.RoData;
}

const isCode = ({ flags }: ElfSection): boolean => (flags & SHF.EXECINSTR) !== 0;

function readSections(elf: Buffer): ElfSection[] {
  const at = Number(elf.readBigUInt64LE(40));
  const headers = Array.from({ length: elf.readUInt16LE(60) }, (_, i) => elf.subarray(at + 64 * i, at + 64 * (i + 1)));
  const u64 = (header: Buffer, offset: number): number => Number(header.readBigUInt64LE(offset));
  const bytes = (header: Buffer): Buffer => {
    return header.readUInt32LE(4) === SHT.NOBITS
      ? Buffer.alloc(0)
      : elf.subarray(u64(header, 24), u64(header, 24) + u64(header, 32));
  };
  const names = bytes(headers[elf.readUInt16LE(62)]!);
  return headers.map((header) => ({
    name: text(names, header.readUInt32LE(0)),
    type: header.readUInt32LE(4),
    flags: u64(header, 8),
    data: bytes(header),
    size: u64(header, 32),
    link: header.readUInt32LE(40),
    info: header.readUInt32LE(44),
    alignment: u64(header, 48),
  }));
}

function readSymbols(table: ElfSection, sections: readonly ElfSection[]) {
  const data = Buffer.from(table.data);
  const strings = Buffer.from(sections[table.link]!.data);
  return Array.from({ length: data.length / 24 }, (_, i) => {
    const entry = data.subarray(24 * i, 24 * (i + 1));
    return {
      name: text(strings, entry.readUInt32LE(0)),
      info: entry[4]!,
      section: entry.readUInt16LE(6),
      value: Number(entry.readBigUInt64LE(8)),
      size: Number(entry.readBigUInt64LE(16)),
    };
  });
}

function readRelocations(data: Buffer, section: string): RelocationInput[] {
  return Array.from({ length: data.length / 24 }, (_, i) => {
    const type = RELOCATIONS.get(data.readUInt32LE(24 * i + 8));
    if (type === undefined) {
      throw new Error(`${section}: SMF has no relocation like type ${data.readUInt32LE(24 * i + 8)} of ELF`);
    }
    return {
      offset: Number(data.readBigUInt64LE(24 * i)),
      symbolIndex: data.readUInt32LE(24 * i + 12),
      type,
      addend: data.readBigInt64LE(24 * i + 16),
    };
  });
}

function text(strings: Buffer, at: number): string {
  return strings.toString('utf8', at, strings.indexOf(0, at));
}
