// Every row of the instruction table, encoded with all kinds of registers, addresses and immediates, is read back by capstone
// as the instruction that the row says, and GNU as makes the same of that text: the same bytes, or others that mean the same.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Assembler } from '../src/x64/assembler.js';
import { type Row, rows } from '../src/x64/row.js';
import { x64 } from '../src/x64/table.js';
import { disassemble } from './support/disassembler.js';

const LOW_BYTES = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil'];
const CLASSIC = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];

function registerName(kind: string, number: number): string {
  if (kind === 'xmm' || kind === 'x' || kind === 'v' || kind.startsWith('xm')) return `xmm${number}`;
  const bits = kind.replace(/\D/g, '');
  if (number >= 8) return `r${number}${{ 8: 'b', 16: 'w', 32: 'd', 64: '' }[bits]}`;
  if (bits === '8') return LOW_BYTES[number]!;
  return `${{ 16: '', 32: 'e', 64: 'r' }[bits]}${CLASSIC[number]}`;
}

interface Address {
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: number;
}

function addressText({ base, index, scale, displacement }: Address): string {
  const parts = [registerName('r64', base)];
  if (index >= 0) parts.push(scale === 0 ? registerName('r64', index) : `${registerName('r64', index)}*${2 ** scale}`);
  const tail = displacement === 0 ? '' : ` ${displacement < 0 ? '-' : '+'} ${Math.abs(displacement)}`;
  return `[${parts.join(' + ')}${tail}]`;
}

const POINTER_SIZES: Record<string, string> = { 8: 'byte', 16: 'word', 32: 'dword', 64: 'qword', 128: 'xmmword' };

const ADDRESSES: readonly Address[] = [
  { base: 0, index: -1, scale: 0, displacement: 0 },
  { base: 4, index: -1, scale: 0, displacement: 0 },
  { base: 4, index: -1, scale: 0, displacement: 8 },
  { base: 5, index: -1, scale: 0, displacement: 0 },
  { base: 6, index: -1, scale: 0, displacement: 127 },
  { base: 7, index: -1, scale: 0, displacement: -128 },
  { base: 12, index: -1, scale: 0, displacement: 128 },
  { base: 13, index: -1, scale: 0, displacement: 0 },
  { base: 15, index: -1, scale: 0, displacement: -0x12345678 },
  { base: 1, index: 2, scale: 0, displacement: 0 },
  { base: 5, index: 5, scale: 3, displacement: 0 },
  { base: 13, index: 12, scale: 1, displacement: -1 },
  { base: 12, index: 13, scale: 2, displacement: 0x7fffffff },
  { base: 9, index: 15, scale: 3, displacement: 16 },
];

const IMMEDIATES: Record<number, readonly number[]> = {
  1: [0, 1, 31, 127, -1, -128],
  2: [0x1234, -0x1234, 300],
  4: [0x12345678, -0x12345678, 0x7fffffff, 128],
  8: [0x12345678],
};

