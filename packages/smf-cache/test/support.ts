// Files, libraries and a folder of its own for each test.
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { LsmfBuilder, SectionType, SmfBuilder, type SmfCodecs } from '@simple-jit/smf-format';
import { afterEach, beforeEach } from 'vitest';
import type { MappedSmf } from '../src/index.js';

/** A folder that is there while a test runs. */
export function temporaryFolder(): { readonly path: string; write(name: string, bytes: Uint8Array): string } {
  const folder = {
    path: '',
    write(name: string, bytes: Uint8Array): string {
      const path = join(folder.path, name);
      writeFileSync(path, bytes);
      chmodSync(path, 0o644); // trusted, whatever the umask
      return path;
    },
  };
  beforeEach(() => {
    folder.path = mkdtempSync(join(realpathSync(tmpdir()), 'smf-cache-'));
  });
  afterEach(() => rmSync(folder.path, { recursive: true, force: true }));
  return folder;
}

/** A module with a template, a note, and a section `version` that tells it apart. */
export function smf(version = 'one', padding = 0): Uint8Array {
  const builder = new SmfBuilder();
  builder.addTemplate({ kind: 0, name: 'identity', genericParams: [{ name: 'T' }], body: Uint8Array.of(1, 2, 3) });
  builder.addSection({ type: SectionType.RoData, name: 'version', data: new TextEncoder().encode(version) });
  builder.addSection({ type: SectionType.RoData, name: 'padding', data: new Uint8Array(padding).fill(0x55) });
  builder.addSymbol({ name: 'plain', sectionIndex: 0, type: 2 });
  builder.setNote(
    `possible |template, type_args, mangled_name, required_by, can_defer|\n    identity, ${version}, fn$identity$${version}, me, true\n`,
  );
  return builder.build();
}

/** A library of such modules, each with its name as version. */
export function library(...names: string[]): Uint8Array {
  const builder = new LsmfBuilder();
  for (const name of names) builder.addModule(name, smf(name));
  return builder.build();
}

/** A module of compressed sections `z0`, `z1`, … of so many bytes each. */
export function compressed(sizes: readonly number[], algorithm: 'lz4' | 'zstd', codecs: SmfCodecs): Uint8Array {
  const builder = new SmfBuilder().setCompression(algorithm, codecs);
  sizes.forEach((size, i) => {
    const data = Uint8Array.from({ length: size }, (_, at) => (at >> 8) + i);
    builder.addSection({ type: SectionType.RoData, name: `z${i}`, data, compress: true });
  });
  return builder.build();
}

export const versionOf = (file: MappedSmf): string =>
  Buffer.from(file.readSection(file.file.findSection('version')!.index)).toString();

/** Puts a new file in the place of an old one, as a careful writer does. */
export function replace(path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.new`, bytes);
  renameSync(`${path}.new`, path);
}

/** Descriptors of the process for what lies in `folder`; the test runner has others, and opens some at any time. */
export const openDescriptors = (folder: string): number =>
  readdirSync('/proc/self/fd').filter((number) => targetOf(number).startsWith(folder)).length;

function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return ''; // closed since: that of the folder itself, or another thread's
  }
}

/** Mappings of the process whose path begins with `folder`; of '', all. */
export const mappingsOf = (folder: string): number =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => folder === '' || line.includes(` ${folder}`)).length;

export function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Has the collector run, and what it found be finalised. */
export async function collect(): Promise<void> {
  gc();
  await nextTurn();
}
