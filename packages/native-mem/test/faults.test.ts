// Faults as the whole process sees them: that our handlers take nothing from others, and stand a million of faults.
import { expect, test } from 'vitest';
import { HANGS, OWN_MEMORY, runScript, SMALL_HEAP } from './support.js';

test(
  'a million faulting calls leave the process healthy and its memory flat',
  () => {
    const body = `${OWN_MEMORY}
    const divide = nm.bindFunction(install('divI32').address, { params: ['i32', 'i32'], result: 'i32' });
    const load = nm.bindFunction(install('load').address, { params: ['ptr'], result: 'i64' });
    const unreachable = nm.bindFunction(install('ud2').address, { params: [], result: 'void' });
    Error.stackTraceLimit = 0;
    let traps = 0;
    const fault = (count) => {
      for (let i = 0; i < count; i++) {
        try { i % 3 === 0 ? divide(1, 0) : i % 3 === 1 ? load(null) : unreachable(); } catch (e) { if (e instanceof nm.TrapError) traps++; }
      }
    };
    fault(200_000);
    gc();
    const before = ownMemory();
    fault(800_000);
    gc();
    console.log(JSON.stringify({ traps, growth: ownMemory() - before, works: divide(84, 2) }));`;
    const { stdout, stderr, status } = runScript(body, { args: SMALL_HEAP });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { traps, growth, works } = JSON.parse(stdout);
    expect(traps).toBe(1_000_000);
    expect(works).toBe(42);
    expect(growth).toBeLessThan(8 * 2 ** 20);
  },
  HANGS,
);

// (module (memory 1) (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
//         (func (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1))))
const WASM = `new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.of(0,97,115,109,1,0,0,0,1,12,2,96,1,127,1,127,96,2,127,127,1,127,
  3,3,2,0,1,5,3,1,0,1,7,14,2,4,108,111,97,100,0,0,3,100,105,118,0,1,10,17,2,7,0,32,0,40,2,0,11,7,0,32,0,32,1,109,11))).exports`;

test("V8's WebAssembly traps work on, before and after ours", () => {
  const { stdout, stderr } = runScript(`
    const wasm = ${WASM};
    const load = nm.bindFunction(install('load').address, { params: ['ptr'], result: 'i64' });
    const kinds = new Set();
    for (let i = 0; i < 1000; i++) {
      for (const f of [() => wasm.load(0x7ffffff0), () => load(null), () => wasm.div(1, 0), () => load(8n)]) {
        try { f(); } catch (e) { kinds.add(e.constructor.name + ': ' + (e.kind ?? e.message)); }
      }
    }
    console.log([...kinds].join('\\n'));`);
  expect(stderr).toBe('');
  expect(stdout).toBe('RuntimeError: memory access out of bounds\nTrapError: memory\nRuntimeError: divide by zero\n');
});

// A function that our code calls and that faults is not ours: libc's strlen(NULL), found by its address in this process.
const FOREIGN = `
  import { execFileSync } from 'node:child_process';
  import { readFileSync } from 'node:fs';
  const maps = readFileSync('/proc/self/maps', 'utf8');
  const [, base, libc] = /^([0-9a-f]+)-[0-9a-f]+ \\S+ 00000000 \\S+ \\S+ +(\\S*libc\\.so\\.6)$/m.exec(maps);
  const symbols = execFileSync('readelf', ['-W', '--dyn-syms', libc], { encoding: 'utf8' });
  const find = (name) => BigInt('0x' + base) + BigInt('0x' + new RegExp('([0-9a-f]{16}).* ' + name + '@').exec(symbols)[1]);
  const slot = nm.CodeArena.default().allocateSlot(0n);
  const call = (name, signature) => {
    slot.target = find(name);
    const block = nm.CodeArena.default().allocate(machineCode('jumpSlot'), {
      relocate: (copy, address) => new DataView(copy.buffer).setInt32(2, Number(slot.address - address - 6n), true),
    });
    return nm.bindFunction(block.address, signature);
  };`;

test('a fault in other code still ends the process', () => {
  const body = `${FOREIGN}
    const puts = call('getpid', { params: [], result: 'i32' });
    console.log(puts() === process.pid);
    call('atol', { params: ['ptr'], result: 'i64' })(null);
    console.log('still here');`;
  const { stdout, signal } = runScript(body);
  expect(stdout).toBe('true\n');
  expect(signal).toBe('SIGSEGV');
});

test.each(['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP'])(
  '%s that is sent ends the process as before',
  (name) => {
    const { stdout, signal } = runScript(`
    const load = nm.bindFunction(install('load').address, { params: ['ptr'], result: 'i64' });
    try { load(null); } catch (e) { console.log(e.kind); }
    process.kill(process.pid, '${name}');
    await new Promise((resolve) => setTimeout(resolve, 5000));
    console.log('still here');`);
    expect(stdout).toBe('memory\n');
    expect(signal).toBe(name);
  },
);

test('an abort of the runtime itself stays one', () => {
  const { signal } = runScript(`
    try {
      nm.bindFunction(install('ud2').address, { params: [], result: 'void' })();
    } catch (error) {
      if (error.kind !== 'illegal-instruction') throw error;
      process.abort();
    }`);
  expect(signal).toBe('SIGABRT');
});
