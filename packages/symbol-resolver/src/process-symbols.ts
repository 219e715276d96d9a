// Symbols of the process itself (of libc, say), behind a list of those that may be used: code that a module names `system`
// for is not to get it because it happens to be there.
import { processSymbol } from '@simple-jit/native-mem';

export class ProcessSymbols {
  readonly #allowed: ReadonlySet<string> | 'all';

  /** @throws TypeError for a list that is none */
  constructor(allowed: readonly string[] | 'all') {
    if (allowed !== 'all' && !Array.isArray(allowed)) {
      throw new TypeError(`processSymbols must be 'all' or an array of names, not ${String(allowed)}`);
    }
    this.#allowed = allowed === 'all' ? allowed : new Set(allowed);
  }

  /** The address of a symbol that is allowed. It is good as long as the process is. */
  find(name: string): bigint | undefined {
    return this.#allows(name) ? addressOf(name) : undefined;
  }

  /** Why a symbol that the process has is not given; undefined if that is not the reason. */
  refusal(name: string): string | undefined {
    if (this.#allows(name) || addressOf(name) === undefined) return undefined;
    return `the process has it, but it is not allowed: add '${name}' to processSymbols`;
  }

  #allows(name: string): boolean {
    return this.#allowed === 'all' || this.#allowed.has(name);
  }
}

/** No symbol of a process has a name that dlsym(3) cannot be asked for. */
function addressOf(name: string): bigint | undefined {
  return name === '' || name.includes('\0') ? undefined : processSymbol(name);
}
