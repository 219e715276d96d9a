// Functions whose blocks are any connected graph, also such as no structured language makes, over variables of all kinds that every
// block may read and write. What ends them is fuel. A seed and two sizes name a function; shrinking is not for these.
import { Random } from '@simple-jit/fixtures/random';
import {
  arrayOf,
  type BinaryOp,
  type BlockId,
  type CompareOp,
  type ConcreteFunction,
  FunctionBuilder,
  type ScalarName,
  scalar,
  specialise,
  type Value,
  type Variable,
} from '@simple-jit/template-ir';

const TYPES: readonly ScalarName[] = ['i64', 'i64', 'i32', 'u32', 'u8', 'i16', 'f64', 'f32', 'bool', 'u64'];
const NUMBERS = TYPES.filter((type) => type !== 'bool');
const INT_OPS = ['add', 'sub', 'mul', 'and', 'or', 'xor', 'shl', 'shr', 'rotl', 'min', 'max'] as const;
const FLOAT_OPS = ['add', 'sub', 'mul', 'min', 'max'] as const;
const TRAPPING = ['div', 'rem', 'add_checked', 'mul_checked', 'div_checked'] as const;
const COMPARES = ['lt', 'ge', 'eq', 'ne'] as const;
const MIXED: readonly ScalarName[] = [
  'i64', 'f64', 'i32', 'f32', 'u8', 'bool', 'i64', 'i64', 'f64', 'u32', 'i16', 'i64',
]; // biome-ignore format: a list
const I64 = scalar('i64');

export const GRAPH_ENTRY = 'fn$graph';

/** `graph(x: i64, y: f64, fuel: i64) -> i64`, and a function that it calls. */
export function randomGraph(seed: number, blocks: number, variables: number): ConcreteFunction[] {
  return [specialise(new GraphBuilder(new Random(seed), blocks, variables).build(), []), specialise(mixing(), [])];
}

/** An order-dependent number of them all. */
function digest(f: FunctionBuilder, values: readonly (readonly [ScalarName, Value])[]): Value {
  let sum = f.const(I64, 17n);
  for (const [type, value] of values) {
    const number = type === 'i64' ? value : f.convert(I64, value);
    sum = f.binary('add', f.binary('mul', sum, f.const(I64, 31n)), number);
  }
  return sum;
}

function mixing() {
  const f = new FunctionBuilder('mixing');
  const params = MIXED.map((type, i) => [type, f.param(scalar(type), `p${i}`)] as const);
  f.setResult(I64);
  f.return(digest(f, params));
  return f.build();
}

class GraphBuilder {
  private readonly f = new FunctionBuilder('graph');
  private readonly vars: { readonly type: ScalarName; readonly variable: Variable }[] = [];
  /** Values of the entry, which every block may use. */
  private readonly entryValues: { readonly type: ScalarName; readonly value: Value }[] = [];

  constructor(
    private readonly random: Random,
    private readonly blockCount: number,
    private readonly variableCount: number,
  ) {}

  private literal(type: ScalarName): Value {
    const number = this.random.below(100);
    return this.f.const(scalar(type), type === 'bool' ? number > 50 : type[0] === 'f' ? number / 4 : BigInt(number));
  }

  private operand(type: ScalarName): Value {
    const fixed = this.entryValues.filter((each) => each.type === type);
    if (fixed.length > 0 && this.random.below(4) === 0) return this.random.pick(fixed).value;
    const fitting = this.vars.filter((each) => each.type === type);
    return fitting.length === 0 ? this.literal(type) : this.f.read(this.random.pick(fitting).variable);
  }

  build() {
    const { f } = this;
    const [x, y, fuel] = [f.param(I64, 'x'), f.param(scalar('f64'), 'y'), f.param(I64, 'fuel')];
    f.setResult(I64);
    const slot = f.slot(arrayOf(I64, 4));
    const left = f.variable(I64, 'left');
    f.write(left, fuel);
    for (let i = 0; i < this.variableCount; i++) this.declare(x, y);
    const blocks = Array.from({ length: this.blockCount }, () => f.block());
    const exit = f.block();
    f.jump(blocks[0]!);
    const successors = this.edges();
    for (const [number, block] of blocks.entries()) {
      f.switchTo(block);
      for (let i = this.random.below(6); i > 0; i--) this.statement(slot);
      this.leave(left, exit, successors[number]!.map((target) => blocks[target]!) as [BlockId, BlockId]);
    }
    for (const block of [...blocks, exit]) f.seal(block);
    f.switchTo(exit);
    f.return(
      digest(
        f,
        this.vars.map(({ type, variable }) => [type, f.read(variable)] as const),
      ),
    );
    return f.build();
  }

