// Emission: walks the allocated machine IR and writes the bytes, with the moves that resolution asks for.
import type { TrapKind } from '@simple-jit/template-ir';
import type { Allocation } from './allocate.js';
import { emitDivide, emitFloatSelect, emitFma, emitLea, emitU64ToFloat } from './expand.js';
import { emitCopyBlock, emitCopyMemory, emitFillMemory, emitZeroMemory } from './expand-memory.js';
import { Frame } from './frame.js';
import { layoutBlocks } from './layout.js';
import type { LiveRanges } from './live-ranges.js';
import { assignArguments } from './lower/arguments.js';
import {
  type CallTarget,
  type MachineBlock,
  type MachineFunction,
  type MachineInstruction,
  PSEUDO_BRANCH,
  PSEUDO_CALL,
  PSEUDO_COPY,
  PSEUDO_COPY_BLOCK,
  PSEUDO_COPY_MEMORY,
  PSEUDO_DIVIDE,
  PSEUDO_FILL_MEMORY,
  PSEUDO_FLOAT_SELECT,
  PSEUDO_FMA,
  PSEUDO_FUNCTION_ADDRESS,
  PSEUDO_JUMP,
  PSEUDO_RETURN,
  PSEUDO_STACK_ARGUMENT,
  PSEUDO_TRAP,
  PSEUDO_TRAP_IF,
  PSEUDO_U64_TO_FLOAT,
  PSEUDO_UNREACHABLE,
  PSEUDO_ZERO,
  PSEUDO_ZERO_MEMORY,
  TRAP_KINDS,
} from './machine-ir.js';
import { Mover, OUTGOING } from './moves.js';
import { type ResolvedMoves, resolveMoves, storeAfter } from './resolve.js';
import type { Assembler } from './x64/assembler.js';
import {
  CC_E,
  CC_FLOAT_EQ,
  CC_FLOAT_NE,
  CC_NE,
  CC_P,
  classOf,
  FIRST_VIRTUAL,
  NO_REG,
  RAX,
  RESULT_REGISTER,
  RSP,
  VECTOR,
  VECTOR_RESULT_REGISTER,
} from './x64/registers.js';
import { ROLE_USE } from './x64/row.js';
import { x64 } from './x64/table.js';

/** What emission collects over all functions of a unit. */
export interface UnitSink {
  readonly traps: { offset: number; kind: TrapKind }[];
  /** A rel32 to another function of the unit. */
  readonly localCalls: { site: number; target: number }[];
  /** A displacement to an import's slot. */
  readonly importSites: { site: number; imported: number }[];
  /** Where code of another line begins, by ascending offset. */
  readonly lines: { offset: number; line: number }[];
}

export function emitFunction(live: LiveRanges, allocation: Allocation, assembler: Assembler, sink: UnitSink): void {
  new Emitter(live, allocation, assembler, sink).run();
}

class Emitter {
  private readonly machine: MachineFunction;
  private readonly resolved: ResolvedMoves;
  private readonly frame: Frame;
  private readonly mover: Mover;
  private readonly threads: number[];
  /** Traps that conditions jump to: after everything else, out of the way. */
  private readonly stubs: { readonly label: number; readonly kind: TrapKind; readonly statement: number }[] = [];
  private statement = -1;
  /** Where a call through a pointer returns to: what faults there is the call of what is no function. */
  private afterInvoke = -1;

  constructor(
    private readonly live: LiveRanges,
    private readonly allocation: Allocation,
    private readonly assembler: Assembler,
    private readonly sink: UnitSink,
  ) {
    this.machine = live.machine;
    this.resolved = resolveMoves(live, allocation);
    const { symbol, outgoingBytes, hasCalls, alignFrame, objectBytes } = this.machine;
    const { slotCount, savedRegisters } = allocation;
    this.frame = new Frame(symbol, outgoingBytes, slotCount, savedRegisters, hasCalls || alignFrame, objectBytes);
    this.mover = new Mover(assembler, this.machine.constants, this.frame.slotOffset);
    this.threads = this.threadJumps();
  }

