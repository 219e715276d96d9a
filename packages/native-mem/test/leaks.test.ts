// A million cycles of everything that allocates, in a process of its own: memory, mappings and descriptors stay flat.
import { expect, test } from 'vitest';
import { HANGS, OWN_MEMORY, runScript, SMALL_HEAP, temporaryFile } from './support.js';

// A short pass with the sanitizers, which make each cycle slower.
const cycles = (process.env.SIMPLE_JIT_NATIVE_MEM_VARIANT ?? '') === '' ? 1_000_000 : 50_000;
const portable = process.env.SIMPLE_JIT_NATIVE_MEM_VARIANT === 'portable';

function measure(cycle: string, count: number) {
  const path = temporaryFile('content of a file');
  const { stdout, stderr, status } = runScript(
    `${OWN_MEMORY}
    import { readFileSync, readdirSync } from 'node:fs';
    import { setImmediate } from 'node:timers/promises';
    const path = ${JSON.stringify(path)};
    const arena = nm.CodeArena.default();
    const bytes = machineCode('return42');
    const kept = [install('jumpAddress'), install('nothing')];
    const [jump, nothing] = kept.map((block) => block.address);
    const refused = (action, code) => {
      try {
        action();
      } catch (error) {
        if (error.code === code) return;
        throw error;
      }
      throw new Error('not refused');
    };
    const cycle = (i) => { ${cycle} };
    const run = async (count) => {
      for (let i = 0; i < count; i++) {
        cycle(i);
        if (i % 1000 === 0) await setImmediate();
      }
      for (let i = 0; i < 5; i++) { gc(); await setImmediate(); }
    };
    const state = () => ({
      memory: ownMemory(),
      maps: readFileSync('/proc/self/maps', 'utf8').split('\\n').length,
      files: readdirSync('/proc/self/fd').length,
    });
    await run(${count / 4});
    const before = state();
    await run(${count});
    const after = state();
    console.log(JSON.stringify({
      growth: after.memory - before.memory,
      maps: after.maps - before.maps,
      files: after.files - before.files,
      left: [arena.stats().blocks - kept.length, arena.stats().slots + arena.stats().dataBlocks, nm.execMemoryCount(), nm.mappedFileTotals().count],
    }));`,
    { args: SMALL_HEAP },
  );
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout) as { growth: number; maps: number; files: number; left: number[] };
}

test.skipIf(portable).each([
  [
    'mmapFile and munmap',
    `const { address, size } = nm.mmapFile(path, nm.PROT_READ, nm.MAP_PRIVATE); nm.munmap(address, size);`,
    1,
  ],
  [
    'blocks and slots',
    `const block = arena.allocate(bytes, { name: 'f' + i }); const slot = arena.allocateSlot(block.address); slot.close(); block.close();`,
    1,
  ],
  [
    'lazy slots',
    `const slot = arena.allocateLazySlot(() => { if (i % 2) throw slot; return nothing; }); try { nm.callFunction1(jump, slot.target); } catch (error) { if (error !== slot) throw error; } slot.close();`,
    0.2,
  ],
  [
    'data blocks',
    `const data = arena.allocateData(5000, { name: 'd' + i }); data.write(bytes); if (i % 2) data.seal(); data.close();`,
    0.2,
  ],
  [
    'memory by address',
    `const a = nm.allocExecMemory(100); const b = nm.allocRwMemory(100); nm.freeExecMemory(a, 100); nm.freeExecMemory(b, 100);`,
    0.2,
  ],
  ['MappedFile', `const file = nm.MappedFile.open(path); file.bytes; file.view(1, 2); file.close();`, 0.05],
  ['forgotten MappedFiles', `nm.MappedFile.open(path).bytes;`, 0.02],
  [
    'errors',
    `refused(() => nm.mmapFile('/nowhere', 1, 2), 'ENOENT'); refused(() => nm.munmap(8n, 8), 'ERR_NOT_MAPPED');`,
    0.05,
  ],
  [
    'bound functions',
    `const block = arena.allocate(bytes); nm.bindFunction(block.address, { params: [], result: 'i64' })(); block.close();`,
    0.05,
  ],
  [
    'arenas',
    `const own = new nm.CodeArena({ reserve: 2 ** 20 }); own.allocateSlot(own.allocate(bytes).address); own.allocateData(9).seal(); own.close();`,
    0.02,
  ],
])(
  '%s',
  (_, cycle, share) => {
    const { growth, maps, files, left } = measure(cycle, cycles * share);
    expect(left).toEqual([0, 0, 0, 0]);
    expect(files).toBe(0);
    expect(Math.abs(maps)).toBeLessThan(200); // V8 comes and goes with some of its own
    // V8's own heap comes and goes by some tens of MiB, more so in newer versions.
    expect(growth).toBeLessThan(40 * 2 ** 20);
  },
  HANGS,
);
