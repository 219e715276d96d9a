// The cache against a simple model of it: random users, random writers, and after each step every statistic, every handle
// and the process's own list of mappings must be what the model says.
import { mkdtempSync, realpathSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LsmfBuilder, SectionType, SmfBuilder } from '@simple-jit/smf-format';
import { lz4 } from '@simple-jit/smf-format/lz4';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type MappedSmf, SmfCache } from '../src/index.js';
import { caught, mappingsOf, openDescriptors, replace } from './support.js';

const UNPACKED = 1000;
const FILES = ['a', 'b', 'c', 'lib'] as const;
type File = (typeof FILES)[number];
/** What may be asked for: files, a link to one, modules of a library, what isn't there. */
const PATHS = ['a', 'b', 'c', 'link', 'lib#x', 'lib#y', 'lib#none', 'lib'] as const;
type Path = (typeof PATHS)[number];

/** A module with its version, and a compressed section. */
function module(version: string): Uint8Array {
  const builder = new SmfBuilder().setCompression('lz4', { lz4 });
  builder.addSection({ type: SectionType.RoData, name: 'version', data: new TextEncoder().encode(version) });
  builder.addSection({ type: SectionType.RoData, name: 'z', data: new Uint8Array(UNPACKED), compress: true });
  return builder.build();
}

function content(file: File, version: number): Uint8Array {
  if (file !== 'lib') return module(`${version}`.padStart(6, '0'));
  const builder = new LsmfBuilder();
  for (const name of ['x', 'y']) builder.addModule(name, module(`${version}${name}`.padStart(6, '0')));
  return builder.build();
}

const SIZE = content('a', 1).length;

/** A file on disk: what another inode, content or time would make another one of. */
interface OnDisk {
  inode: number;
  version: number;
  state: number;
  readonly size: number;
}

/** A mapping of the model. */
interface Mapped {
  readonly inode: number;
  readonly version: number;
  readonly state: number;
  readonly size: number;
  readonly unpacked: Set<string>;
  readonly paths: Set<string>;
  handles: number;
}

class Model {
  readonly disk = new Map<File, OnDisk>();
  /** Least recently used first. */
  kept: Mapped[] = [];
  readonly mapped = new Set<Mapped>();
  readonly handles: { readonly mapping: Mapped; readonly path: Path }[] = [];
  hits = 0;
  misses = 0;
  evictions = 0;
  clock = 0;

  constructor(
    readonly maxFiles: number,
    readonly maxMemory: number,
  ) {}

  static fileOf(path: Path): File {
    return path === 'link' ? 'a' : (path.split('#')[0] as File);
  }

  /** The name under which a path is known. */
  static nameOf(path: Path): string {
    return path.split('#')[0]!;
  }

  static exists(path: Path): boolean {
    return path !== 'lib#none' && path !== 'lib';
  }

  bytesOf(mapping: Mapped): number {
    return mapping.size + UNPACKED * mapping.unpacked.size;
  }

  get bytes(): number {
    return this.kept.reduce((sum, mapping) => sum + this.bytesOf(mapping), 0);
  }

  letGo(mapping: Mapped): void {
    this.kept = this.kept.filter((other) => other !== mapping);
    mapping.paths.clear();
    mapping.unpacked.clear();
    if (mapping.handles === 0) this.mapped.delete(mapping);
  }

  /** Least recently used ones go until the limits hold; the newest always stays. */
  shrink(): void {
    while (this.kept.length > this.maxFiles || this.bytes > this.maxMemory) {
      this.evictions += 1;
      this.letGo(this.kept[0]!);
    }
  }

  isCurrent(mapping: Mapped, onDisk: OnDisk): boolean {
    return mapping.inode === onDisk.inode && mapping.version === onDisk.version && mapping.state === onDisk.state;
  }

  cached(path: Path): Mapped | undefined {
    const onDisk = this.disk.get(Model.fileOf(path));
    return onDisk && this.kept.find((mapping) => this.isCurrent(mapping, onDisk));
  }

