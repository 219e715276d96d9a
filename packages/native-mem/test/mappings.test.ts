// A process that has used up its mappings dies as soon as it needs memory; ours must end before, by an error that can be
// handled. Each in a process of its own.
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { HANGS, runScript, temporaryFile } from './support.js';

const limit = '/proc/sys/vm/max_map_count';
const most = existsSync(limit) ? Number(readFileSync(limit, 'utf8')) : Number.POSITIVE_INFINITY;
// Sanitizers take mappings and time of their own.
const ordinary = (process.env.SIMPLE_JIT_NATIVE_MEM_VARIANT ?? '') === '';

test.skipIf(!ordinary || most > 200_000).each([
  ['files', `const { address, size } = nm.mmapFile(path, 1, 2); return () => nm.munmap(address, size);`],
  ['MappedFiles', `const file = nm.MappedFile.open(path); file.view(0, 1); return () => file.close();`],
  [
    'memory by address',
    `const address = nm.allocRwMemory(9); if (i % 2) nm.makeExecutable(address, 9); return () => nm.freeExecMemory(address, 9);`,
  ],
  ['sealed data', `const data = arena.allocateData(9); if (i % 2) data.seal(); return () => data.close();`],
  ['arenas', `const own = new nm.CodeArena({ reserve: 2 ** 20, backing: ['mprotect'] }); return () => own.close();`],
])(
  'more %s than the process may have mappings are an error, and closing them helps',
  (_, make) => {
    const { stdout, stderr, status, signal } = runScript(`
    const path = ${JSON.stringify(temporaryFile('content'))};
    const arena = nm.CodeArena.default();
    const make = (i) => { ${make} };
    for (let round = 0; round < 2; round++) {
      const all = [];
      try {
        for (let i = 0; ; i++) all.push(make(i));
      } catch (error) {
        console.log(error.code, all.length > 1000);
      }
      for (const close of all) close();
    }
    make(1)();`);
    expect({ stderr, status, signal }).toEqual({ stderr: '', status: 0, signal: null });
    expect(stdout).toBe('ENOMEM true\n'.repeat(2));
  },
  HANGS,
);
