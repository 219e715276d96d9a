// Names of installed code for profilers and debuggers, for the whole process. Off unless switched on here.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binding } from './binding.js';

/** Where perf(1) looks for the names of code that isn't in a file. */
export function perfMapPath(): string {
  return join(process.platform === 'linux' ? '/tmp' : tmpdir(), `perf-${process.pid}.map`);
}

/**
 * Writes the name and place of every code block, those that exist and those to come, to a perf map, so that `perf report`
 * and `perf script` show them. A freed block keeps its line: perf reads the file after the run.
 * See "jit-interface" in the documentation of perf.
 *
 * Call it before any code is installed: perf takes names for anonymous memory only, so arenas made from then on use
 * `mprotect` instead of a memory file, which takes a page for each block.
 *
 * @throws NativeMemError when the file can't be opened; a symbolic link is refused (`ELOOP`)
 * @example
 * enablePerfMap(); // perf record -g node app.js; perf report
 */
export function enablePerfMap(path = perfMapPath()): void {
  binding.setPerfMap(path);
}

/** Stops writing; the file stays. */
export function disablePerfMap(): void {
  binding.setPerfMap(undefined);
}

/**
 * Describes every code block to gdb, so that backtraces show names. See "JIT Compilation Interface" in the gdb manual.
 * Costs about 500 bytes a block, and more when gdb is attached.
 */
export function enableGdbInterface(): void {
  binding.setGdbInterface(true);
}

/** Takes all descriptions back. */
export function disableGdbInterface(): void {
  binding.setGdbInterface(false);
}
