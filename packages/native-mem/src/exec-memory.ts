// Executable memory by address, as in the reference guide. Most users want CodeArena and bindFunction instead.
import { binding } from './binding.js';

/**
 * Memory that is executable at once and is written through {@link writeExecMemory}; filled with trap instructions until
 * then. No page of it is ever writable. It lives until {@link freeExecMemory}, or until the thread ends.
 *
 * @param size in bytes, at least 1
 * @throws NativeMemError `ENOMEM`, `ERR_EXEC_MEMORY_REFUSED`; RangeError for a size that can't be
 */
export function allocExecMemory(size: number): bigint {
  return binding.allocExecMemory(size);
}

/** Zeroed memory that can be written, and later turned executable by {@link makeExecutable}. */
export function allocRwMemory(size: number): bigint {
  return binding.allocRwMemory(size);
}

/**
 * Copies code into memory of {@link allocExecMemory}, or of {@link allocRwMemory} until it was made executable.
 * Returns the number of bytes written.
 * @throws NativeMemError `ERR_NOT_MAPPED`, `ERR_OUT_OF_BOUNDS`, `EACCES` (already executable)
 * @example
 * const address = allocExecMemory(8);
 * writeExecMemory(address, Uint8Array.of(0x48, 0xc7, 0xc0, 0x2a, 0, 0, 0, 0xc3)); // mov rax, 42; ret
 * callFunction0(address); // 42n
 * freeExecMemory(address, 8);
 */
export function writeExecMemory(address: bigint, code: Uint8Array, offset = 0): number {
  return binding.writeExecMemory(address, code, offset);
}

/** Turns memory of {@link allocRwMemory} from writable to executable. Both values must be those of the allocation. */
export function makeExecutable(address: bigint, size: number): boolean {
  return binding.makeExecutable(address, size);
}

/** Makes written code visible to execution. Our own writes do this already. */
export function flushIcache(address: bigint, size: number): void {
  binding.flushIcache(address, size);
}

/** `address` itself, after a check that it is in live executable memory: `ERR_NOT_EXECUTABLE` otherwise. */
export function getFunctionPointer(address: bigint): bigint {
  return binding.getFunctionPointer(address);
}

/** Calls `int64_t f(void)`. Faults become a `TrapError`. For more types see `bindFunction`. */
export function callFunction0(fnPtr: bigint): bigint {
  return binding.callFunction(fnPtr);
}

/** Calls `int64_t f(int64_t)`. */
export function callFunction1(fnPtr: bigint, a: bigint | number): bigint {
  return binding.callFunction(fnPtr, a);
}

/** Calls `int64_t f(int64_t, int64_t)`. */
export function callFunction2(fnPtr: bigint, a: bigint | number, b: bigint | number): bigint {
  return binding.callFunction(fnPtr, a, b);
}

/**
 * Frees memory of {@link allocExecMemory} or {@link allocRwMemory}. Both values must be those of the allocation; freeing
 * twice throws `ERR_NOT_MAPPED`. Code that is running there now may finish first.
 */
export function freeExecMemory(address: bigint, size: number): boolean {
  return binding.freeExecMemory(address, size);
}

/**
 * Changes the protection of a whole region of {@link allocRwMemory} or `mmapFile` (mprotect(2)).
 * @throws NativeMemError `ERR_WRITABLE_AND_EXECUTABLE`, `ERR_NOT_MAPPED`, `ERR_OUT_OF_BOUNDS`, `EACCES`, `EINVAL`
 */
export function setProtection(address: bigint, size: number, prot: number): boolean {
  return binding.setProtection(address, size, prot);
}

/** The `PROT_` bits of the region that holds `address`. */
export function getProtection(address: bigint): number {
  return binding.getProtection(address);
}

/** Whether the region that holds `address` is executable. */
export function isExecutable(address: bigint): boolean {
  return binding.isExecutable(address);
}

/** What is allocated by {@link allocExecMemory} and {@link allocRwMemory} in the whole process, in bytes. */
export interface ExecMemoryStats {
  readonly total: number;
  readonly count: number;
  readonly executableBytes: number;
  readonly executableCount: number;
  readonly readWriteBytes: number;
  readonly readWriteCount: number;
  /** Frees that wait for a running call to end. */
  readonly pendingFrees: number;
}

/** Exact statistics of executable memory by address. Arenas have their own: `CodeArena.stats()`. */
export function execMemoryStats(): ExecMemoryStats {
  const totals = binding.execMemoryTotals();
  return {
    ...totals,
    total: totals.executableBytes + totals.readWriteBytes,
    count: totals.executableCount + totals.readWriteCount,
  };
}

/** Bytes allocated by {@link allocExecMemory} and {@link allocRwMemory}. */
export function execMemoryTotal(): number {
  return execMemoryStats().total;
}

/** Number of allocations of {@link allocExecMemory} and {@link allocRwMemory}. */
export function execMemoryCount(): number {
  return execMemoryStats().count;
}
