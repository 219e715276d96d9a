// What must hold whatever is loaded, and in whatever order: names follow the binding rules, and damaged modules are told of.
import { join } from 'node:path';
import { NativeMemError } from '@simple-jit/native-mem';
import { parseSmf, SectionType, SmfBuilder, SmfFormatError, SymbolBinding, SymbolType } from '@simple-jit/smf-format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JitSymbolResolver, ResolveError } from '../src/index.js';
import { compile, hasCompiler } from './support/elf.js';
import { I32, runs, sharedPlace } from './support/harness.js';

const { Local, Global, Weak } = SymbolBinding;

const place = sharedPlace();

// Two pairs have the same FNV-1a 32.
const NAMES = ['costarring', 'liquid', 'declinate', 'macallums', 'a', 'b', 'c'];
const MODULES = 14; // more than are walked

interface Symbol {
  readonly name: string;
  readonly binding: number;
  readonly isUndefined: boolean;
}

/** Each symbol returns a number of its own: `first`, `first + 1`, … */
function moduleOf(symbols: readonly Symbol[], first: number): Uint8Array {
  const builder = new SmfBuilder();
  const data = Buffer.concat(symbols.map((_, i) => Uint8Array.of(0xb8, first + i, (first + i) >> 8, 0, 0, 0xc3)));
  const sectionIndex = builder.addSection({ type: SectionType.Code, name: '.text', data });
  symbols.forEach(({ name, binding, isUndefined }, i) => {
    const type = isUndefined ? SymbolType.None : SymbolType.Function;
    builder.addSymbol({ name, binding, type, sectionIndex, value: i * 6, size: 6 });
  });
  return builder.build();
}

const symbol = fc.record({
  name: fc.constantFrom(...NAMES),
  binding: fc.constantFrom(Local, Global, Global, Weak),
  isUndefined: fc.constantFrom(false, false, true),
});
const command = fc.oneof(
  fc.record({
    kind: fc.constant('load' as const),
    module: fc.nat(MODULES - 1),
    symbols: fc.uniqueArray(symbol, { selector: ({ name }) => name, maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('unload' as const), module: fc.nat(MODULES - 1) }),
  fc.record({ kind: fc.constant('register' as const), name: fc.constantFrom(...NAMES) }),
  fc.record({ kind: fc.constant('resolve' as const), name: fc.constantFrom(...NAMES) }),
);

test('a name leads where the naive walk over all modules leads, as modules come and go', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      using resolver = new JitSymbolResolver({ arena: place().arena });
      const loaded = new Map<number, { symbols: readonly Symbol[]; first: number }>();
      const registered = new Map<string, number>();
      const bound = new Map<string, () => number>();
      const blocks: { close(): void }[] = [];
      let next = 1;
      const expected = (name: string): number | undefined => {
        const own = registered.get(name);
        if (own !== undefined) return own;
        for (const binding of [Global, Weak]) {
          for (const { symbols, first } of loaded.values()) {
            const at = symbols.findIndex((s) => s.name === name && s.binding === binding && !s.isUndefined);
            if (at >= 0) return first + at;
          }
        }
        return undefined;
      };
      const check = (name: string): void => {
        const value = expected(name);
        expect(resolver.resolve(name) !== undefined).toBe(value !== undefined);
        if (value === undefined) return;
        const callable = resolver.resolveFunction(name, I32);
        expect(callable()).toBe(value);
        if (!registered.has(name)) bound.set(name, callable);
      };
      for (const step of commands) {
        if (step.kind === 'load') {
          const path = place().write(`${step.module}.smf`, moduleOf(step.symbols, next));
          resolver.loadSmf(path);
          // A module that is loaded again keeps its place: so does the key of a Map.
          loaded.set(step.module, { symbols: step.symbols, first: next });
          next += step.symbols.length;
        } else if (step.kind === 'unload') {
          expect(resolver.unload(join(place().folder, `${step.module}.smf`))).toBe(loaded.delete(step.module));
        } else if (step.kind === 'register') {
          const block = place().arena.allocate(Uint8Array.of(0xb8, next, next >> 8, 0, 0, 0xc3));
          blocks.push(block);
          resolver.register(step.name, block.address, I32);
          registered.set(step.name, next++);
        } else check(step.name);
        // What was bound before goes where the name leads now.
        for (const [name, callable] of bound) {
          const value = expected(name);
          if (value === undefined) expect(callable).toThrow(ResolveError);
          else expect(callable()).toBe(value);
        }
      }
      for (const name of NAMES) check(name);
      resolver.close();
      for (const block of blocks) block.close();
      expect(place().arena.stats()).toMatchObject({ blocks: 0, slots: 0, dataBlocks: 0 });
    }),
    { numRuns: runs(150) },
  );
});

const SOURCE = `
  extern long other(long); extern long far_data;
  static const long table[] = {1, 2, 3}; static long zeros[10]; long data = 5; long *pointer = &data;
  static long local(long n) { return n + table[n & 1] + zeros[n & 7]; }
  long (*functions[])(long) = {local, other};
  __attribute__((weak)) long weak(long n) { return n; }
  long f(long n) { return local(n) + other(n) + far_data + *pointer + functions[0](n) + weak(n); }`;

/** What loading and resolving a file may end in, besides a result. */
const isTyped = (error: unknown): boolean =>
  error instanceof SmfFormatError ||
  error instanceof ResolveError ||
  (error instanceof NativeMemError && error.code === 'ENOMEM');

function loadAndResolve(bytes: Uint8Array, other: string): void {
  using resolver = new JitSymbolResolver({ arena: place().arena });
  resolver.loadSmf(other);
  try {
    resolver.loadSmf(place().write('mutant.smf', bytes));
    for (const name of ['f', 'data', 'weak']) {
      if (resolver.resolve(name) === undefined) {
        expect(() => resolver.resolveFunction(name, I32)).toThrow(ResolveError);
      }
    }
  } catch (error) {
    if (!isTyped(error)) throw error;
  }
  resolver.close();
  expect(place().arena.stats()).toMatchObject({ blocks: 0, slots: 0, dataBlocks: 0 });
}

const byteChanges = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });

test.skipIf(!hasCompiler()).for([
  ['relocation tables', (bytes: Uint8Array) => relocationRanges(bytes)],
  ['files', (bytes: Uint8Array) => [[0, bytes.length] as const]],
] as const)('mutated %s end in a module that is loaded, or in a typed error', ([, rangesOf]) => {
  const module = compile(SOURCE);
  const other = place().write('other.smf', compile('long other(long n) { return n; } long far_data = 3;'));
  loadAndResolve(module, other);
  const ranges = rangesOf(module);
  const total = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  expect(total).toBeGreaterThan(100);
  const offsetOf = (n: number): number => {
    let left = n % total;
    for (const [start, end] of ranges) {
      if (left < end - start) return start + left;
      left -= end - start;
    }
    throw new Error('unreachable');
  };
  fc.assert(
    fc.property(byteChanges, (changes) => {
      const mutant = module.slice();
      for (const [at, value] of changes) mutant[offsetOf(at)] = value;
      loadAndResolve(mutant, other);
    }),
    { numRuns: runs(600) },
  );
});

/** Where the entries of all relocations are in the file. */
function relocationRanges(bytes: Uint8Array): (readonly [number, number])[] {
  const file = parseSmf(bytes);
  return file.sections
    .filter(({ type }) => type === SectionType.Reloc)
    .map(({ offset, size }) => [file.dataOffset + offset, file.dataOffset + offset + size]);
}
