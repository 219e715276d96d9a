import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bindFunction, CodeArena, cpuFeatures } from './index.js';

const ALL = ['sse4.1', 'popcnt', 'lzcnt', 'bmi1', 'bmi2', 'fma', 'avx', 'avx2'] as const;
const x86 = process.platform === 'linux' && process.arch === 'x64';
const portable = process.env.SIMPLE_JIT_NATIVE_MEM_VARIANT === 'portable';

test.skipIf(!x86)('the features are those that the kernel sees', () => {
  const flags = new Set(/^flags\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' '));
  const kernelName = { 'sse4.1': 'sse4_1', lzcnt: 'abm' } as Record<string, string>;
  expect(cpuFeatures()).toEqual(portable ? [] : ALL.filter((name) => flags.has(kernelName[name] ?? name)));
});

// Each with a function of two i64, and what it gives for 12 and 2.
const uses = {
  popcnt: [0xf3, 0x48, 0x0f, 0xb8, 0xc7, 0xc3], // popcnt rax, rdi; ret
  lzcnt: [0xf3, 0x48, 0x0f, 0xbd, 0xc7, 0xc3], // lzcnt rax, rdi; ret
  bmi1: [0xc4, 0xe2, 0xc0, 0xf2, 0xc6, 0xc3], // andn rax, rdi, rsi; ret
  bmi2: [0xc4, 0xe2, 0xcb, 0xf7, 0xc7, 0xc3], // shrx rax, rdi, rsi; ret
} as const;
const results = { popcnt: 2n, lzcnt: 60n, bmi1: 2n, bmi2: 3n };

test.skipIf(!x86 || portable).each(Object.keys(uses) as (keyof typeof uses)[])('%s works where it is named', (name) => {
  using arena = new CodeArena({ reserve: 2 ** 20 });
  const use = bindFunction(arena.allocate(Uint8Array.from(uses[name])).address, {
    params: ['i64', 'i64'],
    result: 'i64',
  });
  if (cpuFeatures().includes(name)) expect(use(12n, 2n)).toBe(results[name]);
});
