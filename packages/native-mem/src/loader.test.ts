import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { packageRoot, runScript, temporaryFolder } from '../test/support.js';
import { ADDON_VARIABLE, loadAddon, platformName } from './loader.js';

const builtAddon = process.env[ADDON_VARIABLE] || join(packageRoot, 'build/Release/native_mem.node');
const portable = process.env.SIMPLE_JIT_NATIVE_MEM_VARIANT === 'portable';

/** A package folder with the given files in it. */
function packageWith(files: Record<string, 'addon' | 'damaged'>): string {
  const root = `${temporaryFolder()}/`;
  for (const [name, kind] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    if (kind === 'addon') copyFileSync(builtAddon, join(root, name));
    else writeFileSync(join(root, name), 'not an addon');
  }
  return root;
}

describe('the loader', () => {
  test.each(['build/Release/native_mem.node', `prebuilds/${platformName()}/native_mem.node`])('finds %s', (path) => {
    vi.stubEnv(ADDON_VARIABLE, '');
    expect(loadAddon(packageWith({ [path]: 'addon' }))).toHaveProperty('mmapFile');
  });

  test('goes on to the next one when one is damaged', () => {
    vi.stubEnv(ADDON_VARIABLE, '');
    const root = packageWith({
      'build/Release/native_mem.node': 'damaged',
      [`prebuilds/${platformName()}/native_mem.node`]: 'addon',
    });
    expect(loadAddon(root)).toHaveProperty('mmapFile');
  });

  test('says what to do when there is none', () => {
    vi.stubEnv(ADDON_VARIABLE, '');
    const root = packageWith({});
    expect(() => loadAddon(root)).toThrow(
      expect.objectContaining({
        name: 'NativeMemError',
        code: 'ERR_ADDON_NOT_FOUND',
        message: expect.stringMatching(
          new RegExp(`no addon for ${platformName()}.*cd ${root} && npm install.*npx cmake-js build`),
        ),
      }),
    );
  });

  test('says what to do when it is damaged', () => {
    vi.stubEnv(ADDON_VARIABLE, '');
    const root = packageWith({ 'build/Release/native_mem.node': 'damaged' });
    expect(() => loadAddon(root)).toThrow(
      expect.objectContaining({
        code: 'ERR_ADDON_NOT_LOADABLE',
        path: `${root}build/Release/native_mem.node`,
        message: expect.stringMatching(/too short|invalid ELF.*npx cmake-js build/s),
        cause: expect.any(Error),
      }),
    );
  });

  test('takes the addon that the environment names', () => {
    const { stdout, status } = runScript('console.log(nm.pageSize())', { env: { [ADDON_VARIABLE]: '/nowhere.node' } });
    expect([status, stdout]).toEqual([1, '']);
    vi.stubEnv(ADDON_VARIABLE, builtAddon);
    expect(loadAddon(packageWith({}))).toHaveProperty('mmapFile');
  });
});

test.skipIf(portable)('gives each copy of this package in a thread its own errors, lazy slots and functions', () => {
  const dist = new URL('../dist/index.js?copy', import.meta.url).href;
  const { stdout, stderr } = runScript(`
    const copies = [nm, await import('${dist}')];
    const made = copies.map(({ CodeArena, bindFunction, TrapError }) => {
      const arena = new CodeArena({ reserve: 2 ** 20 });
      const target = arena.allocate(machineCode('divI32'), { name: 'divide' });
      const slot = arena.allocateLazySlot(() => target.address);
      const veneer = arena.allocate(machineCode('jumpSlot'), {
        relocate: (copy, address) => new DataView(copy.buffer).setInt32(2, Number(slot.address - (address + 6n)), true),
      });
      const divide = bindFunction(veneer.address, { params: ['i32', 'i32'], result: 'i32' });
      return { arena, divide, TrapError };
    });
    for (const { divide, TrapError } of made) {
      try { divide(1, 0); } catch (error) { console.log(divide(84, 2), error instanceof TrapError, error.symbol); }
    }
    made[0].arena.close();
    try { made[0].divide(1, 1); } catch (error) { console.log(error instanceof nm.NativeMemError, error.code); }
    console.log(made[1].divide(9, 3));`);
  expect(stderr).toBe('');
  expect(stdout).toBe('42 true divide\n42 true divide\ntrue ERR_CODE_FREED\n3\n');
});
