// Random modules that call each other and read each other's data, loaded, called, reloaded and unloaded in random order,
// against a model of what README.md says under "Module loading".
import { join } from 'node:path';
import { RelocationType, SectionType, SmfBuilder, SymbolType } from '@simple-jit/smf-format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JitSymbolResolver, LinkError, ResolveError } from '../src/index.js';
import { I32, runs, sharedPlace } from './support/harness.js';

const MODULES = 10;

const place = sharedPlace();

/** `f<i>` gives its value, plus the data of modules, plus what functions of modules give, in this order. */
interface Version {
  readonly value: number;
  readonly reads: readonly number[];
  readonly calls: readonly { readonly callee: number; readonly by: 'plt' | 'got' }[];
}

function build(index: number, { value, reads, calls }: Version): Uint8Array {
  const builder = new SmfBuilder();
  const code: number[] = [];
  const relocations: { offset: number; symbolIndex: number; type: number; addend: bigint }[] = [];
  const undefinedSymbol = (name: string): number => {
    const known = builder.findSymbol(name);
    return known >= 0 ? known : builder.addSymbol({ name, type: SymbolType.None });
  };
  /** An instruction that ends in a displacement. */
  const refer = (bytes: readonly number[], name: string, type: number): void => {
    code.push(...bytes, 0, 0, 0, 0);
    relocations.push({ offset: code.length - 4, symbolIndex: undefinedSymbol(name), type, addend: -4n });
  };
  const text = builder.addSection({ type: SectionType.Code, name: '.text' });
  builder.addSymbol({ name: `f${index}`, sectionIndex: text });
  const bytes = new Uint8Array(Int32Array.of(value * 1000).buffer);
  const data = builder.addSection({ type: SectionType.Data, name: '.data', data: bytes });
  builder.addSymbol({ name: `v${index}`, sectionIndex: data, type: SymbolType.Data });
  code.push(0x53, 0xbb, ...new Uint8Array(Int32Array.of(value).buffer)); // push rbx; mov ebx, value
  for (const read of reads) {
    refer([0x48, 0x8b, 0x05], `v${read}`, RelocationType.GotPcRel); // mov rax, [rip + slot]
    code.push(0x03, 0x18); // add ebx, [rax]
  }
  for (const { callee, by } of calls) {
    if (by === 'plt') refer([0xe8], `f${callee}`, RelocationType.Plt32);
    else refer([0xff, 0x15], `f${callee}`, RelocationType.GotPcRel); // call [rip + slot]
    code.push(0x01, 0xc3); // add ebx, eax
  }
  code.push(0x89, 0xd8, 0x5b, 0xc3); // mov eax, ebx; pop rbx; ret
  builder.replaceSection(text, { data: Uint8Array.from(code) });
  builder.setRelocations(text, relocations);
  return builder.build();
}

/** What README.md says, without any memory. */
class Model {
  readonly #loaded = new Map<number, { version: Version; image?: { data: readonly number[] } }>();

  load(index: number, version: Version): void {
    this.#loaded.set(index, { version });
  }

  unload(index: number): boolean {
    return this.#loaded.delete(index);
  }

  /** @throws Error if a function, or what has to be loaded for it, is missing */
  call(index: number): number {
    this.link(index);
    const { version, image } = this.#loaded.get(index)!;
    const read = image!.data.reduce((sum, value) => sum + value, 0);
    return version.calls.reduce((sum, { callee }) => sum + this.call(callee), version.value + read);
  }

  /** Brings it and all whose data is read into memory, or none of them. */
  link(index: number): void {
    const group = new Set([index]);
    for (const member of group) {
      const module = this.#loaded.get(member);
      if (module === undefined) throw new Error(`f${member} is missing`);
      if (module.image !== undefined) continue;
      for (const { callee } of module.version.calls) {
        if (!this.#loaded.has(callee)) throw new Error(`f${callee} is missing`);
      }
      for (const read of module.version.reads) group.add(read);
    }
    for (const member of group) {
      const module = this.#loaded.get(member)!;
      module.image ??= { data: module.version.reads.map((read) => this.#loaded.get(read)!.version.value * 1000) };
    }
  }
}

const outcome = (action: () => number): number | 'missing' => {
  try {
    return action();
  } catch {
    return 'missing';
  }
};

const index = fc.nat(MODULES - 1);
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: index.chain((module) => {
      // Calls go to later modules only, so that they end. Data is read in circles too.
      const later = fc.integer({ min: module + 1, max: Math.max(module + 1, MODULES - 1) });
      const call = fc.record({ callee: later, by: fc.constantFrom('plt' as const, 'got' as const) });
      return fc.record({
        kind: fc.constant('load' as const),
        module: fc.constant(module),
        reads: fc.array(index, { maxLength: 2 }),
        calls: module === MODULES - 1 ? fc.constant([]) : fc.array(call, { maxLength: 3 }),
      });
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unload' as const), module: index }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('call' as const), module: index }) },
);

test.skipIf(process.arch !== 'x64')('modules do what the model does', () => {
  let called = 0;
  fc.assert(
    fc.property(fc.array(command, { minLength: 10, maxLength: 50, size: 'max' }), (commands) => {
      const resolver = new JitSymbolResolver({ arena: place().arena });
      const model = new Model();
      const callables = new Map<number, () => number>();
      let value = 0;
      for (const step of commands) {
        const path = join(place().folder, `${step.module}.smf`);
        if (step.kind === 'load') {
          const version = { value: ++value, reads: step.reads, calls: step.calls };
          resolver.loadSmf(place().write(`${step.module}.smf`, build(step.module, version)));
          model.load(step.module, version);
        } else if (step.kind === 'unload') {
          expect(resolver.unload(path)).toBe(model.unload(step.module));
        } else {
          const expected = outcome(() => model.call(step.module));
          let actual: number | 'missing';
          try {
            const known = callables.get(step.module);
            const callable = known ?? resolver.resolveFunction(`f${step.module}`, I32);
            callables.set(step.module, callable);
            actual = callable();
            called += 1;
          } catch (error) {
            expect(error).toBeInstanceOf(ResolveError);
            expect(error).toMatchObject({ code: 'ERR_UNRESOLVED', symbol: expect.stringMatching(/^f\d$/) });
            const { cause } = error as Error;
            if (cause !== undefined) {
              expect(cause).toBeInstanceOf(LinkError);
              expect(cause).toMatchObject({ code: 'ERR_UNDEFINED_SYMBOL' });
            }
            actual = 'missing';
          }
          expect(actual).toBe(expected);
        }
      }
      resolver.close();
      for (const callable of callables.values()) expect(callable).toThrow(/freed|closed/);
      expect(place().arena.stats()).toMatchObject({ blocks: 0, slots: 0, dataBlocks: 0 });
    }),
    { numRuns: runs(200) },
  );
  expect(called).toBeGreaterThan(100);
});
