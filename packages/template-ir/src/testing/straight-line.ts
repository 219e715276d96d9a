// The plans of single statements that touch no memory, to instructions: takes what it makes of the values that there are.
// See `lower.ts` for the rules it keeps.
import { type KnownParam, satisfies } from '../bounds.js';
import { FunctionBuilder } from '../builder.js';
import { environmentOf } from '../declarations.js';
import type { BinaryOp, CompareOp, TypeDeclaration, UnaryOp, Value } from '../ir.js';
import { BINARY_OPS, COMPARE_OPS, isCompare, isUnary, UNARY_OPS } from '../operations.js';
import { arrayOf, type Bound, isBool, isFloat, isSigned, ptr, scalar, type Type } from '../types.js';
import { Contents, FUNCTION_TYPES, instanceOf } from './declare.js';
import type { LeafPlan } from './plan.js';
import { SCALARS } from './scalars.js';
import { type Known, LOCAL, NOWHERE, type Origin, Scope } from './scope.js';
import { valueFrom } from './values.js';

/** Elements in each buffer: a power of two, so that an index is brought inside by `and`. */
export const BUFFER_LENGTH = 4;

export const I64 = scalar('i64');
export const BOOL = scalar('bool');

const INT_UNARY = UNARY_OPS.filter((op) => ['not', 'popcount', 'clz', 'ctz', 'neg_checked'].includes(op));
const FLOAT_UNARY = UNARY_OPS.filter((op) => ['sqrt', 'floor', 'ceil', 'trunc', 'round'].includes(op));
const NUM_BINARY: readonly BinaryOp[] = ['add', 'sub', 'mul', 'div', 'min', 'max'];
const INT_BINARY = BINARY_OPS.filter((op) => !NUM_BINARY.includes(op));

/** Builds instructions of one function, from and to the values in scope. */
export class StraightLine {
  readonly builder: FunctionBuilder;
  readonly scope = new Scope();
  readonly contents: Contents;
  /** What is known of the type parameters at this place. */
  known: readonly KnownParam[];
  /** The types that numbers choose from; type parameters twice, because there are so many scalars. */
  readonly types: readonly Type[];
  readonly traps: boolean;

  constructor(
    name: string,
    bounds: readonly Bound[],
    declarations: readonly TypeDeclaration[],
    options: { readonly traps: boolean; readonly aggregates: boolean },
  ) {
    const environment = environmentOf(declarations);
    this.builder = new FunctionBuilder(name, { types: environment });
    this.known = bounds.map((bound, i) => ({ name: `T${i}`, bound }));
    this.contents = new Contents(environment, () => this.known);
    const params = this.known.map((generic) => this.builder.typeParam(generic.name, generic.bound));
    const plain = [...SCALARS, ...params, ...params];
    const aggregates = declarations.flatMap((declaration, i) =>
      [3 * i, 3 * i + 8].map((number) => instanceOf(declaration, plain, number, this.known)),
    );
    const arrays = [arrayOf(plain[bounds.length * 5]!, 5), ...params.map((type) => arrayOf(type, 4))];
    this.types = options.aggregates ? [...plain, ...aggregates, ...arrays] : plain;
    this.traps = options.traps;
  }

  /** Any type there is for this function. */
  type(number: number): Type {
    return this.types[number % this.types.length]!;
  }

  satisfies(type: Type, bound: Bound): boolean {
    return satisfies(type, bound, this.known);
  }

  /** A type of which there is a value already, if there is one, for most numbers: so that values get used. */
  usedType(number: number): Type {
    if (number % 4 === 3) return this.type(number >> 2);
    const numbers = this.scope.values.filter(({ type }) => type.kind === 'scalar' || type.kind === 'param');
    return numbers[number % Math.max(numbers.length, 1)]?.type ?? this.type(number);
  }

  /** The values of a type, the latest first. */
  of(type: Type): readonly Known[] {
    return this.scope.values.filter((known) => known.type === type);
  }

  /** Value number `number` of that type; a new one if there is none. */
  pick(type: Type, number: number): Value {
    return this.pickKnown(type, number).value;
  }

  pickKnown(type: Type, number: number, fits: (known: Known) => boolean = () => true): Known {
    const values = this.of(type).filter(fits);
    return values[number % Math.max(values.length, 1)] ?? this.fresh(type, number, 0);
  }

