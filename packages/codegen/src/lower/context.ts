// What lowering knows while it walks a function: which virtual register holds a value, which values are constants or are
// computed by their users (folded addresses, fused comparisons), and where instructions go.
import type { ConcreteFunction, ConstValue, Instruction, Type, Value } from '@simple-jit/template-ir';
import { sizeOf, typeToString } from '@simple-jit/template-ir';
import { CodegenError } from '../errors.js';
import {
  type MachineBlock,
  type MachineFunction,
  MachineInstruction,
  type MemoryOperand,
  memoryAt,
  poolAt,
  pseudos,
} from '../machine-ir.js';
import type { Assembler } from '../x64/assembler.js';
import { GENERAL, NO_REG, type RegClass, VECTOR } from '../x64/registers.js';
import type { Row } from '../x64/row.js';
import { x64 } from '../x64/table.js';
import { floatBits, type MachineType, machineType } from './types.js';
import type { Uses } from './uses.js';

/** A constant's bits, sign-extended from its width: low and high 32. */
export interface ConstantBits {
  readonly low: number;
  readonly high: number;
}

export class LoweringContext {
  block!: MachineBlock;
  private readonly registers: number[];
  private readonly types: (MachineType | undefined)[];
  private readonly constants: (ConstantBits | undefined)[];

  constructor(
    readonly source: ConcreteFunction,
    readonly machine: MachineFunction,
    readonly uses: Uses,
    readonly assembler: Assembler,
  ) {
    const count = source.valueTypes.length;
    this.registers = new Array<number>(count).fill(NO_REG);
    this.types = new Array<MachineType | undefined>(count);
    this.constants = new Array<ConstantBits | undefined>(count);
  }

  typeOf(value: Value): MachineType {
    this.types[value] ??= machineType(this.source.valueTypes[value]!, this.source.symbol);
    return this.types[value];
  }

  /** Size in bytes of what a pointer value points to. */
  elementSize(pointer: Value): number {
    const type = this.source.valueTypes[pointer]!;
    if (type.kind !== 'ptr') throw this.unsupported(`elements of ${typeToString(type)}`);
    return this.sizeOf(type.to);
  }

  /** Size in bytes; throws ERR_NOT_CONCRETE where a type parameter decides it. */
  sizeOf(type: Type): number {
    const size = sizeOf(type);
    if (size !== undefined) return size;
    const problem = `the size of ${typeToString(type)} is not known; specialise the template first`;
    throw new CodegenError('ERR_NOT_CONCRETE', this.source.symbol, problem);
  }

  unsupported(what: string): CodegenError {
    return new CodegenError('ERR_UNSUPPORTED_TYPE', this.source.symbol, `x86-64 code cannot be made for ${what}`);
  }

  // ---- constants ----

  defineConstant(value: Value, literal: ConstValue): void {
    const type = this.typeOf(value);
    if (type.cls === VECTOR) {
      const [low, high] = floatBits(Number(literal), type.bits);
      this.constants[value] = { low, high };
      return;
    }
    const bits = BigInt.asIntN(type.bool ? 64 : type.bits, BigInt(literal));
    this.constants[value] = { low: Number(BigInt.asIntN(32, bits)), high: Number(BigInt.asIntN(32, bits >> 32n)) };
  }

  constantOf(value: Value): ConstantBits | undefined {
    return this.constants[value];
  }

  /** The value as a sign-extended 32-bit immediate, if it is a constant of that form. */
  immediateOf(value: Value): number | undefined {
    const constant = this.constants[value];
    if (constant === undefined || constant.high !== constant.low >> 31) return undefined;
    return this.typeOf(value).cls === GENERAL ? constant.low : undefined;
  }

  // ---- registers ----

  /** The virtual register that holds `value` from its definition on. */
  defineValue(value: Value): number {
    if (this.registers[value] === NO_REG) this.registers[value] = this.machine.newRegister(this.typeOf(value).cls);
    return this.registers[value]!;
  }

  /** A register that holds `value` here; a constant is put into a new one. */
  use(value: Value): number {
    const constant = this.constants[value];
    if (constant === undefined) return this.defineValue(value);
    const register = this.temporary(this.typeOf(value).cls);
    this.copyValue(register, value);
    return register;
  }

  /** For calls, returns and edges, which take constants as they are: a register, or `~index` of a constant. */
  useAnywhere(value: Value): number {
    const constant = this.constants[value];
    if (constant === undefined) return this.defineValue(value);
    const cls = this.typeOf(value).cls;
    return ~(this.machine.constants.push({ cls, low: constant.low, high: constant.high }) - 1);
  }

  temporary(cls: RegClass): number {
    return this.machine.newRegister(cls);
  }

  loadInteger(register: number, low: number, high: number): void {
    if (high === 0) this.emit(x64.mov32i, register, NO_REG).immediate = low;
    else if (high === -1 && low < 0) this.emit(x64.mov64i32, NO_REG, register).immediate = low;
    else {
      const instruction = this.emit(x64.mov64i, register, NO_REG);
      instruction.immediate = low;
      instruction.immediateHigh = high;
    }
  }

  loadFloat(register: number, low: number, high: number): void {
    if (low === 0 && high === 0) this.emit(pseudos.zero, register, NO_REG);
    else this.emitMemory(x64.load.f64, register, this.pool(low, high));
  }

  pool(low: number, high: number): MemoryOperand {
    return poolAt(this.assembler.constantIndex(low, high));
  }

  // ---- instructions ----

  emit(row: Row, reg: number, rm: number): MachineInstruction {
    const instruction = new MachineInstruction(row, reg, rm);
    this.block.instructions.push(instruction);
    return instruction;
  }

  emitImmediate(row: Row, reg: number, rm: number, immediate: number): void {
    this.emit(row, reg, rm).immediate = immediate;
  }

  emitMemory(row: Row, reg: number, memory: MemoryOperand): MachineInstruction {
    const instruction = this.emit(row, reg, NO_REG);
    instruction.memory = memory;
    return instruction;
  }

  copy(to: number, from: number): void {
    this.emit(pseudos.copy, to, from);
  }

  /** Puts `value` into a register of its own, ready to be changed in place. */
  copyValue(to: number, value: Value): void {
    const constant = this.constants[value];
    if (constant === undefined) {
      this.copy(to, this.defineValue(value));
      return;
    }
    const { cls, bits } = this.typeOf(value);
    if (cls === GENERAL) this.loadInteger(to, constant.low, bits === 64 ? constant.high : 0);
    else this.loadFloat(to, constant.low, constant.high);
  }

  /** `row` with `value` as its ModRM.rm operand: a register, or the constant pool for a float constant. */
  emitFloatOperand(row: Row, reg: number, value: Value): void {
    const constant = this.constants[value];
    if (constant === undefined) this.emit(row, reg, this.defineValue(value));
    else this.emitMemory(row, reg, this.pool(constant.low, constant.high));
  }

  /** Where `pointer` points, with an `elem` that only addresses memory folded in. */
  address(pointer: Value): MemoryOperand {
    const elem = this.uses.foldedElem(pointer);
    return elem === undefined ? memoryAt(this.use(pointer)) : this.elementAddress(elem);
  }

  elementAddress(elem: Instruction & { readonly op: 'elem' }): MemoryOperand {
    const size = this.elementSize(elem.base);
    const index = this.immediateOf(elem.index);
    const base = this.use(elem.base);
    if (index !== undefined && Math.abs(index * size) < 2 ** 31) return memoryAt(base, NO_REG, 0, index * size);
    return memoryAt(base, this.use(elem.index), Math.log2(size));
  }
}
