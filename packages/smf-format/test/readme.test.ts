// Each example of the README runs, and prints what the README says. So does each SDN example of the specification.
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { emptyNote, parseSdn, SdnTable, SectionType, SmfBuilder, TemplateKind } from '../src/index.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const readme = readFileSync(here('../README.md'), 'utf8');
const examples = [...readme.matchAll(/```js\n(.*?)```\n+```text\n(.*?)```/gs)].map(([, code = '', output = '']) => ({
  code,
  output,
}));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'smf-readme-'));
  const builder = new SmfBuilder();
  builder.addSection({ type: SectionType.Code, name: '.text', data: Uint8Array.of(0xb8, 0, 0, 0, 0, 0xc3) });
  builder.addSymbol({ name: 'main', size: 6 });
  builder.addTemplate({
    kind: TemplateKind.Function,
    name: 'sum',
    genericParams: [{ name: 'T', bound: 'Num' }],
    body: Uint8Array.of(1),
  });
  builder.addTemplate({
    kind: TemplateKind.Struct,
    name: 'Pair',
    genericParams: [{ name: 'A' }, { name: 'B' }],
    body: Uint8Array.of(1),
  });
  const possible = [{ template: 'sum', typeArgs: 'f64', mangledName: 'fn$sum$f64', requiredBy: '', canDefer: true }];
  writeFileSync(join(folder, 'collections.smf'), builder.setNote({ ...emptyNote(), possible }).build());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What `import` finds: our sources for our names, and files of the temporary folder. */
async function modules(): Promise<Record<string, object>> {
  const inFolder = (name: string): string => join(folder, name);
  return {
    '@simple-jit/smf-format': await import('../src/index.js'),
    '@simple-jit/smf-format/node': await import('../src/node.js'),
    'node:fs': {
      readFileSync: (name: string) => readFileSync(inFolder(name)),
      openSync: (name: string, flags: string) => openSync(inFolder(name), flags),
      closeSync,
      fstatSync,
      readSync,
      writeFileSync: (name: string, data: Uint8Array) => writeFileSync(inFolder(name), data),
    },
  };
}

/** A page with one file input, and a user who picks collections.smf. */
function page(): { document: object; pick: () => Promise<unknown> } {
  let listener: (event: object) => unknown = () => undefined;
  const input = { addEventListener: (_: string, added: typeof listener) => (listener = added) };
  const file = new Blob([readFileSync(join(folder, 'collections.smf'))]);
  return { document: { querySelector: () => input }, pick: async () => listener({ target: { files: [file] } }) };
}

test('the README has its examples', () => expect(examples).toHaveLength(7));

test.each(examples)('example %#', async ({ code, output }) => {
  const printed: string[] = [];
  const log = (...values: unknown[]): void => {
    printed.push(values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' '));
  };
  const { document, pick } = page();
  const body = code.replace(/^import (\{.*?\}) from ('.*?');$/gm, 'const $1 = modules[$2];');
  const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;
  await new AsyncFunction('modules', 'console', 'document', body)(await modules(), { log }, document);
  if (code.includes('document.')) await pick();
  expect(`${printed.join('\n')}\n`).toBe(output);
});

test('the SDN examples of the specification', () => {
  const spec = readFileSync(here('../../../docs/spec/smf-format.md'), 'utf8');
  const [, text = ''] = /```sdn\n(.*?)```/s.exec(spec) ?? [];
  expect(parseSdn(text)).toEqual(
    new Map<string, unknown>([
      ['name', 'demo'],
      [
        'limits',
        new Map<string, unknown>([
          ['max', 10n],
          ['ratio', 0.5],
        ]),
      ],
      ['sizes', [1n, 2n, 3000n]],
      [
        'point',
        new Map([
          ['x', 1n],
          ['y', -2n],
        ]),
      ],
      ['paths', ['a/b', 'with space']],
      ['one', new SdnTable(['id', 'what'], undefined, [[7n, 'seven']])],
      [
        'rows',
        new SdnTable(['id', 'what'], undefined, [
          [1n, 'first of all'],
          [2n, null],
        ]),
      ],
      [
        'grid',
        new SdnTable(
          undefined,
          ['i32', 'i32'],
          [
            [1n, 2n],
            [3n, 4n],
          ],
        ),
      ],
    ]),
  );
});

test('every error code is in the README', () => {
  const source = readFileSync(here('../src/errors.ts'), 'utf8');
  const codes = [...source.matchAll(/\| '(ERR_SMF_\w+)'/g)].map(([, code = '']) => code);
  expect(codes.length).toBeGreaterThan(15);
  expect(codes.filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});
