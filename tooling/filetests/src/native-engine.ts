// Machine code as an engine: all instances of a file as one unit in executable memory, called by the System V ABI.
import {
  CodegenError,
  type CompiledFunction,
  type CompiledImport,
  type CompiledUnit,
  compileUnit,
  patchImports,
  slotKeyOf,
} from '@simple-jit/codegen';
import {
  bindFunction,
  CodeArena,
  cpuFeatures,
  type NativeTypeName,
  processSymbol,
  TrapError,
} from '@simple-jit/native-mem';
import { type ConcreteFunction, type IrValue, type Type, typeToString } from '@simple-jit/template-ir';
import { DirectiveError } from './directives.js';
import type { Engine, Placement } from './engine.js';

/** Bytes before and after each buffer that nothing may change. */
const GUARD = 64;
const GUARD_BYTE = 0xa5;

/** mov rax, rdi; ret: tells the address of an ArrayBuffer. */
const IDENTITY = Uint8Array.of(0x48, 0x89, 0xf8, 0xc3);

class NativePlacement implements Placement {
  readonly #buffers = new Map<string, { readonly address: bigint; readonly all: Uint8Array }>();

  constructor(sizes: ReadonlyMap<string, number>, addressOf: (memory: ArrayBuffer) => bigint) {
    for (const [name, size] of sizes) {
      const memory = new ArrayBuffer(size + 2 * GUARD);
      const all = new Uint8Array(memory).fill(GUARD_BYTE);
      this.#buffers.set(name, { address: addressOf(memory) + BigInt(GUARD), all });
    }
  }

  addressOf(buffer: string): bigint | undefined {
    return this.#buffers.get(buffer)?.address;
  }

  bytesOf(buffer: string): Uint8Array {
    const { all } = this.#buffers.get(buffer)!;
    return all.subarray(GUARD, all.length - GUARD);
  }

  damaged(): string | undefined {
    for (const [name, { all }] of this.#buffers) {
      const guards = [...all.subarray(0, GUARD), ...all.subarray(all.length - GUARD)];
      if (guards.some((byte) => byte !== GUARD_BYTE)) return name;
    }
    return undefined;
  }
}

/**
 * One for the processor at hand, with all that it offers, and one for any x86-64 processor: without the operations that the
 * baseline does not have, both must give the same. `externs`: the C symbols that the code may call.
 */
export function* nativeEngines(functions: readonly ConcreteFunction[], externs: readonly string[]): Generator<Engine> {
  yield nativeEngine('native', compileUnit(functions, { cpuFeatures: new Set(cpuFeatures()) }), externs);
  const baseline = compileBaseline(functions);
  if (baseline !== undefined) yield nativeEngine('baseline', baseline, externs);
}

function compileBaseline(functions: readonly ConcreteFunction[]): CompiledUnit | undefined {
  try {
    return compileUnit(functions);
  } catch (error) {
    if (error instanceof CodegenError && error.code === 'ERR_CPU_FEATURE') return undefined;
    throw error;
  }
}

function nativeEngine(name: string, unit: CompiledUnit, externs: readonly string[]): Engine {
  const arena = CodeArena.default();
  const compiled = new Map(unit.functions.map((fn) => [fn.symbol, fn]));
  const slots = unit.imports.map((needs) => ({ needs, slot: arena.allocateSlot(0n) }));
  const block = arena.allocate(unit.code, {
    traps: unit.traps,
    relocate: (copy, address) =>
      patchImports(unit, address, new Map(slots.map(({ needs, slot }) => [slotKeyOf(needs), slot.address])), copy),
  });
  for (const { needs, slot } of slots) slot.target = targetOf(needs, block.address, compiled, externs);
  const identity = arena.allocate(IDENTITY);
  const addressOf = bindFunction(identity.address, { params: ['ptr'], result: 'ptr' });
  return {
    name,
    place: (sizes) => new NativePlacement(sizes, addressOf),
    call(symbol, args) {
      try {
        return { value: callNative(block.address, compiled.get(symbol)!, args) };
      } catch (error) {
        if (error instanceof TrapError) return { trap: error.kind };
        throw error;
      }
    },
    close() {
      block.close();
      identity.close();
      for (const { slot } of slots) slot.close();
    },
  };
}

function targetOf(
  { kind, symbol }: CompiledImport,
  start: bigint,
  compiled: ReadonlyMap<string, CompiledFunction>,
  externs: readonly string[],
): bigint {
  if (kind === 'external') {
    const address = externs.includes(symbol) ? processSymbol(symbol) : undefined;
    if (address === undefined)
      throw new DirectiveError(`the C symbol ${symbol} is not allowed: say \`extern: ${symbol}\``);
    return address;
  }
  const fn = compiled.get(symbol);
  if (fn === undefined) throw new DirectiveError(`the unit needs ${symbol}, and does not hold it`);
  return start + BigInt(fn.offset);
}

function callNative(
  start: bigint,
  { offset, signature }: CompiledFunction,
  args: readonly IrValue[],
): IrValue | undefined {
  const { params, result } = signature;
  const call = bindFunction(start + BigInt(offset), {
    params: params.map(nativeType),
    result: result === undefined ? 'void' : nativeType(result),
  }) as (...args: unknown[]) => unknown;
  const value = call(...args.map((arg, i) => (isNarrowInteger(params[i]!) ? Number(arg) : arg)));
  return typeof value === 'number' && isNarrowInteger(result!) ? BigInt(value) : (value as IrValue | undefined);
}

function isNarrowInteger(type: Type): boolean {
  return type.kind === 'scalar' && /^[iu](8|16|32)$/.test(type.name);
}

function nativeType(type: Type): NativeTypeName {
  return (type.kind === 'scalar' ? typeToString(type) : 'ptr') as NativeTypeName;
}
