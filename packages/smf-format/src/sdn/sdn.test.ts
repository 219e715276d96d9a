import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseSdn,
  SdnDocument,
  SdnSyntaxError,
  SdnTable,
  type SdnValue,
  SmfFormatError,
  stringifySdn,
} from '../index.js';

const dict = (entries: Record<string, SdnValue>): Map<string, SdnValue> => new Map(Object.entries(entries));

describe('what the specification shows', () => {
  test.each<[string, string, SdnValue]>([
    ['key: value', 'key: value', dict({ key: 'value' })],
    ['an indented dictionary', 'a:\n  b: 1\n  c: 2\n', dict({ a: dict({ b: 1n, c: 2n }) })],
    ['an indented array', 'a:\n  one\n  two\n', dict({ a: ['one', 'two'] })],
    ['a dashed array', 'a:\n  - 1\n  - "x y"\n', dict({ a: [1n, 'x y'] })],
    ['an inline dictionary', 'key = {a: 1, b: 2}', dict({ key: dict({ a: 1n, b: 2n }) })],
    ['an inline array', 'key = [1, 2, 3]', dict({ key: [1n, 2n, 3n] })],
    ['nesting', 'key = {a: [1, {b: []}], c: {}}', dict({ key: dict({ a: [1n, dict({ b: [] })], c: dict({}) }) })],
    ['a one-row table', 'key |f1, f2| v1, v2', dict({ key: new SdnTable(['f1', 'f2'], undefined, [['v1', 'v2']]) })],
    [
      'a table',
      'key |f1, f2|\n  1, two words\n  "3", nil\n',
      dict({
        key: new SdnTable(['f1', 'f2'], undefined, [
          [1n, 'two words'],
          ['3', null],
        ]),
      }),
    ],
    [
      'a typed table',
      'key: table{i32, i32} = [(1, 2), (3, 4)]',
      dict({
        key: new SdnTable(
          undefined,
          ['i32', 'i32'],
          [
            [1n, 2n],
            [3n, 4n],
          ],
        ),
      }),
    ],
    [
      'a typed table with rows',
      'key: table{i32, i32}\n  (1, 2)\n  3, 4\n',
      dict({
        key: new SdnTable(
          undefined,
          ['i32', 'i32'],
          [
            [1n, 2n],
            [3n, 4n],
          ],
        ),
      }),
    ],
    ['escapes', String.raw`k: "\\ \" \n \r \t"`, dict({ k: '\\ " \n \r \t' })],
    ['bare strings', 'k: a.b/c:d-e_9', dict({ k: 'a.b/c:d-e_9' })],
    [
      'integers',
      'a: 1_000\nb: -7\nc: 18446744073709551615\nd: -9223372036854775808',
      dict({ a: 1000n, b: -7n, c: 2n ** 64n - 1n, d: -(2n ** 63n) }),
    ],
    ['floats', 'a: 1.5\nb: -2e3\nc: 1_0.2_5', dict({ a: 1.5, b: -2000, c: 10.25 })],
    ['words', 'a: true\nb: false\nc: null\nd: nil\ne:\n', dict({ a: true, b: false, c: null, d: null, e: null })],
    ['comments', '# one\na: 1 # two\n\n   # three\nb: "# four"\n', dict({ a: 1n, b: '# four' })],
    ['carriage returns', 'a: 1\r\nb:\r\n  c: 2\r\n', dict({ a: 1n, b: dict({ c: 2n }) })],
    ['nothing', '', dict({})],
    ['values alone', '1\n2\n', [1n, 2n]],
    ['one value alone', '[1, 2]', [1n, 2n]],
  ])('%s', (_, text, value) => {
    expect(parseSdn(text)).toEqual(value);
  });
});

