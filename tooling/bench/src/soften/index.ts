// Compiling a loop of 30 lines to its first result, beside synchronous WebAssembly and libtcc: in a warm process, and as
// the first thing that a process compiles.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CodeArena } from '@simple-jit/native-mem';
import { type BenchRow, compare, duration, medians } from '../compare.js';
import { compileAndCall, compileAndCallWasm, readTemplate } from './compile.js';
import { buildTcc, type Tcc } from './tcc.js';

const WARM = { warmUp: 1500 };
const WHAT = 'soften<f64>, 30 lines, from IR to the first result';

export async function benchSoften(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'simple-jit-bench-'));
  try {
    const tcc = buildTcc(folder);
    return [...(await warm(tcc)), ...first(tcc)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function warm(tcc: Tcc | undefined): Promise<BenchRow[]> {
  const template = readTemplate();
  const arena = CodeArena.default();
  let version = 0;
  const ours = (): void => compileAndCall(template, arena);
  const rows = [await compare(`${WHAT}, warm`, ours, 'WebAssembly', () => compileAndCallWasm(version++), WARM)];
  if (tcc !== undefined) {
    // In a process of its own, so before and after ours: what else the machine does then shows in both.
    const before = median(tcc(300).slice(50));
    const [mine] = await medians(WHAT, ours, () => {}, WARM);
    const theirs = median([before, median(tcc(300).slice(50))]);
    rows.push(row(`${WHAT}, warm`, mine, 'libtcc', theirs));
  }
  return rows;
}

const PROCESSES = 15;

function first(tcc: Tcc | undefined): BenchRow[] {
  const program = fileURLToPath(new URL('./first.js', import.meta.url));
  const inProcess = (side: string): number => Number(execFileSync(process.execPath, [program, side]));
  const [ours, wasm, c]: number[][] = [[], [], []];
  for (let i = 0; i < PROCESSES; i++) {
    ours!.push(inProcess('ours'));
    wasm!.push(inProcess('wasm'));
    if (tcc !== undefined) c!.push(tcc(1)[0]!);
  }
  const what = `${WHAT}, the first of a process`;
  const rows = [row(what, median(ours!), 'WebAssembly', median(wasm!))];
  if (tcc !== undefined) rows.push(row(what, median(ours!), 'libtcc', median(c!)));
  return rows;
}

function row(what: string, ours: number, otherName: string, theirs: number): BenchRow {
  return { what, ours: duration(ours), against: `${otherName}: ${duration(theirs)}`, ratio: theirs / ours };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
