// Turns table rows and their operands into bytes (Intel SDM volume 2, chapter 2: prefixes, ModRM, SIB, displacement,
// immediate), and keeps what is not known yet: labels of blocks, entry points of functions, the constant pool, imports.
import { IntList, Scratch } from '../scratch.js';
import { NO_REG } from './registers.js';
import type { Row } from './row.js';
import { x64 } from './table.js';

const FIRST_BYTES = 4096;
/** A larger buffer is not kept for the next unit. */
const KEPT_BYTES = 1 << 20;

export class Assembler {
  bytes = new Uint8Array(FIRST_BYTES);
  size = 0;
  private readonly scratch = new Scratch();
  /** Displacements of 4 bytes, in pairs: where, and the constant of what index (see `constantIndex`) they lead to. */
  private poolFixups!: IntList;
  private poolWords!: IntList;
  private readonly poolIndexes = new Map<string, number>();
  /** By label: where it is, or -1. */
  private labels!: IntList;
  /** Displacements of 4 bytes, in pairs: where, and what label they lead to. */
  private labelFixups!: IntList;
  /** What the next instruction with a VEX prefix has in vvvv. */
  private second = 0;

  constructor() {
    this.reset();
  }

  // ---- instructions ----

  /** Both operands registers; for rows without a ModRM.reg or ModRM.rm operand that one is ignored. */
  registers(row: Row, reg: number, rm: number, immediate = 0, immediateHigh = 0): void {
    this.encode(row, reg, rm, NO_REG, NO_REG, 0, 0, immediate, immediateHigh);
  }

  /** ModRM.rm is memory at `[base + index * 2**scale + displacement]`; `index` may be -1. */
  memory(
    row: Row,
    reg: number,
    base: number,
    index: number,
    scale: number,
    displacement: number,
    immediate = 0,
    immediateHigh = 0,
  ): void {
    this.encode(row, reg, NO_REG, base, index, scale, displacement, immediate, immediateHigh);
  }

  /** A row with a VEX prefix: `second` is its operand in vvvv. */
  vexRegisters(row: Row, reg: number, second: number, rm: number): void {
    this.second = second;
    this.registers(row, reg, rm);
  }

  /** The same with ModRM.rm at `[base + displacement]`. */
  vexMemory(row: Row, reg: number, second: number, base: number, displacement: number): void {
    this.second = second;
    this.memory(row, reg, base, NO_REG, 0, displacement);
  }

  /** ModRM.rm is the constant of that index, reached relative to rip. */
  constant(row: Row, reg: number, index: number): void {
    this.poolFixups.push(this.ripRelative(row, reg));
    this.poolFixups.push(index);
  }

  /** ModRM.rm is `[rip + displacement]`; returns the offset of the displacement, which stays 0. The row has no immediate. */
  ripRelative(row: Row, reg: number): number {
    this.reserve();
    this.prefixes(row, reg, 0, 0, true);
    this.bytes[this.size++] = ((row.digit < 0 ? reg & 7 : row.digit) << 3) | 5;
    const site = this.size;
    this.int32(0);
    return site;
  }

  private encode(
    row: Row,
    reg: number,
    rm: number,
    base: number,
    index: number,
    scale: number,
    displacement: number,
    immediate: number,
    immediateHigh: number,
  ): void {
    this.reserve();
    if (!row.hasModrm) {
      this.prefixes(row, 0, row.plusRegister ? reg : 0, 0, false);
      if (row.plusRegister) this.bytes[this.size - 1]! += reg & 7;
    } else if (rm !== NO_REG) {
      this.prefixes(row, row.digit < 0 ? reg : 0, rm, 0, false);
      this.bytes[this.size++] = 0xc0 | ((row.digit < 0 ? reg & 7 : row.digit) << 3) | (rm & 7);
    } else {
      this.prefixes(row, row.digit < 0 ? reg : 0, base, index === NO_REG ? 0 : index, true);
      this.memoryOperand(row.digit < 0 ? reg & 7 : row.digit, base, index, scale, displacement);
    }
    this.immediate(row, immediate, immediateHigh);
  }

  private prefixes(row: Row, reg: number, base: number, index: number, isMemory: boolean): void {
    const { bytes } = this;
    if (row.vexMap !== 0) {
      bytes[this.size++] = 0xc4;
      // R, X, B and vvvv are inverted.
      bytes[this.size++] =
        ((reg & 8) << 4) ^ 0x80 ^ (((index & 8) << 3) ^ 0x40) ^ (((base & 8) << 2) ^ 0x20) ^ row.vexMap;
      bytes[this.size++] = (row.rexW ? 0x80 : 0) | ((~this.second & 15) << 3) | 1; // pp = 66
      for (const byte of row.opcode) bytes[this.size++] = byte;
      return;
    }
    if (row.prefix !== 0) bytes[this.size++] = row.prefix;
    let rex = row.rexW ? 0x48 : 0;
    if (reg & 8) rex |= 0x44;
    if (index & 8) rex |= 0x42;
    if (base & 8) rex |= 0x41;
    if ((row.regIsByte && reg >= 4 && reg < 8) || (row.rmIsByte && !isMemory && base >= 4 && base < 8)) rex |= 0x40;
    if (rex !== 0) bytes[this.size++] = rex;
    for (const byte of row.opcode) bytes[this.size++] = byte;
  }

