// The SDN 1.0 parser: recursive descent over lines and indentation. It yields a tree with positions, from which come
// plain values (parseSdn) and edits in place (SdnDocument). docs/spec/smf-format.md, section 5.
import { SdnSyntaxError, SmfFormatError } from '../errors.js';
import { DEFAULT_LIMITS, type SmfLimits } from '../limits.js';
import {
  BARE,
  BARE_CELL,
  ESCAPES,
  isSdnInteger,
  KEY,
  KEYWORDS,
  LOOSE_CELL,
  LOOSE_VALUE,
  matchAt,
  NUMBER,
} from './scalars.js';
import {
  plainValue,
  type SdnArrayNode,
  type SdnDictNode,
  type SdnEntry,
  type SdnNode,
  type SdnScalarNode,
  type SdnTableNode,
  type SdnValue,
} from './value.js';

export interface ParseSdnOptions {
  readonly limits?: Partial<Pick<SmfLimits, 'maxSdnLength' | 'maxSdnDepth'>>;
  /** Take unquoted strings of any characters where they are unambiguous, as notes by other tools have them. */
  readonly loose?: boolean;
}

/**
 * Parses SDN text. A document of `key: …` statements is a Map; of several values, one a line, an array; of one value
 * alone, that value.
 *
 * @throws SdnSyntaxError with line, column and what was expected; SmfFormatError ERR_SMF_LIMIT for text too long or
 * nested too deeply
 * @example
 * parseSdn('name: demo\nsizes = [1, 2]') // Map { 'name' → 'demo', 'sizes' → [1n, 2n] }
 */
export function parseSdn(text: string, options?: ParseSdnOptions): SdnValue {
  return plainValue(parseSdnTree(text, options));
}

/** Parses SDN text to a tree with positions. */
export function parseSdnTree(text: string, options: ParseSdnOptions = {}): SdnNode {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  if (text.length > limits.maxSdnLength) throw limit('length', limits.maxSdnLength, text.length);
  return new Parser(text, limits.maxSdnDepth, options.loose ?? false).document();
}

const limit = (what: string, allowed: number, found: number): SmfFormatError =>
  new SmfFormatError('ERR_SMF_LIMIT', `the text passes the limit of ${what}`, {
    structure: 'SDN text',
    expected: `at most ${allowed}`,
    found: `${found}`,
    hint: `Raise ${what === 'length' ? 'maxSdnLength' : 'maxSdnDepth'} if you trust the text`,
  });

type Context = 'value' | 'inline' | 'cell';

class Parser {
  #at = 0;
  #depth = 0;
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #loose: boolean;