describe('errors name line, column and what was expected', () => {
  test.each([
    ['a: "x', 1, 6, '"'],
    ['a: 1\nb: \\', 2, 4, 'string'],
    ['a: 1\n   b: 2', 2, 4, '0 spaces'],
    ['a |x, y|\n  1', 2, 3, '2, as'],
    ['a |x, x|', 1, 7, 'another column'],
    ['a: 1\na: 2', 2, 1, 'another key'],
    ['a = [1, 2', 1, 10, '","'],
    ['a = {b 1}', 1, 8, '":"'],
    ['a: 18446744073709551616', 1, 4, '2^64'],
    ['a: 12x', 1, 6, 'digits'],
    ['a: "\\q"', 1, 5, '\\\\'],
    ['a: b c', 1, 6, 'end of the line'],
    ['\ta: 1', 1, 1, 'spaces'],
    ['a: 1\nfoo', 2, 1, 'key'],
    ['foo\na: 1', 2, 1, 'a value'],
    ['a: table{} = []', 1, 10, 'type name'],
  ])('%j', (text, line, column, expected) => {
    const error = (() => {
      try {
        return parseSdn(text);
      } catch (e) {
        return e;
      }
    })() as SdnSyntaxError;
    expect(error).toBeInstanceOf(SdnSyntaxError);
    expect({ line: error.line, column: error.column }).toEqual({ line, column });
    expect(error.expected).toContain(expected);
    expect(error.message).toContain(`line ${line}, column ${column}`);
  });

  test('depth and length are limited', () => {
    const limit = expect.objectContaining({ code: 'ERR_SMF_LIMIT' });
    expect(() => parseSdn('['.repeat(100_000))).toThrow(limit);
    expect(() => parseSdn('a: 1', { limits: { maxSdnLength: 3 } })).toThrow(limit);
    expect(() => parseSdn(Array.from({ length: 200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'))).toThrow(limit);
  });
});

const scalar: fc.Arbitrary<SdnValue> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('true', 'nil', '-', '1', 'a b', 'a:b', '# x', '', '\n# END_NOTE\n', '"', 'é'),
);
const inline: fc.Arbitrary<SdnValue> = fc.letrec<{ value: SdnValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.string({ unit: 'grapheme' }), tie('value')), { maxLength: 4 })
      .map((entries) => new Map(entries)),
  ),
})).value;
const table: fc.Arbitrary<SdnValue> = fc
  .uniqueArray(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 4 })
  .chain((fields) =>
    fc
      .array(fc.array(inline, { minLength: fields.length, maxLength: fields.length }), { maxLength: 4 })
      .map((rows) => new SdnTable(fields, undefined, rows)),
  );
const document: fc.Arbitrary<SdnValue> = fc
  .array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.oneof(inline, table)), { maxLength: 5 })
  .map((entries) => new Map(entries));

