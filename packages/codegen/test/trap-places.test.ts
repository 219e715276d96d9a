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
import { compileWith } from '../src/unit.js';
import { functionsOf } from './support/agree.js';
import { HOST_FEATURES } from './support/host-features.js';
import { install } from './support/native.js';
import { closureOf, SCARCE } from './support/random-programs.js';

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

// What the processor finds out by itself is in no table, but its line is.
it.each([
  ['v = load p'],
  ['b: ptr<bool> = cast p', 'v = load b'],
  ['b: ptr<f32> = cast p', 'v = load b'],
  ['store p, 3'],
  ['store p, x'],
  ['b: ptr<f64> = cast p', 'store b, 2.5'],
  ['e = elem p, x', 'y = add x, 1', 'v = load e'],
  ['copy p, q, 3'],
  ['copy q, p, 3'],
  ['copy p, q, x'],
  ['copy q, p, x'],
  ['copy q, p, 40'],
  ['copy p, q, 4611686018427387904'],
  ['k = add x, 4611686018427387904', 'copy p, q, k'],
  ['b: ptr<u8> = cast p', 'fill b, 7, 20'],
  ['b: ptr<u8> = cast p', 'fill b, 7, x'],
])('is the same statement for a fault: %s; %s', (...statements) => {
  const [fn] = functionsOf(`
fn f(p: ptr<i64>, q: ptr<i64>, x: i64) -> i64 {
entry:
  a = mul x, 3
  jump next(a)
next(b0: i64):
  c = add b0, x
${statements.map((statement) => `  ${statement}`).join('\n')}
  d = xor c, a
  r = mul d, b0
  return r
}`);
  const memory = new LinearMemory();
  const buffer = new BigInt64Array(64);
  const outcomeOf = (run: () => unknown): unknown => {
    try {
      return run();
    } catch (error) {
      return error;
    }
  };
  const expected = outcomeOf(() => interpret(fn!, [0n, memory.map(buffer), 5n], { memory }));
  expect(expected).toMatchObject({ kind: 'memory' });
  for (const registers of [undefined, ...SCARCE]) {
    const unit = compileWith([fn!], registers === undefined ? { lines: true } : { lines: true, registers });
    const native = install(unit);
    try {
      const trap = outcomeOf(() => native.call('fn$f', [0n, buffer, 5n]));
      expect(trap).toMatchObject({ kind: 'memory' });
      const { line } = unit.lines.findLast(({ offset }) => offset <= (trap as TrapError).offset!)!;
      expect(line).toBe(lineOf(fn!, expected as IrTrapError));
    } finally {
      native.close();
    }
  }
});
