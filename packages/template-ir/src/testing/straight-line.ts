// Code without branches: what one leaf of a plan makes of the values that there are. See `lower.ts` for the rules it keeps.
import { satisfies } from '../bounds.js';
import { FunctionBuilder } from '../builder.js';
import type { BinaryOp, CompareOp, TypeParam, UnaryOp, Value } from '../ir.js';
import { BINARY_OPS, COMPARE_OPS, isCompare, isUnary } from '../operations.js';
import { type Bound, isBool, isFloat, SCALAR_NAMES, scalar, type Type } from '../types.js';
import type { LeafPlan } from './plan.js';
import { valueFrom } from './values.js';

/** Elements in each buffer: a power of two, so that an index is brought inside by `and`. */
export const BUFFER_LENGTH = 8;

const I64 = scalar('i64');
const BOOL = scalar('bool');

/** i64 first: what the number 0 chooses. */
export const SCALARS: readonly Type[] = [I64, ...SCALAR_NAMES.filter((name) => name !== 'i64').map(scalar)];

/** The scalar types that satisfy a bound. */
export function scalarsWith(bound: Bound): readonly Type[] {
  return SCALARS.filter((type) => satisfies(type, bound));
}

/** Builds instructions of one function, from and to the values in scope. */
export class StraightLine {
  readonly builder: FunctionBuilder;
  readonly generics: readonly TypeParam[];
  /** The types that numbers choose from; type parameters twice, because there are so many scalars. */
  readonly types: readonly Type[];
  readonly #traps: boolean;
  #values: Value[] = [];

  constructor(name: string, bounds: readonly Bound[], traps: boolean) {
    this.builder = new FunctionBuilder(name);
    this.generics = bounds.map((bound, i) => ({ name: `T${i}`, bound }));
    const params = this.generics.map((generic) => this.builder.typeParam(generic.name, generic.bound));
    this.types = [...SCALARS, ...params, ...params];
    this.#traps = traps;
  }

  /** Runs `action` where values that it adds are forgotten afterwards: in a branch, or in a loop. */
  inside(action: () => void): void {
    const before = this.#values;
    this.#values = [...before];
    action();
    this.#values = before;
  }

  /** The values in scope, the latest first. */
  get latestFirst(): readonly Value[] {
    return this.#values.toReversed();
  }

  /** What an `op`, `const`, `convert`, `select`, `load`, `store` or `pointers` makes; false for other kinds. */
  emit(plan: LeafPlan): boolean {
    switch (plan.kind) {
      case 'op':
        this.#operation(plan);
        return true;
      case 'const': {
        const type = this.type(plan.type);
        if (this.canBeLiteral(type)) this.add(this.literal(type, plan.choice, plan.seed));
        return true;
      }
      case 'convert': {
        const converted = this.convert(this.pick(this.usedType(plan.type), plan.a), this.type(plan.op));
        if (converted !== undefined) this.add(converted);
        return true;
      }
      case 'select': {
        const type = this.builder.typeOf(this.any(plan.type));
        this.add(this.builder.select(this.pick(BOOL, plan.c), this.pick(type, plan.a), this.pick(type, plan.b)));
        return true;
      }
      case 'load': {
        const address = this.#address(plan.type, plan.a);
        if (address !== undefined) this.add(this.builder.load(address));
        return true;
      }
      case 'store': {
        const address = this.#address(plan.type, plan.a);
        if (address === undefined) return true;
        const type = this.builder.typeOf(address);
        if (type.kind === 'ptr') this.builder.store(address, this.pick(type.to, plan.b));
        return true;
      }
      case 'pointers':
        this.#pointers(plan);
        return true;
      default:
        return false;
    }
  }

  /** Any type there is for this function. */
  type(number: number): Type {
    return this.types[number % this.types.length]!;
  }

  /** A type of which there is a value already, if there is one, for most numbers: so that values get used. */
  usedType(number: number): Type {
    if (number % 4 === 3) return this.type(number >> 2);
    const types = this.latestFirst.map((value) => this.builder.typeOf(value));
    const scalars = types.filter(({ kind }) => kind !== 'ptr');
    return scalars[number % Math.max(scalars.length, 1)] ?? this.type(number);
  }

  /** Value number `number` of that type; a constant if there is none. Pointers are asked for only where there is one. */
  pick(type: Type, number: number): Value {
    const values = this.latestFirst.filter((value) => this.builder.typeOf(value) === type);
    const value = values[number % Math.max(values.length, 1)];
    return value ?? this.literal(type, number, 0);
  }

