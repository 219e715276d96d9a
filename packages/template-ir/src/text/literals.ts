// Literals of the text form.
import type { Token } from './lexer.js';
import type { LiteralNode } from './syntax-tree.js';

const WORDS = new Map<string, number | boolean | null>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
  ['nan', Number.NaN],
]);

/** The literal that a token is; undefined if it is none. */
export function readLiteral(token: Token): LiteralNode | undefined {
  const { kind, text } = token;
  const word = WORDS.get(text);
  if (word !== undefined) return { kind: 'literal', token, value: word };
  if (kind !== 'number') return undefined;
  const hexadecimal = /^-?0x/.test(text);
  if (!hexadecimal && /[.eE]/.test(text)) return { kind: 'literal', token, value: Number(text) };
  const negative = text.startsWith('-');
  const magnitude = BigInt(negative ? text.slice(1) : text);
  return { kind: 'literal', token, value: negative ? -magnitude : magnitude };
}
