// Functions in the text form, interpreted and native, compared on given arguments.
import { TrapError } from '@simple-jit/native-mem';
import {
  type ConcreteFunction,
  environmentOf,
  IrTrapError,
  type IrValue,
  interpret,
  mangle,
  parseModule,
  specialise,
  type Type,
} from '@simple-jit/template-ir';
import { expect } from 'vitest';
import { compileWith, type InternalOptions } from '../../src/unit.js';
import { install } from './native.js';
import { verifyAllocation } from './verify-allocation.js';

/** Every template of the text, for the same type arguments. */
export function functionsOf(text: string, typeArgs: readonly Type[] = []): ConcreteFunction[] {
  const module = parseModule(`module test\n${text}`);
  return module.templates.map((template) => specialise(template, typeArgs, { types: environmentOf(module.types) }));
}

/** A value, or the kind of trap. */
function outcome(run: () => IrValue | undefined): IrValue | undefined | { readonly trap: string } {
  try {
    return run();
  } catch (error) {
    if (error instanceof IrTrapError || error instanceof TrapError) return { trap: error.kind };
    throw error;
  }
}

function outcomeToString(result: ReturnType<typeof outcome>): string {
  if (typeof result === 'object') return `trap ${result.trap}`;
  return Object.is(result, -0) ? '-0' : `${result}`;
}

/** Each function of one unit (or `only` that) on each list of arguments (the first few, if it takes fewer): bit for bit, any NaN equals any NaN. */
export function agree(
  functions: readonly ConcreteFunction[],
  argLists: readonly (readonly IrValue[])[],
  options: InternalOptions = {},
  only?: string,
): void {
  const bySymbol = new Map(functions.map((fn) => [fn.symbol, fn]));
  const call = ({ template, typeArgs }: { template: string; typeArgs: readonly Type[] }) =>
    bySymbol.get(mangle(template, typeArgs))!;
  const native = install(compileWith(functions, { onAllocated: verifyAllocation, ...options }));
  try {
    const wrong: string[] = [];
    for (const fn of functions.filter(({ symbol }) => only === undefined || symbol === only)) {
      for (const args of argLists) {
        const used = args.slice(0, fn.blocks[0]!.params.length);
        const expected = outcomeToString(outcome(() => interpret(fn, used, { call })));
        const found = outcomeToString(outcome(() => native.call(fn.symbol, used)));
        if (expected !== found) wrong.push(`${fn.symbol}(${used.join(', ')}): expected ${expected}, found ${found}`);
      }
    }
    expect(wrong.slice(0, 20)).toEqual([]);
  } finally {
    native.close();
  }
}
