// Tokens of the text form. Made on demand, so that a large module does not exist as tokens all at once.
import { IrSyntaxError, type SyntaxCode } from '../errors.js';
import { MAX_LITERAL_LENGTH, MAX_NAME_LENGTH, MAX_TEXT_LENGTH } from '../limits.js';
import { continuesName, isDigit, startsName } from '../names.js';

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

const NUMBER = /-?(?:0x[0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|inf\b)/y;
const PUNCTUATION = new Set('(){}<>,:=');

const BYTE_ORDER_MARK = 0xfeff;
const NEWLINE = 10;
const SLASH = 47;

function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 13;
}

export class Lexer {
  readonly #text: string;
  readonly path: string | undefined;
  #offset = 0;
  #line = 1;
  #lineStart = 0;
  #token: Token;

  constructor(text: string, path: string | undefined) {
    this.#text = text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
    this.path = path;
    if (text.length > MAX_TEXT_LENGTH) {
      const expected = `a text of at most ${MAX_TEXT_LENGTH} characters`;
      throw syntaxError(path, { line: 1, column: 1 }, { code: 'LIMIT', expected, found: `${text.length}` });
    }
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
    const startsLine = this.#skipBlanks();
    const place = { line: this.#line, column: this.#offset - this.#lineStart + 1, startsLine };
    const start = this.#offset;
    const kind = this.#scan();
    const text = this.#text.slice(start, this.#offset);
    if (kind === undefined) {
      const found = JSON.stringify(String.fromCodePoint(this.#text.codePointAt(start)!));
      const message = { code: 'CHARACTER' as const, expected: 'a name, a number or punctuation', found };
      throw syntaxError(this.path, place, message);
    }
    if (kind === 'number') this.#checkNumber(text, place);
    if ((kind === 'name' || kind === 'anonymous') && text.length > MAX_NAME_LENGTH) {
      const expected = `a name of at most ${MAX_NAME_LENGTH} characters`;
      throw syntaxError(this.path, place, { code: 'LIMIT', expected, found: `${text.length}` });
    }
    return { kind, text, ...place };
  }

  /** Goes to the next token; true if that is the first on its line. */
  #skipBlanks(): boolean {
    const text = this.#text;
    let startsLine = this.#offset === 0;
    for (;;) {
      const code = text.charCodeAt(this.#offset);
      if (isBlank(code)) this.#offset++;
      else if (code === NEWLINE) {
        this.#lineStart = ++this.#offset;
        this.#line++;
        startsLine = true;
      } else if (code === SLASH && text.charCodeAt(this.#offset + 1) === SLASH) {
        const end = text.indexOf('\n', this.#offset);
        this.#offset = end < 0 ? text.length : end;
      } else return startsLine;
    }
  }

  /** Goes past one token and tells its kind; undefined, and no further, where none starts. */
  #scan(): TokenKind | undefined {
    const text = this.#text;
    const code = text.charCodeAt(this.#offset);
    if (startsName(code)) {
      while (continuesName(text.charCodeAt(this.#offset))) this.#offset++;
      return 'name';
    }
    const character = text[this.#offset];
    if (character === undefined) return 'end';
    if (PUNCTUATION.has(character)) {
      this.#offset++;
      return 'punctuation';
    }
    const next = text.charCodeAt(this.#offset + 1);
    if (character === '-' && text[this.#offset + 1] === '>') {
      this.#offset += 2;
      return 'punctuation';
    }
    if (character === '%' && isDigit(next)) {
      do this.#offset++;
      while (isDigit(text.charCodeAt(this.#offset)));
      return 'anonymous';
    }
    NUMBER.lastIndex = this.#offset;
    if (!NUMBER.test(text)) return undefined;
    this.#offset = NUMBER.lastIndex;
    return 'number';
  }

  #checkNumber(number: string, place: { line: number; column: number }): void {
    if (number.length <= MAX_LITERAL_LENGTH && !continuesName(this.#text.charCodeAt(this.#offset))) return;
    const found = JSON.stringify(number.slice(0, MAX_LITERAL_LENGTH) + (this.#text[this.#offset] ?? ''));
    const expected = `a number of at most ${MAX_LITERAL_LENGTH} characters`;
    throw syntaxError(this.path, place, { code: 'NUMBER', expected, found });
  }
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
