// Emission: walks the allocated machine IR and writes the bytes, with the moves that resolution asks for.
import type { TrapKind } from '@simple-jit/template-ir';
import type { Allocation } from './allocation.js';
import { emitDivide, emitFloatSelect, emitFma, emitLea, emitU64ToFloat } from './expand.js';
import { emitCopyBlock, emitCopyMemory, emitFillMemory, emitZeroMemory } from './expand-memory.js';
import { Frame } from './frame.js';
import { layoutBlocks, threadJumps } from './layout.js';
import type { LiveRanges } from './live-ranges.js';
import { assignArguments } from './lower/arguments.js';
import {
  ARG_COUNT, ARGS, BASE, CALL, CONDITION, DISPLACEMENT, IMMEDIATE, IMMEDIATE_HIGH, INDEX, INSTRUCTION_SHIFT, type MachineFunction, MEMORY,
  NO_MEMORY, POOL, POOLED, REG, RM, ROW, SCALE, STATEMENT,
} from './machine-function.js'; // biome-ignore format: a list
import {
  type CallTarget,
  DIVIDE_BY_MINUS_ONE,
  DIVIDE_CHECKED,
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
import { type ResolvedMoves, resolveMoves, slotToStore, writtenBy } from './resolve.js';
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
import { ROLE_USE, type Row, rows } from './x64/row.js';
import { x64 } from './x64/table.js';

/** What emission collects over all functions of a unit. */
export interface UnitSink {
  readonly traps: { offset: number; kind: TrapKind }[];
  /** In pairs: the site of a rel32, and to which function of the unit it leads. */
  readonly localCalls: number[];
  /** In pairs: the site of a displacement, and to the slot of which import it leads. */
  readonly importSites: number[];
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
  private readonly threads: Int32Array;
  /** Traps that conditions jump to: after everything else, out of the way. */
  private readonly stubs: { readonly label: number; readonly kind: TrapKind; readonly statement: number }[] = [];
  private statement = -1;
  /** Where a call through a pointer returns to: what faults there is the call of what is no function. */
  private afterInvoke = -1;

  constructor(
    readonly live: LiveRanges,
    private readonly allocation: Allocation,
    private readonly assembler: Assembler,
    private readonly sink: UnitSink,
  ) {
    this.machine = live.machine;
    this.resolved = resolveMoves(live, allocation);
    const { symbol, outgoingBytes, hasCalls, alignFrame, objectBytes } = this.machine;
    const { slotCount, savedRegisters } = allocation;
    this.frame = new Frame(symbol, outgoingBytes, slotCount, savedRegisters, hasCalls || alignFrame, objectBytes);
    this.mover = new Mover(assembler, this.machine.constants, this.frame.slotOffset, slotCount, this.machine.scratch);
    this.threads = threadJumps(this.machine, this.resolved);
  }

  run(): void {
    const { assembler, machine, frame, mover, resolved } = this;
    const { count, firstInstruction } = machine.blocks;
    assembler.beginFunction(count);
    this.beginStatement(0);
    frame.prologue(assembler);
    const { items: order, length } = layoutBlocks(machine, this.threads);
    for (let o = 0; o < length; o++) {
      const block = order[o]!;
      const next = o + 1 < length ? order[o + 1]! : -1;
      assembler.bind(block);
      const first = firstInstruction[block]!;
      const end = firstInstruction[block + 1]!;
      this.beginStatement(machine.code[(first << INSTRUCTION_SHIFT) + STATEMENT]!); // the moves are its own
      mover.list(resolved.atStart, block);
      for (let number = first; number < end; number++) {
        const at = number << INSTRUCTION_SHIFT;
        this.beginStatement(machine.code[at + STATEMENT]!);
        mover.list(resolved.beforeInstruction, number);
        this.instruction(at, number * 2, block, next);
        const following = number + 1 < end ? at + (1 << INSTRUCTION_SHIFT) : -1;
        const slot = slotToStore(machine, this.allocation, at, following);
        if (slot >= 0) mover.move(slot, this.place(writtenBy(machine.code, at), number * 2 + 1));
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

  /** The place of an operand that is read at `position` or written at it (then it is odd). */
  private place(register: number, position: number): number {
    return register < FIRST_VIRTUAL ? register : this.allocation.locationAt(register, position);
  }

  private instruction(at: number, position: number, block: number, next: number): void {
    const { code } = this.machine;
    const row = rows[code[at + ROW]!]!;
    if (row.pseudo !== 0) {
      this.pseudo(row, at, position, block, next);
      return;
    }
    const { assembler } = this;
    const { regRole, rmRole } = row;
    const regPlace = regRole === 0 ? 0 : this.place(code[at + REG]!, regRole & ROLE_USE ? position : position + 1);
    const immediate = code[at + IMMEDIATE]!;
    const immediateHigh = code[at + IMMEDIATE_HIGH]!;
    const memory = code[at + MEMORY]!;
    if (memory === POOLED) assembler.constant(row, regPlace, code[at + POOL]!);
    else if (memory === NO_MEMORY) {
      const rmPlace = rmRole === 0 ? 0 : this.place(code[at + RM]!, rmRole & ROLE_USE ? position : position + 1);
      if (rmPlace < FIRST_VIRTUAL) assembler.registers(row, regPlace, rmPlace, immediate, immediateHigh);
      else {
        const displacement = this.mover.displacement(rmPlace);
        assembler.memory(row, regPlace, RSP, NO_REG, 0, displacement, immediate, immediateHigh);
      }
    } else {
      const base = this.place(code[at + BASE]!, position);
      const index = code[at + INDEX]! < 0 ? NO_REG : this.place(code[at + INDEX]!, position);
      const scale = code[at + SCALE]!;
      const displacement = code[at + DISPLACEMENT]! + (base === RSP ? this.frame.objectOffset : 0);
      if (row === x64.lea32 || row === x64.lea64) emitLea(assembler, row, regPlace, base, index, scale, displacement);
      else assembler.memory(row, regPlace, base, index, scale, displacement, immediate, immediateHigh);
    }
  }

  private pseudo(row: Row, at: number, position: number, block: number, next: number): void {
    const { assembler, mover, sink } = this;
    const { code, blocks } = this.machine;
    const reg = code[at + REG]!;
    const rm = code[at + RM]!;
    const immediate = code[at + IMMEDIATE]!;
    const condition = code[at + CONDITION]!;
    switch (row.pseudo) {
      case PSEUDO_COPY:
        mover.move(this.place(reg, position + 1), this.place(rm, position));
        return;
      case PSEUDO_JUMP: {
        mover.list(this.resolved.atEnd, block);
        const target = this.threads[blocks.successors[block * 2]!]!;
        if (target !== next) assembler.jump(target);
        return;
      }
      case PSEUDO_BRANCH: {
        const yes = this.threads[blocks.successors[block * 2]!]!;
        const no = this.threads[blocks.successors[block * 2 + 1]!]!;
        this.branch(condition, yes, no, next);
        return;
      }
      case PSEUDO_ZERO: {
        const place = this.place(reg, position + 1);
        assembler.registers(x64.xorps, place, place);
        return;
      }
      case PSEUDO_DIVIDE: {
        const mayOverflow = immediate & DIVIDE_CHECKED && immediate & DIVIDE_BY_MINUS_ONE;
        const overflow = mayOverflow ? this.trapLabel('overflow') : -1;
        const offset = emitDivide(assembler, mover, immediate, this.place(rm, position), overflow);
        sink.traps.push({ offset, kind: 'divide' });
        return;
      }
      case PSEUDO_U64_TO_FLOAT:
        emitU64ToFloat(assembler, this.place(reg, position + 1), this.place(rm, position), immediate);
        return;
      case PSEUDO_FLOAT_SELECT:
        emitFloatSelect(assembler, mover, condition, this.place(reg, position), this.place(rm, position));
        return;
      case PSEUDO_STACK_ARGUMENT: {
        const place = this.place(reg, position + 1);
        const load = classOf(place) === VECTOR ? x64.load.f64 : x64.mov64;
        assembler.memory(load, place, RSP, NO_REG, 0, this.frame.incomingArgument(immediate));
        return;
      }
      case PSEUDO_CALL:
        this.call(at, position);
        return;
      case PSEUDO_RETURN:
        this.return(at, position);
        return;
      case PSEUDO_UNREACHABLE:
        this.trap('unreachable');
        return;
      case PSEUDO_TRAP:
        this.trap(TRAP_KINDS[immediate]!);
        return;
      case PSEUDO_TRAP_IF:
        assembler.jumpIf(condition, this.trapLabel(TRAP_KINDS[immediate]!));
        return;
      default:
        this.expand(row, at, position);
    }
  }

  private expand(row: Row, at: number, position: number): void {
    const { assembler, mover } = this;
    const { code, calls } = this.machine;
    const reg = code[at + REG]!;
    const rm = code[at + RM]!;
    const immediate = code[at + IMMEDIATE]!;
    switch (row.pseudo) {
      case PSEUDO_FMA: {
        const second = this.argument(at, 0, position);
        emitFma(assembler, mover, immediate, this.place(reg, position), second, this.place(rm, position));
        return;
      }
      case PSEUDO_FUNCTION_ADDRESS:
        this.functionAddress(calls[code[at + CALL]!]!, this.place(reg, position + 1));
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
        emitZeroMemory(assembler, this.frame.objectOffset + code[at + IMMEDIATE_HIGH]!, immediate);
    }
  }

  /** Where argument number `i` of the instruction is: a location, or `~i` of a constant. */
  private argument(at: number, i: number, position: number): number {
    const { code, args } = this.machine;
    const arg = args.items[code[at + ARGS]! + i]!;
    return arg < 0 ? arg : this.allocation.locationAt(arg, position);
  }

  private call(at: number, position: number): void {
    const { assembler, sink, mover } = this;
    const { code, calls } = this.machine;
    const target = calls[code[at + CALL]!]!;
    const { places } = assignArguments(target.argClasses);
    for (let i = 0; i < code[at + ARG_COUNT]!; i++) {
      const place = i < places.length ? places[i]! : RAX; // the address comes last
      mover.add(place >= 0 ? place : OUTGOING + ~place, this.argument(at, i, position));
    }
    mover.parallel();
    if (target.local >= 0) {
      assembler.registers(x64.call, 0, 0);
      sink.localCalls.push(assembler.size - 4, target.local);
    } else if (target.imported >= 0) {
      if (target.foreign) this.frame.probeForForeign(assembler);
      sink.importSites.push(assembler.ripRelative(x64.callMemory, 0), target.imported);
    } else {
      assembler.registers(x64.callRegister, 0, RAX);
      this.afterInvoke = assembler.size;
    }
  }

  private functionAddress(target: CallTarget, to: number): void {
    const { assembler, sink } = this;
    if (target.local >= 0) {
      sink.localCalls.push(assembler.ripRelative(x64.lea64, to), target.local);
    } else sink.importSites.push(assembler.ripRelative(x64.mov64, to), target.imported);
  }

  private return(at: number, position: number): void {
    const { machine } = this;
    if (machine.code[at + ARG_COUNT]! > 0) {
      const arg = machine.args.items[machine.code[at + ARGS]!]!;
      const cls = arg < 0 ? machine.constants[~arg]!.cls : machine.classOf(arg);
      this.mover.move(cls === VECTOR ? VECTOR_RESULT_REGISTER : RESULT_REGISTER, this.argument(at, 0, position));
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
