// What every rule of the grammar is read with: one token of lookahead, names, lists, and errors at tokens.
import type { SyntaxCode } from '../errors.js';
import { KEYWORDS } from '../names.js';
import { describe, Lexer, syntaxError, type Token } from './lexer.js';

export class TokenReader {
  protected readonly lexer: Lexer;

  constructor(text: string, path: string | undefined) {
    this.lexer = new Lexer(text, path);
  }

  protected fail(at: Token, code: SyntaxCode, expected: string, hint?: string): never {
    const found = describe(at);
    throw syntaxError(this.lexer.path, at, { code, expected, found, ...(hint === undefined ? {} : { hint }) });
  }

  protected is(text: string): boolean {
    return this.lexer.peek.text === text;
  }

  protected accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.lexer.next();
    return true;
  }

  protected expect(text: string): void {
    if (!this.accept(text)) this.fail(this.lexer.peek, 'TOKEN', JSON.stringify(text));
  }

  protected expectNewLine(): void {
    const { peek } = this.lexer;
    if (!peek.startsLine) this.fail(peek, 'TOKEN', 'a new line', 'each statement stands on its own line');
  }

  protected expectEnd(expected: string): void {
    const { peek } = this.lexer;
    if (peek.kind !== 'end') this.fail(peek, 'TOKEN', expected);
  }

  protected name(what: string): Token {
    const token = this.lexer.next();
    if (token.kind !== 'name') this.fail(token, 'TOKEN', what);
    if (KEYWORDS.has(token.text)) this.fail(token, 'RESERVED', what, `${token.text} is a keyword`);
    return token;
  }

  /** A value's or block's name, or `%3` for one without. */
  protected label(what: string): Token {
    return this.lexer.peek.kind === 'anonymous' ? this.lexer.next() : this.name(what);
  }

  /** Comma-separated items, or none, up to `close`, whose opening is already read. */
  protected list<Item>(close: string, limit: number, item: () => Item): Item[] {
    return this.accept(close) ? [] : this.listOfSome(close, limit, item);
  }

  /** The same with at least one item. */
  protected listOfSome<Item>(close: string, limit: number, item: () => Item): Item[] {
    const items: Item[] = [];
    do {
      if (items.length === limit) this.fail(this.lexer.peek, 'LIMIT', `at most ${limit} of them`);
      items.push(item());
    } while (this.accept(','));
    this.expect(close);
    return items;
  }
}
