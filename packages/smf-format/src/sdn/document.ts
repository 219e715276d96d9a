// SDN text that can be edited: changing one value leaves every other byte, comments and order included, as it was.
import { SmfFormatError } from '../errors.js';
import { lineEnd } from './lines.js';
import { type ParseSdnOptions, parseSdnTree } from './parse.js';
import { inlineSdn, statement } from './print.js';
import {
  plainValue,
  type SdnDictNode,
  type SdnEntry,
  type SdnNode,
  SdnTable,
  type SdnTableNode,
  type SdnValue,
} from './value.js';

/** Keys of dictionaries, indices of arrays; in a table a row's index, then a column's name or index. */
export type SdnPath = readonly (string | number)[];

/**
 * An editable SDN document. Each edit costs O(text).
 *
 * @example
 * const document = new SdnDocument('# limits\nmax: 10 # rows\n')
 * document.set(['max'], 20n)
 * document.toString() // '# limits\nmax: 20 # rows\n'
 */
export class SdnDocument {
  #text: string;
  #root: SdnNode;
  readonly #options: ParseSdnOptions;

  /** @throws SdnSyntaxError, SmfFormatError ERR_SMF_LIMIT */
  constructor(text: string, options: ParseSdnOptions = {}) {
    this.#options = options;
    this.#text = text;
    this.#root = parseSdnTree(text, options);
  }

  toString(): string {
    return this.#text;
  }

  /** The value at a path (the whole document at `[]`), or undefined where there is none. */
  get(path: SdnPath): SdnValue | undefined {
    const found = this.#find(path);
    if (found === undefined) return undefined;
    return Array.isArray(found) ? found.map(plainValue) : plainValue(found as SdnNode);
  }

  /**
   * Sets the value at a path: replaces it, or adds a key to the dictionary (an item at the end of the array, a row at the
   * end of the table) that the rest of the path names.
   *
   * @throws SmfFormatError ERR_SMF_INVALID_ARGUMENT where the path leads nowhere or SDN cannot say the value there
   */
  set(path: SdnPath, value: SdnValue): this {
    const key = path.at(-1);
    const parent = this.#find(path.slice(0, -1));
    if (key === undefined || parent === undefined) throw noSuchPath(path);
    if (Array.isArray(parent)) return this.#setCell(path, value);
    const node = parent as SdnNode;
    if (node.kind === 'dict' && typeof key === 'string') return this.#setKey(node, key, value);
    if (node.kind === 'array' && typeof key === 'number') return this.#setItem(node, key, value, path);
    if (node.kind === 'table' && typeof key === 'number') return this.#setRow(node, key, value, path);
    throw noSuchPath(path);
  }

  /**
   * Removes the value at a path: a key with its value, an item, a row. The comment on the same line goes with it.
   *
   * @returns false where there is nothing
   */
  delete(path: SdnPath): boolean {
    const key = path.at(-1);
    const parent = this.#find(path.slice(0, -1));
    if (key === undefined || parent === undefined || Array.isArray(parent) || this.#find(path) === undefined)
      return false;
    const node = parent as SdnNode;
    if (node.kind === 'dict' && !node.inline) {
      if (node.entries.length === 1 && node !== this.#root) return this.#emptyBlock(path);
      this.#cutLines(node.entries.find((entry) => entry.key === key) as SdnEntry);
    } else if (node.kind === 'table' && this.#rowsOnLines(node)) {
      const row = node.rows[key as number] as readonly SdnNode[];
      this.#cutLines({ start: (row[0] as SdnNode).start, end: (row.at(-1) as SdnNode).end });
    } else if (node.kind === 'array' && !node.inline && node.items.length > 1) {
      this.#cutLines(node.items[key as number] as SdnNode);
    } else {
      this.set(path.slice(0, -1), without(plainValue(node), key));
    }
    return true;
  }

  /** The last key of a block went: the block's own key keeps an empty dictionary. */
  #emptyBlock(path: SdnPath): boolean {
    this.set(path.slice(0, -1), new Map());
    return true;
  }

  #find(path: SdnPath): SdnNode | readonly SdnNode[] | undefined {
    let at: SdnNode | readonly SdnNode[] | undefined = this.#root;
    let table: SdnTableNode | undefined;
    for (const key of path) {
      if (at === undefined) return undefined;
      if (Array.isArray(at)) {
        const column: number = typeof key === 'number' ? key : (table?.fields?.indexOf(key) ?? -1);
        at = at[column] as SdnNode | undefined;
        continue;
      }
      const node = at as SdnNode;
      if (node.kind === 'dict') at = node.entries.find((entry) => entry.key === key)?.value;
      else if (node.kind === 'array') at = typeof key === 'number' ? node.items[key] : undefined;
      else if (node.kind === 'table') {
        table = node;
        at = typeof key === 'number' ? node.rows[key] : undefined;
      } else return undefined;
    }
    return at;
  }

