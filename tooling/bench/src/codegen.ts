// The code generator: what a compile costs beside WebAssembly's synchronous one, how fast its code runs beside JavaScript, and
// that its cost grows with the size of the function and no faster.
import { readFileSync } from 'node:fs';
import { compileUnit } from '@simple-jit/codegen';
import { type BoundFunction, bindFunction, CodeArena, type NativeSignature } from '@simple-jit/native-mem';
import { type ConcreteFunction, parseModule, scalar, specialise } from '@simple-jit/template-ir';
import { type BenchRow, type CompareOptions, compare, duration, medians } from './compare.js';
import { benchGrowth } from './growth.js';
import { instantiateSum } from './wasm-sum.js';

const library = parseModule(readFileSync(new URL('../../../examples/collections.tir', import.meta.url), 'utf8'));
const F64 = [scalar('f64')];
const SUM = { params: ['ptr<f64>', 'i64:number'], result: 'f64' } as const;
const DOT = { params: ['ptr<f64>', 'ptr<f64>', 'i64:number'], result: 'f64' } as const;
const SORT = { params: ['ptr<f64>', 'i64:number'], result: 'void' } as const;

const instance = (name: string): ConcreteFunction =>
  specialise(library.templates.find((template) => template.name === name)!, F64);

export async function benchCodegen(): Promise<BenchRow[]> {
  return [...(await compiling()), ...(await running()), ...(await benchGrowth())];
}

/** Both sides have a compiler to warm up: ours is JavaScript itself, theirs tiers up what it runs. */
const LONG: CompareOptions = { warmUp: 1500 };

const warm = (what: string, ours: () => unknown, otherName: string, other: () => unknown): Promise<BenchRow> =>
  compare(what, ours, otherName, other, LONG);

async function compiling(): Promise<BenchRow[]> {
  const arena = CodeArena.default();
  const sum = instance('sum');
  const data = Float64Array.of(1, 2, 3);
  let version = 0;
  const rows = [
    await warm(
      'compile sum<f64>: IR to bytes, warm',
      () => compileUnit([sum]),
      'WebAssembly.Module + Instance',
      () => instantiateSum(version++),
    ),
    await warm(
      'compile, install, bind and first call of sum<f64>, warm',
      () => {
        const block = install(compileUnit([sum]), arena);
        if (bindFunction(block.address, SUM)(data, 3) !== 6) throw new Error('wrong sum');
        block.close();
      },
      'WebAssembly.Module + Instance + first call',
      () => {
        const { sum: wasmSum, memory } = instantiateSum(version++);
        new Float64Array(memory.buffer, 0, 3).set(data);
        if (wasmSum(0, 3n) !== 6) throw new Error('wrong sum');
      },
    ),
  ];
  const sort = [instance('sort'), instance('sift_down')];
  const first = performance.now();
  compileUnit(sort);
  const once = performance.now() - first;
  const [later] = await medians(
    'sort',
    () => compileUnit(sort),
    () => {},
    LONG,
  );
  rows.push({
    what: 'compile sort<f64> with sift_down<f64>, warm',
    ours: duration(later),
    against: `its first time ${duration(once)}`,
    ratio: once / later,
  });
  return rows;
}

function install(unit: ReturnType<typeof compileUnit>, arena: CodeArena) {
  return arena.allocate(unit.code, { traps: unit.traps });
}

async function running(): Promise<BenchRow[]> {
  const unit = compileUnit(['sum', 'dot', 'sort', 'sift_down'].map(instance));
  const block = install(unit, CodeArena.default());
  const bind = <const S extends NativeSignature>(index: number, signature: S): BoundFunction<S> =>
    bindFunction(block.address + BigInt(unit.functions[index]!.offset), signature);
  const [sum, dot, sort] = [bind(0, SUM), bind(1, DOT), bind(2, SORT)];
  const n = 10_000;
  const a = Float64Array.from({ length: n }, (_, i) => Math.sin(i) * 1000);
  const b = Float64Array.from({ length: n }, (_, i) => Math.cos(i));
  const expectSame = (what: string, ours: number, theirs: number): void => {
    if (!Object.is(ours, theirs)) throw new Error(`${what}: native gives ${ours}, JavaScript ${theirs}`);
  };
  expectSame('sum', sum(a, n), jsSum(a, n));
  expectSame('dot', dot(a, b, n), jsDot(a, b, n));
  const work = new Float64Array(n);
  const rows = [
    await warm(
      `run sum<f64> of ${n}`,
      () => sum(a, n),
      'JavaScript',
      () => jsSum(a, n),
    ),
    await warm(
      `run dot<f64> of ${n}`,
      () => dot(a, b, n),
      'JavaScript',
      () => jsDot(a, b, n),
    ),
    await warm(
      `run sort<f64> of ${n} (heap sort)`,
      () => {
        work.set(a);
        sort(work, n);
      },
      'the same in JavaScript',
      () => {
        work.set(a);
        jsSort(work, n);
      },
    ),
    await warm(
      `run sort<f64> of ${n} (heap sort)`,
      () => {
        work.set(a);
        sort(work, n);
      },
      'Float64Array.prototype.sort',
      () => {
        work.set(a);
        work.sort();
      },
    ),
  ];
  block.close();
  return rows;
}

function jsSum(data: Float64Array, n: number): number {
  let total = 0;
  for (let i = 0; i < n; i++) total += data[i]!;
  return total;
}

function jsDot(a: Float64Array, b: Float64Array, n: number): number {
  let total = 0;
  for (let i = 0; i < n; i++) total += a[i]! * b[i]!;
  return total;
}

function jsSort(data: Float64Array, n: number): void {
  for (let root = n >> 1; root > 0; root--) siftDown(data, root - 1, n);
  for (let last = n - 1; last > 0; last--) {
    const top = data[0]!;
    data[0] = data[last]!;
    data[last] = top;
    siftDown(data, 0, last);
  }
}

function siftDown(data: Float64Array, root: number, n: number): void {
  const moving = data[root]!;
  let hole = root;
  for (;;) {
    let child = 2 * hole + 1;
    if (child >= n) break;
    if (child + 1 < n && data[child + 1]! > data[child]!) child++;
    if (!(data[child]! > moving)) break;
    data[hole] = data[child]!;
    hole = child;
  }
  data[hole] = moving;
}
