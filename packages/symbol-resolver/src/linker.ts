// Brings modules into memory: whole, or not at all. What a module refers to is found first; then it gets its memory, and
// with it every module whose data it refers to; then all of them are relocated; and only then is any of them published.
// Functions of others are reached through stubs, which find them when they are called, so that they are not needed yet:
// modules may call each other, and may refer to each other's data, in circles.
import type { CodeArena } from '@simple-jit/native-mem';
import { SymbolBinding, SymbolType } from '@simple-jit/smf-format';
import { LinkError } from './errors.js';
import { type Extent, Image } from './image.js';
import type { ImportStub, ImportStubs } from './import-stubs.js';
import { layOut, type PlacedSection } from './layout.js';
import type { Ledger } from './ledger.js';
import { areaOfSymbol, type Definition, type Module } from './module.js';
import { type Patch, type References, readReferences, type Use } from './references.js';

/** What a name that a module does not define leads to. */
export type Import =
  /** A function, of another module, of the JIT, or of the process: called through a stub. */
  | { readonly kind: 'function' }
  /** Data of a module. */
  | { readonly kind: 'data'; readonly definition: Definition }
  /** An address of which nobody can tell what is there: called through a stub, else used as it is. */
  | { readonly kind: 'address'; readonly address: number };

/** What a name leads to, or undefined; `reasons` takes why places that know it cannot give it. */
export type FindImport = (name: string, reasons: string[]) => Import | undefined;

/** A module that is being loaded. `imports` has what it does not define itself; undefined for a weak symbol is 0. */
interface Plan {
  readonly module: Module;
  readonly references: References;
  readonly imports: ReadonlyMap<Use, Import | undefined>;
  readonly image: Image;
}

export class Linker {
  readonly #arena: CodeArena;
  readonly #stubs: ImportStubs;
  readonly #findImport: FindImport;
  readonly #ledger: Ledger;
  /** Bytes that the arena has in all. */
  readonly #room: number;
  /** What is in memory, of modules that are loaded and of those that are gone but still referred to. */
  readonly #images = new Set<Image>();
  /** Of those, the ones whose modules are gone. */
  readonly #orphans = new Set<Image>();

  constructor(arena: CodeArena, stubs: ImportStubs, findImport: FindImport, ledger: Ledger) {
    this.#arena = arena;
    this.#stubs = stubs;
    this.#findImport = findImport;
    this.#ledger = ledger;
    this.#room = arena.stats().reserved;
  }

  /**
   * The module in memory; loads it, and all whose data it refers to, if it is not yet.
   *
   * @throws LinkError of this module, or of one whose data it refers to; then nothing changed
   * @throws NativeMemError if memory is refused, or the file became shorter; then nothing changed
   */
  load(module: Module): Image {
    if (module.image !== undefined) return module.image;
    const start = performance.now();
    const plans = new Map<Module, Plan>();
    try {
      // A Set that grows while it is walked is walked to its new end.
      const wanted = new Set([module]);
      for (const next of wanted) {
        if (next.image !== undefined) continue;
        const plan = this.#plan(next);
        plans.set(next, plan);
        for (const found of plan.imports.values()) if (found?.kind === 'data') wanted.add(found.definition.module);
      }
      for (const plan of plans.values()) this.#install(plan, plans);
      for (const loaded of plans.keys()) loaded.checkWhole();
    } catch (error) {
      for (const { image } of plans.values()) {
        for (const stub of image.takenStubs.values()) this.#stubs.release(stub); // no one else has its address
        this.#close(image);
      }
      this.#ledger.linkFailed(module.path, error as Error, performance.now() - start);
      throw error;
    }
    for (const [loaded, { image }] of plans) {
      loaded.image = image;
      this.#images.add(image);
    }
    const modules = Array.from(plans.values(), ({ image }) => ({ path: image.path, ...image.extent }));
    this.#ledger.linked(module.path, modules, performance.now() - start);
    return module.image!;
  }

