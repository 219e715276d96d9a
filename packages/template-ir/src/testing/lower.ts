// Plans to functions. What is built is well-typed by construction, ends soon (loops count up to at most 4, recursion counts
// down from at most 3, calls that would cost too much are left out), touches memory only inside of the buffers and slots that
// its pointers stand for, each as the one type it has, keeps no pointer to a slot that has ended, reads no bytes that nothing
// defines, and never lets an address decide anything that a run could tell. Where it traps, it traps wherever memory lies.
import { intRange } from '../constants.js';
import type { BlockId, TypeDeclaration, Value } from '../ir.js';
import { type Bound, isBool, isInt, param, ptr, type Type } from '../types.js';
import { Budget, CallLine, type Lowered, MAX_COST, originOf } from './call-line.js';
import { FUNCTION_TYPES } from './declare.js';
import { callExtern } from './externs.js';
import { MemoryLine } from './memory-line.js';
import type { FunctionPlan, IfPlan, LeafPlan, LoopPlan, MergePlan, StatementPlan } from './plan.js';
import { SCALARS } from './scalars.js';
import { ANYWHERE, type Known, NOWHERE, OUTER } from './scope.js';
import { BOOL, I64, StraightLine } from './straight-line.js';

const RECURSION_DEPTH = 3;

const INTEGERS = SCALARS.filter(isInt);

export interface LoweringOptions {
  readonly traps: boolean;
  readonly aggregates: boolean;
  readonly externs: boolean;
}

/** `isEntry`: its parameters and result are what a test can pass and compare. */
export function lowerFunction(
  name: string,
  plan: FunctionPlan,
  callees: readonly Lowered[],
  declarations: readonly TypeDeclaration[],
  isEntry: boolean,
  options: LoweringOptions,
): Lowered {
  return new Lowering(name, plan, callees, declarations, isEntry, options).lower();
}

class Lowering {
  readonly #plan: FunctionPlan;
  readonly #line: StraightLine;
  readonly #memory: MemoryLine;
  readonly #builder: StraightLine['builder'];
  readonly #generics: readonly Type[];
  readonly #result: Type | undefined;
  readonly #params: Type[] = [];
  readonly #budget = new Budget();
  readonly #calls: CallLine;
  #fuel: Value | undefined;
  #recursed = false;