  /** A new value of any type: a constant if there are literals of it, else zeros; for a pointer, a new slot. */
  fresh(type: Type, choice: number, seed: number): Known {
    if (type.kind === 'scalar') {
      return { value: this.#scalarLiteral(type, choice, seed), type, origin: NOWHERE };
    }
    const { builder } = this;
    if (this.satisfies(type, 'Num')) {
      // A literal of type Float may have a fraction; what fits every number is small.
      const isFraction = this.satisfies(type, 'Float') && !this.satisfies(type, 'Int');
      const literal = isFraction ? valueFrom(scalar('f32'), choice, seed) : BigInt(choice % 101);
      return { value: builder.const(type, literal), type, origin: NOWHERE };
    }
    if (type.kind === 'fn') return { value: builder.const(type, 0n), type, origin: NOWHERE };
    if (type.kind === 'ptr') {
      const slot = builder.slot(arrayOf(type.to, BUFFER_LENGTH));
      return { value: builder.item(slot, builder.const(I64, 0n)), type, origin: LOCAL };
    }
    return { value: builder.load(builder.slot(type)), type, origin: NOWHERE };
  }

  #scalarLiteral(type: Type, choice: number, seed: number): Value {
    const value = valueFrom(type, choice, seed);
    // Sometimes an integer stands for a float, as people write it.
    const whole = isFloat(type) && seed % 3 === 0 && Number.isInteger(value) && Math.abs(value as number) < 2 ** 53;
    return this.builder.const(type, whole && !Object.is(value, -0) ? BigInt(value as number) : value);
  }

  /** Brings a value into scope. */
  add(value: Value, origin: Origin = NOWHERE): void {
    this.scope.add({ value, type: this.builder.typeOf(value), origin });
  }

  index(number: number): Value {
    return this.builder.binary('and', this.pick(I64, number), this.builder.const(I64, BigInt(BUFFER_LENGTH - 1)));
  }

