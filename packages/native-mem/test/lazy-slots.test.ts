// Lazy slots at their limits: a million failures, the end of the stack, other threads, threads and processes that end in
// the middle of resolving. Each in a process of its own.
import { expect, test } from 'vitest';
import { HANGS, OWN_MEMORY, runScript, type ScriptOptions, SMALL_HEAP, scriptWith } from './support.js';

const cycles = (process.env.SIMPLE_JIT_NATIVE_MEM_VARIANT ?? '') === '' ? 1_000_000 : 50_000;

const HELPERS = `
  const arena = nm.CodeArena.default();
  const through = (name, slot) => {
    const at = machineCode(name).length - 4;
    return arena.allocate(machineCode(name), {
      name,
      relocate: (copy, address) => new DataView(copy.buffer).setInt32(at, Number(slot.address - address - BigInt(at + 4)), true),
    });
  };
  const bindLazy = (resolve, name = 'jumpSlot', result = 'i64') => {
    const slot = arena.allocateLazySlot(resolve);
    return nm.bindFunction(through(name, slot).address, { params: ['i64', 'i64'], result });
  };
  const thrownBy = (call) => { try { call(); } catch (error) { return error; } };
  const add = install('addI64').address;`;

function run(body: string, options?: ScriptOptions) {
  const { stdout, stderr, status, signal } = runScript(HELPERS + body, options);
  expect({ stderr, status, signal }).toEqual({ stderr: '', status: 0, signal: null });
  return stdout;
}

test(
  'a million failures leave the process healthy and its memory flat',
  () => {
    const body = `${OWN_MEMORY}
    Error.stackTraceLimit = 0;
    const failure = new Error('no');
    const throws = bindLazy(() => { throw failure; });
    const wrong = bindLazy(() => 0n);
    const fresh = bindLazy(() => { throw new Error('fresh'); });
    let failures = 0;
    const fail = (count) => {
      for (let i = 0; i < count; i++) {
        const error = thrownBy(() => i % 3 === 0 ? throws(1n, 2n) : i % 3 === 1 ? wrong(1n, 2n) : fresh(1n, 2n));
        if (i % 3 === 0 ? error === failure : i % 3 === 1 ? error instanceof RangeError : error.message === 'fresh') failures++;
      }
    };
    fail(${cycles / 5});
    gc();
    const before = ownMemory();
    fail(${(cycles / 5) * 4});
    gc();
    console.log(JSON.stringify({ failures, growth: ownMemory() - before, works: bindLazy(() => add)(40n, 2n) === 42n }));`;
    const { failures, growth, works } = JSON.parse(run(body, { args: SMALL_HEAP }));
    expect(failures).toBe(cycles);
    expect(works).toBe(true);
    expect(growth).toBeLessThan(8 * 2 ** 20);
  },
  HANGS,
);

// Recursion of 272 bytes a level that calls through the slot at the bottom, from far away from the end of the stack to far
// beyond it, in small steps around the end and around V8's limit on the main thread. The resolver collects garbage, which
// newer versions of V8 refuse beyond their limit by ending the process.
const SWEEP = `
  const sweep = (stack) => {
    const outcomes = {};
    for (let bytes = 0; bytes < stack + 2 ** 20; bytes += (bytes > stack - 400_000 && bytes < stack + 100_000) || (bytes > 900_000 && bytes < 1_100_000) ? 3000 : 100_000) {
      const call = bindLazy(() => { calls++; gc(); return add; }, 'deepThenJumpSlot', 'void');
      let calls = 0;
      const error = thrownBy(() => call(BigInt(Math.floor(bytes / 272)), 0n));
      const name = error === undefined ? 'returned ' + calls : error.kind ?? error.constructor.name + ': ' + error.message;
      outcomes[name] = (outcomes[name] ?? 0) + 1;
      if (error?.kind && error.symbol !== 'deepThenJumpSlot') throw error;
    }
    return Object.keys(outcomes).sort();
  };`;
const SWEPT = ['returned 1', 'stack-overflow'];

