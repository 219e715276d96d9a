// Text that was damaged at random: a syntax error with a position in it, or a module that the verifier can look at.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diagnoseModule, IrSyntaxError, parseModule, parseType, printModule } from '../index.js';
import { arbitraryProgram } from '../testing/index.js';

const TOKEN = /\n|[A-Za-z_%][A-Za-z0-9_.]*|-?[0-9][0-9.e+]*|->|./g;
const words = [
  'fn',
  'module',
  'return',
  'jump',
  'x',
  '%1',
  '0',
  '-1',
  '1.5',
  'null',
  'true',
  'ptr',
  '<',
  '>',
  '(',
  ')',
  '{',
  '}',
  ',',
  ':',
  '=',
  '->',
  '\n',
  'T0',
  'i64',
  '-',
  '€',
];

const change = fc.record({ kind: fc.nat(3), at: fc.nat(), from: fc.nat(), word: fc.constantFrom(...words) });

function damage(text: string, changes: readonly { kind: number; at: number; from: number; word: string }[]): string {
  const tokens = text.match(TOKEN) ?? [];
  for (const { kind, at, from, word } of changes) {
    const i = at % tokens.length;
    if (kind === 0) tokens.splice(i, 1);
    else if (kind === 1) tokens.splice(i, 1, word);
    else if (kind === 2) tokens.splice(i, 0, word);
    else tokens.splice(i, 1, tokens[from % tokens.length]!); // most often a name or an operation in another's place
  }
  return tokens.join('');
}

function expectTypedEnd(text: string): 'refused' | 'invalid' | 'valid' {
  try {
    return diagnoseModule(parseModule(text)).length > 0 ? 'invalid' : 'valid';
  } catch (error) {
    expect(error).toBeInstanceOf(IrSyntaxError);
    const { line, column } = error as IrSyntaxError;
    const lines = text.split('\n');
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual(lines[line - 1]!.length + 1);
    return 'refused';
  }
}

describe('damaged text', () => {
  it('ends in a syntax error inside of it, or in a module', () => {
    const seen = { refused: 0, invalid: 0, valid: 0 };
    const mutants = fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(arbitraryProgram({ maxStatements: 5, maxNesting: 2 }), mutants, ({ module }, all) => {
        const text = printModule(module);
        for (const changes of all) seen[expectTypedEnd(damage(text, changes))]++;
      }),
      { numRuns: 150, seed: 1 },
    );
    expect(Math.min(seen.refused, seen.valid)).toBeGreaterThan(10); // few errors are left for the verifier
  });

  it('that never was a module', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(fc.constantFrom(...words)).map((parts) => `module m\n${parts.join(' ')}`),
        ),
        (text) => {
          expectTypedEnd(text);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('that never was a type', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseType(text);
        } catch (error) {
          expect(error).toBeInstanceOf(IrSyntaxError);
        }
      }),
    );
  });
});
