// One row of the instruction table: what an instruction form means to the register allocator (roles of its operands) and
// to the encoder. Rows are written in the notation of the Intel SDM (volume 2, 3.1.1.1): `row('add', 'rw:r64 r:rm64', 'REX.W 03 /r')`.

/** What an instruction does with an operand. */
export const ROLE_NONE = 0;
export const ROLE_USE = 1;
export const ROLE_DEF = 2;
export const ROLE_USE_DEF = 3;

export type OperandKind =
  | 'r8' | 'r16' | 'r32' | 'r64' | 'xmm'
  | 'rm8' | 'rm16' | 'rm32' | 'rm64' | 'xm32' | 'xm64' | 'v'
  | 'm8' | 'm16' | 'm32' | 'm64' | 'm128' | 'mem' | 'x'
  | 'imm8' | 'imm16' | 'imm32' | 'imm64' | 'rel8' | 'rel32' | 'cl'; // biome-ignore format: a table

export interface RowOperand {
  readonly kind: OperandKind;
  readonly role: number;
}

/** Physical registers that an instruction reads without naming them, and that it changes before it has read its operands. */
export interface FixedRegisters {
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}

export interface Row {
  readonly id: number;
  readonly mnemonic: string;
  /** In the order in which an assembler writes them (Intel syntax). Empty for a pseudo instruction. */
  readonly operands: readonly RowOperand[];
  /** Not 0: expands to several instructions when it is emitted; the number says to which. */
  readonly pseudo: number;
  /** 0, 0x66, 0xf2 or 0xf3: before REX. */
  readonly prefix: number;
  readonly rexW: boolean;
  readonly opcode: readonly number[];
  /** Not 0: a VEX prefix with this opcode map instead of legacy prefixes and REX (Intel SDM volume 2, 2.3.5). */
  readonly vexMap: number;
  /** The low three opcode bits hold the `reg` operand. */
  readonly plusRegister: boolean;
  readonly hasModrm: boolean;
  /** The ModRM.reg field if it extends the opcode; -1 if it holds an operand. */
  readonly digit: number;
  readonly immediateSize: 0 | 1 | 2 | 4 | 8;
  /** Byte registers: encodings 4 to 7 mean spl to dil only under a REX prefix. */
  readonly regIsByte: boolean;
  readonly rmIsByte: boolean;
  readonly fixed: FixedRegisters | undefined;
  /** Reads its shift count from cl. */
  readonly usesCl: boolean;
  readonly regRole: number;
  /** ROLE_NONE also if the operand can only be memory. */
  readonly rmRole: number;
  /** A register operand in ModRM.rm may be replaced by the stack slot that it was spilled to. */
  readonly rmMayBeSpilled: boolean;
}

const roles: Record<string, number> = { r: ROLE_USE, w: ROLE_DEF, rw: ROLE_USE_DEF };

/** All rows in order of definition; a row's `id` is its index here. */
export const rows: Row[] = [];

/**
 * Adds a row. Operands: `role:kind` (r, w, rw) or an immediate; `x` is a vector register in ModRM.rm that cannot be memory, `v` one
 * in VEX.vvvv.
 */
export function row(mnemonic: string, operandText: string, encoding: string, fixed?: FixedRegisters): Row {
  const operands = operandText.split(' ').filter(Boolean).map(parseOperand);
  const inRm = operands.find((operand) => /^(rm|xm\d|m|x$)/.test(operand.kind));
  const inReg = operands.find((operand) => /^(r\d|xmm$)/.test(operand.kind));
  let prefix = 0;
  let rexW = false;
  let plusRegister = false;
  let hasModrm = false;
  let digit = -1;
  let immediateSize: Row['immediateSize'] = 0;
  let vexMap = 0;
  const opcode: number[] = [];
  for (const token of encoding.split(' ')) {
    if (token === 'REX.W') rexW = true;
    else if (token.startsWith('VEX.LIG.66.0F38.W')) {
      vexMap = 2;
      prefix = 0x66;
      rexW = token.endsWith('1');
    } else if (token === '/r') hasModrm = true;
    else if (token.startsWith('/')) {
      hasModrm = true;
      digit = Number(token.slice(1));
    } else if (token === 'ib' || token === 'cb') immediateSize = 1;
    else if (token === 'iw') immediateSize = 2;
    else if (token === 'id' || token === 'cd') immediateSize = 4;
    else if (token === 'io') immediateSize = 8;
    else {
      plusRegister ||= token.endsWith('+r');
      const byte = Number.parseInt(token, 16);
      if (opcode.length === 0 && prefix === 0 && (byte === 0x66 || byte === 0xf2 || byte === 0xf3)) prefix = byte;
      else opcode.push(byte);
    }
  }
  return add({
    id: rows.length,
    mnemonic,
    operands,
    pseudo: 0,
    prefix,
    rexW,
    opcode,
    vexMap,
    plusRegister,
    hasModrm,
    digit,
    immediateSize,
    fixed,
    usesCl: operands.some((operand) => operand.kind === 'cl'),
    regIsByte: inReg?.kind === 'r8',
    rmIsByte: inRm?.kind === 'rm8',
    regRole: inReg?.role ?? ROLE_NONE,
    rmRole: inRm === undefined || inRm.kind.startsWith('m') ? ROLE_NONE : inRm.role,
    rmMayBeSpilled: inRm !== undefined && inRm.kind !== 'x',
  });
}

/** Adds a pseudo instruction: only roles, no encoding. */
export function pseudo(
  number: number,
  name: string,
  regRole: number,
  rmRole: number,
  rmMayBeSpilled: boolean,
  fixed?: FixedRegisters,
): Row {
  return add({
    id: rows.length,
    mnemonic: name,
    operands: [],
    pseudo: number,
    prefix: 0,
    rexW: false,
    opcode: [],
    vexMap: 0,
    plusRegister: false,
    hasModrm: false,
    digit: -1,
    immediateSize: 0,
    fixed,
    usesCl: false,
    regIsByte: false,
    rmIsByte: false,
    regRole,
    rmRole,
    rmMayBeSpilled,
  });
}

function add(row: Row): Row {
  rows.push(row);
  return row;
}

function parseOperand(text: string): RowOperand {
  const [role, kind] = text.includes(':') ? (text.split(':') as [string, string]) : ['', text];
  return { kind: kind as OperandKind, role: roles[role] ?? ROLE_NONE };
}