interface Sample {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** One instruction: its text in Intel syntax, made from the row's operands, and its bytes, made by the encoder. */
function sample(row: Row, reg: number, rm: number, address: Address | undefined, immediate: number): Sample {
  const assembler = new Assembler();
  const second = (reg * 7 + rm * 3 + 5) & 15;
  const high = row.immediateSize === 8 ? 0x1bcdef01 : 0;
  if (row.vexMap !== 0) {
    if (address === undefined) assembler.vexRegisters(row, reg, second, rm);
    else assembler.vexMemory(row, reg, second, address.base, address.displacement);
  } else if (address === undefined) assembler.registers(row, reg, rm, immediate, high);
  else assembler.memory(row, reg, address.base, address.index, address.scale, address.displacement, immediate, high);
  const bytes = assembler.finish();
  const operands = row.operands.map(({ kind }) => {
    if (kind === 'cl') return 'cl';
    if (kind === 'imm64') return `0x${((BigInt(high) << 32n) | BigInt(immediate)).toString(16)}`;
    if (kind.startsWith('imm')) return `${immediate}`;
    if (kind.startsWith('rel')) return `${immediate + bytes.length}`; // placed at address 0
    const inRm = /^(rm|xm\d|m|x$)/.test(kind);
    if (kind === 'v') return registerName(kind, second);
    if (!inRm) return registerName(kind, reg);
    if (address === undefined) return registerName(kind, rm);
    return kind === 'mem'
      ? addressText(address)
      : `${POINTER_SIZES[kind.replace(/\D/g, '')]} ptr ${addressText(address)}`;
  });
  if (row === x64.fcmp.f64 || row === x64.fcmp.f32) {
    const comparison = immediate === 7 ? 'cmpord' : 'cmplt';
    return { text: `${row.mnemonic.replace('cmp', comparison)} ${operands.slice(0, 2).join(', ')}`, bytes };
  }
  if (row === x64.repMovsb) return { text: 'rep movsb byte ptr [rdi], byte ptr [rsi]', bytes };
  if (row === x64.repStosb) return { text: 'rep stosb byte ptr [rdi], al', bytes };
  return { text: `${row.mnemonic} ${operands.join(', ')}`.trim(), bytes };
}

function samplesOf(row: Row): Sample[] {
  const kinds = row.operands.map(({ kind }) => kind);
  const rmKind = kinds.find((kind) => /^(rm|xm\d|m|x$)/.test(kind));
  const registers = [0, 1, 3, 4, 5, 6, 7, 8, 12, 13, 15];
  let immediates = IMMEDIATES[row.immediateSize] ?? [0];
  if (kinds.some((kind) => kind.startsWith('rel')))
    immediates = row.immediateSize === 1 ? [16, -100] : [0x12345, -0x12345];
  if (row === x64.fcmp.f32 || row === x64.fcmp.f64) immediates = [7, 1]; // as mnemonics: cmpord, cmplt
  if (row === x64.round.f32 || row === x64.round.f64) immediates = [8, 9, 10, 11];
  if (['shl', 'shr', 'sar', 'rol', 'ror'].includes(row.mnemonic)) immediates = [1, 2, 31];
  const samples: Sample[] = [];
  for (const immediate of immediates) {
    for (const reg of row.regRole === 0 ? [0] : registers) {
      if (rmKind !== undefined && !rmKind.startsWith('m')) {
        for (const rm of registers) samples.push(sample(row, reg, rm, undefined, immediate));
      } else if (rmKind === undefined) samples.push(sample(row, reg, 0, undefined, immediate));
      if (rmKind !== undefined && rmKind !== 'x') {
        // FMA has no use for an index.
        const addresses = row.vexMap === 0 ? ADDRESSES : ADDRESSES.filter(({ index }) => index < 0);
        for (const address of addresses) samples.push(sample(row, reg, 0, address, immediate));
      }
    }
  }
  return samples;
}

/** Numbers in the width of the instruction, spaces and aliases the same for all who print. */
function normalise(text: string): string {
  const width = /\b(byte|[a-d]l|[sd]il|[sb]pl|r\d+b)\b/.test(text)
    ? 8
    : /(^|\W)(word|[a-d]x|[sd]i|[sb]p|r\d+w)\b/.test(text)
      ? 16
      : /\b(dword|e[a-ds][xip]|ebp|r\d+d)\b/.test(text)
        ? 32
        : 64;
  return text
    .replace(/(^|[^\w.])(-?)(0x[0-9a-f]+|\d+)\b/g, (_, before: string, sign: string, digits: string) => {
      const value = sign === '-' ? -BigInt(digits) : BigInt(digits);
      return `${before}${BigInt.asUintN(width, value)}`;
    })
    .replace(/\s+/g, ' ');
}

const encoded = rows.filter((row) => row.pseudo === 0);
const title = (row: Row): string =>
  `${row.mnemonic} ${row.operands.map(({ kind }) => kind).join(', ')} (row ${row.id})`;

describe('capstone reads what the row says', () => {
  it.each(encoded.map((row) => [title(row), row] as const))('%s', (_, row) => {
    for (const { text, bytes } of samplesOf(row)) {
      const lines = disassemble(bytes);
      expect(lines).toHaveLength(1);
      expect(normalise(lines[0]!.text)).toBe(normalise(text));
    }
  });

  it('rip-relative operands', () => {
    for (const row of encoded.filter(({ operands }) => operands.some(({ kind }) => /^(xm\d|m)/.test(kind)))) {
      if (row.immediateSize !== 0) continue;
      const assembler = new Assembler();
      const site = assembler.ripRelative(row, 9);
      assembler.patch(site, site + 4 + 0x1000);
      const [line] = disassemble(assembler.finish());
      expect(line!.text).toContain('[rip + 0x1000]');
      expect(line!.text.split(' ')[0]).toBe(row.mnemonic);
    }
  });
});

function hasGnuAssembler(): boolean {
  try {
    execFileSync('as', ['--version'], { stdio: 'ignore' });
    execFileSync('objdump', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The bytes that GNU as makes of each line. */
function assemble(lines: readonly string[]): Uint8Array[] {
  const directory = mkdtempSync(join(tmpdir(), 'codegen-as-'));
  try {
    const source = join(directory, 'lines.s');
    const object = join(directory, 'lines.o');
    writeFileSync(source, `.intel_syntax noprefix\n${lines.join('\n')}\n`);
    execFileSync('as', ['--64', '-o', object, source]);
    const listing = execFileSync('objdump', ['-d', '--insn-width=16', object], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    return [...listing.matchAll(/^\s+[0-9a-f]+:\t((?:[0-9a-f]{2} )+)/gm)].map((match) =>
      Uint8Array.from(match[1]!.trim().split(' '), (byte) => Number.parseInt(byte, 16)),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('GNU as', () => {
  it.skipIf(!hasGnuAssembler())('makes the same of the text (skipped where binutils are missing)', () => {
    const samples = encoded.flatMap((row) => samplesOf(row));
    const lines = samples.map(({ text }) => {
      const jump = /^(j\w+|call) (-?\d+)$/.exec(text);
      return jump === null ? text : `${jump[1]} .+(${jump[2]})`;
    });
    const theirs = assemble(lines);
    expect(theirs).toHaveLength(samples.length);
    let equal = 0;
    samples.forEach(({ text, bytes }, i) => {
      if (Buffer.compare(bytes, theirs[i]!) === 0) equal++;
      else expect(normalise(disassemble(theirs[i]!)[0]!.text)).toBe(normalise(text));
    });
    expect(equal / samples.length).toBeGreaterThan(0.8); // the rest are instructions with two encodings
  });
});
