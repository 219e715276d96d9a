// Jumps: short where a displacement of 8 bits reaches, and always to their label.
import { describe, expect, it } from 'vitest';
import { disassemble } from '../../test/support/disassembler.js';
import { Assembler } from './assembler.js';
import { CC_NE } from './registers.js';
import { x64 } from './table.js';

const JUMPS: readonly (readonly [string, (assembler: Assembler, label: number) => void, number])[] = [
  ['jmp', (assembler, label) => assembler.jump(label), 5],
  ['jne', (assembler, label) => assembler.jumpIf(CC_NE, label), 6],
];

describe.each(JUMPS)('%s', (mnemonic, jump, longSize) => {
  const nops = (assembler: Assembler, count: number): void => {
    for (let i = 0; i < count; i++) assembler.registers(x64.nop, 0, 0);
  };

  it('backwards has 2 bytes up to 126 bytes back, the jump itself not counted', () => {
    for (const distance of [0, 1, 100, 124, 125, 126, 127, 128, 129, 1000, 70_000]) {
      const assembler = new Assembler();
      nops(assembler, 3);
      assembler.beginFunction(1);
      assembler.bind(0);
      nops(assembler, distance);
      jump(assembler, 0);
      assembler.endFunction();
      const last = disassemble(assembler.finish()).at(-1)!;
      expect(last.text).toBe(`${mnemonic} 3`);
      expect(last.size).toBe(distance <= 126 ? 2 : longSize);
    }
  });

  it('forwards always has a displacement of 32 bits', () => {
    for (const distance of [0, 1, 127, 128, 70_000]) {
      const assembler = new Assembler();
      assembler.beginFunction(0);
      const label = assembler.newLabel();
      jump(assembler, label);
      nops(assembler, distance);
      assembler.bind(label);
      assembler.registers(x64.ret, 0, 0);
      assembler.endFunction();
      const [first] = disassemble(assembler.finish());
      expect(first!.size).toBe(longSize);
      expect(Number(first!.text.split(' ')[1])).toBe(longSize + distance);
    }
  });
});

it('a jump inside an expansion refuses what it does not reach', () => {
  const assembler = new Assembler();
  assembler.beginFunction(0);
  const skip = assembler.skip();
  for (let i = 0; i < 127; i++) assembler.registers(x64.nop, 0, 0);
  assembler.land(skip);
  expect(disassemble(assembler.finish())[0]!.text).toBe('jmp 0x81');
  assembler.registers(x64.nop, 0, 0);
  expect(() => assembler.land(skip)).toThrow(RangeError);
});