  run(): void {
    const { assembler, machine, frame, mover, resolved } = this;
    const { blocks } = machine;
    assembler.beginFunction(blocks.length);
    this.beginStatement(0);
    frame.prologue(assembler);
    const order = layoutBlocks(machine, this.threads);
    for (let o = 0; o < order.length; o++) {
      const block = order[o]!;
      const next = order[o + 1]?.index ?? -1;
      assembler.bind(block.index);
      const atStart = resolved.atStart[block.index];
      if (atStart !== undefined) mover.parallel(atStart);
      let number = this.live.firstInstruction[block.index]!;
      const { instructions } = block;
      for (let i = 0; i < instructions.length; i++, number++) {
        const before = resolved.beforeInstruction[number];
        this.beginStatement(instructions[i]!.statement);
        if (before !== undefined) mover.parallel(before);
        this.instruction(instructions[i]!, number * 2, block, next);
        const store = storeAfter(this.allocation, instructions[i]!, instructions[i + 1], number * 2 + 1);
        if (store !== undefined) mover.move(store.to, store.from);
      }
    }
    for (const { label, kind, statement } of this.stubs) {
      this.beginStatement(statement);
      assembler.bind(label);
      this.trap(kind);
    }
    assembler.endFunction();
  }

  private beginStatement(statement: number): void {
    if (statement === this.statement) return;
    this.statement = statement;
    if (this.machine.lines === undefined) return;
    const line = this.machine.lines[statement]!;
    const { lines } = this.sink;
    const { size } = this.assembler;
    if (lines.at(-1)?.offset === size) lines.pop(); // nothing came of the statement before
    lines.push({ offset: size, line });
  }

  /** The instruction that comes next is one that traps. */
  private recordTrap(kind: TrapKind): void {
    // Where a call has returned to would look like the call itself, whose kind is another.
    if (this.assembler.size === this.afterInvoke) this.assembler.registers(x64.nop, 0, 0);
    this.sink.traps.push({ offset: this.assembler.size, kind });
  }

  private trap(kind: TrapKind): void {
    this.recordTrap(kind);
    this.assembler.registers(x64.ud2, 0, 0);
  }

  /** A label at which the trap is, for a jump. */
  private trapLabel(kind: TrapKind): number {
    const last = this.stubs.at(-1);
    if (last?.kind === kind && last.statement === this.statement) return last.label;
    const label = this.assembler.newLabel();
    this.stubs.push({ label, kind, statement: this.statement });
    return label;
  }

  /** By block: where a jump to it ends up, past blocks that only jump on. */
  private threadJumps(): number[] {
    const { blocks } = this.machine;
    const threads = new Array<number>(blocks.length).fill(-1);
    const path: number[] = [];
    for (const { index } of blocks) {
      let target = index;
      path.length = 0;
      while (threads[target] === -1 && this.onlyJumps(target)) {
        threads[target] = target; // where an endless empty loop is entered, it stays
        path.push(target);
        target = blocks[target]!.successors[0]!;
      }
      if (threads[target] !== -1) target = threads[target]!;
      threads[target] = target;
      for (const block of path) threads[block] = target;
    }
    return threads;
  }

  private onlyJumps(index: number): boolean {
    const { instructions } = this.machine.blocks[index]!;
    if (index === 0 || instructions.length !== 1 || instructions[0]!.row.pseudo !== PSEUDO_JUMP) return false;
    const { atStart, atEnd, beforeInstruction } = this.resolved;
    const first = this.live.firstInstruction[index]!;
    return atStart[index] === undefined && atEnd[index] === undefined && beforeInstruction[first] === undefined;
  }

  /** The place of an operand that is read at `position` or written at it (then it is odd). */
  private place(register: number, position: number): number {
    return register < FIRST_VIRTUAL ? register : this.allocation.locationAt(register, position);
  }

