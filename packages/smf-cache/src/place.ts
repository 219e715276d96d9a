// Where a path leads: to a file, or to a module of a library (`lib.lsm#module`).
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { FileIdentity } from '@simple-jit/native-mem';

/** A file, and which of its modules where it is a library. */
export interface Place {
  /** Absolute. */
  readonly file: string;
  readonly module: string | undefined;
}

/** A place, and what is there now; `onDisk` is undefined if that cannot be told, and then mapping it gives the error. */
export interface Found extends Place {
  readonly onDisk: FileIdentity | undefined;
}

const FILE_TYPE = 0o170000n;
const REGULAR = 0o100000n;

/**
 * The ways to read a path, best first: as it is, then cut at each `#`, the last one first. So a file is found whatever its
 * name, and a module whatever its library's name.
 */
export function* readings(path: string): Generator<Place, void, undefined> {
  yield { file: resolve(path), module: undefined };
  for (let at = path.lastIndexOf('#'); at > 0; at = path.lastIndexOf('#', at - 1)) {
    yield { file: resolve(path.slice(0, at)), module: path.slice(at + 1) };
  }
}

/** The first reading that leads to something: to anything as it is, to a regular file where it is cut. */
export function find(path: string): Found {
  let first: Found | undefined;
  for (const place of readings(path)) {
    const onDisk = identify(place.file);
    first ??= { ...place, onDisk };
    if (onDisk === undefined) continue;
    if (place.module === undefined || (onDisk.mode & FILE_TYPE) === REGULAR) return { ...place, onDisk };
  }
  return first!;
}

/** As it was written, but absolute: `path#module`. */
export function spell({ file, module }: Place): string {
  return module === undefined ? file : `${file}#${module}`;
}

function identify(absolute: string): FileIdentity | undefined {
  try {
    return statSync(absolute, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
