// JavaScript values to the interpreter's and back: the same kinds that `bindFunction` of native-mem takes and gives.
import { type IrValue, isFloat, type Type, typeToString } from '@simple-jit/template-ir';
import type { GuestMemory } from './guest-memory.js';

/** The typed arrays that a pointer to a scalar takes. */
const ARRAYS: Readonly<Record<string, readonly string[]>> = {
  i8: ['Int8Array'],
  i16: ['Int16Array'],
  i32: ['Int32Array'],
  i64: ['BigInt64Array'],
  u8: ['Uint8Array', 'Uint8ClampedArray'],
  u16: ['Uint16Array'],
  u32: ['Uint32Array'],
  u64: ['BigUint64Array'],
  f32: ['Float32Array'],
  f64: ['Float64Array'],
  bool: ['Uint8Array', 'Uint8ClampedArray'],
};

/**
 * @param what names the argument in errors
 * @throws TypeError for a value of the wrong kind, RangeError for a number that is no integer where one is needed
 */
export function toIrValue(value: unknown, type: Type, memory: GuestMemory, what: string): IrValue {
  if (type.kind === 'ptr') return toAddress(value, type.to, memory, `${what} (${typeToString(type)})`);
  if (type.kind === 'fn') return toFunctionAddress(value, `${what} (${typeToString(type)})`);
  const wanted = jsKind(type);
  if (typeof value !== wanted)
    throw new TypeError(`${what} (${typeToString(type)}) must be a ${wanted}, not a ${typeof value}`);
  return typeof value === 'number' && !isFloat(type) ? BigInt(value) : (value as IrValue);
}

export function fromIrValue(value: IrValue | undefined, type: Type | undefined): unknown {
  return type !== undefined && typeof value === 'bigint' && jsKind(type) === 'number' ? Number(value) : value;
}

/** 64-bit integers and pointers are bigint, all other numbers are number. */
function jsKind(type: Type): 'bigint' | 'boolean' | 'number' {
  if (type.kind !== 'scalar' || type.name === 'i64' || type.name === 'u64') return 'bigint';
  return type.name === 'bool' ? 'boolean' : 'number';
}

function toFunctionAddress(value: unknown, what: string): bigint {
  if (value === null) return 0n;
  if (typeof value === 'bigint') return BigInt.asUintN(64, value);
  throw new TypeError(`${what} must be null or the address of a function, not a ${typeof value}`);
}

function toAddress(value: unknown, to: Type, memory: GuestMemory, what: string): bigint {
  if (value === null) return 0n;
  if (typeof value === 'bigint') return BigInt.asUintN(64, value);
  if (value instanceof ArrayBuffer || value instanceof DataView) return memory.addressOf(value);
  if (ArrayBuffer.isView(value)) {
    const wanted = to.kind === 'scalar' ? ARRAYS[to.name] : undefined;
    const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
    if (wanted === undefined || wanted.includes(kind)) return memory.addressOf(value);
    throw new TypeError(`${what} must be a ${wanted[0]}, not a ${kind}`);
  }
  throw new TypeError(
    `${what} must be a typed array, ArrayBuffer, DataView, null or an address, not a ${typeof value}`,
  );
}