test('near the end of the stack a call through a lazy slot is a stack overflow, never a crash', () => {
  const stackKilobytes = 8192; // without a limit, or with a large one, there would be no end to come near to
  const body = `${SWEEP}
    console.log(JSON.stringify(sweep(${stackKilobytes} * 1024)));
    console.log(bindLazy(() => add)(40n, 2n));`;
  const stdout = run(body, { stackKilobytes });
  const [outcomes, result] = stdout.split('\n');
  expect(JSON.parse(outcomes!)).toEqual(SWEPT);
  expect(result).toBe('42n');
});

/** A script that starts workers with this body. */
const withWorkers = (worker: string, main: string) => `
  import { Worker } from 'node:worker_threads';
  const source = ${JSON.stringify(scriptWith(`import { parentPort, workerData } from 'node:worker_threads';\n${HELPERS}\n${worker}`))};
  const start = (workerData) => new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)), { workerData });
  const message = (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  const exit = (worker) => new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  ${main}`;

test('the same in worker threads', () => {
  const stdout = run(
    withWorkers(
      `${SWEEP} parentPort.postMessage(sweep(4 * 2 ** 20));`,
      `console.log(JSON.stringify(await Promise.all([start(), start()].map(message))));`,
    ),
  );
  for (const outcomes of JSON.parse(stdout)) {
    expect(outcomes).toEqual(SWEPT);
  }
});

test('another thread meets an error until the slot has a target', () => {
  const stdout = run(
    withWorkers(
      `const call = nm.bindFunction(workerData, { params: ['i64', 'i64'], result: 'i64' });
       const error = thrownBy(() => call(1n, 2n));
       parentPort.postMessage([error?.code, error instanceof nm.NativeMemError]);
       parentPort.once('message', () => { parentPort.postMessage(call(1n, 2n)); });`,
      `const slot = arena.allocateLazySlot(() => add);
       const block = through('jumpSlot', slot);
       const call = nm.bindFunction(block.address, { params: ['i64', 'i64'], result: 'i64' });
       const worker = start(block.address);
       console.log(await message(worker));
       console.log(call(40n, 2n));
       const later = Promise.all([message(worker), exit(worker)]);
       worker.postMessage('go');
       console.log((await later)[0]);`,
    ),
  );
  expect(stdout).toBe("[ 'ERR_WRONG_THREAD', true ]\n42n\n3n\n");
});

test('a thread may end in the middle of resolving, and leaves nothing', () => {
  const stdout = run(
    withWorkers(
      `const [how, kept] = workerData;
       const endings = {
         terminated: () => { parentPort.postMessage('resolving'); for (;;); },
         exits: () => process.exit(3),
         nested: () => bindLazy(endings.terminated)(1n, 2n),
         throws: () => { throw new Error('not caught'); },
       };
       bindLazy(endings[how])(1n, 2n);`,
      `for (let round = 0; round < 5; round++) {
         for (const how of ['terminated', 'nested']) {
           const worker = start([how]);
           await message(worker);
           await worker.terminate();
         }
         const exits = start(['exits']);
         if (await exit(exits) !== 3) throw new Error('no exit');
         const throws = start(['throws']);
         const gone = new Promise((resolve) => throws.once('exit', resolve));
         const error = await exit(throws).catch((error) => error);
         await gone;
         if (error.message !== 'not caught') throw error;
       }
       const { blocks, slots, dataUsed } = arena.stats();
       console.log(blocks, slots, dataUsed);
       console.log(bindLazy(() => add)(40n, 2n));`,
    ),
  );
  expect(stdout).toBe('1 0 0\n42n\n'); // addI64 of the main thread
});

test('a slot of a thread that is gone is closed', () => {
  const stdout = run(
    withWorkers(
      `const slot = arena.allocateLazySlot(() => add);
       parentPort.postMessage(slot.target);`,
      `const worker = start();
       // Asked for together: the message and the end of the thread may arrive in the same turn.
       const [entry] = await Promise.all([message(worker), exit(worker)]);
       const jump = nm.bindFunction(install('jumpAddress').address, { params: ['ptr'], result: 'void' });
       console.log(thrownBy(() => jump(entry)).code);`,
    ),
  );
  expect(stdout).toBe('ERR_CLOSED\n');
});