  #setKey(dict: SdnDictNode, key: string, value: SdnValue): this {
    const entry = dict.entries.find((candidate) => candidate.key === key);
    if (entry === undefined) return this.#addKey(dict, key, value);
    if (dict.inline || (isInline(value) && isInlineNode(entry.value))) return this.#replaceValue(entry.value, value);
    const indent = this.#indentOf(entry.start);
    const printed = statement(key, value, indent).slice(indent.length).replace(/\n$/, '');
    return this.#splice(entry.start, entry.end, printed);
  }

  #addKey(dict: SdnDictNode, key: string, value: SdnValue): this {
    if (dict.inline) {
      const separator = dict.entries.length > 0 ? ', ' : '';
      const pair = inlineSdn(new Map([[key, value]])).slice(1, -1);
      return this.#splice(dict.end - 1, dict.end - 1, `${separator}${pair}`);
    }
    const last = dict.entries.at(-1);
    if (last === undefined)
      return this.#splice(this.#text.length, this.#text.length, this.#line(statement(key, value, '')));
    const at = lineEnd(this.#text, last.end);
    return this.#splice(at, at, this.#line(statement(key, value, this.#indentOf(last.start)), at));
  }

  #setItem(array: SdnNode & { kind: 'array' }, index: number, value: SdnValue, path: SdnPath): this {
    const item = array.items[index];
    if (item !== undefined) return this.#replaceValue(item, value);
    if (index !== array.items.length) throw noSuchPath(path);
    if (array.inline) {
      const separator = array.items.length > 0 ? ', ' : '';
      return this.#splice(array.end - 1, array.end - 1, `${separator}${inlineSdn(value)}`);
    }
    const at = lineEnd(this.#text, array.end);
    return this.#splice(at, at, this.#line(`${this.#indentOf(array.start)}- ${inlineSdn(value)}\n`, at));
  }

  #setRow(table: SdnTableNode, index: number, value: SdnValue, path: SdnPath): this {
    if (!Array.isArray(value)) throw invalid(path, 'a row is set as an array of its cells');
    const cells = (value as readonly SdnValue[]).map(inlineSdn).join(', ');
    const row = table.rows[index];
    if (row !== undefined) return this.#splice((row[0] as SdnNode).start, (row.at(-1) as SdnNode).end, cells);
    if (index !== table.rows.length) throw noSuchPath(path);
    const last = table.rows.at(-1);
    if (last !== undefined && !this.#rowsOnLines(table)) {
      const whole = plainValue(table) as SdnTable;
      const grown = new SdnTable(whole.fields, whole.types, [...whole.rows, value as readonly SdnValue[]]);
      return this.set(path.slice(0, -1), grown);
    }
    const at = lineEnd(this.#text, table.end);
    const indent =
      last === undefined ? `${this.#indentOf(table.start)}    ` : this.#indentOf((last[0] as SdnNode).start);
    return this.#splice(at, at, this.#line(`${indent}${cells}\n`, at));
  }

  #setCell(path: SdnPath, value: SdnValue): this {
    const cell = this.#find(path);
    if (cell === undefined || Array.isArray(cell)) throw noSuchPath(path);
    return this.#replaceValue(cell as SdnNode, value);
  }

  /** Each row on a line of its own, below the header. */
  #rowsOnLines(table: SdnTableNode): boolean {
    const first = table.rows[0]?.[0];
    return first !== undefined && this.#text.slice(table.start, first.start).includes('\n');
  }

  #replaceValue(node: SdnNode, value: SdnValue): this {
    // `key:` with nothing after it is null, written as nothing.
    const space = node.start === node.end && !/\s/.test(this.#text[node.start - 1] ?? ' ') ? ' ' : '';
    return this.#splice(node.start, node.end, `${space}${inlineSdn(value)}`);
  }

  #indentOf(at: number): string {
    const start = this.#text.lastIndexOf('\n', at - 1) + 1;
    return (/^ */.exec(this.#text.slice(start, at)) as RegExpExecArray)[0];
  }

  /** A printed line to be put in at `at`: after a last line without an end, that end comes first. */
  #line(printed: string, at: number = this.#text.length): string {
    const missing = at > 0 && this.#text[at - 1] !== '\n';
    return missing ? `\n${printed.replace(/\n$/, '')}` : printed;
  }

  #cutLines({ start, end }: { start: number; end: number }): void {
    this.#splice(this.#text.lastIndexOf('\n', start - 1) + 1, lineEnd(this.#text, end), '');
  }

  #splice(start: number, end: number, replacement: string): this {
    const text = this.#text.slice(0, start) + replacement + this.#text.slice(end);
    this.#root = parseSdnTree(text, this.#options);
    this.#text = text;
    return this;
  }
}

const isInline = (value: SdnValue): boolean =>
  !(value instanceof SdnTable) && !(value instanceof Map && value.size > 0);

const isInlineNode = (node: SdnNode): boolean =>
  node.kind === 'scalar' || ((node.kind === 'array' || node.kind === 'dict') && node.inline);

function without(value: SdnValue, key: string | number): SdnValue {
  if (value instanceof Map) return new Map([...value].filter(([name]) => name !== key));
  if (value instanceof SdnTable)
    return new SdnTable(
      value.fields,
      value.types,
      value.rows.filter((_, i) => i !== key),
    );
  return (value as readonly SdnValue[]).filter((_, i) => i !== key);
}

const noSuchPath = (path: SdnPath): SmfFormatError => invalid(path, 'the path leads nowhere');

const invalid = (path: SdnPath, message: string): SmfFormatError =>
  new SmfFormatError('ERR_SMF_INVALID_ARGUMENT', message, { structure: `SDN path ${path.join('/')}` });
