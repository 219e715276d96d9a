// That specialising and compiling cost no more for each instruction of a large function than of a small one.
import { compileUnit } from '@simple-jit/codegen';
import {
  type ConcreteFunction,
  environmentOf,
  parseModule,
  specialise,
  type TemplateModule,
} from '@simple-jit/template-ir';
import { type BenchRow, compare } from './compare.js';

const BASE = 100;

export async function benchGrowth(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const [name, shape] of Object.entries(shapes)) {
    for (const count of [10, 1_000, 10_000]) {
      const unitOf = (size: number): readonly ConcreteFunction[] => specialiseAll(moduleOf(shape(size)));
      rows.push(await grow('compile', name, count, unitOf, compileUnit));
    }
  }
  const branchesOf = (size: number): TemplateModule => moduleOf(branches(size));
  for (const count of [10, 1_000, 10_000]) {
    rows.push(await grow('specialise', 'branches', count, branchesOf, specialiseAll));
  }
  return rows;
}

/**
 * `work` on one function of `count` instructions, or several, beside functions of BASE: as many instructions on both sides, as then
 * what else the machine does disturbs both alike.
 */
function grow<T>(
  verb: string,
  shape: string,
  count: number,
  make: (size: number) => T,
  work: (made: T) => unknown,
): Promise<BenchRow> {
  const total = Math.max(count, BASE);
  const [ours, other] = [make(count), make(BASE)];
  return compare(
    `${verb} ${total} instructions of ${shape}, in functions of ${count}`,
    () => repeat(total / count, work, ours),
    `in functions of ${BASE}`,
    () => repeat(total / BASE, work, other),
    { warmUp: 500 },
  );
}

function repeat<T>(times: number, work: (made: T) => unknown, made: T): void {
  for (let i = 0; i < times; i++) work(made);
}

const moduleOf = (text: string): TemplateModule => parseModule(`module m\n${text}`);

function specialiseAll({ templates, types }: TemplateModule): ConcreteFunction[] {
  return templates.map((template) => specialise(template, [], { types: environmentOf(types) }));
}

/** Makes `f` of about `count` instructions. */
type Shape = (count: number) => string;

const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

const branches: Shape = (count) => {
  const step = (i: number): string => {
    if (i % 10 !== 9) {
      const op = ['add', 'xor', 'mul', 'sub'][i % 4];
      return `  v${i} = ${op} v${i - 1}, ${i % 3 === 0 ? 'x' : `v${Math.max(0, i - 5)}`}`;
    }
    return `  c${i} = gt v${i - 1}, y
  branch c${i}, yes${i}, join${i}(v${i - 1})
yes${i}:
  w${i} = sub v${i - 1}, x
  jump join${i}(w${i})
join${i}(v${i}: i64):`;
  };
  return `fn f(x: i64, y: i64) -> i64 {
entry:
  v0 = add x, y
${lines(count - 1, (i) => step(i + 1))}
  return v${count - 1}
}`;
};

const loops: Shape = (count) => {
  const last = Math.ceil(count / 8) - 1;
  return `fn f(x: i64, y: i64) -> i64 {
entry:
  jump loop0(0, x)
${lines(
  last + 1,
  (i) => `loop${i}(i${i}: i64, s${i}: i64):
  more${i} = lt i${i}, y
  branch more${i}, body${i}, done${i}
body${i}:
  t${i} = add s${i}, i${i}
  u${i} = xor t${i}, x
  j${i} = add i${i}, 1
  jump loop${i}(j${i}, u${i})
done${i}:
  ${i === last ? `return s${i}` : `jump loop${i + 1}(0, s${i})`}`,
)}
}`;
};

const calls: Shape = (count) => `fn g(x: i64, y: i64) -> i64 {
entry:
  return y
}
fn f(x: i64, y: i64) -> i64 {
entry:
  v0 = add x, y
${lines(count - 1, (i) => `  v${i + 1} = ${i % 3 === 0 ? `call g(v${i}, y)` : `add v${i}, x`}`)}
  return v${count - 1}
}`;

/** Half of them compute values, the other half needs these: most are spilled. */
const spilled: Shape = (count) => `fn f(x: i64, y: i64) -> i64 {
entry:
  s0 = add x, y
${lines(count / 2, (i) => `  a${i} = add x, ${i}`)}
${lines(count / 2, (i) => `  s${i + 1} = xor s${i}, a${i}`)}
  return s${count / 2}
}`;

/** A struct made and handed on in each block. */
const structs: Shape = (count) => {
  const last = Math.ceil(count / 4) - 1;
  return `struct Pair {
  a: i64
  b: i64
}
fn f(p: ptr<Pair>, x: i64) -> i64 {
entry:
  v = load p
  jump block0(v, x)
${lines(
  last + 1,
  (i) => `block${i}(v${i}: Pair, s${i}: i64):
  store p, v${i}
  w${i} = load p
  t${i} = add s${i}, x
  ${i === last ? `return t${i}` : `jump block${i + 1}(w${i}, t${i})`}`,
)}
}`;
};

/** What a guard returns is needed far away from where it is made: after all other guards. */
const guards: Shape = (count) => {
  const checks = Math.ceil(count / 4);
  return `fn f(x: i64) -> i64 {
${lines(
  checks,
  (i) => `check${i}:
  c${i} = gt x, ${i}
  y${i} = mul x, ${i + 3}
  branch c${i}, check${i + 1}, leave${i}`,
)}
check${checks}:
  return x
${lines(checks, (i) => `leave${i}:\n  return y${i}`)}
}`;
};

const shapes: Record<string, Shape> = { branches, loops, calls, structs, guards, 'spilled values': spilled };
