// What a resolver tells of itself, and listeners that change everything while they are told.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';
import { RelocationType, SectionType, SmfBuilder, SymbolType } from '@simple-jit/smf-format';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type FreeEvent,
  JitSymbolResolver,
  type JitSymbolResolverConfig,
  type LinkEvent,
  type ResolveEvent,
} from '../src/index.js';
import { caught, I64, sharedPlace } from './support/harness.js';

const place = sharedPlace();
let resolver: JitSymbolResolver;
const open = (config: Partial<JitSymbolResolverConfig> = {}): JitSymbolResolver => {
  resolver = new JitSymbolResolver({ arena: place().arena, updateSmf: false, ...config });
  return resolver;
};

const subscribed: (() => void)[] = [];
afterEach(() => {
  resolver.close();
  for (const end of subscribed.splice(0)) end();
  expect(place().arena.stats()).toMatchObject({ blocks: 0, slots: 0, dataBlocks: 0 });
});

function listen<Event>(name: string, take: (event: Event) => void): void {
  const listener = (event: unknown): void => take(event as Event);
  subscribe(name, listener);
  subscribed.push(() => unsubscribe(name, listener));
}

/** A function that gives a number, or one more than what another one gives; with 8 bytes of data. */
function module(name: string, gives: number | string): string {
  const builder = new SmfBuilder();
  const calls = [0x50, 0xe8, 0, 0, 0, 0, 0x48, 0xff, 0xc0, 0x59, 0xc3]; // push rax; call; inc rax; pop rcx; ret
  const code = typeof gives === 'string' ? calls : [0x6a, gives, 0x58, 0xc3];
  builder.addSection({ type: SectionType.Code, name: '.text', data: Uint8Array.from(code) });
  builder.addSymbol({ name, sectionIndex: 0 });
  const data = builder.addSection({ type: SectionType.Data, name: '.data', data: new Uint8Array(8) });
  builder.addSymbol({ name: `${name}_data`, type: SymbolType.Data, sectionIndex: data });
  if (typeof gives === 'string') {
    const symbolIndex = builder.addSymbol({ name: gives, type: SymbolType.None });
    builder.setRelocations(0, [{ offset: 2, symbolIndex, type: RelocationType.Plt32, addend: -4n }]);
  }
  return place().write(`${name}.smf`, builder.build());
}

const IDENTITY = 'module m\nfn identity<T: Num>(a: T) -> T {\nentry:\n  return a\n}\n';

describe.skipIf(process.arch !== 'x64' || process.platform !== 'linux')('what is told', () => {
  test('stats count what was looked for, and what is in memory', () => {
    open({ processSymbols: ['labs'] });
    const zero = {
      ...{ loadedModules: 0, linkedModules: 0, codeBytes: 0, dataBytes: 0, constantBytes: 0, importStubs: 0 },
      ...{ registeredNames: 0, knownNames: 0, foundInModules: 0, foundByJit: 0, foundInProcess: 0, unresolved: 0 },
      ...{ lookupMs: 0, linked: 0, linkFailures: 0, freed: 0, linkMs: 0 },
    };
    expect(resolver.stats()).toEqual(zero);
    const path = module('a', 1);
    resolver.loadSmf(path);
    resolver.loadSmf(module('b', 'nobody'));
    resolver.loadSmf(place().write('jit.smf', assembleLibrary(IDENTITY)));
    expect(resolver.stats()).toEqual({ ...zero, loadedModules: 3 });
    for (let i = 0; i < 3; i++) {
      expect(resolver.resolve('a')).toBeDefined();
      expect(resolver.resolve('labs')).toBeDefined();
      expect(resolver.resolve('b')).toBeUndefined();
    }
    resolver.register('mine', 4096n);
    const stats = resolver.stats();
    expect(stats).toMatchObject({ loadedModules: 3, linkedModules: 1, codeBytes: 4, dataBytes: 8, constantBytes: 0 });
    expect(stats).toMatchObject({ foundInModules: 1, foundByJit: 0, foundInProcess: 1, unresolved: 3 });
    expect(stats).toMatchObject({ linked: 1, linkFailures: 3, freed: 0, registeredNames: 1, knownNames: 2 });
    expect(stats.lookupMs).toBeGreaterThan(0);
    expect(stats.linkMs).toBeGreaterThan(0);
    resolver.unload(path);
    expect(resolver.stats()).toMatchObject({
      loadedModules: 2,
      linkedModules: 0,
      codeBytes: 0,
      freed: 1,
      knownNames: 1,
    });
    resolver.close();
    expect(resolver.stats()).toMatchObject({ loadedModules: 0, linkedModules: 0, importStubs: 0, linked: 1, freed: 1 });
  });

  test('events tell of each look-up, and of what comes into memory and goes', () => {
    const events: (ResolveEvent | LinkEvent | FreeEvent)[] = [];
    for (const name of ['resolve', 'link', 'free'])
      listen(`simple-jit:${name}`, (event: FreeEvent) => events.push(event));
    open();
    const [a, b] = [module('a', 1), module('b', 'nobody')];
    resolver.loadSmf(a);
    resolver.loadSmf(b);
    resolver.resolve('a');
    resolver.resolve('a');
    resolver.resolve('b');
    resolver.unload(a);
    const linked = { path: a, codeBytes: 4, dataBytes: 8, constantBytes: 0 };
    const durationMs = expect.any(Number);
    expect(events).toEqual([
      { path: a, modules: [linked], error: undefined, durationMs },
      { symbol: 'a', from: 'module', reasons: [], durationMs },
      { path: b, modules: [], error: expect.objectContaining({ code: 'ERR_UNDEFINED_SYMBOL' }), durationMs },
      { symbol: 'b', from: undefined, reasons: [expect.stringContaining('nobody')], durationMs },
      linked,
    ]);
  });
});

