// Why a plan failed; becomes a compilationError or a circularDependency.

export class InstantiationError extends Error {
  override readonly name = 'InstantiationError';
  /** The path of a circular dependency, first = last. */
  readonly cycle: readonly string[] | undefined;

  constructor(message: string, details: { readonly cycle?: readonly string[]; readonly cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.cycle = details.cycle;
  }
}
