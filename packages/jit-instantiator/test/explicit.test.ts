// Instances that no table lists, asked for by template and types.
import { SmfBuilder } from '@simple-jit/smf-format';
import { encodeTemplate, parseModule, ptr, scalar } from '@simple-jit/template-ir';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { assembleLibrary } from '../src/assemble.js';
import { isSuccess, JitInstantiator } from '../src/index.js';
import { call, useWorkspace } from './support.js';

const workspace = useWorkspace();
let jit: JitInstantiator;
beforeEach(() => {
  jit = new JitInstantiator({ updateSmf: false });
});
afterEach(() => jit.close());

const TEXT = `module pairs
fn first<A: Any, B: Any>(a: A, b: B) -> A {
entry:
  return a
}
fn both<A: Any>(a: A) -> A {
entry:
  r: A = call first<A, f64>(a, 1.5)
  return r
}`;

const unlisted = (text = TEXT) => workspace.write('pairs.smf', assembleLibrary(text, { possible: [] }));

test('a template with types that no table lists', () => {
  jit.loadSmfMetadata(unlisted());
  expect(jit.canJitInstantiate('fn$first$i64$bool')).toBe(false);
  const result = jit.instantiate('first', 'i64, bool');
  if (!isSuccess(result)) throw new Error(JSON.stringify(result));
  expect(jit.signatureOf(result.symbol)).toMatchObject({ result: scalar('i64') });
  expect(call(jit, result.symbol, 7n, true)).toBe(7n);
  expect(jit.instantiate('first', [scalar('i64'), scalar('bool')])).toEqual(result);
  expect(jit.stats().compileCount).toBe(1);
});

test('types may be given as such, pointers included', () => {
  jit.loadSmfMetadata(unlisted());
  expect(jit.instantiate('both', [ptr(scalar('u8'))]).kind).toBe('success');
  expect(jit.instantiate('first', 'ptr<u8>,f64').kind).toBe('success');
  expect(jit.stats().compileCount).toBe(2);
});

test('an instance that a table lists has the name of the table', () => {
  jit.loadSmfMetadata(workspace.library());
  expect(jit.instantiate('sum', 'f64')).toMatchObject({ kind: 'success', symbol: 'fn$sum$f64' });
  expect(jit.instantiate('sum', 'f64')).toEqual(jit.tryJitInstantiate('fn$sum$f64'));
});

test('what is written back is listed from then on', () => {
  const path = unlisted();
  const symbol = (() => {
    using writer = new JitInstantiator({ flushDelay: 60_000 });
    writer.loadSmfMetadata(path);
    const result = writer.instantiate('first', 'i8,u8');
    return isSuccess(result) ? result.symbol : '';
  })();
  jit.loadSmfMetadata(path);
  expect(jit.canJitInstantiate(symbol)).toBe(true);
  expect(call(jit, symbol, -1, 1)).toBe(-1);
  expect(jit.stats()).toMatchObject({ persisted: 1, compileCount: 0 });
});

test.each<[string, string, string, RegExp]>([
  ['a template that no module holds', 'third', 'i64', /no loaded module holds the template third/],
  ['types that are none', 'first', 'Int,i64', /type arguments 'Int,i64'/],
  ['too few types', 'first', 'i64', /first.*1|1.*first|2/],
  ['none at all', 'first', '', /first/],
])('%s: a compilation error', (_, template, typeArgs, message) => {
  jit.loadSmfMetadata(unlisted());
  expect(jit.instantiate(template, typeArgs)).toEqual({
    kind: 'compilationError',
    message: expect.stringMatching(message),
  });
  expect(jit.stats()).toMatchObject({ failed: 1, cachedCount: 0 });
});

test('a name that a table gives to another instance is not taken from it', () => {
  const module = parseModule(TEXT);
  const builder = new SmfBuilder().setNote(
    'possible |template, type_args, mangled_name, required_by, can_defer|\n    both, i64, fn$first$i64$u8, me, true\n',
  );
  for (const template of module.templates) builder.addTemplate(encodeTemplate(template));
  jit.loadSmfMetadata(workspace.write('clash.smf', builder.build()));
  expect(jit.instantiate('first', 'i64,u8')).toMatchObject({
    kind: 'compilationError',
    message: expect.stringMatching(/is both<i64> in the tables of .*clash\.smf/),
  });
  expect(jit.tryJitInstantiate('fn$first$i64$u8').kind).toBe('success');
});

test('with enabled: false nothing is found', () => {
  using disabled = new JitInstantiator({ enabled: false });
  disabled.loadSmfMetadata(unlisted());
  expect(disabled.instantiate('first', 'i64,u8')).toEqual({ kind: 'notFound', symbol: 'first<i64,u8>' });
});
