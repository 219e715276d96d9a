// The tables of a unit against what a disassembler sees in its code, over random programs: traps, lines, imports, CPU features.
import { type ConcreteFunction, lineTable, printFunction, type TrapKind } from '@simple-jit/template-ir';
import { arbitraryProgram, arbitraryTraffic } from '@simple-jit/template-ir/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CodegenError, type CompiledUnit, type CpuFeature, compileUnit } from '../src/index.js';
import { compileWith } from '../src/unit.js';
import { functionsOf } from './support/agree.js';
import { type DisassembledLine, disassemble } from './support/disassembler.js';
import { closureOf, SCARCE } from './support/random-programs.js';

/** The instructions for which a unit needs each feature. */
const NEEDS: readonly (readonly [CpuFeature, RegExp])[] = [
  ['sse4.1', /^rounds[sd]\b/],
  ['popcnt', /^popcnt\b/],
  ['lzcnt', /^lzcnt\b/],
  ['bmi1', /^tzcnt\b/],
  ['fma', /^vfmadd/],
];

/** Statements that trap with each kind; `memory` only where a count is too large. */
const TRAPPING: Record<TrapKind, RegExp> = {
  divide: /= (div|rem|div_checked) /,
  overflow: /= \w+_checked /,
  bounds: /^\s*bounds |= item /,
  memory: /^\s*(copy|fill) /,
  unreachable: /^\s*unreachable/,
  'stack-overflow': /^$/,
};

