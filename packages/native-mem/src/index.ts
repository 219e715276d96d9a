// @simple-jit/native-mem: mapped files, executable memory that is never writable, and guarded native calls.

export {
  type BoundFunction,
  bindFunction,
  type NativePointer,
  type NativeSignature,
  type NativeTypeName,
} from './bind-function.js';
export {
  CodeArena,
  type CodeArenaOptions,
  type CodeArenaStats,
  type CodeBacking,
  type CodeOptions,
  type DataOptions,
  findCode,
} from './code-arena.js';
export { CodeBlock } from './code-block.js';
export {
  MADV_DONTNEED,
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_EXEC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
} from './constants.js';
export { type CpuFeature, cpuFeatures } from './cpu-features.js';
export { DataBlock } from './data-block.js';
export {
  NativeMemError,
  type NativeMemErrorDetails,
  TrapError,
  type TrapErrorDetails,
  type TrapKind,
} from './errors.js';
export {
  allocExecMemory,
  allocRwMemory,
  callFunction0,
  callFunction1,
  callFunction2,
  type ExecMemoryStats,
  execMemoryCount,
  execMemoryStats,
  execMemoryTotal,
  flushIcache,
  freeExecMemory,
  getFunctionPointer,
  getProtection,
  isExecutable,
  makeExecutable,
  setProtection,
  writeExecMemory,
} from './exec-memory.js';
export { ImportSlot } from './import-slot.js';
export type { SlotResolver } from './lazy-slots.js';
export { type FileIdentity, MappedFile, type MappedFileOptions, mappedFileTotals } from './mapped-file.js';
export {
  fileSizeForMmap,
  type Mapping,
  madvise,
  mlock,
  mmapFile,
  mmapReadBytes,
  mmapReadString,
  msync,
  munlock,
  munmap,
  pageSize,
} from './mapping.js';
export { disableGdbInterface, disablePerfMap, enableGdbInterface, enablePerfMap, perfMapPath } from './observe.js';
export { processSymbol } from './process-symbol.js';
