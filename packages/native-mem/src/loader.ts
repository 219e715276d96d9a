// Finds native_mem.node: the one in the local build folder, or the prebuilt one of this platform that the package
// carries. No install script is needed for either. Says what to do when there is none.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NativeMemError } from './errors.js';

/** The environment variable that names an addon file to load instead (for sanitizer builds and debugging). */
export const ADDON_VARIABLE = 'SIMPLE_JIT_NATIVE_MEM';

/** `linux-x64` and the like; `linux-x64-musl` on systems without glibc. */
export function platformName(): string {
  if (process.platform !== 'linux') return `${process.platform}-${process.arch}`;
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  const musl = report?.header?.glibcVersionRuntime === undefined;
  return `linux-${process.arch}${musl ? '-musl' : ''}`;
}

function candidates(root: string): string[] {
  const chosen = process.env[ADDON_VARIABLE];
  if (chosen !== undefined && chosen !== '') return [chosen];
  // Both C libraries are tried: finding out which one is here takes longer than the failure of the wrong one.
  const platform = `${process.platform}-${process.arch}`;
  return [
    'build/Release',
    `prebuilds/${platform}`,
    ...(process.platform === 'linux' ? [`prebuilds/${platform}-musl`] : []),
  ].map((folder) => `${root}${folder}/native_mem.node`);
}

function howToBuild(root: string): string {
  return (
    'Build it there with a C++17 compiler and CMake 3.15 or later: ' +
    `cd ${root} && npm install --no-save cmake-js node-addon-api node-api-headers && npx cmake-js build`
  );
}

/**
 * Loads the addon.
 * @param root the folder of the package, with a slash at the end
 * @throws NativeMemError `ERR_UNSUPPORTED`, `ERR_ADDON_NOT_FOUND`, `ERR_ADDON_NOT_LOADABLE`, each with the way to fix it
 */
export function loadAddon(root = fileURLToPath(new URL('..', import.meta.url))): unknown {
  if (process.platform === 'win32') {
    throw new NativeMemError(
      '@simple-jit/native-mem does not support Windows yet. Use it on Linux (x86-64 for native code), for example in WSL 2.',
      { code: 'ERR_UNSUPPORTED' },
    );
  }
  const failures: { path: string; error: Error }[] = [];
  const paths = candidates(root);
  for (const path of paths) {
    if (!existsSync(path)) continue;
    try {
      // Not `require`, which gives the same exports to every copy of this package in a thread: the error classes and the lazy
      // slots of the first copy would be lost to the second one.
      const loaded = { exports: {} };
      process.dlopen(loaded, path);
      return loaded.exports;
    } catch (error) {
      failures.push({ path, error: error as Error });
    }
  }
  const first = failures[0];
  if (first === undefined) {
    throw new NativeMemError(
      `@simple-jit/native-mem has no addon for ${platformName()} (looked at ${paths.join(', ')}). ${howToBuild(root)}`,
      { code: 'ERR_ADDON_NOT_FOUND' },
    );
  }
  throw new NativeMemError(
    `The addon of @simple-jit/native-mem can't be loaded on ${platformName()} with Node ${process.version}: ` +
      `${failures.map(({ path, error }) => `${path}: ${error.message}`).join('; ')}. ${howToBuild(root)}`,
    { code: 'ERR_ADDON_NOT_LOADABLE', path: first.path },
    { cause: first.error },
  );
}
