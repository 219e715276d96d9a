// A function in machine IR: x86-64 instructions over virtual registers, in basic blocks whose order is already decided. Lowering
// makes it, the register allocator annotates it from outside, emission reads both. All of it is integers in a few arrays (see scratch.ts).
import type { CallTarget, MachineConstant, MemoryOperand } from './machine-ir.js';
import { IntList, type Scratch } from './scratch.js';
import { FIRST_VIRTUAL, type RegClass } from './x64/registers.js';
import type { Row } from './x64/row.js';

/** Words of an instruction in `MachineFunction.code`: 64 bytes, a cache line. Instruction number i begins at `i << INSTRUCTION_SHIFT`. */
export const INSTRUCTION_SHIFT = 4;
/** Its row's id. */
export const ROW = 0;
/** The registers in the ModRM fields: virtual, or physical where an instruction or the calling convention wants one. */
export const REG = 1;
export const RM = 2;
export const IMMEDIATE = 3;
export const IMMEDIATE_HIGH = 4;
export const CONDITION = 5;
/** Number of the IR instruction or terminator that it comes from, in the order of lowering; 0 takes the parameters. */
export const STATEMENT = 6;
/** NO_MEMORY, or what replaces the register in ModRM.rm. */
export const MEMORY = 7;
/** For ADDRESSED, as in MemoryOperand. */
export const BASE = 8;
export const INDEX = 9;
export const SCALE = 10;
export const DISPLACEMENT = 11;
/** For POOLED: index of the constant. */
export const POOL = 8;
/** Arguments: virtual registers, or `~i` for the function's constant number i, from there on in `MachineFunction.args`. */
export const ARGS = 12;
export const ARG_COUNT = 13;
/** Index in `MachineFunction.calls`. */
export const CALL = 14;

export const NO_MEMORY = 0;
export const ADDRESSED = 1;
export const POOLED = 2;

export class MachineFunction {
  code: Int32Array;
  instructionCount = 0;
  readonly args: IntList;
  readonly calls: CallTarget[] = [];
  readonly constants: MachineConstant[] = [];
  /** Class of each virtual register, by its number less FIRST_VIRTUAL. */
  readonly classes: IntList;
  /** Bytes at the bottom of the frame for arguments of calls. */
  outgoingBytes = 0;
  hasCalls = false;
  /** Bytes of the memory in the frame that `slot` gives out. */
  objectBytes = 0;
  /** Some of that memory wants 16 bytes of alignment. */
  alignFrame = false;
  /** By statement: its line in the canonical text; undefined if nobody asks. */
  lines: number[] | undefined = undefined;

  constructor(
    readonly symbol: string,
    readonly blocks: MachineBlocks,
    readonly scratch: Scratch,
  ) {
    this.code = scratch.take(1 << (INSTRUCTION_SHIFT + 5));
    this.args = new IntList(scratch);
    this.classes = new IntList(scratch);
  }

  newRegister(cls: RegClass): number {
    this.classes.push(cls);
    return this.classes.length - 1 + FIRST_VIRTUAL;
  }

  classOf(register: number): RegClass {
    return this.classes.items[register - FIRST_VIRTUAL] as RegClass;
  }

  /** Appends an instruction; returns where its words begin in `code`, which the next one may replace. */
  append(row: Row, reg: number, rm: number, statement: number): number {
    const at = this.instructionCount << INSTRUCTION_SHIFT;
    if (at === this.code.length) this.code = this.scratch.grow(this.code);
    const { code } = this;
    code[at + ROW] = row.id;
    code[at + REG] = reg;
    code[at + RM] = rm;
    code[at + IMMEDIATE] = 0;
    code[at + IMMEDIATE_HIGH] = 0;
    code[at + CONDITION] = 0;
    code[at + STATEMENT] = statement;
    code[at + MEMORY] = NO_MEMORY;
    code[at + ARG_COUNT] = 0;
    this.instructionCount++;
    return at;
  }

  setMemory(at: number, { base, index, scale, displacement, pool }: MemoryOperand): void {
    const { code } = this;
    if (pool >= 0) {
      code[at + MEMORY] = POOLED;
      code[at + POOL] = pool;
      return;
    }
    code[at + MEMORY] = ADDRESSED;
    code[at + BASE] = base;
    code[at + INDEX] = index;
    code[at + SCALE] = scale;
    code[at + DISPLACEMENT] = displacement;
  }

  setArgs(at: number, args: readonly number[]): void {
    this.code[at + ARGS] = this.args.length;
    this.code[at + ARG_COUNT] = args.length;
    for (let i = 0; i < args.length; i++) this.args.push(args[i]!);
  }
}

/** The blocks of a function by their index, which is their position. */
export class MachineBlocks {
  /** Number of its first instruction; one more entry for the end. */
  readonly firstInstruction: Int32Array;
  /** Two for each block, as in control-flow.ts. A branch has two different ones, its target if the condition holds first. */
  readonly successors: Int32Array;
  /** Virtual registers that jumps to it set. */
  readonly params: IntList;
  readonly paramOffsets: Int32Array;
  /** For a block that ends with a jump: what its target's parameters become. */
  readonly edgeArgs: IntList;
  readonly edgeArgOffsets: Int32Array;
  /** Index of the innermost loop's header, or -1. */
  readonly loopHeader: Int32Array;
  /** For a loop header: index of the header of the loop around, or -1. */
  readonly outerHeader: Int32Array;

  constructor(
    readonly count: number,
    scratch: Scratch,
  ) {
    this.firstInstruction = scratch.filled(count + 1, 0);
    this.successors = scratch.filled(count * 2, -1);
    this.params = new IntList(scratch);
    this.paramOffsets = scratch.filled(count + 1, 0);
    this.edgeArgs = new IntList(scratch);
    this.edgeArgOffsets = scratch.filled(count + 1, 0);
    this.loopHeader = scratch.filled(count, -1);
    this.outerHeader = scratch.filled(count, -1);
  }
}
