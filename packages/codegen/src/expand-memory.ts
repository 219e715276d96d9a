// Expansions of the pseudo instructions that move blocks of memory.
import type { Assembler } from './x64/assembler.js';
import {
  CC_AE, CC_B, CC_E, CC_LE, CC_NE, CC_O, NO_REG, RAX, RCX, RDI, RSI, RSP, SCRATCH, VECTOR_SCRATCH, XMM0,
} from './x64/registers.js'; // biome-ignore format: a list
import { x64 } from './x64/table.js';

/** Up to here a copy of constant size goes through registers alone. */
export const MAX_BLOCK = 128;

/** How many vector registers, besides the scratch one, a block of so many bytes goes through. */
export function vectorsOf(bytes: number): number {
  return Math.max(0, (bytes >> 4) + (bytes % 16 > 8 ? 1 : 0) - 1);
}

const LOADS: Record<number, typeof x64.mov64> = { 1: x64.movzx8, 2: x64.movzx16, 4: x64.mov32, 8: x64.mov64 };
const STORES: Record<number, typeof x64.mov64> = { 1: x64.store8, 2: x64.store16, 4: x64.store32, 8: x64.store64 };

/** `bytes` from [from] to [to], which may overlap: everything is read before anything is written. Keeps the flags. */
export function emitCopyBlock(assembler: Assembler, to: number, from: number, bytes: number): void {
  const stores: (() => void)[] = [];
  const vector = (register: number, offset: number): void => {
    assembler.memory(x64.loadBlock, register, from, NO_REG, 0, offset);
    stores.push(() => assembler.memory(x64.storeBlock, register, to, NO_REG, 0, offset));
  };
  /** 4 or 8 bytes in the vector scratch register. */
  const half = (size: number, offset: number): void => {
    const width = size === 8 ? 'f64' : 'f32';
    assembler.memory(x64.load[width], VECTOR_SCRATCH, from, NO_REG, 0, offset);
    stores.push(() => assembler.memory(x64.store[width], VECTOR_SCRATCH, to, NO_REG, 0, offset));
  };
  const general = (size: number, offset: number): void => {
    assembler.memory(LOADS[size]!, SCRATCH, from, NO_REG, 0, offset);
    stores.push(() => assembler.memory(STORES[size]!, SCRATCH, to, NO_REG, 0, offset));
  };
  if (bytes === 3) {
    assembler.memory(x64.movzx8, SCRATCH, from, NO_REG, 0, 2);
    assembler.registers(x64.movqToVector, VECTOR_SCRATCH, SCRATCH);
    assembler.memory(x64.movzx16, SCRATCH, from, NO_REG, 0, 0);
    assembler.memory(x64.store16, SCRATCH, to, NO_REG, 0, 0);
    assembler.registers(x64.movqFromVector, VECTOR_SCRATCH, SCRATCH);
    assembler.memory(x64.store8, SCRATCH, to, NO_REG, 0, 2);
    return;
  }
  if (bytes < 16) {
    // Two windows that overlap cover what is no power of two.
    const window = 2 ** (31 - Math.clz32(bytes));
    if (window < bytes) half(window, bytes - window);
    general(window, 0);
  } else {
    let used = vectorsOf(bytes);
    const next = (): number => (used === 0 ? VECTOR_SCRATCH : XMM0 + --used);
    let offset = 0;
    for (; offset + 16 <= bytes; offset += 16) vector(next(), offset);
    const rest = bytes - offset;
    if (rest > 8) vector(next(), bytes - 16);
    else if (rest > 0) {
      const window = rest === 1 ? 1 : rest === 2 ? 2 : rest <= 4 ? 4 : 8;
      general(window, bytes - window);
    }
  }
  for (const store of stores) store();
}

/**
 * rcx elements of `size` bytes from [rsi] to [rdi]. `tooLarge` is where a number of bytes goes that no memory has. The last bytes are
 * read first, so that a count gone wild traps before it has overwritten whatever comes after.
 */
