// The other suites once more, with every byte array that they open handed over as a byte source in pieces of 100 bytes.
import { describe, vi } from 'vitest';
import type { ByteSource } from '../src/index.js';
import { viewing } from './sources.js';

vi.mock('../src/read/input.js', async (original) => {
  const real = await original<typeof import('../src/read/input.js')>();
  class Input extends real.Input {
    constructor(from: Uint8Array | ByteSource) {
      super(from instanceof Uint8Array ? viewing(from, 100) : from);
    }
  }
  return { ...real, Input };
});

describe('as a source', async () => {
  await import('../src/read/smf-file.test.js');
  await import('../src/validate/validate.test.js');
  await import('../src/lsmf/library.test.js');
  await import('../src/compression/compression.test.js');
  await import('../src/write/builder.test.js');
  await import('../src/note-sdn/note-sdn.test.js');
  await import('./adversarial.test.js');
  await import('./corpus.test.js');
  await import('./elf-stub.test.js');
});
