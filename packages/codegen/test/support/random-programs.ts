// The property that holds it all together: a random program does natively what the interpreter does.
import { CodeArena, type ImportSlot, processSymbol, TrapError } from '@simple-jit/native-mem';
import {
  type ConcreteFunction,
  calleesOf,
  IrTrapError,
  type IrValue,
  instances,
  interpret,
  LinearMemory,
  parseModule,
} from '@simple-jit/template-ir';
import {
  entryOf,
  interpretRun,
  materialise,
  type Outcome,
  readBuffers,
  sameOutcome,
  type TestProgram,
} from '@simple-jit/template-ir/testing';
import { slotKeyOf } from '../../src/index.js';
import { compileWith, type InternalOptions } from '../../src/unit.js';
import { DENSE_ENTRY, DENSE_LENGTH, denseProgram } from './dense-programs.js';
import { install, type NativeUnit } from './native.js';

/** Few enough registers that most values are spilled now and then; two sets, with and without callee-saved ones. */
export const SCARCE: readonly (readonly (readonly number[])[])[] = [
  [[6, 7, 8, 3], [16, 17, 18]],
  [[0, 1, 2, 6, 9], [17, 20]],
  [[1, 3, 5, 13], [16, 30]],
]; // biome-ignore format: register numbers

/** The entry and all that it calls, each once, the entry first. */
export function closureOf(program: TestProgram): ConcreteFunction[] {
  const call = instances(program.module);
  const found = new Map<string, ConcreteFunction>();
  const pending = [entryOf(program)];
  while (pending.length > 0) {
    const fn = pending.pop()!;
    if (found.has(fn.symbol)) continue;
    found.set(fn.symbol, fn);
    for (const callee of calleesOf(fn)) pending.push(call(callee));
  }
  return [...found.values()];
}

/** Throws, with both outcomes, where native code and the interpreter disagree. `apart`: every function is a unit of its own. */
export function checkProgram(program: TestProgram, options: InternalOptions, apart: boolean): void {
  const functions = closureOf(program);
  const slots = new Map<string, ImportSlot>();
  const units: NativeUnit[] = [];
  try {
    const compiled = (apart ? functions.map((fn) => [fn]) : [functions]).map((group) => compileWith(group, options));
    const arena = CodeArena.default();
    for (const needs of compiled.flatMap((unit) => unit.imports)) {
      if (slots.has(slotKeyOf(needs))) continue;
      const address = needs.kind === 'external' ? processSymbol(needs.symbol)! : 0n;
      slots.set(slotKeyOf(needs), arena.allocateSlot(address));
    }
    const addresses = new Map([...slots].map(([key, slot]) => [key, slot.address]));
    for (const one of compiled) {
      const unit = install(one, addresses);
      units.push(unit);
      for (const { symbol, offset } of one.functions) {
        for (const kind of ['call', 'address'] as const) {
          const slot = slots.get(slotKeyOf({ kind, symbol }));
          if (slot !== undefined) slot.target = unit.address + BigInt(offset);
        }
      }
    }
    const entry = units[0]!;
    for (const run of program.runs) {
      const expected = interpretRun(program, run);
      const found = runOnce(entry, functions[0]!.symbol, materialise(run));
      if (!sameOutcome(expected, found)) {
        throw new Error(`interpreted: ${outcomeToString(expected)}\nnative:      ${outcomeToString(found)}`);
      }
    }
  } finally {
    for (const unit of units) unit.close();
    for (const slot of slots.values()) slot.close();
  }
}

function runOnce(unit: NativeUnit, symbol: string, args: (IrValue | ArrayBufferView)[]): Outcome {
  let result: IrValue | undefined;
  let trap: Outcome['trap'];
  try {
    result = unit.call(symbol, args);
  } catch (error) {
    if (!(error instanceof TrapError)) throw error;
    trap = error.kind as Outcome['trap'];
  }
  return { trap, result, buffers: readBuffers(args as Parameters<typeof readBuffers>[0]) };
}

function outcomeToString({ trap, result, buffers }: Outcome): string {
  const shown = (value: IrValue | undefined): string => (Object.is(value, -0) ? '-0' : `${value}`);
  return `${trap === undefined ? shown(result) : `trap ${trap}`}, buffers ${JSON.stringify(buffers.map((buffer) => buffer.map(shown)))}`;
}

/** The same for a program of `denseProgram`; true if it ran to its end at least once. */
export function checkDense(seed: number, size: number, options: InternalOptions): boolean {
  let ended = false;
  const module = parseModule(denseProgram(seed, size));
  const call = instances(module);
  const functions = ['dense', 'whole', 'many'].map((template) => call({ template, typeArgs: [] }));
  const native = install(compileWith(functions, options));
  try {
    for (const first of [
      [5n, 0.5, -3n, 1.25, 200n, true],
      [-(2n ** 40n), -1e10, 7n, 0, 0n, false],
    ] as const) {
      const buffers = (): [Int32Array, Float64Array] => [
        Int32Array.from({ length: DENSE_LENGTH }, (_, i) => i * i - 7),
        Float64Array.from({ length: DENSE_LENGTH }, (_, i) => i / 4 - 1),
      ];
      const args = [...first, ...buffers()];
      const interpretedArgs = [...first, ...buffers()];
      const memory = new LinearMemory();
      let expected: Outcome;
      const addresses = interpretedArgs.map((arg) => (typeof arg === 'object' ? memory.map(arg) : arg));
      try {
        const result = interpret(functions[0]!, addresses, { memory, call });
        expected = { trap: undefined, result, buffers: readBuffers(interpretedArgs) };
      } catch (error) {
        if (!(error instanceof IrTrapError)) throw error;
        expected = { trap: error.kind, result: undefined, buffers: readBuffers(interpretedArgs) };
      }
      ended ||= expected.trap === undefined;
      const found = runOnce(native, DENSE_ENTRY, args);
      if (!sameOutcome(expected, found)) {
        const program = `seed ${seed}, size ${size}`;
        throw new Error(
          `${program}\ninterpreted: ${outcomeToString(expected)}\nnative:      ${outcomeToString(found)}`,
        );
      }
    }
    return ended;
  } finally {
    native.close();
  }
}
