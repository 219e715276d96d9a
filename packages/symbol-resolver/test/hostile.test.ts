// Files that are made to break a linker, each with what has to become of it.
import { readFileSync } from 'node:fs';
import { CodeArena } from '@simple-jit/native-mem';
import { RelocationType, SectionType, SmfBuilder, SymbolBinding, SymbolType } from '@simple-jit/smf-format';
import { describe, expect, test } from 'vitest';
import { JitSymbolResolver, LinkError, ResolveError } from '../src/index.js';
import { caught, I64, sharedPlace } from './support/harness.js';

const place = sharedPlace();

/** push n; pop rax; ret */
const gives = (n: number): number[] => [0x6a, n, 0x58, 0xc3];
/** mov rax, [rip + displacement]; ret */
const LOAD = [0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xc3];
const int64s = (...values: number[]): Uint8Array => new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);

/** Builds a module with that code in section 0, and loads it. */
function open(code: readonly number[], edit: (builder: SmfBuilder) => void, resolver = create()): JitSymbolResolver {
  const builder = new SmfBuilder();
  builder.addSection({ type: SectionType.Code, name: '.text', data: Uint8Array.from(code) });
  edit(builder);
  resolver.loadSmf(place().write('hostile.smf', builder.build()));
  return resolver;
}

const create = (arena = place().arena): JitSymbolResolver => new JitSymbolResolver({ arena, updateSmf: false });

const linkErrorOf = (resolver: JitSymbolResolver, name: string): unknown => {
  const error = caught(() => resolver.resolveFunction(name, I64)) as ResolveError;
  expect(error).toBeInstanceOf(ResolveError);
  expect(error.cause).toBeInstanceOf(LinkError);
  return error.cause;
};

const ownMemory = (): number => Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;

describe.skipIf(process.arch !== 'x64' || process.platform !== 'linux')('sections', () => {
  const MUCH = 600_000_000;

  test('zeros between sections cost address space and no memory', () => {
    const before = ownMemory();
    const arena = new CodeArena();
    for (const [type, virtualSize] of [
      [SectionType.Data, MUCH],
      [SectionType.RoData, MUCH],
    ] as const) {
      const resolver = open(
        LOAD,
        (builder) => {
          const first = builder.addSection({ type, name: 'first', data: int64s(1), virtualSize });
          const last = builder.addSection({ type, name: 'last', data: int64s(42) });
          builder.addSymbol({ name: 'f', sectionIndex: 0 });
          builder.addSymbol({ name: 'first', type: SymbolType.Data, sectionIndex: first });
          const symbolIndex = builder.addSymbol({ name: 'last', type: SymbolType.Data, sectionIndex: last });
          builder.setRelocations(0, [{ offset: 3, symbolIndex, type: RelocationType.Pc32, addend: -4n }]);
        },
        create(arena),
      );
      expect(resolver.resolveFunction('f', I64)()).toBe(42);
      expect(ownMemory() - before).toBeLessThan(MUCH / 3);
      resolver.close();
    }
    arena.close();
  });

  test.each([
    ['a size', { virtualSize: 2 ** 40 }, /does not fit/],
    ['a size that no number counts', { virtualSize: Number.MAX_SAFE_INTEGER }, /does not fit/],
    ['an alignment', { virtualSize: 8, alignment: 2 ** 40 }, /aligned to 1099511627776 bytes/],
  ])('%s beyond what there is, is an error', (_, extent, message) => {
    using resolver = open(gives(1), (builder) => {
      const bss = builder.addSection({ type: SectionType.Bss, name: '.bss', ...extent });
      builder.addSymbol({ name: 'f', sectionIndex: 0 });
      builder.addSymbol({ name: 'zeros', type: SymbolType.Data, sectionIndex: bss });
    });
    expect(linkErrorOf(resolver, 'f')).toMatchObject({
      code: 'ERR_BAD_SECTION',
      section: '.bss',
      message: expect.stringMatching(message),
    });
    expect(place().arena.stats().dataBlocks).toBe(0);
  });

  test('a relocation in zeros is an error', () => {
    using resolver = open(gives(1), (builder) => {
      const bss = builder.addSection({ type: SectionType.Bss, name: '.bss', virtualSize: 64 });
      const symbolIndex = builder.addSymbol({ name: 'f', sectionIndex: 0 });
      builder.addSymbol({ name: 'zeros', type: SymbolType.Data, sectionIndex: bss });
      builder.setRelocations(bss, [{ offset: 0, symbolIndex, type: RelocationType.Abs64, addend: 0n }]);
    });
    expect(linkErrorOf(resolver, 'f')).toMatchObject({ code: 'ERR_BAD_RELOCATION', section: '.bss', offset: 0 });
  });
});

