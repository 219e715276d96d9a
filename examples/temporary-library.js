// Gives an example an SMF file of its own, made from collections.tir, in a folder that is removed when the process ends.
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';

export const folder = mkdtempSync(join(tmpdir(), 'simple-jit-example-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

const COLLECTIONS = readFileSync(new URL('collections.tir', import.meta.url), 'utf8');

/**
 * Writes a library, and returns its path. Nobody else may write it: then its machine code may run (the trust rule).
 * @param {string} source template IR text
 */
export function writeLibrary(name = 'collections.smf', source = COLLECTIONS) {
  const path = join(folder, name);
  // A file that somebody may have mapped is replaced, never changed in place.
  writeFileSync(`${path}.new`, assembleLibrary(source), { mode: 0o644 });
  renameSync(`${path}.new`, path);
  return path;
}
