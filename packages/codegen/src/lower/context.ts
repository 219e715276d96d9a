// What lowering knows while it walks a function: which virtual register holds a value, which values are constants or are
// computed by their users (folded addresses, fused comparisons), and where instructions go.
import type { ConcreteFunction, ConstValue, Instruction, TrapKind, Value } from '@simple-jit/template-ir';
import type { CpuFeatures } from '../cpu-features.js';
import { CodegenError } from '../errors.js';
import { CALL, CONDITION, IMMEDIATE, IMMEDIATE_HIGH, type MachineFunction } from '../machine-function.js';
import { type CallTarget, type MemoryOperand, memoryAt, poolAt, pseudos, TRAP_KINDS } from '../machine-ir.js';
import type { Assembler } from '../x64/assembler.js';
import { GENERAL, NO_REG, type RegClass, RSP, VECTOR } from '../x64/registers.js';
import type { Row } from '../x64/row.js';
import { x64 } from '../x64/table.js';
import { elementSize, floatBits, MACHINE_TYPES, type MachineType, machineTypeNumber } from './types.js';
import type { AddressStep, Uses } from './uses.js';

/** A constant's bits, sign-extended from its width: low and high 32. */
export interface ConstantBits {
  readonly low: number;
  readonly high: number;
}

export class LoweringContext {
  /** Where the next instructions come from. */
  statement = 0;
  /** By the value of a `slot`: offset of its memory from the first of the frame's objects. */
  private slots: Map<Value, number> | undefined = undefined;
  /** By value: its virtual register, or NO_REG. */
  private readonly registers: Int32Array;
  /** By value: number of its type, or -1 if nobody has asked. */
  private readonly types: Int32Array;
  /** By value: 1 for a constant, else 0; and its bits. */
  private readonly isConstant: Int32Array;
  private readonly lows: Int32Array;
  private readonly highs: Int32Array;

  constructor(
    readonly source: ConcreteFunction,
    readonly machine: MachineFunction,
    readonly uses: Uses,
    readonly assembler: Assembler,
    readonly features: CpuFeatures,
  ) {
    const count = source.valueTypes.length;
    const { scratch } = machine;
    this.registers = scratch.filled(count, NO_REG);
    this.types = scratch.filled(count, -1);
    this.isConstant = scratch.filled(count, 0);
    this.lows = scratch.take(count);
    this.highs = scratch.take(count);
  }

  typeOf(value: Value): MachineType {
    let number = this.types[value]!;
    if (number < 0) {
      number = machineTypeNumber(this.source.valueTypes[value]!, this.source.symbol);
      this.types[value] = number;
    }
    return MACHINE_TYPES[number]!;
  }

  notConcrete(what: string): CodegenError {
    return new CodegenError('ERR_NOT_CONCRETE', this.source.symbol, `${what} is left; specialise the template first`);
  }

  unsupported(what: string): CodegenError {
    const problem = `x86-64 code cannot be made for ${what}`;
    return new CodegenError(
      'ERR_UNSUPPORTED_TYPE',
      this.source.symbol,
      `${problem}; give what \`specialise\` returned`,
    );
  }

  // ---- constants ----

  defineConstant(value: Value, literal: ConstValue): void {
    const type = this.typeOf(value);
    this.isConstant[value] = 1;
    if (type.cls === VECTOR) {
      const [low, high] = floatBits(Number(literal), type.bits);
      this.lows[value] = low;
      this.highs[value] = high;
      return;
    }
    const bits = BigInt.asIntN(type.bool ? 64 : type.bits, BigInt(literal));
    this.lows[value] = Number(BigInt.asIntN(32, bits));
    this.highs[value] = Number(BigInt.asIntN(32, bits >> 32n));
  }

  constantOf(value: Value): ConstantBits | undefined {
    if (this.isConstant[value] === 0) return undefined;
    return { low: this.lows[value]!, high: this.highs[value]! };
  }

  /** The value as a sign-extended 32-bit immediate, if it is a constant of that form. */
  immediateOf(value: Value): number | undefined {
    const low = this.lows[value]!;
    if (this.isConstant[value] === 0 || this.highs[value] !== low >> 31) return undefined;
    return this.typeOf(value).cls === GENERAL ? low : undefined;
  }

  // ---- registers ----

  /** The virtual register that holds `value` from its definition on. */
  defineValue(value: Value): number {
    if (this.registers[value] === NO_REG) this.registers[value] = this.machine.newRegister(this.typeOf(value).cls);
    return this.registers[value]!;
  }

