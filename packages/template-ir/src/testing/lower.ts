// Plans to functions. What is built is well-typed by construction, ends soon (loops count up to at most 4, recursion counts
// down from at most 3, calls that would cost too much are left out), touches memory only inside the buffers that its
// pointers stand for, each as the one type it has, and never lets an address decide anything that a run could tell.

import { satisfies } from '../bounds.js';
import { FunctionBuilder } from '../builder.js';
import type { BinaryOp, BlockId, CompareOp, Template, UnaryOp, Value } from '../ir.js';
import { BINARY_OPS, COMPARE_OPS, isCompare, isUnary } from '../operations.js';
import { type Bound, isBool, isFloat, ptr, SCALAR_NAMES, scalar, substitute, type Type } from '../types.js';
import type { FunctionPlan, IfPlan, LeafPlan, LoopPlan, MergePlan, StatementPlan } from './plan.js';
import { valueFrom } from './values.js';

/** Elements in each buffer: a power of two, so that an index is brought inside by `and`. */
export const BUFFER_LENGTH = 8;

/** Steps that one call of a function takes at most, by a rough count. */
const MAX_COST = 20_000;
const RECURSION_DEPTH = 3;

const I64 = scalar('i64');
const BOOL = scalar('bool');
/** i64 first: what the number 0 chooses. */
const SCALARS: readonly Type[] = [I64, ...SCALAR_NAMES.filter((name) => name !== 'i64').map(scalar)];

/** A finished function and what calling it costs. */
export interface Lowered {
  readonly template: Template;
  readonly params: readonly Type[];
  readonly cost: number;
}

/** The scalar types that satisfy a bound. */
export function scalarsWith(bound: Bound): readonly Type[] {
  return SCALARS.filter((type) => satisfies(type, bound));
}

export function lowerFunction(name: string, plan: FunctionPlan, callees: readonly Lowered[], traps: boolean): Lowered {
  return new Lowering(name, plan, callees, traps).lower();
}

/** The values that can be used at a place, the latest first where a number chooses. */
class Scope {
  readonly #values: Value[];

  constructor(values: readonly Value[] = []) {
    this.#values = [...values];
  }

  add(value: Value): void {
    this.#values.push(value);
  }

  child(): Scope {
    return new Scope(this.#values);
  }

  get latestFirst(): readonly Value[] {
    return this.#values.toReversed();
  }
}

class Lowering {
  readonly #plan: FunctionPlan;
  readonly #callees: readonly Lowered[];
  readonly #traps: boolean;
  readonly #builder: FunctionBuilder;
  readonly #types: readonly Type[];
  readonly #bounds: readonly Bound[];
  readonly #result: Type | undefined;
  readonly #params: Type[] = [];
  #scope = new Scope();
  #fuel: Value | undefined;
  #recursed = false;
  /** How often the current place runs at most, and what all steps so far cost. */
  #repeats = 1;
  #cost = 0;

  constructor(name: string, plan: FunctionPlan, callees: readonly Lowered[], traps: boolean) {
    this.#plan = plan;
    this.#callees = callees;
    this.#traps = traps;
    this.#builder = new FunctionBuilder(name);
    this.#bounds = plan.bounds;
    const generics = plan.bounds.map((bound, i) => this.#builder.typeParam(`T${i}`, bound));
    this.#types = [...SCALARS, ...generics, ...generics]; // twice: there are 11 scalars
    const last = this.#types.length + 1;
    this.#result = this.#types[plan.result % last];
    this.#builder.setResult(this.#result);
    for (const { type, pointer } of plan.params) {
      const element = this.#type(type);
      this.#param(pointer ? ptr(element) : element);
    }
    // A value of each type parameter must come from somewhere.
    for (const generic of generics) if (!this.#params.includes(generic)) this.#param(generic);
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
    this.#scope.add(this.#builder.param(type, `p${this.#params.length}`));
  }

  #type(number: number): Type {
    return this.#types[number % this.#types.length]!;
  }

  /** A type of which there is a value already, if there is one, for most numbers: so that values get used. */
  #usedType(number: number): Type {
    if (number % 4 === 3) return this.#type(number >> 2);
    const types = this.#scope.latestFirst.map((value) => this.#builder.typeOf(value));
    const scalars = types.filter(({ kind }) => kind !== 'ptr');
    return scalars[number % Math.max(scalars.length, 1)] ?? this.#type(number);
  }

