// The instruction table: one row per instruction form that this compiler uses, in the notation of the Intel SDM volume 2.
// The encoder works from it, and so do the tests, which hold every row against a disassembler and an assembler.
import { RAX, RDX } from './registers.js';
import { type Row, row } from './row.js';

const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

/** One of the eight classic two-operand operations: register with register or memory, and with immediates. */
function arithmetic(mnemonic: string, digit: number, role: 'rw' | 'r') {
  const opcode = hex(digit * 8 + 3);
  return {
    r32: row(mnemonic, `${role}:r32 r:rm32`, `${opcode} /r`),
    r64: row(mnemonic, `${role}:r64 r:rm64`, `REX.W ${opcode} /r`),
    i32: row(mnemonic, `${role}:rm32 imm32`, `81 /${digit} id`),
    i64: row(mnemonic, `${role}:rm64 imm32`, `REX.W 81 /${digit} id`),
    i32short: row(mnemonic, `${role}:rm32 imm8`, `83 /${digit} ib`),
    i64short: row(mnemonic, `${role}:rm64 imm8`, `REX.W 83 /${digit} ib`),
  };
}

function shift(mnemonic: string, digit: number) {
  return {
    cl32: row(mnemonic, 'rw:rm32 cl', `d3 /${digit}`),
    cl64: row(mnemonic, 'rw:rm64 cl', `REX.W d3 /${digit}`),
    i32: row(mnemonic, 'rw:rm32 imm8', `c1 /${digit} ib`),
    i64: row(mnemonic, 'rw:rm64 imm8', `REX.W c1 /${digit} ib`),
  };
}

/** Rotations see the whole register, so those of narrow values are instructions of their own. */
function rotate(mnemonic: string, digit: number) {
  return {
    ...shift(mnemonic, digit),
    cl8: row(mnemonic, 'rw:rm8 cl', `d2 /${digit}`),
    cl16: row(mnemonic, 'rw:rm16 cl', `66 d3 /${digit}`),
    i8: row(mnemonic, 'rw:rm8 imm8', `c0 /${digit} ib`),
    i16: row(mnemonic, 'rw:rm16 imm8', `66 c1 /${digit} ib`),
  };
}

/** From a register or memory to a general register, in 32 and 64 bits. */
function bits(mnemonic: string, encoding: string) {
  const prefix = encoding.startsWith('f3') ? 'f3 ' : '';
  const opcode = encoding.slice(prefix.length);
  return {
    r32: row(mnemonic, 'w:r32 r:rm32', `${prefix}${opcode} /r`),
    r64: row(mnemonic, 'w:r64 r:rm64', `${prefix}REX.W ${opcode} /r`),
  };
}

/** One-operand instructions of group 3. */
function group3(mnemonic: string, digit: number, role: 'rw' | 'r') {
  return {
    r32: row(mnemonic, `${role}:rm32`, `f7 /${digit}`),
    r64: row(mnemonic, `${role}:rm64`, `REX.W f7 /${digit}`),
  };
}

function scalarFloat(mnemonic: string, opcode: string, role: 'rw' | 'w' = 'rw') {
  return {
    f32: row(`${mnemonic}ss`, `${role}:xmm r:xm32`, `f3 0f ${opcode} /r`),
    f64: row(`${mnemonic}sd`, `${role}:xmm r:xm64`, `f2 0f ${opcode} /r`),
  };
}

function round(mnemonic: string, opcode: string, kind: string) {
  return row(mnemonic, `w:xmm r:${kind} imm8`, `66 0f 3a ${opcode} /r ib`);
}

function conditional(make: (condition: string, code: number) => Row): readonly Row[] {
  return CONDITIONS.map(make);
}

