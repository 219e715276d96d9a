// The parser against the grammar of docs/spec/template-ir.md, written down a second time: what one takes, the other does,
// over random programs, whole and damaged.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IrSyntaxError, printModule } from '../src/index.js';
import { arbitraryProgram } from '../src/testing/index.js';
import { Reader } from '../src/text/read.js';
import { isInGrammar } from './grammar.test-support.js';

/** Whether the text can be read; undefined where that is no question of the grammar. */
function parses(text: string): boolean | undefined {
  try {
    new Reader(text, undefined).readModule();
    return true;
  } catch (error) {
    if (!(error instanceof IrSyntaxError)) throw error;
    const { code, expected } = error;
    const isMeaning = code === 'DUPLICATE' || code === 'LIMIT' || code === 'UNDEFINED' || expected.includes('f64');
    return isMeaning || expected.includes('type arguments') ? undefined : false;
  }
}

const TOKEN = /\n|[A-Za-z_%][A-Za-z0-9_.]*|-?[0-9][0-9.e+]*|->|./g;
const WORDS = [
  ...['\n', ' ', '(', ')', '{', '}', '<', '>', ',', ':', '=', '->', '-', '//', ';', '\r'],
  ...[
    'fn',
    'if',
    'is',
    'struct',
    'enum',
    'copy',
    'fill',
    'bounds',
    'invoke',
    'extern',
    'call',
    'store',
    'const',
    'return',
  ],
  ...[
    'x',
    '%7',
    '0',
    '0x1F',
    '-0x2',
    '1.5',
    '1.',
    '1e',
    '2e-3',
    'inf',
    '-inf',
    '-nan',
    'null',
    'i64',
    'Num',
    'a.b',
    'ptr<u8>',
  ],
];
const change = fc.record({ kind: fc.nat(3), at: fc.nat(), from: fc.nat(), word: fc.constantFrom(...WORDS) });

function damage(text: string, changes: readonly { kind: number; at: number; from: number; word: string }[]): string {
  const tokens = text.match(TOKEN)!;
  for (const { kind, at, from, word } of changes) {
    const i = at % tokens.length;
    if (kind === 0) tokens.splice(i, 1);
    else tokens.splice(i, kind === 1 ? 0 : 1, kind === 3 ? tokens[from % tokens.length]! : word);
  }
  return tokens.join('');
}

describe('the grammar', () => {
  it.each<[boolean, string]>([
    [true, 'module m'],
    [true, '\ufeffmodule\r\nm // é'],
    [true, 'module m\nfn f() { e:\n  return }'],
    [true, 'module m\nfn copy(if: i8) {\nis:\n  fill = add if, if\n  bounds: i8 = const 1\n  jump is }'],
    [true, 'module m\nfn f() {\na:\n  if is is is, a, a\n}\nstruct is {\n x: i8\n}'],
    [false, 'module m fn f() {\ne:\n  return\n}'],
    [false, 'module m\nfn f() {\ne: return\n}'],
    [false, 'module m\nfn f<>() {\ne:\n  return\n}'],
    [false, 'module m\nstruct S {\n}'],
    [false, 'module m\nstruct S { x: i8 }'],
    [false, 'module m\nenum E {\n  A()\n}'],
    [false, 'module m\nfn f() {\ne:\n  x:\n    i8 = const 1\n  return\n}'],
  ])('has, or has not (%s), %j', (has, text) => {
    expect([isInGrammar(text), parses(text)]).toEqual([has, has]);
  });

  it('has what the parser takes, and nothing else', () => {
    const mutants = fc.array(fc.array(change, { maxLength: 2 }), { minLength: 8, maxLength: 8 });
    const seen = { true: 0, false: 0 };
    fc.assert(
      fc.property(arbitraryProgram({ maxStatements: 4, maxNesting: 2 }), mutants, ({ module }, all) => {
        const text = printModule(module);
        for (const changes of all) {
          const damaged = damage(text, changes);
          const parsed = parses(damaged);
          if (parsed === undefined) continue;
          seen[`${parsed}`]++;
          expect(isInGrammar(damaged), damaged).toBe(parsed);
        }
      }),
      { numRuns: 100 },
    );
    expect(Math.min(seen.true, seen.false)).toBeGreaterThan(50);
  });
});
