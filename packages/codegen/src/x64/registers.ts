// The registers of x86-64 and their roles in the System V calling convention (System V Application Binary Interface,
// AMD64 Architecture Processor Supplement, 3.2 "Function Calling Sequence"). General registers are numbered 0 to 15 as
// the encoding has them, vector registers 16 to 31; numbers from FIRST_VIRTUAL on are virtual registers.

export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R8 = 8;
export const R9 = 9;
export const R10 = 10;
export const R11 = 11;
export const R12 = 12;
export const R13 = 13;
export const R14 = 14;
export const R15 = 15;
export const XMM0 = 16;
export const XMM15 = 31;

export const FIRST_VIRTUAL = 32;
export const NO_REG = -1;

/** Register classes: what a virtual register holds decides which physical ones it may get. */
export const GENERAL = 0;
export const VECTOR = 1;
export type RegClass = typeof GENERAL | typeof VECTOR;

/** Never allocated: parallel moves, spilled copies and expansions use them. Both are free at every instruction. */
export const SCRATCH = R11;
export const VECTOR_SCRATCH = XMM15;

export const ARGUMENT_REGISTERS: readonly number[] = [RDI, RSI, RDX, RCX, R8, R9];
export const VECTOR_ARGUMENT_REGISTERS: readonly number[] = [16, 17, 18, 19, 20, 21, 22, 23];
export const RESULT_REGISTER = RAX;
export const VECTOR_RESULT_REGISTER = XMM0;

/** Callee-saved registers that are allocated, in the order in which the prologue pushes them. */
export const CALLEE_SAVED: readonly number[] = [RBX, RBP, R12, R13, R14, R15];

/** In order of preference: caller-saved first, as those cost no push; rdx, rcx and rax last of them (div, shifts, calls want them). */
export const ALLOCATABLE: readonly (readonly number[])[] = [
  [RSI, RDI, R8, R9, R10, RCX, RDX, RAX, RBX, RBP, R12, R14, R15, R13],
  [16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30],
];

/** True for a register that a called function must preserve. */
export function isCalleeSaved(register: number): boolean {
  return register === RBX || register === RBP || (register >= R12 && register <= R15);
}

export function classOf(register: number): RegClass {
  return register < XMM0 ? GENERAL : VECTOR;
}

// Condition codes, numbered as in the encoding (Intel SDM volume 2, B.1.4.7): the lowest bit inverts.
export const CC_O = 0;
export const CC_B = 2;
export const CC_AE = 3;
export const CC_E = 4;
export const CC_NE = 5;
export const CC_BE = 6;
export const CC_A = 7;
export const CC_S = 8;
export const CC_P = 10;
export const CC_NP = 11;
export const CC_L = 12;
export const CC_GE = 13;
export const CC_LE = 14;
export const CC_G = 15;
/** Not in the encoding: float equality needs the parity flag as well (equal, and not unordered), so it takes two jumps. */
export const CC_FLOAT_EQ = 16;
export const CC_FLOAT_NE = 17;
