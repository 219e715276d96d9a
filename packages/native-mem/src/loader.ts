// Finds native_mem.node: the prebuilt one of this platform, or the one in the local build folder. Says what to do when
// there is none.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { NativeMemError } from './errors.js';

const packageRoot = fileURLToPath(new URL('..', import.meta.url));

/** The environment variable that names an addon file to load instead (for sanitizer builds and debugging). */
export const ADDON_VARIABLE = 'SIMPLE_JIT_NATIVE_MEM';

/** `linux-x64`, or `linux-x64-musl` on systems without glibc. */
function platformName(): string {
  const header = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  const musl = process.platform === 'linux' && header?.header?.glibcVersionRuntime === undefined;
  return `${process.platform}-${process.arch}${musl ? '-musl' : ''}`;
}

function candidates(): string[] {
  const chosen = process.env[ADDON_VARIABLE];
  if (chosen !== undefined && chosen !== '') return [chosen];
  return [
    `${packageRoot}build/Release/native_mem.node`,
    `${packageRoot}build/Debug/native_mem.node`,
    `${packageRoot}prebuilds/${platformName()}/native_mem.node`,
  ];
}

/** Loads the addon; throws `ERR_UNSUPPORTED`, `ERR_ADDON_NOT_FOUND` or `ERR_ADDON_NOT_LOADABLE` with the way to fix it. */
export function loadAddon(): unknown {
  if (process.platform === 'win32') {
    throw new NativeMemError(
      '@simple-jit/native-mem does not support Windows yet. Use it on Linux (x86-64 for native code), for example in WSL 2.',
      { code: 'ERR_UNSUPPORTED' },
    );
  }
  const tried = candidates();
  const require = createRequire(import.meta.url);
  const file = tried.find((path) => existsSync(path));
  const build =
    'Build it with a C++17 compiler and CMake 3.15 or later: ' +
    `\`npm install --no-save cmake-js node-addon-api node-api-headers && npx cmake-js build\` in ${packageRoot}`;
  if (file === undefined) {
    throw new NativeMemError(
      `There is no addon of @simple-jit/native-mem for ${platformName()} (looked at ${tried.join(', ')}). ${build}`,
      { code: 'ERR_ADDON_NOT_FOUND' },
    );
  }
  try {
    return require(file);
  } catch (error) {
    throw new NativeMemError(
      `The addon ${file} can't be loaded on ${platformName()} with Node ${process.version}: ${(error as Error).message}. ${build}`,
      { code: 'ERR_ADDON_NOT_LOADABLE', path: file },
      { cause: error },
    );
  }
}
