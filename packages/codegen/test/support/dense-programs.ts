// Long functions in which every value may be needed at any time: operands are picked from all that is in scope, so dozens of
// values are alive at once, across loops, branches and calls. Shrinking is not for these; a seed and a size name a program.
import { Random } from '@simple-jit/fixtures/random';

const TYPES = ['i64', 'f64', 'i32', 'u32', 'f32', 'u8', 'i16', 'u64', 'bool'] as const;
type TypeName = (typeof TYPES)[number];

const INT_OPS = ['add', 'sub', 'mul', 'and', 'or', 'xor', 'shl', 'shr', 'div', 'rem', 'add', 'sub', 'mul'];
const FLOAT_OPS = ['add', 'sub', 'mul', 'div'];
const COMPARES = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];

export const DENSE_ENTRY = 'fn$dense';
/** Elements in each of the two buffers. */
export const DENSE_LENGTH = 16;

/** The module's text; the entry is `dense(a: i64, b: f64, c: i32, d: f32, e: u8, g: bool, p: ptr<i32>, q: ptr<f64>) -> i64`. */
export function denseProgram(seed: number, size: number): string {
  return new Generator(seed).module(size);
}

class Generator {
  private readonly random: Random;
  private names = 0;
  private lines: string[] = [];
  private scope: { readonly name: string; readonly type: TypeName }[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  private fresh(prefix: string): string {
    return `${prefix}${this.names++}`;
  }

  private literal(type: TypeName): string {
    if (type === 'bool') return this.random.pick(['true', 'false']);
    if (type[0] === 'f') return `${this.random.below(200) - 100}.${this.random.pick(['0', '5', '25', '125'])}`;
    const value = this.random.pick([0, 1, 2, 3, 7, 8, 16, 100, this.random.below(120)]);
    return type[0] === 'i' && this.random.below(4) === 0 ? `-${value}` : `${value}`;
  }

  /** Any value of that type that is in scope; now and then, or if there is none, a literal. */
  private operand(type: TypeName): string {
    const fitting = this.scope.filter((value) => value.type === type);
    return fitting.length === 0 || this.random.below(8) === 0 ? this.literal(type) : this.random.pick(fitting).name;
  }

  private define(type: TypeName, text: string): string {
    const name = this.fresh('v');
    this.lines.push(`  ${name}: ${type} = ${text}`);
    this.scope.push({ name, type });
    return name;
  }

  private statement(budget: number, nesting: number): void {
    const kind = this.random.below(20);
    if (kind < 9) this.operation();
    else if (kind < 12) this.conversion();
    else if (kind < 13) {
      const type = this.random.pick(TYPES);
      this.define(type, `select ${this.operand('bool')}, ${this.operand(type)}, ${this.operand(type)}`);
    } else if (kind < 16) this.memory();
    else if (kind < 18) this.call();
    else if (nesting > 0 && budget > 8) {
      if (kind === 18) this.branch(budget >> 1, nesting);
      else this.loop(budget >> 1, nesting);
    }
  }

  private operation(): void {
    const type = this.random.pick(TYPES);
    if (type === 'bool' || this.random.below(5) === 0) {
      const compared = this.random.pick(TYPES.filter((name) => name !== 'bool'));
      this.define(
        'bool',
        `${this.random.pick(COMPARES)} ${this.operand(compared)}, ${this.operandNotLiteral(compared)}`,
      );
    } else {
      // Division by a literal that is not 0, mostly: a trap ends the run too soon.
      const op = this.random.pick(type[0] === 'f' ? FLOAT_OPS : INT_OPS);
      const divides = type[0] !== 'f' && (op === 'div' || op === 'rem') && this.random.below(40) !== 0;
      const right = divides ? `${1 + this.random.below(100)}` : this.operand(type);
      this.define(type, `${op} ${this.operandNotLiteral(type)}, ${right}`);
    }
  }

  /** Types follow from the first operand that has a name. */
  private operandNotLiteral(type: TypeName): string {
    const fitting = this.scope.filter((value) => value.type === type);
    return fitting.length > 0 ? this.random.pick(fitting).name : this.define(type, `const ${this.literal(type)}`);
  }

  private conversion(): void {
    const from = this.random.pick(TYPES);
    const to =
      from === 'bool'
        ? this.random.pick(['i64', 'u8', 'i32'] as const)
        : this.random.pick(TYPES.filter((name) => name !== 'bool'));
    this.define(to, `convert ${this.operandNotLiteral(from)}`);
  }

  private memory(): void {
    const [pointer, type] = this.random.pick([
      ['p', 'i32'],
      ['q', 'f64'],
    ] as const);
    const index = this.define('i64', `and ${this.operandNotLiteral('i64')}, ${DENSE_LENGTH - 1}`);
    const address = this.fresh('at');
    this.lines.push(`  ${address} = elem ${pointer}, ${index}`);
    if (this.random.below(2) === 0) this.define(type, `load ${address}`);
    else this.lines.push(`  store ${address}, ${this.operand(type)}`);
  }

  private call(): void {
    if (this.random.below(2) === 0) {
      this.define('i64', `call whole(${this.operand('i64')}, ${this.operand('f64')})`);
      return;
    }
    const args = (['i64', 'f64', 'f32', 'i32', 'u8', 'bool', 'i64', 'i64', 'f64', 'u32', 'i16', 'f64'] as const).map(
      (type) => this.operand(type),
    );
    this.define('f64', `call many(${args.join(', ')})`);
  }

  /** Runs `body` in a scope of its own. */
  private nested(body: () => void): void {
    const outer = this.scope;
    this.scope = [...outer];
    body();
    this.scope = outer;
  }

  private merged(): { readonly types: readonly TypeName[]; readonly params: readonly string[] } {
    const types = Array.from({ length: this.random.below(8) }, () => this.random.pick(TYPES));
    return { types, params: types.map(() => this.fresh('m')) };
  }

  private enter(label: string, params: readonly string[], types: readonly TypeName[]): void {
    const list = params.map((param, i) => `${param}: ${types[i]}`).join(', ');
    this.lines.push(`${label}${list === '' ? '' : `(${list})`}:`);
    params.forEach((name, i) => {
      this.scope.push({ name, type: types[i]! });
    });
  }

  private edge(label: string, types: readonly TypeName[]): string {
    return types.length === 0 ? label : `${label}(${types.map((type) => this.operand(type)).join(', ')})`;
  }

  private branch(budget: number, nesting: number): void {
    const [yes, no, join] = [this.fresh('yes'), this.fresh('no'), this.fresh('join')];
    const { types, params } = this.merged();
    const oneSided = this.random.below(3) === 0;
    this.lines.push(`  branch ${this.operand('bool')}, ${yes}, ${oneSided ? this.edge(join, types) : no}`);
    for (const label of oneSided ? [yes] : [yes, no]) {
      this.nested(() => {
        this.lines.push(`${label}:`);
        this.statements(budget >> 1, nesting - 1);
        this.lines.push(`  jump ${this.edge(join, types)}`);
      });
    }
    this.enter(join, params, types);
  }

  private loop(budget: number, nesting: number): void {
    const [head, body, done] = [this.fresh('head'), this.fresh('body'), this.fresh('done')];
    const { types, params } = this.merged();
    const [i, more, next] = [this.fresh('i'), this.fresh('more'), this.fresh('next')];
    const edge = (counter: string): string =>
      `${head}(${[counter, ...types.map((type) => this.operand(type))].join(', ')})`;
    this.lines.push(`  jump ${edge('0')}`);
    this.enter(head, [i, ...params], ['i64', ...types]);
    this.lines.push(
      `  ${more} = lt ${i}, ${1 + this.random.below(3)}`,
      `  branch ${more}, ${body}, ${done}`,
      `${body}:`,
    );
    this.nested(() => {
      this.statements(budget, nesting - 1);
      this.lines.push(`  ${next} = add ${i}, 1`, `  jump ${edge(next)}`);
    });
    this.lines.push(`${done}:`);
  }

  private statements(budget: number, nesting: number): void {
    const end = this.lines.length + budget;
    while (this.lines.length < end) this.statement(end - this.lines.length, nesting);
  }

  module(size: number): string {
    const params: [string, TypeName][] = [
      ['a', 'i64'],
      ['b', 'f64'],
      ['c', 'i32'],
      ['d', 'f32'],
      ['e', 'u8'],
      ['g', 'bool'],
    ];
    this.scope = params.map(([name, type]) => ({ name, type }));
    this.statements(size, 3);
    let total = this.define('i64', 'const 0');
    for (const { name, type } of [...this.scope]) {
      const converted = type === 'i64' ? name : this.define('i64', `convert ${name}`);
      total = this.define('i64', `add ${this.define('i64', `mul ${total}, 31`)}, ${converted}`);
    }
    return `module dense
fn dense(${params.map(([name, type]) => `${name}: ${type}`).join(', ')}, p: ptr<i32>, q: ptr<f64>) -> i64 {
entry:
${this.lines.join('\n')}
  return ${total}
}
fn whole(x: i64, y: f64) -> i64 {
entry:
  z: i64 = convert y
  w = xor x, z
  small = gt w, 1000
  branch small, again, out
again:
  h = shr w, 1
  r = call whole(h, 0.5)
  return r
out:
  return w
}
fn many(a: i64, b: f64, c: f32, d: i32, e: u8, g: bool, h: i64, i: i64, j: f64, k: u32, l: i16, m: f64) -> f64 {
entry:
  fc: f64 = convert c
  fd: f64 = convert d
  fe: f64 = convert e
  ig: i64 = convert g
  sh = add h, i
  si = add sh, ig
  sj = sub si, a
  fk: f64 = convert k
  fl: f64 = convert l
  fs: f64 = convert sj
  s1 = add b, fc
  s2 = sub s1, fd
  s3 = add s2, fe
  s4 = sub s3, fk
  s5 = add s4, fl
  s6 = mul s5, j
  s7 = add s6, m
  s8 = sub s7, fs
  return s8
}
`;
  }
}
