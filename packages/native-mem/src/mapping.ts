// Mapped files by address, as in the reference guide. Most users want MappedFile instead.
import { binding } from './binding.js';

/** Where a file was mapped. */
export interface Mapping {
  readonly address: bigint;
  /** In bytes; 0 for an empty range, whose address is valid for {@link munmap} all the same. */
  readonly size: number;
}

/**
 * Maps a regular file into memory (mmap(2)). The mapping lives until {@link munmap}, or until the thread ends.
 *
 * @param prot a combination of `PROT_READ`, `PROT_WRITE`, `PROT_EXEC`; never `PROT_WRITE` and `PROT_EXEC` together
 * @param flags `MAP_SHARED` (writes reach the file) or `MAP_PRIVATE`
 * @param offset where to start in the file, in bytes; need not be a multiple of the page size
 * @param length in bytes; 0 = to the end of the file
 * @throws NativeMemError `ENOENT`, `EACCES`, `EISDIR`, `ERR_NOT_REGULAR_FILE`, `ENODEV` (the file system can't map),
 *   `ERR_OUT_OF_BOUNDS` (the range isn't in the file), `EINVAL`, `ERR_WRITABLE_AND_EXECUTABLE`, `ENOMEM`
 *   (among others: when this package has three quarters of the mappings that the system allows the process)
 * @example
 * const { address, size } = mmapFile('app.smf', PROT_READ, MAP_PRIVATE);
 * const header = mmapReadBytes(address, size - 128, 128);
 * munmap(address, size);
 */
export function mmapFile(path: string, prot: number, flags: number, offset = 0, length = 0): Mapping {
  return binding.mmapFile(path, prot, flags, offset, length);
}

/**
 * Ends a mapping. Both values must be those that {@link mmapFile} returned.
 * @throws NativeMemError `ERR_NOT_MAPPED` (nothing is mapped there, or no longer), `ERR_OUT_OF_BOUNDS` (another size)
 */
export function munmap(address: bigint, size: number): boolean {
  return binding.munmap(address, size);
}

/**
 * A copy of bytes in a mapping (or in other live memory of ours).
 * @throws NativeMemError `ERR_NOT_MAPPED`, `ERR_OUT_OF_BOUNDS`, `EACCES` (not readable), `ERR_FILE_SHRUNK` (the file no
 *   longer has these bytes). Pages that vanish fault; for bytes behind the end of a file in its last page, which read as
 *   zeros (mmap(2)), the file is looked up by its path after the copy (stat(2)). When the path leads to another file by now,
 *   to none, or can't be looked up, only vanished pages are noticed. On overlayfs a file of a lower layer that is written to
 *   and gets shorter counts as shrunk too, though the mapping still shows the old content.
 */
export function mmapReadBytes(address: bigint, offset: number, length: number): Uint8Array<ArrayBuffer> {
  return binding.mmapReadBytes(address, offset, length);
}

/**
 * The UTF-8 text at `offset`, up to a NUL byte, `maxLength` bytes (0 = no limit) or the end of the mapping, whichever
 * comes first. Throws as {@link mmapReadBytes} does.
 */
export function mmapReadString(address: bigint, offset: number, maxLength = 0): string {
  return binding.mmapReadString(address, offset, maxLength);
}

/** Writes changes of a shared mapping back to the file (msync(2)); `isAsync` = don't wait for the disk. */
export function msync(address: bigint, size: number, isAsync = false): boolean {
  return binding.msync(address, size, isAsync);
}

/** Keeps pages in memory (mlock(2)); false when the system refuses (ulimit -l). A wrong range throws. */
export function mlock(address: bigint, size: number): boolean {
  return binding.mlock(address, size);
}

/** The reverse of {@link mlock}. */
export function munlock(address: bigint, size: number): boolean {
  return binding.munlock(address, size);
}

/** Tells the system how memory will be used (madvise(2)), by one of the `MADV_` values; false when it isn't taken. */
export function madvise(address: bigint, size: number, advice: number): boolean {
  return binding.madvise(address, size, advice);
}

/** The size in bytes of a regular file. Throws as {@link mmapFile} does. */
export function fileSizeForMmap(path: string): number {
  return binding.fileSizeForMmap(path);
}

/** The size of a memory page in bytes. */
export function pageSize(): number {
  return binding.pageSize();
}
