// The arena against a model: 100,000 random operations, after each of which both must agree.
import { Random } from '@simple-jit/fixtures/random';
import { describe, expect, test } from 'vitest';
import { CodeArena, type CodeBlock, type DataBlock, findCode, type ImportSlot, pageSize } from '../src/index.js';

interface Expected {
  readonly block: CodeBlock;
  readonly fill: number;
  readonly units: number;
}

describe.each([
  ['memfd', 100_000, 64],
  ['mprotect', 10_000, 4096],
] as const)('with %s', (backing, operations, unit) => {
  test(`${operations} random allocations, frees and look-ups agree with a model`, () => {
    const seed = Number(process.env.SIMPLE_JIT_TEST_SEED ?? 20261122);
    const random = new Random(seed);
    using arena = new CodeArena({ reserve: 64 * 2 ** 20, backing: [backing] });
    const blocks: Expected[] = [];
    const slots: { slot: ImportSlot; target: bigint }[] = [];
    const data: { block: DataBlock; fill: number; sealed: boolean; pages: number }[] = [];
    const inUse = new Map<number, number>(); // unit index -> length, of every live block
    let lazy = 0;
    let mostLazy = 0;
    const lazyBytes = () => Math.ceil(mostLazy / 255) * 4096;
    let units = 0;
    let bytes = 0;

    const allocate = () => {
      const size = 1 + random.below(random.fraction() < 0.02 ? 200_000 : random.fraction() < 0.3 ? 2000 : 150);
      const alignment = random.fraction() < 0.1 ? 2 ** (6 + random.below(7)) : 64;
      const fill = random.below(256);
      const block = arena.allocate(new Uint8Array(size).fill(fill), { alignment });
      const first = Number(block.address - arena.address) / unit;
      const length = Math.ceil(size / unit);
      if (!Number.isInteger(first) || block.address % BigInt(alignment) !== 0n)
        throw new Error(`misaligned (seed ${seed})`);
      for (let i = first; i < first + length; i++) {
        if (inUse.has(i)) throw new Error(`overlapping block at unit ${i} (seed ${seed})`);
        inUse.set(i, first);
      }
      blocks.push({ block, fill, units: length });
      units += length;
      bytes += size;
    };
    const free = (index: number) => {
      const { block, units: length } = blocks[index]!;
      blocks[index] = blocks.at(-1)!;
      blocks.pop();
      block.close();
      const first = Number(block.address - arena.address) / unit;
      for (let i = first; i < first + length; i++) inUse.delete(i);
      units -= length;
      bytes -= block.size;
    };
    const check = (index: number) => {
      const { block, fill } = blocks[index]!;
      const content = block.bytes();
      if (!content.every((byte) => byte === fill)) throw new Error(`damaged block (seed ${seed})`);
      const offset = random.below(block.size);
      const found = findCode(block.address + BigInt(offset));
      if (found?.offset !== offset || found.block.address !== block.address)
        throw new Error(`not found (seed ${seed})`);
    };

    const page = pageSize();
    const dataInUse = new Set<bigint>(); // page addresses
    const pagesOf = ({ address }: DataBlock, pages: number) =>
      Array.from({ length: pages }, (_, i) => address + BigInt(i * page));
    const allocateData = () => {
      const size = 1 + random.below(random.fraction() < 0.1 ? 100_000 : 2 * page);
      const alignment = random.fraction() < 0.2 ? 2 ** random.below(17) : 1;
      const block = arena.allocateData(size, { alignment });
      const step = Math.max(page, alignment);
      const pages = (Math.ceil(size / step) * step) / page;
      if (block.address % BigInt(step) !== 0n) throw new Error(`misaligned data (seed ${seed})`);
      for (const at of pagesOf(block, pages)) {
        if (dataInUse.has(at)) throw new Error(`overlapping data (seed ${seed})`);
        dataInUse.add(at);
      }
      for (const { slot } of slots) {
        if (slot.address >= block.address && slot.address < block.address + BigInt(pages * page))
          throw new Error(`a slot in data (seed ${seed})`);
      }
      if (!block.read().every((byte) => byte === 0)) throw new Error(`data not zeroed (seed ${seed})`);
      const fill = random.below(256);
      block.write(new Uint8Array(size).fill(fill));
      const sealed = random.fraction() < 0.5;
      if (sealed) block.seal();
      data.push({ block, fill, sealed, pages });
    };
    const freeData = () => {
      const { block, fill, sealed, pages } = data.splice(random.below(data.length), 1)[0]!;
      if (!block.read().every((byte) => byte === fill)) throw new Error(`damaged data (seed ${seed})`);
      if (sealed) expect(() => block.write(Uint8Array.of(1))).toThrow();
      for (const at of pagesOf(block, pages)) dataInUse.delete(at);
      block.close();
    };

    for (let i = 0; i < operations; i++) {
      const dice = random.fraction();
      const wanted = 200 + 180 * Math.sin(i / 5000);
      if (dice < 0.03) {
        if (data.length < 20 + 15 * Math.sin(i / 3000)) allocateData();
        else freeData();
      } else if (dice < 0.8) {
        if (blocks.length < wanted) allocate();
        else free(random.below(blocks.length));
      } else if (dice < 0.9) {
        if (blocks.length > 0) check(random.below(blocks.length));
      } else if (dice < 0.95 || slots.length === 0) {
        if (random.fraction() < 0.5) {
          const slot = arena.allocateLazySlot(() => 1n);
          slots.push({ slot, target: slot.target });
          lazy++;
          mostLazy = Math.max(mostLazy, lazy);
        } else {
          const target = BigInt(random.below(2 ** 31));
          slots.push({ slot: arena.allocateSlot(target), target });
        }
      } else {
        const { slot, target } = slots.splice(random.below(slots.length), 1)[0]!;
        if (slot.target !== target) throw new Error(`damaged slot (seed ${seed})`);
        if (target > 2n ** 31n) lazy--;
        slot.close();
      }
      if (i % 97 === 0) {
        expect(arena.stats(), `seed ${seed}, operation ${i}`).toMatchObject({
          blocks: blocks.length,
          used: units * unit + lazyBytes(),
          lazyBytes: lazyBytes(),
          codeBytes: bytes,
          slots: slots.length,
          dataUsed: slots.length * 8 + dataInUse.size * page,
          dataBlocks: data.length,
          dataBytes: data.reduce((sum, { block }) => sum + block.size, 0),
        });
      }
    }
    for (let i = 0; i < blocks.length; i++) check(i);
    while (blocks.length > 0) free(0);
    for (const { slot } of slots) slot.close();
    while (data.length > 0) freeData();
    expect(arena.stats()).toMatchObject({
      blocks: 0,
      used: lazyBytes(),
      codeBytes: 0,
      slots: 0,
      dataUsed: 0,
      dataBlocks: 0,
    });
  });
});
