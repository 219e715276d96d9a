// Signed libraries: trusted by key whatever their owner, refused when a byte was changed, left alone by write-back.
import { generateKeyPairSync } from 'node:crypto';
import { appendFileSync, chmodSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSmf, SmfBuilder, SmfFormatError } from '@simple-jit/smf-format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assembleLibrary } from '../src/assemble.js';
import { JitInstantiator, type JitInstantiatorConfig, signSmf, verifySmf } from '../src/index.js';
import { COLLECTIONS, call, useWorkspace } from './support.js';

const workspace = useWorkspace();
const keys = generateKeyPairSync('ed25519');
const others = generateKeyPairSync('ed25519');
const signed = signSmf(assembleLibrary(COLLECTIONS), keys.privateKey);

test('a signed file is an ordinary one, and verifies with its key only', () => {
  expect(parseSmf(signed, { verifyModuleHash: true }).findSymbol('sum')?.isTemplate).toBe(true);
  expect(verifySmf(signed, [others.publicKey, keys.publicKey])).toEqual({ valid: true, publicKey: keys.publicKey });
  expect(verifySmf(signed, [others.publicKey])).toEqual({ valid: false, reason: expect.stringMatching(/another key/) });
  expect(verifySmf(signed, [])).toMatchObject({ valid: false });
  expect(verifySmf(assembleLibrary(COLLECTIONS), [keys.publicKey])).toEqual({
    valid: false,
    reason: 'the file is not signed',
  });
});

test('keys may be PEM text; a private key stands for its public one', () => {
  const pem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const spki = keys.publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const bytes = signSmf(assembleLibrary(COLLECTIONS), pem);
  expect(bytes).toEqual(signed); // Ed25519 is deterministic, and so is the builder
  expect(verifySmf(bytes, [spki]).valid).toBe(true);
  expect(verifySmf(bytes, [pem]).valid).toBe(true);
});

test('signing again replaces', () => {
  const again = signSmf(signed, others.privateKey);
  expect(again.length).toBe(signed.length);
  expect(verifySmf(again, [others.publicKey]).valid).toBe(true);
  expect(verifySmf(again, [keys.publicKey]).valid).toBe(false);
});

test('keys of other kinds are refused', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed448');
  expect(() => signSmf(signed, privateKey)).toThrow(/Ed25519 key is needed, not ed448/);
  expect(() => verifySmf(signed, [publicKey])).toThrow(TypeError);
  expect(() => signSmf(signed, keys.publicKey)).toThrow(/private key/);
  expect(() => new JitInstantiator({ trustedKeys: [publicKey] })).toThrow(TypeError);
  expect(() => signSmf(new Uint8Array(200), keys.privateKey)).toThrow(SmfFormatError);
});

test('no byte can be changed, but those of the module hash', () => {
  const hash = { from: signed.length - 128 + 60, to: signed.length - 128 + 68 };
  fc.assert(
    fc.property(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      if (at >= hash.from && at < hash.to) return;
      const changed = signed.slice();
      changed[at]! ^= flip;
      let valid = false;
      try {
        valid = verifySmf(changed, [keys.publicKey]).valid;
      } catch (error) {
        expect(error).toBeInstanceOf(SmfFormatError);
      }
      expect(valid).toBe(false);
    }),
    { numRuns: 300 },
  );
});

/** A signed library that holds `fn$sum$f64`, in a file that the trust rule alone would refuse. */
function signedWithCode(name = 'signed.smf'): string {
  const path = workspace.library(name);
  {
    using jit = new JitInstantiator({ flushDelay: 60_000, cacheDirectory: undefined });
    jit.loadSmfMetadata(path);
    sum(jit);
  }
  writeFileSync(path, signSmf(readFileSync(path), keys.privateKey));
  chmodSync(path, 0o666);
  return path;
}

const sum = (jit: JitInstantiator) => call(jit, 'fn$sum$f64', new Float64Array([1, 2, 3]), 3n);

function explain(path: string, config: Partial<JitInstantiatorConfig>): unknown {
  using jit = new JitInstantiator({ updateSmf: false, cacheDirectory: undefined, ...config });
  jit.loadSmfMetadata(path);
  expect(sum(jit)).toBe(6);
  return jit.explain('fn$sum$f64');
}

test('a file signed with a trusted key is trusted whatever its owner and mode', () => {
  const path = signedWithCode();
  expect(explain(path, { trustedKeys: [keys.publicKey] })).toEqual({ kind: 'persisted' });
});

