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

/** A function in executable memory. */
interface Installed {
  readonly address: bigint;
  readonly fn: CompiledFunction;
}

/**
 * Three, which must all give the same: `native` for the processor at hand, with all that it offers; `linked`, where every
 * function is a unit of its own and reaches the others through import slots; `baseline` for any x86-64 processor, left out
 * where an operation needs more. `externs`: the C symbols that the code may call. Throws what `compileUnit` throws.
 */
export function* nativeEngines(functions: readonly ConcreteFunction[], externs: readonly string[]): Generator<Engine> {
  const options = { cpuFeatures: new Set(cpuFeatures()) };
  yield nativeEngine('native', [compileUnit(functions, options)], externs);
  const units = functions.map((fn) => compileUnit([fn], options));
  yield nativeEngine('linked', units, externs);
  const baseline = compileBaseline(functions);
  if (baseline !== undefined) yield nativeEngine('baseline', [baseline], externs);
}

function compileBaseline(functions: readonly ConcreteFunction[]): CompiledUnit | undefined {
  try {
    return compileUnit(functions);
  } catch (error) {
    if (error instanceof CodegenError && error.code === 'ERR_CPU_FEATURE') return undefined;
    throw error;
  }
}

function nativeEngine(name: string, units: readonly CompiledUnit[], externs: readonly string[]): Engine {
  const arena = CodeArena.default();
  const owned: { close(): void }[] = [];
  const close = (): void => {
    for (const item of owned.splice(0)) item.close();
  };
  const own = <T extends { close(): void }>(item: T): T => {
    owned.push(item);
    return item;
  };
  try {
    const installed = new Map<string, Installed>();
    const slots = units.map((unit) => {
      const imports = unit.imports.map((needs) => ({ needs, slot: own(arena.allocateSlot(0n)) }));
      const addresses = new Map(imports.map(({ needs, slot }) => [slotKeyOf(needs), slot.address]));
      const relocate = (copy: Uint8Array, address: bigint): unknown => patchImports(unit, address, addresses, copy);
      const block = own(arena.allocate(unit.code, { traps: unit.traps, relocate }));
      for (const fn of unit.functions) installed.set(fn.symbol, { address: block.address + BigInt(fn.offset), fn });
      return imports;
    });
    for (const { needs, slot } of slots.flat()) slot.target = targetOf(needs, installed, externs);
    const identity = own(arena.allocate(IDENTITY));
    const addressOf = bindFunction(identity.address, { params: ['ptr'], result: 'ptr' });
    return {
      name,
      place: (sizes) => new NativePlacement(sizes, addressOf),
      call(symbol, args) {
        try {
          return { value: callNative(installed.get(symbol)!, args) };
        } catch (error) {
          if (error instanceof TrapError) return { trap: error.kind };
          throw error;
        }
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function targetOf(
  { kind, symbol }: CompiledImport,
  installed: ReadonlyMap<string, Installed>,
  externs: readonly string[],
): bigint {
  if (kind === 'external') {
    const address = externs.includes(symbol) ? processSymbol(symbol) : undefined;
    if (address === undefined) throw new DirectiveError(`the code may not have ${symbol}: say \`extern: ${symbol}\``);
    return address;
  }
  const target = installed.get(symbol);
  if (target === undefined) throw new DirectiveError(`the code needs ${symbol}, which no unit holds`);
  return target.address;
}

function callNative({ address, fn }: Installed, args: readonly IrValue[]): IrValue | undefined {
  const { params, result } = fn.signature;
  const call = bindFunction(address, {
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
