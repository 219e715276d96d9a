// The interpreter behind the same API: same results, same errors, no executable memory.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { allocRwMemory, freeExecMemory, mmapReadBytes, TrapError, writeExecMemory } from '@simple-jit/native-mem';
import { parseType, SCALAR_NAMES } from '@simple-jit/template-ir';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JitInstantiator, type JitInstantiatorConfig } from '../src/index.js';
import { assemble, PACKAGE, useWorkspace } from './support.js';

const workspace = useWorkspace();
let jit: JitInstantiator;

beforeEach(() => {
  jit = new JitInstantiator({ mode: 'interpret', cacheDirectory: undefined });
});
afterEach(() => jit.close());

function run(symbol: string, ...args: unknown[]): unknown {
  const result = jit.tryJitInstantiate(symbol);
  if (result.kind !== 'success') throw new Error(`${symbol}: ${JSON.stringify(result)}`);
  return jit.callable(symbol)!(...args);
}

const caught = (action: () => unknown): unknown => {
  try {
    return action();
  } catch (error) {
    return error;
  }
};

test('runs what has no machine code, and says so', () => {
  const path = workspace.library();
  const before = readFileSync(path);
  jit.loadSmfMetadata(path);
  expect(jit.arena).toBeUndefined();
  expect(jit.tryJitInstantiate('fn$median$f64')).toEqual({
    kind: 'success',
    symbol: 'fn$median$f64',
    code: new Uint8Array(),
    address: 0n,
  });
  expect(jit.explain('fn$median$f64')).toEqual({ kind: 'interpreted' });
  expect(jit.stats()).toMatchObject({ cachedCount: 3, compileCount: 0, persisted: 0, pendingWrites: 0 });
  expect(jit.entryOf('fn$median$f64')).toBeUndefined();
  expect(jit.callable('fn$nothing')).toBeUndefined();
  expect(run('fn$median$f64', new Float64Array([5, 1, 4, 2, 3]), 5n)).toBe(3);
  jit.flush();
  expect(readFileSync(path)).toEqual(before);
});

describe('values and results are those of machine code', () => {
  const ARRAYS: Record<string, (values: number[]) => ArrayBufferView> = {
    i8: (v) => Int8Array.from(v),
    i16: (v) => Int16Array.from(v),
    i32: (v) => Int32Array.from(v),
    i64: (v) => BigInt64Array.from(v, BigInt),
    u8: (v) => Uint8Array.from(v),
    u16: (v) => Uint16Array.from(v),
    u32: (v) => Uint32Array.from(v),
    u64: (v) => BigUint64Array.from(v, BigInt),
    f32: (v) => Float32Array.from(v),
    f64: (v) => Float64Array.from(v),
  };

  test.each(SCALAR_NAMES.filter((name) => name !== 'bool'))('%s', (type) => {
    const path = workspace.library();
    using native = new JitInstantiator({ updateSmf: false });
    for (const each of [jit, native]) each.loadSmfMetadata(path);
    const is64 = parseType(type).kind === 'scalar' && /64$/.test(type) && type !== 'f64';
    const one = is64 ? 3n : 3;
    const fresh = () => ARRAYS[type]!([7, 120, 3, 99, 100, 55, 0]);
    const both = (template: string, args: () => unknown[]): unknown[] =>
      [jit, native].map((each) => {
        const symbol = `fn$${template}$${type}`;
        each.tryJitInstantiate(symbol);
        const given = args();
        return [each.callable(symbol)!(...given), given];
      });
    for (const [template, args] of [
      ['sum', () => [fresh(), 7n]],
      ['dot', () => [fresh(), fresh(), 7n]],
      ['find', () => [fresh(), 7n, one]],
      ['sort', () => [fresh(), 7n]],
      ['median', () => [fresh(), 7n]],
      ['max', () => [one, is64 ? 4n : 4]],
    ] as const) {
      const [interpreted, compiled] = both(template, args);
      expect(interpreted).toEqual(compiled);
    }
  });

  test('bool, and arrays of it', () => {
    jit.loadSmfMetadata(workspace.library());
    expect(run('fn$identity$bool', true)).toBe(true);
    expect(() => run('fn$identity$bool', 1)).toThrow(TypeError);
  });
});

