// What lowering knows while it walks a function: which virtual register holds a value, which values are constants or are
// computed by their users (folded addresses, fused comparisons), and where instructions go.
import type { ConcreteFunction, ConstValue, Instruction, TrapKind, Value } from '@simple-jit/template-ir';
import type { CpuFeatures } from '../cpu-features.js';
import { CodegenError } from '../errors.js';
import {
  type MachineBlock,
  type MachineFunction,
  MachineInstruction,
  type MemoryOperand,
  memoryAt,
  poolAt,
  pseudos,
  TRAP_KINDS,
} from '../machine-ir.js';
import type { Assembler } from '../x64/assembler.js';
import { GENERAL, NO_REG, type RegClass, RSP, VECTOR } from '../x64/registers.js';
import type { Row } from '../x64/row.js';
import { x64 } from '../x64/table.js';
import { elementSize, floatBits, type MachineType, machineType } from './types.js';
import type { AddressStep, Uses } from './uses.js';

/** A constant's bits, sign-extended from its width: low and high 32. */
export interface ConstantBits {
  readonly low: number;
  readonly high: number;
}

export class LoweringContext {
  block!: MachineBlock;
  /** Where the next instructions come from. */
  statement = 0;
  /** By the value of a `slot`: offset of its memory from the first of the frame's objects. */
  private slots: Map<Value, number> | undefined = undefined;
  private readonly registers: number[];
  private readonly types: (MachineType | undefined)[];
  private readonly constants: (ConstantBits | undefined)[];

  constructor(
    readonly source: ConcreteFunction,
    readonly machine: MachineFunction,
    readonly uses: Uses,
    readonly assembler: Assembler,
    readonly features: CpuFeatures,
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

  notConcrete(what: string): CodegenError {
    return new CodegenError('ERR_NOT_CONCRETE', this.source.symbol, `${what} is left; specialise the template first`);
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
    instruction.statement = this.statement;
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

  /** Where `pointer` points, with the steps folded in that only address memory. */
  address(pointer: Value): MemoryOperand {
    const step = this.uses.foldedStep(pointer);
    return step === undefined ? memoryAt(this.use(pointer)) : this.addressOf(step);
  }

  /** The address that `last` computes, with folded steps before it; `last` must be one that can be folded, or `field`, or `slot`. */
  addressOf(last: AddressStep): MemoryOperand {
    let step = last;
    let displacement = 0;
    let index = NO_REG;
    let scale = 0;
    for (;;) {
      if (step.op === 'slot') return memoryAt(RSP, index, scale, displacement + this.slotOf(step));
      if (step.op === 'field') displacement += step.offset!;
      else {
        const size = elementSize(this.source, step);
        const constant = this.uses.constantIndex(step.index);
        if (constant === undefined) {
          index = this.use(step.index);
          scale = Math.log2(size);
        } else displacement += constant * size;
      }
      const { base }: { base: Value } = step;
      const before = this.uses.foldedStep(base);
      if (before === undefined) return memoryAt(this.use(base), index, scale, displacement);
      step = before;
    }
  }

  /** Offset of a slot's memory from the first of the frame's objects. */
  slotOf(slot: Instruction & { readonly op: 'slot' }): number {
    this.slots ??= new Map();
    let offset = this.slots.get(slot.result);
    if (offset === undefined) {
      if (slot.layout === undefined) throw this.notConcrete('a slot without a layout');
      const { size, align } = slot.layout;
      if (align > 16) throw this.unsupported(`a slot aligned to ${align} bytes; at most 16`);
      if (align > 8) this.machine.alignFrame = true;
      offset = Math.ceil(this.machine.objectBytes / align) * align;
      this.slots.set(slot.result, offset);
      this.machine.objectBytes = offset + Math.ceil(size / 8) * 8;
    }
    return offset;
  }

  /** Traps with `kind` if the flags say `condition`. */
  trapIf(condition: number, kind: TrapKind): void {
    const instruction = this.emit(pseudos.trapIf, NO_REG, NO_REG);
    instruction.condition = condition;
    instruction.immediate = TRAP_KINDS.indexOf(kind);
  }

  /** What is emitted from here on comes from the next statement, on that line of the text. */
  beginStatement(line: number | undefined): void {
    this.statement++;
    if (line !== undefined) this.machine.lines?.push(line);
  }

  trap(kind: TrapKind): void {
    this.emitImmediate(pseudos.trap, NO_REG, NO_REG, TRAP_KINDS.indexOf(kind));
  }
}
