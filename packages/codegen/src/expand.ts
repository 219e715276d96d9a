// Expansions of the pseudo instructions that need more than one instruction, and the cheaper forms of `lea`.
import { DIVIDE_BY_MINUS_ONE, DIVIDE_CHECKED, DIVIDE_SIGNED, DIVIDE_WIDE } from './machine-ir.js';
import type { Mover } from './moves.js';
import type { Assembler } from './x64/assembler.js';
import {
  CC_AE, CC_E, CC_FLOAT_EQ, CC_FLOAT_NE, CC_NE, CC_NP, CC_O, CC_P, CC_S, FIRST_VIRTUAL, NO_REG, RAX, RBP, RDX, RSP, SCRATCH, VECTOR_SCRATCH,
} from './x64/registers.js'; // biome-ignore format: a list
import type { Row } from './x64/row.js';
import { x64 } from './x64/table.js';

/**
 * rax / divisor to rax, rax % divisor to rdx. Returns the offset of the instruction that traps for a divisor of 0; `overflow` is where
 * a checked division goes instead of wrapping.
 */
export function emitDivide(
  assembler: Assembler,
  mover: Mover,
  flags: number,
  divisor: number,
  overflow: number,
): number {
  const wide = (flags & DIVIDE_WIDE) !== 0;
  const signed = (flags & DIVIDE_SIGNED) !== 0;
  const mayBeMinusOne = (flags & DIVIDE_BY_MINUS_ONE) !== 0;
  const onDivisor = (row: Row, immediate = 0): void => {
    if (divisor < FIRST_VIRTUAL) assembler.registers(row, 0, divisor, immediate);
    else assembler.memory(row, 0, RSP, NO_REG, 0, mover.displacement(divisor), immediate);
  };
  // The least integer by -1 overflows, and the processor would trap: it must wrap, with remainder 0, which holds for every dividend.
  let byMinusOne = 0;
  if (mayBeMinusOne) {
    onDivisor(wide ? x64.cmp.i64short : x64.cmp.i32short, -1);
    byMinusOne = assembler.skipIf(CC_E);
  }
  if (signed) assembler.registers(wide ? x64.cqo : x64.cdq, 0, 0);
  else assembler.registers(x64.xor.r32, RDX, RDX);
  const offset = assembler.size;
  onDivisor((signed ? x64.idiv : x64.div)[wide ? 'r64' : 'r32']);
  if (mayBeMinusOne) {
    const done = assembler.skip();
    assembler.land(byMinusOne);
    assembler.registers(wide ? x64.neg.r64 : x64.neg.r32, 0, RAX);
    if (flags & DIVIDE_CHECKED) assembler.jumpIf(CC_O, overflow);
    assembler.registers(x64.xor.r32, RDX, RDX);
    assembler.land(done);
  }
  return offset;
}

/**
 * Unsigned 64 bits to a float: the processor converts signed integers only. From 2**63 on, half of it is converted, its lowest bit
 * kept sticky (so that the one rounding sees whether anything was cut off), and doubled.
 */
export function emitU64ToFloat(assembler: Assembler, to: number, from: number, size: number): void {
  const width = size === 8 ? 'f64' : 'f32';
  assembler.registers(x64.xorps, to, to);
  assembler.registers(x64.test64, from, from);
  const large = assembler.skipIf(CC_S);
  assembler.registers(x64.fromInt64[width], to, from);
  const done = assembler.skip();
  assembler.land(large);
  assembler.registers(x64.mov64, SCRATCH, from);
  assembler.registers(x64.shr.i64, 0, SCRATCH, 1);
  const even = assembler.skipIf(CC_AE);
  assembler.registers(x64.or.i64short, 0, SCRATCH, 1);
  assembler.land(even);
  assembler.registers(x64.fromInt64[width], to, SCRATCH);
  assembler.registers(x64.fadd[width], to, to);
  assembler.land(done);
}

/** if not `condition`: to = other */
export function emitFloatSelect(
  assembler: Assembler,
  mover: Mover,
  condition: number,
  to: number,
  other: number,
): void {
  if (to === other) return;
  if (condition === CC_FLOAT_EQ || condition === CC_FLOAT_NE) {
    // Equal means zero and not parity. eq keeps `to` if equal; ne keeps it if not.
    const equal = condition === CC_FLOAT_EQ;
    const first = assembler.skipIf(equal ? CC_NE : CC_P);
    const second = assembler.skipIf(equal ? CC_NP : CC_NE);
    if (equal) assembler.land(first);
    mover.move(to, other);
    if (!equal) assembler.land(first);
    assembler.land(second);
    return;
  }
  const keep = assembler.skipIf(condition);
  mover.move(to, other);
  assembler.land(keep);
}

/** to = second * to + addend, rounded once. */
export function emitFma(
  assembler: Assembler,
  mover: Mover,
  size: number,
  to: number,
  second: number,
  addend: number,
): void {
  const row = x64.fma213[size === 8 ? 'f64' : 'f32'];
  let factor = second;
  if (second < 0 || second >= FIRST_VIRTUAL) {
    mover.move(VECTOR_SCRATCH, second);
    factor = VECTOR_SCRATCH;
  }
  if (addend < FIRST_VIRTUAL) assembler.vexRegisters(row, to, factor, addend);
  else assembler.vexMemory(row, to, factor, RSP, mover.displacement(addend));
}

/** to = base + index * 2**scale + displacement, in the width of `row`; changes the flags. */
export function emitLea(
  assembler: Assembler,
  row: Row,
  to: number,
  base: number,
  index: number,
  scale: number,
  displacement: number,
): void {
  const wide = row === x64.lea64;
  if (index === NO_REG) {
    if (displacement === 0) {
      if (to !== base) assembler.registers(wide ? x64.mov64 : x64.mov32, to, base);
    } else if (to !== base) assembler.memory(row, to, base, NO_REG, 0, displacement);
    else {
      const short = displacement >= -128 && displacement <= 127;
      const add = wide ? (short ? x64.add.i64short : x64.add.i64) : short ? x64.add.i32short : x64.add.i32;
      assembler.registers(add, 0, to, displacement);
    }
    return;
  }
  if (scale === 0 && displacement === 0) {
    if (to === base) {
      assembler.registers(wide ? x64.add.r64 : x64.add.r32, to, index);
      return;
    }
    if (to === index) {
      assembler.registers(wide ? x64.add.r64 : x64.add.r32, to, base);
      return;
    }
    // rbp and r13 as a base cost a displacement byte.
    if ((base & 7) === RBP) {
      assembler.memory(row, to, index, base, 0, 0);
      return;
    }
  }
  assembler.memory(row, to, base, index, scale, displacement);
}
