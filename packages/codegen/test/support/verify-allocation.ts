// Checks a register allocation without running code: follows which virtual registers each place holds along every path, and
// insists that each operand is read from a place that holds it. Independent of how the allocator came to its result.
import type { Allocation } from '../../src/allocation.js';
import type { LiveRanges } from '../../src/live-ranges.js';
import {
  ADDRESSED,
  ARG_COUNT,
  ARGS,
  BASE,
  INDEX,
  INSTRUCTION_SHIFT,
  type MachineBlocks,
  MEMORY,
  NO_MEMORY,
  REG,
  RM,
  ROW,
} from '../../src/machine-function.js';
import { pseudos } from '../../src/machine-ir.js';
import type { MoveLists } from '../../src/move-lists.js';
import { resolveMoves, slotToStore, writtenBy } from '../../src/resolve.js';
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
import { ROLE_DEF, ROLE_USE, rows } from '../../src/x64/row.js';

/** What a place holds: virtual registers, `~i` for constant i, or a physical register's own number for what an instruction left there. */
type State = Map<number, ReadonlySet<number>>;

type Move = readonly [to: number, from: number];

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
    this.entry = Array.from({ length: live.machine.blocks.count }, () => undefined);
  }

  run(): void {
    const arguments_: State = new Map();
    for (let register = 0; register <= XMM15; register++) arguments_.set(register, new Set([register]));
    this.entry[0] = arguments_;
    const pending = new Set([0]);
    while (pending.size > 0) {
      const index = pending.values().next().value!;
      pending.delete(index);
      const state = this.block(index, new Map(this.entry[index]!));
      for (const successor of this.successors(index)) {
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

  private successors(index: number): number[] {
    const { successors } = this.live.machine.blocks;
    return [...successors.subarray(index * 2, index * 2 + 2)].filter((successor) => successor >= 0);
  }

  private block(index: number, state: State): State {
    const { machine } = this.live;
    const end = machine.blocks.firstInstruction[index + 1]!;
    for (let number = machine.blocks.firstInstruction[index]!; number < end; number++) {
      const at = number << INSTRUCTION_SHIFT;
      this.parallel(state, movesOf(this.moves.beforeInstruction, number));
      this.where = `block ${index}, instruction ${number} (${rows[machine.code[at + ROW]!]!.mnemonic})`;
      this.instruction(state, at, number * 2);
      const next = number + 1 < end ? at + (1 << INSTRUCTION_SHIFT) : -1;
      const slot = slotToStore(machine, this.allocation, at, next);
      if (slot < 0) continue;
      this.parallel(state, [[slot, this.place(writtenBy(machine.code, at), number * 2 + 1)]]);
    }
    this.parallel(state, movesOf(this.moves.atEnd, index));
    return state;
  }

  private edge(from: number, to: number, state: State): State {
    const next = new Map(state);
    const { params, args } = edge(this.live.machine.blocks, from, to);
    this.parallel(next, movesOf(this.moves.atStart, to));
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
      if (this.allocation.pieceCount(param) === 0) continue;
      this.where = `edge from block ${from} to ${to}`;
      this.read(renamed, param, this.live.blockFrom(to));
    }
    return renamed;
  }

  private parallel(state: State, moves: readonly Move[]): void {
    if (moves.length === 0) return;
    const before = new Map(state);
    for (const [to, from] of moves) state.set(to, from < 0 ? new Set([from]) : (before.get(from) ?? new Set()));
    state.delete(SCRATCH);
    state.delete(VECTOR_SCRATCH);
  }

  private instruction(state: State, at: number, position: number): void {
    const { code } = this.live.machine;
    const row = rows[code[at + ROW]!]!;
    const [reg, rm, base, index] = [code[at + REG]!, code[at + RM]!, code[at + BASE]!, code[at + INDEX]!];
    const args = this.live.machine.args.items.subarray(code[at + ARGS]!, code[at + ARGS]! + code[at + ARG_COUNT]!);
    const rmRole = code[at + MEMORY] === NO_MEMORY ? row.rmRole : 0;
    for (const register of row.fixed?.reads ?? []) this.read(state, register, position);
    for (const register of row.fixed?.writes ?? []) state.set(register, new Set([register]));
    if (row.regRole & ROLE_USE) this.read(state, reg, position);
    if (rmRole & ROLE_USE) this.read(state, rm, position);
    if (row.usesCl) this.read(state, RCX, position);
    if (code[at + MEMORY] === ADDRESSED) {
      if (base !== RSP) this.read(state, base, position);
      if (index >= 0) this.read(state, index, position);
    }
    for (const arg of args) if (arg >= 0) this.read(state, arg, position);
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

function movesOf(lists: MoveLists, list: number): Move[] {
  const moves: Move[] = [];
  for (let move = lists.heads[list]!; move >= 0; move = lists.next(move))
    moves.push([lists.to(move), lists.from(move)]);
  return moves;
}

/** The target's parameters, and what they become. */
function edge(blocks: MachineBlocks, from: number, to: number): { params: number[]; args: number[] } {
  const { params, paramOffsets, edgeArgs, edgeArgOffsets } = blocks;
  return {
    params: [...params.items.subarray(paramOffsets[to]!, paramOffsets[to + 1]!)],
    args: [...edgeArgs.items.subarray(edgeArgOffsets[from]!, edgeArgOffsets[from + 1]!)],
  };
}