  /** The mapping that `get` finds or makes; undefined if there is no file. */
  lookUp(path: Path): Mapped | undefined {
    const onDisk = this.disk.get(Model.fileOf(path));
    // `lib#x` without lib is looked for by its whole name, and that was never seen.
    const name = onDisk === undefined && path.includes('#') ? path : Model.nameOf(path);
    const known = this.kept.find((mapping) => mapping.paths.has(name));
    if (known !== undefined && known.inode !== onDisk?.inode) this.letGo(known);
    if (onDisk === undefined) {
      this.misses += 1;
      return undefined;
    }
    const same = this.kept.find(({ inode }) => inode === onDisk.inode);
    if (same !== undefined && this.isCurrent(same, onDisk)) {
      this.hits += 1;
      this.use(same);
      same.paths.add(name);
      return same;
    }
    this.misses += 1;
    if (same !== undefined) this.letGo(same);
    const { inode, version, state, size } = onDisk;
    const made: Mapped = { inode, version, state, size, unpacked: new Set(), paths: new Set([name]), handles: 0 };
    if (size <= this.maxMemory) {
      this.mapped.add(made);
      this.kept.push(made);
      this.shrink();
    }
    return made;
  }

  use(mapping: Mapped): void {
    this.kept = [...this.kept.filter((other) => other !== mapping), mapping];
  }

  unpack(mapping: Mapped, path: Path): void {
    const section = path.split('#')[1] ?? '';
    if (!this.kept.includes(mapping) || mapping.unpacked.has(section)) return;
    mapping.unpacked.add(section);
    if (this.bytesOf(mapping) > this.maxMemory) mapping.unpacked.clear();
    this.use(mapping);
    this.shrink();
  }

  evict(path: Path): boolean {
    const known = this.kept.find((mapping) => mapping.paths.has(Model.nameOf(path)));
    const found = new Set([known, this.kept.find(({ inode }) => inode === this.disk.get(Model.fileOf(path))?.inode)]);
    found.delete(undefined);
    if (path === 'lib#none') return false;
    for (const mapping of found) this.letGo(mapping!);
    return found.size > 0;
  }
}

interface Real {
  readonly folder: string;
  readonly cache: SmfCache;
  readonly handles: MappedSmf[];
}

type Step = fc.Command<Model, Real>;

class Do implements Step {
  constructor(
    readonly what: string,
    readonly step: (model: Model, real: Real) => void,
    readonly may: (model: Model) => boolean = () => true,
  ) {}

  check(model: Model): boolean {
    return this.may(model);
  }

  run(model: Model, real: Real): void {
    this.step(model, real);
    expect(real.cache.getStats()).toEqual({
      totalFiles: model.kept.length,
      totalMemory: model.bytes,
      unpackedMemory: model.bytes - model.kept.reduce((sum, { size }) => sum + size, 0),
      cacheHits: model.hits,
      cacheMisses: model.misses,
      evictions: model.evictions,
    });
    expect(mappingsOf(real.folder)).toBe(model.mapped.size);
    expect(openDescriptors(real.folder)).toBe(0);
  }

  toString(): string {
    return this.what;
  }
}

const write = (file: File): Step =>
  new Do(`replace ${file}`, (model, { folder }) => {
    const version = ++model.clock;
    const bytes = content(file, version);
    replace(join(folder, file), bytes);
    model.disk.set(file, { inode: version, version, state: 0, size: bytes.length });
  });

/** Held mappings see what is written into their file, so that is left to careless programs and not tested here. */
const overwrite = (file: File): Step =>
  new Do(
    `write over ${file}`,
    (model, { folder }) => {
      const onDisk = model.disk.get(file)!;
      onDisk.version = ++model.clock;
      writeFileSync(join(folder, file), content(file, onDisk.version), { flag: 'r+' });
    },
    (model) => {
      const onDisk = model.disk.get(file);
      return (
        onDisk !== undefined && ![...model.mapped].some(({ inode, handles }) => inode === onDisk.inode && handles > 0)
      );
    },
  );

const touch = (file: File): Step =>
  new Do(
    `touch ${file}`,
    (model, { folder }) => {
      model.disk.get(file)!.state = ++model.clock;
      utimesSync(join(folder, file), 1000, model.clock);
    },
    (model) => model.disk.has(file),
  );

const remove = (file: File): Step =>
  new Do(
    `remove ${file}`,
    (model, { folder }) => {
      unlinkSync(join(folder, file));
      model.disk.delete(file);
    },
    (model) => model.disk.has(file),
  );

