// Where companions live: a directory of this user's alone. Code from it will run, so it is made and checked with care.
import { lstatSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { JitError } from './errors.js';

const NAME = 'simple-jit';
const GROUP_OR_OTHERS_WRITE = 0o022;

/**
 * `$XDG_CACHE_HOME/simple-jit`, or `~/.cache/simple-jit` where that variable holds no absolute path; undefined for a user
 * without a home.
 * @see https://specifications.freedesktop.org/basedir-spec/latest/ ("all paths must be absolute; ignore others")
 */
export function defaultCacheDirectory(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const cache = environment.XDG_CACHE_HOME;
  if (cache !== undefined && isAbsolute(cache)) return join(cache, NAME);
  const home = homeDirectory();
  return isAbsolute(home) ? join(home, '.cache', NAME) : undefined;
}

/** homedir(3) throws where the user is in no list of users. */
function homeDirectory(): string {
  try {
    return homedir();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SYSTEM_ERROR') return '';
    throw error;
  }
}

/** Makes the directory (mode 0700) if need be. @throws JitError `ERR_CACHE_DIRECTORY` if it cannot be made or is not ours alone */
export function prepareCacheDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw refusal(directory, (cause as Error).message, cause);
  }
  const problem = cacheDirectoryProblem(directory);
  if (problem !== undefined) throw refusal(directory, problem);
}

/** Why nothing in the directory is to be trusted; undefined if all is well. @throws Error `ENOENT` if there is none */
export function cacheDirectoryProblem(directory: string): string | undefined {
  const { uid, mode } = lstatSync(directory);
  const user = process.geteuid?.();
  if ((mode & 0o170000) !== 0o040000) return 'it is not a directory itself (a link?)';
  if (user === undefined) return 'this platform does not say who owns it';
  if (uid !== user) return `it is owned by user ${uid}, not by this user (${user})`;
  if ((mode & GROUP_OR_OTHERS_WRITE) !== 0) {
    return `others may write it (mode ${(mode & 0o7777).toString(8).padStart(4, '0')}): chmod 700 it`;
  }
  return undefined;
}

function refusal(directory: string, problem: string, cause?: unknown): JitError {
  return new JitError('ERR_CACHE_DIRECTORY', `the cache directory ${directory} cannot be used: ${problem}`, [], cause);
}
