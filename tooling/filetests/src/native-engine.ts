// Machine code as an engine: all instances of a file as one unit in executable memory, called by the System V ABI.
import { type CompiledFunction, compileUnit, patchImports } from '@simple-jit/codegen';
import { bindFunction, CodeArena, type NativeTypeName, TrapError } from '@simple-jit/native-mem';
import { type ConcreteFunction, type IrValue, type Type, typeToString } from '@simple-jit/template-ir';
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

/** Compiles and installs; throws what `compileUnit` throws. */
export function nativeEngine(functions: readonly ConcreteFunction[]): Engine {
  const arena = CodeArena.default();
  const unit = compileUnit(functions);
  const block = arena.allocate(unit.code, {
    traps: unit.traps,
    relocate: (copy, address) => patchImports(unit, address, new Map(), copy),
  });
  const identity = arena.allocate(IDENTITY);
  const addressOf = bindFunction(identity.address, { params: ['ptr'], result: 'ptr' });
  const compiled = new Map(unit.functions.map((fn) => [fn.symbol, fn]));
  return {
    name: 'native',
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
    },
  };
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
