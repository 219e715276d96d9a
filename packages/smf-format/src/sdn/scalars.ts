// The words of SDN: what a bare string, a key and a number look like. Shared by the parser and the printer, so that what
// one writes the other reads.

export const KEY = /[A-Za-z_][A-Za-z0-9_./-]*/y;
export const BARE = /[A-Za-z_][A-Za-z0-9_./:-]*/y;
/** In a table cell a bare string may hold inner spaces. */
export const BARE_CELL = /[A-Za-z_][A-Za-z0-9_./:-]*(?: +[A-Za-z0-9_./:-]+)*/y;
/** In notes, which foreign tools write: a cell or value is whatever stands before the comma, comment or line end. */
export const LOOSE_CELL = /[^,"\n\r](?:[^,\n\r#]|(?<![ \t])#)*/y;
export const LOOSE_VALUE = /[^"\n\r](?:[^\n\r#]|(?<![ \t])#)*/y;
export const NUMBER = /[+-]?[0-9](?:_?[0-9])*(\.[0-9](?:_?[0-9])*)?([eE][+-]?[0-9]+)?/y;

const LEAST_INTEGER = -(2n ** 63n);
const GREATEST_INTEGER = 2n ** 64n - 1n;

/** Signed and unsigned 64-bit integers are SDN integers. */
export const isSdnInteger = (value: bigint): boolean => value >= LEAST_INTEGER && value <= GREATEST_INTEGER;

/** The words that are not strings. */
export const KEYWORDS: ReadonlyMap<string, null | boolean> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
  ['nil', null],
]);

export const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  ['"', '"'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/** The match of a sticky expression at `at`, or undefined. */
export function matchAt(expression: RegExp, text: string, at: number): RegExpExecArray | undefined {
  expression.lastIndex = at;
  return expression.exec(text) ?? undefined;
}

const whole = (expression: RegExp, text: string): boolean => matchAt(expression, text, 0)?.[0].length === text.length;

export const isBareString = (text: string): boolean => whole(BARE, text) && !KEYWORDS.has(text);
export const isBareKey = (text: string): boolean => whole(KEY, text);
