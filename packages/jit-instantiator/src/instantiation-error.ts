// Why a plan failed; becomes a compilationError or a circularDependency.

export class InstantiationError extends Error {
  override readonly name = 'InstantiationError';
  /** The path of a circular dependency, first = last. */
  readonly cycle: readonly string[] | undefined;

  constructor(message: string, cycle?: readonly string[]) {
    super(message);
    this.cycle = cycle;
  }
}
