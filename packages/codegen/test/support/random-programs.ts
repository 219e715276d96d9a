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
  printFunction,
} from '@simple-jit/template-ir';
import {
  interpretRun,
  type Mutant,
  materialise,
  type Outcome,
  readBuffers,
  runMutant,
  sameOutcome,
  type TestProgram,
} from '@simple-jit/template-ir/testing';
import { CodegenError, type CompiledUnit, slotKeyOf } from '../../src/index.js';
import { compileWith, type InternalOptions } from '../../src/unit.js';
import { DENSE_ENTRY, DENSE_LENGTH, denseProgram } from './dense-programs.js';
import { install, type NativeUnit } from './native.js';

/** Few enough registers that most values are spilled now and then; two sets, with and without callee-saved ones. */
export const SCARCE: readonly (readonly (readonly number[])[])[] = [
  [[6, 7, 8, 3], [16, 17, 18]],
  [[0, 1, 2, 6, 9], [17, 20]],
  [[1, 3, 5, 13], [16, 30]],
]; // biome-ignore format: register numbers

/** The entry and all that it calls, each once, the entry first. What cannot be had is left out if `partly`. */
export function closureOf(
  { module, entry }: Pick<TestProgram, 'module' | 'entry'>,
  partly = false,
): ConcreteFunction[] {
  const call = instances(module);
  const found = new Map<string, ConcreteFunction>();
  const pending = [call(entry)];
  while (pending.length > 0) {
    const fn = pending.pop()!;
    if (found.has(fn.symbol)) continue;
    found.set(fn.symbol, fn);
    for (const callee of calleesOf(fn)) {
      try {
        pending.push(call(callee));
      } catch (error) {
        if (!partly) throw error;
      }
    }
  }
  return [...found.values()];
}

/**
 * Compiles what is left of a damaged program, and runs what native code must agree about. Returns how many runs it compared, or the
 * typed error of a program that cannot be compiled.
 */
export function checkMutant(mutant: Mutant, options: InternalOptions): number | CodegenError {
  const { stage, module, runs } = runMutant(mutant);
  if (stage !== 'ran') return 0;
  const functions = closureOf({ module: module!, entry: mutant.program.entry }, true);
  let compiled: CompiledUnit;
  try {
    compiled = compileWith(functions, options);
  } catch (error) {
    if (error instanceof CodegenError) return error;
    throw error;
  }
  const comparable = runs.filter((run) => run.comparable);
  if (comparable.length === 0) return 0;
  // What is missing is never reached in a run that counts: a null slot would be a trap.
  const arena = CodeArena.default();
  const slots = new Map(compiled.imports.map((needs) => [slotKeyOf(needs), arena.allocateSlot()]));
  const unit = install(compiled, new Map([...slots].map(([key, slot]) => [key, slot.address])));
  try {
    for (const { run, outcome } of comparable) {
      const found = runOnce(unit, functions[0]!.symbol, materialise(run));
      if (!sameOutcome(outcome!, found)) {
        const text = functions.map(printFunction).join('\n');
        throw new Error(
          `${text}\n${JSON.stringify(run, (_, value) => (typeof value === 'bigint' ? `${value}` : value))}\n` +
            `interpreted: ${outcomeToString(outcome!)}\nnative:      ${outcomeToString(found)}`,
        );
      }
    }
    return comparable.length;
  } finally {
    unit.close();
    for (const slot of slots.values()) slot.close();
  }
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
      const offsets = one.traps.map(({ offset }) => offset);
      if (offsets.some((offset, i) => i > 0 && offset <= offsets[i - 1]!)) throw new Error(`traps at ${offsets}`);
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