describe.skipIf(process.arch !== 'x64')('relocations', () => {
  test('of one place many times, or across each other: the last one counts', () => {
    using resolver = open([...LOAD, ...LOAD], (builder) => {
      const data = builder.addSection({ type: SectionType.Data, name: '.data', data: int64s(1, 42) });
      builder.addSymbol({ name: 'f', sectionIndex: 0 });
      builder.addSymbol({ name: 'g', sectionIndex: 0, value: 8 });
      const symbolIndex = builder.addSymbol({ name: 'x', type: SymbolType.Data, sectionIndex: data, value: 8 });
      const patch = (offset: number, addend: number) => {
        return { offset, symbolIndex, type: RelocationType.Pc32, addend: BigInt(addend) };
      };
      const many = Array.from({ length: 5000 }, (_, i) => patch(3, i));
      builder.setRelocations(0, [...many, patch(3, -4), patch(9, 0), patch(11, -4)]);
    });
    expect(resolver.resolveFunction('f', I64)()).toBe(42);
    // The one at 9 wrote over the instruction of g, the one at 11 over a part of that.
    expect(resolver.resolve('g')).toBeDefined();
  });

  test('that name a symbol without a place are errors', () => {
    using resolver = open(LOAD, (builder) => {
      const data = builder.addSection({ type: SectionType.Data, name: '.data', data: int64s(1) });
      builder.addSymbol({ name: 'f', sectionIndex: 0 });
      const symbolIndex = builder.addSymbol({
        name: 'x',
        type: SymbolType.Data,
        binding: SymbolBinding.Local,
        sectionIndex: data,
        value: 2 ** 40,
      });
      builder.setRelocations(0, [{ offset: 3, symbolIndex, type: RelocationType.Pc32, addend: 0n }]);
    });
    expect(linkErrorOf(resolver, 'f')).toMatchObject({ code: 'ERR_BAD_SYMBOL', symbol: 'x', offset: 2 ** 40 });
  });
});

describe.skipIf(process.arch !== 'x64')('names', () => {
  test('that a module both refers to and defines are its own, data and functions', () => {
    using resolver = open([...LOAD, 0xe9, 0, 0, 0, 0, ...gives(7)], (builder) => {
      const data = builder.addSection({ type: SectionType.Data, name: '.data', data: int64s(1, 42) });
      builder.addSymbol({ name: 'f', sectionIndex: 0 });
      builder.addSymbol({ name: 'g', sectionIndex: 0, value: 8 });
      const x = builder.addSymbol({ name: 'x', type: SymbolType.None });
      const h = builder.addSymbol({ name: 'h', type: SymbolType.None });
      builder.addSymbol({ name: 'x', type: SymbolType.Data, sectionIndex: data, value: 8 });
      builder.addSymbol({ name: 'h', sectionIndex: 0, value: 13 });
      builder.setRelocations(0, [
        { offset: 3, symbolIndex: x, type: RelocationType.Pc32, addend: -4n },
        { offset: 9, symbolIndex: h, type: RelocationType.Plt32, addend: -4n },
      ]);
    });
    expect(resolver.resolveFunction('f', I64)()).toBe(42);
    expect(resolver.resolveFunction('g', I64)()).toBe(7);
  });

  test('twice in a file: the first that is global', () => {
    using resolver = open([...gives(1), ...gives(2), ...gives(3), ...gives(4)], (builder) => {
      const bindings = [SymbolBinding.Local, SymbolBinding.Weak, SymbolBinding.Global, SymbolBinding.Global];
      bindings.forEach((binding, i) => {
        builder.addSymbol({ name: 'f', sectionIndex: 0, value: 4 * i, binding });
      });
    });
    expect(resolver.resolveFunction('f', I64)()).toBe(3);
  });

  test('that nobody has are named by the error', () => {
    using resolver = open([0xe9, 0, 0, 0, 0], (builder) => {
      builder.addSymbol({ name: 'f', sectionIndex: 0 });
      const symbolIndex = builder.addSymbol({ name: 'nobody', type: SymbolType.None });
      builder.setRelocations(0, [{ offset: 1, symbolIndex, type: RelocationType.Plt32, addend: -4n }]);
    });
    expect(linkErrorOf(resolver, 'f')).toMatchObject({ code: 'ERR_UNDEFINED_SYMBOL', symbols: ['nobody'] });
  });

  test('a weak function that is its own caller runs into the end of the stack, and that is an error', () => {
    using resolver = open([0x50, 0xe8, 0, 0, 0, 0, 0x58, 0xc3], (builder) => {
      const symbolIndex = builder.addSymbol({ name: 'f', sectionIndex: 0, binding: SymbolBinding.Weak });
      builder.setRelocations(0, [{ offset: 2, symbolIndex, type: RelocationType.Plt32, addend: -4n }]);
    });
    expect(caught(resolver.resolveFunction('f', I64))).toMatchObject({ code: 'ERR_TRAP', kind: 'stack-overflow' });
  });

  test('of any characters are names', () => {
    const names = [
      '',
      ' ',
      '\n',
      'a\nb 0 1',
      '\u202e',
      '__proto__',
      'constructor',
      '💥',
      'x'.repeat(3000),
      'a#b',
      '%s',
    ];
    using resolver = open(gives(9), (builder) => {
      for (const name of names) builder.addSymbol({ name, sectionIndex: 0 });
    });
    for (const name of names) expect(resolver.resolveFunction(name, I64)()).toBe(9);
    for (const name of ['toString', 'a', '\0entry x', 'hasOwnProperty']) expect(resolver.resolve(name)).toBeUndefined();
  });
});
