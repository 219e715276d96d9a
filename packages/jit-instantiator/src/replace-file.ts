// Changing a file so that nobody, at any moment, after any crash, sees half of it: the new bytes go to a file beside it,
// reach the disk, and take its name in one step (rename(2)); the directory is synced so that the name lasts too.
import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type ProperLockfile from 'proper-lockfile';
import type { Waiting } from './waiting.js';

/** A lock whose holder has not touched it for so long is a dead process's. The holder touches it every half of that. */
const STALE_LOCK_MS = 10_000;

/**
 * Runs `change` while no other process of ours changes the same file. The lock is the directory `<path>.lock`.
 *
 * @param path of a file, links resolved; it need not exist
 * @param timeout milliseconds to wait for another holder
 * @throws Error `ELOCKED` after that; or what the file system says, where no lock can be made
 */
export function* withFileLock<T>(path: string, timeout: number, change: () => T): Waiting<T> {
  // Loaded at the first write: a process that only reads should not pay for it at its start.
  const lockfile = createRequire(import.meta.url)('proper-lockfile') as typeof ProperLockfile;
  const deadline = Date.now() + timeout;
  let release: (() => void) | undefined;
  while (release === undefined) {
    try {
      release = lockfile.lockSync(path, { stale: STALE_LOCK_MS, realpath: false });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED' || Date.now() >= deadline) throw error;
      yield;
    }
  }
  try {
    return change();
  } finally {
    release();
  }
}

/**
 * Reads a whole regular file. A FIFO that took its place would block for ever, a device might never end.
 * @returns the content, and fstat(2) of the very descriptor that it was read from
 * @throws Error `EINVAL` for anything but a regular file, or that of node:fs
 */
export function readRegularFile(path: string): { bytes: Uint8Array; stat: BigIntStats } {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file, { bigint: true });
    if (!stat.isFile())
      throw Object.assign(new Error(`${path} is not a regular file any more`), { code: 'EINVAL', path });
    return { bytes: readFileSync(file), stat };
  } finally {
    closeSync(file);
  }
}

/** Owner and permissions. */
export interface FileAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Replaces the file's content; owner and permissions stay. Call it under {@link withFileLock}: what a killed writer left
 * behind is swept up here.
 *
 * @param attributes those of the present file, unless given: then there need be none
 * @throws Error of node:fs (`ENOSPC`, `EACCES`, `EROFS`, …); the file is as it was
 */
export function replaceFile(
  path: string,
  bytes: Uint8Array,
  { mode, uid, gid }: FileAttributes = statSync(path),
): void {
  const directory = dirname(path);
  const prefix = `.${basename(path)}.`;
  for (const name of readdirSync(directory)) {
    // The process number and nothing else between: `.lib.smf.1.jit-tmp` is not one of `lib`.
    if (name.startsWith(prefix) && /^\d+\.jit-tmp$/.test(name.slice(prefix.length)))
      rmSync(join(directory, name), { force: true });
  }
  const temporary = join(directory, `${prefix}${process.pid}.jit-tmp`);
  const file = openSync(temporary, 'wx', 0o600);
  try {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      if (process.getuid?.() !== uid || process.getgid?.() !== gid) fchownSync(file, uid, gid);
      fchmodSync(file, mode & 0o7777);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true }); // gone already if our lock expired meanwhile: the first error is the one to tell
    throw error;
  }
  syncDirectory(directory);
}

function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
