// Modules of a library (`lib.lsm#module`): instantiated like files of their own; results live in the cache directory.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';
import { LsmfBuilder } from '@simple-jit/smf-format';
import { expect, test } from 'vitest';
import { JitInstantiator, type JitInstantiatorConfig } from '../src/index.js';
import { COLLECTIONS, call, useWorkspace } from './support.js';

const workspace = useWorkspace();
const other = 'module other\nfn one() -> i32 {\nentry:\n  return 1\n}';

function library(): string {
  const builder = new LsmfBuilder();
  builder.addModule('collections', assembleLibrary(COLLECTIONS)).addModule('other', assembleLibrary(other));
  return workspace.write('std.lsm', builder.build());
}

function use<T>(config: Partial<JitInstantiatorConfig>, action: (jit: JitInstantiator) => T): T {
  const jit = new JitInstantiator({ cacheDirectory: join(workspace.folder, 'cache'), ...config });
  try {
    return action(jit);
  } finally {
    jit.close();
  }
}

test('what is compiled for a module is found again, and the library is not changed', () => {
  const path = library();
  const before = readFileSync(path);
  use({}, (jit) => {
    jit.loadSmfMetadata(`${path}#collections`);
    jit.loadSmfMetadata(`${path}#other`);
    expect(call(jit, 'fn$sum$f64', new Float64Array([1, 2, 3]), 3n)).toBe(6);
    expect(call(jit, 'fn$one')).toBe(1);
    expect(jit.flush()).toEqual([]);
    expect(jit.stats()).toMatchObject({ compileCount: 2, pendingWrites: 0 });
  });
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(readdirSync(join(workspace.folder, 'cache')).filter((name) => name.endsWith('.smf'))).toHaveLength(2);
  use({}, (jit) => {
    jit.loadSmfMetadata(`${path}#collections`);
    expect(call(jit, 'fn$sum$f64', new Float64Array([4, 5]), 2n)).toBe(9);
    expect(jit.stats()).toMatchObject({ compileCount: 0, persisted: 1 });
  });
});

test('without a cache directory, the first result says that it will not be kept', () => {
  use({ cacheDirectory: undefined }, (jit) => {
    const path = `${library()}#other`;
    jit.loadSmfMetadata(path);
    expect(jit.tryJitInstantiate('fn$one')).toMatchObject({
      kind: 'updateFailed',
      error: expect.stringContaining('std.lsm#other is a module of a library, and libraries are not changed'),
    });
    expect(jit.flush()).toMatchObject([{ path, symbols: ['fn$one'], error: { code: 'ERR_LIBRARY_MODULE' } }]);
    expect(() => jit.close()).toThrow(/ERR_LIBRARY_MODULE|could not be written/);
  });
});
