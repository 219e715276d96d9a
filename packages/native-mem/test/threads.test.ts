// Worker threads: each loads the addon, calls, faults and ends, alone or in the middle of something.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runScript, scriptWith, temporaryFolder } from './support.js';

const spawn = (body: string) => `
  import { Worker } from 'node:worker_threads';
  const source = ${JSON.stringify('')} + ${JSON.stringify(scriptWith(`import { parentPort, workerData } from 'node:worker_threads';\n${body}`))};
  const start = (workerData) => new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)), { workerData });
  const message = (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  const exit = (worker) => new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));`;

function run(worker: string, main: string, args: string[] = []) {
  const result = runScript(`${spawn(worker)}\n${main}`, { args });
  expect(result.stderr).toBe('');
  expect({ status: result.status, signal: result.signal }).toEqual({ status: 0, signal: null });
  return result.stdout;
}

test('faults in several threads at once go to the thread that called', () => {
  const stdout = run(
    `const divide = nm.bindFunction(install('divI32').address, { params: ['i32', 'i32'], result: 'i32' });
     const recurse = nm.bindFunction(install('recurse').address, { params: [], result: 'void' });
     const load = nm.bindFunction(install('load').address, { params: ['ptr'], result: 'i64' });
     const kinds = {};
     const count = (call) => { try { call(); } catch (e) { kinds[e.kind] = (kinds[e.kind] ?? 0) + 1; } };
     for (let i = 0; i < 5000; i++) { count(() => divide(1, 0)); count(() => load(BigInt(i))); }
     for (let i = 0; i < 5; i++) count(recurse);
     parentPort.postMessage(kinds);`,
    `const all = await Promise.all(Array.from({ length: 6 }, () => message(start())));
     console.log(JSON.stringify(all));`,
  );
  expect(JSON.parse(stdout)).toEqual(Array(6).fill({ divide: 5000, memory: 5000, 'stack-overflow': 5 }));
});

test('memory made in one thread is callable in another, and gone with its owner', () => {
  const stdout = run(
    `const block = install('addI64');
     const exec = nm.allocExecMemory(8);
     nm.writeExecMemory(exec, machineCode('return42'));
     parentPort.postMessage({ block: block.address, exec });
     parentPort.once('message', () => process.exit());`,
    `const worker = start();
     const { block, exec } = await message(worker);
     const add = nm.bindFunction(block, { params: ['i64', 'i64'], result: 'i64' });
     console.log(add(40n, 2n), nm.callFunction0(exec), nm.findCode(block).block.name);
     worker.postMessage('end');
     await exit(worker);
     for (const f of [() => add(1n, 1n), () => nm.callFunction0(exec), () => nm.freeExecMemory(exec, 8)]) {
       try { f(); console.log('worked'); } catch (e) { console.log(e.code); }
     }
     console.log(nm.findCode(block), nm.CodeArena.default().stats().blocks, nm.execMemoryCount());`,
  );
  expect(stdout).toBe('42n 42n addI64\nERR_CODE_FREED\nERR_NOT_EXECUTABLE\nERR_NOT_MAPPED\nundefined 0 0\n');
});

test('a worker that ends frees everything it had, also when it is terminated in the middle', () => {
  const stdout = run(
    `const [path, endless] = workerData;
     const files = [];
     for (let i = 0; ; i++) {
       const block = install('return42');
       nm.bindFunction(block.address, { params: [], result: 'i64' })();
       const file = nm.MappedFile.open(path);
       file.bytes[0] = i;
       files.push(file, nm.mmapFile(path, nm.PROT_READ, nm.MAP_SHARED), nm.allocRwMemory(100), nm.allocExecMemory(100));
       const arena = new nm.CodeArena({ reserve: 2 ** 20 });
       arena.allocateSlot(arena.allocate(machineCode('nothing')).address);
       arena.allocateData(100);
       nm.CodeArena.default().allocateData(100 + i).seal();
       try {
         nm.callFunction0(install('ud2').address);
       } catch (error) {
         if (error.kind !== 'illegal-instruction') throw error;
       }
       if (i === 20) parentPort.postMessage('busy');
       if (i === 40 && !endless) break;
     }`,
    `import { readFileSync, writeFileSync, readdirSync, rmSync } from 'node:fs';
     const path = process.argv[1] + '.data';
     writeFileSync(path, 'content');
     const maps = () => readFileSync('/proc/self/maps', 'utf8').split('\\n').filter((l) => /native-mem-code|script.mjs.data/.test(l)).length;
     nm.CodeArena.default().stats();
     await Promise.all([1, 2].map(async () => { const w = start([path, false]); await exit(w); }));
     const before = { maps: maps(), fds: readdirSync('/proc/self/fd').length };
     for (let round = 0; round < 10; round++) {
       await Promise.all([1, 2, 3].map(async (i) => {
         const worker = start([path, i !== 3]);
         const gone = exit(worker); // asked for now: it may arrive in the same turn as the message
         await message(worker);
         if (i !== 3) await worker.terminate();
         await gone;
       }));
     }
     const { blocks, slots, used, dataUsed } = nm.CodeArena.default().stats();
     console.log(JSON.stringify({ blocks, slots, used, dataUsed, count: nm.execMemoryCount(), files: nm.mappedFileTotals().count,
       maps: maps() - before.maps, fds: readdirSync('/proc/self/fd').length - before.fds }));
     rmSync(path);`,
  );
  expect(JSON.parse(stdout)).toEqual({
    blocks: 0,
    slots: 0,
    used: 0,
    dataUsed: 0,
    count: 0,
    files: 0,
    maps: 0,
    fds: 0,
  });
});