describe('memory', () => {
  const load = 'fn at<T: Any>(data: ptr<T>, i: i64) -> T {\nentry:\n  p = elem data, i\n  x = load p\n  return x\n}\n';
  const copy =
    'fn copy<T: Any>(to: ptr<T>, from: ptr<T>) -> T {\nentry:\n  x = load from\n  store to, x\n  y = load to\n  return y\n}\n';
  beforeEach(() => jit.loadSmfMetadata(workspace.write('memory.smf', assemble(load + copy))));

  test('typed arrays are seen, not copied; views of one buffer are one memory', () => {
    const data = new Int32Array([1, 2, 3, 4]);
    expect(run('fn$copy$i32', data.subarray(2), data)).toBe(1);
    expect([...data]).toEqual([1, 2, 1, 4]);
    expect(run('fn$at$i32', data.subarray(2), -1n)).toBe(2);
    expect(run('fn$at$i32', data.buffer, 3n)).toBe(4);
    expect(run('fn$at$i32', new DataView(data.buffer, 4), 0n)).toBe(2);
  });

  test('addresses of native-mem’s regions work, others are a trap', () => {
    const address = allocRwMemory(3 * 4096);
    try {
      writeExecMemory(address, new Uint8Array(Float64Array.of(1.5, 2.5).buffer));
      expect(run('fn$at$f64', address, 1n)).toBe(2.5);
      expect(run('fn$copy$f64', address + 16n, new Float64Array([7]))).toBe(7);
      expect(run('fn$copy$i16', address + 9000n, new Int16Array([-7]))).toBe(-7);
      expect(run('fn$at$i16', address, 4500n)).toBe(-7);
      expect(new Float64Array(mmapReadBytes(address, 16, 8).slice().buffer)[0]).toBe(7);
    } finally {
      freeExecMemory(address, 3 * 4096);
    }
    for (const wild of [null, 8n, 2n ** 64n - 8n]) {
      const error = caught(() => run('fn$at$f64', wild, 0n));
      expect(error).toBeInstanceOf(TrapError);
      expect(error).toMatchObject({ kind: 'memory', code: 'ERR_TRAP', symbol: 'fn$at$f64', address: wild ?? 0n });
    }
    expect(caught(() => run('fn$at$f64', new Float64Array(2), 2n))).toMatchObject({ kind: 'memory' });
  });
});

test('arguments of the wrong kind, range or number throw, and nothing is called', () => {
  jit.loadSmfMetadata(workspace.library());
  expect(() => run('fn$sum$f64', new Float32Array(1), 1n)).toThrow(/must be a Float64Array, not a Float32Array/);
  expect(() => run('fn$sum$f64', 'x', 1n)).toThrow(TypeError);
  expect(() => run('fn$sum$f64', new Float64Array(1), 1)).toThrow(TypeError);
  expect(() => run('fn$sum$f64', new Float64Array(1))).toThrow(/takes 2 argument/);
  expect(() => run('fn$max$i8', 128, 1)).toThrow(RangeError);
  expect(() => run('fn$max$i8', 1.5, 1)).toThrow(RangeError);
});

test('traps are the errors that they are in machine code', () => {
  jit.loadSmfMetadata(workspace.library());
  const error = caught(() => run('fn$median$f64', new Float64Array(1), 0n));
  expect(error).toBeInstanceOf(TrapError);
  expect(error).toMatchObject({ kind: 'unreachable', symbol: 'fn$median$f64' });
});

