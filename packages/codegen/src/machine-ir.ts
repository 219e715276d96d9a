// What the instructions of the machine IR are made of: pseudo instructions besides the rows of the table, memory operands, targets of calls.

import type { TrapKind } from '@simple-jit/template-ir';
import { NO_REG, RAX, RCX, RDI, RDX, type RegClass, RSI, XMM0 } from './x64/registers.js';
import { type FixedRegisters, pseudo, ROLE_DEF, ROLE_NONE, ROLE_USE, ROLE_USE_DEF } from './x64/row.js';

export const PSEUDO_COPY = 1;
export const PSEUDO_ZERO = 2;
export const PSEUDO_DIVIDE = 3;
export const PSEUDO_U64_TO_FLOAT = 4;
export const PSEUDO_FLOAT_SELECT = 5;
export const PSEUDO_CALL = 6;
export const PSEUDO_RETURN = 7;
export const PSEUDO_JUMP = 8;
export const PSEUDO_BRANCH = 9;
export const PSEUDO_UNREACHABLE = 10;
export const PSEUDO_STACK_ARGUMENT = 11;
export const PSEUDO_FMA = 12;
export const PSEUDO_FUNCTION_ADDRESS = 13;
export const PSEUDO_TRAP = 14;
export const PSEUDO_TRAP_IF = 15;
export const PSEUDO_COPY_BLOCK = 16;
export const PSEUDO_COPY_MEMORY = 17;
export const PSEUDO_FILL_MEMORY = 18;
export const PSEUDO_ZERO_MEMORY = 19;

const DIVIDE_REGISTERS: FixedRegisters = { reads: [RAX], writes: [RAX, RDX] };
const COPY_REGISTERS: FixedRegisters = { reads: [RDI, RSI, RCX], writes: [RDI, RSI, RCX] };
const FILL_REGISTERS: FixedRegisters = { reads: [RDI, RCX, RAX], writes: [RDI, RCX] };

