// No function of the package can crash the process by its arguments: every one gets thousands of random wrong ones, near
// misses of live regions among them. Runs in a process of its own, whose survival is the test.
import { expect, test } from 'vitest';
import { runScript, temporaryFile } from './support.js';

const portable = process.env.SIMPLE_JIT_NATIVE_MEM_VARIANT === 'portable';

test.skipIf(portable)('wrong arguments end in a result or a typed error', () => {
  const rounds = 100_000;
  const seed = Number(process.env.SIMPLE_JIT_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const { stdout, stderr, status, signal } = runScript(`
    import { Random } from '${import.meta.resolve('@simple-jit/fixtures/random')}';
    const random = new Random(${seed});
    const next = () => random.fraction();
    const pick = (list) => random.pick(list);
    const path = ${JSON.stringify(temporaryFile(new Uint8Array(20_000).fill(7)))};
    const detached = new Uint8Array(8);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    let live = [];
    const renew = () => {
      for (const { address, size } of live) {
        // One of the two, or neither where a random call has freed it: the refusal must be typed.
        for (const free of [nm.munmap, nm.freeExecMemory]) {
          try {
            free(address, size);
          } catch (error) {
            if (!(error instanceof nm.NativeMemError)) throw error;
          }
        }
      }
      const rw = nm.allocRwMemory(9000);
      const rx = nm.allocRwMemory(64);
      nm.writeExecMemory(rx, new Uint8Array(64).fill(0xc3));
      nm.makeExecutable(rx, 64);
      const exec = nm.allocExecMemory(128);
      nm.writeExecMemory(exec, new Uint8Array(128).fill(0xc3));
      const file = nm.MappedFile.open(path);
      live = [
        { address: rw, size: 9000 }, { address: rx, size: 64 }, { address: exec, size: 128 },
        nm.mmapFile(path, 1, 2), nm.mmapFile(path, 3, 1, 4097), nm.mmapFile(path, 1, 2, 20_000),
        { address: file.address, size: file.size }, { address: install('nothing').address, size: 1 },
      ];
      globalThis.keep = file;
    };
    const odd = [undefined, null, 'text', '', {}, [], NaN, Infinity, -1, 0.5, 2 ** 53, 2 ** 31, 1e300, true, Symbol('s'), () => 1,
      -1n, 2n ** 64n, 2n ** 63n, 1n << 200n, new Uint8Array(0), detached, new Uint16Array(3), new SharedArrayBuffer(8)];
    const address = () => next() < 0.1 ? pick(odd) : (() => {
      const { address, size } = pick(live);
      return pick([address, address, address, address + 1n, address - 1n, address + BigInt(size), address + 4096n, address + 64n, 0n]);
    })();
    const size = () => next() < 0.1 ? pick(odd) : (() => {
      const { size } = pick(live);
      return pick([size, size, size, size + 1, size - 1, 0, 1, 4096, 2 ** 40, 2 ** 53 - 1]);
    })();
    const small = () => next() < 0.2 ? pick(odd) : Math.floor(next() * 8);
    const bytes = () => next() < 0.3 ? pick(odd) : new Uint8Array(Math.floor(next() * 200)).fill(0xc3);
    const word = () => next() < 0.3 ? pick(odd) : pick([0, 1n, -5, 2n ** 40n]);
    const signature = () => next() < 0.1 ? pick(odd) : { params: pick([[], ['i64'], ['ptr', 'f64'], ['x'], odd, null]), result: pick(['void', 'i64', 'f32', 'y', 7]) };
    const arena = new nm.CodeArena({ reserve: 2 ** 20 });
    const jump = install('jumpAddress').address;
    const nothing = install('nothing').address;
    const calls = {
      mmapFile: () => nm.mmapFile(pick([path, path, '/dev', '/nowhere', pick(odd)]), small(), small(), size(), size()),
      munmap: () => nm.munmap(address(), size()),
      mmapReadBytes: () => nm.mmapReadBytes(address(), size(), size()),
      mmapReadString: () => nm.mmapReadString(address(), size(), size()),
      msync: () => nm.msync(address(), size(), pick(odd)),
      mlock: () => nm.mlock(address(), size()),
      munlock: () => nm.munlock(address(), size()),
      madvise: () => nm.madvise(address(), size(), small()),
      fileSizeForMmap: () => nm.fileSizeForMmap(pick(odd)),
      allocExecMemory: () => { const n = small(); live.push({ address: nm.allocExecMemory(n), size: n }); },
      allocRwMemory: () => { const n = small(); live.push({ address: nm.allocRwMemory(n), size: n }); },
      writeExecMemory: () => nm.writeExecMemory(address(), bytes(), pick([0, size()])),
      makeExecutable: () => nm.makeExecutable(address(), size()),
      flushIcache: () => nm.flushIcache(address(), size()),
      getFunctionPointer: () => nm.getFunctionPointer(address()),
      freeExecMemory: () => nm.freeExecMemory(address(), size()),
      setProtection: () => nm.setProtection(address(), size(), small()),
      getProtection: () => nm.getProtection(address()),
      isExecutable: () => nm.isExecutable(address()),
      callFunction1: () => nm.callFunction1(address(), word()),
      callFunction2: () => nm.callFunction2(address(), word(), word()),
      bindFunction: () => nm.bindFunction(address(), signature(), next() < 0.1 ? { name: pick(odd) } : {})(word(), word()),
      findCode: () => nm.findCode(address())?.block.bytes(),
      open: () => nm.MappedFile.open(pick([path, pick(odd)]), pick([{}, { offset: size(), length: size() }, { writable: pick(odd) }])).view(size(), size()),
      view: () => globalThis.keep.view(size(), size()).fill(1),
      allocate: () => arena.allocate(bytes(), pick([{}, { alignment: small() }, { name: pick(odd) }, { traps: [{ offset: small(), kind: 'bounds' }] }, { relocate: pick(odd) }])).close(),
      allocateSlot: () => { const slot = arena.allocateSlot(pick([1n, address()])); slot.target = address(); slot.close(); },
      allocateLazySlot: () => {
        const slot = arena.allocateLazySlot(next() < 0.1 ? pick(odd) : () => pick([pick(odd), 8n, nothing]));
        try {
          if (next() < 0.2) slot.target = pick([0n, nothing]);
          if (next() < 0.8) nm.callFunction1(jump, slot.target);
        } finally {
          slot.close();
        }
      },
      allocateData: () => {
        const data = arena.allocateData(pick([small(), 5000, size()]), pick([{}, { alignment: small() }, { name: pick(odd) }]));
        try {
          data.write(bytes(), pick([0, small(), size()]));
          data.read(pick([undefined, small(), size()]), pick([undefined, small(), size()]));
          if (next() < 0.5) data.seal();
          if (next() < 0.5) nm.callFunction1(jump, data.address);
        } finally {
          data.close();
          if (next() < 0.1) data.close();
        }
      },
      processSymbol: () => nm.processSymbol(pick(['strlen', 'malloc', pick(odd)])),
      newArena: () => new nm.CodeArena({ reserve: pick([size(), 2 ** 20]), backing: pick([undefined, [], odd, ['memfd']]) }).close(),
      perfMap: () => nm.enablePerfMap(pick(['/nowhere/x', '/dev', pick([null, 7, {}])])),
    };
    const names = Object.keys(calls);
    const outcomes = {};
    for (let i = 0; i < ${rounds}; i++) {
      if (i % 40 === 0) renew();
      const name = pick(names);
      try {
        calls[name]();
        (outcomes[name] ??= {}).ok = true;
      } catch (error) {
        const typed = error instanceof nm.NativeMemError ? error.code : error instanceof TypeError || error instanceof RangeError;
        if (!typed || typed === 'ERR_INTERNAL') { console.error(name, error); process.exit(2); }
        (outcomes[name] ??= {}).error = true;
      }
    }
    console.log(names.filter((name) => !outcomes[name]?.error).join(), names.filter((name) => !outcomes[name]?.ok).join());`);
  expect(stderr, `seed ${seed}`).toBe('');
  expect({ status, signal, seed }).toEqual({ status: 0, signal: null, seed });
  expect(stdout, 'every function both worked and failed').toBe(' fileSizeForMmap,perfMap\n');
});