export function emitCopyMemory(assembler: Assembler, size: number, tooLarge: number): void {
  assembler.registers(x64.test64, RCX, RCX);
  const nothing = assembler.skipIf(CC_LE);
  if (size > 1) {
    assembler.registers(x64.imul64i, RCX, RCX, size);
    assembler.jumpIf(CC_O, tooLarge);
  }
  assembler.memory(x64.movzx8, SCRATCH, RSI, RCX, 0, -1);
  assembler.memory(x64.movzx8, SCRATCH, RDI, RCX, 0, -1);
  assembler.registers(x64.mov64, SCRATCH, RDI);
  assembler.registers(x64.sub.r64, SCRATCH, RSI);
  assembler.registers(x64.cmp.r64, SCRATCH, RCX);
  const backwards = assembler.skipIf(CC_B); // the target begins inside the source
  assembler.registers(x64.repMovsb, 0, 0);
  const done = assembler.skip();
  assembler.land(backwards);
  // From the end: by 8 bytes, then what is left by single ones.
  assembler.registers(x64.sub.i64short, 0, RCX, 8);
  const few = assembler.skipIf(CC_B);
  const words = assembler.newLabel();
  assembler.bind(words);
  assembler.memory(x64.mov64, SCRATCH, RSI, RCX, 0, 0);
  assembler.memory(x64.store64, SCRATCH, RDI, RCX, 0, 0);
  assembler.registers(x64.sub.i64short, 0, RCX, 8);
  assembler.jumpIf(CC_AE, words);
  assembler.land(few);
  assembler.registers(x64.add.i64short, 0, RCX, 8);
  const even = assembler.skipIf(CC_E);
  const bytes = assembler.newLabel();
  assembler.bind(bytes);
  assembler.memory(x64.movzx8, SCRATCH, RSI, RCX, 0, -1);
  assembler.memory(x64.store8, SCRATCH, RDI, RCX, 0, -1);
  assembler.registers(x64.sub.i64short, 0, RCX, 1);
  assembler.jumpIf(CC_NE, bytes);
  assembler.land(even);
  assembler.land(done);
  assembler.land(nothing);
}

/** rcx bytes al to [rdi]. */
export function emitFillMemory(assembler: Assembler): void {
  assembler.registers(x64.test64, RCX, RCX);
  const nothing = assembler.skipIf(CC_LE);
  assembler.memory(x64.movzx8, SCRATCH, RDI, RCX, 0, -1); // as for a copy
  assembler.registers(x64.repStosb, RAX, 0);
  assembler.land(nothing);
}

/** Zeros in `bytes`, a multiple of 8, from [rsp + displacement] on. */
export function emitZeroMemory(assembler: Assembler, displacement: number, bytes: number): void {
  if (bytes === 8) {
    assembler.memory(x64.store64i, 0, RSP, NO_REG, 0, displacement, 0);
    return;
  }
  assembler.registers(x64.xorps, VECTOR_SCRATCH, VECTOR_SCRATCH);
  if (bytes % 16 !== 0) assembler.memory(x64.store.f64, VECTOR_SCRATCH, RSP, NO_REG, 0, displacement + bytes - 8);
  const blocks = bytes - (bytes % 16);
  if (blocks <= MAX_BLOCK) {
    for (let offset = 0; offset < blocks; offset += 16) {
      assembler.memory(x64.storeBlock, VECTOR_SCRATCH, RSP, NO_REG, 0, displacement + offset);
    }
    return;
  }
  // The index runs from -blocks to 0.
  assembler.registers(x64.mov64i32, 0, SCRATCH, -blocks);
  const loop = assembler.newLabel();
  assembler.bind(loop);
  assembler.memory(x64.storeBlock, VECTOR_SCRATCH, RSP, SCRATCH, 0, displacement + blocks);
  assembler.registers(x64.add.i64short, 0, SCRATCH, 16);
  assembler.jumpIf(CC_NE, loop);
}