  constructor(text: string, maxDepth: number, loose: boolean) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#loose = loose;
  }

  document(): SdnNode {
    const indent = this.#nextLine();
    if (indent < 0)
      return { kind: 'dict', entries: [], inline: false, start: this.#text.length, end: this.#text.length };
    const dash = this.#atDash();
    const node = this.#block(indent);
    const lone = node.kind === 'array' && node.items.length === 1 && !dash;
    if (this.#nextLine() >= 0) this.#fail('less indentation than the first line', `${indent} spaces`);
    return lone ? (node.items[0] as SdnNode) : node;
  }

  /** Moves past blank lines and comments to the next content; its column, or -1 at the end. */
  #nextLine(): number {
    const text = this.#text;
    for (;;) {
      let at = this.#at;
      while (text[at] === ' ') at++;
      const character = text[at];
      if (character === undefined) {
        this.#at = at;
        return -1;
      }
      if (character === '#' || character === '\n' || character === '\r') {
        const end = text.indexOf('\n', at);
        this.#at = end < 0 ? text.length : end + 1;
        continue;
      }
      if (character === '\t') {
        const rest = matchAt(/[ \t]*(?=#|\r|\n|$)/y, text, at);
        if (rest === undefined) this.#fail('a tab in the indentation', 'spaces', at);
        this.#at = at + rest[0].length;
        if (this.#at >= text.length) return -1;
        const end = text.indexOf('\n', this.#at);
        this.#at = end < 0 ? text.length : end + 1;
        continue;
      }
      const indent = at - this.#at;
      this.#at = at;
      return indent;
    }
  }

  /** Looks where the next content is, and stays. */
  #peekLine(): number {
    const at = this.#at;
    const indent = this.#nextLine();
    this.#at = at;
    return indent;
  }

  #block(indent: number): SdnDictNode | SdnArrayNode {
    this.#enter();
    const node = this.#isStatement() ? this.#dictBlock(indent) : this.#arrayBlock(indent);
    this.#depth--;
    return node;
  }

  /** The parser stands on the block's first content. */
  #dictBlock(indent: number): SdnDictNode {
    const start = this.#at;
    const entries: SdnEntry[] = [];
    const keys = new Set<string>();
    let end = start;
    do {
      if (!this.#isStatement()) this.#fail('not a statement', '"key: value", "key = value" or "key |columns|"');
      const entry = this.#statement(indent);
      if (keys.has(entry.key)) this.#fail(`the key "${entry.key}" stands here twice`, 'another key', entry.start);
      keys.add(entry.key);
      entries.push(entry);
      end = entry.end;
    } while (this.#continues(indent));
    return { kind: 'dict', entries, inline: false, start, end };
  }

  #arrayBlock(indent: number): SdnArrayNode {
    const start = this.#at;
    const items: SdnNode[] = [];
    do {
      if (this.#isStatement()) this.#fail('a statement among values', 'a value');
      if (this.#atDash()) {
        this.#at++;
        this.#spaces();
      }
      items.push(this.#value('value'));
      this.#endOfLine();
    } while (this.#continues(indent));
    return { kind: 'array', items, inline: false, start, end: (items.at(-1) as SdnNode).end };
  }

  /** Is the next content on this level? Then moves to it. */
  #continues(indent: number): boolean {
    const next = this.#peekLine();
    if (next < indent) return false;
    this.#nextLine();
    if (next > indent) this.#fail('more indentation than the lines before', `${indent} spaces`);
    return true;
  }

  #atDash(): boolean {
    const next = this.#text[this.#at + 1];
    return this.#text[this.#at] === '-' && (next === ' ' || next === '\t');
  }

  /** A key, then `: `, `=` or `|`. */
  #isStatement(): boolean {
    const start = this.#at;
    const keyEnd = this.#keyEnd(start);
    if (keyEnd < 0) return false;
    const text = this.#text;
    if (text[keyEnd] === ':') return text[keyEnd + 1] === undefined || ' \t\r\n'.includes(text[keyEnd + 1] as string);
    let at = keyEnd;
    while (text[at] === ' ' || text[at] === '\t') at++;
    return text[at] === '=' || text[at] === '|';
  }

  #keyEnd(start: number): number {
    if (this.#text[start] === '"') {
      const match = matchAt(/"(?:[^"\\\n]|\\[^\n])*"/y, this.#text, start);
      return match === undefined ? -1 : start + match[0].length;
    }
    const match = matchAt(KEY, this.#text, start);
    return match === undefined ? -1 : start + match[0].length;
  }

  #key(): string {
    if (this.#text[this.#at] === '"') return this.#quoted();
    const match = matchAt(KEY, this.#text, this.#at);
    if (match === undefined) this.#fail('no key here', 'a name, or a quoted string');
    this.#at += match[0].length;
    return match[0];
  }

  #statement(indent: number): SdnEntry {
    const start = this.#at;
    const key = this.#key();
    this.#spaces();
    const sign = this.#text[this.#at];
    let value: SdnNode;
    if (sign === '|') {
      value = this.#namedTable(indent);
    } else {
      this.#at++;
      this.#spaces();
      if (sign === ':' && this.#atTypedTable()) value = this.#typedTable(indent);
      else if (sign === ':' && this.#atEndOfLine()) value = this.#indented(indent);
      else {
        value = this.#value('value');
        this.#endOfLine();
      }
    }
    return { key, value, start, end: value.end };
  }

  /** What follows `key:` on the next lines; null where nothing does. */
  #indented(indent: number): SdnNode {
    const here = this.#at;
    this.#endOfLine();
    const next = this.#peekLine();
    if (next <= indent) return { kind: 'scalar', value: null, start: here, end: here };
    this.#nextLine();
    return this.#block(next);
  }

  #namedTable(indent: number): SdnTableNode {
    const start = this.#at++;
    const fields = new Set<string>();
    do {
      this.#spaces();
      const at = this.#at;
      const field = this.#key();
      if (fields.has(field)) this.#fail(`the column "${field}" stands here twice`, 'another column', at);
      fields.add(field);
      this.#spaces();
    } while (this.#take(','));
    this.#expect('|', 'end of the columns');
    return this.#rows(indent, start, [...fields], undefined, fields.size);
  }

  #atTypedTable(): boolean {
    return matchAt(/table[ \t]*\{/y, this.#text, this.#at) !== undefined;
  }

  #typedTable(indent: number): SdnTableNode {
    const start = this.#at;
    this.#at = this.#text.indexOf('{', start) + 1;
    const types: string[] = [];
    do {
      this.#spaces();
      const match = matchAt(BARE, this.#text, this.#at);
      if (match === undefined) this.#fail('no type here', 'a type name');
      types.push(match[0]);
      this.#at += match[0].length;
      this.#spaces();
    } while (this.#take(','));
    this.#expect('}', 'end of the types');
    const headerEnd = this.#at;
    this.#spaces();
    if (!this.#take('=')) {
      this.#at = headerEnd;
      return this.#rows(indent, start, undefined, types, types.length);
    }
    this.#spaces();
    this.#expect('[', 'start of the rows');
    const rows: SdnNode[][] = [];
    this.#spaces();
    while (!this.#take(']')) {
      if (rows.length > 0) {
        this.#expect(',', 'between rows, or "]"');
        this.#spaces();
      }
      rows.push(this.#tuple(types.length));
      this.#spaces();
    }
    const end = this.#at;
    this.#endOfLine();
    return { kind: 'table', fields: undefined, types, rows, start, end, headerEnd };
  }

  /** One row on the same line, or indented rows. */
  #rows(
    indent: number,
    start: number,
    fields: readonly string[] | undefined,
    types: readonly string[] | undefined,
    width: number,
  ): SdnTableNode {
    const rows: SdnNode[][] = [];
    const headerEnd = this.#at;
    this.#spaces();
    let end = headerEnd;
    if (!this.#atEndOfLine()) {
      rows.push(this.#row(width));
      end = this.#at;
      this.#endOfLine();
    } else {
      this.#endOfLine();
      const next = this.#peekLine();
      if (next > indent) {
        this.#nextLine();
        do {
          rows.push(this.#row(width));
          end = this.#at;
          this.#endOfLine();
        } while (this.#continues(next));
      }
    }
    return { kind: 'table', fields, types, rows, start, end, headerEnd };
  }

  #row(width: number): SdnNode[] {
    if (this.#text[this.#at] === '(') return this.#tuple(width);
    const start = this.#at;
    const cells = [this.#value('cell')];
    let end = this.#at;
    this.#spaces();
    while (this.#take(',')) {
      this.#spaces();
      cells.push(this.#value('cell'));
      end = this.#at;
      this.#spaces();
    }
    this.#at = end;
    this.#checkWidth(cells.length, width, start);
    return cells;
  }

  #tuple(width: number): SdnNode[] {
    const start = this.#at;
    this.#expect('(', 'start of a row');
    const cells: SdnNode[] = [];
    do {
      this.#spaces();
      cells.push(this.#value('inline'));
      this.#spaces();
    } while (this.#take(','));
    this.#expect(')', 'end of the row');
    this.#checkWidth(cells.length, width, start);
    return cells;
  }

  #checkWidth(found: number, width: number, at: number): void {
    if (found !== width) this.#fail(`a row of ${found} values`, `${width}, as the table's header says`, at);
  }

  #value(context: Context): SdnNode {
    const start = this.#at;
    const character = this.#text[start];
    if (character === '"') return this.#scalar(start, this.#quoted());
    if (character === '[') return this.#array();
    if (character === '{') return this.#dict();
    if (character !== undefined && /[0-9+-]/.test(character)) {
      const number = this.#number(context);
      if (number !== undefined) return number;
    }
    return this.#bare(context);
  }

  #array(): SdnArrayNode {
    this.#enter();
    const start = this.#at++;
    const items: SdnNode[] = [];
    this.#spaces();
    while (!this.#take(']')) {
      if (items.length > 0) {
        this.#expect(',', 'between items, or "]"');
        this.#spaces();
      }
      items.push(this.#value('inline'));
      this.#spaces();
    }
    this.#depth--;
    return { kind: 'array', items, inline: true, start, end: this.#at };
  }

  #dict(): SdnDictNode {
    this.#enter();
    const start = this.#at++;
    const entries: SdnEntry[] = [];
    const keys = new Set<string>();
    this.#spaces();
    while (!this.#take('}')) {
      if (entries.length > 0) {
        this.#expect(',', 'between entries, or "}"');
        this.#spaces();
      }
      const at = this.#at;
      const key = this.#key();
      if (keys.has(key)) this.#fail(`the key "${key}" stands here twice`, 'another key', at);
      keys.add(key);
      this.#spaces();
      this.#expect(':', 'after the key');
      this.#spaces();
      const value = this.#value('inline');
      entries.push({ key, value, start: at, end: value.end });
      this.#spaces();
    }
    this.#depth--;
    return { kind: 'dict', entries, inline: true, start, end: this.#at };
  }

  #scalar(start: number, value: SdnScalarNode['value']): SdnScalarNode {
    return { kind: 'scalar', value, start, end: this.#at };
  }

  #quoted(): string {
    const text = this.#text;
    const start = this.#at;
    let value = '';
    let from = start + 1;
    for (let at = from; ; at++) {
      const character = text[at];
      if (character === '"') {
        this.#at = at + 1;
        return value + text.slice(from, at);
      }
      if (character === undefined || character === '\n') this.#fail('a string without end', '"', at);
      if (character !== '\\') continue;
      const meant = ESCAPES.get(text[at + 1] ?? '');
      if (meant === undefined) this.#fail('an escape that SDN does not have', '\\\\ \\" \\n \\r or \\t', at);
      value += text.slice(from, at) + meant;
      at++;
      from = at + 1;
    }
  }

  #number(context: Context): SdnScalarNode | undefined {
    const start = this.#at;
    const match = matchAt(NUMBER, this.#text, start);
    const end = start + (match?.[0].length ?? 0);
    const next = this.#text[end];
    if (match === undefined || (next !== undefined && !' \t\r\n,]})'.includes(next))) {
      if (this.#loose && context !== 'inline') return undefined;
      this.#fail('not a number', 'digits, with _ between them, a fraction, an exponent', end);
    }
    if (this.#loose && context !== 'inline' && !this.#endsValue(end, context)) return undefined;
    const digits = match[0].replaceAll('_', '').replace(/^\+/, '');
    this.#at = end;
    if (match[1] !== undefined || match[2] !== undefined) return this.#scalar(start, Number(digits));
    // Twenty digits and a sign are the most: a longer one is not worth converting.
    const value = digits.length > 21 ? undefined : BigInt(digits);
    if (value === undefined || !isSdnInteger(value))
      this.#fail('an integer beyond 64 bits', '-2^63 to 2^64 - 1', start);
    return this.#scalar(start, value);
  }

  #bare(context: Context): SdnScalarNode {
    const start = this.#at;
    const match = matchAt(context === 'cell' ? BARE_CELL : BARE, this.#text, start);
    const end = start + (match?.[0].length ?? 0);
    if (this.#loose && context !== 'inline' && (match === undefined || !this.#endsValue(end, context))) {
      const loose = matchAt(context === 'cell' ? LOOSE_CELL : LOOSE_VALUE, this.#text, start);
      if (loose === undefined) this.#fail('no value here', 'a value');
      const value = loose[0].trimEnd();
      this.#at = start + value.length;
      return this.#scalar(start, value);
    }
    if (match === undefined)
      this.#fail('no value here', 'a string, number, true, false, null, [array] or {dictionary}');
    this.#at = end;
    const keyword = KEYWORDS.get(match[0]);
    return this.#scalar(start, keyword === undefined ? match[0] : keyword);
  }

  /** Nothing but spaces up to the comma, the comment or the end of the line. */
  #endsValue(at: number, context: Context): boolean {
    const match = matchAt(
      context === 'cell' ? /[ \t]*(?:,|\r|\n|$)|[ \t]+#/y : /[ \t]*(?:\r|\n|$)|[ \t]+#/y,
      this.#text,
      at,
    );
    return match !== undefined;
  }

  #spaces(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string, role: string): void {
    if (!this.#take(character)) this.#fail('something else stands here', `"${character}" (${role})`);
  }

  #atEndOfLine(): boolean {
    const character = this.#text[this.#at];
    return character === undefined || character === '\n' || character === '\r' || character === '#';
  }

  #endOfLine(): void {
    const before = this.#at;
    this.#spaces();
    const text = this.#text;
    const comment = text[this.#at] === '#';
    if (!this.#atEndOfLine() || (comment && this.#at === before && !' \t'.includes(text[before - 1] ?? ' '))) {
      this.#fail('more on the line than belongs there', 'the end of the line');
    }
    if (text[this.#at] === '\r' && text[this.#at + 1] !== '\n' && this.#at + 1 < text.length) {
      this.#fail('a lone carriage return', 'the end of the line');
    }
    const end = text.indexOf('\n', this.#at);
    this.#at = end < 0 ? text.length : end + 1;
  }

  #enter(): void {
    this.#depth++;
    if (this.#depth > this.#maxDepth) throw limit('depth', this.#maxDepth, this.#depth);
  }

  #fail(message: string, expected: string, at: number = this.#at): never {
    const before = this.#text.slice(0, at);
    const line = before.split('\n').length;
    throw new SdnSyntaxError(message, line, at - before.lastIndexOf('\n'), expected);
  }
}
