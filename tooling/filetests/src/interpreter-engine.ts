// The interpreter as an engine. Its memory knows every buffer's exact ends.
import {
  type CalleeProvider,
  type ConcreteFunction,
  type ExternFunction,
  IrTrapError,
  interpret,
  LinearMemory,
} from '@simple-jit/template-ir';
import { guestLibrary } from '@simple-jit/template-ir/testing';
import { DirectiveError } from './directives.js';
import type { Engine, Placement } from './engine.js';

/** Far more than any file needs; a loop that does not end fails instead of hanging. */
const MAX_STEPS = 5_000_000;

class InterpreterPlacement implements Placement {
  readonly memory = new LinearMemory();
  readonly #buffers = new Map<string, { readonly address: bigint; readonly bytes: Uint8Array }>();

  constructor(sizes: ReadonlyMap<string, number>) {
    for (const [name, size] of sizes) {
      const bytes = new Uint8Array(size);
      this.#buffers.set(name, { address: this.memory.map(bytes), bytes });
    }
  }

  addressOf(buffer: string): bigint | undefined {
    return this.#buffers.get(buffer)?.address;
  }

  bytesOf(buffer: string): Uint8Array {
    return this.#buffers.get(buffer)!.bytes;
  }

  damaged(): undefined {
    return undefined;
  }
}

/** `functions` are all instances that a call may start at; `call` gives those that they call, `symbols` are those of C. */
export function interpreterEngine(
  functions: readonly ConcreteFunction[],
  call: CalleeProvider,
  symbols: readonly string[],
): Engine {
  const bySymbol = new Map(functions.map((fn) => [fn.symbol, fn]));
  return {
    name: 'interpreter',
    place: (sizes) => new InterpreterPlacement(sizes),
    call(symbol, args, placement) {
      const { memory } = placement as InterpreterPlacement;
      try {
        const library = guestLibrary(memory);
        const externs = Object.fromEntries(symbols.map((name) => [name, inLibrary(library, name)]));
        return { value: interpret(bySymbol.get(symbol)!, args, { memory, call, externs, maxSteps: MAX_STEPS }) };
      } catch (error) {
        if (error instanceof IrTrapError) return { trap: error.kind };
        throw error;
      }
    },
    close: () => {},
  };
}

function inLibrary(library: Readonly<Record<string, ExternFunction>>, symbol: string): ExternFunction {
  const found = library[symbol];
  if (found !== undefined) return found;
  throw new DirectiveError(`the interpreter has no ${symbol}; it has: ${Object.keys(library).join(' ')}`);
}
