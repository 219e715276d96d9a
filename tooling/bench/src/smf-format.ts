// Reading and writing SMF files, beside a reader that decodes everything (what one writes first), and beside an npm ELF
// parser that reads the same facts from an ELF object.
import {
  type NoteSdnMetadata,
  parseNoteSdn,
  parseSmf,
  SectionType,
  SmfBuilder,
  stringifyNoteSdn,
} from '@simple-jit/smf-format';
import { open as openElf } from 'elfinfo';
import { type BenchRow, compare } from './compare.js';
import { elfObject } from './smf-elf.js';

const MANY = 100_000;
const names = Array.from({ length: MANY }, (_, i) => `module$function_${i}$i64`);
const wanted = names[(MANY * 2) / 3] as string;

function smfFile(symbols: number, textSize: number): Uint8Array {
  const builder = new SmfBuilder();
  const sectionIndex = builder.addSection({ type: SectionType.Code, name: '.text', data: new Uint8Array(textSize) });
  for (let i = 0; i < symbols; i++)
    builder.addSymbol({ name: names[i] as string, sectionIndex, value: 16 * i, size: 16 });
  return builder.build();
}

export async function benchSmfFormat(): Promise<BenchRow[]> {
  const smf = smfFile(MANY, 16 * MANY);
  const elf = elfObject(names, 16 * MANY);
  const rows = [
    await compare(
      'open, find one symbol of 100,000',
      () => found(parseSmf(smf).findSymbol(wanted)),
      'DataView reader that decodes all',
      () => {
        found(decodeAll(smf).symbols.get(wanted));
      },
    ),
    await compare(
      'open, find one symbol of 100,000',
      () => found(parseSmf(smf).findSymbol(wanted)),
      'elfinfo (ELF)',
      async () => {
        found((await elfSymbols(elf)).find((symbol) => symbol.name === wanted));
      },
    ),
    await compare(
      'list 100,000 symbols',
      () => list(parseSmf(smf).symbols),
      'DataView reader that decodes all',
      () => list(decodeAll(smf).symbols.values()),
    ),
    await compare(
      'list 100,000 symbols',
      () => list(parseSmf(smf).symbols),
      'elfinfo (ELF)',
      async () => list(await elfSymbols(elf)),
    ),
    await note(),
    await building(),
    await opening(),
  ];
  return rows;
}

/** Opening must not depend on the file's size: a ratio near 1 says that it does not. */
async function opening(): Promise<BenchRow> {
  const large = smfFile(MANY, 256 << 20);
  const small = smfFile(400, 1 << 20);
  const same = () => parseSmf(large);
  return compare('open 256 MiB with 100,000 symbols', same, 'open 1 MiB with 400 symbols (the same function)', () =>
    parseSmf(small),
  );
}

async function note(): Promise<BenchRow> {
  const possible = Array.from({ length: 15_000 }, (_, i) => {
    return {
      template: `template_${i % 97}`,
      typeArgs: 'i64,Vec$f64',
      mangledName: `fn$template_${i % 97}$${i}`,
      requiredBy: 'main',
      canDefer: i % 2 === 0,
    };
  });
  const empty: NoteSdnMetadata = parseNoteSdn('');
  const text = stringifyNoteSdn({ ...empty, possible });
  const json = JSON.stringify(possible);
  const what = `parse a note.sdn of ${(text.length / 1e6).toFixed(1)} MB, 15,000 rows`;
  return compare(
    what,
    () => parseNoteSdn(text),
    'the same rows as JSON through JSON.parse',
    () => JSON.parse(json) as unknown,
  );
}

async function building(): Promise<BenchRow> {
  const text = new Uint8Array(160_000);
  const ours = () => {
    const builder = new SmfBuilder();
    builder.addSection({ type: SectionType.Code, name: '.text', data: text });
    for (let i = 0; i < 10_000; i++)
      builder.addSymbol({ name: names[i] as string, sectionIndex: 0, value: 16 * i, size: 16 });
    return builder.build();
  };
  return compare('build a file of 10,000 symbols', ours, 'Buffer writer that concatenates entries', () =>
    concatenate(text, 10_000),
  );
}

function found(symbol: { readonly name: string } | undefined): void {
  if (symbol?.name !== wanted) throw new Error('the symbol was not found');
}

function list(symbols: Iterable<{ readonly name: string; readonly value: number | bigint }>): number {
  let length = 0;
  for (const { name } of symbols) length += name.length;
  if (length < MANY) throw new Error('symbols are missing');
  return length;
}

async function elfSymbols(elf: Buffer): Promise<{ name: string; value: number | bigint }[]> {
  const result = await openElf(elf);
  if (!result.success || result.elf === undefined) throw new Error(`elfinfo: ${result.errors.join(', ')}`);
  return result.elf.sections.flatMap((section) => {
    const { symbols } = section as { symbols?: { name: string; value: number | bigint }[] };
    return symbols ?? [];
  });
}

interface Decoded {
  readonly sections: { name: string; type: number; offset: number; size: number }[];
  readonly symbols: Map<string, { name: string; type: number; value: number; size: number; sectionIndex: number }>;
}

/** The straightforward reader: DataView, TextDecoder, everything decoded at once, a Map by name. v1.1 only, no checks. */
function decodeAll(bytes: Uint8Array): Decoded {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder();
  const header = bytes.length - 128;
  const u64 = (at: number): number => Number(view.getBigUint64(at, true));
  const text = (at: number): string => decoder.decode(bytes.subarray(at, bytes.indexOf(0, at)));
  const sectionTable = u64(header + 20);
  const symbolTable = u64(header + 28);
  const symbolCount = view.getUint32(header + 36, true);
  const sections = Array.from({ length: view.getUint32(header + 16, true) }, (_, i) => {
    const at = sectionTable + 64 * i;
    return { name: text(at + 40), type: bytes[at] as number, offset: u64(at + 8), size: u64(at + 16) };
  });
  const strings = symbolTable + 72 * symbolCount;
  const symbols: Decoded['symbols'] = new Map();
  for (let i = 0; i < symbolCount; i++) {
    const at = symbolTable + 72 * i;
    const name = text(strings + view.getUint32(at, true));
    symbols.set(name, {
      name,
      type: bytes[at + 8] as number,
      value: u64(at + 16),
      size: u64(at + 24),
      sectionIndex: view.getUint32(at + 56, true),
    });
  }
  return { sections, symbols };
}

/** The straightforward writer: one Buffer an entry, one name a Buffer, all concatenated. No checks, no module hash. */
function concatenate(text: Uint8Array, count: number): Buffer {
  const entries: Buffer[] = [];
  const strings: Buffer[] = [];
  let nameAt = 0;
  for (let i = 0; i < count; i++) {
    const name = Buffer.from(`${names[i]}\0`);
    const entry = Buffer.alloc(72);
    entry.writeUInt32LE(nameAt, 0);
    let hash = 0x811c9dc5;
    for (let j = 0; j < name.length - 1; j++) hash = Math.imul(hash ^ (name[j] as number), 0x01000193);
    entry.writeUInt32LE(hash >>> 0, 4);
    entry.set([1, 1], 8);
    entry.writeBigUInt64LE(BigInt(16 * i), 16);
    entry.writeBigUInt64LE(16n, 24);
    entries.push(entry);
    strings.push(name);
    nameAt += name.length;
  }
  return Buffer.concat([text, Buffer.alloc(128), ...entries, ...strings, Buffer.alloc(128)]);
}