test('code that is running in a worker is not freed under its feet', () => {
  const stdout = run(
    `const [address, flags] = workerData;
     const spin = nm.bindFunction(address, { params: ['ptr<i64>'], result: 'i64' });
     parentPort.postMessage(spin(flags));`,
    `const arena = nm.CodeArena.default();
     const block = install('setFlagThenSpin');
     const flags = new BigInt64Array(new SharedArrayBuffer(16));
     const worker = start([block.address, flags]);
     const result = message(worker);
     while (Atomics.load(flags, 0) === 0n) await new Promise((resolve) => setImmediate(resolve));
     block.close();
     const used = arena.stats().used;
     const other = arena.allocate(machineCode('return42'));
     console.log(other.address === block.address, used > 0, nm.execMemoryStats().pendingFrees);
     Atomics.store(flags, 1, 1n);
     console.log(await result);
     console.log(arena.allocate(machineCode('nothing')).address === block.address, nm.execMemoryStats().pendingFrees);`,
  );
  expect(stdout).toBe('false true 1\n77n\ntrue 0\n');
});

test('a hundred thousand blocks that are freed during one long call wait for it, and all come back', () => {
  const stdout = run(
    `const [address, flags] = workerData;
     const spin = nm.bindFunction(address, { params: ['ptr<i64>'], result: 'i64' });
     parentPort.postMessage(spin(flags));`,
    `const arena = nm.CodeArena.default();
     const spin = install('setFlagThenSpin');
     const call = nm.bindFunction(install('return42').address, { params: [], result: 'i64' });
     const used = arena.stats().used;
     const flags = new BigInt64Array(new SharedArrayBuffer(16));
     const result = message(start([spin.address, flags]));
     while (Atomics.load(flags, 0) === 0n) await new Promise((resolve) => setImmediate(resolve));
     const bytes = machineCode('nothing');
     for (let i = 0; i < 100_000; i++) { arena.allocate(bytes).close(); call(); }
     console.log(arena.stats().used - used, nm.execMemoryStats().pendingFrees);
     Atomics.store(flags, 1, 1n);
     await result;
     call();
     console.log(arena.stats().used - used, nm.execMemoryStats().pendingFrees);`,
  );
  expect(stdout).toBe('6400000 100000\n0 0\n');
});

test('code can be read while its arena is closed in another thread', () => {
  const stdout = run(
    `const [address, looks] = [0, 1];
     const shared = new BigInt64Array(workerData);
     const kinds = new Set();
     for (let at; (at = Atomics.load(shared, address)) !== -1n; ) {
       try {
         const found = nm.findCode(at);
         if (found) kinds.add('byte ' + found.block.bytes().at(-1));
       } catch (error) {
         kinds.add(error.code);
       }
       Atomics.add(shared, looks, 1n);
     }
     kinds.delete('ERR_CLOSED');
     kinds.delete('ERR_CODE_FREED');
     parentPort.postMessage([...kinds]);`,
    `import { setTimeout } from 'node:timers/promises';
     const [address, looks] = [0, 1];
     const shared = new BigInt64Array(new SharedArrayBuffer(16));
     const result = message(start(shared.buffer));
     const bytes = new Uint8Array(2 ** 24).fill(0x90);
     for (let i = 0; i < 30; i++) {
       const arena = new nm.CodeArena({ reserve: 2 ** 25 });
       const before = Atomics.load(shared, looks);
       Atomics.store(shared, address, arena.allocate(bytes).address);
       // The second look began after that, so it read all of it: the arena is closed somewhere in a later one.
       while (Atomics.load(shared, looks) < before + 2n) await setTimeout(1);
       await setTimeout(i % 10);
       arena.close();
     }
     Atomics.store(shared, address, -1n);
     console.log(await result);`,
  );
  expect(stdout).toBe("[ 'byte 144' ]\n");
});

test('the addon may be loaded by workers only, one after the other', () => {
  // Written at once, where console.log of a worker goes through the main thread, which ends itself.
  const worker = scriptWith(
    `import { writeSync } from 'node:fs';
     try { nm.callFunction0(install('ud2').address); } catch (e) { writeSync(1, e.kind + '\\n'); }`,
  );
  const file = join(temporaryFolder(), 'main.mjs');
  writeFileSync(
    file,
    `import { Worker } from 'node:worker_threads';
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)})));
      await new Promise((resolve) => worker.once('exit', resolve));
    }
    process.kill(process.pid, 'SIGSEGV');`,
  );
  // The signal finds our handler, which must still be there though no thread has the addon any more.
  const { stdout, signal } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
  expect(stdout).toBe('illegal-instruction\n'.repeat(3));
  expect(signal).toBe('SIGSEGV');
});