describe.skipIf(process.arch !== 'x64' || process.platform !== 'linux')('a listener', () => {
  test('may unload what was just linked: the name leads nowhere, or to the next that has it', () => {
    const path = module('a', 1);
    let unloads = 0;
    listen('simple-jit:link', () => {
      unloads += resolver.unload(path) ? 1 : 0;
    });
    open();
    resolver.loadSmf(path);
    expect(resolver.resolve('a')).toBeUndefined();
    expect([unloads, resolver.stats().linkedModules]).toEqual([1, 0]);
    resolver.loadSmf(path);
    expect(caught(() => resolver.resolveFunction('a', I64))).toMatchObject({ code: 'ERR_UNRESOLVED', symbol: 'a' });
  });

  test('may unload the callee of a running call, which leads to no freed code', () => {
    const [caller, callee] = [module('caller', 'callee'), module('callee', 41)];
    let isOn = true;
    listen('simple-jit:link', ({ path }: LinkEvent) => {
      if (isOn && path === callee) resolver.unload(callee);
    });
    open();
    resolver.loadSmf(caller);
    resolver.loadSmf(callee);
    const call = resolver.resolveFunction('caller', I64);
    for (let i = 0; i < 3; i++) expect(caught(call)).toMatchObject({ code: 'ERR_UNRESOLVED', symbol: 'callee' });
    isOn = false;
    resolver.loadSmf(callee);
    expect(call()).toBe(42);
  });

  test('may replace the module, and what it is now is called', () => {
    const path = module('a', 1);
    let versions = 1;
    listen('simple-jit:link', () => {
      if (versions < 4) resolver.loadSmf(module('a', ++versions));
    });
    open();
    resolver.loadSmf(path);
    expect(resolver.resolveFunction('a', I64)()).toBe(4);
    expect(resolver.stats()).toMatchObject({ linked: 4, freed: 3, linkedModules: 1 });
  });

  test('that replaces it whenever it is linked ends in an error', () => {
    const path = module('a', 1);
    let versions = 1;
    listen('simple-jit:link', () => {
      versions += 1;
      resolver.loadSmf(module('a', versions));
    });
    open();
    resolver.loadSmf(path);
    expect(caught(() => resolver.resolve('a'))).toMatchObject({
      code: 'ERR_UNRESOLVED',
      message: expect.stringContaining('listener'),
    });
    expect(versions).toBeLessThan(20);
  });

  test('may register the name, and that goes before', () => {
    const path = module('a', 1);
    const block = place().arena.allocate(Uint8Array.of(0x6a, 7, 0x58, 0xc3));
    listen('simple-jit:link', () => resolver.register('a', block.address));
    open();
    resolver.loadSmf(path);
    expect(resolver.resolve('a')).toBe(block.address);
    expect(resolver.resolveFunction('a', I64)()).toBe(7);
    block.close();
  });

  test.each(['simple-jit:link', 'simple-jit:resolve', 'simple-jit:free', 'simple-jit:load'])(
    'may close the resolver at %s',
    (name) => {
      const path = module('a', 1);
      open();
      if (name !== 'simple-jit:load') resolver.loadSmf(path);
      listen(name, () => resolver.close());
      const error = caught(() => {
        resolver.loadSmf(path);
        resolver.resolve('a');
        resolver.unload(path);
        resolver.resolve('a');
      });
      expect(error).toMatchObject({ code: expect.stringMatching('ERR_CLOSED') });
    },
  );

  test('that throws throws out of the call, and what was found stays', () => {
    let isOn = true;
    open({
      verbose: true,
      log: (line) => {
        if (isOn && line.includes('linked')) throw new RangeError('no more lines');
      },
    });
    resolver.loadSmf(module('a', 5));
    expect(() => resolver.resolve('a')).toThrow('no more lines');
    isOn = false;
    expect(resolver.resolveFunction('a', I64)()).toBe(5);
    expect(resolver.stats()).toMatchObject({ linked: 1, foundInModules: 1 });
  });
});
