// Which consts the text form writes as literals, inside of the statement that uses them: those that the parser would put
// right there again. The printer and the line table must agree about it.
import type { Instruction, IrFunction, Value } from '../ir.js';
import { operandsOf, terminatorOperands } from '../operations.js';

/** Says whether the parser knows a template's signature, and so the types of literal arguments. */
export type KnownTemplate = (name: string) => boolean;

/** For each value: 1 if it is a const that is written as a literal. `isUnnamed` tells which values are written as `%n`. */
export function inlineLiterals(fn: IrFunction, isUnnamed: (value: Value) => boolean, known: KnownTemplate): Uint8Array {
  const inlined = new Uint8Array(fn.valueTypes.length);
  const uses = countUses(fn);
  for (const { instructions, terminator } of fn.blocks) {
    /** Finds the consts right before position `at` that the parser would insert there, from the last operand to the first. */
    const inline = (at: number, operands: readonly Value[], typeFollows: (value: Value) => boolean): void => {
      let before = at - 1;
      for (let i = operands.length - 1; i >= 0; i--) {
        const candidate = instructions[before];
        const value = operands[i]!;
        if (candidate?.op !== 'const' || candidate.result !== value || uses[value] !== 1) continue;
        if (!isUnnamed(value) || !typeFollows(value)) continue;
        inlined[value] = 1;
        before--;
      }
    };
    for (let i = 1; i < instructions.length; i++) {
      const instruction = instructions[i]!;
      if (instructions[i - 1]!.op !== 'const') continue;
      inline(i, operandsOf(instruction), (value) => typeFollows(instruction, value, inlined, known));
    }
    // Every operand of a terminator has a type that follows: bool, the block parameter's, the function's result.
    if (instructions.at(-1)?.op === 'const') inline(instructions.length, terminatorOperands(terminator), () => true);
  }
  return inlined;
}

function countUses(fn: IrFunction): Int32Array {
  const uses = new Int32Array(fn.valueTypes.length);
  for (const block of fn.blocks) {
    for (const instruction of block.instructions) for (const value of operandsOf(instruction)) uses[value]!++;
    for (const value of terminatorOperands(block.terminator)) uses[value]!++;
  }
  return uses;
}

/** True if the parser knows the type of a literal in the place of `value`. */
function typeFollows(instruction: Instruction, value: Value, inlined: Uint8Array, known: KnownTemplate): boolean {
  /** One of several operands of one type: it follows from another that is written as a value. */
  const besideOneOf = (others: readonly Value[]): boolean =>
    others.some((other) => other !== value && inlined[other] === 0);
  switch (instruction.op) {
    case 'store':
      return value === instruction.value;
    case 'elem':
    case 'item':
      return value === instruction.index;
    case 'copy':
      return value === instruction.count;
    case 'fill':
      return value !== instruction.to;
    case 'bounds':
      return besideOneOf([instruction.index, instruction.length]);
    case 'fma':
      return besideOneOf([instruction.a, instruction.b, instruction.c]);
    case 'call':
      return known(instruction.callee.template);
    case 'invoke':
      return value !== instruction.target;
    case 'select':
      return value === instruction.condition || besideOneOf([instruction.left, instruction.right]);
    default:
      return 'left' in instruction && besideOneOf([instruction.left, instruction.right]);
  }
}
