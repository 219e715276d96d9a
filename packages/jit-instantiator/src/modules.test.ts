// The index of loaded modules against a walk over all of them.
import { SmfCache } from '@simple-jit/smf-cache';
import { SmfBuilder, SmfFormatError } from '@simple-jit/smf-format';
import { encodeTemplate, parseModule } from '@simple-jit/template-ir';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { Companions } from './companion.js';
import { instanceKey } from './instance.js';
import { LoadedModule } from './module.js';
import { Modules } from './modules.js';
import { KeyRing } from './signature.js';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
const PATHS = ['one', 'two', 'three', 'four'];
const ENCODED = new Map(
  NAMES.map((name) => [
    name,
    encodeTemplate(parseModule(`module m\nfn ${name}<T: Any>(x: T) -> T {\nentry:\n  return x\n}\n`).templates[0]!),
  ]),
);

interface Content {
  readonly possible: readonly string[];
  readonly compiled: readonly string[];
  readonly templates: readonly string[];
  readonly isDamaged: boolean;
}

function build({ possible, compiled, templates, isDamaged }: Content): Uint8Array {
  const builder = new SmfBuilder();
  for (const name of templates) builder.addTemplate(ENCODED.get(name)!);
  const row = (name: string) => ({ template: name, typeArgs: 'i64', mangledName: name.toUpperCase() });
  builder.setNote({
    possible: possible.map((name) => ({ ...row(name), requiredBy: '', canDefer: true })),
    instantiations: compiled.map((name) => ({
      ...row(name),
      fromFile: '',
      fromLoc: '',
      outputFile: '',
      status: 'compiled' as const,
    })),
    typeInferences: [],
    dependencies: [],
    circularWarnings: [],
    circularErrors: [],
  });
  const bytes = builder.build();
  if (isDamaged && templates.length > 0) bytes.set([0xff, 0xff, 0xff, 0x7f], 10); // the first entry's length
  return bytes;
}

/** What the walk finds: the path of the first module that has it, or that it is damaged. */
function walk(modules: readonly LoadedModule[], has: (module: LoadedModule) => unknown): string | undefined {
  for (const module of modules) {
    try {
      if (has(module) !== undefined) return module.path;
    } catch {
      return module.path;
    }
  }
  return undefined;
}

const names = fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: NAMES.length });
const content = fc.record({
  possible: names,
  compiled: names,
  templates: names,
  isDamaged: fc.boolean(),
});
const operations = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ path: fc.constantFrom(...PATHS), content }) },
    { weight: 1, arbitrary: fc.record({ path: fc.constantFrom(...PATHS), content: fc.constant(undefined) }) },
    { weight: 2, arbitrary: fc.constant('look' as const) },
  ),
  { maxLength: 25 },
);

test('the first module that has a name, as a walk finds it', () => {
  const keys = new KeyRing([]);
  fc.assert(
    fc.property(operations, (sequence) => {
      using cache = new SmfCache();
      const modules = new Modules();
      const walked = new Map<string, LoadedModule>();
      const look = (): void => {
        const all = [...walked.values()];
        expect(modules.values()).toEqual(all);
        for (const name of NAMES) {
          const symbol = name.toUpperCase();
          const instance = instanceKey(name, ' i64');
          expect(modules.withPossible(symbol)?.path).toBe(walk(all, (module) => module.possible(symbol)));
          expect(modules.withListing(symbol)?.path).toBe(walk(all, (module) => module.listing(symbol)));
          expect(modules.withInstance(instance)?.path).toBe(walk(all, (module) => module.symbolOf(instance)));
          expect(modules.withTemplate(name)?.path).toBe(walk(all, (module) => module.template(name)));
        }
        for (const path of PATHS) expect(modules.get(path)).toBe(walked.get(path));
      };
      for (const operation of sequence) {
        if (operation === 'look') {
          look();
          continue;
        }
        const { path } = operation;
        const before = walked.get(path);
        if (operation.content === undefined) {
          expect(modules.delete(path)).toBe(before);
          walked.delete(path);
        } else {
          const module = new LoadedModule(
            cache.cacheFromBytes(path, build(operation.content)),
            new Companions(undefined),
            keys,
          );
          const { isDamaged, templates } = operation.content;
          if (isDamaged && templates.length > 0) expect(() => module.templateNames()).toThrow(SmfFormatError);
          expect(modules.set(module)).toBe(before);
          walked.set(path, module); // a Map keeps the place of a key that it has
        }
        before?.close();
      }
      look();
      modules.clear();
      expect([modules.size, modules.withTemplate('a'), modules.withListing('A')]).toEqual([0, undefined, undefined]);
      for (const module of walked.values()) module.close();
    }),
    { numRuns: 150 },
  );
});

test('1,000 modules with 100,000 symbols: a lookup asks no module', () => {
  const modules = new Modules();
  const keys = new KeyRing([]);
  using cache = new SmfCache({ maxFiles: 1000 });
  const builder = new SmfBuilder();
  const bytes = builder.build();
  const asked = ['possible', 'listing', 'symbolOf', 'template'] as const;
  for (let i = 0; i < 1000; i++) {
    const module = new LoadedModule(cache.cacheFromBytes(`module ${i}`, bytes), new Companions(undefined), keys);
    const symbols = Array.from({ length: 100 }, (_, j) => `s${i * 100 + j}`);
    for (const method of ['possibleSymbols', 'listedSymbols', 'listedInstances'] as const) {
      vi.spyOn(module, method).mockReturnValue(symbols);
    }
    vi.spyOn(module, 'templateNames').mockReturnValue(new Set(symbols));
    modules.set(module);
  }
  const spies = asked.map((method) => vi.spyOn(LoadedModule.prototype, method));
  for (let i = 0; i < 100_000; i++) {
    const path = `module ${Math.floor(i / 100)}`;
    if (modules.withListing(`s${i}`)?.path !== path || modules.withTemplate(`s${i}`)?.path !== path) {
      throw new Error(`s${i} is not in ${path}`);
    }
  }
  for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});
