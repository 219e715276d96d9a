// Hostile input: mutated files end in a result or a typed error, and allocate no more than a small multiple of their size.
// `pnpm --filter @simple-jit/smf-format fuzz` runs a million; CI a fixed seed of fewer. FUZZ_RUNS and FUZZ_SEED change both.
import { legacySmf } from '@simple-jit/fixtures';
import { expect, test } from 'vitest';
import {
  type ByteSource,
  type Diagnostic,
  LsmfBuilder,
  parseLsmf,
  parseSdn,
  parseSmf,
  SdnSyntaxError,
  SmfBuilder,
  type SmfFile,
  SmfFormatError,
  validateSmf,
} from '../src/index.js';
import { loadCodecs } from '../src/node.js';
import { mutate, random } from './mutate.js';
import { copying } from './sources.js';
import { richBuilder } from './support.js';

const RUNS = Number(process.env.FUZZ_RUNS ?? 20_000);
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_122);
/** What one input may make us allocate in typed arrays, all told. */
const ALLOCATION_FACTOR = 64;
const ALLOCATION_BASE = 1 << 20;

const codecs = await loadCodecs();
const limits = { maxUncompressedSize: 1 << 20, maxCompressionRatio: 64 };

function corpus(): Uint8Array[] {
  const rich = richBuilder();
  const compressed = (algorithm: 'zstd' | 'lz4'): Uint8Array => {
    const builder = new SmfBuilder().setCompression(algorithm, codecs);
    builder.addSection({ type: 1, name: '.text', data: new Uint8Array(600).fill(0x90), compress: true });
    builder.addSymbol({ name: 'main', size: 600 });
    return builder.build();
  };
  const bytes = rich.build();
  const narrow = legacySmf({ layout: 'legacy-72' });
  return [
    bytes,
    richBuilder().setStub(new TextEncoder().encode('#!/usr/bin/env simple\n')).build(),
    new Uint8Array([...new Uint8Array(50), ...bytes]),
    compressed('zstd'),
    compressed('lz4'),
    legacySmf({ layout: 'legacy-96', symbols: [{ name: 'a' }, { name: 'bb' }, { name: 'ccc' }] }),
    narrow,
    legacySmf({ layout: 'trailer-96' }),
    new LsmfBuilder().addModule('one', bytes, narrow).addModule('two', narrow).build(),
    new SmfBuilder().build(),
  ];
}

/** What comes of it, as text. Typed errors are fine; anything else is not. */
function ask(action: () => unknown): string {
  try {
    return textOf(action());
  } catch (error) {
    if (!(error instanceof SmfFormatError || error instanceof SdnSyntaxError)) throw error;
    return error.message;
  }
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return JSON.stringify(value, (_, inner: unknown) => {
    if (inner instanceof Uint8Array) return Buffer.from(inner).toString('base64');
    return typeof inner === 'bigint' ? `${inner}` : inner;
  });
}

/** Everything that can be asked of a file, and what it answered. */
function askAll(smf: SmfFile): string[] {
  const said = [textOf(smf.header), textOf(smf.sections)];
  for (const { index } of smf.sections) {
    said.push(ask(() => smf.sectionData(index)));
    said.push(ask(() => smf.relocationsOf(index)));
  }
  for (let i = 0; i < smf.symbols.length; i++) said.push(ask(() => smf.symbols.at(i)));
  for (const name of ['main', 'sum', 'nope']) said.push(ask(() => smf.findSymbol(name)));
  said.push(ask(() => smf.templates().map((template) => [template.name, template.body, template.entry])));
  said.push(ask(() => smf.templateAt(10)?.name));
  said.push(ask(() => smf.templateMeta()));
  said.push(ask(() => smf.noteSdn()));
  said.push(ask(() => smf.computeModuleHash()));
  said.push(
    ask(() => {
      const built = SmfBuilder.from(smf).build();
      const again = parseSmf(built, { codecs, limits });
      if (again.sections.length < smf.sections.length) throw new Error('a section was lost');
      return built;
    }),
  );
  return said;
}

