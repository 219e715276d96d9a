import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instances, lineTable, printFunction } from '../index.js';
import { arbitraryProgram } from '../testing/index.js';

describe('lineTable', () => {
  it('finds every statement in the printed text', () => {
    fc.assert(
      fc.property(arbitraryProgram(), ({ module, entry }) => {
        const concrete = instances(module)(entry);
        for (const fn of [...module.templates, concrete]) {
          const lines = printFunction(fn).split('\n');
          lineTable(fn).forEach(({ instructions, terminator }, b) => {
            const block = fn.blocks[b]!;
            const word = (line: number) =>
              lines[line - 1]!.replace(/\/\/.*/, '')
                .replace(/^.* = /, '')
                .trim()
                .split(/[ (]/)[0];
            expect(instructions.length).toBe(block.instructions.length);
            expect(word(terminator)).toBe(block.terminator.op);
            block.instructions.forEach(({ op }, i) => {
              const found = word(instructions[i]!);
              if (op !== 'const' || found === 'const') expect(found).toBe(op);
              else expect(instructions[i]).toBe(instructions[i + 1] ?? terminator); // stands in the next statement
            });
          });
        }
      }),
      { numRuns: 60 },
    );
  });
});