  /**
   * Takes a module out of memory, unless one that is loaded still refers to its data: then when that goes. Its names must
   * lead to it no more.
   */
  unload(module: Module): void {
    const { image } = module;
    if (image === undefined) return;
    module.image = undefined;
    this.#orphans.add(image);
    // Itself, and what only it may have kept in memory.
    const candidates = new Set([image]);
    for (const { dependencies } of candidates) {
      for (const dependency of dependencies) if (this.#orphans.has(dependency)) candidates.add(dependency);
    }
    for (const candidate of candidates) {
      if (this.#isNeeded(candidate)) continue;
      this.#orphans.delete(candidate);
      this.#images.delete(candidate);
      this.#free(candidate);
    }
  }

  /** How many modules are in memory, and how much of it they take. */
  totals(): Extent & { readonly linkedModules: number } {
    const totals = { linkedModules: this.#images.size, codeBytes: 0, dataBytes: 0, constantBytes: 0 };
    for (const { extent } of this.#images) {
      totals.codeBytes += extent.codeBytes;
      totals.dataBytes += extent.dataBytes;
      totals.constantBytes += extent.constantBytes;
    }
    return totals;
  }

  /** Takes everything out of memory. */
  close(): void {
    for (const image of this.#images) this.#free(image);
    this.#images.clear();
    this.#orphans.clear();
    this.#stubs.close();
  }

  #plan(module: Module): Plan {
    const refusal = module.refusal();
    if (refusal !== undefined) throw new LinkError('ERR_REFUSED', module.path, refusal);
    const references = readReferences(module.file, module.path);
    const imports = this.#imports(module, references);
    const layout = layOut(module.file, module.path, references.sections, references.slots, this.#room);
    return { module, references, imports, image: new Image(module.path, layout, this.#arena) };
  }

  /** @throws LinkError `ERR_UNDEFINED_SYMBOL` with all that nothing has */
  #imports(module: Module, { uses }: References): Map<Use, Import | undefined> {
    const imports = new Map<Use, Import | undefined>();
    const missing: string[] = [];
    const reasons: string[] = [];
    for (const use of uses.values()) {
      const { name, binding } = use.symbol;
      const isOwn = isDefined(module, use);
      if (isOwn && binding !== SymbolBinding.Weak) continue;
      const found = this.#findImport(name, reasons);
      // A weak definition gives way to another one, and stands where there is none.
      if (isOwn && found?.kind === 'data' && found.definition.module === module) continue;
      if (found === undefined && isOwn) continue;
      if (found === undefined && binding !== SymbolBinding.Weak) missing.push(name);
      imports.set(use, found);
    }
    if (missing.length > 0) throw undefinedSymbols(module.path, missing, reasons);
    return imports;
  }

  #install({ references, imports, image }: Plan, plans: ReadonlyMap<Module, Plan>): void {
    const stubOf = ({ symbol: { name } }: Use, stubs: Map<string, ImportStub>): number => {
      const stub = stubs.get(name) ?? this.#stubs.acquire(name);
      stubs.set(name, stub);
      return Number(stub.address);
    };
    const addressOf = (use: Use): number => {
      if (!imports.has(use)) return image.addressOf(use.symbol);
      const found = imports.get(use);
      if (found === undefined) return 0;
      if (found.kind === 'function') return stubOf(use, image.takenStubs);
      if (found.kind === 'address') return found.address;
      const { module: other, symbol } = found.definition;
      const holder = other.image ?? plans.get(other)!.image;
      image.dependOn(holder);
      return holder.addressOf(symbol);
    };
    const target = ({ kind: { needs }, use }: Patch): number => {
      if (needs === 'slot') return image.addressOfSlot(use.slot);
      return needs === 'call' && imports.has(use) ? stubOf(use, image.calledStubs) : addressOf(use);
    };
    const relocate = (section: PlacedSection, bytes: Uint8Array): void => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (const patch of references.patches.get(section.index)!) apply(patch, section, view, image, target);
    };
    image.install(relocate, () => {
      const slots = new BigUint64Array(references.slots);
      for (const use of references.uses.values()) if (use.slot >= 0) slots[use.slot] = BigInt(addressOf(use));
      return slots;
    });
  }

  /** True if a module that is loaded refers to its data, or to that of one that does. */
  #isNeeded(image: Image): boolean {
    const dependents = new Set([image]);
    for (const next of dependents) {
      for (const dependent of next.dependents) {
        if (!this.#orphans.has(dependent)) return true;
        dependents.add(dependent);
      }
    }
    return false;
  }

  #free(image: Image): void {
    this.#close(image);
    this.#ledger.freed({ path: image.path, ...image.extent });
  }

  #close(image: Image): void {
    image.close();
    for (const stub of image.calledStubs.values()) this.#stubs.release(stub);
  }
}

/** True if the module itself has what the symbol names. */
function isDefined({ file }: Module, { symbol }: Use): boolean {
  if (symbol.type === SymbolType.None) return false;
  // A local symbol outside of what is loaded is nobody else's: image.ts says what is wrong with it.
  return symbol.binding === SymbolBinding.Local || areaOfSymbol(file, symbol) !== undefined;
}

function undefinedSymbols(path: string, missing: readonly string[], reasons: readonly string[]): LinkError {
  const shown = missing.slice(0, 5).join(', ') + (missing.length > 5 ? ` and ${missing.length - 5} more` : '');
  const why = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
  return new LinkError(
    'ERR_UNDEFINED_SYMBOL',
    path,
    `it needs ${shown}, which nothing has${why}: load the modules that define them first`,
    { symbol: missing[0]!, symbols: missing },
  );
}

/** Patches one place of a section, of which `view` is what the file has. */
function apply(
  patch: Patch,
  section: PlacedSection,
  view: DataView,
  image: Image,
  target: (patch: Patch) => number,
): void {
  const { kind, offset, addend } = patch;
  const details = { symbol: patch.use.symbol.name, section: section.name, offset, relocation: kind.name };
  if (offset + kind.size > view.byteLength) {
    throw new LinkError(
      'ERR_BAD_RELOCATION',
      image.path,
      `the relocation at ${section.name}+${offset} patches ${kind.size} bytes, and there are ${view.byteLength} in all`,
      details,
    );
  }
  const place = image.addressOfSection(section.index)! + offset;
  const distance = kind.apply(view, offset, target(patch), place, addend);
  if (distance === undefined) return;
  throw new LinkError(
    'ERR_RELOCATION_OVERFLOW',
    image.path,
    `${details.symbol} is ${distance} bytes from ${section.name}+${offset}, too far for a relocation of type ${kind.name}: ` +
      'compile the module with -fPIC, so that it refers to what it does not define through its global offset table',
    { ...details, distance },
  );
}
