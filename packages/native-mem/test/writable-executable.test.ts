// W^X: through all operations no page of the process that we made is writable and executable at once, and the number
// of mappings stays small.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  allocExecMemory,
  allocRwMemory,
  bindFunction,
  CodeArena,
  type CodeBacking,
  freeExecMemory,
  makeExecutable,
  PROT_READ,
  PROT_WRITE,
  setProtection,
  writeExecMemory,
} from '../src/index.js';
import { machineCode } from './machine-code.js';

interface Line {
  readonly start: bigint;
  readonly end: bigint;
  readonly protection: string;
}

function memoryMap(): Line[] {
  return [...readFileSync('/proc/self/maps', 'utf8').matchAll(/^([0-9a-f]+)-([0-9a-f]+) (\S{4})/gm)].map((match) => ({
    start: BigInt(`0x${match[1]}`),
    end: BigInt(`0x${match[2]}`),
    protection: match[3]!,
  }));
}

const within = (lines: Line[], start: bigint, size: bigint) =>
  lines.filter((l) => l.end > start && l.start < start + size);
const isBad = ({ protection }: Line) => protection.includes('w') && protection.includes('x');

describe.each(['memfd', 'mprotect'] as CodeBacking[])('an arena with %s', (backing) => {
  test('has no page that is writable and executable, whatever is done', () => {
    const size = 2 ** 24;
    const arena = new CodeArena({ reserve: size, backing: [backing] });
    const look = () => {
      const lines = within(memoryMap(), arena.address, BigInt(size));
      expect(lines.filter(isBad)).toEqual([]);
      return lines.length;
    };
    look();
    const blocks = [];
    for (let i = 0; i < 50; i++) {
      const block = arena.allocate(machineCode('return42'), {
        relocate: () => {
          look();
        },
      });
      blocks.push(block);
      arena.allocateSlot(block.address);
      const slot = arena.allocateLazySlot(() => {
        look();
        return block.address;
      });
      look();
      if (i % 4 === 0) slot.close();
      const data = arena.allocateData(1 + i * 300);
      data.write(Uint8Array.of(1));
      look();
      if (i % 5 === 0) data.seal();
      look();
      if (i % 5 !== 1) data.close();
      expect(bindFunction(block.address, { params: [], result: 'i64' })()).toBe(42n);
      look();
      if (i % 3 === 0) blocks.shift()?.close();
    }
    arena.allocate(new Uint8Array(300_000));
    expect(look()).toBeLessThanOrEqual(backing === 'memfd' ? 4 : 60);
    for (const block of blocks) block.close();
    look();
    arena.close();
  });
});

test.each(['memfd', 'mprotect'] as CodeBacking[])(
  'an arena of 20,000 functions takes a handful of mappings: %s',
  (backing) => {
    using arena = new CodeArena({ reserve: 2 ** 28, backing: [backing] });
    const blocks = Array.from({ length: 20_000 }, (_, i) => arena.allocate(new Uint8Array(1 + (i % 500)).fill(0xc3)));
    for (let i = 0; i < blocks.length; i += 2) blocks[i]?.close();
    for (let i = 0; i < 20_000; i++) arena.allocateSlot();
    const data = Array.from({ length: 2000 }, (_, i) => arena.allocateData(1 + (i % 5000)));
    for (const block of data) block.write(Uint8Array.of(1));
    for (let i = 0; i < data.length; i += 2) data[i]?.close();
    for (let i = 0; i < 500; i++) arena.allocateData(1).write(Uint8Array.of(1));
    expect(within(memoryMap(), arena.address, BigInt(2 ** 28)).length).toBeLessThanOrEqual(4);
    // Sealed blocks are mappings of their own for as long as they live, at most.
    const sealed = Array.from({ length: 200 }, () => arena.allocateData(1));
    for (const block of sealed) block.seal();
    for (const block of sealed) block.close();
    expect(within(memoryMap(), arena.address, BigInt(2 ** 28)).length).toBeLessThanOrEqual(4);
  },
);

test('memory by address is never both', () => {
  // Ours only: V8 has pages of its own that are both, and gets more of them at any time.
  const arena = CodeArena.default();
  const ours: [start: bigint, size: number][] = [[arena.address, arena.stats().reserved]];
  const look = () => {
    const lines = memoryMap();
    for (const [start, size] of ours) expect(within(lines, start, BigInt(size)).filter(isBad)).toEqual([]);
  };
  const exec = allocExecMemory(5000);
  look();
  writeExecMemory(exec, machineCode('return42'));
  look();
  expect(within(memoryMap(), exec, 1n)).toMatchObject([{ protection: 'r-xs' }]);
  const rw = allocRwMemory(5000);
  ours.push([rw, 5000]);
  writeExecMemory(rw, machineCode('return42'));
  look();
  makeExecutable(rw, 5000);
  look();
  expect(() => setProtection(rw, 5000, 7)).toThrow(expect.objectContaining({ code: 'ERR_WRITABLE_AND_EXECUTABLE' }));
  look();
  setProtection(rw, 5000, PROT_READ | PROT_WRITE);
  look();
  freeExecMemory(rw, 5000);
  freeExecMemory(exec, 5000);
  look();
});
