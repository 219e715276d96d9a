// Plans to functions. What is built is well-typed by construction, ends soon (loops count up to at most 4, recursion counts
// down from at most 3, calls that would cost too much are left out), touches memory only inside the buffers that its
// pointers stand for, each as the one type it has, and never lets an address decide anything that a run could tell.
import { satisfies } from '../bounds.js';
import type { FunctionBuilder } from '../builder.js';
import type { BlockId, Template, Value } from '../ir.js';
import { isBool, param, ptr, scalar, substitute, type Type } from '../types.js';
import type { FunctionPlan, IfPlan, LeafPlan, LoopPlan, MergePlan, StatementPlan } from './plan.js';
import { StraightLine } from './straight-line.js';

/** Steps that one call of a function takes at most, by a rough count. */
const MAX_COST = 20_000;
const RECURSION_DEPTH = 3;

const I64 = scalar('i64');
const BOOL = scalar('bool');

/** A finished function and what calling it costs. */
export interface Lowered {
  readonly template: Template;
  readonly params: readonly Type[];
  readonly cost: number;
}

export function lowerFunction(name: string, plan: FunctionPlan, callees: readonly Lowered[], traps: boolean): Lowered {
  return new Lowering(name, plan, callees, traps).lower();
}

class Lowering {
  readonly #plan: FunctionPlan;
  readonly #callees: readonly Lowered[];
  readonly #line: StraightLine;
  readonly #builder: FunctionBuilder;
  readonly #generics: readonly Type[];
  readonly #result: Type | undefined;
  readonly #params: Type[] = [];
  #fuel: Value | undefined;
  #recursed = false;
  /** How often the current place runs at most, and what all steps so far cost. */
  #repeats = 1;
  #cost = 0;

  constructor(name: string, plan: FunctionPlan, callees: readonly Lowered[], traps: boolean) {
    this.#plan = plan;
    this.#callees = callees;
    this.#line = new StraightLine(name, plan.bounds, traps);
    this.#builder = this.#line.builder;
    this.#generics = plan.bounds.map((_, i) => param(i, `T${i}`));
    this.#result = this.#line.types[plan.result % (this.#line.types.length + 1)];
    this.#builder.setResult(this.#result);
    for (const { type, pointer } of plan.params) {
      const element = this.#line.type(type);
      this.#param(pointer ? ptr(element) : element);
    }
    // A value of each type parameter must come from somewhere.
    for (const generic of this.#generics) if (!this.#params.includes(generic)) this.#param(generic);
  }

  lower(): Lowered {
    if (this.#plan.recursive) {
      const raw = this.#builder.param(I64, 'fuel');
      this.#params.push(I64);
      this.#fuel = this.#builder.binary('and', raw, this.#builder.const(I64, BigInt(RECURSION_DEPTH)));
    }
    this.#statements(this.#plan.body);
    this.#return(this.#plan.mix);
    const cost = this.#recursed ? this.#cost * (RECURSION_DEPTH + 1) : this.#cost;
    return { template: this.#builder.build(), params: this.#params, cost: cost + 10 };
  }

  #param(type: Type): void {
    this.#params.push(type);
    this.#line.add(this.#builder.param(type, `p${this.#params.length}`));
  }

  #spend(steps: number): void {
    this.#cost += steps * this.#repeats;
  }

  #statements(plans: readonly StatementPlan[]): void {
    for (const plan of plans) {
      if (this.#cost > MAX_COST) return;
      if (plan.kind === 'if') this.#if(plan);
      else if (plan.kind === 'loop') this.#loop(plan);
      else this.#leaf(plan);
    }
  }

  #leaf(plan: LeafPlan): void {
    this.#spend(6);
    if (this.#line.emit(plan)) return;
    switch (plan.kind) {
      case 'call':
        this.#call(plan);
        break;
      case 'exit':
        this.#exit(plan, () => this.#return(plan.b % 4));
        break;
      case 'trap':
        this.#exit(plan, () => this.#trap(plan));
    }
  }

