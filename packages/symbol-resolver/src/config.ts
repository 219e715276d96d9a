// How a resolver is set up.
import type { JitInstantiatorConfig } from '@simple-jit/jit-instantiator';

export interface JitSymbolResolverConfig extends JitInstantiatorConfig {
  /**
   * Symbols of the process, such as those of libc, that names may be resolved to when nothing else has them; `'all'` allows
   * every one. Default: none. What templates may call (`extern`) is a list of its own, `externals`.
   */
  readonly processSymbols: readonly string[] | 'all';
}