  private instruction(instruction: MachineInstruction, position: number, block: MachineBlock, next: number): void {
    const { row, reg, rm, memory, immediate, immediateHigh } = instruction;
    if (row.pseudo !== 0) {
      this.pseudo(instruction, position, block, next);
      return;
    }
    const { assembler } = this;
    const regPlace = row.regRole === 0 ? 0 : this.place(reg, row.regRole & ROLE_USE ? position : position + 1);
    if (memory !== undefined) {
      if (memory.pool >= 0) {
        assembler.constant(row, regPlace, memory.pool);
        return;
      }
      const base = this.place(memory.base, position);
      const index = memory.index < 0 ? NO_REG : this.place(memory.index, position);
      const displacement = base === RSP ? memory.displacement + this.frame.objectOffset : memory.displacement;
      if (row === x64.lea32 || row === x64.lea64) {
        emitLea(assembler, row, regPlace, base, index, memory.scale, displacement);
        return;
      }
      assembler.memory(row, regPlace, base, index, memory.scale, displacement, immediate, immediateHigh);
      return;
    }
    const rmPlace = row.rmRole === 0 ? 0 : this.place(rm, row.rmRole & ROLE_USE ? position : position + 1);
    if (rmPlace < FIRST_VIRTUAL) assembler.registers(row, regPlace, rmPlace, immediate, immediateHigh);
    else {
      const displacement = this.mover.displacement(rmPlace);
      assembler.memory(row, regPlace, RSP, NO_REG, 0, displacement, immediate, immediateHigh);
    }
  }

  private pseudo(instruction: MachineInstruction, position: number, block: MachineBlock, next: number): void {
    const { assembler, mover, sink } = this;
    const { row, reg, rm } = instruction;
    switch (row.pseudo) {
      case PSEUDO_COPY:
        mover.move(this.place(reg, position + 1), this.place(rm, position));
        return;
      case PSEUDO_JUMP: {
        const moves = this.resolved.atEnd[block.index];
        if (moves !== undefined) mover.parallel(moves);
        const target = this.threads[block.successors[0]!]!;
        if (target !== next) assembler.jump(target);
        return;
      }
      case PSEUDO_BRANCH:
        this.branch(
          instruction.condition,
          this.threads[block.successors[0]!]!,
          this.threads[block.successors[1]!]!,
          next,
        );
        return;
      case PSEUDO_ZERO: {
        const place = this.place(reg, position + 1);
        assembler.registers(x64.xorps, place, place);
        return;
      }
      case PSEUDO_DIVIDE: {
        const division = instruction.division!;
        const overflow = division.checked && division.mayBeMinusOne ? this.trapLabel('overflow') : -1;
        const offset = emitDivide(assembler, mover, division, this.place(rm, position), overflow);
        sink.traps.push({ offset, kind: 'divide' });
        return;
      }
      case PSEUDO_U64_TO_FLOAT:
        emitU64ToFloat(assembler, this.place(reg, position + 1), this.place(rm, position), instruction.immediate);
        return;
      case PSEUDO_FLOAT_SELECT:
        emitFloatSelect(assembler, mover, instruction.condition, this.place(reg, position), this.place(rm, position));
        return;
      case PSEUDO_STACK_ARGUMENT: {
        const place = this.place(reg, position + 1);
        const load = classOf(place) === VECTOR ? x64.load.f64 : x64.mov64;
        assembler.memory(load, place, RSP, NO_REG, 0, this.frame.incomingArgument(instruction.immediate));
        return;
      }
      case PSEUDO_CALL:
        this.call(instruction.call!, instruction.args!, position);
        return;
      case PSEUDO_RETURN:
        this.return(instruction.args!, position);
        return;
      case PSEUDO_UNREACHABLE:
        this.trap('unreachable');
        return;
      case PSEUDO_TRAP:
        this.trap(TRAP_KINDS[instruction.immediate]!);
        return;
      case PSEUDO_TRAP_IF:
        assembler.jumpIf(instruction.condition, this.trapLabel(TRAP_KINDS[instruction.immediate]!));
        return;
      default:
        this.expand(instruction, position);
    }
  }

