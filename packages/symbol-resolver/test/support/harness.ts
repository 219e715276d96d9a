// What the tests of this package share: a folder and an arena of their own, signatures, and a way to look at errors.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodeArena } from '@simple-jit/native-mem';
import { afterAll, beforeAll } from 'vitest';

process.env.XDG_CACHE_HOME = '/nowhere'; // no results that this user's programs left

export const I32 = { params: [], result: 'i32' } as const;
export const I64 = { params: [], result: 'i64:number' } as const;
export const I64_I64 = { params: ['i64:number'], result: 'i64:number' } as const;
export const I64_I64_I64 = { params: ['i64:number', 'i64:number'], result: 'i64:number' } as const;

/** How often a property is tried: FUZZ_RUNS times for a long run. */
export const runs = (usual: number): number => Number(process.env.FUZZ_RUNS ?? usual);

/** What the action throws. */
export function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** A folder for files, and memory for code, in which nothing else is. */
export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'symbol-resolver-'));
  readonly arena = new CodeArena({ reserve: 2 ** 26 });

  /** A new file of that name, so that it is another version for everybody; with these permissions, whatever the umask. */
  write(name: string, bytes: Uint8Array, mode = 0o644): string {
    const path = join(this.folder, name);
    rmSync(path, { force: true });
    const mask = process.umask(0);
    try {
      writeFileSync(path, bytes, { mode });
    } finally {
      process.umask(mask);
    }
    return path;
  }

  close(): void {
    this.arena.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** One place for all tests of a file. */
export function sharedPlace(): () => Place {
  let place: Place;
  beforeAll(() => {
    place = new Place();
  });
  afterAll(() => place.close());
  return () => place;
}
