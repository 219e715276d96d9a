// What `CompileOptions` changes: the instructions that may be used, and the line table.
import { printFunction } from '@simple-jit/template-ir';
import { describe, expect, it } from 'vitest';
import { compileUnit } from '../src/index.js';
import { functionsOf } from './support/agree.js';
import { disassemble } from './support/disassembler.js';
import { HOST_FEATURES } from './support/host-features.js';

describe('CPU features', () => {
  const COUNTS = `
fn counts(x: u64, y: f64) -> f64 {
entry:
  a = popcount x
  b = clz a
  c = ctz b
  d: f64 = convert c
  e = floor y
  r = add d, e
  return r
}`;
  const mnemonics = (code: Uint8Array): Set<string> =>
    new Set(disassemble(code).map(({ text }) => text.split(' ')[0]!));

  it('are none unless they are allowed', () => {
    const unit = compileUnit(functionsOf(COUNTS));
    expect(unit.cpuFeatures).toEqual([]);
    const [fn] = unit.functions;
    for (const name of ['popcnt', 'lzcnt', 'tzcnt', 'roundsd']) {
      expect(mnemonics(unit.code.subarray(0, fn!.size))).not.toContain(name);
    }
  });

  it('are those that the code uses, of the allowed ones', () => {
    const all = new Set(['fma', 'bmi1', 'lzcnt', 'popcnt', 'sse4.1', 'avx2', 'bmi2'] as const);
    const unit = compileUnit(functionsOf(COUNTS), { cpuFeatures: all });
    expect(unit.cpuFeatures).toEqual(['sse4.1', 'popcnt', 'lzcnt', 'bmi1']);
    const found = mnemonics(unit.code.subarray(0, unit.functions[0]!.size));
    expect([...found]).toEqual(expect.arrayContaining(['popcnt', 'lzcnt', 'tzcnt', 'roundsd']));
    expect(compileUnit(functionsOf(COUNTS), { cpuFeatures: new Set(['popcnt']) }).cpuFeatures).toEqual(['popcnt']);
    expect(
      compileUnit(functionsOf('fn f(x: i32) -> i32 {\nentry:\n  r = add x, x\n  return r\n}'), {
        cpuFeatures: HOST_FEATURES,
      }).cpuFeatures,
    ).toEqual([]);
  });
});

describe('the line table', () => {
  const TEXT = `
fn f(x: i32, p: ptr<i32>) -> i32 {
entry:
  sum = add_checked x, 1000
  big = gt sum, 5
  branch big, more(sum), done(7)
more(y: i32):
  q = div 100, y
  z = load p
  r = call g(q, z)
  jump done(r)
done(w: i32):
  return w
}
fn g(a: i32, b: i32) -> i32 {
entry:
  bounds a, b
  c = mul_checked a, b
  d: i8 = convert_checked c
  unreachable
}`;
  const functions = functionsOf(TEXT);
  const unit = compileUnit(functions, { lines: true });
  const textAt = (offset: number): string => {
    const fn = functions[unit.functions.findLastIndex((entry) => entry.offset <= offset)]!;
    const line = unit.lines.findLast((entry) => entry.offset <= offset)!;
    return printFunction(fn).split('\n')[line.line - 1]!.trim();
  };

  it('leads from traps to the statements that they are in', () => {
    expect(unit.traps.map(({ offset, kind }) => [kind, textAt(offset)]).sort()).toEqual([
      ['bounds', 'bounds a, b'],
      ['divide', 'q = div 100, y'],
      ['overflow', 'c = mul_checked a, b'],
      ['overflow', 'd: i8 = convert_checked c'],
      ['overflow', 'sum = add_checked x, 1000'],
      ['unreachable', 'unreachable'],
    ]);
  });

  it('has every statement that became code, by ascending offset, one of them where each function begins', () => {
    const offsets = unit.lines.map(({ offset }) => offset);
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
    expect(offsets).toEqual(expect.arrayContaining(unit.functions.map(({ offset }) => offset)));
    const lines = new Set(offsets.map(textAt));
    for (const line of ['z = load p', 'r: i32 = call g(q, z)', 'return w', 'branch big, more(sum), done(7)']) {
      expect(lines).toContain(line);
    }
  });

  it('changes nothing else, and is empty unless asked for', () => {
    expect(compileUnit(functions)).toEqual({ ...unit, lines: [] });
  });
});
