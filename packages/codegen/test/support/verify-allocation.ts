// Checks a register allocation without running code: follows which virtual registers each place holds along every path, and
// insists that each operand is read from a place that holds it. Independent of how the allocator came to its result.
import type { Allocation } from '../../src/allocate.js';
import type { LiveRanges } from '../../src/live-ranges.js';
import { type MachineInstruction, pseudos } from '../../src/machine-ir.js';
import type { Move } from '../../src/moves.js';
import { resolveMoves, storeAfter } from '../../src/resolve.js';
import {
  FIRST_VIRTUAL,
  isCalleeSaved,
  RAX,
  RCX,
  RSP,
  SCRATCH,
  VECTOR_SCRATCH,
  XMM0,
  XMM15,
} from '../../src/x64/registers.js';
import { ROLE_DEF, ROLE_USE } from '../../src/x64/row.js';

/** What a place holds: virtual registers, `~i` for constant i, or a physical register's own number for what an instruction left there. */
type State = Map<number, ReadonlySet<number>>;

/** Throws where an operand would read something else than its virtual register. */
export function verifyAllocation(live: LiveRanges, allocation: Allocation): void {
  new Verifier(live, allocation).run();
}

class Verifier {
  private readonly moves;
  private readonly entry: (State | undefined)[];
  private where = '';

  constructor(
    private readonly live: LiveRanges,
    private readonly allocation: Allocation,
  ) {
    this.moves = resolveMoves(live, allocation);
    this.entry = live.machine.blocks.map(() => undefined);
  }

  run(): void {
    const { blocks } = this.live.machine;
    const arguments_: State = new Map();
    for (let register = 0; register <= XMM15; register++) arguments_.set(register, new Set([register]));
    this.entry[0] = arguments_;
    const pending = new Set([0]);
    while (pending.size > 0) {
      const index = pending.values().next().value!;
      pending.delete(index);
      const state = this.block(index, new Map(this.entry[index]!));
      for (const successor of blocks[index]!.successors) {
        const next = this.edge(index, successor, state);
        if (this.meet(successor, next)) pending.add(successor);
      }
    }
  }

  /** Keeps what holds on every way into the block; true if that is less than before. */
  private meet(index: number, incoming: State): boolean {
    const known = this.entry[index];
    if (known === undefined) {
      this.entry[index] = incoming;
      return true;
    }
    let changed = false;
    for (const [place, held] of known) {
      const both = new Set([...held].filter((value) => incoming.get(place)?.has(value)));
      if (both.size === held.size) continue;
      known.set(place, both);
      changed = true;
    }
    return changed;
  }

  private block(index: number, state: State): State {
    const { instructions } = this.live.machine.blocks[index]!;
    let number = this.live.firstInstruction[index]!;
    for (let i = 0; i < instructions.length; i++, number++) {
      this.parallel(state, this.moves.beforeInstruction[number]);
      this.where = `block ${index}, instruction ${i} (${instructions[i]!.row.mnemonic})`;
      this.instruction(state, instructions[i]!, number * 2);
      const store = storeAfter(this.allocation, instructions[i]!, instructions[i + 1], number * 2 + 1);
      this.parallel(state, store === undefined ? undefined : [store]);
    }
    this.parallel(state, this.moves.atEnd[index]);
    return state;
  }

  private edge(from: number, to: number, state: State): State {
    const { blocks } = this.live.machine;
    const next = new Map(state);
    const { params } = blocks[to]!;
    const args = blocks[from]!.edgeArgs;
    this.parallel(next, this.moves.atStart[to]);
    // A parameter now means its argument's value, wherever that is.
    const renamed: State = new Map();
    for (const [place, held] of next) {
      const now = new Set([...held].filter((value) => !params.includes(value)));
      params.forEach((param, i) => {
        if (held.has(args[i]!)) now.add(param);
      });
      renamed.set(place, now);
    }
    for (const param of params) {
      if (this.allocation.piecesOf(param).length === 0) continue;
      this.where = `edge from block ${from} to ${to}`;
      this.read(renamed, param, this.live.blockFrom(to));
    }
    return renamed;
  }

  private parallel(state: State, moves: readonly Move[] | undefined): void {
    if (moves === undefined) return;
    const before = new Map(state);
    for (const { to, from } of moves) state.set(to, from < 0 ? new Set([from]) : (before.get(from) ?? new Set()));
    state.delete(SCRATCH);
    state.delete(VECTOR_SCRATCH);
  }

  private instruction(state: State, instruction: MachineInstruction, position: number): void {
    const { row, reg, rm, memory, args } = instruction;
    const rmRole = memory === undefined ? row.rmRole : 0;
    for (const register of row.fixed?.reads ?? []) this.read(state, register, position);
    for (const register of row.fixed?.writes ?? []) state.set(register, new Set([register]));
    if (row.regRole & ROLE_USE) this.read(state, reg, position);
    if (rmRole & ROLE_USE) this.read(state, rm, position);
    if (row.usesCl) this.read(state, RCX, position);
    if (memory !== undefined && memory.pool < 0) {
      if (memory.base !== RSP) this.read(state, memory.base, position);
      if (memory.index >= 0) this.read(state, memory.index, position);
    }
    for (const arg of args ?? []) if (arg >= 0) this.read(state, arg, position);
    if (row === pseudos.call) {
      for (let register = 0; register <= XMM15; register++) {
        if (register !== RSP && !isCalleeSaved(register)) state.delete(register);
      }
      state.set(RAX, new Set([RAX]));
      state.set(XMM0, new Set([XMM0]));
    }
    if (row.regRole & ROLE_DEF) this.write(state, reg, position + 1);
    if (rmRole & ROLE_DEF) this.write(state, rm, position + 1);
  }

  private place(register: number, position: number): number {
    return register < FIRST_VIRTUAL ? register : this.allocation.locationAt(register, position);
  }

  private read(state: State, register: number, position: number): void {
    const place = this.place(register, position);
    if (state.get(place)?.has(register)) return;
    const held = [...(state.get(place) ?? [])].join(', ');
    throw new Error(`${this.where}: reads ${register} from place ${place}, which holds {${held}}`);
  }

  private write(state: State, register: number, position: number): void {
    for (const [place, held] of state) {
      if (!held.has(register)) continue;
      const rest = new Set(held);
      rest.delete(register);
      state.set(place, rest);
    }
    state.set(this.place(register, position), new Set([register]));
  }
}
