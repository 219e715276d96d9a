// The algorithms as a user has them: assembled into a library file, instantiated by name and types, native or interpreted.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSuccess, JitInstantiator } from '@simple-jit/jit-instantiator';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';
import { afterAll, beforeAll } from 'vitest';

export type Mode = 'native' | 'interpret';
export const MODES: readonly Mode[] = ['native', 'interpret'];

/** Any function of a library; 64-bit integers and addresses are bigint. */
export type Instance = (...args: readonly unknown[]) => unknown;

/** Gives instances of the templates in `examples/algorithms/<name>.tir`, for as long as the tests of this file run. */
export function useLibrary(
  name: string,
  mode: Mode,
  externals: readonly string[] = [],
): (template: string, types?: string) => Instance {
  let folder: string;
  let jit: JitInstantiator;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'algorithms-'));
    const source = readFileSync(new URL(`../../../examples/algorithms/${name}.tir`, import.meta.url), 'utf8');
    const library = join(folder, `${name}.smf`);
    writeFileSync(library, assembleLibrary(source, { path: `${name}.tir` }), { mode: 0o644 });
    jit = new JitInstantiator({ mode, externals, updateSmf: false });
    jit.loadSmfMetadata(library);
  });
  afterAll(() => {
    jit.close();
    rmSync(folder, { recursive: true });
  });
  return (template, types = '') => {
    const result = jit.instantiate(template, types);
    if (!isSuccess(result)) throw new Error(`${template}<${types}>: ${JSON.stringify(result)}`);
    return jit.callable(result.symbol) as Instance;
  };
}
