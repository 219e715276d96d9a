// Random programs as plans: trees of small numbers that `lower.ts` turns into functions. Every plan is a program, whatever
// its numbers (each is taken modulo the choices there are), so a failing one can be shrunk freely (`shrink-plan.ts`).
import * as fc from 'fast-check';
import { BOUNDS, type Bound } from '../types.js';
import { shrinkPlan } from './shrink-plan.js';

export type LeafKind =
  | 'op'
  | 'const'
  | 'convert'
  | 'select'
  | 'load'
  | 'store'
  | 'slot'
  | 'part'
  | 'variant'
  | 'copy'
  | 'fill'
  | 'view'
  | 'bounds'
  | 'layout'
  | 'pointers'
  | 'cast'
  | 'call'
  | 'fnaddr'
  | 'invoke'
  | 'extern'
  | 'exit'
  | 'trap';

/** What one instruction or a few make; how the numbers are used depends on `kind`. */
export interface LeafPlan {
  readonly kind: LeafKind;
  readonly type: number;
  readonly op: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly choice: number;
  readonly seed: number;
}

/** A value that leaves a branch or goes round a loop: which type, and what it is on either way. */
export interface MergePlan {
  readonly type: number;
  readonly a: number;
  readonly b: number;
}

export interface IfPlan {
  readonly kind: 'if';
  /** 0: both branches have blocks; 1: only the first has; 2: both edges go straight to the join. 3 and 4: as 0 and 1, on a type. */
  readonly shape: number;
  readonly condition: number;
  readonly then: readonly StatementPlan[];
  readonly otherwise: readonly StatementPlan[];
  readonly merges: readonly MergePlan[];
}

export interface LoopPlan {
  readonly kind: 'loop';
  /** 0: tested at the top; 1: at the bottom; 2: at the top, with a second way out of the body. */
  readonly shape: number;
  readonly count: number;
  readonly body: readonly StatementPlan[];
  readonly carried: readonly MergePlan[];
}

export type StatementPlan = LeafPlan | IfPlan | LoopPlan;

export interface FunctionPlan {
  readonly bounds: readonly Bound[];
  /** `shape` 0: a value; 1: a pointer; 2: a pointer to pointers. */
  readonly params: readonly { readonly type: number; readonly shape: number }[];
  readonly result: number;
  readonly recursive: boolean;
  /** Makes it one of the functions whose addresses fit the function pointers in declarations. */
  readonly addressable: number;
  readonly body: readonly StatementPlan[];
  /** How many of the last values go into the result. */
  readonly mix: number;
}

/** The types of a struct's fields, or of those of an enum's variants. */
export interface DeclarationPlan {
  readonly bounds: readonly Bound[];
  readonly isEnum: boolean;
  /** Of a struct, all together. */
  readonly variants: readonly (readonly { readonly type: number; readonly shape: number }[])[];
}

export interface ArgumentPlan {
  readonly choice: number;
  readonly seed: number;
}

export interface ProgramPlan {
  readonly declarations: readonly DeclarationPlan[];
  /** The last one is the entry; each may call those before it. */
  readonly functions: readonly FunctionPlan[];
  readonly typeArgs: readonly number[];
  /** Arguments of each run: numbers that become values and buffers of the parameters' types. */
  readonly runs: readonly (readonly ArgumentPlan[])[];
}

export interface PlanOptions {
  readonly generic: boolean;
  readonly traps: boolean;
  readonly aggregates: boolean;
  readonly externs: boolean;
  readonly maxFunctions: number;
  readonly maxParams: number;
  readonly maxStatements: number;
  readonly maxNesting: number;
}

/** Plans, made from fast-check's random numbers directly: its combinators take longer than all that is done with a plan. */
export class ArbitraryPlan extends fc.Arbitrary<ProgramPlan> {
  readonly #options: PlanOptions;
  readonly #kinds: readonly LeafKind[];

  constructor(options: PlanOptions) {
    super();
    this.#options = options;
    this.#kinds = (Object.keys(WEIGHTS) as LeafKind[])
      .filter((kind) => (kind !== 'trap' || options.traps) && (kind !== 'extern' || options.externs))
      .flatMap((kind) => new Array<LeafKind>(WEIGHTS[kind]).fill(kind));
  }

