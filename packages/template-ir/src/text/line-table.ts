// Where the statements of a function stand in its text: what a debugger or a profile shows of compiled code.
import type { IrFunction } from '../ir.js';
import { renumber } from '../renumber.js';
import { inlineLiterals } from './inline-literals.js';
import { uniqueNames } from './print.js';

/** Line numbers of one block's statements, from 1. */
export interface BlockLines {
  /** One for each instruction; a const that stands as a literal in a statement has that statement's line. */
  readonly instructions: readonly number[];
  readonly terminator: number;
}

/**
 * For each block of a function, the lines in `printFunction(fn)` on which its statements stand; the first line has number 1.
 *
 * ```ts
 * lineTable(fn)[0]!.terminator; // printFunction(fn).split('\n')[thatNumber - 1] is the text
 * ```
 */
export function lineTable(original: IrFunction): readonly BlockLines[] {
  const fn = renumber(original); // as the printer does: it decides which of two equal names is written
  const names = uniqueNames(fn.valueNames);
  const inlined = inlineLiterals(
    fn,
    (value) => names[value] === undefined,
    (name) => name === fn.name,
  );
  let line = 1;
  return fn.blocks.map((block) => {
    line++; // the label
    const instructions = block.instructions.map((instruction) => {
      const here = line + 1;
      if (instruction.op !== 'const' || inlined[instruction.result] === 0) line = here;
      return here;
    });
    return { instructions, terminator: ++line };
  });
}
