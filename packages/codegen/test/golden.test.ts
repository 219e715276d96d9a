// The machine code of the example library, as disassembly: a change here is a change in what users run. `vitest -u` blesses it.
import { readFileSync } from 'node:fs';
import { mangle, parseModule, type ScalarName, scalar, specialise } from '@simple-jit/template-ir';
import { expect, it } from 'vitest';
import { compileUnit } from '../src/index.js';
import { functionsOf } from './support/agree.js';
import { disassemble } from './support/disassembler.js';

const library = parseModule(readFileSync(new URL('../../../examples/collections.tir', import.meta.url), 'utf8'));

const CASES: readonly (readonly [string, ScalarName])[] = [
  ['identity', 'u8'],
  ['max', 'i32'],
  ['max', 'f64'],
  ['sum', 'f64'],
  ['sum', 'u8'],
  ['dot', 'f32'],
  ['find', 'f64'],
  ['find', 'i16'],
  ['sift_down', 'i64'],
  ['sort', 'i64'],
  ['median', 'f64'],
];

it.each(CASES)('%s<%s>', async (name, type) => {
  const functions = library.templates.map((template) => specialise(template, [scalar(type)]));
  const unit = compileUnit(functions);
  const names = new Map(unit.functions.map(({ symbol, offset }) => [offset, symbol]));
  const fn = unit.functions.find(({ symbol }) => symbol === mangle(name, [scalar(type)]))!;
  const lines = disassemble(unit.code.subarray(fn.offset, fn.offset + fn.size), fn.offset).map(({ offset, text }) => {
    // Where this function lies in the unit must not matter: targets and offsets are relative to it.
    const target = /^(j\w+|call) 0x([0-9a-f]+)$/.exec(text);
    const address = target === null ? -1 : Number.parseInt(target[2]!, 16);
    const relative = names.get(address) ?? `+0x${(address - fn.offset).toString(16)}`;
    const shown = target === null ? text : `${target[1]} ${relative}`;
    return `${(offset - fn.offset).toString(16).padStart(4)}  ${shown.replace(/\[rip [^\]]*\]/, '[rip + …]')}`;
  });
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`golden/${name}.${type}.asm`);
});

/** Aggregates, checked arithmetic, calls through pointers and of C functions: what specialisation and traps become. */
const AGGREGATES = `
struct Vector {
  x: f64
  y: f64
  z: f64
}
fn dot(a: Vector, b: Vector) -> f64 {
entry:
  p = slot Vector
  q = slot Vector
  store p, a
  store q, b
  px = field p, x
  qx = field q, x
  pz = field p, z
  qz = field q, z
  ax = load px
  bx = load qx
  az = load pz
  bz = load qz
  x = mul ax, bx
  z = mul az, bz
  r = add x, z
  return r
}
fn sum_y(data: ptr<Vector>, n: i64) -> f64 {
entry:
  jump loop(0, 0.0)
loop(i: i64, s: f64):
  more = lt i, n
  branch more, body, done
body:
  p = elem data, i
  y = field p, y
  v = load y
  t = add s, v
  k = add_checked i, 1
  jump loop(k, t)
done:
  return s
}
fn pick(table: ptr<array<i32, 10>>, i: i64, factor: i32) -> i32 {
entry:
  p = item table, i
  v = load p
  r = mul_checked v, factor
  d = div_checked r, factor
  return d
}
fn call_both(f: fn(i8) -> i64, x: i8) -> i64 {
entry:
  a = invoke f(x)
  b: i64 = extern labs(a)
  c = popcount b
  return c
}
fn keep(data: ptr<u8>, n: i64) {
entry:
  q = elem data, 1
  copy q, data, n
  copy data, q, 40
  fill data, 7, 12
  return
}`;

it.each(['dot', 'sum_y', 'pick', 'call_both', 'keep'])('%s', async (name) => {
  const functions = functionsOf(AGGREGATES);
  const unit = compileUnit(functions);
  const { offset, size } = unit.functions.find(({ symbol }) => symbol === `fn$${name}`)!;
  const lines = disassemble(unit.code.subarray(offset, offset + size), offset).map((line) => {
    const target = /^(j\w+) 0x([0-9a-f]+)$/.exec(line.text);
    const shown =
      target === null ? line.text : `${target[1]} +0x${(Number.parseInt(target[2]!, 16) - offset).toString(16)}`;
    const trap = unit.traps.find((entry) => entry.offset === line.offset);
    const kind = trap === undefined ? '' : `  ; ${trap.kind}`;
    return `${(line.offset - offset).toString(16).padStart(4)}  ${shown.replace(/\[rip [^\]]*\]/, '[rip + …]')}${kind}`;
  });
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`golden/${name}.asm`);
});
