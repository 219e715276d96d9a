// The plans of calls, by name and through pointers, to instructions: which arguments they can have, and what they may cost.
import type { Template, Value } from '../ir.js';
import { type FunctionType, fnType, ptr, scalar, substitute, type Type } from '../types.js';
import { FUNCTION_TYPES } from './declare.js';
import type { MemoryLine } from './memory-line.js';
import type { LeafPlan } from './plan.js';
import type { Known, Origin } from './scope.js';
import { BOOL, type StraightLine } from './straight-line.js';

/** Steps that one call of a function takes at most, by a rough count. */
export const MAX_COST = 20_000;

/** A finished function and what calling it costs. */
export interface Lowered {
  readonly template: Template;
  readonly params: readonly Type[];
  readonly cost: number;
  /** How often it calls through pointers that it was given, which may be to any function. */
  readonly invokes: number;
}

/** What is spent on a function of those steps. */
export class Budget {
  /** How often the current place runs at most. */
  repeats = 1;
  /** Of all steps so far. */
  cost = 0;
  /** How often it calls through pointers that it was given, which may be to any function. */
  invokes = 0;

  /** Counts that many steps at the current place. */
  spend(steps: number): void {
    this.cost += steps * this.repeats;
  }

  /** True if so many more steps are not too many. */
  holds(steps: number): boolean {
    return this.cost + steps * this.repeats <= MAX_COST;
  }
}

/** Builds the calls of one function. */
export class CallLine {
  readonly #line: StraightLine;
  readonly #memory: MemoryLine;
  readonly #callees: readonly Lowered[];
  readonly #budget: Budget;
  /** The cost of a call of any function that there is so far. */
  readonly #worst: number;

  constructor(line: StraightLine, memory: MemoryLine, callees: readonly Lowered[], budget: Budget) {
    this.#line = line;
    this.#memory = memory;
    this.#callees = callees;
    this.#budget = budget;
    this.#worst = callees.reduce((worst, { cost, invokes }) => Math.max(worst, cost + invokes * worst), 10);
  }

  /** False if the plan means none of the functions that there are. */
  call(plan: LeafPlan): boolean {
    const callee = this.#callees[plan.op % (this.#callees.length + 1)];
    if (callee === undefined) return false;
    const cost = callee.cost + callee.invokes * this.#worst;
    if (!this.#budget.holds(cost)) return true;
    const typeArgs = this.#typeArgsFor(callee, plan.type);
    const args = this.arguments(
      callee.params.map((type) => substitute(type, typeArgs)),
      plan,
      (i) => callee.params[i]!.kind === 'param',
    );
    if (args === undefined) return true;
    this.#budget.spend(cost);
    const { name, result } = callee.template;
    const values = args.map(({ value }) => value);
    if (result === undefined) this.#line.builder.callVoid(name, typeArgs, values);
    else
      this.#memory.receive(
        this.#line.builder.call(substitute(result, typeArgs), name, typeArgs, values),
        originOf(args),
      );
    return true;
  }

  /** Aggregates that name no type parameter only: so that types do not grow from call to call. */
  #typeArgsFor({ template }: Lowered, number: number): readonly Type[] {
    const fixed = this.#line.types.filter(
      (type) => type.kind === 'scalar' || type.kind === 'param' || !namesParam(type),
    );
    const pointers = [ptr(scalar('i32')), FUNCTION_TYPES[0]!, ptr(BOOL), FUNCTION_TYPES[1]!];
    return template.typeParams.map(({ bound }, i) => {
      // No pointers where they could be ordered.
      const types = bound === 'Any' || bound === 'Eq' ? [...fixed, ...pointers] : fixed;
      const candidates = types.filter((type) => this.#line.satisfies(type, bound));
      return candidates[(number + 5 * i) % candidates.length]!;
    });
  }

  /**
   * Values of those types; undefined if a function pointer is wanted and there is none, or if the callee could store a
   * pointer to a slot of ours where it outlives it. `isOpaque`: null will do, as the callee cannot call it.
   */
  arguments(
    types: readonly Type[],
    plan: LeafPlan,
    isOpaque: (i: number) => boolean = () => false,
  ): readonly Known[] | undefined {
    const args: Known[] = [];
    for (const [i, type] of types.entries()) {
      if (type.kind === 'fn' && this.#line.of(type).length === 0) this.#addressOf(type, plan.op);
      if (type.kind === 'fn' && this.#line.of(type).length === 0 && !isOpaque(i)) return undefined;
      args.push(this.#line.pickKnown(type, plan.a + i * plan.b));
    }
    const { contents } = this.#line;
    const takesPointers = ({ type, origin }: Known): boolean =>
      origin.outer && (type.kind !== 'ptr' || contents.holdsPointers(type.to));
    return args.some(({ origin }) => origin.local) && args.some(takesPointers) ? undefined : args;
  }

  fnaddr(plan: LeafPlan): void {
    const callee = this.#callees[plan.op % Math.max(this.#callees.length, 1)];
    if (callee !== undefined) this.#line.add(this.#address(callee, plan.type));
  }

  #address(callee: Lowered, number: number): Value {
    const typeArgs = this.#typeArgsFor(callee, number);
    const { name, result } = callee.template;
    const type = fnType(
      callee.params.map((each) => substitute(each, typeArgs)),
      result === undefined ? undefined : substitute(result, typeArgs),
    );
    return this.#line.builder.fnaddr(type, name, typeArgs);
  }

  /** Brings the address of a function of that very type into scope, if there is one. */
  #addressOf(type: FunctionType, number: number): void {
    const fitting = this.#callees.filter(
      ({ template, params }) => template.typeParams.length === 0 && fnType(params, template.result) === type,
    );
    const callee = fitting[number % Math.max(fitting.length, 1)];
    if (callee !== undefined) this.#line.add(this.#address(callee, 0));
  }

  invoke(plan: LeafPlan): void {
    if (!this.#line.scope.values.some(({ type }) => type.kind === 'fn')) this.fnaddr(plan);
    const targets = this.#line.scope.values.filter(({ type }) => type.kind === 'fn');
    const target = targets[plan.type % Math.max(targets.length, 1)];
    if (target?.type.kind !== 'fn') return;
    if (!this.#budget.holds(this.#worst)) return;
    if (!this.invokeWith(target.value, target.type, plan)) return;
    this.#budget.spend(this.#worst);
    this.#budget.invokes += this.#budget.repeats;
  }

  invokeWith(target: Value, { params, result }: FunctionType, plan: LeafPlan): boolean {
    const args = this.arguments(params, plan);
    if (args === undefined) return false;
    const values = args.map(({ value }) => value);
    if (result === undefined) this.#line.builder.invokeVoid(target, values);
    else this.#memory.receive(this.#line.builder.invoke(target, values), originOf(args));
    return true;
  }
}

/** What a callee can return are its arguments, and what is behind them. */
export function originOf(args: readonly Known[]): Origin {
  return { local: args.some(({ origin }) => origin.local), outer: true };
}

function namesParam(type: Type): boolean {
  if (type.kind === 'array') return namesParam(type.of);
  return type.kind === 'named' ? type.args.some(namesParam) : type.kind === 'param';
}
