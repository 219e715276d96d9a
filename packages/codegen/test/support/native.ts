// Runs compiled units for real: installs them in an arena of native-mem and calls them with the interpreter's kind of values.
import { bindFunction, CodeArena, type NativeTypeName } from '@simple-jit/native-mem';
import type { ConcreteFunction, IrValue, Type } from '@simple-jit/template-ir';
import { typeToString } from '@simple-jit/template-ir';
import { type CompiledFunction, type CompiledUnit, compileUnit, patchImports } from '../../src/index.js';

export interface NativeUnit {
  readonly unit: CompiledUnit;
  readonly address: bigint;
  /** Integers and addresses are bigint, floats number, bools boolean: as `interpret` has them. */
  call(symbol: string, args: readonly (IrValue | ArrayBufferView)[]): IrValue | undefined;
  close(): void;
}

/** Compiles and installs; `slots` gives the import slots of functions that are not in the unit. */
export function runNatively(functions: readonly ConcreteFunction[], slots = new Map<string, bigint>()): NativeUnit {
  return install(compileUnit(functions), slots);
}

export function install(unit: CompiledUnit, slots = new Map<string, bigint>()): NativeUnit {
  const block = CodeArena.default().allocate(unit.code, {
    traps: unit.traps,
    relocate: (copy, address) => patchImports(unit, address, slots, copy),
  });
  const functions = new Map(unit.functions.map((fn) => [fn.symbol, fn]));
  const bound = new Map<string, (...args: unknown[]) => unknown>();
  const bind = ({ symbol, offset, signature }: CompiledFunction): ((...args: unknown[]) => unknown) => {
    const params = signature.params.map(nativeType);
    const result = signature.result === undefined ? 'void' : nativeType(signature.result);
    const call = bindFunction(block.address + BigInt(offset), { params, result }) as (...args: unknown[]) => unknown;
    bound.set(symbol, call);
    return call;
  };
  return {
    unit,
    address: block.address,
    call(symbol, args) {
      const fn = functions.get(symbol)!;
      const call = bound.get(symbol) ?? bind(fn);
      const { params, result } = fn.signature;
      const value = call(...args.map((arg, i) => toNative(params[i]!, arg)));
      return typeof value === 'number' && isNarrowInteger(result!) ? BigInt(value) : (value as IrValue);
    },
    close: () => block.close(),
  };
}

function isNarrowInteger(type: Type): boolean {
  return type.kind === 'scalar' && /^[iu](8|16|32)$/.test(type.name);
}

function nativeType(type: Type): NativeTypeName {
  return (type.kind === 'ptr' ? 'ptr' : typeToString(type)) as NativeTypeName;
}

function toNative(type: Type, value: IrValue | ArrayBufferView): unknown {
  return isNarrowInteger(type) ? Number(value) : value;
}
