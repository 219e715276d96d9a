// Tokens of the text form. Made on demand, so that a large module does not exist as tokens all at once.
import { IrSyntaxError, type SyntaxCode } from '../errors.js';
import { MAX_LITERAL_LENGTH, MAX_NAME_LENGTH } from '../limits.js';

/** `anonymous` is `%3`: a value or block without a name. `end` is the end of the text. */
export type TokenKind = 'name' | 'anonymous' | 'number' | 'punctuation' | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly line: number;
  readonly column: number;
  /** True if nothing but blanks and comments stands before it on its line. */
  readonly startsLine: boolean;
}

const BLANK = /(?:[ \t\r]+|\/\/[^\n]*)*/y;
const TOKEN =
  /([A-Za-z_][A-Za-z0-9_.]*)|(%[0-9]+)|(-?(?:0x[0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|inf\b))|(->|[(){}<>,:=])/y;
const NAME_CHARACTER = /[A-Za-z0-9_.]/;

export class Lexer {
  readonly #text: string;
  readonly path: string | undefined;
  #offset = 0;
  #line = 1;
  #lineStart = 0;
  #token: Token;

  constructor(text: string, path: string | undefined) {
    this.#text = text;
    this.path = path;
    this.#token = this.#read();
  }

  /** The token that `next` will return. */
  get peek(): Token {
    return this.#token;
  }

  next(): Token {
    const token = this.#token;
    if (token.kind !== 'end') this.#token = this.#read();
    return token;
  }

  #read(): Token {
    const text = this.#text;
    let startsLine = this.#offset === 0;
    for (;;) {
      BLANK.lastIndex = this.#offset;
      BLANK.test(text);
      this.#offset = BLANK.lastIndex;
      if (text[this.#offset] !== '\n') break;
      this.#offset++;
      this.#line++;
      this.#lineStart = this.#offset;
      startsLine = true;
    }
    const place = { line: this.#line, column: this.#offset - this.#lineStart + 1, startsLine };
    if (this.#offset === text.length) return { kind: 'end', text: '', ...place };
    TOKEN.lastIndex = this.#offset;
    const match = TOKEN.exec(text);
    const token = match === null ? undefined : classify(match);
    if (token === undefined) {
      const found = JSON.stringify(String.fromCodePoint(text.codePointAt(this.#offset)!));
      const message = { code: 'CHARACTER' as const, expected: 'a name, a number or punctuation', found };
      throw syntaxError(this.path, place, message);
    }
    this.#offset += token.text.length;
    if (token.kind === 'number') this.#checkNumber(token.text, place);
    if (token.kind === 'name' && token.text.length > MAX_NAME_LENGTH) {
      const found = `${token.text.length}`;
      throw syntaxError(this.path, place, {
        code: 'LIMIT',
        expected: `a name of at most ${MAX_NAME_LENGTH} characters`,
        found,
      });
    }
    return { ...token, ...place };
  }

  #checkNumber(number: string, place: { line: number; column: number }): void {
    const after = this.#text[this.#offset];
    if (number.length <= MAX_LITERAL_LENGTH && (after === undefined || !NAME_CHARACTER.test(after))) return;
    const found = JSON.stringify(number.slice(0, MAX_LITERAL_LENGTH) + (after ?? ''));
    const expected = `a number of at most ${MAX_LITERAL_LENGTH} characters`;
    throw syntaxError(this.path, place, { code: 'NUMBER', expected, found });
  }
}

function classify(match: RegExpExecArray): { kind: TokenKind; text: string } | undefined {
  const [text, name, anonymous, number] = match;
  if (name !== undefined) return { kind: 'name', text };
  if (anonymous !== undefined) return { kind: 'anonymous', text };
  return { kind: number === undefined ? 'punctuation' : 'number', text };
}

/** How a token reads in an error message. */
export function describe(token: Token): string {
  return token.kind === 'end' ? 'the end of the text' : JSON.stringify(token.text);
}

export function syntaxError(
  path: string | undefined,
  place: { readonly line: number; readonly column: number },
  message: { readonly code: SyntaxCode; readonly expected: string; readonly found: string; readonly hint?: string },
  options?: ErrorOptions,
): IrSyntaxError {
  const { line, column } = place;
  return new IrSyntaxError({ path, line, column, ...message, hint: message.hint }, options);
}