test('one signed with another key is judged by its owner', () => {
  const path = signedWithCode();
  expect(explain(path, { trustedKeys: [others.publicKey] })).toEqual({
    kind: 'rejected',
    reason: expect.stringMatching(/writable by group or others.*signed with key [0-9a-f]{64}, which is not trusted/),
  });
  chmodSync(path, 0o644);
  expect(explain(path, { trustedKeys: [others.publicKey] })).toEqual({ kind: 'persisted' });
  expect(explain(path, {})).toEqual({ kind: 'persisted' });
});

test('a tampered signed file is refused whatever its owner, and its templates still compile', () => {
  const path = signedWithCode();
  chmodSync(path, 0o644);
  const bytes = readFileSync(path);
  const file = parseSmf(bytes);
  const padding = bytes.findIndex((byte, at) => at > file.sections[0]!.size && byte === 0);
  bytes[padding]! ^= 1;
  writeFileSync(path, bytes);
  for (const trustedKeys of [[], [keys.publicKey]]) {
    expect(explain(path, { trustedKeys })).toEqual({
      kind: 'rejected',
      reason: expect.stringMatching(/changed after it was signed/),
    });
  }
});

test('a signed file too large to be verified is refused, and its templates still compile', () => {
  const path = signedWithCode();
  const bytes = readFileSync(path);
  // A hole before the section table: 5 GiB that take no room on the disk.
  const gap = 5 * 2 ** 30;
  const { header, sections } = parseSmf(bytes);
  const tables = header.sectionTableOffset;
  const fields = sections.filter(({ offset }) => offset > tables).map(({ index }) => tables + 64 * index + 8);
  for (const at of [...fields, bytes.length - 128 + 20, bytes.length - 128 + 28]) {
    bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at) + BigInt(gap), at);
  }
  truncateSync(path, tables);
  truncateSync(path, tables + gap);
  appendFileSync(path, bytes.subarray(tables));
  expect(explain(path, { trustedKeys: [keys.publicKey] })).toEqual({
    kind: 'rejected',
    reason: expect.stringMatching(/not trusted: file: more bytes than one Uint8Array holds/),
  });
});

test('code that was put in with its hashes made right is refused too', () => {
  const path = signedWithCode();
  const builder = SmfBuilder.from(parseSmf(readFileSync(path)));
  const tables = builder.findSection('jit.sdn');
  const text = Buffer.from(parseSmf(readFileSync(path)).sectionData(tables))
    .toString()
    .replace('# ', '#  ');
  builder.replaceSection(tables, { data: Buffer.from(`${text}\n`), virtualSize: text.length + 1 });
  writeFileSync(path, builder.build());
  expect(explain(path, { trustedKeys: [keys.publicKey] })).toMatchObject({ kind: 'rejected' });
});

test('write-back leaves a signed file as it is: the companion takes the results', () => {
  const path = workspace.write('signed.smf', signed);
  const cacheDirectory = join(workspace.folder, 'cache');
  for (const expected of ['compiled', 'persisted']) {
    using jit = new JitInstantiator({ flushDelay: 60_000, cacheDirectory, trustedKeys: [keys.publicKey] });
    jit.loadSmfMetadata(path);
    expect(jit.tryJitInstantiate('fn$sum$f64').kind).toBe('success');
    expect(jit.explain('fn$sum$f64')).toEqual({ kind: expected });
    expect(jit.flush()).toEqual([]);
  }
  expect(new Uint8Array(readFileSync(path))).toEqual(signed);
  expect(readdirSync(cacheDirectory).length).toBe(1);
});

test('without a companion: updateFailed at once', () => {
  const path = workspace.write('signed.smf', signed);
  const jit = new JitInstantiator({ flushDelay: 60_000, cacheDirectory: undefined });
  jit.loadSmfMetadata(path);
  expect(jit.tryJitInstantiate('fn$sum$f64')).toMatchObject({
    kind: 'updateFailed',
    error: expect.stringMatching(/signed/),
  });
  expect(() => jit.close()).toThrow(expect.objectContaining({ code: 'ERR_WRITE_BACK' }));
  expect(new Uint8Array(readFileSync(path))).toEqual(signed);
});

test('a file that was signed after it was loaded is left alone as well', () => {
  const path = workspace.library();
  using jit = new JitInstantiator({ flushDelay: 60_000, cacheDirectory: join(workspace.folder, 'cache') });
  jit.loadSmfMetadata(path);
  sum(jit);
  writeFileSync(path, signed);
  expect(jit.flush()).toEqual([]);
  expect(new Uint8Array(readFileSync(path))).toEqual(signed);
});
