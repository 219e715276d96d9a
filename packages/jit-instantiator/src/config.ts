// What a JitInstantiator can be told, and what it does unless told otherwise.
import type { CodeArena } from '@simple-jit/native-mem';
import type { SmfCache } from '@simple-jit/smf-cache';
import { defaultCacheDirectory } from './cache-directory.js';
import type { SigningKey } from './signature.js';

export interface JitInstantiatorConfig {
  /** Write compiled functions back into the file whose note lists them. Default true. */
  readonly updateSmf: boolean;
  /** How deep instantiations may nest: 1 allows no template that calls another. Default 50. */
  readonly maxDepth: number;
  /** With false every symbol is `notFound`. Default true. */
  readonly enabled: boolean;
  /** One line per event to `log`. Default false. */
  readonly verbose: boolean;
  /** Where the lines of `verbose` go. Default: stderr. */
  readonly log: (line: string) => void;
  /** Milliseconds without a new instantiation until results are written back on their own; never keeps the process alive. Default 1000. */
  readonly flushDelay: number;
  /** Milliseconds to wait for another process that is writing the same file. Default 15,000: a lock that a killed
   * process left expires after 10,000. */
  readonly lockTimeout: number;
  /**
   * Where results go whose file cannot be written (see `Companions` in the README): a directory that only this user may
   * write, made at the first need. `undefined`: nowhere, the result is `updateFailed` then. Default:
   * `$XDG_CACHE_HOME/simple-jit`, or `~/.cache/simple-jit`.
   */
  readonly cacheDirectory: string | undefined;
  /** Public Ed25519 keys: a file that is signed with one (`signSmf`) is trusted, whoever owns it. Default: none. */
  readonly trustedKeys: readonly SigningKey[];
  /** The cache to map files through; its owner closes it. Default: one of its own. */
  readonly cache: SmfCache | undefined;
  /**
   * `native`: machine code; making the instantiator throws where the system refuses executable memory. `interpret`: the
   * interpreter, which needs none; far slower, with the same results. `auto`: the first, or where that is refused the second.
   * Default `native`.
   */
  readonly mode: 'native' | 'interpret' | 'auto';
  /**
   * The C functions of the process that templates may call (`extern`), by symbol. They run with all the rights of the process, and
   * nothing checks what a template passes to them. Interpreted templates may call `malloc calloc realloc free memcpy memmove memset
   * memcmp strlen` of these, which are checked then. Default: none.
   */
  readonly externals: readonly string[];
  /** The memory to install code in; its owner closes it. Default: the process-wide arena. */
  readonly arena: CodeArena | undefined;
}

const DEFAULTS: Omit<JitInstantiatorConfig, 'cacheDirectory'> = {
  updateSmf: true,
  maxDepth: 50,
  enabled: true,
  verbose: false,
  log: (line) => console.error(line),
  flushDelay: 1000,
  lockTimeout: 15_000,
  trustedKeys: [],
  cache: undefined,
  mode: 'native',
  externals: [],
  arena: undefined,
};

/** Fills in the defaults. @throws RangeError for a number that is none of a count or a duration */
export function completeConfig(config: Partial<JitInstantiatorConfig>): JitInstantiatorConfig {
  const complete = { ...DEFAULTS, cacheDirectory: defaultCacheDirectory(), ...config };
  for (const name of ['maxDepth', 'flushDelay', 'lockTimeout'] as const) {
    if (!Number.isSafeInteger(complete[name]) || complete[name] < 0) {
      throw new RangeError(`${name} must be a non-negative integer, not ${complete[name]}`);
    }
  }
  return Object.freeze(complete);
}
