// A folder of one's own, and the example library in it.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bindFunction } from '@simple-jit/native-mem';
import { afterEach, beforeEach, vi } from 'vitest';
import { assembleLibrary } from '../src/assemble.js';
import { isSuccess, type JitInstantiator, nativeSignature } from '../src/index.js';

export const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

/** examples/collections.tir */
export const COLLECTIONS = readFileSync(new URL('../../../examples/collections.tir', import.meta.url), 'utf8');

export interface Workspace {
  readonly folder: string;
  /** Puts a file there that everyone may read and only its owner may write, as the trust rule wants. */
  write(name: string, content: Uint8Array): string;
  /** The example library, in a file of its own. */
  library(name?: string): string;
}

/** Gives each test of the file a workspace, gone after it; with a default cache directory of its own, not the user's. */
export function useWorkspace(): Workspace {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'jit-instantiator-'));
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'user'));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  const workspace: Workspace = {
    get folder() {
      return folder;
    },
    write(name, content) {
      const path = join(folder, name);
      writeFileSync(path, content);
      chmodSync(path, 0o644); // whatever the umask
      return path;
    },
    library: (name = 'collections.smf') => workspace.write(name, assembleLibrary(COLLECTIONS)),
  };
  return workspace;
}

/** A library from template text. */
export const assemble = (text: string): Uint8Array => assembleLibrary(`module test\n${text}`);

/** Instantiates and calls. */
export function call(jit: JitInstantiator, symbol: string, ...args: unknown[]): unknown {
  const result = jit.tryJitInstantiate(symbol);
  if (!isSuccess(result))
    throw new Error(`${symbol}: ${JSON.stringify(result, (_, v) => (typeof v === 'bigint' ? `${v}` : v))}`);
  const native = bindFunction(result.address, nativeSignature(jit.signatureOf(symbol)!)) as (
    ...args: unknown[]
  ) => unknown;
  return native(...args);
}