  private declare(x: Value, y: Value): void {
    const { f } = this;
    const type = this.random.pick(TYPES);
    const variable = f.variable(scalar(type));
    let value = this.literal(type);
    if (this.random.below(4) > 0) {
      if (type === 'bool') value = f.compare('gt', x, this.literal('i64'));
      else value = f.convert(scalar(type), type[0] === 'f' ? y : x);
    }
    f.write(variable, value);
    this.vars.push({ type, variable });
    if (this.random.below(3) === 0) this.entryValues.push({ type, value });
  }

  /** Two for each block; every block is reached, from one with a smaller number. */
  private edges(): number[][] {
    const successors: number[][] = Array.from({ length: this.blockCount }, () => []);
    for (let number = 1; number < this.blockCount; number++) {
      let from = this.random.below(number);
      while (successors[from]!.length > 1) from = (from + 1) % number;
      successors[from]!.push(number);
    }
    for (const targets of successors) {
      while (targets.length < 2) targets.push(this.random.below(this.blockCount));
      if (this.random.below(2) === 0) targets.reverse();
    }
    return successors;
  }

  private statement(slot: Value): void {
    const { f } = this;
    const { type, variable } = this.random.pick(this.vars);
    const kind = this.random.below(16);
    const isInt = type !== 'bool' && type[0] !== 'f';
    if (kind < 3)
      f.write(variable, this.operand(type)); // variables change places
    else if (kind < 5) f.write(variable, f.select(this.operand('bool'), this.operand(type), this.operand(type)));
    else if (type === 'bool') {
      const compared = this.random.pick(NUMBERS);
      const op: CompareOp = this.random.pick(COMPARES);
      f.write(variable, f.compare(op, this.operand(compared), this.operand(compared)));
    } else if (kind < 7) f.write(variable, f.convert(scalar(type), this.operand(this.random.pick(NUMBERS))));
    else if (kind < 8 && isInt && this.random.below(8) === 0) this.binary(variable, type, this.random.pick(TRAPPING));
    else if (kind < 9 && type === 'i64') {
      f.write(variable, f.call(I64, 'mixing', [], MIXED.map((each) => this.operand(each)))); // biome-ignore format: one line
    } else if (kind < 10 && type === 'i64') {
      const item = f.item(slot, f.binary('and', this.operand('i64'), f.const(I64, 3n)));
      if (this.random.below(2) === 0) f.store(item, this.operand('i64'));
      else f.write(variable, f.load(item));
    } else this.binary(variable, type, this.random.pick<BinaryOp>(isInt ? INT_OPS : FLOAT_OPS));
  }

  private binary(variable: Variable, type: ScalarName, op: BinaryOp): void {
    this.f.write(variable, this.f.binary(op, this.operand(type), this.operand(type)));
  }

  /** To the exit without fuel, otherwise to one of two blocks. */
  private leave(left: Variable, exit: BlockId, [yes, no]: readonly [BlockId, BlockId]): void {
    const { f } = this;
    const rest = f.binary('sub', f.read(left), f.const(I64, 1n));
    f.write(left, rest);
    const go = f.block();
    f.branch(f.compare('le', rest, f.const(I64, 0n)), exit, [], go, []);
    f.seal(go);
    f.switchTo(go);
    const bits = f.binary('and', rest, f.const(I64, BigInt(1 + this.random.below(7))));
    const condition = [
      () => f.compare('eq', bits, f.const(I64, 0n)),
      () => this.operand('bool'),
      () => f.compare('lt', this.operand('i32'), this.operand('i32')),
    ];
    f.branch(this.random.pick(condition)(), yes, [], no, []);
  }
}
