// libtcc, the small C compiler for compiling at run time, on the same function. Debian: libtcc-dev.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceOf } from './compile.js';

/** Times of `count` compiles in one process, in milliseconds, in order. */
export type Tcc = (count: number) => readonly number[];

/** Builds the program that measures it; undefined if there is no C compiler or no libtcc to build it with. */
export function buildTcc(folder: string): Tcc | undefined {
  const program = join(folder, 'tcc');
  const source = fileURLToPath(new URL('../../native/tcc.c', import.meta.url));
  try {
    execFileSync('cc', ['-O2', '-o', program, source, '-ltcc', '-ldl'], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    console.log(`  libtcc is left out: ${String(error).split('\n').slice(0, 3).join(' ')}`);
    return undefined;
  }
  return (count) => {
    const output = execFileSync(program, [fileURLToPath(sourceOf('soften.c')), String(count)], { encoding: 'utf8' });
    return output
      .trim()
      .split('\n')
      .map((line) => Number(line) / 1e6);
  };
}