  #spend(steps: number): void {
    this.#cost += steps * this.#repeats;
  }

  /** Value number `number` of that type; a constant if there is none. Pointers are asked for only where there is one. */
  #pick(type: Type, number: number): Value {
    const values = this.#scope.latestFirst.filter((value) => this.#builder.typeOf(value) === type);
    const value = values[number % Math.max(values.length, 1)];
    return value ?? this.#literal(type, number, 0);
  }

  #literal(type: Type, choice: number, seed: number): Value {
    if (type.kind === 'scalar') {
      const value = valueFrom(type, choice, seed);
      // Sometimes an integer stands for a float, as people write it.
      const whole = isFloat(type) && seed % 3 === 0 && Number.isInteger(value) && Math.abs(value as number) < 2 ** 53;
      return this.#builder.const(type, whole && !Object.is(value, -0) ? BigInt(value as number) : value);
    }
    const bound = type.kind === 'param' ? this.#bounds[type.index]! : 'Any';
    if (bound === 'Float') return this.#builder.const(type, valueFrom(scalar('f32'), choice, seed));
    return this.#builder.const(type, BigInt(choice % 101)); // fits every number
  }

  #add(value: Value): void {
    this.#scope.add(value);
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
    switch (plan.kind) {
      case 'op':
        this.#operation(plan);
        break;
      case 'const': {
        const type = this.#type(plan.type);
        if (this.#canBeLiteral(type)) this.#add(this.#literal(type, plan.choice, plan.seed));
        break;
      }
      case 'convert':
        this.#convert(this.#pick(this.#usedType(plan.type), plan.a), this.#type(plan.op));
        break;
      case 'select': {
        const type = this.#builder.typeOf(this.#any(plan.type));
        this.#add(this.#builder.select(this.#pick(BOOL, plan.c), this.#pick(type, plan.a), this.#pick(type, plan.b)));
        break;
      }
      case 'load': {
        const address = this.#address(plan.type, plan.a);
        if (address !== undefined) this.#add(this.#builder.load(address));
        break;
      }
      case 'store': {
        const address = this.#address(plan.type, plan.a);
        if (address === undefined) break;
        const type = this.#builder.typeOf(address);
        if (type.kind === 'ptr') this.#builder.store(address, this.#pick(type.to, plan.b));
        break;
      }
      case 'call':
        this.#call(plan);
        break;
      case 'pointers':
        this.#pointers(plan);
        break;
      case 'exit':
        this.#exit(plan, () => this.#return(plan.b % 4));
        break;
      case 'trap':
        this.#exit(plan, () => this.#trap(plan));
    }
  }

  #canBeLiteral(type: Type): boolean {
    return type.kind === 'scalar' || satisfies(type, 'Num', this.#generics());
  }

  #generics() {
    return this.#bounds.map((bound, i) => ({ name: `T${i}`, bound }));
  }

  /** Any value there is; `number` 0 is the latest. */
  #any(number: number): Value {
    const values = this.#scope.latestFirst;
    return values[number % Math.max(values.length, 1)] ?? this.#literal(I64, number, 0);
  }

  #operation(plan: LeafPlan): void {
    const type = this.#usedType(plan.type);
    const generics = this.#generics();
    const can = (bound: Bound) => satisfies(type, bound, generics);
    const ops: (UnaryOp | BinaryOp | CompareOp)[] = [];
    if (can('Num')) ops.push('add', 'sub', 'mul', 'div', 'neg');
    if (can('Float')) ops.push('sqrt');
    if (can('Int')) ops.push(...BINARY_OPS.filter((op) => !ops.includes(op)), 'not');
    if (isBool(type)) ops.push('and', 'or', 'xor', 'not');
    if (can('Ord')) ops.push(...COMPARE_OPS);
    else if (can('Eq')) ops.push('eq', 'ne');
    const op = ops[plan.op % Math.max(ops.length, 1)];
    if (op === undefined) return;
    const left = this.#pick(type, plan.a);
    if (isUnary(op)) {
      this.#add(this.#builder.unary(op, left));
      return;
    }
    let right =
      plan.c < 3 && this.#canBeLiteral(type) ? this.#literal(type, plan.choice, plan.seed) : this.#pick(type, plan.b);
    if (isCompare(op)) {
      this.#add(this.#builder.compare(op, left, right));
      return;
    }
    // Of integer divisions only one in four may trap: most programs should get to their end.
    const mayTrap = this.#traps && plan.c % 4 === 3;
    if ((op === 'div' || op === 'rem') && !mayTrap) right = this.#notZero(type, right);
    this.#add(this.#builder.binary(op, left, right));
  }

  /** `right`, or where it is 0 another number. Floats, and numbers that may be floats, divide by anything. */
  #notZero(type: Type, right: Value): Value {
    if (isFloat(type)) return right;
    const builder = this.#builder;
    if (satisfies(type, 'Int', this.#generics())) return builder.binary('or', right, builder.const(type, 1n));
    if (satisfies(type, 'Float', this.#generics())) return right;
    const isZero = builder.compare('eq', right, builder.const(type, 0n));
    return builder.select(isZero, builder.const(type, 1n), right);
  }

  #convert(value: Value, to: Type): void {
    const generics = this.#generics();
    const from = this.#builder.typeOf(value);
    const fits = isBool(from)
      ? satisfies(to, 'Int', generics)
      : satisfies(from, 'Num', generics) && satisfies(to, 'Num', generics);
    if (fits) this.#add(this.#builder.convert(to, value));
  }

  #pointersThere(): readonly Value[] {
    return this.#scope.latestFirst.filter((value) => this.#builder.typeOf(value).kind === 'ptr');
  }

  /** Address of an element of a buffer, if there is a buffer: all pointers in scope are to the first of BUFFER_LENGTH. */
  #address(which: number, index: number): Value | undefined {
    const bases = this.#pointersThere();
    const base = bases[which % Math.max(bases.length, 1)];
    return base === undefined ? undefined : this.#element(base, index);
  }

  #element(base: Value, index: number): Value {
    const inside = this.#builder.binary(
      'and',
      this.#pick(I64, index),
      this.#builder.const(I64, BigInt(BUFFER_LENGTH - 1)),
    );
    return this.#builder.elem(base, inside);
  }

  /** Compares addresses in one buffer, which order the same wherever it lies; or one with null; or takes a size. */
  #pointers(plan: LeafPlan): void {
    const builder = this.#builder;
    const bases = this.#pointersThere();
    const base = bases[plan.type % Math.max(bases.length, 1)];
    if (base === undefined || plan.c < 2) {
      this.#add(builder.sizeof(this.#type(plan.type)));
      return;
    }
    const op = COMPARE_OPS[plan.op % COMPARE_OPS.length]!;
    const left = this.#element(base, plan.a);
    const right = plan.c < 4 ? builder.const(builder.typeOf(base), 0n) : this.#element(base, plan.b);
    this.#add(builder.compare(op, left, right));
  }

  /** Leaves the function on a condition, and goes on otherwise. */
  #exit(plan: LeafPlan, leave: () => void): void {
    const [out, on] = [this.#builder.block(), this.#builder.block()];
    const condition = this.#pick(BOOL, plan.a);
    if (plan.c % 2 === 0) this.#builder.branch(condition, out, [], on, []);
    else this.#builder.branch(condition, on, [], out, []);
    this.#builder.switchTo(out);
    const before = this.#scope;
    this.#scope = before.child();
    leave();
    this.#scope = before;
    this.#builder.switchTo(on);
  }

  /** `unreachable`, or a load from null. */
  #trap(plan: LeafPlan): void {
    const type = this.#type(plan.type);
    if (plan.b % 2 === 0) {
      this.#builder.unreachable();
      return;
    }
    this.#add(this.#builder.load(this.#builder.const(ptr(type), 0n)));
    this.#return(1);
  }

  /** Returns the latest value of the result's type, with up to `mix` others of any type worked into it. */
  #return(mix: number): void {
    const result = this.#result;
    if (result === undefined) {
      this.#builder.return();
      return;
    }
    let value = this.#pick(result, 0);
    const op = isBool(result) ? 'xor' : satisfies(result, 'Num', this.#generics()) ? 'add' : undefined;
    if (op !== undefined) {
      for (const other of this.#scope.latestFirst.slice(0, mix)) {
        const before = this.#scope;
        this.#scope = new Scope();
        if (this.#builder.typeOf(other) === result) this.#add(other);
        else this.#convert(other, result);
        for (const converted of this.#scope.latestFirst) value = this.#builder.binary(op, value, converted);
        this.#scope = before;
      }
      this.#spend(2 * mix);
    }
    this.#builder.return(value);
  }

  /** The types of merged values, of which pointers may be some if there are any. */
  #mergedTypes(merges: readonly MergePlan[]): readonly Type[] {
    const pointers = this.#pointersThere().map((value) => this.#builder.typeOf(value));
    return merges.map(({ type }) =>
      type % 5 === 4 && pointers.length > 0 ? pointers[type % pointers.length]! : this.#type(type),
    );
  }

  #picks(types: readonly Type[], numbers: readonly number[]): Value[] {
    return types.map((type, i) => this.#pick(type, numbers[i]!));
  }

  #if({ shape, condition, then, otherwise, merges }: IfPlan): void {
    const builder = this.#builder;
    this.#spend(4 + merges.length);
    const test = this.#pick(BOOL, condition);
    const types = this.#mergedTypes(merges);
    const [first, second] = [merges.map(({ a }) => a), merges.map(({ b }) => b)];
    const join = builder.block();
    const joined = types.map((type) => builder.blockParam(join, type));
    const branch = (block: BlockId, body: readonly StatementPlan[], numbers: readonly number[]): void => {
      builder.switchTo(block);
      const before = this.#scope;
      this.#scope = before.child();
      this.#statements(body);
      builder.jump(join, this.#picks(types, numbers));
      this.#scope = before;
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
    for (const value of joined) this.#add(value);
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
    const before = this.#scope;
    const repeats = this.#repeats;
    this.#scope = before.child();
    this.#repeats = repeats * (count + 1);
    this.#spend(4 + types.length);
    for (const value of [i, ...inside]) this.#add(value);
    const isTestedFirst = shape !== 1;
    if (isTestedFirst) {
      const start = builder.block();
      builder.branch(builder.compare('lt', i, builder.const(I64, BigInt(count))), start, [], exit, inside);
      builder.switchTo(start);
    }
    this.#statements(body);
    if (shape === 2) {
      const on = builder.block();
      builder.branch(this.#pick(BOOL, count), exit, this.#picks(types, first), on, []);
      builder.switchTo(on);
    }
    const following = builder.binary('add', i, builder.const(I64, 1n));
    const again = [following, ...this.#picks(types, next)];
    if (isTestedFirst) builder.jump(head, again);
    else {
      const more = builder.compare('le', following, builder.const(I64, BigInt(count)));
      builder.branch(more, head, again, exit, this.#picks(types, first));
    }
    this.#repeats = repeats;
    this.#scope = before;
    builder.switchTo(exit);
    for (const value of after) this.#add(value);
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
      const candidates = this.#types.filter((type) => satisfies(type, bound, this.#generics()));
      return candidates[(plan.type + i) % candidates.length]!;
    });
    const args = this.#arguments(
      callee.params.map((type) => substitute(type, typeArgs)),
      plan,
    );
    if (args === undefined) return;
    this.#cost += callee.cost * this.#repeats;
    if (result === undefined) this.#builder.callVoid(name, typeArgs, args);
    else this.#add(this.#builder.call(substitute(result, typeArgs), name, typeArgs, args));
  }

  /** undefined if there is no pointer for a parameter that needs one, or no value of a type that has no literals. */
  #arguments(types: readonly Type[], plan: LeafPlan): Value[] | undefined {
    const args: Value[] = [];
    for (const [i, type] of types.entries()) {
      const there = this.#scope.latestFirst.some((value) => this.#builder.typeOf(value) === type);
      if (!there && !this.#canBeLiteral(type)) return undefined;
      args.push(this.#pick(type, plan.a + i * plan.b));
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
    const otherwise = result === undefined ? [] : [this.#pick(result, plan.c)];
    const joined = result === undefined ? undefined : builder.blockParam(on, result);
    builder.branch(builder.compare('gt', fuel, builder.const(I64, 0n)), go, [], on, otherwise);
    builder.switchTo(go);
    const less = builder.binary('sub', fuel, builder.const(I64, 1n));
    const typeArgs = this.#types.slice(SCALARS.length, SCALARS.length + this.#bounds.length);
    if (result === undefined) {
      builder.callVoid(builder.name, typeArgs, [...args, less]);
      builder.jump(on);
    } else builder.jump(on, [builder.call(result, builder.name, typeArgs, [...args, less])]);
    builder.switchTo(on);
    if (joined !== undefined) this.#add(joined);
  }
}