  constructor(
    name: string,
    plan: FunctionPlan,
    callees: readonly Lowered[],
    declarations: readonly TypeDeclaration[],
    isEntry: boolean,
    options: LoweringOptions,
  ) {
    const wanted = isEntry ? undefined : FUNCTION_TYPES[plan.addressable];
    const bounds = wanted === undefined ? plan.bounds : [];
    this.#plan = wanted === undefined ? plan : { ...plan, recursive: false };
    this.#line = new StraightLine(name, bounds, declarations, options);
    this.#memory = new MemoryLine(this.#line);
    this.#builder = this.#line.builder;
    this.#generics = bounds.map((_, i) => param(i, `T${i}`));
    this.#calls = new CallLine(this.#line, this.#memory, callees, this.#budget);
    const simple = [...SCALARS, ...this.#generics, ...this.#generics];
    const types = isEntry ? simple : [...this.#line.types, ...FUNCTION_TYPES.slice(0, 2)];
    this.#result = wanted === undefined ? types[plan.result % (types.length + 1)] : wanted.result;
    this.#builder.setResult(this.#result);
    if (wanted !== undefined) for (const type of wanted.params) this.#param(type);
    else {
      for (const { type: number, shape } of plan.params)
        this.#param(paramType(types[number % types.length]!, shape, isEntry));
      // A value of each type parameter should come from somewhere.
      for (const generic of this.#generics) if (!this.#params.includes(generic)) this.#param(generic);
    }
  }

  lower(): Lowered {
    if (this.#plan.recursive) {
      const raw = this.#builder.param(I64, 'fuel');
      this.#params.push(I64);
      this.#fuel = this.#builder.binary('and', raw, this.#builder.const(I64, BigInt(RECURSION_DEPTH)));
    }
    this.#statements(this.#plan.body);
    this.#return(this.#plan.mix);
    const times = this.#recursed ? RECURSION_DEPTH + 1 : 1;
    const template = this.#builder.build();
    return {
      template,
      params: this.#params,
      cost: this.#budget.cost * times + 10,
      invokes: this.#budget.invokes * times,
    };
  }

  #param(type: Type): void {
    this.#params.push(type);
    const value = this.#builder.param(type, `p${this.#params.length}`);
    this.#line.add(value, this.#line.contents.holdsPointers(type) ? OUTER : NOWHERE);
  }

  #statements(plans: readonly StatementPlan[]): void {
    for (const plan of plans) {
      if (this.#budget.cost > MAX_COST) return;
      if (plan.kind === 'if') this.#if(plan);
      else if (plan.kind === 'loop') this.#loop(plan);
      else this.#leaf(plan);
    }
  }

  #leaf(plan: LeafPlan): void {
    this.#budget.spend(8);
    if (this.#memory.emit(plan)) return;
    switch (plan.kind) {
      case 'op':
        this.#line.operation(plan);
        break;
      case 'const':
        this.#line.scope.add(this.#line.fresh(this.#line.type(plan.type), plan.choice, plan.seed));
        break;
      case 'convert':
        this.#line.conversion(plan);
        break;
      case 'select':
        this.#line.selection(plan);
        break;
      case 'bounds':
        this.#line.boundsCheck(plan);
        break;
      case 'layout':
        this.#line.layout(plan);
        break;
      case 'cast':
        this.#line.cast(plan);
        break;
      case 'call':
        if (!this.#calls.call(plan)) this.#recurse(plan);
        break;
      case 'fnaddr':
        this.#calls.fnaddr(plan);
        break;
      case 'invoke':
        this.#calls.invoke(plan);
        break;
      case 'extern':
        callExtern(this.#line, plan);
        break;
      case 'exit':
        this.#exit(plan, () => this.#return(plan.b % 4));
        break;
      case 'trap':
        this.#exit(plan, () => this.#trap(plan));
        break;
    }
  }

  /** Leaves the function on a condition, and goes on otherwise. */
  #exit(plan: LeafPlan, leave: () => void): void {
    const [out, on] = [this.#builder.block(), this.#builder.block()];
    const condition = this.#line.pick(BOOL, plan.a);
    if (plan.c % 2 === 0) this.#builder.branch(condition, out, [], on, []);
    else this.#builder.branch(condition, on, [], out, []);
    this.#builder.switchTo(out);
    this.#line.scope.inside(leave);
    this.#builder.switchTo(on);
  }

  /** `unreachable`, a use of null, a division by zero, or a sum that is too great. */
  #trap(plan: LeafPlan): void {
    const builder = this.#builder;
    const type = this.#line.type(plan.type);
    const null_ = () => builder.const(ptr(type), 0n);
    switch (plan.b % 8) {
      case 0:
        builder.unreachable();
        return;
      case 4: {
        const integer = INTEGERS[plan.op % INTEGERS.length]!;
        const op = (['div', 'rem', 'div_checked'] as const)[plan.c % 3]!;
        this.#line.add(builder.binary(op, this.#line.pick(integer, plan.a), builder.const(integer, 0n)));
        break;
      }
      case 5: {
        const integer = INTEGERS[plan.op % INTEGERS.length]!;
        const [least, greatest] = [intRange(integer).min, intRange(integer).max].map((end) =>
          builder.const(integer, end),
        );
        const op = (['sub_checked', 'mul_checked', 'add_checked'] as const)[plan.c % 3]!;
        this.#line.add(builder.binary(op, op === 'sub_checked' ? least! : greatest!, greatest!));
        break;
      }
      case 1:
        builder.store(null_(), this.#line.fresh(type, plan.choice, plan.seed).value);
        break;
      case 2:
        builder.copy(null_(), this.#line.fresh(ptr(type), 0, 0).value, builder.const(I64, 2n));
        break;
      case 3: {
        const target = FUNCTION_TYPES[plan.op % FUNCTION_TYPES.length]!;
        this.#calls.invokeWith(builder.const(target, 0n), target, plan);
        break;
      }
      default:
        this.#line.add(builder.load(null_()));
    }
    this.#return(1);
  }

  /** Returns the latest value of the result's type, with up to `mix` others of any type worked into it. */
  #return(mix: number): void {
    const result = this.#result;
    if (result === undefined) {
      this.#builder.return();
      return;
    }
    const stays = ({ origin }: Known): boolean => !origin.local;
    let { value } = this.#line.pickKnown(result, 0, stays);
    const op = isBool(result) ? 'xor' : this.#line.satisfies(result, 'Num') ? 'add' : undefined;
    if (op !== undefined) {
      for (const { value: other, type } of this.#line.scope.values.slice(0, mix)) {
        const converted = type === result ? other : this.#line.convert(other, result);
        if (converted !== undefined) value = this.#builder.binary(op, value, converted);
      }
      this.#budget.spend(2 * mix);
    }
    this.#builder.return(value);
  }

  /** The types of merged values; of pointers and aggregates such as there are. */
  #mergedTypes(merges: readonly MergePlan[]): readonly Type[] {
    const { values } = this.#line.scope;
    const others = values.filter(({ type }) => type.kind !== 'scalar' && type.kind !== 'param');
    return merges.map(({ type }) =>
      type % 5 === 4 && others.length > 0 ? others[type % others.length]!.type : SCALARS[type % SCALARS.length]!,
    );
  }

  #picks(types: readonly Type[], numbers: readonly number[]): Value[] {
    return types.map((type, i) => this.#line.pick(type, numbers[i]!));
  }

  /** A block's parameter: it may be whatever came along any edge. */
  #addParam(value: Value): void {
    this.#line.add(value, this.#line.contents.holdsPointers(this.#builder.typeOf(value)) ? ANYWHERE : NOWHERE);
  }

  #if({ shape, condition, then, otherwise, merges }: IfPlan): void {
    const builder = this.#builder;
    this.#budget.spend(4 + merges.length);
    const types = this.#mergedTypes(merges);
    const [first, second] = [merges.map(({ a }) => a), merges.map(({ b }) => b)];
    const join = builder.block();
    const joined = types.map((type) => builder.blockParam(join, type));
    const branch = (block: BlockId, body: readonly StatementPlan[], numbers: readonly number[]): void => {
      builder.switchTo(block);
      this.#line.scope.inside(() => {
        this.#statements(body);
        builder.jump(join, this.#picks(types, numbers));
      });
    };
    if (shape === 2) {
      const test = this.#line.pick(BOOL, condition);
      builder.branch(test, join, this.#picks(types, first), join, this.#picks(types, second));
    } else {
      const isOneSided = shape % 3 === 1;
      const block = builder.block();
      const other = isOneSided ? join : builder.block();
      const otherArgs = isOneSided ? this.#picks(types, second) : [];
      const { known } = this.#line;
      if (shape < 3) builder.branch(this.#line.pick(BOOL, condition), block, [], other, otherArgs);
      else this.#line.known = this.#branchOnType(condition, block, other, otherArgs);
      branch(block, then, first);
      this.#line.known = known;
      if (!isOneSided) branch(other, otherwise, second);
    }
    builder.switchTo(join);
    for (const value of joined) this.#addParam(value);
  }

  /** Ends the block with `if T is …`; returns what is known of the type parameters where it holds. */
  #branchOnType(number: number, then: BlockId, otherwise: BlockId, args: readonly Value[]): StraightLine['known'] {
    const { known } = this.#line;
    const index = number % (known.length + 1);
    const type = this.#generics[index] ?? this.#line.type(number);
    // Not Ord: what a pointer is less than is not for a program to find out.
    const bounds: readonly Bound[] = ['Num', 'Int', 'Float', 'Eq', 'Any'];
    const is = number % 3 === 0 ? SCALARS[number % SCALARS.length]! : bounds[number % bounds.length]!;
    this.#builder.ifType(type, is, then, [], otherwise, args);
    if (type.kind !== 'param' || typeof is !== 'string') return known;
    return known.map((generic, i) => (i === index ? { ...generic, also: [...(generic.also ?? []), is] } : generic));
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
    const repeats = this.#budget.repeats;
    this.#budget.repeats = repeats * (count + 1);
    this.#budget.spend(4 + types.length);
    this.#line.scope.inside(() => {
      for (const value of [i, ...inside]) this.#addParam(value);
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
    this.#budget.repeats = repeats;
    builder.switchTo(exit);
    for (const value of after) this.#addParam(value);
  }

  /** Calls the function itself while there is fuel; at one place only, outside of loops. */
  #recurse(plan: LeafPlan): void {
    const fuel = this.#fuel;
    if (fuel === undefined || this.#recursed || this.#budget.repeats > 1) return;
    if (this.#budget.cost * (RECURSION_DEPTH + 1) > MAX_COST) return;
    const builder = this.#builder;
    const args = this.#calls.arguments(this.#params.slice(0, -1), plan);
    if (args === undefined) return;
    this.#recursed = true;
    const [go, on] = [builder.block(), builder.block()];
    const result = this.#result;
    const otherwise = result === undefined ? [] : [this.#line.pickKnown(result, plan.c)];
    const joined = result === undefined ? undefined : builder.blockParam(on, result);
    const values = (list: readonly Known[]): Value[] => list.map(({ value }) => value);
    builder.branch(builder.compare('gt', fuel, builder.const(I64, 0n)), go, [], on, values(otherwise));
    builder.switchTo(go);
    const less = builder.binary('sub', fuel, builder.const(I64, 1n));
    const typeArgs = this.#generics;
    if (result === undefined) {
      builder.callVoid(builder.name, typeArgs, [...values(args), less]);
      builder.jump(on);
    } else builder.jump(on, [builder.call(result, builder.name, typeArgs, [...values(args), less])]);
    builder.switchTo(on);
    if (joined !== undefined) this.#memory.receive(joined, originOf([...args, ...otherwise]));
  }
}

function paramType(type: Type, shape: number, isEntry: boolean): Type {
  if (shape === 0 || type.kind === 'fn') return type;
  return shape === 1 || isEntry ? ptr(type) : ptr(ptr(type));
}
