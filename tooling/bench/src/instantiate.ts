// Instantiation: what write-back costs, what many requests at once cost, and that nothing depends on how much is loaded or
// installed.
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JitInstantiator } from '@simple-jit/jit-instantiator';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';
import { SmfCache } from '@simple-jit/smf-cache';
import { type BenchRow, compare, duration } from './compare.js';

const TYPES = ['i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64', 'f32', 'f64'];

export async function benchInstantiate(folder: string, library: string): Promise<BenchRow[]> {
  return [writeBack(folder, library), await atOnce(folder), await lookUp(folder), await dropAmong(folder, [10, 1000])];
}

const median = (times: number[]): number => times.sort((a, b) => a - b)[times.length >> 1]!;

function timed(action: () => void): number {
  const start = process.hrtime.bigint();
  action();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/** Compiling with write-back against compiling without it and the write alone, each many times, turn by turn. */
function writeBack(folder: string, library: string): BenchRow {
  const symbols = TYPES.flatMap((type) => ['sum', 'sort', 'sift_down', 'median'].map((name) => `fn$${name}$${type}`));
  const path = join(folder, 'write-back.smf');
  const compiled = { without: [] as number[], with: [] as number[], writes: [] as number[] };
  for (let i = 0; i < 41; i++) {
    for (const updateSmf of i % 2 === 0 ? [false, true] : [true, false]) {
      copyFileSync(library, path);
      const jit = new JitInstantiator({ updateSmf, flushDelay: 60_000 });
      jit.loadSmfMetadata(path);
      const instantiate = timed(() => {
        for (const symbol of symbols) jit.tryJitInstantiate(symbol);
      });
      if (jit.stats().compileCount !== symbols.length) throw new Error('something was not compiled');
      compiled[updateSmf ? 'with' : 'without'].push(instantiate);
      const write = timed(() => jit.flush());
      if (updateSmf) compiled.writes.push(write);
      jit.close();
    }
  }
  const [ours, other, write] = [median(compiled.with), median(compiled.without), median(compiled.writes)];
  return {
    what: `${symbols.length} functions compiled with write-back, before the write`,
    ours: `${duration(ours)} (and ${duration(write)} for the write itself, once)`,
    against: `without write-back: ${duration(other)}`,
    ratio: other / ours,
  };
}

/** Templates that each call the next two: whoever asks for one needs what others ask for. */
function chain(length: number): string {
  const call = (i: number, name: string) =>
    i < length ? `  ${name}: T = call f${i}<T>(x)\n` : `  ${name} = add x, x\n`;
  const functions = Array.from(
    { length },
    (_, i) =>
      `fn f${i}<T: Num>(x: T) -> T {\nentry:\n${call(i + 1, 'a')}${call(i + 2, 'b')}  y = add a, b\n  return y\n}\n`,
  );
  return `module chain\n${functions.join('')}`;
}

/** 64 requesters of the same 1,000 symbols, each in an order of its own. */
async function atOnce(folder: string): Promise<BenchRow> {
  const path = join(folder, 'chain.smf');
  writeFileSync(path, assembleLibrary(chain(100)), { mode: 0o644 });
  const symbols = TYPES.flatMap((type) => Array.from({ length: 100 }, (_, i) => `fn$f${i}$${type}`));
  const times = { ours: [] as number[], other: [] as number[] };
  for (let round = 0; round < 5; round++) {
    const start = process.hrtime.bigint();
    using jit = new JitInstantiator({ updateSmf: false, maxDepth: 1000 });
    jit.loadSmfMetadata(path);
    await Promise.all(
      Array.from({ length: 64 }, async (_, requester) => {
        for (let i = 0; i < symbols.length; i++) {
          await jit.instantiateAsync(symbols[(requester * 131 + i * 7) % symbols.length]!);
        }
      }),
    );
    times.ours.push(Number(process.hrtime.bigint() - start) / 1e6);
    if (jit.stats().compileCount !== symbols.length) throw new Error('something was compiled twice, or not at all');
    times.other.push(
      timed(() => {
        using alone = new JitInstantiator({ updateSmf: false, maxDepth: 1000 });
        alone.loadSmfMetadata(path);
        for (const symbol of symbols) alone.tryJitInstantiate(symbol);
      }),
    );
  }
  const [ours, other] = [median(times.ours), median(times.other)];
  return {
    what: '64 requesters of 1,000 overlapping symbols at once, 1,000 compilations',
    ours: duration(ours),
    against: `one requester, synchronously: ${duration(other)}`,
    ratio: other / ours,
  };
}

const LOOK_UPS = 1000;

async function lookUp(folder: string): Promise<BenchRow> {
  const cache = new SmfCache({ maxFiles: 2000 });
  const load = (count: number): JitInstantiator => {
    const jit = new JitInstantiator({ updateSmf: false, cache });
    for (let i = 0; i < count; i++) {
      const path = join(folder, `listing-${i}.smf`);
      const possible = Array.from({ length: 100 }, (_, j) => ({ template: `t${i}_${j}`, typeArgs: '' }));
      const functions = possible.map(({ template }) => `fn ${template}() {\nentry:\n  return\n}\n`);
      writeFileSync(path, assembleLibrary(`module m\n${functions.join('')}`, { possible }), { mode: 0o644 });
      jit.loadSmfMetadata(path);
    }
    return jit;
  };
  const [few, many] = [load(10), load(1000)];
  const ask = (jit: JitInstantiator, files: number) => () => {
    let found = 0;
    for (let i = 0; i < LOOK_UPS; i++) if (jit.canJitInstantiate(`fn$t${(i * 7) % files}_${i % 100}`)) found += 1;
    if (found !== LOOK_UPS) throw new Error('a symbol was not found');
  };
  const row = await compare(
    'a lookup among 100,000 symbols of 1,000 files',
    ask(many, 1000),
    'among 1,000 of 10 files',
    ask(few, 10),
    { operations: LOOK_UPS },
  );
  for (const jit of [few, many]) jit.close();
  cache.close();
  return row;
}

/** Dropping a function that is called, and instantiating it anew. */
async function dropAmong(folder: string, [few, many]: readonly [number, number]): Promise<BenchRow> {
  const path = join(folder, 'drop.smf');
  const users = Array.from(
    { length: many },
    (_, i) =>
      `fn user${i}(x: i64) -> i64 {\nentry:\n  y = call leaf${i}(x)\n  return y\n}\nfn leaf${i}(x: i64) -> i64 {\nentry:\n  return x\n}\n`,
  );
  writeFileSync(path, assembleLibrary(`module drop\n${users.join('')}`), { mode: 0o644 });
  const open = (count: number): JitInstantiator => {
    const jit = new JitInstantiator({ updateSmf: false });
    jit.loadSmfMetadata(path);
    for (let i = 0; i < count; i++) jit.tryJitInstantiate(`fn$user${i}`);
    return jit;
  };
  const [small, large] = [open(few), open(many)];
  const drop = (jit: JitInstantiator) => () => {
    jit.dropCachedSymbol('fn$leaf3');
    jit.tryJitInstantiate('fn$leaf3');
  };
  const row = await compare(
    `a called function dropped and compiled anew, among ${2 * many} installed`,
    drop(large),
    `among ${2 * few}`,
    drop(small),
  );
  for (const jit of [small, large]) jit.close();
  return row;
}