  override generate(random: fc.Random): fc.Value<ProgramPlan> {
    return new fc.Value(new Planner(random, this.#options, this.#kinds).program(), undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is ProgramPlan {
    return typeof value === 'object' && value !== null && 'functions' in value;
  }

  override shrink(plan: ProgramPlan): fc.Stream<fc.Value<ProgramPlan>> {
    return fc.stream(shrinkPlan(plan)).map((smaller) => new fc.Value(smaller, undefined));
  }
}

const WEIGHTS: Readonly<Record<LeafKind, number>> = {
  op: 20,
  const: 3,
  convert: 6,
  select: 3,
  load: 5,
  store: 5,
  slot: 3,
  part: 6,
  variant: 3,
  copy: 2,
  fill: 1,
  view: 3,
  bounds: 1,
  layout: 1,
  pointers: 2,
  cast: 1,
  call: 4,
  fnaddr: 1,
  invoke: 2,
  extern: 2,
  exit: 1,
  trap: 1,
};

class Planner {
  readonly #random: fc.Random;
  readonly #options: PlanOptions;
  readonly #kinds: readonly LeafKind[];

  constructor(random: fc.Random, options: PlanOptions, kinds: readonly LeafKind[]) {
    this.#random = random;
    this.#options = options;
    this.#kinds = kinds;
  }

  program(): ProgramPlan {
    const { maxFunctions, maxParams, aggregates } = this.#options;
    return {
      declarations: this.#list(0, aggregates ? 3 : 0, () => this.#declaration()),
      functions: this.#list(1, maxFunctions, () => this.#function()),
      typeArgs: [this.#nat(31), this.#nat(31)],
      runs: this.#list(1, 3, () =>
        this.#list(0, maxParams + 2, () => ({ choice: this.#nat(255), seed: this.#nat(0x7fffffff) })),
      ),
    };
  }

  /** A number from 0 to `max`. */
  #nat(max: number): number {
    return this.#random.nextInt(0, max);
  }

  #list<T>(min: number, max: number, item: () => T): T[] {
    const list: T[] = [];
    for (let left = min + this.#nat(max - min); left > 0; left--) list.push(item());
    return list;
  }

  #bounds(max: number): readonly Bound[] {
    return this.#list(0, max, () => BOUNDS[this.#nat(BOUNDS.length - 1)]!);
  }

  #declaration(): DeclarationPlan {
    const isEnum = this.#nat(2) === 0;
    const fields = (min: number) => this.#list(min, 3, () => ({ type: this.#nat(31), shape: this.#nat(7) }));
    return {
      bounds: this.#bounds(2),
      isEnum,
      variants: isEnum ? this.#list(1, 4, () => fields(0)) : [fields(1)],
    };
  }

  #function(): FunctionPlan {
    const { generic, maxParams, maxStatements, maxNesting } = this.#options;
    return {
      bounds: this.#bounds(generic ? 2 : 0),
      // Type parameters and recursion may add three.
      params: this.#list(0, Math.max(0, maxParams - 3), () => ({ type: this.#nat(63), shape: this.#nat(2) })),
      result: this.#nat(63),
      recursive: this.#nat(1) === 0,
      addressable: this.#nat(11),
      body: this.#body(maxNesting, maxStatements),
      mix: this.#nat(8),
    };
  }

  #body(nesting: number, maxLength: number): readonly StatementPlan[] {
    return this.#list(0, maxLength, () => this.#statement(nesting, Math.max(2, maxLength >> 1)));
  }

  #statement(nesting: number, maxLength: number): StatementPlan {
    const kind = nesting === 0 ? 2 : this.#nat(9);
    if (kind > 1) return this.#leaf();
    const merges = this.#list(0, 5, () => ({ type: this.#nat(31), a: this.#nat(7), b: this.#nat(7) }));
    if (kind === 0) {
      return {
        kind: 'if',
        shape: this.#nat(4),
        condition: this.#nat(31),
        // biome-ignore lint/suspicious/noThenProperty: a branch; no one awaits a plan
        then: this.#body(nesting - 1, maxLength),
        otherwise: this.#body(nesting - 1, maxLength),
        merges,
      };
    }
    return {
      kind: 'loop',
      shape: this.#nat(2),
      count: this.#nat(4),
      body: this.#body(nesting - 1, maxLength),
      carried: merges,
    };
  }

  #leaf(): LeafPlan {
    // Two draws: they are most of what generating costs.
    const [kind, numbers] = [this.#nat(0x7fffffff), this.#nat(0x7fffffff)];
    return {
      kind: this.#kinds[kind % this.#kinds.length]!,
      type: numbers & 63,
      op: (numbers >>> 6) & 127,
      a: (numbers >>> 13) & 15,
      b: (numbers >>> 17) & 15,
      c: (numbers >>> 21) & 15,
      choice: (kind >>> 8) & 255,
      seed: this.#nat(0x7fffffff),
    };
  }
}
