// Where a program traps: the trap table and the line table lead from the native fault to the very statement that traps in the
// interpreter.
import { TrapError } from '@simple-jit/native-mem';
import {
  type ConcreteFunction,
  IrTrapError,
  instances,
  interpret,
  LinearMemory,
  lineTable,
} from '@simple-jit/template-ir';
import { arbitraryProgram, materialise, type TestArgument, type TestProgram } from '@simple-jit/template-ir/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compileUnit } from '../src/index.js';
import { HOST_FEATURES } from './support/host-features.js';
import { install } from './support/native.js';
import { closureOf } from './support/random-programs.js';

/** The trap in the interpreter, if it is of a kind that native code makes on purpose. */
function interpretedTrap({ module, entry }: TestProgram, run: readonly TestArgument[]): IrTrapError | undefined {
  const memory = new LinearMemory();
  const args = materialise(run).map((arg) => (typeof arg === 'object' ? memory.map(arg) : arg));
  const call = instances(module);
  try {
    interpret(call(entry), args, { memory, call });
  } catch (error) {
    if (!(error instanceof IrTrapError)) throw error;
    return error.kind === 'memory' || error.kind === 'stack-overflow' ? undefined : error;
  }
  return undefined;
}

/** The line of the statement in `printFunction(fn)`. */
function lineOf(fn: ConcreteFunction, { block, instruction }: IrTrapError): number {
  const { instructions, terminator } =
    lineTable(fn)[fn.blocks.findIndex(({ name }, b) => (name ?? `%${b}`) === block)]!;
  return instructions[instruction] ?? terminator;
}

it('is the same statement natively and interpreted', () => {
  let compared = 0;
  const property = fc.property(arbitraryProgram(), (program) => {
    const traps = program.runs.map((run) => [run, interpretedTrap(program, run)] as const);
    if (traps.every(([, trap]) => trap === undefined)) return;
    const functions = closureOf(program);
    const unit = compileUnit(functions, { cpuFeatures: HOST_FEATURES, lines: true });
    const native = install(unit);
    try {
      for (const [run, expected] of traps) {
        if (expected === undefined) continue;
        let trap: unknown;
        try {
          native.call(functions[0]!.symbol, materialise(run));
        } catch (error) {
          trap = error;
        }
        expect(trap).toBeInstanceOf(TrapError);
        const { offset } = trap as TrapError;
        expect(unit.traps).toContainEqual({ offset, kind: expected.kind });
        const fn = functions[unit.functions.findLastIndex((each) => each.offset <= offset!)]!;
        const { line } = unit.lines.findLast((each) => each.offset <= offset!)!;
        expect([fn.symbol, line]).toEqual([expected.function, lineOf(fn, expected)]);
        compared++;
      }
    } finally {
      native.close();
    }
  });
  fc.assert(property, { numRuns: 600, seed: 20261122 });
  expect(compared).toBeGreaterThan(30);
});
