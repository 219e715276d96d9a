// All that the C++ addon exports, by the names it has there. Nothing else in this package calls the addon.
// Every function checks its arguments itself: TypeError, RangeError, or NativeMemError.
import type { CpuFeature } from './cpu-features.js';
import { NativeMemError, TrapError } from './errors.js';
import { loadAddon } from './loader.js';

export interface OpenedMapping {
  /** Names the mapping; never used twice in a process. */
  readonly serial: number;
  readonly address: bigint;
  readonly size: number;
  /** False when the bytes were read because the file system can't map. */
  readonly mapped: boolean;
  readonly stat: {
    readonly dev: bigint;
    readonly ino: bigint;
    readonly size: bigint;
    readonly mtimeNs: bigint;
    readonly mode: bigint;
    readonly uid: bigint;
  };
  /** Keeps the mapping until it is collected or the mapping is closed. */
  readonly handle: object;
}

export interface ArenaPlace {
  readonly id: number;
  readonly address: bigint;
  readonly size: number;
}

export interface RawArenaStats {
  readonly reserved: number;
  readonly committed: number;
  readonly used: number;
  readonly codeBytes: number;
  readonly blocks: number;
  readonly dataCommitted: number;
  readonly dataUsed: number;
  readonly slots: number;
  readonly lazyBytes: number;
  readonly dataBlocks: number;
  readonly dataBytes: number;
  readonly backing: 'memfd' | 'mprotect';
}

export interface FoundCode {
  readonly arena: number;
  readonly serial: number;
  readonly address: bigint;
  readonly size: number;
  readonly name: string;
  readonly offset: number;
}

export interface RawExecTotals {
  readonly executableCount: number;
  readonly executableBytes: number;
  readonly readWriteCount: number;
  readonly readWriteBytes: number;
  readonly pendingFrees: number;
}

export interface NativeBinding {
  setErrorClasses(nativeMemError: typeof NativeMemError, trapError: typeof TrapError): void;
  /**
   * What a call through an unresolved lazy slot asks; it throws unless it has an address that isn't 0. And a function that
   * does nothing, by which the addon finds out from how deep in the stack JavaScript may be called.
   */
  setLazyResolver(resolve: (arena: number, slot: bigint) => bigint, probe: () => void): void;

  mmapFile(
    path: string,
    prot: number,
    flags: number,
    offset: number,
    length: number,
  ): { address: bigint; size: number };
  munmap(address: bigint, size: number): boolean;
  mmapReadBytes(address: bigint, offset: number, length: number): Uint8Array<ArrayBuffer>;
  mmapReadString(address: bigint, offset: number, maxLength: number): string;
  msync(address: bigint, size: number, isAsync: boolean): boolean;
  mlock(address: bigint, size: number): boolean;
  munlock(address: bigint, size: number): boolean;
  madvise(address: bigint, size: number, advice: number): boolean;
  fileSizeForMmap(path: string): number;
  pageSize(): number;

  openMapping(path: string, writable: boolean, offset: number, length: number): OpenedMapping;
  /** An ArrayBuffer over part of a mapping; undefined when the mapping is closed. */
  mappingView(serial: number, offset: number, length: number): ArrayBuffer | undefined;
  closeMapping(serial: number): void;
  checkMapping(serial: number, whole: boolean): void;
  mappedFileTotals(): { readonly count: number; readonly bytes: number };

  allocExecMemory(size: number): bigint;
  allocRwMemory(size: number): bigint;
  writeExecMemory(address: bigint, code: Uint8Array, offset: number): number;
  makeExecutable(address: bigint, size: number): boolean;
  flushIcache(address: bigint, size: number): void;
  getFunctionPointer(address: bigint): bigint;
  freeExecMemory(address: bigint, size: number): boolean;
  setProtection(address: bigint, size: number, prot: number): boolean;
  getProtection(address: bigint): number;
  isExecutable(address: bigint): boolean;
  execMemoryTotals(): RawExecTotals;

  arenaDefault(): ArenaPlace;
  arenaCreate(reserve: number, backing: readonly string[] | undefined): ArenaPlace;
  arenaClose(arena: number): void;
  /**
   * A block for code; with `code` it is installed as well. The addon leaves the serial number (a double) and the address in
   * the first two values of the call slots. `traps` holds pairs of an offset and the number of a kind.
   */
  arenaReserve(
    arena: number,
    size: number,
    alignment: number,
    name: string,
    traps: Uint32Array | undefined,
    trapCount: number,
    code: Uint8Array | undefined,
  ): void;
  arenaInstall(arena: number, serial: number, code: Uint8Array): void;
  arenaFree(arena: number, serial: number): void;
  arenaBytes(arena: number, serial: number): Uint8Array<ArrayBuffer>;
  arenaFindCode(address: bigint): FoundCode | undefined;
  arenaStats(arena: number): RawArenaStats;
  slotAllocate(arena: number, target: bigint): bigint;
  slotAllocateLazy(arena: number): bigint;
  slotFree(arena: number, slot: bigint): void;
  slotSet(arena: number, slot: bigint, target: bigint): void;
  slotGet(arena: number, slot: bigint): bigint;
  dataAllocate(arena: number, size: number, alignment: number, name: string): { serial: number; address: bigint };
  dataWrite(arena: number, serial: number, bytes: Uint8Array, offset: number): void;
  dataRead(arena: number, serial: number, offset: number, length: number): Uint8Array<ArrayBuffer>;
  dataSeal(arena: number, serial: number): void;
  dataFree(arena: number, serial: number): void;

  /**
   * The function that calls all code of a signature: that code whose life and address are in the call slots. With the first
   * half of the life as it is, arguments other than pointers come from the slots, the result goes there, and `true` is
   * returned, and nothing called, when something is wrong. With its complement, arguments and result are those of the
   * function, and `this.name` is who the errors are about.
   */
  createCaller(params: readonly string[], result: string): (...args: unknown[]) => unknown;
  /** Stores the life and the address of code in the call slots; returns `name`, or that of the code when it is empty. */
  bindCode(address: bigint, name: string): string;
  cpuFeatures(): CpuFeature[];
  processSymbol(name: string): bigint | undefined;
  setPerfMap(path: string | undefined): void;
  setGdbInterface(enabled: boolean): void;

  /** The memory of src/call-slots.ts. */
  callSlots(): ArrayBuffer;
  callFunction(fnPtr: bigint, ...args: (bigint | number)[]): bigint;
}

export const binding = loadAddon() as NativeBinding;
binding.setErrorClasses(NativeMemError, TrapError);
