// The portable values of protection, mapping flags and advice; the addon translates where a platform's differ.

export const PROT_NONE = 0;
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const PROT_EXEC = 4;

export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
/** Known, and refused by {@link mmapFile}: it could overwrite live memory. */
export const MAP_FIXED = 0x10;
/** Known, and refused by {@link mmapFile}: memory without a file comes from `allocRwMemory`. */
export const MAP_ANONYMOUS = 0x20;

export const MADV_NORMAL = 0;
export const MADV_RANDOM = 1;
export const MADV_SEQUENTIAL = 2;
export const MADV_WILLNEED = 3;
export const MADV_DONTNEED = 4;
