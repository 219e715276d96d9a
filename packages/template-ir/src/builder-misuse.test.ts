// What callers get wrong with the builder: whatever they ask for, in whatever order, an error is an IrBuildError, and what
// is built is a function that the verifier accepts or refuses.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrayOf,
  BINARY_OPS,
  type BlockId,
  BOUNDS,
  COMPARE_OPS,
  diagnoseTemplate,
  environmentOf,
  FunctionBuilder,
  fnType,
  IrBuildError,
  named,
  param,
  parseModule,
  ptr,
  scalar,
  type Type,
  UNARY_OPS,
  type Value,
  type Variable,
} from './index.js';

const { types } = parseModule('module m\nstruct S<T: Num> {\n  x: T\n}\nenum E {\n  A\n  B(y: S<i32>)\n}\n');
const i64 = scalar('i64');
const TYPES: readonly Type[] = [
  ...(['i64', 'u8', 'f32', 'f64', 'bool'] as const).map(scalar),
  ...[param(0, 'T'), param(1, 'U'), param(9, 'X'), named('E'), named('S', [i64]), named('S'), named('Other')],
  ...[ptr(i64), ptr(scalar('u8')), ptr(named('E')), ptr(arrayOf(param(0, 'T'), 3)), arrayOf(named('E'), 2)],
  ...[fnType([i64], i64), fnType([named('E')], undefined), ptr(ptr(named('S', [scalar('bool')])))],
];
const PATHS = ['x', 'tag', 'A', 'B.y', 'B', 'none', ''];

/** Takes numbers one by one; each choice is whatever the next of them says. */
class Choices {
  readonly #numbers: readonly number[];
  #next = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  below(count: number): number {
    return this.#numbers[this.#next++ % this.#numbers.length]! % count;
  }

  of<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }
}

/** One call of one method, with arguments of the right TypeScript types and nothing else right about them. */
function misuse(f: FunctionBuilder, choices: Choices): void {
  const type = (): Type => choices.of(TYPES);
  const value = (): Value => (choices.below(12) - 1) as Value;
  const values = (): Value[] => Array.from({ length: choices.below(3) }, value);
  const block = (): BlockId => (choices.below(5) - 1) as BlockId;
  const variable = (): Variable => (choices.below(4) - 1) as Variable;
  const literal = () => choices.of([0n, -1n, 1n << 70n, 1.5, Number.NaN, 1e300, true, false]);
  const name = () => choices.of(['f', 'malloc', '', 'two words', 'return']);
  const bound = () => choices.of(BOUNDS);
  const calls: readonly (() => unknown)[] = [
    () => f.typeParam(choices.of(['T', 'U', 'T', 'i64']), bound()),
    () => f.param(type()),
    () => f.setResult(choices.of([undefined, i64, param(0, 'T')])),
    () => f.block(),
    () => f.nameEntry(name()),
    () => f.blockParam(block(), type()),
    () => f.paramsOf(block()),
    () => f.switchTo(block()),
    () => f.variable(type()),
    () => f.write(variable(), value()),
    () => f.read(variable()),
    () => f.seal(block()),
    () => f.jump(block(), values()),
    () => f.branch(value(), block(), values(), block(), values()),
    () => f.ifType(type(), choices.of([bound(), type()]), block(), values(), block(), values()),
    () => f.return(choices.of([undefined, value()])),
    () => f.unreachable(),
    () => f.typeOf(value()),
    () => f.const(type(), literal()),
    () => f.unary(choices.of(UNARY_OPS), value()),
    () => f.binary(choices.of(BINARY_OPS), value(), value()),
    () => f.compare(choices.of(COMPARE_OPS), value(), value()),
    () => f.select(value(), value(), value()),
    () => f.convert(type(), value()),
    () => f.convertChecked(type(), value()),
    () => f.cast(type(), value()),
    () => f.fma(value(), value(), value()),
    () => f.load(value()),
    () => f.store(value(), value()),
    () => f.elem(value(), value()),
    () => f.item(value(), value()),
    () => f.field(value(), choices.of(PATHS)),
    () => f.sizeof(type()),
    () => f.alignof(type()),
    () => f.offsetof(type(), choices.of(PATHS)),
    () => f.tagof(type(), choices.of(PATHS)),
    () => f.slot(type()),
    () => f.copy(value(), value(), value()),
    () => f.fill(value(), value(), value()),
    () => f.bounds(value(), value()),
    () => f.call(type(), name(), [type()], values()),
    () => f.callVoid(name(), [type()], values()),
    () => f.fnaddr(type(), name(), [type()]),
    () => f.invoke(value(), values()),
    () => f.invokeVoid(value(), values()),
    () => f.extern(type(), name(), values()),
    () => f.externVoid(name(), values()),
  ];
  choices.of(calls)();
}

describe('FunctionBuilder', () => {
  it('answers misuse with an IrBuildError', () => {
    const environment = environmentOf(types);
    const codes = new Set<string>();
    let built = 0;
    const numbers = fc.array(fc.nat(10_000), { minLength: 20, maxLength: 120 });
    fc.assert(
      fc.property(numbers, fc.integer({ min: 1, max: 25 }), (seeds, count) => {
        const choices = new Choices(seeds);
        const f = new FunctionBuilder('f', { types: environment });
        for (let i = 0; i < count; i++) {
          try {
            misuse(f, choices);
          } catch (error) {
            expect(error).toBeInstanceOf(IrBuildError);
            codes.add((error as IrBuildError).code);
          }
        }
        try {
          diagnoseTemplate(f.build(), undefined, environment);
          built++;
        } catch (error) {
          expect(error).toBeInstanceOf(IrBuildError);
        }
      }),
      { numRuns: Number(process.env.FC_NUM_RUNS ?? 3000), seed: 20261126 },
    );
    expect(built).toBeGreaterThan(0);
    for (const code of ['VALUE', 'BLOCK', 'EDGE_TO_ENTRY', 'EDGE_ARITY', 'SHAPE', 'OPERAND_TYPE', 'FIELD']) {
      expect(codes).toContain(code);
    }
  });
});