/** What the parser, the validator and the library reader make of an input. */
function answers(input: Uint8Array | ByteSource): { readonly problems: readonly Diagnostic[]; readonly said: string } {
  const said: string[] = [];
  said.push(
    ask(() => {
      said.push(...askAll(parseSmf(input, { codecs, limits })));
    }),
  );
  const problems = validateSmf(input, { codecs, limits });
  said.push(textOf(problems));
  said.push(
    ask(() => {
      const library = parseLsmf(input, { verifyHashes: true });
      for (const { index } of library.modules.slice(0, 4)) {
        said.push(
          ask(() => {
            said.push(...askAll(library.open(index)));
          }),
        );
      }
      return library.modules;
    }),
  );
  return { problems, said: said.join('\n') };
}

/**
 * Every form of input must give the same answers, to the last byte of each message.
 *
 * @returns what the validator said of it, as one string: an input that makes it say something new is worth keeping
 */
function one(bytes: Uint8Array, forms: boolean): string {
  const { problems, said } = answers(bytes);
  if (forms) {
    expect(answers(copying(bytes)).said).toBe(said);
    expect(answers(copying(bytes, 1 + (bytes.length % 200))).said).toBe(said);
  }
  const found = problems.map(({ code, structure }) => `${code} ${structure.replace(/[0-9(].*/, '')}`);
  return [...new Set(found)].sort().join();
}

/** Counts the bytes of typed arrays made by length while `action` runs. */
function allocatedBy(action: () => void): number {
  let bytes = 0;
  const counting = <T extends Uint8ArrayConstructor | Int32ArrayConstructor>(original: T): T =>
    new Proxy(original, {
      construct(target, args, newTarget) {
        if (typeof args[0] === 'number') bytes += args[0] * target.BYTES_PER_ELEMENT;
        return Reflect.construct(target, args, newTarget === counted ? target : newTarget) as object;
      },
    });
  const originals = [globalThis.Uint8Array, globalThis.Int32Array] as const;
  const counted = counting(originals[0]);
  globalThis.Uint8Array = counted;
  globalThis.Int32Array = counting(originals[1]);
  try {
    action();
  } finally {
    [globalThis.Uint8Array, globalThis.Int32Array] = originals;
  }
  return bytes;
}

test(`${RUNS} mutated files, seed ${SEED}`, { timeout: 3_600_000 }, () => {
  const below = random(SEED);
  const seeds = corpus();
  const heard = new Set(seeds.map((bytes) => one(bytes, true)));
  const whole = seeds.length;
  // Half of the time from a whole file, so that what was found does not crowd out what is well formed.
  const pick = (): Uint8Array => seeds[below(below(2) === 0 ? whole : seeds.length)] as Uint8Array;
  let parsed = 0;
  for (let run = 0; run < RUNS; run++) {
    const input = mutate(pick(), pick(), below);
    try {
      let said = '';
      const allocated = allocatedBy(() => {
        said = one(input, false);
      });
      if (run % 4 === 0) one(input, true);
      const allowed = ALLOCATION_BASE + ALLOCATION_FACTOR * input.length;
      if (allocated > allowed) throw new Error(`${allocated} bytes allocated for ${input.length}`);
      // Guided: what leads to something new is mutated further.
      if (!heard.has(said) && seeds.length < 2000 && input.length < 20_000) {
        heard.add(said);
        seeds.push(input);
      }
    } catch (error) {
      throw new Error(`run ${run} of seed ${SEED}: ${Buffer.from(input).toString('base64')}`, { cause: error });
    }
    ask(() => {
      parseSmf(input);
      parsed++;
    });
  }
  // A mutator that only ever makes rubbish would test little.
  expect(parsed).toBeGreaterThan(RUNS / 20);
  expect(heard.size).toBeGreaterThan(50);
  console.info(`${parsed} of ${RUNS} parsed; ${heard.size} different findings`);
});

test('mutated notes and SDN', { timeout: 3_600_000 }, () => {
  const below = random(SEED + 1);
  const text = new TextEncoder().encode(
    `${parseSmf(richBuilder().build()).noteSdnText()}build:\n  a = {b: [1, "x"], c: 1.5}\nt: table{i32} = [(1), (2)]\n- x\n`,
  );
  for (let run = 0; run < RUNS; run++) {
    const mutated = new TextDecoder().decode(mutate(text, text, below));
    ask(() => parseSdn(mutated, { loose: run % 2 === 0 }));
    ask(() => new SmfBuilder().setNote(mutated).build());
  }
});
