// The resolver's hot paths: a name that is known, and many names over many files.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSmf, SectionType, SmfBuilder } from '@simple-jit/smf-format';
import { JitSymbolResolver } from '@simple-jit/symbol-resolver';
import { type BenchRow, compare, duration } from './compare.js';

/** What `--quick` takes a tenth of. */
const FILES = process.argv.includes('--quick') ? 100 : 1000;
const SYMBOLS_PER_FILE = 100;

export async function benchResolver(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'simple-jit-bench-'));
  try {
    const modules = Array.from({ length: FILES }, (_, i) => writeModule(folder, i));
    return [await resolveHit(modules[0]!), ...manyFiles(modules)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface ModuleFile {
  readonly path: string;
  readonly names: readonly string[];
}

/** A module of small functions: ret, at multiples of 16. */
function writeModule(folder: string, index: number): ModuleFile {
  const names = Array.from({ length: SYMBOLS_PER_FILE }, (_, i) => `module_${index}$function_${i}`);
  const builder = new SmfBuilder();
  const data = new Uint8Array(16 * names.length).fill(0xc3);
  const sectionIndex = builder.addSection({ type: SectionType.Code, name: '.text', data });
  names.forEach((name, i) => {
    builder.addSymbol({ name, sectionIndex, value: 16 * i, size: 16 });
  });
  const path = join(folder, `${index}.smf`);
  writeFileSync(path, builder.build(), { mode: 0o644 });
  return { path, names };
}

/** Timer resolution is far above one look-up, so both sides do all names of a file, ten times. */
async function resolveHit({ path, names }: ModuleFile): Promise<BenchRow> {
  using resolver = new JitSymbolResolver({ updateSmf: false });
  resolver.loadSmf(path);
  const map = new Map(names.map((name) => [name, resolver.resolve(name)!]));
  let sink = 0n;
  const row = await compare(
    'a hit of resolve(), of 100 names',
    () => {
      for (let i = 0; i < 10; i++) for (const name of names) sink ^= resolver.resolve(name)!;
    },
    'Map.get',
    () => {
      for (let i = 0; i < 10; i++) for (const name of names) sink ^= map.get(name)!;
    },
    { operations: 10 * names.length },
  );
  if (sink < 0n) throw new Error('addresses are not negative');
  return row;
}

/** Everything from nothing: files opened, names found, code in memory. */
function manyFiles(modules: readonly ModuleFile[]): BenchRow[] {
  const all = modules.length * SYMBOLS_PER_FILE;
  const few = modules.slice(0, modules.length / 10);
  const perSymbol = (files: readonly ModuleFile[], run: (files: readonly ModuleFile[]) => void): number =>
    median(Array.from({ length: 5 }, () => elapsed(() => run(files)))) / (files.length * SYMBOLS_PER_FILE);
  const ours = perSymbol(modules, resolveAll);
  const byHand = perSymbol(modules, findAllByHand);
  const oursOfFew = perSymbol(few, resolveAll);
  return [
    {
      what: `${all.toLocaleString('en')} symbols over ${modules.length.toLocaleString('en')} files, loaded and callable`,
      ours: `${duration(ours * all)}, ${duration(ours)} a symbol`,
      against: `readFileSync + parseSmf + a Map of all names, nothing callable: ${duration(byHand * all)}`,
      ratio: byHand / ours,
    },
    {
      what: `a symbol of ${modules.length.toLocaleString('en')} files, to one of ${few.length}: about 1 if the cost is linear`,
      ours: duration(ours),
      against: `${few.length} files: ${duration(oursOfFew)}`,
      ratio: oursOfFew / ours,
    },
  ];
}

function resolveAll(modules: readonly ModuleFile[]): void {
  using resolver = new JitSymbolResolver({ updateSmf: false });
  for (const { path } of modules) resolver.loadSmf(path);
  for (const { path, names } of modules) {
    for (const name of names) if (resolver.resolve(name) === undefined) throw new Error(`${path}: no ${name}`);
  }
}

function findAllByHand(modules: readonly ModuleFile[]): void {
  const found = new Map<string, readonly [string, number]>();
  for (const { path } of modules) {
    for (const { name, value } of parseSmf(readFileSync(path)).symbols) found.set(name, [path, value]);
  }
  for (const { path, names } of modules) {
    for (const name of names) if (found.get(name)?.[0] !== path) throw new Error(`${path}: no ${name}`);
  }
}

function elapsed(action: () => void): number {
  const start = process.hrtime.bigint();
  action();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
}
