// The addon as built for a platform without guarded calls. Runs by `pnpm test:portable`, which builds that variant.
import { describe, expect, test } from 'vitest';
import {
  allocExecMemory,
  allocRwMemory,
  bindFunction,
  CodeArena,
  callFunction0,
  freeExecMemory,
  MAP_PRIVATE,
  MappedFile,
  makeExecutable,
  mmapFile,
  mmapReadString,
  munmap,
  PROT_EXEC,
  PROT_READ,
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
