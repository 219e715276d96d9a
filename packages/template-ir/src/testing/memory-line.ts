// The plans of statements on memory, to instructions: loads and stores, slots, parts of aggregates, copies. See `lower.ts`
// for the rules it keeps.
import type { Value } from '../ir.js';
import { COMPARE_OPS } from '../operations.js';
import { arrayOf, isInt, ptr, scalar, sizeOf, type Type } from '../types.js';
import type { LeafPlan } from './plan.js';
import { SCALARS } from './scalars.js';
import { ANYWHERE, type Cell, type Known, LOCAL, NOWHERE, type Origin, OUTER } from './scope.js';
import { BUFFER_LENGTH, either, I64, type StraightLine } from './straight-line.js';

const U8 = scalar('u8');

export class MemoryLine {
  readonly #line: StraightLine;

  constructor(line: StraightLine) {
    this.#line = line;
  }

  /** What the plan makes; false for plans of other kinds. */
  emit(plan: LeafPlan): boolean {
    switch (plan.kind) {
      case 'load':
        this.#load(plan);
        return true;
      case 'store':
        this.#store(plan);
        return true;
      case 'slot':
        this.#slot(plan);
        return true;
      case 'part':
        this.#part(plan);
        return true;
      case 'variant':
        this.#fillAggregate(plan);
        return true;
      case 'copy':
        this.#copy(plan);
        return true;
      case 'fill':
        this.#fill(plan);
        return true;
      case 'view':
        this.#view(plan);
        return true;
      case 'pointers':
        this.#compare(plan);
        return true;
      default:
        return false;
    }
  }

  /**
   * A value that was loaded or returned, brought into scope: pointers may be null, and give way to one that is not. `wild`:
   * used as it is.
   */
  receive(value: Value, origin: Origin): void {
    const { builder, contents } = this.#line;
    const type = builder.typeOf(value);
    if (type.kind === 'fn') this.#receiveFunction(value, type);
    else if (type.kind === 'ptr') {
      const other = this.#line.pickKnown(type, 0);
      const isThere = builder.compare('ne', value, builder.const(type, 0n));
      this.#line.add(builder.select(isThere, value, other.value), either(origin, other.origin));
    } else this.#line.add(value, contents.holdsPointers(type) ? origin : NOWHERE);
  }