describe('round trips', () => {
  test('parseSdn(stringifySdn(value)) = value', () => {
    fc.assert(
      fc.property(fc.oneof(inline, document), (value) => {
        expect(parseSdn(stringifySdn(value))).toEqual(value);
      }),
    );
  });

  test('typed tables', () => {
    const value = dict({ t: new SdnTable(undefined, ['i32', 'text'], [[1n, 'a b']]) });
    expect(stringifySdn(value)).toBe('t: table{i32, text}\n    1, "a b"\n');
    expect(parseSdn(stringifySdn(value))).toEqual(value);
  });

  test('any text parses or gives a typed error', () => {
    const pieces = fc.array(
      fc.constantFrom(
        'a',
        'b:',
        ': ',
        '=',
        '|',
        ',',
        '\n',
        '  ',
        '"',
        '[',
        ']',
        '{',
        '}',
        '(',
        ')',
        '-',
        '- ',
        '#',
        '1',
        '\t',
        '\\',
        'table{',
        'é',
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(pieces, fc.boolean(), (parts, loose) => {
        try {
          parseSdn(parts.join(''), { loose });
        } catch (error) {
          if (!(error instanceof SdnSyntaxError || error instanceof SmfFormatError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each<[string, SdnValue]>([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['2^64', 2n ** 64n],
    ['a table in an array', [new SdnTable(['a'], undefined, [])]],
    ['a row of the wrong width', dict({ t: new SdnTable(['a'], undefined, [[1n, 2n]]) })],
    ['a table without columns', dict({ t: new SdnTable([], undefined, []) })],
  ])('%s cannot be printed', (_, value) => {
    expect(() => stringifySdn(value)).toThrow(expect.objectContaining({ code: 'ERR_SMF_INVALID_ARGUMENT' }));
  });
});

describe('SdnDocument', () => {
  const text = [
    '# the build',
    'name: demo   # its name',
    'limits:',
    '  # most rows',
    '  max: 10',
    '  list = [1, 2] # two',
    'rows |id, what|',
    '  1, one   # first',
    '  2, two',
    'empty:',
    '# the end',
    '',
  ].join('\n');

  test('one value changes, nothing else', () => {
    const edits: [(string | number)[], SdnValue, string, string][] = [
      [['name'], 'x y', 'demo', '"x y"'],
      [['limits', 'max'], 20n, 'max: 10', 'max: 20'],
      [['limits', 'list'], [3n], '[1, 2]', '[3]'],
      [['limits', 'list', 1], 'b', '[1, 2]', '[1, b]'],
      [['limits', 'list', 2], 9n, '[1, 2]', '[1, 2, 9]'],
      [['limits', 'more'], true, 'list = [1, 2] # two\n', 'list = [1, 2] # two\n  more: true\n'],
      [['rows', 0, 'what'], 'uno', '1, one', '1, uno'],
      [['rows', 1], [5n, 'five'], '2, two', '5, five'],
      [['rows', 2], [3n, 'three'], '2, two\n', '2, two\n  3, three\n'],
      [['empty'], 1n, 'empty:', 'empty: 1'],
      [['fresh'], dict({ a: 1n }), 'empty:\n', 'empty:\nfresh:\n    a: 1\n'],
    ];
    for (const [path, value, from, to] of edits) {
      const document = new SdnDocument(text);
      document.set(path, value);
      expect(document.toString()).toBe(text.replace(from, to));
      expect(document.get(path)).toEqual(value);
    }
  });

  test('deleting', () => {
    const deleted = (path: (string | number)[]): string => {
      const document = new SdnDocument(text);
      expect(document.delete(path)).toBe(true);
      return document.toString();
    };
    expect(deleted(['name'])).toBe(text.replace('name: demo   # its name\n', ''));
    expect(deleted(['rows', 0])).toBe(text.replace('  1, one   # first\n', ''));
    expect(deleted(['limits', 'list', 0])).toBe(text.replace('[1, 2]', '[2]'));
    expect(new SdnDocument(text).delete(['no', 'such'])).toBe(false);
  });

  test('any change to any document gives that change, and only that', () => {
    fc.assert(
      fc.property(document, fc.string({ unit: 'grapheme' }), inline, (start, key, value) => {
        const edited = new SdnDocument(stringifySdn(start)).set([key], value);
        expect(parseSdn(edited.toString())).toEqual(new Map([...(start as Map<string, SdnValue>), [key, value]]));
        expect(edited.delete([key])).toBe(true);
        const without = new Map([...(start as Map<string, SdnValue>)].filter(([name]) => name !== key));
        expect(parseSdn(edited.toString())).toEqual(without);
      }),
    );
  });

  test('paths that lead nowhere', () => {
    const invalid = expect.objectContaining({ code: 'ERR_SMF_INVALID_ARGUMENT' });
    for (const path of [[], ['no', 'such'], ['rows', 7], ['limits', 'list', 5], ['rows', 0, 'nope'], ['name', 'x']]) {
      expect(() => new SdnDocument(text).set(path, 1n)).toThrow(invalid);
    }
    expect(new SdnDocument(text).get(['rows', 0, 'nope'])).toBeUndefined();
  });
});
