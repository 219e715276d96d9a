// native-mem: what a call, a fault, a piece of executable memory and a mapped file cost, each beside what a user would
// take instead. Every side runs for the same time in one process; a row compares the medians.
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  allocRwMemory,
  bindFunction,
  CodeArena,
  callFunction2,
  freeExecMemory,
  MappedFile,
  makeExecutable,
  TrapError,
  writeExecMemory,
} from '@simple-jit/native-mem';
import { type BenchRow, compare } from './compare.js';
import { instantiateSum } from './wasm-sum.js';

const CALLS = 1000; // a single call is shorter than the clock's tick
const ADD_I64 = Uint8Array.of(0x48, 0x8d, 0x04, 0x37, 0xc3); // lea rax, [rdi + rsi]; ret
const ADD_F64 = Uint8Array.of(0xf2, 0x0f, 0x58, 0xc1, 0xc3); // addsd xmm0, xmm1; ret
const RETURN = Uint8Array.of(0xc3);
const LOAD = Uint8Array.of(0x48, 0x8b, 0x07, 0xc3); // mov rax, [rdi]; ret

export async function benchNativeMem(): Promise<BenchRow[]> {
  return [...(await calls()), ...(await executableMemory()), ...(await files())];
}

async function calls(): Promise<BenchRow[]> {
  using arena = new CodeArena();
  const addresses = [ADD_I64, ADD_F64, RETURN, LOAD].map((code) => arena.allocate(code).address);
  const [addI64, addF64, nothing, load] = addresses as [bigint, bigint, bigint, bigint];
  const nop = bindFunction(nothing, { params: [], result: 'void' });
  const small = bindFunction(addI64, { params: ['i32', 'i32'], result: 'i32' });
  const big = bindFunction(addI64, { params: ['i64', 'i64'], result: 'i64' });
  const double = bindFunction(addF64, { params: ['f64', 'f64'], result: 'f64' });
  const pointer = bindFunction(nothing, { params: ['ptr<f64>', 'i64:number'], result: 'void' });
  const read = bindFunction(load, { params: ['ptr'], result: 'i64' });
  const wasm = instantiateSum(0);
  const data = new Float64Array(4);
  const repeat = (call: (i: number) => unknown) => () => {
    for (let i = 0; i < CALLS; i++) call(i);
  };
  const emptyWasm = repeat(() => wasm.sum(0, 0n));
  const fault = () => {
    try {
      read(null);
    } catch (error) {
      if (!(error instanceof TrapError)) throw error;
    }
  };
  const thrown = () => {
    try {
      throw new RangeError('out of bounds');
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  };
  return [
    await compare(
      'call () → void',
      repeat(() => nop()),
      'an exported WebAssembly function',
      emptyWasm,
      { operations: CALLS },
    ),
    await compare(
      'call (i32, i32) → i32',
      repeat((i) => small(i, 1)),
      'call () → void',
      repeat(() => nop()),
      { operations: CALLS },
    ),
    await compare(
      'call (f64, f64) → f64',
      repeat((i) => double(i, 0.5)),
      'call () → void',
      repeat(() => nop()),
      { operations: CALLS },
    ),
    await compare(
      'call (i64, i64) → i64',
      repeat(() => big(5n, 7n)),
      'callFunction2',
      repeat(() => callFunction2(addI64, 5n, 7n)),
      { operations: CALLS },
    ),
    await compare(
      'call (ptr<f64>, i64:number) → void',
      repeat(() => pointer(data, 4)),
      'call () → void',
      repeat(() => nop()),
      { operations: CALLS },
    ),
    await compare('a fault, caught as TrapError', fault, 'a JavaScript error, thrown and caught', thrown),
    await compare(
      'bindFunction',
      () => bindFunction(addI64, { params: ['i64', 'i64'], result: 'i64' }),
      'WebAssembly.Module + Instance',
      () => instantiateSum(0),
    ),
  ];
}

async function executableMemory(): Promise<BenchRow[]> {
  using arena = new CodeArena();
  const code = new Uint8Array(64).fill(0xc3);
  const install = await compare(
    'install and free a function of 64 bytes, pooled',
    () => arena.allocate(code).close(),
    'mmap, write, mprotect, munmap',
    () => {
      const address = allocRwMemory(64);
      writeExecMemory(address, code);
      makeExecutable(address, 64);
      freeExecMemory(address, 64);
    },
  );
  for (let i = 0; i < 10_000; i++) arena.allocate(code);
  const { committed } = arena.stats();
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
  const paged = 10_000 * 4096;
  const memory = {
    what: 'memory of 10,000 functions of 64 bytes',
    ours: mebibytes(committed),
    against: `a page each ${mebibytes(paged)}`,
    ratio: paged / committed,
  };
  const slot = arena.allocateSlot(1n);
  const redirect = await compare(
    'redirect an import slot',
    () => {
      slot.target = 2n;
    },
    'install the caller anew',
    () => arena.allocate(code).close(),
  );
  return [install, memory, redirect];
}

async function files(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-native-mem-'));
  try {
    const path = join(folder, 'large');
    const file = openSync(path, 'w');
    ftruncateSync(file, 256 * 2 ** 20);
    closeSync(file);
    const at = 2 ** 27;
    const mapped = () => {
      const opened = MappedFile.open(path);
      const byte = opened.view(at, 4096)[100];
      opened.close();
      return byte;
    };
    const buffer = new Uint8Array(4096);
    const read = () => {
      const opened = openSync(path, 'r');
      readSync(opened, buffer, 0, 4096, at);
      closeSync(opened);
      return buffer[100];
    };
    const whole = () => {
      const opened = MappedFile.open(path);
      const byte = opened.bytes[at];
      opened.close();
      return byte;
    };
    return [
      await compare('4 KiB of a file of 256 MiB: open, view, close', mapped, 'open, read, close', read),
      await compare('the same', mapped, 'all of it as bytes, for V8 to count', whole),
      await compare('the same', mapped, 'readFileSync', () => readFileSync(path)[at]),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