  /** A constant of a type for which `canBeLiteral` holds. */
  literal(type: Type, choice: number, seed: number): Value {
    if (type.kind === 'scalar') {
      const value = valueFrom(type, choice, seed);
      // Sometimes an integer stands for a float, as people write it.
      const whole = isFloat(type) && seed % 3 === 0 && Number.isInteger(value) && Math.abs(value as number) < 2 ** 53;
      return this.builder.const(type, whole && !Object.is(value, -0) ? BigInt(value as number) : value);
    }
    const bound = type.kind === 'param' ? this.generics[type.index]!.bound : 'Any';
    if (bound === 'Float') return this.builder.const(type, valueFrom(scalar('f32'), choice, seed));
    return this.builder.const(type, BigInt(choice % 101)); // fits every number
  }

  /** Brings a value into scope. */
  add(value: Value): void {
    this.#values.push(value);
  }

  /** False for a type parameter whose bound promises no numbers. */
  canBeLiteral(type: Type): boolean {
    return type.kind === 'scalar' || satisfies(type, 'Num', this.generics);
  }

  /** Any value there is; `number` 0 is the latest. */
  any(number: number): Value {
    const values = this.latestFirst;
    return values[number % Math.max(values.length, 1)] ?? this.literal(I64, number, 0);
  }

  #operation(plan: LeafPlan): void {
    const type = this.usedType(plan.type);
    const { generics } = this;
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
    const left = this.pick(type, plan.a);
    if (isUnary(op)) {
      this.add(this.builder.unary(op, left));
      return;
    }
    let right =
      plan.c < 3 && this.canBeLiteral(type) ? this.literal(type, plan.choice, plan.seed) : this.pick(type, plan.b);
    if (isCompare(op)) {
      this.add(this.builder.compare(op, left, right));
      return;
    }
    // Of integer divisions only one in four may trap: most programs should get to their end.
    const mayTrap = this.#traps && plan.c % 4 === 3;
    if ((op === 'div' || op === 'rem') && !mayTrap) right = this.#notZero(type, right);
    this.add(this.builder.binary(op, left, right));
  }

  /** `right`, or where it is 0 another number. Floats, and numbers that may be floats, divide by anything. */
  #notZero(type: Type, right: Value): Value {
    if (isFloat(type)) return right;
    const builder = this.builder;
    if (satisfies(type, 'Int', this.generics)) return builder.binary('or', right, builder.const(type, 1n));
    if (satisfies(type, 'Float', this.generics)) return right;
    const isZero = builder.compare('eq', right, builder.const(type, 0n));
    return builder.select(isZero, builder.const(type, 1n), right);
  }

  /** The value as one of type `to`, if there is such a conversion. */
  convert(value: Value, to: Type): Value | undefined {
    const { generics } = this;
    const from = this.builder.typeOf(value);
    const fits = isBool(from)
      ? satisfies(to, 'Int', generics)
      : satisfies(from, 'Num', generics) && satisfies(to, 'Num', generics);
    return fits ? this.builder.convert(to, value) : undefined;
  }

  /** The pointers in scope, the latest first. */
  pointerValues(): readonly Value[] {
    return this.latestFirst.filter((value) => this.builder.typeOf(value).kind === 'ptr');
  }

  /** Address of an element of a buffer, if there is a buffer: all pointers in scope are to the first of BUFFER_LENGTH. */
  #address(which: number, index: number): Value | undefined {
    const bases = this.pointerValues();
    const base = bases[which % Math.max(bases.length, 1)];
    return base === undefined ? undefined : this.#element(base, index);
  }

  #element(base: Value, index: number): Value {
    const inside = this.builder.binary(
      'and',
      this.pick(I64, index),
      this.builder.const(I64, BigInt(BUFFER_LENGTH - 1)),
    );
    return this.builder.elem(base, inside);
  }

  /** Compares addresses in one buffer, which order the same wherever it lies; or one with null; or takes a size. */
  #pointers(plan: LeafPlan): void {
    const builder = this.builder;
    const bases = this.pointerValues();
    const base = bases[plan.type % Math.max(bases.length, 1)];
    if (base === undefined || plan.c < 2) {
      this.add(builder.sizeof(this.type(plan.type)));
      return;
    }
    const op = COMPARE_OPS[plan.op % COMPARE_OPS.length]!;
    const left = this.#element(base, plan.a);
    const right = plan.c < 4 ? builder.const(builder.typeOf(base), 0n) : this.#element(base, plan.b);
    this.add(builder.compare(op, left, right));
  }
}