  private expand(instruction: MachineInstruction, position: number): void {
    const { assembler, mover } = this;
    const { row, reg, rm, immediate } = instruction;
    switch (row.pseudo) {
      case PSEUDO_FMA: {
        const second = this.source(instruction.args![0]!, position);
        emitFma(assembler, mover, immediate, this.place(reg, position), second, this.place(rm, position));
        return;
      }
      case PSEUDO_FUNCTION_ADDRESS:
        this.functionAddress(instruction.call!, this.place(reg, position + 1));
        return;
      case PSEUDO_COPY_BLOCK:
        emitCopyBlock(assembler, this.place(reg, position), this.place(rm, position), immediate);
        return;
      case PSEUDO_COPY_MEMORY:
        emitCopyMemory(assembler, immediate, immediate > 1 ? this.trapLabel('memory') : -1);
        return;
      case PSEUDO_FILL_MEMORY:
        emitFillMemory(assembler);
        return;
      case PSEUDO_ZERO_MEMORY:
        emitZeroMemory(assembler, this.frame.objectOffset + instruction.immediateHigh, immediate);
    }
  }

  private source(arg: number, position: number): number {
    return arg < 0 ? arg : this.allocation.locationAt(arg, position);
  }

  private call(target: CallTarget, args: readonly number[], position: number): void {
    const { assembler, sink } = this;
    const { places } = assignArguments(target.argClasses);
    const moves = args.map((arg, i) => {
      const place = i < places.length ? places[i]! : RAX; // the address comes last
      return { to: place >= 0 ? place : OUTGOING + ~place, from: this.source(arg, position) };
    });
    this.mover.parallel(moves);
    if (target.local >= 0) {
      assembler.registers(x64.call, 0, 0);
      sink.localCalls.push({ site: assembler.size - 4, target: target.local });
    } else if (target.imported >= 0) {
      if (target.foreign) this.frame.probeForForeign(assembler);
      sink.importSites.push({ site: assembler.ripRelative(x64.callMemory, 0), imported: target.imported });
    } else {
      assembler.registers(x64.callRegister, 0, RAX);
      this.afterInvoke = assembler.size;
    }
  }

  private functionAddress(target: CallTarget, to: number): void {
    const { assembler, sink } = this;
    if (target.local >= 0) {
      sink.localCalls.push({ site: assembler.ripRelative(x64.lea64, to), target: target.local });
    } else sink.importSites.push({ site: assembler.ripRelative(x64.mov64, to), imported: target.imported });
  }

  private return(args: readonly number[], position: number): void {
    const arg = args[0];
    if (arg !== undefined) {
      const cls = arg < 0 ? this.machine.constants[~arg]!.cls : this.machine.classOf(arg);
      this.mover.move(cls === VECTOR ? VECTOR_RESULT_REGISTER : RESULT_REGISTER, this.source(arg, position));
    }
    this.frame.epilogue(this.assembler);
  }

  private branch(condition: number, yes: number, no: number, next: number): void {
    const { assembler } = this;
    if (yes !== no) {
      if (condition === CC_FLOAT_EQ) {
        assembler.jumpIf(CC_P, no);
        if (yes === next) {
          assembler.jumpIf(CC_NE, no);
          return;
        }
        assembler.jumpIf(CC_E, yes);
      } else if (condition === CC_FLOAT_NE) {
        assembler.jumpIf(CC_P, yes);
        if (yes === next) {
          assembler.jumpIf(CC_E, no);
          return;
        }
        assembler.jumpIf(CC_NE, yes);
      } else if (yes === next) {
        assembler.jumpIf(condition ^ 1, no);
        return;
      } else assembler.jumpIf(condition, yes);
    }
    if (no !== next) assembler.jump(no);
  }
}