  /** Function pointers in scope may be null only if there is no function of that type. */
  #receiveFunction(value: Value, type: Type): void {
    const { builder } = this.#line;
    const other = this.#line.of(type)[0];
    if (other === undefined) return;
    const isThere = builder.compare('ne', value, builder.const(type, 0n));
    this.#line.add(builder.select(isThere, value, other.value));
  }

  /** The pointers in scope, the latest first. */
  #buffers(): readonly Known[] {
    return this.#line.scope.values.filter(({ type }) => type.kind === 'ptr');
  }

  #element({ value, origin, type }: Known, index: number): Cell {
    const { builder } = this.#line;
    const inside = this.#line.index(index);
    const to = elementOf(type);
    if (index % 4 !== 3) return { address: builder.elem(value, inside), to, origin };
    // By way of another address, before or behind the buffer.
    const distance = builder.const(I64, BigInt(index - 8));
    return {
      address: builder.elem(builder.elem(value, builder.binary('sub', inside, distance)), distance),
      to,
      origin,
    };
  }

  /** Somewhere that values of one type can be loaded from and stored to; undefined if there is no memory at all. */
  #cell(which: number, index: number, fits: (type: Type) => boolean = () => true): Cell | undefined {
    const buffers = this.#buffers().filter(({ type }) => type.kind === 'ptr' && fits(type.to));
    const cells = this.#line.scope.cells.filter(({ to }) => fits(to));
    const chosen = which % Math.max(buffers.length + cells.length, 1);
    const buffer = buffers[chosen];
    return buffer === undefined ? cells[chosen - buffers.length] : this.#element(buffer, index);
  }

  /** The pointers in what is loaded from there. */
  #loaded(to: Type, origin: Origin): Origin {
    if (!this.#line.contents.holdsPointers(to)) return NOWHERE;
    return origin.local ? ANYWHERE : OUTER;
  }

  #load(plan: LeafPlan): void {
    const cell = this.#cell(plan.type, plan.a);
    if (cell === undefined) return;
    this.receive(this.#line.builder.load(cell.address), this.#loaded(cell.to, cell.origin));
  }

  #store(plan: LeafPlan): void {
    const cell = this.#cell(plan.type, plan.a);
    if (cell !== undefined) this.#put(cell, plan);
  }

  /** Stores a value, but no pointer to a slot where it would outlive the slot. */
  #put({ address, to, origin }: Cell, { b, choice, seed }: Pick<LeafPlan, 'b' | 'choice' | 'seed'>): void {
    const { builder } = this.#line;
    if ((to.kind === 'ptr' || to.kind === 'fn') && choice % 8 === 0) {
      builder.store(address, builder.const(to, 0n));
      return;
    }
    const stays = (known: Known): boolean => !(known.origin.local && origin.outer);
    let known = this.#line.pickKnown(to, b, stays);
    if (!stays(known)) {
      if (to.kind !== 'ptr') return;
      known = { value: builder.const(to, 0n), type: to, origin: NOWHERE };
    }
    if (seed % 16 === 0 && to.kind === 'scalar') known = this.#line.fresh(to, choice, seed);
    builder.store(address, known.value);
  }

  /** One value, or a buffer of them. */
  #slot(plan: LeafPlan): void {
    const { builder, scope } = this.#line;
    let type = this.#line.type(plan.type);
    if (plan.op % 6 === 0) type = ptr(type);
    if (plan.c % 2 === 0) {
      scope.addCell({ address: builder.slot(type), to: type, origin: LOCAL });
      return;
    }
    const array = arrayOf(type, BUFFER_LENGTH);
    const address = builder.slot(array);
    scope.addCell({ address, to: array, origin: LOCAL });
    this.#line.add(builder.item(address, builder.const(I64, 0n)), LOCAL);
  }

  #isAggregate = (type: Type): boolean => type.kind === 'array' || type.kind === 'named';

  #aggregate(plan: LeafPlan): Cell {
    const { builder, scope } = this.#line;
    const cell = this.#cell(plan.type, plan.a, this.#isAggregate);
    if (cell !== undefined && plan.choice % 8 !== 0) return cell;
    const types = this.#line.types.filter(this.#isAggregate);
    const type =
      types[plan.choice % Math.max(types.length, 1)] ?? arrayOf(this.#line.type(plan.type), 1 + (plan.op % 9));
    const fresh = { address: builder.slot(type), to: type, origin: LOCAL };
    scope.addCell(fresh);
    return fresh;
  }

  /** The address of a field or element of an aggregate; of an enum, the value of a field if its variant is there. */
  #part(plan: LeafPlan): void {
    const { builder, scope, contents } = this.#line;
    const cell = this.#aggregate(plan);
    const { address, to, origin } = cell;
    if (to.kind === 'array') {
      scope.addCell({ address: builder.item(address, this.#indexOf(to.length, plan)), to: to.of, origin });
      if (to.length >= BUFFER_LENGTH && plan.b % 2 === 0) {
        this.#line.add(builder.item(address, builder.const(I64, 0n)), origin);
      }
      return;
    }
    const declaration = contents.declarationOf(to);
    if (declaration?.kind === 'struct') {
      const field = builder.field(address, declaration.fields[plan.b % declaration.fields.length]!.name);
      const type = builder.typeOf(field);
      if (type.kind === 'ptr') scope.addCell({ address: field, to: type.to, origin });
    } else this.#variantField(cell, plan);
  }

  /** Inside, but for one in eight where that may trap. */
  #indexOf(length: number, { a, b, c, op }: LeafPlan): Value {
    const { builder, traps } = this.#line;
    if (traps && c % 8 === 7) return builder.binary('and', this.#line.pick(I64, a), builder.const(I64, 15n));
    if (b % 4 === 0) return builder.const(I64, BigInt(op % length));
    const mask = 2 ** Math.floor(Math.log2(length)) - 1;
    return builder.binary('and', this.#line.pick(I64, a), builder.const(I64, BigInt(mask)));
  }

  /** What other variants left in its place has no defined value: so the tag is looked at first. */
  #variantField({ address, to, origin }: Cell, plan: LeafPlan): void {
    const { builder, contents } = this.#line;
    const declaration = contents.declarationOf(to);
    if (declaration?.kind !== 'enum') return;
    const tag = builder.load(builder.field(address, 'tag'));
    const variant = declaration.variants[plan.b % declaration.variants.length]!;
    const field = variant.fields[plan.c % Math.max(variant.fields.length, 1)];
    if (field === undefined) {
      this.#line.add(tag);
      return;
    }
    const isThere = builder.compare('eq', tag, builder.tagof(to, variant.name));
    const place = builder.field(address, `${variant.name}.${field.name}`);
    const placeType = builder.typeOf(place);
    if (placeType.kind !== 'ptr') return;
    const type = placeType.to;
    const [there, join] = [builder.block(), builder.block()];
    const other = this.#line.pickKnown(type, plan.choice);
    const joined = builder.blockParam(join, type);
    builder.branch(isThere, there, [], join, [other.value]);
    builder.switchTo(there);
    builder.jump(join, [builder.load(place)]);
    builder.switchTo(join);
    this.receive(joined, either(this.#loaded(type, origin), other.origin));
  }

  /** Makes an enum one of its variants, or sets all fields of a struct. */
  #fillAggregate(plan: LeafPlan): void {
    const { builder, contents } = this.#line;
    const { address, to, origin } = this.#aggregate(plan);
    const declaration = contents.declarationOf(to);
    const put = (path: string, k: number): void => {
      const place = builder.field(address, path);
      const type = builder.typeOf(place);
      if (type.kind !== 'ptr') return;
      const holds = contents.holdsPointers(type.to);
      // An element of another variant may be there: every field is written, if with zeros only.
      const before = this.#line.of(type.to).some((known) => !(known.origin.local && origin.outer));
      if (holds && !before) builder.store(place, this.#zero(type.to));
      else
        this.#put(
          { address: place, to: type.to, origin },
          { b: plan.b + k, choice: plan.choice + k, seed: plan.seed + k },
        );
    };
    if (declaration?.kind === 'struct') {
      for (const [k, { name }] of declaration.fields.entries()) put(name, k);
    } else if (declaration !== undefined) {
      const variant = declaration.variants[plan.c % declaration.variants.length]!;
      builder.store(builder.field(address, 'tag'), builder.tagof(to, variant.name));
      for (const [k, { name }] of variant.fields.entries()) put(`${variant.name}.${name}`, k);
    }
  }

  /** Null, or a value of zeros: there is no pointer to a slot in it. */
  #zero(type: Type): Value {
    const { builder } = this.#line;
    if (type.kind === 'ptr' || type.kind === 'fn') return builder.const(type, 0n);
    return this.#line.fresh(type, 0, 0).value;
  }

  /** Between two places in buffers of one type, which may be one buffer: up to two values, or none, or less than none. */
  #copy(plan: LeafPlan): void {
    const { builder } = this.#line;
    const buffers = this.#buffers();
    const to = buffers[plan.type % Math.max(buffers.length, 1)];
    if (to === undefined) return;
    const sources = this.#line.of(to.type);
    const from = sources[plan.b % sources.length]!;
    const isSafe = !(from.origin.local && to.origin.outer) || !this.#line.contents.holdsPointers(elementOf(to.type));
    if (!isSafe) return;
    const place = ({ value }: Known, number: number): Value => {
      const index = builder.binary('and', this.#line.pick(I64, number), builder.const(I64, 1n));
      const next = plan.c % 2 === 0 ? index : builder.binary('add', index, builder.const(I64, 1n));
      return builder.elem(value, next);
    };
    const three = builder.binary('and', this.#line.pick(I64, plan.op), builder.const(I64, 3n));
    const count = plan.c === 15 ? builder.const(I64, 2n) : builder.binary('sub', three, builder.const(I64, 1n));
    builder.copy(place(to, plan.a), place(from, plan.b), count);
  }

  #fill(plan: LeafPlan): void {
    const { builder, contents } = this.#line;
    const isBytes = ({ type }: Known): boolean => type.kind === 'ptr' && contents.isBytes(type.to);
    const buffers = this.#buffers().filter(isBytes);
    const buffer = buffers[plan.type % Math.max(buffers.length, 1)];
    if (buffer === undefined) return;
    const { address } = this.#element(buffer, plan.a);
    const to = builder.cast(ptr(U8), address);
    const size = builder.sizeof(elementOf(buffer.type));
    const count = plan.c % 4 === 0 ? builder.binary('sub', size, this.#line.pick(I64, plan.b)) : size;
    // Not more than the element has, and less than nothing now and then.
    builder.fill(to, this.#line.pick(U8, plan.b), builder.binary('min', count, size));
  }

  /** Some of the bytes of a buffer of integers, as an integer of another width, at any alignment. */
  #view(plan: LeafPlan): void {
    const { builder } = this.#line;
    const buffers = this.#buffers().filter(({ type }) => isInt(elementOf(type)));
    const buffer = buffers[plan.type % Math.max(buffers.length, 1)];
    if (buffer === undefined) return;
    const bytes = BUFFER_LENGTH * sizeOf(elementOf(buffer.type))!;
    const integers = SCALARS.filter((type) => isInt(type) && sizeOf(type)! <= bytes);
    const type = integers[plan.op % integers.length]!;
    const offset = builder.const(I64, BigInt(plan.choice % (bytes - sizeOf(type)! + 1)));
    const address = builder.cast(ptr(type), builder.elem(builder.cast(ptr(U8), buffer.value), offset));
    if (plan.c % 2 === 0) this.#line.add(builder.load(address));
    else builder.store(address, this.#line.pick(type, plan.a));
  }

  /** Addresses in one buffer, which order the same wherever it lies; or one with null. Or whether two functions are one. */
  #compare(plan: LeafPlan): void {
    const { builder, scope } = this.#line;
    const functions = scope.values.filter(({ type }) => type.kind === 'fn');
    const fn = plan.choice % 2 === 0 ? functions[plan.b % Math.max(functions.length, 1)] : undefined;
    if (fn !== undefined) {
      const other = plan.c < 4 ? builder.const(fn.type, 0n) : this.#line.pick(fn.type, plan.a);
      this.#line.add(builder.compare(plan.op % 2 === 0 ? 'eq' : 'ne', fn.value, other));
      return;
    }
    const buffers = this.#buffers();
    const buffer = buffers[plan.type % Math.max(buffers.length, 1)];
    if (buffer === undefined) return;
    const op = COMPARE_OPS[plan.op % COMPARE_OPS.length]!;
    const left = this.#element(buffer, plan.a).address;
    const right = plan.c < 4 ? builder.const(buffer.type, 0n) : this.#element(buffer, plan.b).address;
    this.#line.add(builder.compare(op, left, right));
  }
}

function elementOf(type: Type): Type {
  return type.kind === 'ptr' ? type.to : type;
}
