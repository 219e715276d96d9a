// Random traffic of aggregates: copies that overlap, callees that write what their argument was loaded from, block
// parameters in any order, values chosen and kept over iterations. Random programs (program.ts) seldom let a mistake in
// these show in what they leave behind; this lets little else.
import * as fc from 'fast-check';
import { parseModule } from '../text/parse.js';
import { scalar } from '../types.js';
import type { TestProgram } from './program.js';

const CARRIED = 3;
const ELEMENTS = 4;
const SIZES = { u32: 20, u64: 24 }; // of an S, which has no padding

const PRELUDE = `
module traffic
struct S<T: Int> {
  a: T
  b: array<u8, 8>
  c: array<E, 2>
}
enum E {
  None
  One
}
fn exchange<T: Any>(p: ptr<T>, v: T) -> T {
entry:
  old = load p
  store p, v
  return old
}
fn overwrite<T: Any>(v: T, p: ptr<T>) -> T {
entry:
  empty = slot T
  zeros = load empty
  store p, zeros
  return v
}
fn grow<T: Int>(v: S<T>) -> S<T> {
entry:
  at = slot S<T>
  store at, v
  a = field at, a
  x = load a
  if T is u32, narrow, wide
narrow:
  y = add x, 1
  jump join(y)
wide:
  n: u64 = convert x
  m = mul n, 3
  z: T = convert m
  jump join(z)
join(w: T):
  store a, w
  b = field at, b
  sixth = item b, 6
  old = load sixth
  new = add old, 1
  store sixth, new
  raw: ptr<u8> = cast at
  offset = offsetof S<T>, c
  moved = elem raw, offset
  tag: ptr<u32> = cast moved
  one = tagof E, One
  store tag, one
  r = load at
  return r
}
fn down<T: Int>(v: S<T>, p: ptr<S<T>>, n: i64) -> S<T> {
entry:
  more = gt n, 0
  branch more, again, out
again:
  w = call grow<T>(v)
  store p, v
  m = sub n, 1
  r = call down<T>(w, p, m)
  store p, r
  return v
out:
  return v
}
`;

interface Step {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly place: number;
}

/** Adds values to the pool, each a struct; `step.place` is a byte offset, so that places overlap. */
function write(step: Step, n: number, pool: string[], lines: string[]): void {
  const [a, b] = [step.a, step.b].map((choice) => pool[choice % pool.length]!);
  const at = `at${n}`;
  const place = `  raw${n} = elem bytes, ${step.place % (SIZES.u32 * (ELEMENTS - 1))}\n  ${at}: ptr<S<T>> = cast raw${n}`;
  const v = `v${n}`;
  switch (step.kind % 9) {
    case 0:
      lines.push(place, `  ${v} = load ${at}`);
      break;
    case 1:
      lines.push(place, `  store ${at}, ${a}`);
      return;
    case 2:
      lines.push(`  c${n} = lt i, ${step.place % 4}`, `  ${v} = select c${n}, ${a}, ${b}`);
      break;
    case 3:
      lines.push(place, `  ${v} = call exchange<S<T>>(${at}, ${a})`);
      break;
    case 4:
      lines.push(place, `  w${n} = load ${at}`, `  ${v} = call overwrite<S<T>>(w${n}, ${at})`);
      break;
    case 5:
      lines.push(`  f${n}: fn(S<T>) -> S<T> = fnaddr grow<T>`, `  ${v} = invoke f${n}(${a})`);
      break;
    case 6:
      lines.push(place, `  ${v} = call down<T>(${a}, ${at}, 3)`);
      break;
    case 7:
      lines.push(`  c${n} = eq i, ${step.place % 4}`, `  branch c${n}, join${n}(${a}, ${b}), join${n}(${b}, ${a})`);
      lines.push(`join${n}(${v}: S<T>, u${n}: S<T>):`);
      pool.push(`u${n}`);
      break;
    default:
      lines.push(place, `  o${n} = elem ${at}, ${(step.a % 3) - 1}`, `  copy ${at}, o${n}, 1`);
      return;
  }
  pool.push(v);
}

function program(steps: readonly Step[], back: readonly number[], out: readonly number[]): string {
  const lines: string[] = [];
  const carried = Array.from({ length: CARRIED }, (_, k) => `p${k}`);
  const pool = [...carried];
  for (const [n, step] of steps.entries()) write(step, n, pool, lines);
  const chosen = (choices: readonly number[]): string =>
    choices.map((choice) => pool[pool.length - 1 - (choice % pool.length)]!).join(', ');
  const params = (names: readonly string[]): string => names.map((name) => `${name}: S<T>`).join(', ');
  return `${PRELUDE}
fn main<T: Int>(data: ptr<S<T>>, n: i64) {
entry:
  before = elem data, 1
  bytes: ptr<u8> = cast before
${carried.map((_, k) => `  s${k} = elem data, ${k}\n  l${k} = load s${k}`).join('\n')}
  jump loop(0, ${carried.map((_, k) => `l${k}`).join(', ')})
loop(i: i64, ${params(carried)}):
${lines.join('\n')}
  next = add i, 1
  more = lt next, n
  branch more, loop(next, ${chosen(back)}), out(${chosen(out)})
out(${params(carried.map((_, k) => `q${k}`))}):
${carried.map((_, k) => `  t${k} = elem data, ${ELEMENTS + 1 + k}\n  store t${k}, q${k}`).join('\n')}
  return
}
`;
}

const arbitraryPlan = fc.record({
  steps: fc.array(fc.record({ kind: fc.nat(8), a: fc.nat(40), b: fc.nat(40), place: fc.nat(100) }), { maxLength: 10 }),
  back: fc.array(fc.nat(12), { minLength: CARRIED, maxLength: CARRIED }),
  out: fc.array(fc.nat(12), { minLength: CARRIED, maxLength: CARRIED }),
  type: fc.constantFrom('u32' as const, 'u64' as const),
  count: fc.integer({ min: 1, max: 5 }),
});

/** One entry, `main`, that moves structs about in a buffer of bytes; it never traps. */
export function arbitraryTraffic(): fc.Arbitrary<TestProgram> {
  return arbitraryPlan.map(({ steps, back, out, type, count }) => {
    const size = SIZES.u64 * (ELEMENTS + 1 + CARRIED);
    const bytes = Array.from({ length: size }, (_, i) => BigInt((i + 1) % 256));
    return {
      module: parseModule(program(steps, back, out)),
      entry: { template: 'main', typeArgs: [scalar(type)] },
      runs: [
        [
          { kind: 'buffer', element: scalar('u8'), values: bytes },
          { kind: 'value', type: scalar('i64'), value: BigInt(count) },
        ],
      ],
    };
  });
}
