// Where the parser stands in SDN text: lines and their indentation, single characters, how deep the values nest, and the
// error that says what is wrong at a place.
import { SdnSyntaxError, SmfFormatError } from '../errors.js';
import type { SmfLimits } from '../limits.js';
import { lineEnd } from './lines.js';
import { matchAt } from './scalars.js';

export class Cursor {
  readonly text: string;
  at = 0;
  /** Unquoted strings may be of any characters where they are unambiguous. */
  readonly loose: boolean;
  readonly #maxDepth: number;
  #depth = 0;

  /** @throws SmfFormatError ERR_SMF_LIMIT for text that is too long */
  constructor(text: string, limits: Pick<SmfLimits, 'maxSdnLength' | 'maxSdnDepth'>, loose: boolean) {
    if (text.length > limits.maxSdnLength) throw limit('length', limits.maxSdnLength, text.length);
    this.text = text;
    this.loose = loose;
    this.#maxDepth = limits.maxSdnDepth;
  }

  /** Moves past blank lines and comments to the next content; its column, or -1 at the end. */
  nextLine(): number {
    const { text } = this;
    for (;;) {
      let at = this.at;
      while (text[at] === ' ') at++;
      const character = text[at];
      if (character === undefined) {
        this.at = at;
        return -1;
      }
      if (character === '#' || character === '\n' || character === '\r') {
        this.at = lineEnd(text, at);
        continue;
      }
      if (character === '\t') {
        const rest = matchAt(/[ \t]*(?=#|\r|\n|$)/y, text, at);
        if (rest === undefined) this.fail('a tab in the indentation', 'spaces', at);
        this.at = at + rest[0].length;
        if (this.at >= text.length) return -1;
        this.at = lineEnd(text, this.at);
        continue;
      }
      const indent = at - this.at;
      this.at = at;
      return indent;
    }
  }

  /** Looks where the next content is, and stays. */
  peekLine(): number {
    const { at } = this;
    const indent = this.nextLine();
    this.at = at;
    return indent;
  }

  /** Is the next content on this level? Then moves to it. */
  continues(indent: number): boolean {
    const next = this.peekLine();
    if (next < indent) return false;
    this.nextLine();
    if (next > indent) this.fail('more indentation than the lines before', `${indent} spaces`);
    return true;
  }

  isAtEndOfLine(): boolean {
    const character = this.text[this.at];
    return character === undefined || character === '\n' || character === '\r' || character === '#';
  }

  /** Moves to the next line; only a comment may stand before that. */
  endLine(): void {
    const before = this.at;
    this.spaces();
    const { text } = this;
    const comment = text[this.at] === '#';
    if (!this.isAtEndOfLine() || (comment && this.at === before && !' \t'.includes(text[before - 1] ?? ' '))) {
      this.fail('more on the line than belongs there', 'the end of the line');
    }
    if (text[this.at] === '\r' && text[this.at + 1] !== '\n' && this.at + 1 < text.length) {
      this.fail('a lone carriage return', 'the end of the line');
    }
    this.at = lineEnd(text, this.at);
  }

  spaces(): void {
    while (this.text[this.at] === ' ' || this.text[this.at] === '\t') this.at++;
  }

  take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  expect(character: string, role: string): void {
    if (!this.take(character)) this.fail('something else stands here', `"${character}" (${role})`);
  }

  /** One value deeper, until `leave`. @throws SmfFormatError ERR_SMF_LIMIT */
  enter(): void {
    this.#depth++;
    if (this.#depth > this.#maxDepth) throw limit('depth', this.#maxDepth, this.#depth);
  }

  leave(): void {
    this.#depth--;
  }

  fail(message: string, expected: string, at: number = this.at): never {
    const before = this.text.slice(0, at);
    const line = before.split('\n').length;
    throw new SdnSyntaxError(message, line, at - before.lastIndexOf('\n'), expected);
  }
}

const limit = (what: string, allowed: number, found: number): SmfFormatError =>
  new SmfFormatError('ERR_SMF_LIMIT', `the text passes the limit of ${what}`, {
    structure: 'SDN text',
    expected: `at most ${allowed}`,
    found: `${found}`,
    hint: `Raise ${what === 'length' ? 'maxSdnLength' : 'maxSdnDepth'} if you trust the text`,
  });
