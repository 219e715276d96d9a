// The main job on one screen: a library of generic functions, a symbol that no one compiled, its machine code, results
// on real data, the same symbol in a second process, and a file of the Simple compiler. Exits non-zero if anything is off.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import loadCapstone from '@alexaltea/capstone-js';
import { legacySmf } from '@simple-jit/fixtures';
import { isSuccess } from '@simple-jit/jit-instantiator';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';
import { parseSmf } from '@simple-jit/smf-format';
import { JitSymbolResolver } from '@simple-jit/symbol-resolver';
import { parseModule } from '@simple-jit/template-ir';
import pc from 'picocolors';
import { inFreshProcess } from './fresh-process.js';
import { check, detail, duration, finish, medianTime, say, step, timed } from './report.js';

const SOURCE = fileURLToPath(new URL('../../../examples/collections.tir', import.meta.url));
const COUNT = 1_000_000;
const SYMBOL = 'fn$sum$f64';

const folder = mkdtempSync(join(tmpdir(), 'simple-jit-demo-'));
try {
  const capstone = await loadCapstone();
  console.log(pc.bold('Simple JIT: native code, at run time, for generic functions that no one compiled'));

  step(1, 'A library of generic functions');
  const source = readFileSync(SOURCE, 'utf8');
  const names = parseModule(source).templates.map((template) => template.name);
  const library = join(folder, 'collections.smf');
  writeFileSync(library, assembleLibrary(source), { mode: 0o644 });
  const file = parseSmf(readFileSync(library));
  say(`examples/collections.tir defines ${names.join(', ')}, each for any type T.`);
  say(`Assembled to an SMF file: ${file.bytes.length} bytes, ${file.sections.map(({ name }) => name).join(' + ')}.`);
  check('it holds no machine code at all', !file.sections.some((section) => section.typeName === 'Code'));
  const cold = inFreshProcess(library, SYMBOL);

  step(2, `A symbol that no one compiled: ${SYMBOL}`);
  using resolver = new JitSymbolResolver();
  resolver.loadSmf(library);
  const result = resolver.jit.tryJitInstantiate(SYMBOL);
  if (!isSuccess(result)) throw new Error(`${SYMBOL}: ${JSON.stringify(result)}`);
  say(
    `note.sdn says it is template sum with T = f64. Specialised and compiled: ${result.code.length} bytes of x86-64.`,
  );
  const disassembler = new capstone.Capstone(capstone.ARCH_X86, capstone.MODE_64);
  for (const { address, size, mnemonic, op_str } of disassembler.disasm(result.code, result.address)) {
    const at = Number(address - result.address);
    const bytes = Buffer.from(result.code.subarray(at, at + size)).toString('hex');
    detail(`${address.toString(16)}  ${bytes.padEnd(18)} ${mnemonic.padEnd(9)}${op_str}`);
  }
  disassembler.close();

  step(3, `Called from JavaScript, on ${COUNT.toLocaleString('en')} numbers`);
  const data = Float64Array.from({ length: COUNT }, (_, i) => ((i * 7919) % 1_000_003) / 8);
  const integers = BigInt64Array.from({ length: 1000 }, (_, i) => BigInt(i * i) - 5000n);
  const n = BigInt(COUNT);
  const f64 = (name: string) => resolver.resolveFunction(`fn$${name}$f64`);
  const plainSum = (): number => {
    let total = 0;
    for (let i = 0; i < data.length; i++) total += data[i]!;
    return total;
  };
  const [sum, dot, find, sort, median] = ['sum', 'dot', 'find', 'sort', 'median'].map(f64);
  const compare = (what: string, native: () => unknown, plain: () => unknown): void => {
    const [ours, theirs] = [native(), plain()];
    const [nativeMs, plainMs] = [medianTime(9, native), medianTime(9, plain)];
    check(
      `${what.padEnd(22)} = ${String(ours).padEnd(18)} ${duration(nativeMs).padStart(8)} native, ${duration(plainMs).padStart(8)} plain JS`,
      Object.is(ours, theirs) || (typeof ours === 'bigint' && ours === BigInt(theirs as number)),
    );
  };
  compare('sum(data)', () => sum!(data, n), plainSum);
  compare(
    'dot(data, data)',
    () => dot!(data, data, n),
    () => {
      let total = 0;
      for (let i = 0; i < data.length; i++) total += data[i]! * data[i]!;
      return total;
    },
  );
  compare(
    'find(data, last)',
    () => find!(data, n, data[COUNT - 1]!),
    () => data.indexOf(data[COUNT - 1]!),
  );
  const sorted = data.slice().sort();
  const ours = data.slice();
  const { value: middle } = timed(() => median!(ours, n));
  check(`median(data)           = ${middle} (through sort, through sift_down)`, middle === sorted[(COUNT - 1) >> 1]);
  check(
    'sort(data) agrees with Float64Array.prototype.sort, element by element',
    sorted.every((x, i) => x === ours[i]),
  );
  sort!(ours, n);
  const integerSum = resolver.resolveFunction('fn$sum$i64')(integers, 1000n);
  check(`sum over i64           = ${integerSum}n, a bigint`, integerSum === integers.reduce((a, b) => a + b, 0n));

  step(4, 'Written back, and found by a second process');
  const before = file.bytes.length;
  const unwritten = resolver.jit.flush();
  const after = readFileSync(library).length;
  check(
    `flush() put ${resolver.jit.stats().compileCount} compiled functions into the file: ${before} → ${after} bytes`,
    unwritten.length === 0,
  );
  const second = inFreshProcess(library, SYMBOL);
  check(
    `the second process: compileCount ${second.compileCount}, persisted ${second.persisted}, sum([1, 2, 3, 4]) = ${second.result}`,
    second.compileCount === 0 && second.persisted === 1 && second.result === 10 && cold.result === 10,
  );
  const jit = timed(() => resolver.resolveFunction('fn$sum$f32')(new Float32Array([1, 2, 3, 4]), 4n));
  check(
    `to the first result: ${duration(cold.firstResultMs)} cold (new process, compiles), ` +
      `${duration(second.firstResultMs)} persisted (new process), ${duration(jit.ms)} JIT (warm, next type)`,
    cold.compileCount === 1 && jit.value === 10,
  );

  step(5, 'A file as the Simple compiler writes it today');
  const legacy = join(folder, 'main.smf');
  writeFileSync(legacy, legacySmf({ layout: 'legacy-96' }), { mode: 0o644 });
  resolver.loadSmf(legacy);
  const main = resolver.resolveFunction('main')();
  check(`layout ${parseSmf(readFileSync(legacy)).layout}, no templates, its own code: main() = ${main}`, main === 0);
  finish();
} finally {
  rmSync(folder, { recursive: true });
}