  operation(plan: LeafPlan): void {
    const type = this.usedType(plan.type);
    const ops = this.#operationsOf(type);
    const op = ops[plan.op % Math.max(ops.length, 1)];
    if (op === undefined) return;
    const { builder } = this;
    const left = this.pick(type, plan.a);
    // Of operations that may trap only one in eight does as it likes: most programs should get to their end.
    const mayTrap = this.traps && plan.c % 8 === 7;
    if (op === 'fma') {
      this.add(builder.fma(left, this.pick(type, plan.b), this.pick(type, plan.c)));
      return;
    }
    if (isUnary(op)) {
      this.add(builder.unary(op, op === 'neg_checked' && !mayTrap ? this.#negatable(type, left) : left));
      return;
    }
    const right = plan.c < 3 ? this.fresh(type, plan.choice, plan.seed).value : this.pick(type, plan.b);
    if (isCompare(op)) this.add(builder.compare(op, left, right));
    else if (mayTrap) this.add(builder.binary(op, left, right));
    else this.add(builder.binary(op, ...this.#tame(op, type, left, right)));
  }

  #operationsOf(type: Type): readonly (UnaryOp | BinaryOp | CompareOp | 'fma')[] {
    const can = (bound: Bound) => this.satisfies(type, bound);
    const ops: (UnaryOp | BinaryOp | CompareOp | 'fma')[] = [];
    if (can('Num')) ops.push(...NUM_BINARY, 'neg', 'abs');
    if (can('Float')) ops.push(...FLOAT_UNARY, 'fma');
    if (can('Int')) ops.push(...INT_BINARY, ...INT_UNARY);
    if (isBool(type)) ops.push('and', 'or', 'xor', 'not');
    if (can('Ord')) ops.push(...COMPARE_OPS);
    else if (can('Eq')) ops.push('eq', 'ne');
    return ops;
  }

  /** Operands near to these for which the operation does not trap, whatever they are. */
  #tame(op: BinaryOp, type: Type, left: Value, right: Value): [Value, Value] {
    const { builder } = this;
    const one = () => builder.const(type, 1n);
    switch (op) {
      case 'div':
      case 'rem':
        return [left, this.#notZero(type, right)];
      case 'div_checked':
        return [builder.binary('shr', left, one()), this.#notZero(type, right)];
      case 'add_checked':
        return [builder.binary('shr', left, one()), builder.binary('shr', right, one())];
      case 'sub_checked': {
        const [a, b] = [builder.binary('shr', left, one()), builder.binary('shr', right, one())];
        return [builder.binary('max', a, b), builder.binary('min', a, b)];
      }
      case 'mul_checked':
        return [left, builder.binary('and', right, one())];
      default:
        return [left, right];
    }
  }

  /** Half of it where that can be negated; 0 where perhaps only that can. */
  #negatable(type: Type, value: Value): Value {
    const { builder } = this;
    return isSigned(type) ? builder.binary('shr', value, builder.const(type, 1n)) : builder.binary('sub', value, value);
  }

  /** `right`, or where it is 0 another number. Floats, and numbers that may be floats, divide by anything. */
  #notZero(type: Type, right: Value): Value {
    if (isFloat(type)) return right;
    const { builder } = this;
    if (this.satisfies(type, 'Int')) return builder.binary('or', right, builder.const(type, 1n));
    if (this.satisfies(type, 'Float')) return right;
    const isZero = builder.compare('eq', right, builder.const(type, 0n));
    return builder.select(isZero, builder.const(type, 1n), right);
  }

  conversion(plan: LeafPlan): void {
    const value = this.pick(this.usedType(plan.type), plan.a);
    const mayTrap = this.traps && plan.c >= 14;
    const converted = this.convert(
      value,
      plan.op % 4 === 0 ? this.type(plan.op) : SCALARS[plan.op % SCALARS.length]!,
      plan.c % 2 === 1 ? (mayTrap ? 'wild' : 'tame') : 'wrapping',
    );
    if (converted !== undefined) this.add(converted);
  }

  /** The value as one of type `to`, if there is such a conversion. `tame`: checked, of a value that every number type has. */
  convert(value: Value, to: Type, how: 'wrapping' | 'tame' | 'wild' = 'wrapping'): Value | undefined {
    const { builder } = this;
    const from = builder.typeOf(value);
    const fits = isBool(from) ? this.satisfies(to, 'Int') : this.satisfies(from, 'Num') && this.satisfies(to, 'Num');
    if (!fits) return undefined;
    if (how === 'wrapping') return builder.convert(to, value);
    if (how === 'wild' || isBool(from)) return builder.convertChecked(to, value);
    const [low, high] = [builder.const(from, 0n), builder.const(from, 100n)];
    const isInside = builder.binary('and', builder.compare('ge', value, low), builder.compare('le', value, high));
    return builder.convertChecked(to, builder.select(isInside, value, low));
  }

  selection(plan: LeafPlan): void {
    const { values } = this.scope;
    const type = values[plan.type % Math.max(values.length, 1)]?.type ?? I64;
    const [left, right] = [this.pickKnown(type, plan.a), this.pickKnown(type, plan.b)];
    this.add(this.builder.select(this.pick(BOOL, plan.c), left.value, right.value), either(left.origin, right.origin));
  }

  /** `bounds` that holds, or now and then any. */
  boundsCheck(plan: LeafPlan): void {
    const { builder } = this;
    const wanted = this.usedType(plan.type);
    const type = this.satisfies(wanted, 'Int') ? wanted : I64;
    const index = this.pick(type, plan.a);
    if (this.traps && plan.c % 8 === 7) builder.bounds(index, this.pick(type, plan.b));
    else builder.bounds(builder.binary('and', index, builder.const(type, 7n)), builder.const(type, BigInt(8 + plan.b)));
  }

  /** Sizes, alignments, offsets and tags: of any type. */
  layout(plan: LeafPlan): void {
    const { builder } = this;
    const type = plan.choice % 3 === 0 ? ptr(this.type(plan.type)) : this.type(plan.type);
    const declaration = this.contents.declarationOf(type);
    if (declaration === undefined || plan.c < 4) {
      this.add(plan.b % 2 === 0 ? builder.sizeof(type) : builder.alignof(type));
    } else if (declaration.kind === 'struct') {
      this.add(builder.offsetof(type, declaration.fields[plan.a % declaration.fields.length]!.name));
    } else {
      const variant = declaration.variants[plan.a % declaration.variants.length]!;
      const field = variant.fields[plan.b % Math.max(variant.fields.length, 1)];
      if (field === undefined) this.add(builder.tagof(type, variant.name));
      else this.add(builder.offsetof(type, `${variant.name}.${field.name}`));
    }
  }

  /** Between i64 and u64; pointers and function pointers there and back. */
  cast(plan: LeafPlan): void {
    const { builder } = this;
    const kind = plan.op % 2 === 0 ? 'ptr' : 'fn';
    const addresses = this.scope.values.filter(({ type }) => type.kind === kind);
    const known = plan.c < 10 ? addresses[plan.a % Math.max(addresses.length, 1)] : undefined;
    const integers = [I64, scalar('u64')];
    if (known === undefined) {
      const [from, to] = plan.b % 2 === 0 ? integers : [...integers].reverse();
      this.add(builder.cast(to!, this.pick(from!, plan.a)));
      return;
    }
    const middle = [...integers, ptr(this.type(plan.type)), FUNCTION_TYPES[0]!][plan.b % 4]!;
    this.add(builder.cast(known.type, builder.cast(middle, known.value)), known.origin);
  }
}

export function either(left: Origin, right: Origin): Origin {
  return { local: left.local || right.local, outer: left.outer || right.outer };
}
