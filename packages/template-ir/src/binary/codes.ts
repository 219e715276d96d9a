// The numbers of the binary form, version 1. docs/spec/template-ir.md ("Binary form") lists the same.
import type { Opcode, Terminator } from '../ir.js';

/** `TIR`, then the version. */
export const MAGIC = [0x54, 0x49, 0x52] as const;
export const VERSION = 1;

/** Type tags; a scalar's tag is its index in SCALAR_NAMES. */
export const PTR_TAG = 0x10;
export const PARAM_TAG = 0x11;

export const INTEGER_LITERAL = 0;
export const NUMBER_LITERAL = 1;
export const FALSE_LITERAL = 2;
export const TRUE_LITERAL = 3;

/** A call without a result. */
export const CALL_VOID = 0x08;

/** A return with a value. */
export const RETURN_VALUE = 0xf3;

export const OPCODES: Record<Opcode, number> = {
  const: 0x01,
  convert: 0x02,
  select: 0x03,
  load: 0x04,
  store: 0x05,
  elem: 0x06,
  call: 0x07,
  sizeof: 0x09,
  neg: 0x10,
  not: 0x11,
  sqrt: 0x12,
  add: 0x20,
  sub: 0x21,
  mul: 0x22,
  div: 0x23,
  rem: 0x24,
  and: 0x25,
  or: 0x26,
  xor: 0x27,
  shl: 0x28,
  shr: 0x29,
  eq: 0x40,
  ne: 0x41,
  lt: 0x42,
  le: 0x43,
  gt: 0x44,
  ge: 0x45,
};

export const TERMINATORS: Record<Terminator['op'], number> = {
  jump: 0xf0,
  branch: 0xf1,
  return: 0xf2,
  unreachable: 0xf4,
};

export const OPCODE_NAMES: ReadonlyMap<number, Opcode> = new Map(
  Object.entries(OPCODES).map(([name, code]) => [code, name as Opcode]),
);