test('failures are results, as ever', () => {
  const open = (config: Partial<JitInstantiatorConfig>) => {
    jit.close();
    jit = new JitInstantiator({ mode: 'interpret', ...config });
    jit.loadSmfMetadata(workspace.library());
  };
  open({ maxDepth: 2 });
  expect(jit.tryJitInstantiate('fn$nothing')).toEqual({ kind: 'notFound', symbol: 'fn$nothing' });
  expect(jit.tryJitInstantiate('fn$median$f64')).toMatchObject({
    kind: 'compilationError',
    message: expect.stringContaining('Maximum JIT depth (2) exceeded'),
  });
  expect(jit.instantiate('sum', 'bool')).toMatchObject({ kind: 'compilationError' });
  expect(jit.stats().cachedCount).toBe(0);
});

test('callables follow a reload, and throw once their symbol is gone', () => {
  const library = (op: string) =>
    workspace.write(
      'lib.smf',
      assemble(
        `fn step<T: Num>(x: T) -> T {\nentry:\n  y = ${op} x, x\n  return y\n}\nfn user<T: Num>(x: T) -> T {\nentry:\n  y: T = call step<T>(x)\n  return y\n}\n`,
      ),
    );
  const path = library('add');
  jit.loadSmfMetadata(path);
  expect(run('fn$user$i64', 5n)).toBe(10n);
  const user = jit.callable('fn$user$i64')!;
  jit.loadSmfMetadata(library('mul'));
  expect(user(5n)).toBe(25n);
  expect(jit.invalidateBySemanticKey('user')).toEqual(['fn$user$i64']);
  expect(user(6n)).toBe(36n);
  jit.unloadSmf(path);
  expect(caught(() => user(5n))).toMatchObject({ code: 'ERR_CODE_FREED' });
});

test('auto: machine code where the system allows it', () => {
  using automatic = new JitInstantiator({ mode: 'auto', updateSmf: false });
  automatic.loadSmfMetadata(workspace.library());
  expect(automatic.tryJitInstantiate('fn$sum$f64').kind).toBe('success');
  expect(automatic.explain('fn$sum$f64')).toEqual({ kind: 'compiled' });
  expect(automatic.callable('fn$sum$f64')!(new Float64Array([1, 2]), 2n)).toBe(3);
});

test('auto: the interpreter where it does not', ({ skip }) => {
  if (process.platform !== 'linux') return skip('the limit on address space is set by a Linux shell');
  const printedBy = (command: string, script: string): unknown => {
    const args = ['-c', command, process.execPath, script, workspace.library()];
    return JSON.parse(execFileSync('bash', args, { cwd: PACKAGE, encoding: 'utf8' }));
  };
  const node = 'exec "$0" --input-type=module --eval "$1" "$2"';
  const peak = printedBy(
    node,
    `import { readFileSync } from 'node:fs';
     import { JitInstantiator } from '@simple-jit/jit-instantiator';
     new JitInstantiator({ mode: 'interpret' }).loadSmfMetadata(process.argv[1]);
     console.log(/VmPeak:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);`,
  );
  const script = `
    import { JitInstantiator } from '@simple-jit/jit-instantiator';
    let native = 'allowed';
    try { new JitInstantiator() } catch ({ code }) { native = code }
    const jit = new JitInstantiator({ mode: 'auto', updateSmf: false });
    jit.loadSmfMetadata(process.argv[1]);
    jit.tryJitInstantiate('fn$sum$f64');
    const sum = jit.callable('fn$sum$f64')(new Float64Array([1, 2, 3]), 3n);
    console.log(JSON.stringify({ native, sum, how: jit.explain('fn$sum$f64') }));
  `;
  // What this Node takes anyway, and too little more for an arena of 1 GiB.
  const output = printedBy(`ulimit -v ${Number(peak) + 700_000} && ${node}`, script);
  expect(output).toEqual({ native: 'ENOMEM', sum: 6, how: { kind: 'interpreted' } });
});