test('the process may end in the middle of resolving', () => {
  const { stdout, stderr, status } = runScript(`${HELPERS}
    process.on('exit', () => console.log('exit', bindLazy(() => add)(40n, 2n)));
    bindLazy(() => process.exit(7))(1n, 2n);`);
  expect({ stdout, stderr, status }).toEqual({ stdout: 'exit 42n\n', stderr: '', status: 7 });
});

test('a script that runs into its time limit in the middle of resolving is stopped, and the next call asks again', () => {
  const stdout = run(`
    import vm from 'node:vm';
    let endless = true;
    const call = bindLazy(() => { while (endless); gc(); return add; });
    const limited = () => thrownBy(() => vm.runInNewContext('call(1n, 2n)', { call }, { timeout: 50 }));
    console.log(limited().code, limited().code);
    endless = false;
    console.log(call(40n, 2n), nm.execMemoryStats().pendingFrees);`);
  expect(stdout).toBe('ERR_SCRIPT_EXECUTION_TIMEOUT ERR_SCRIPT_EXECUTION_TIMEOUT\n42n 0\n');
});

test('a call on a thread that JavaScript does not know ends the process, with a word', () => {
  const { stdout, stderr, signal } = runScript(`${HELPERS}
    const slot = arena.allocateSlot(nm.processSymbol('pthread_create'));
    const create = nm.bindFunction(through('jumpSlot', slot).address, { params: ['ptr', 'ptr', 'ptr', 'ptr'], result: 'i32' });
    const lazy = arena.allocateLazySlot(() => add);
    create(new BigUint64Array(1), null, lazy.target, null);
    setInterval(() => {}, 1000); // lives on, however late the other thread comes
  `);
  expect({ stdout, signal }).toEqual({ stdout: '', signal: 'SIGABRT' });
  expect(stderr).toContain('native-mem: a lazy slot without a target was called outside of any call from JavaScript');
});

test('other modes of the floating-point unit come back after resolving', () => {
  const stdout = run(`
    const tiny = new Float64Array([5e-324]);
    const denormals = () => tiny[0] * 2 === 1e-323;
    const slot = arena.allocateLazySlot(() => { if (!denormals()) throw new Error('JavaScript has lost denormals'); return target; });
    // stmxcsr [rsp-8]; mov eax, [rsp-8]; ret
    const target = arena.allocate(Uint8Array.of(0x0f, 0xae, 0x5c, 0x24, 0xf8, 0x8b, 0x44, 0x24, 0xf8, 0xc3)).address;
    // sub rsp,24; stmxcsr [rsp]; mov eax,[rsp]; mov [rsp+4],eax; or dword ptr [rsp],0x8040; ldmxcsr [rsp]; call [rip+slot]; ldmxcsr [rsp+4]; add rsp,24; ret
    const text = Uint8Array.of(0x48, 0x83, 0xec, 0x18, 0x0f, 0xae, 0x1c, 0x24, 0x8b, 0x04, 0x24, 0x89, 0x44, 0x24, 0x04,
      0x81, 0x0c, 0x24, 0x40, 0x80, 0, 0, 0x0f, 0xae, 0x14, 0x24, 0xff, 0x15, 0, 0, 0, 0, 0x0f, 0xae, 0x54, 0x24, 0x04, 0x48, 0x83, 0xc4, 0x18, 0xc3);
    const block = arena.allocate(text, {
      relocate: (copy, address) => new DataView(copy.buffer).setInt32(28, Number(slot.address - address - 32n), true),
    });
    const call = nm.bindFunction(block.address, { params: [], result: 'u32' });
    console.log((call() & 0x8040) === 0x8040, (call() & 0x8040) === 0x8040, denormals());`);
  expect(stdout).toBe('true true true\n');
});
