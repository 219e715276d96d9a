// Runs plans, at once or in slices with turns of the event loop between them. Plans that run at the same time share what
// they prepare, so that no function is compiled twice.
import { signatureToString } from '@simple-jit/template-ir';
import type { Backend, Installed } from './backend.js';
import type { Modules } from './modules.js';
import { type Planned, planSteps, type Request } from './plan.js';

/** What a planner works on, which changes while sliced plans run. */
export interface Surroundings {
  readonly backend: Backend;
  readonly maxDepth: number;
  readonly modules: Modules;
  installed(symbol: string): Installed | undefined;
}

/** Lets everything that waits have its turn. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Planner {
  readonly #surroundings: Surroundings;
  /** By symbol: prepared by a sliced plan, and not installed yet. */
  readonly #prepared = new Map<string, Planned>();
  #sliced = 0;
  #generation = 0;
  #compileCount = 0;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** Functions compiled, whether they were installed or not. */
  get compileCount(): number {
    return this.#compileCount;
  }

  /** Call it when modules or installed functions went away: what was prepared may be wrong, and sliced plans start anew. */
  invalidate(): void {
    this.#generation += 1;
    this.#prepared.clear();
  }

  /** Every function that `root` needs and that is not installed, itself first. @throws InstantiationError */
  plan(root: Request): Planned[] {
    const steps = this.#steps(root);
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
    }
  }

  /**
   * As `plan`, with a turn of the event loop after each function.
   *
   * @param find the request; asked for again when the plan starts anew. Throws to give up
   * @param finish gets the plan, in the same turn in which it was completed; undefined if there is no request
   */
  async planSliced<T>(find: () => Request | undefined, finish: (planned: Planned[] | undefined) => T): Promise<T> {
    this.#sliced += 1;
    try {
      for (;;) {
        const root = find();
        if (root === undefined) return finish(undefined);
        const generation = this.#generation;
        const steps = this.#steps(root);
        while (generation === this.#generation) {
          const step = steps.next();
          if (step.done) return finish(step.value);
          await nextTurn();
        }
      }
    } finally {
      this.#sliced -= 1;
      if (this.#sliced === 0) this.#prepared.clear();
    }
  }

  #steps(root: Request): Generator<void, Planned[]> {
    const { backend, maxDepth, modules, installed } = this.#surroundings;
    return planSteps(root, {
      modules,
      maxDepth,
      backend,
      prepared: this.#sliced > 0 ? this.#prepared : new Map(),
      installed: (symbol) => {
        const entry = installed(symbol);
        return entry && signatureToString(entry.code.signature);
      },
      onPrepared: ({ origin }) => {
        if (origin === 'compiled') this.#compileCount += 1;
      },
    });
  }
}