  private memoryOperand(reg: number, base: number, index: number, scale: number, displacement: number): void {
    const { bytes } = this;
    // rbp and r13 as a base without displacement mean something else; rsp and r12 need an index byte.
    const mode = displacement === 0 && (base & 7) !== 5 ? 0 : displacement >= -128 && displacement <= 127 ? 1 : 2;
    if (index !== NO_REG || (base & 7) === 4) {
      bytes[this.size++] = (mode << 6) | (reg << 3) | 4;
      bytes[this.size++] = (scale << 6) | ((index === NO_REG ? 4 : index & 7) << 3) | (base & 7);
    } else {
      bytes[this.size++] = (mode << 6) | (reg << 3) | (base & 7);
    }
    if (mode === 1) bytes[this.size++] = displacement;
    else if (mode === 2) this.int32(displacement);
  }

  private immediate(row: Row, low: number, high: number): void {
    switch (row.immediateSize) {
      case 0:
        return;
      case 1:
        this.bytes[this.size++] = low;
        return;
      case 2:
        this.bytes[this.size++] = low;
        this.bytes[this.size++] = low >> 8;
        return;
      case 4:
        this.int32(low);
        return;
      case 8:
        this.int32(low);
        this.int32(high);
    }
  }

  // ---- jumps and labels (of the function being emitted) ----

  /** Forgets the labels of the function before and makes `count` new ones. */
  beginFunction(count: number): void {
    this.labels.length = 0;
    for (let i = 0; i < count; i++) this.labels.push(-1);
    this.labelFixups.length = 0;
  }

  newLabel(): number {
    this.labels.push(-1);
    return this.labels.length - 1;
  }

  bind(label: number): void {
    this.labels.items[label] = this.size;
  }

  jump(label: number): void {
    this.jumpTo(x64.jmp, x64.jmpShort, label);
  }

  jumpIf(condition: number, label: number): void {
    this.jumpTo(x64.jcc[condition]!, x64.jccShort[condition]!, label);
  }

  /** Backward jumps take the short form where it reaches; forward ones always have 32 bits. */
  private jumpTo(long: Row, short: Row, label: number): void {
    const target = this.labels.items[label]!;
    if (target >= 0 && target - (this.size + 2) >= -128) {
      this.registers(short, 0, 0, target - (this.size + 2));
      return;
    }
    this.registers(long, 0, 0, 0);
    this.labelFixups.push(this.size - 4);
    this.labelFixups.push(label);
  }

  /** A forward jump over a few bytes inside one expansion: fill it with `land`. Always the short form. */
  skipIf(condition: number): number {
    this.registers(x64.jccShort[condition]!, 0, 0, 0);
    return this.size;
  }

  skip(): number {
    this.registers(x64.jmpShort, 0, 0, 0);
    return this.size;
  }

  land(from: number): void {
    const distance = this.size - from;
    if (distance > 127) throw new RangeError(`short jump over ${distance} bytes`);
    this.bytes[from - 1] = distance;
  }

  endFunction(): void {
    const { items, length } = this.labelFixups;
    for (let i = 0; i < length; i += 2) this.patch(items[i]!, this.labels.items[items[i + 1]!]!);
  }

  // ---- constants ----

  /** The index of a constant of 8 bytes in the pool; equal constants share one. */
  constantIndex(low: number, high: number): number {
    const key = `${low >>> 0}:${high >>> 0}`;
    let index = this.poolIndexes.get(key);
    if (index === undefined) {
      index = this.poolWords.length / 2;
      this.poolIndexes.set(key, index);
      this.poolWords.push(low);
      this.poolWords.push(high);
    }
    return index;
  }

  /** Puts the constants after the code and points their users to them. */
  emitConstants(): void {
    if (this.poolWords.length === 0) return;
    this.align(8, 0xcc);
    const start = this.size;
    for (let i = 0; i < this.poolWords.length; i++) {
      this.reserve();
      this.int32(this.poolWords.items[i]!);
    }
    const { items, length } = this.poolFixups;
    for (let i = 0; i < length; i += 2) this.patch(items[i]!, start + items[i + 1]! * 8);
  }

  // ---- bytes ----

  align(alignment: number, filler: number): void {
    while (this.size % alignment !== 0) {
      this.reserve();
      this.bytes[this.size++] = filler;
    }
  }

  private setInt32(offset: number, value: number): void {
    const { bytes } = this;
    bytes[offset] = value;
    bytes[offset + 1] = value >> 8;
    bytes[offset + 2] = value >> 16;
    bytes[offset + 3] = value >> 24;
  }

  /** Fills the displacement of 4 bytes at `site` with the way to `target`. */
  patch(site: number, target: number): void {
    this.setInt32(site, target - (site + 4));
  }

  private int32(value: number): void {
    this.setInt32(this.size, value);
    this.size += 4;
  }

  /** Room for one instruction: at most 15 bytes. */
  private reserve(): void {
    if (this.size + 16 <= this.bytes.length) return;
    const grown = new Uint8Array(this.bytes.length * 2);
    grown.set(this.bytes);
    this.bytes = grown;
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.size);
  }

  /** Forgets everything, for another unit. */
  reset(): void {
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(FIRST_BYTES);
    this.size = 0;
    this.scratch.release();
    this.poolFixups = new IntList(this.scratch);
    this.poolWords = new IntList(this.scratch);
    this.poolIndexes.clear();
    this.labels = new IntList(this.scratch);
    this.labelFixups = new IntList(this.scratch);
  }
}
