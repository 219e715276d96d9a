import { expect, it } from 'vitest';
import { disassemble } from '../test/support/disassembler.js';
import { Frame } from './frame.js';
import { Assembler } from './x64/assembler.js';
import { CALLEE_SAVED } from './x64/registers.js';

it('keeps rsp a multiple of 16 at calls', () => {
  for (let saved = 0; saved <= CALLEE_SAVED.length; saved++) {
    for (let slots = 0; slots < 4; slots++) {
      for (const outgoing of [0, 8, 16, 24]) {
        const frame = new Frame('fn$f', outgoing, slots, CALLEE_SAVED.slice(0, saved), true);
        expect((8 + saved * 8 + frame.size) % 16).toBe(0);
        expect(frame.size).toBeGreaterThanOrEqual(outgoing + slots * 8);
      }
    }
  }
});

/** How deep the stack is after the prologue, and the largest step between two accesses to it (the next call's push included). */
function walk(frame: Frame): { depth: number; largestStep: number } {
  const assembler = new Assembler();
  assembler.beginFunction(0);
  frame.prologue(assembler);
  assembler.endFunction();
  const lines = disassemble(assembler.finish());
  let [depth, touched, largestStep, counter] = [0, 0, 0, 0];
  const touch = (at: number): void => {
    largestStep = Math.max(largestStep, at - touched);
    touched = at;
  };
  for (let i = 0; i < lines.length; i++) {
    const { text } = lines[i]!;
    const number = Number(/(0x)?[0-9a-f]+$/.exec(text)?.[0] ?? 0);
    if (text.startsWith('push')) {
      depth += 8;
      touch(depth);
    } else if (text.startsWith('sub rsp')) depth += number;
    else if (text.startsWith('test')) touch(depth);
    else if (text.startsWith('mov r11')) counter = number;
    else if (text.startsWith('sub r11')) counter -= number;
    else if (text.startsWith('jne')) {
      if (counter > 0) i = lines.findIndex(({ offset }) => offset === number) - 1;
    } else throw new Error(`unexpected in a prologue: ${text}`);
  }
  touch(depth + 8);
  return { depth, largestStep };
}

it.each([0, 1, 100, 500, 503, 504, 505, 511, 512, 513, 1500, 2560, 5000, 100_000])(
  'with %i slots leaves no page untouched',
  (slots) => {
    const frame = new Frame('fn$f', 0, slots, CALLEE_SAVED, true);
    const { depth, largestStep } = walk(frame);
    expect(depth).toBe(frame.size + CALLEE_SAVED.length * 8);
    expect(largestStep).toBeLessThanOrEqual(4096); // no step over a guard page
  },
);
