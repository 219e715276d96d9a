// Random lives of an instantiator, native and interpreted: whatever was loaded, reloaded, dropped, invalidated and called
// before, a symbol does what it does in an instantiator that has only just loaded the present files.
import { CodeArena } from '@simple-jit/native-mem';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JitInstantiator } from '../src/index.js';
import { assemble, useWorkspace } from './support.js';

const workspace = useWorkspace();

interface Version {
  readonly addends: readonly bigint[];
  /** Whether the template in the middle takes one argument more. */
  readonly isWide: boolean;
}

const fn = (name: string, params: string, lines: readonly string[]): string =>
  `fn ${name}<T: Int>(${params}) -> T {\nentry:\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;

/** base calls itself, middle calls base, top calls middle. */
function libraryText({ addends: [a, b, c], isWide }: Version): string {
  return [
    `fn base<T: Int>(x: T) -> T {\nentry:\n  done = le x, 0\n  branch done, stop, more\nstop:\n  return ${a}\nmore:\n  less = sub x, 1\n  rest = call base<T>(less)\n  y = add rest, 1\n  return y\n}\n`,
    fn('middle', isWide ? 'x: T, wide: T' : 'x: T', ['y = call base<T>(x)', `z = add y, ${b}`, 'return z']),
    fn('top', 'x: T', [`y = call middle<T>(x${isWide ? ', x' : ''})`, `z = add y, ${c}`, 'return z']),
  ].join('');
}

/** both calls top and over, over calls base. */
function applicationText({ addends: [a, b] }: Version): string {
  return [
    fn('over', 'x: T', ['y: T = call base<T>(x)', `z = add y, ${a}`, 'return z']),
    fn('both', 'x: T', ['y: T = call top<T>(x)', 'z = call over<T>(x)', 'w = mul y, z', `v = add w, ${b}`, 'return v']),
  ].join('');
}

const TEMPLATES = ['base', 'middle', 'top', 'over', 'both'];
const SYMBOLS = TEMPLATES.flatMap((name) => [`fn$${name}$i64`, `fn$${name}$u64`]);
const FILES = ['library', 'application'] as const;
type File = (typeof FILES)[number];

const version = fc.record({
  addends: fc.array(fc.bigInt(0n, 3n), { minLength: 3, maxLength: 3 }),
  isWide: fc.boolean(),
});
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('load' as const), file: fc.constantFrom(...FILES), version }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('unload' as const), file: fc.constantFrom(...FILES) }) },
  {
    weight: 8,
    arbitrary: fc.record({ op: fc.constantFrom('ask' as const, 'hold' as const), symbol: fc.constantFrom(...SYMBOLS) }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('drop' as const), symbol: fc.constantFrom(...SYMBOLS) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('invalidate' as const),
      key: fc.constantFrom(...TEMPLATES, ...TEMPLATES.map((name) => `${name}<i64>`)),
    }),
  },
);

interface Held {
  readonly symbol: string;
  readonly signature: string;
  readonly callable: (...args: unknown[]) => unknown;
  /** Its entry may have been closed since. */
  mayEnd: boolean;
}

const describeSignature = (jit: JitInstantiator, symbol: string): string => `${jit.signatureOf(symbol)!.params.length}`;

describe.each(['native', 'interpret'] as const)('%s', (mode) => {
  test('a symbol does what the present files say', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 3, maxLength: 30 }), (sequence) => {
        using arena = new CodeArena({ reserve: 2 ** 22 });
        using jit = new JitInstantiator({ updateSmf: false, cacheDirectory: undefined, mode, arena });
        const present = new Map<File, string>();
        const held: Held[] = [];
        for (const operation of sequence) {
          switch (operation.op) {
            case 'load': {
              const { file } = operation;
              const text = (file === 'library' ? libraryText : applicationText)(operation.version);
              if (present.get(file) !== text) for (const each of held) each.mayEnd ||= /middle/.test(each.symbol);
              present.set(file, text);
              jit.loadSmfMetadata(workspace.write(`${file}.smf`, assemble(text)));
              break;
            }
            case 'unload':
              expect(jit.unloadSmf(`${workspace.folder}/${operation.file}.smf`)).toBe(present.delete(operation.file));
              for (const each of held) each.mayEnd = true;
              break;
            case 'drop':
              jit.dropCachedSymbol(operation.symbol);
              break;
            case 'invalidate':
              for (const symbol of jit.invalidateBySemanticKey(operation.key)) expect(SYMBOLS).toContain(symbol);
              break;
            default: {
              const { symbol } = operation;
              const result = jit.tryJitInstantiate(symbol);
              if (operation.op !== 'hold' || result.kind !== 'success') break;
              const signature = describeSignature(jit, symbol);
              held.push({ symbol, signature, callable: jit.callable(symbol)!, mayEnd: false });
            }
          }
          check(jit, present, held);
        }
        for (const file of FILES) jit.unloadSmf(`${workspace.folder}/${file}.smf`);
        expect(jit.stats().cachedCount).toBe(0);
        expect(arena.stats()).toMatchObject({ blocks: 0, slots: 0 });
      }),
      { numRuns: 60 },
    );
  });

  /** Only while both files are there: without one, what was compiled before goes on, and nothing new can be made of it. */
  function check(jit: JitInstantiator, present: ReadonlyMap<File, string>, held: readonly Held[]): void {
    if (present.size < FILES.length) return;
    using fresh = new JitInstantiator({ updateSmf: false, cacheDirectory: undefined, mode: 'interpret' });
    for (const file of present.keys()) fresh.loadSmfMetadata(`${workspace.folder}/${file}.smf`);
    const value = (symbol: string): unknown => {
      expect(fresh.tryJitInstantiate(symbol).kind).toBe('success');
      return fresh.callable(symbol)!(...(describeSignature(fresh, symbol) === '2' ? [2n, 2n] : [2n]));
    };
    for (const { symbol, signature, callable, mayEnd } of held) {
      const expected = value(symbol);
      const isSame = describeSignature(fresh, symbol) === signature;
      let found: unknown;
      try {
        found = callable(...(signature === '2' ? [2n, 2n] : [2n]));
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_CODE_FREED' });
        expect(mayEnd).toBe(true);
        continue;
      }
      if (isSame) expect(found).toBe(expected);
    }
    for (const symbol of SYMBOLS) {
      // Asking for it would make it: only what is there is compared, and in the end everything.
      if (jit.signatureOf(symbol) === undefined) continue;
      expect(jit.callable(symbol)!(...(describeSignature(jit, symbol) === '2' ? [2n, 2n] : [2n]))).toBe(value(symbol));
    }
  }
});