  /** A register that holds `value` here; a constant is put into a new one. */
  use(value: Value): number {
    if (this.isConstant[value] === 0) return this.defineValue(value);
    const register = this.temporary(this.typeOf(value).cls);
    this.copyValue(register, value);
    return register;
  }

  /** For calls, returns and edges, which take constants as they are: a register, or `~index` of a constant. */
  useAnywhere(value: Value): number {
    if (this.isConstant[value] === 0) return this.defineValue(value);
    const { cls } = this.typeOf(value);
    return ~(this.machine.constants.push({ cls, low: this.lows[value]!, high: this.highs[value]! }) - 1);
  }

  temporary(cls: RegClass): number {
    return this.machine.newRegister(cls);
  }

  loadInteger(register: number, low: number, high: number): void {
    if (high === 0) this.emitImmediate(x64.mov32i, register, NO_REG, low);
    else if (high === -1 && low < 0) this.emitImmediate(x64.mov64i32, NO_REG, register, low);
    else this.emitImmediate(x64.mov64i, register, NO_REG, low, high);
  }

  loadFloat(register: number, low: number, high: number): void {
    if (low === 0 && high === 0) this.emit(pseudos.zero, register, NO_REG);
    else this.emitMemory(x64.load.f64, register, this.pool(low, high));
  }

  pool(low: number, high: number): MemoryOperand {
    return poolAt(this.assembler.constantIndex(low, high));
  }

  // ---- instructions ----

  emit(row: Row, reg: number, rm: number): void {
    this.machine.append(row, reg, rm, this.statement);
  }

  emitImmediate(row: Row, reg: number, rm: number, immediate: number, immediateHigh = 0): void {
    const { machine } = this;
    const at = machine.append(row, reg, rm, this.statement);
    machine.code[at + IMMEDIATE] = immediate;
    machine.code[at + IMMEDIATE_HIGH] = immediateHigh;
  }

  /** `memory` is the operand in ModRM.rm. */
  emitMemory(row: Row, reg: number, memory: MemoryOperand, immediate = 0): void {
    const { machine } = this;
    const at = machine.append(row, reg, NO_REG, this.statement);
    machine.setMemory(at, memory);
    machine.code[at + IMMEDIATE] = immediate;
  }

  emitConditional(row: Row, reg: number, rm: number, condition: number, immediate = 0): void {
    const { machine } = this;
    const at = machine.append(row, reg, rm, this.statement);
    machine.code[at + CONDITION] = condition;
    machine.code[at + IMMEDIATE] = immediate;
  }

  /** With arguments as `useAnywhere` gives them. */
  emitArguments(row: Row, reg: number, rm: number, args: readonly number[], immediate = 0): void {
    const { machine } = this;
    const at = machine.append(row, reg, rm, this.statement);
    machine.setArgs(at, args);
    machine.code[at + IMMEDIATE] = immediate;
  }

  /** The same of an instruction that needs to know `target`. */
  emitCall(row: Row, reg: number, target: CallTarget, args: readonly number[]): void {
    const { machine } = this;
    const at = machine.append(row, reg, NO_REG, this.statement);
    machine.setArgs(at, args);
    machine.code[at + CALL] = machine.calls.push(target) - 1;
  }

  copy(to: number, from: number): void {
    this.emit(pseudos.copy, to, from);
  }

  /** Puts `value` into a register of its own, ready to be changed in place. */
  copyValue(to: number, value: Value): void {
    if (this.isConstant[value] === 0) {
      this.copy(to, this.defineValue(value));
      return;
    }
    const { cls, bits } = this.typeOf(value);
    if (cls === GENERAL) this.loadInteger(to, this.lows[value]!, bits === 64 ? this.highs[value]! : 0);
    else this.loadFloat(to, this.lows[value]!, this.highs[value]!);
  }

  /** `row` with `value` as its ModRM.rm operand: a register, or the constant pool for a float constant. */
  emitFloatOperand(row: Row, reg: number, value: Value): void {
    if (this.isConstant[value] === 0) this.emit(row, reg, this.defineValue(value));
    else this.emitMemory(row, reg, this.pool(this.lows[value]!, this.highs[value]!));
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
    this.emitConditional(pseudos.trapIf, NO_REG, NO_REG, condition, TRAP_KINDS.indexOf(kind));
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