const get = (path: Path): Step =>
  new Do(`get ${path}`, (model, { folder, cache, handles }) => {
    const mapping = model.lookUp(path);
    const action = (): MappedSmf => cache.get(join(folder, path));
    if (mapping === undefined) {
      expect(caught(action)).toMatchObject({ code: 'ENOENT' });
    } else if (!Model.exists(path)) {
      expect(caught(action)).toMatchObject({ code: path === 'lib' ? 'ERR_IS_LIBRARY' : 'ERR_SMF_NO_SUCH_MODULE' });
    } else {
      mapping.handles += 1;
      model.mapped.add(mapping);
      model.handles.push({ mapping, path });
      handles.push(action());
    }
  });

const close = (at: number): Step =>
  new Do(
    `close handle ${at}`,
    (model, { handles }) => {
      const index = at % model.handles.length;
      const [{ mapping }] = model.handles.splice(index, 1) as [Model['handles'][number]];
      mapping.handles -= 1;
      if (mapping.handles === 0 && !model.kept.includes(mapping)) model.mapped.delete(mapping);
      const [handle] = handles.splice(index, 1) as [MappedSmf];
      handle.close();
      handle.close();
      expect(caught(() => handle.readSection(0))).toMatchObject({ code: 'ERR_CLOSED' });
    },
    (model) => model.handles.length > 0,
  );

const read = (at: number): Step =>
  new Do(
    `read handle ${at}`,
    (model, { handles }) => {
      const index = at % model.handles.length;
      const { mapping, path } = model.handles[index]!;
      const name = path.split('#')[1] ?? '';
      const handle = handles[index]!;
      expect(Buffer.from(handle.readSection(0)).toString()).toBe(`${mapping.version}${name}`.padStart(6, '0'));
      model.unpack(mapping, path);
      expect(handle.readSection(1)).toEqual(new Uint8Array(UNPACKED));
    },
    (model) => model.handles.length > 0,
  );

const evict = (path: Path): Step =>
  new Do(`evict ${path}`, (model, { folder, cache }) => {
    const dropped = model.evict(path);
    if (model.clock % 2 === 0) expect(cache.evict(join(folder, path))).toBe(dropped);
    else cache.invalidate(join(folder, path));
    expect(cache.isCached(join(folder, path))).toBe(false);
  });

const look = (path: Path): Step =>
  new Do(`look for ${path}`, (model, { folder, cache }) => {
    expect(cache.isCached(join(folder, path))).toBe(path !== 'lib#none' && model.cached(path) !== undefined);
    expect(cache.cachedCount()).toBe(model.kept.length);
  });

const clear = (): Step =>
  new Do('clear', (model, { cache }) => {
    for (const mapping of [...model.kept]) model.letGo(mapping);
    cache.clear();
  });

const file = fc.constantFrom(...FILES);
const path = fc.constantFrom(...PATHS);
const steps = [
  { arbitrary: file.map(write), weight: 4 },
  { arbitrary: file.map(overwrite), weight: 2 },
  { arbitrary: file.map(touch), weight: 1 },
  { arbitrary: file.map(remove), weight: 1 },
  { arbitrary: path.map(get), weight: 10 },
  { arbitrary: fc.nat(99).map(close), weight: 5 },
  { arbitrary: fc.nat(99).map(read), weight: 6 },
  { arbitrary: path.map(evict), weight: 2 },
  { arbitrary: path.map(look), weight: 2 },
  { arbitrary: fc.constant(0).map(clear), weight: 1 },
];

test('the cache is what its model says', { timeout: 600_000 }, () => {
  const limits = fc.record({
    maxFiles: fc.integer({ min: 1, max: 5 }),
    maxMemory: fc.oneof(fc.constant(2 ** 30), fc.integer({ min: 1, max: 6 * SIZE + 4 * UNPACKED })),
  });
  const commands = fc.commands([fc.oneof(...steps)], { size: '+1', maxCommands: 80 });
  const property = fc.property(limits, commands, ({ maxFiles, maxMemory }, sequence) => {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), 'smf-model-'));
    const cache = new SmfCache({ maxFiles, maxMemory, codecs: { lz4 } });
    const handles: MappedSmf[] = [];
    try {
      symlinkSync('a', join(folder, 'link'));
      const setup = () => ({
        model: new Model(maxFiles, maxMemory),
        real: { folder, cache, handles },
      });
      fc.modelRun(setup, sequence);
    } finally {
      cache.close();
      for (const handle of handles) handle.close();
      const mappings = mappingsOf(folder);
      rmSync(folder, { recursive: true });
      expect(mappings).toBe(0);
    }
  });
  fc.assert(property, { numRuns: Number(process.env.MODEL_RUNS ?? 150) });
});
