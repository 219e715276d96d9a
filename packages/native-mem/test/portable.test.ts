// The addon as built for a platform without guarded calls. Runs by `pnpm test:portable`, which builds that variant.
import { truncateSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  allocExecMemory,
  allocRwMemory,
  bindFunction,
  CodeArena,
  callFunction0,
  cpuFeatures,
  freeExecMemory,
  MAP_PRIVATE,
  MappedFile,
  makeExecutable,
  mmapFile,
  mmapReadString,
  munmap,
  PROT_EXEC,
  PROT_READ,
  processSymbol,
  setProtection,
} from '../src/index.js';
import { temporaryFile } from './support.js';

const portable = process.env.SIMPLE_JIT_NATIVE_MEM_VARIANT === 'portable';

describe.skipIf(!portable)('without guarded calls', () => {
  test('files can be mapped and read', () => {
    const path = temporaryFile('content');
    const { address, size } = mmapFile(path, PROT_READ, MAP_PRIVATE);
    expect(mmapReadString(address, 3)).toBe('tent');
    munmap(address, size);
    using file = MappedFile.open(path);
    expect(Buffer.from(file.bytes).toString()).toBe('content');
  });

  test('a file that shrank within its last page is an error', () => {
    const path = temporaryFile('content');
    using file = MappedFile.open(path);
    truncateSync(path, 3);
    expect(() => file.bytes).toThrow(expect.objectContaining({ code: 'ERR_FILE_SHRUNK' }));
  });

  test('the process is described, the processor is not', () => {
    expect(processSymbol('strlen')).toBeTypeOf('bigint');
    expect(cpuFeatures()).toEqual([]);
  });

  test('code is refused with a word on what to do', () => {
    const memory = allocRwMemory(8);
    for (const use of [
      () => CodeArena.default(),
      () => new CodeArena(),
      () => allocExecMemory(8),
      () => makeExecutable(memory, 8),
      () => setProtection(memory, 8, PROT_READ | PROT_EXEC),
      () => callFunction0(memory),
      () => bindFunction(memory, { params: [], result: 'void' }),
    ]) {
      expect(use).toThrow(
        expect.objectContaining({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining('Use the interpreter') }),
      );
    }
    freeExecMemory(memory, 8);
  });
});
