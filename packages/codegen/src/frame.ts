// A function's stack frame: callee-saved registers as pushed, below them the memory that `slot`
// gives out, then the slots of spilled values, at the bottom the arguments of calls.
import { CodegenError } from './errors.js';
import type { Assembler } from './x64/assembler.js';
import { CALLEE_SAVED, CC_NE, NO_REG, RSP, SCRATCH } from './x64/registers.js';
import { x64 } from './x64/table.js';

const PAGE = 4096;
const MAX_FRAME = 2 ** 30;
/** Above this many bytes untouched, the next push could jump over a guard page. */
const PROBE_ABOVE = PAGE - 64;

/** What a C function finds on the stack at least: enough for those of a C library, but for a few. */
const FOREIGN_STACK = 4 * PAGE;

export class Frame {
  /** Bytes below the saved registers. */
  readonly size: number;
  readonly slotOffset: number;
  /** Of the memory that `slot` gives out, from rsp. */
  readonly objectOffset: number;
  private readonly saved: readonly number[];

  constructor(
    symbol: string,
    outgoingBytes: number,
    slotCount: number,
    savedRegisters: readonly number[],
    aligned: boolean,
    objectBytes = 0,
  ) {
    this.saved = CALLEE_SAVED.filter((register) => savedRegisters.includes(register));
    this.slotOffset = outgoingBytes;
    const objectOffset = outgoingBytes + slotCount * 8;
    this.objectOffset = aligned ? Math.ceil(objectOffset / 16) * 16 : objectOffset;
    const size = this.objectOffset + objectBytes;
    // rsp is a multiple of 16, as calls want it; the return address and the pushed registers count too.
    this.size = aligned && (size + this.saved.length * 8 + 8) % 16 !== 0 ? size + 8 : size;
    if (this.size > MAX_FRAME) {
      const problem = `needs ${this.size} bytes of stack, and no frame has more than ${MAX_FRAME}`;
      throw new CodegenError(
        'ERR_TOO_LARGE',
        symbol,
        `${problem}; allocate memory instead of slots, or split the function`,
        {
          expected: `at most ${MAX_FRAME} bytes`,
          found: `${this.size} bytes`,
        },
      );
    }
  }

  /** Displacement from rsp of the caller's stack argument of that number. */
  incomingArgument(number: number): number {
    return this.size + this.saved.length * 8 + 8 + number * 8;
  }

  /** Large frames touch every page on the way, so that running out of stack hits the guard page and nothing beyond. */
  prologue(assembler: Assembler): void {
    for (const register of this.saved) assembler.registers(x64.push, register, 0);
    if (this.size <= PROBE_ABOVE) {
      this.adjust(assembler, 'sub', this.size);
      return;
    }
    const pages = Math.floor(this.size / PAGE);
    if (pages <= 4) {
      for (let i = 0; i < pages; i++) this.touchPage(assembler);
    } else {
      assembler.registers(x64.mov32i, SCRATCH, 0, pages);
      const loop = assembler.newLabel();
      assembler.bind(loop);
      this.touchPage(assembler);
      assembler.registers(x64.sub.i64short, 0, SCRATCH, 1);
      assembler.jumpIf(CC_NE, loop);
    }
    this.adjust(assembler, 'sub', this.size % PAGE);
    if (this.size % PAGE > 0) assembler.memory(x64.test64, RSP, RSP, NO_REG, 0, 0);
  }

  /** A C function that runs into the guard page takes the process down; here it is a stack overflow like any other. */
  probeForForeign(assembler: Assembler): void {
    for (let below = PAGE; below <= FOREIGN_STACK; below += PAGE) {
      assembler.memory(x64.test64, RSP, RSP, NO_REG, 0, -below);
    }
  }

  private touchPage(assembler: Assembler): void {
    assembler.registers(x64.sub.i64, 0, RSP, PAGE);
    assembler.memory(x64.test64, RSP, RSP, NO_REG, 0, 0);
  }

  epilogue(assembler: Assembler): void {
    this.adjust(assembler, 'add', this.size);
    for (let i = this.saved.length - 1; i >= 0; i--) assembler.registers(x64.pop, this.saved[i]!, 0);
    assembler.registers(x64.ret, 0, 0);
  }

  private adjust(assembler: Assembler, op: 'add' | 'sub', bytes: number): void {
    if (bytes === 0) return;
    assembler.registers(bytes <= 127 ? x64[op].i64short : x64[op].i64, 0, RSP, bytes);
  }
}
