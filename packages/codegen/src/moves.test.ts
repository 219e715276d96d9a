// Parallel moves, checked by simulating the instructions that they become.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { disassemble } from '../test/support/disassembler.js';
import { Mover, OUTGOING } from './moves.js';
import { Scratch } from './scratch.js';
import { Assembler } from './x64/assembler.js';
import { GENERAL, VECTOR } from './x64/registers.js';

const NAMES = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  ...Array.from({ length: 8 }, (_, i) => `r${i + 8}`),
];
const CONSTANTS = [
  { cls: GENERAL, low: 0, high: 0 },
  { cls: GENERAL, low: -5, high: -1 },
  { cls: GENERAL, low: 5, high: 7 },
  { cls: VECTOR, low: 0, high: 0 },
  { cls: VECTOR, low: 0, high: 0x3ff80000 },
] as const;
const SLOT_OFFSET = 64;
const SLOT_COUNT = 12;

interface Move {
  readonly to: number;
  readonly from: number;
}

function nameOf(location: number, mover: Mover): string {
  if (location < 16) return NAMES[location]!;
  if (location < 32) return `xmm${location - 16}`;
  const displacement = mover.displacement(location);
  return displacement === 0 ? '[rsp]' : `[rsp+${displacement}]`;
}

/** Runs moves on symbolic contents: every place first holds its own name. */
function simulate(code: Uint8Array): Map<string, string> {
  const state = new Map<string, string>();
  const get = (place: string): string => state.get(place) ?? place;
  for (const { text } of disassemble(code)) {
    const [, mnemonic, to, from] = /^(\w+) (.*), (.*)$/.exec(
      text
        .replace(/qword ptr /g, '')
        .replace(/ \+ (0x)?([0-9a-f]+)\]/g, (_, x: string, n: string) => `+${Number.parseInt(n, x ? 16 : 10)}]`),
    )!;
    if (mnemonic === 'xor' || mnemonic === 'xorps') state.set(to!.replace(/^e/, 'r').replace(/d$/, ''), 'constant');
    else if (/^-?\d|^0x|rip/.test(from!)) state.set(to!.replace(/^e/, 'r').replace(/d$/, ''), 'constant');
    else state.set(to!, get(from!));
  }
  return state;
}

it('every destination gets what its source held before', () => {
  // Values of both classes share slots, one after the other: so a cycle may lead through registers of both.
  const slots = [32, 33, 34, 43];
  const general = fc.constantFrom(0, 1, 2, 5, 12, 13, ...slots);
  const vector = fc.constantFrom(16, 17, 18, 24, ...slots);
  const outgoing = fc.constantFrom(OUTGOING, OUTGOING + 1);
  const move = (places: fc.Arbitrary<number>, constants: readonly number[]): fc.Arbitrary<Move> =>
    fc.record({
      to: fc.oneof({ weight: 9, arbitrary: places }, { weight: 1, arbitrary: outgoing }),
      from: fc.oneof(
        { weight: 9, arbitrary: places },
        { weight: 1, arbitrary: fc.constantFrom(...constants.map((i) => ~i)) },
      ),
    });
  const moves = fc.oneof(move(general, [0, 1, 2]), move(vector, [3, 4]));
  fc.assert(
    fc.property(fc.uniqueArray(moves, { selector: ({ to }) => to, maxLength: 14 }), (list) => {
      const assembler = new Assembler();
      const mover = new Mover(assembler, CONSTANTS, SLOT_OFFSET, SLOT_COUNT, new Scratch());
      for (let times = 0; times < 2; times++) {
        // The same mover again and again: it must leave nothing behind.
        assembler.reset();
        for (const { to, from } of list) mover.add(to, from);
        mover.parallel();
      }
      const after = simulate(assembler.finish());
      for (const { to, from } of list) {
        const name = nameOf(to, mover);
        expect(after.get(name) ?? name).toBe(from < 0 ? 'constant' : nameOf(from, mover));
      }
      const written = new Set([...list.map(({ to }) => nameOf(to, mover)), 'r11', 'xmm15']);
      for (const place of after.keys()) expect(written).toContain(place);
    }),
    { numRuns: 3000 },
  );
});
