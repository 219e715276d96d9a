// The numbers of the binary form, version 1. docs/spec/template-ir.md ("Binary form") lists the same.
import type { Opcode, Terminator } from '../ir.js';

/** `TIR` before a template's body, `TID` before a declaration's; then the version. */
export const MAGIC = [0x54, 0x49, 0x52] as const;
export const DECLARATION_MAGIC = [0x54, 0x49, 0x44] as const;
export const VERSION = 1;

/** Type tags; a scalar's tag is its index in SCALAR_NAMES. */
export const PTR_TAG = 0x10;
export const PARAM_TAG = 0x11;
export const ARRAY_TAG = 0x12;
export const NAMED_TAG = 0x13;
export const FN_TAG = 0x14;

/** Kinds of entries, as SMF numbers them. */
export const FUNCTION_KIND = 0;
export const STRUCT_KIND = 1;
export const ENUM_KIND = 3;

export const INTEGER_LITERAL = 0;
export const NUMBER_LITERAL = 1;
export const FALSE_LITERAL = 2;
export const TRUE_LITERAL = 3;

/** The one NaN that is written. */
export const NAN_BITS = 0x7ff8_0000_0000_0000n;

/** Calls without a result. */
export const VOID_OPCODES = { call: 0x08, invoke: 0x58, extern: 0x5a } as const;

/** What an `if` asks for. */
export const IS_BOUND = 0;
export const IS_TYPE = 1;

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
  alignof: 0x0a,
  offsetof: 0x0b,
  tagof: 0x0c,
  slot: 0x0d,
  field: 0x0e,
  item: 0x0f,
  neg: 0x10,
  not: 0x11,
  sqrt: 0x12,
  abs: 0x13,
  floor: 0x14,
  ceil: 0x15,
  trunc: 0x16,
  round: 0x17,
  popcount: 0x18,
  clz: 0x19,
  ctz: 0x1a,
  neg_checked: 0x1b,
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
  min: 0x2a,
  max: 0x2b,
  rotl: 0x2c,
  rotr: 0x2d,
  add_checked: 0x2e,
  sub_checked: 0x2f,
  mul_checked: 0x30,
  div_checked: 0x31,
  eq: 0x40,
  ne: 0x41,
  lt: 0x42,
  le: 0x43,
  gt: 0x44,
  ge: 0x45,
  convert_checked: 0x50,
  cast: 0x51,
  fma: 0x52,
  copy: 0x53,
  fill: 0x54,
  bounds: 0x55,
  fnaddr: 0x56,
  invoke: 0x57,
  extern: 0x59,
};

export const TERMINATORS: Record<Terminator['op'], number> = {
  jump: 0xf0,
  branch: 0xf1,
  return: 0xf2,
  unreachable: 0xf4,
  if: 0xf5,
};

export const OPCODE_NAMES: ReadonlyMap<number, Opcode> = new Map(
  Object.entries(OPCODES).map(([name, code]) => [code, name as Opcode]),
);