/** What a statement must be for an instruction of its line; nothing for those that any statement may have. */
function statementFor(text: string): RegExp | undefined {
  if (/^i?div\b/.test(text)) return TRAPPING.divide;
  if (/^call\b/.test(text)) return /(= |^\s*)(call|invoke|extern) /;
  if (/^ret\b/.test(text)) return /^\s*return/;
  if (/^rep\b/.test(text)) return /^\s*(copy|fill) /;
  const memory = /\[(?!rsp|rip)/.test(text) && !/^(lea|nop)\b/.test(text);
  return memory ? /= (load|slot) |^\s*(store|copy|fill) / : undefined;
}

function linesOf(unit: CompiledUnit, number: number): readonly DisassembledLine[] {
  const { offset, size } = unit.functions[number]!;
  return disassemble(unit.code.subarray(offset, offset + size), offset);
}

function checkFunction(
  fn: ConcreteFunction,
  unit: CompiledUnit,
  number: number,
  code: readonly DisassembledLine[],
): void {
  const printed = printFunction(fn).split('\n');
  const { offset, size } = unit.functions[number]!;
  const isInside = (entry: { readonly offset: number }): boolean =>
    entry.offset >= offset && entry.offset < offset + size;

  const trapping = code.filter(({ text }) => /^(i?div|ud2)\b/.test(text));
  const traps = unit.traps.filter(isInside);
  expect(traps.map((trap) => trap.offset)).toEqual(trapping.map((line) => line.offset));

  const lines = unit.lines.filter(isInside);
  expect(lines[0]!.offset).toBe(offset);
  const starts = new Set(code.map((line) => line.offset));
  expect(lines.filter(({ offset: at, line }, i) => !starts.has(at) || line === lines[i - 1]?.line)).toEqual([]);
  const wrong: string[] = [];
  let entry = 0;
  for (const { offset: at, text } of code) {
    while (entry + 1 < lines.length && lines[entry + 1]!.offset <= at) entry++;
    const { line } = lines[entry]!;
    const statement = line === 1 ? '' : printed[line - 1]!;
    const trap = traps.find((each) => each.offset === at);
    if (trap !== undefined) {
      expect(trap.kind === 'divide').toBe(text !== 'ud2');
      expect(statement).toMatch(TRAPPING[trap.kind]);
    }
    const expected = statementFor(text);
    if (expected !== undefined && !expected.test(statement)) wrong.push(`${statement} <- ${text}`);
  }
  expect(wrong).toEqual([]);
}

/** Each function as a unit of its own: then all calls of others go through slots. */
function checkImports(fn: ConcreteFunction, cpuFeatures: ReadonlySet<CpuFeature>): void {
  const unit = compileUnit([fn], { cpuFeatures });
  const end = unit.functions[0]!.size;
  const code = linesOf(unit, 0);
  const sites = unit.imports.flatMap((needs) => {
    expect(needs.sites.length).toBeGreaterThan(0);
    return needs.sites.map((site) => [site, needs.kind === 'address' ? 'mov' : 'call'] as const);
  });
  // A displacement is 0 until it is filled in; those of constants lead behind the code.
  const view = new DataView(unit.code.buffer);
  const open = code.flatMap(({ offset, size, text }) => {
    const site = offset + size - 4;
    const isOpen = /\[rip\b/.test(text) && site + 4 + view.getInt32(site, true) < end;
    return isOpen ? [[site, text.split(' ')[0]!] as const] : [];
  });
  expect(open).toEqual(sites.toSorted(([a], [b]) => a - b));
}

it.each([
  ['programs', 60, arbitraryProgram({ externs: true })],
  ['programs that move aggregates', 0, arbitraryTraffic()],
])('tell the truth about random %s', (_, leastTraps, arbitrary) => {
  let number = 0;
  let traps = 0;
  const property = fc.property(arbitrary, (program) => {
    const allowed = number++ % 2 ** NEEDS.length;
    const cpuFeatures = new Set(NEEDS.map(([feature]) => feature).filter((_feature, i) => (allowed >> i) & 1));
    const functions = closureOf(program);
    let unit: CompiledUnit;
    try {
      unit = compileUnit(functions, { cpuFeatures, lines: true });
    } catch (error) {
      if (!(error instanceof CodegenError) || error.feature !== 'fma' || cpuFeatures.has('fma')) throw error;
      return;
    }
    for (const table of [unit.traps, unit.lines]) {
      expect(table.filter(({ offset }, i) => i > 0 && offset <= table[i - 1]!.offset)).toEqual([]);
    }
    const code = functions.flatMap((fn, i) => {
      const lines = linesOf(unit, i);
      checkFunction(fn, unit, i, lines);
      checkImports(fn, cpuFeatures);
      return lines;
    });
    const used = NEEDS.filter(([, instructions]) => code.some(({ text }) => instructions.test(text)));
    expect(unit.cpuFeatures).toEqual(used.map(([feature]) => feature));
    traps += unit.traps.length;
  });
  fc.assert(property, { numRuns: 120, seed: 20261123 });
  expect(traps).toBeGreaterThanOrEqual(leastTraps);
});

it('say of the moves where a block begins that they are its own', () => {
  const guards = Array.from(
    { length: 12 },
    (_, i) => `
n${i}:
  c${i} = gt x, ${i}
  branch c${i}, n${i + 1}, o${i}
o${i}:
  z${i} = add k${i % 6}, ${i}
  return z${i}`,
  ).join('');
  const [fn] = functionsOf(`
fn f(x: i64) -> i64 {
entry:
${Array.from({ length: 6 }, (_, i) => `  k${i} = mul x, ${i + 5}`).join('\n')}
  jump n0
${guards}
n12:
  return -1
}`);
  const linesOfBlocks = lineTable(fn!).map(({ instructions, terminator }) => [...instructions, terminator]);
  let checked = 0;
  for (const registers of SCARCE) {
    const unit = compileWith([fn!], { registers, lines: true });
    const code = linesOf(unit, 0);
    const blockAt = (at: number): number => {
      const { line } = unit.lines.findLast(({ offset }) => offset <= at)!;
      return linesOfBlocks.findIndex((lines) => lines.includes(line));
    };
    for (const { text } of code.filter((each) => /^j[^m]/.test(each.text))) {
      const target = Number(text.split(' ')[1]);
      const rest = code.slice(code.findIndex(({ offset }) => offset === target));
      const leave = rest.findIndex((each) => /^(j|ret)/.test(each.text));
      if (rest[leave]!.text !== 'ret') continue;
      expect(blockAt(target)).toBe(blockAt(rest[leave]!.offset));
      checked++;
    }
  }
  expect(checked).toBeGreaterThan(10);
});