export const x64 = {
  add: arithmetic('add', 0, 'rw'),
  or: arithmetic('or', 1, 'rw'),
  and: arithmetic('and', 4, 'rw'),
  sub: arithmetic('sub', 5, 'rw'),
  xor: arithmetic('xor', 6, 'rw'),
  cmp: arithmetic('cmp', 7, 'r'),
  add8: row('add', 'rw:r8 r:rm8', '02 /r'),
  add16: row('add', 'rw:r16 r:rm16', '66 03 /r'),
  sub8: row('sub', 'rw:r8 r:rm8', '2a /r'),
  sub16: row('sub', 'rw:r16 r:rm16', '66 2b /r'),
  cmp8: row('cmp', 'r:r8 r:rm8', '3a /r'),
  cmp16: row('cmp', 'r:r16 r:rm16', '66 3b /r'),
  cmp8i: row('cmp', 'r:rm8 imm8', '80 /7 ib'),
  cmp16i: row('cmp', 'r:rm16 imm16', '66 81 /7 iw'),
  cmp16short: row('cmp', 'r:rm16 imm8', '66 83 /7 ib'),
  cmpMemory8i: row('cmp', 'r:m8 imm8', '80 /7 ib'),
  test8: row('test', 'r:rm8 r:r8', '84 /r'),
  test16: row('test', 'r:rm16 r:r16', '66 85 /r'),
  test32: row('test', 'r:rm32 r:r32', '85 /r'),
  test64: row('test', 'r:rm64 r:r64', 'REX.W 85 /r'),

  mov32: row('mov', 'w:r32 r:rm32', '8b /r'),
  mov64: row('mov', 'w:r64 r:rm64', 'REX.W 8b /r'),
  mov32i: row('mov', 'w:r32 imm32', 'b8+r id'),
  mov64i: row('movabs', 'w:r64 imm64', 'REX.W b8+r io'),
  mov64i32: row('mov', 'w:rm64 imm32', 'REX.W c7 /0 id'),
  store8: row('mov', 'w:m8 r:r8', '88 /r'),
  store16: row('mov', 'w:m16 r:r16', '66 89 /r'),
  store32: row('mov', 'w:m32 r:r32', '89 /r'),
  store64: row('mov', 'w:m64 r:r64', 'REX.W 89 /r'),
  store8i: row('mov', 'w:m8 imm8', 'c6 /0 ib'),
  store16i: row('mov', 'w:m16 imm16', '66 c7 /0 iw'),
  store32i: row('mov', 'w:m32 imm32', 'c7 /0 id'),
  store64i: row('mov', 'w:m64 imm32', 'REX.W c7 /0 id'),
  movzx8: row('movzx', 'w:r32 r:rm8', '0f b6 /r'),
  movzx16: row('movzx', 'w:r32 r:rm16', '0f b7 /r'),
  movsx8: row('movsx', 'w:r32 r:rm8', '0f be /r'),
  movsx16: row('movsx', 'w:r32 r:rm16', '0f bf /r'),
  movsx8to64: row('movsx', 'w:r64 r:rm8', 'REX.W 0f be /r'),
  movsx16to64: row('movsx', 'w:r64 r:rm16', 'REX.W 0f bf /r'),
  movsxd: row('movsxd', 'w:r64 r:rm32', 'REX.W 63 /r'),
  lea32: row('lea', 'w:r32 mem', '8d /r'),
  lea64: row('lea', 'w:r64 mem', 'REX.W 8d /r'),
  push: row('push', 'r:r64', '50+r'),
  pop: row('pop', 'w:r64', '58+r'),

  imul32: row('imul', 'rw:r32 r:rm32', '0f af /r'),
  imul64: row('imul', 'rw:r64 r:rm64', 'REX.W 0f af /r'),
  imul32i: row('imul', 'w:r32 r:rm32 imm32', '69 /r id'),
  imul64i: row('imul', 'w:r64 r:rm64 imm32', 'REX.W 69 /r id'),
  imul32short: row('imul', 'w:r32 r:rm32 imm8', '6b /r ib'),
  imul64short: row('imul', 'w:r64 r:rm64 imm8', 'REX.W 6b /r ib'),
  not: group3('not', 2, 'rw'),
  neg: group3('neg', 3, 'rw'),
  neg8: row('neg', 'rw:rm8', 'f6 /3'),
  neg16: row('neg', 'rw:rm16', '66 f7 /3'),
  mul64: row('mul', 'r:rm64', 'REX.W f7 /4', { reads: [RAX], writes: [RAX, RDX] }),
  div: group3('div', 6, 'r'),
  idiv: group3('idiv', 7, 'r'),
  cdq: row('cdq', '', '99'),
  cqo: row('cqo', '', 'REX.W 99'),
  shl: shift('shl', 4),
  shr: shift('shr', 5),
  sar: shift('sar', 7),
  rol: rotate('rol', 0),
  ror: rotate('ror', 1),
  bsf: bits('bsf', '0f bc'),
  bsr: bits('bsr', '0f bd'),
  popcnt: bits('popcnt', 'f3 0f b8'),
  tzcnt: bits('tzcnt', 'f3 0f bc'),
  lzcnt: bits('lzcnt', 'f3 0f bd'),

  set: conditional((condition, code) => row(`set${condition}`, 'w:rm8', `0f ${hex(0x90 + code)} /0`)),
  cmov32: conditional((condition, code) => row(`cmov${condition}`, 'rw:r32 r:rm32', `0f ${hex(0x40 + code)} /r`)),
  cmov64: conditional((condition, code) => row(`cmov${condition}`, 'rw:r64 r:rm64', `REX.W 0f ${hex(0x40 + code)} /r`)),
  jcc: conditional((condition, code) => row(`j${condition}`, 'rel32', `0f ${hex(0x80 + code)} cd`)),
  jccShort: conditional((condition, code) => row(`j${condition}`, 'rel8', `${hex(0x70 + code)} cb`)),
  jmp: row('jmp', 'rel32', 'e9 cd'),
  jmpShort: row('jmp', 'rel8', 'eb cb'),
  call: row('call', 'rel32', 'e8 cd'),
  callMemory: row('call', 'r:m64', 'ff /2'),
  callRegister: row('call', 'r:rm64', 'ff /2'),
  repMovsb: row('rep movsb', '', 'f3 a4'),
  repStosb: row('rep stosb', '', 'f3 aa'),
  nop: row('nop', '', '90'),
  ret: row('ret', '', 'c3'),
  ud2: row('ud2', '', '0f 0b'),

  movaps: row('movaps', 'w:xmm r:x', '0f 28 /r'),
  load: {
    f32: row('movss', 'w:xmm r:m32', 'f3 0f 10 /r'),
    f64: row('movsd', 'w:xmm r:m64', 'f2 0f 10 /r'),
  },
  store: {
    f32: row('movss', 'w:m32 r:xmm', 'f3 0f 11 /r'),
    f64: row('movsd', 'w:m64 r:xmm', 'f2 0f 11 /r'),
  },
  loadBlock: row('movups', 'w:xmm r:m128', '0f 10 /r'),
  storeBlock: row('movups', 'w:m128 r:xmm', '0f 11 /r'),
  movqToVector: row('movq', 'w:xmm r:rm64', '66 REX.W 0f 6e /r'),
  movqFromVector: row('movq', 'w:rm64 r:xmm', '66 REX.W 0f 7e /r'),
  fadd: scalarFloat('add', '58'),
  fmul: scalarFloat('mul', '59'),
  fsub: scalarFloat('sub', '5c'),
  fmin: scalarFloat('min', '5d'),
  fdiv: scalarFloat('div', '5e'),
  fmax: scalarFloat('max', '5f'),
  fsqrt: scalarFloat('sqrt', '51', 'w'),
  ucomi: {
    f32: row('ucomiss', 'r:xmm r:xm32', '0f 2e /r'),
    f64: row('ucomisd', 'r:xmm r:xm64', '66 0f 2e /r'),
  },
  fromInt32: {
    f32: row('cvtsi2ss', 'rw:xmm r:rm32', 'f3 0f 2a /r'),
    f64: row('cvtsi2sd', 'rw:xmm r:rm32', 'f2 0f 2a /r'),
  },
  fromInt64: {
    f32: row('cvtsi2ss', 'rw:xmm r:rm64', 'f3 REX.W 0f 2a /r'),
    f64: row('cvtsi2sd', 'rw:xmm r:rm64', 'f2 REX.W 0f 2a /r'),
  },
  truncate32: row('cvttsd2si', 'w:r32 r:xm64', 'f2 0f 2c /r'),
  truncate64: row('cvttsd2si', 'w:r64 r:xm64', 'f2 REX.W 0f 2c /r'),
  widen: row('cvtss2sd', 'w:xmm r:xm32', 'f3 0f 5a /r'),
  narrow: row('cvtsd2ss', 'w:xmm r:xm64', 'f2 0f 5a /r'),
  xorps: row('xorps', 'rw:xmm r:x', '0f 57 /r'),
  andps: row('andps', 'rw:xmm r:x', '0f 54 /r'),
  andnps: row('andnps', 'rw:xmm r:x', '0f 55 /r'),
  orps: row('orps', 'rw:xmm r:x', '0f 56 /r'),
  /** The immediate is the predicate: 1 less, 7 ordered. All bits of the result are 1 where it holds. */
  fcmp: {
    f32: row('cmpss', 'rw:xmm r:x imm8', 'f3 0f c2 /r ib'),
    f64: row('cmpsd', 'rw:xmm r:x imm8', 'f2 0f c2 /r ib'),
  },
  /** The immediate is 8 plus the direction: 0 nearest even, 1 down, 2 up, 3 towards zero. SSE4.1. */
  round: {
    f32: round('roundss', '0a', 'xm32'),
    f64: round('roundsd', '0b', 'xm64'),
  },
  /** reg = vvvv * reg + rm. FMA. */
  fma213: {
    f32: row('vfmadd213ss', 'rw:xmm r:v r:xm32', 'VEX.LIG.66.0F38.W0 a9 /r'),
    f64: row('vfmadd213sd', 'rw:xmm r:v r:xm64', 'VEX.LIG.66.0F38.W1 a9 /r'),
  },
} as const;
