// A real executable with an SMF file behind it: it still runs, and the file still parses, by header and by plain cat.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseSmf, SmfBuilder } from '../src/index.js';
import { richBuilder, sumNote } from './support.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'smf-stub-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The smallest program at hand on any Linux; 7f 45 4c 46. */
const echo = process.platform === 'linux' ? new Uint8Array(readFileSync('/bin/echo')) : undefined;

function run(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes, { mode: 0o755 });
  return execFileSync(path, ['it', 'runs'], { encoding: 'utf8' });
}

test.skipIf(echo === undefined)('an ELF program before the SMF data, by the header', () => {
  const bytes = richBuilder().setStub(echo).build();
  expect(run('by-header', bytes)).toBe('it runs\n');
  const smf = parseSmf(bytes, { verifyModuleHash: true });
  expect(smf.stub).toEqual(echo);
  expect(smf.noteSdn()).toEqual(sumNote);
  expect(SmfBuilder.from(smf).setStub(undefined).build()).toEqual(richBuilder().build());
});

test.skipIf(echo === undefined)('an ELF program before the SMF data, by cat', () => {
  writeFileSync(join(folder, 'stub'), echo as Uint8Array);
  writeFileSync(join(folder, 'module.smf'), richBuilder().build());
  const bytes = new Uint8Array(
    execFileSync('cat', [join(folder, 'stub'), join(folder, 'module.smf')], { maxBuffer: 1 << 26 }),
  );
  expect(run('by-cat', bytes)).toBe('it runs\n');
  const smf = parseSmf(bytes, { verifyModuleHash: true });
  expect(smf.dataOffset).toBe(echo?.length);
  expect(smf.templates().map((template) => template.name)).toEqual(['sum', 'Pair']);
  // Written again, the header knows of the stub.
  const repaired = parseSmf(SmfBuilder.from(smf).build());
  expect(repaired.header.smfDataOffset).toBe(echo?.length);
  expect(repaired.stub).toEqual(echo);
});

test.skipIf(process.platform === 'win32')('a shebang stub runs its interpreter', () => {
  const stub = new TextEncoder().encode('#!/bin/echo\n');
  const bytes = richBuilder().setStub(stub).build();
  expect(run('shebang', bytes)).toContain('it runs');
  expect(parseSmf(bytes).stub).toEqual(stub);
});
