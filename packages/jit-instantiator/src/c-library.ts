// The C functions that interpreted code may call: those that work on memory alone. Machine code calls those of the process;
// where none can run, these do the same over the memory that the interpreter sees.
import { allocRwMemory, freeExecMemory, NativeMemError } from '@simple-jit/native-mem';
import { type ByteMemory, type ExternFunction, type IrValue, scalar } from '@simple-jit/template-ir';

/** Sizes by address. Memory belongs to the thread, as that of `malloc` belongs to the process: it outlives who asked for it. */
const allocations = new Map<bigint, number>();
const U8 = scalar('u8');

/** Whole pages, zeroed; 0n if there are none. */
function allocate(size: bigint): bigint {
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) return 0n;
  const bytes = Math.max(Number(size), 1);
  try {
    const address = allocRwMemory(bytes);
    allocations.set(address, bytes);
    return address;
  } catch (error) {
    if (error instanceof NativeMemError && error.code === 'ENOMEM') return 0n;
    throw error;
  }
}

function sizeOfAllocation(address: bigint, caller: string): number {
  const size = allocations.get(address);
  if (size === undefined) throw outside(caller, address, 'malloc did not give it, or it is free');
  return size;
}

function release(address: bigint): void {
  freeExecMemory(address, sizeOfAllocation(address, 'free'));
  allocations.delete(address);
}

/** What would be undefined in C, and most likely the end of the process, is an error here. */
function outside(caller: string, address: bigint, why = 'it is not all memory'): NativeMemError {
  return new NativeMemError(`${caller} at 0x${address.toString(16)}: ${why}`, { code: 'ERR_OUT_OF_BOUNDS', address });
}

function read(caller: string, memory: ByteMemory, address: bigint, length: bigint): Uint8Array {
  if (length === 0n) return new Uint8Array();
  const bytes = length <= 2n ** 32n ? memory.readBytes(address, Number(length)) : undefined;
  if (bytes === undefined) throw outside(caller, address);
  return bytes;
}

function write(caller: string, memory: ByteMemory, address: bigint, bytes: Uint8Array): void {
  if (bytes.length > 0 && !memory.writeBytes(address, bytes)) throw outside(caller, address);
}

type Integers = readonly bigint[];

const functions: Readonly<Record<string, (args: Integers, memory: ByteMemory) => bigint | undefined>> = {
  malloc: ([size]) => allocate(size!),
  calloc: ([count, size]) => allocate(count! * size!),
  realloc: ([address, size], memory) => {
    if (address === 0n) return allocate(size!);
    const old = BigInt(sizeOfAllocation(address!, 'realloc'));
    const grown = allocate(size!);
    if (grown === 0n) return 0n;
    write('realloc', memory, grown, read('realloc', memory, address!, old < size! ? old : size!));
    release(address!);
    return grown;
  },
  free: ([address]) => {
    if (address !== 0n) release(address!);
    return undefined;
  },
  memcpy: ([to, from, length], memory) => {
    write('memcpy', memory, to!, read('memcpy', memory, from!, length!));
    return to;
  },
  memmove: ([to, from, length], memory) => {
    write('memmove', memory, to!, read('memmove', memory, from!, length!));
    return to;
  },
  memset: ([to, byte, length], memory) => {
    const present = read('memset', memory, to!, length!);
    write('memset', memory, to!, new Uint8Array(present.length).fill(Number(byte! & 0xffn)));
    return to;
  },
  memcmp: ([left, right, length], memory) => {
    const a = read('memcmp', memory, left!, length!);
    const b = read('memcmp', memory, right!, length!);
    const at = a.findIndex((byte, i) => byte !== b[i]);
    return at < 0 ? 0n : BigInt(a[at]! - b[at]!);
  },
  strlen: ([address], memory) => {
    for (let length = 0n; ; length++) {
      const byte = memory.load(address! + length, U8);
      if (byte === undefined) throw outside('strlen', address!);
      if (byte === 0n) return length;
    }
  },
};

/** By symbol: `malloc calloc realloc free memcpy memmove memset memcmp strlen`. Source: C11, 7.22.3 and 7.24. */
export const C_LIBRARY: Readonly<Record<string, ExternFunction>> = Object.assign(
  Object.create(null) as Record<string, ExternFunction>,
  Object.fromEntries(Object.entries(functions).map(([symbol, fn]) => [symbol, guarded(symbol, fn)])),
);

/** Nothing checks what type a template believes a C function to have: other than integers and addresses would be a puzzle. */
function guarded(symbol: string, fn: (args: Integers, memory: ByteMemory) => bigint | undefined): ExternFunction {
  return (args: readonly IrValue[], memory) => {
    if (args.some((arg) => typeof arg !== 'bigint')) throw new TypeError(`${symbol} takes integers and addresses only`);
    return fn(
      (args as Integers).map((arg) => BigInt.asUintN(64, arg)),
      memory,
    );
  };
}
