// Random programs as plans: trees of small numbers that `lower.ts` turns into functions. Every plan is a program, whatever
// its numbers (each is taken modulo the choices there are), so fast-check can shrink a failing one freely.
import * as fc from 'fast-check';
import type { Bound } from '../types.js';

/** What one instruction or a few make; how the numbers are used depends on `kind`. */
export interface LeafPlan {
  readonly kind: 'op' | 'const' | 'convert' | 'select' | 'load' | 'store' | 'call' | 'pointers' | 'exit' | 'trap';
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
  /** 0: both branches have blocks; 1: only the first has; 2: both edges go straight to the join. */
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
  readonly params: readonly { readonly type: number; readonly pointer: boolean }[];
  readonly result: number;
  readonly recursive: boolean;
  readonly body: readonly StatementPlan[];
  /** How many of the last values go into the result. */
  readonly mix: number;
}

export interface ArgumentPlan {
  readonly choice: number;
  readonly seed: number;
}

export interface ProgramPlan {
  /** The last one is the entry; each may call those before it. */
  readonly functions: readonly FunctionPlan[];
  readonly typeArgs: readonly number[];
  /** Arguments of each run: numbers that become values and buffers of the parameters' types. */
  readonly runs: readonly (readonly ArgumentPlan[])[];
}

export interface PlanOptions {
  readonly generic: boolean;
  readonly traps: boolean;
  readonly maxFunctions: number;
  readonly maxParams: number;
  readonly maxStatements: number;
  readonly maxNesting: number;
}

export function arbitraryPlan(options: PlanOptions): fc.Arbitrary<ProgramPlan> {
  return fc.record({
    functions: fc.array(arbitraryFunction(options), { minLength: 1, maxLength: options.maxFunctions }),
    typeArgs: fc.array(fc.nat(31), { minLength: 2, maxLength: 2 }),
    runs: fc.array(fc.array(fc.record({ choice: fc.nat(255), seed: fc.nat() }), { maxLength: options.maxParams + 2 }), {
      minLength: 1,
      maxLength: 3,
    }),
  });
}

function arbitraryFunction(options: PlanOptions): fc.Arbitrary<FunctionPlan> {
  const bounds = fc.constantFrom<Bound>('Num', 'Int', 'Float', 'Ord', 'Eq', 'Any');
  return fc.record({
    bounds: fc.array(bounds, { maxLength: options.generic ? 2 : 0 }),
    params: fc.array(fc.record({ type: fc.nat(31), pointer: fc.boolean() }), {
      maxLength: Math.max(0, options.maxParams - 3), // type parameters and recursion may add three
    }),
    result: fc.nat(31),
    recursive: fc.boolean(),
    body: arbitraryBody(options),
    mix: fc.nat(8),
  });
}

function arbitraryBody(options: PlanOptions): fc.Arbitrary<readonly StatementPlan[]> {
  const kinds: [number, LeafPlan['kind']][] = [
    [10, 'op'],
    [2, 'const'],
    [4, 'convert'],
    [2, 'select'],
    [3, 'load'],
    [3, 'store'],
    [2, 'call'],
    [1, 'pointers'],
    [1, 'exit'],
    ...(options.traps ? [[1, 'trap'] as [number, LeafPlan['kind']]] : []),
  ];
  const leaf: fc.Arbitrary<StatementPlan> = fc.record({
    kind: fc.oneof(...kinds.map(([weight, kind]) => ({ weight, arbitrary: fc.constant(kind) }))),
    type: fc.nat(63),
    op: fc.nat(31),
    a: fc.nat(15),
    b: fc.nat(15),
    c: fc.nat(15),
    choice: fc.nat(255),
    seed: fc.nat(),
  });
  const merges = fc.array(fc.record({ type: fc.nat(31), a: fc.nat(7), b: fc.nat(7) }), { maxLength: 5 });
  const bodies = (nesting: number, maxLength: number): fc.Arbitrary<readonly StatementPlan[]> => {
    if (nesting === 0) return fc.array(leaf, { maxLength });
    const inner = bodies(nesting - 1, Math.max(2, maxLength >> 1));
    const choice: fc.Arbitrary<StatementPlan> = fc.record({
      kind: fc.constant('if' as const),
      shape: fc.nat(2),
      condition: fc.nat(7),
      // biome-ignore lint/suspicious/noThenProperty: a branch; no one awaits a plan
      then: inner,
      otherwise: inner,
      merges,
    });
    const loop: fc.Arbitrary<StatementPlan> = fc.record({
      kind: fc.constant('loop' as const),
      shape: fc.nat(2),
      count: fc.nat(4),
      body: inner,
      carried: merges,
    });
    const statement = fc.oneof(
      { weight: 8, arbitrary: leaf },
      { weight: 1, arbitrary: choice },
      { weight: 1, arbitrary: loop },
    );
    return fc.array(statement, { maxLength });
  };
  return bodies(options.maxNesting, options.maxStatements);
}