  /** Leaves the function on a condition, and goes on otherwise. */
  #exit(plan: LeafPlan, leave: () => void): void {
    const [out, on] = [this.#builder.block(), this.#builder.block()];
    const condition = this.#line.pick(BOOL, plan.a);
    if (plan.c % 2 === 0) this.#builder.branch(condition, out, [], on, []);
    else this.#builder.branch(condition, on, [], out, []);
    this.#builder.switchTo(out);
    this.#line.inside(leave);
    this.#builder.switchTo(on);
  }

  /** `unreachable`, or a load from null. */
  #trap(plan: LeafPlan): void {
    const type = this.#line.type(plan.type);
    if (plan.b % 2 === 0) {
      this.#builder.unreachable();
      return;
    }
    this.#line.add(this.#builder.load(this.#builder.const(ptr(type), 0n)));
    this.#return(1);
  }

  /** Returns the latest value of the result's type, with up to `mix` others of any type worked into it. */
  #return(mix: number): void {
    const result = this.#result;
    if (result === undefined) {
      this.#builder.return();
      return;
    }
    let value = this.#line.pick(result, 0);
    const op = isBool(result) ? 'xor' : satisfies(result, 'Num', this.#line.generics) ? 'add' : undefined;
    if (op !== undefined) {
      for (const other of this.#line.latestFirst.slice(0, mix)) {
        const converted = this.#builder.typeOf(other) === result ? other : this.#line.convert(other, result);
        if (converted !== undefined) value = this.#builder.binary(op, value, converted);
      }
      this.#spend(2 * mix);
    }
    this.#builder.return(value);
  }

  /** The types of merged values, of which pointers may be some if there are any. */
  #mergedTypes(merges: readonly MergePlan[]): readonly Type[] {
    const pointers = this.#line.pointerValues().map((value) => this.#builder.typeOf(value));
    return merges.map(({ type }) =>
      type % 5 === 4 && pointers.length > 0 ? pointers[type % pointers.length]! : this.#line.type(type),
    );
  }

  #picks(types: readonly Type[], numbers: readonly number[]): Value[] {
    return types.map((type, i) => this.#line.pick(type, numbers[i]!));
  }

  #if({ shape, condition, then, otherwise, merges }: IfPlan): void {
    const builder = this.#builder;
    this.#spend(4 + merges.length);
    const test = this.#line.pick(BOOL, condition);
    const types = this.#mergedTypes(merges);
    const [first, second] = [merges.map(({ a }) => a), merges.map(({ b }) => b)];
    const join = builder.block();
    const joined = types.map((type) => builder.blockParam(join, type));
    const branch = (block: BlockId, body: readonly StatementPlan[], numbers: readonly number[]): void => {
      builder.switchTo(block);
      this.#line.inside(() => {
        this.#statements(body);
        builder.jump(join, this.#picks(types, numbers));
      });
    };
    if (shape === 2) builder.branch(test, join, this.#picks(types, first), join, this.#picks(types, second));
    else if (shape === 1) {
      const block = builder.block();
      builder.branch(test, block, [], join, this.#picks(types, second));
      branch(block, then, first);
    } else {
      const [a, b] = [builder.block(), builder.block()];
      builder.branch(test, a, [], b, []);
      branch(a, then, first);
      branch(b, otherwise, second);
    }
    builder.switchTo(join);
    for (const value of joined) this.#line.add(value);
  }

  #loop({ shape, count, body, carried }: LoopPlan): void {
    const builder = this.#builder;
    const types = this.#mergedTypes(carried);
    const [first, next] = [carried.map(({ a }) => a), carried.map(({ b }) => b)];
    const [head, exit] = [builder.block(), builder.block()];
    const i = builder.blockParam(head, I64);
    const inside = types.map((type) => builder.blockParam(head, type));
    const after = types.map((type) => builder.blockParam(exit, type));
    builder.jump(head, [builder.const(I64, 0n), ...this.#picks(types, first)]);
    builder.switchTo(head);
    const repeats = this.#repeats;
    this.#repeats = repeats * (count + 1);
    this.#spend(4 + types.length);
    this.#line.inside(() => {
      for (const value of [i, ...inside]) this.#line.add(value);
      const isTestedFirst = shape !== 1;
      if (isTestedFirst) {
        const start = builder.block();
        builder.branch(builder.compare('lt', i, builder.const(I64, BigInt(count))), start, [], exit, inside);
        builder.switchTo(start);
      }
      this.#statements(body);
      if (shape === 2) {
        const on = builder.block();
        builder.branch(this.#line.pick(BOOL, count), exit, this.#picks(types, first), on, []);
        builder.switchTo(on);
      }
      const following = builder.binary('add', i, builder.const(I64, 1n));
      const again = [following, ...this.#picks(types, next)];
      if (isTestedFirst) builder.jump(head, again);
      else {
        const more = builder.compare('le', following, builder.const(I64, BigInt(count)));
        builder.branch(more, head, again, exit, this.#picks(types, first));
      }
    });
    this.#repeats = repeats;
    builder.switchTo(exit);
    for (const value of after) this.#line.add(value);
  }

  #call(plan: LeafPlan): void {
    const which = plan.op % (this.#callees.length + 1);
    const callee = this.#callees[which];
    if (callee === undefined) {
      this.#recurse(plan);
      return;
    }
    if (this.#cost + callee.cost * this.#repeats > MAX_COST) return;
    const { typeParams, name, result } = callee.template;
    const typeArgs = typeParams.map(({ bound }, i) => {
      const candidates = this.#line.types.filter((type) => satisfies(type, bound, this.#line.generics));
      return candidates[(plan.type + i) % candidates.length]!;
    });
    const args = this.#arguments(
      callee.params.map((type) => substitute(type, typeArgs)),
      plan,
    );
    if (args === undefined) return;
    this.#cost += callee.cost * this.#repeats;
    if (result === undefined) this.#builder.callVoid(name, typeArgs, args);
    else this.#line.add(this.#builder.call(substitute(result, typeArgs), name, typeArgs, args));
  }

  /** undefined if there is no pointer for a parameter that needs one, or no value of a type that has no literals. */
  #arguments(types: readonly Type[], plan: LeafPlan): Value[] | undefined {
    const args: Value[] = [];
    for (const [i, type] of types.entries()) {
      const there = this.#line.latestFirst.some((value) => this.#builder.typeOf(value) === type);
      if (!there && !this.#line.canBeLiteral(type)) return undefined;
      args.push(this.#line.pick(type, plan.a + i * plan.b));
    }
    return args;
  }

  /** Calls the function itself while there is fuel; at one place only, outside of loops. */
  #recurse(plan: LeafPlan): void {
    const fuel = this.#fuel;
    if (fuel === undefined || this.#recursed || this.#repeats > 1) return;
    if (this.#cost * (RECURSION_DEPTH + 1) > MAX_COST) return;
    const builder = this.#builder;
    const args = this.#arguments(this.#params.slice(0, -1), plan);
    if (args === undefined) return;
    this.#recursed = true;
    const [go, on] = [builder.block(), builder.block()];
    const result = this.#result;
    const otherwise = result === undefined ? [] : [this.#line.pick(result, plan.c)];
    const joined = result === undefined ? undefined : builder.blockParam(on, result);
    builder.branch(builder.compare('gt', fuel, builder.const(I64, 0n)), go, [], on, otherwise);
    builder.switchTo(go);
    const less = builder.binary('sub', fuel, builder.const(I64, 1n));
    const typeArgs = this.#generics;
    if (result === undefined) {
      builder.callVoid(builder.name, typeArgs, [...args, less]);
      builder.jump(on);
    } else builder.jump(on, [builder.call(result, builder.name, typeArgs, [...args, less])]);
    builder.switchTo(on);
    if (joined !== undefined) this.#line.add(joined);
  }
}