/** Instructions that expand when they are emitted. The scratch registers are theirs to use; the flags they may change. */
export const pseudos = {
  /** reg = rm, within one class; each may be a register or a stack slot. Keeps the flags. */
  copy: pseudo(PSEUDO_COPY, 'copy', ROLE_DEF, ROLE_USE, true),
  /** reg = +0.0 */
  zero: pseudo(PSEUDO_ZERO, 'zero', ROLE_DEF, ROLE_NONE, false),
  /** rax = rax / rm, rdx = rax % rm, as the DIVIDE_ flags in `immediate` say. */
  divide: pseudo(PSEUDO_DIVIDE, 'divide', ROLE_NONE, ROLE_USE, true, DIVIDE_REGISTERS),
  /** reg = float(rm), rm unsigned 64 bits; `immediate` is 4 or 8, the size of the float. */
  u64ToFloat: pseudo(PSEUDO_U64_TO_FLOAT, 'u64-to-float', ROLE_DEF, ROLE_USE, false),
  /** if not `condition`: reg = rm */
  floatSelect: pseudo(PSEUDO_FLOAT_SELECT, 'float-select', ROLE_USE_DEF, ROLE_USE, true),
  /** Arguments in `args`, from wherever they are, the address after them if it is a value; the result is in the result register right after. */
  call: pseudo(PSEUDO_CALL, 'call', ROLE_NONE, ROLE_NONE, false),
  return: pseudo(PSEUDO_RETURN, 'return', ROLE_NONE, ROLE_NONE, false),
  jump: pseudo(PSEUDO_JUMP, 'jump', ROLE_NONE, ROLE_NONE, false),
  /** To the first successor if `condition`, else to the second. */
  branch: pseudo(PSEUDO_BRANCH, 'branch', ROLE_NONE, ROLE_NONE, false),
  unreachable: pseudo(PSEUDO_UNREACHABLE, 'unreachable', ROLE_NONE, ROLE_NONE, false),
  /** reg = the caller's stack argument number `immediate` */
  stackArgument: pseudo(PSEUDO_STACK_ARGUMENT, 'stack-argument', ROLE_DEF, ROLE_NONE, false),
  /** reg = args[0] * reg + rm, rounded once; `immediate` is 4 or 8, the size of the float. */
  fma: pseudo(PSEUDO_FMA, 'fma', ROLE_USE_DEF, ROLE_USE, true),
  /** reg = the address of `call` */
  functionAddress: pseudo(PSEUDO_FUNCTION_ADDRESS, 'function-address', ROLE_DEF, ROLE_NONE, false),
  /** Traps with `TRAP_KINDS[immediate]`; what follows is never reached. */
  trap: pseudo(PSEUDO_TRAP, 'trap', ROLE_NONE, ROLE_NONE, false),
  /** The same if `condition` (one that the encoding has). */
  trapIf: pseudo(PSEUDO_TRAP_IF, 'trap-if', ROLE_NONE, ROLE_NONE, false),
  /**
   * `immediate` bytes from [rm] to [reg]: all are read before any is written. By the number of vector registers, from xmm0 on, that
   * it needs besides the scratch one.
   */
  copyBlock: Array.from({ length: 8 }, (_, vectors) => {
    const writes = Array.from({ length: vectors }, (_register, i) => XMM0 + i);
    return pseudo(PSEUDO_COPY_BLOCK, 'copy-block', ROLE_USE, ROLE_USE, false, { reads: [], writes });
  }),
  /** rcx elements (signed) of `immediate` bytes from [rsi] to [rdi], in the direction that overlap asks for. */
  copyMemory: pseudo(PSEUDO_COPY_MEMORY, 'copy-memory', ROLE_NONE, ROLE_NONE, false, COPY_REGISTERS),
  /** rcx bytes (signed) al to [rdi]. */
  fillMemory: pseudo(PSEUDO_FILL_MEMORY, 'fill-memory', ROLE_NONE, ROLE_NONE, false, FILL_REGISTERS),
  /** Zeros in `immediate` bytes, a multiple of 8, of the frame's objects, from `immediateHigh` on. */
  zeroMemory: pseudo(PSEUDO_ZERO_MEMORY, 'zero-memory', ROLE_NONE, ROLE_NONE, false),
} as const;

/** By number in `immediate` of a trap. */
export const TRAP_KINDS: readonly TrapKind[] = ['divide', 'overflow', 'bounds', 'memory', 'unreachable'];

/**
 * `[base + index * 2**scale + displacement]`, or the constant `pool` if that is not -1. With rsp as the base, the displacement
 * counts from the first of the frame's objects.
 */
export interface MemoryOperand {
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: number;
  readonly pool: number;
}

export interface CallTarget {
  readonly symbol: string;
  /** Index of the function in the unit, or -1 for an import. */
  readonly local: number;
  /** Index among the unit's imports, or -1; if both are -1, the call is through a pointer. */
  readonly imported: number;
  /** A C function: what it does when the stack ends is no trap any more. */
  readonly foreign: boolean;
  /** Class of each argument, in order; the address of a call through a pointer is not among them. */
  readonly argClasses: readonly RegClass[];
}

/** How to divide, in the immediate of `divide`: in 64 bits instead of 32; signed; the divisor may be -1 (which must wrap, not trap). */
export const DIVIDE_WIDE = 1;
export const DIVIDE_SIGNED = 2;
export const DIVIDE_BY_MINUS_ONE = 4;
/** The least integer by -1 is an overflow. */
export const DIVIDE_CHECKED = 8;

export interface MachineConstant {
  readonly cls: RegClass;
  readonly low: number;
  readonly high: number;
}

export function memoryAt(base: number, index = NO_REG, scale = 0, displacement = 0): MemoryOperand {
  return { base, index, scale, displacement, pool: -1 };
}

/** The constant of that index in the pool. */
export function poolAt(pool: number): MemoryOperand {
  return { base: NO_REG, index: NO_REG, scale: 0, displacement: 0, pool };
}
