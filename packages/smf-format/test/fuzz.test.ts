// Hostile input: mutated files end in a result or a typed error, and allocate no more than a small multiple of their size.
// `pnpm --filter @simple-jit/smf-format fuzz` runs a million; CI a fixed seed of fewer. FUZZ_RUNS and FUZZ_SEED change both.
import { legacySmf } from '@simple-jit/fixtures';
import { expect, test } from 'vitest';
import {
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

/** Everything that can be asked of a file. Typed errors are fine; anything else is not. */
function ask(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof SmfFormatError || error instanceof SdnSyntaxError)) throw error;
  }
}

function askAll(smf: SmfFile): void {
  for (const { index } of smf.sections) {
    ask(() => smf.sectionData(index));
    ask(() => smf.relocationsOf(index));
  }
  for (let i = 0; i < smf.symbols.length; i++) ask(() => smf.symbols.at(i));
  for (const name of ['main', 'sum', 'nope']) ask(() => smf.findSymbol(name));
  ask(() => smf.templates().map((template) => [template.body, template.entry]));
  ask(() => smf.templateAt(10));
  ask(() => smf.templateMeta());
  ask(() => smf.noteSdn());
  ask(() => smf.computeModuleHash());
  ask(() => {
    const again = parseSmf(SmfBuilder.from(smf).build(), { codecs, limits });
    if (again.sections.length < smf.sections.length) throw new Error('a section was lost');
  });
}

/** @returns what the validator said of it, as one string: an input that makes it say something new is worth keeping */
function one(bytes: Uint8Array): string {
  ask(() => askAll(parseSmf(bytes, { codecs, limits })));
  const said = validateSmf(bytes, { codecs, limits }).map(
    ({ code, structure }) => `${code} ${structure.replace(/[0-9(].*/, '')}`,
  );
  ask(() => {
    const library = parseLsmf(bytes, { verifyHashes: true });
    for (const { index } of library.modules.slice(0, 4)) ask(() => library.open(index));
  });
  return [...new Set(said)].sort().join();
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
  const heard = new Set(seeds.map(one));
  const whole = seeds.length;
  // Half of the time from a whole file, so that what was found does not crowd out what is well formed.
  const pick = (): Uint8Array => seeds[below(below(2) === 0 ? whole : seeds.length)] as Uint8Array;
  let parsed = 0;
  for (let run = 0; run < RUNS; run++) {
    const input = mutate(pick(), pick(), below);
    try {
      let said = '';
      const allocated = allocatedBy(() => {
        said = one(input);
      });
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
