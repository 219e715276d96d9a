// The loaded modules, and who of them has a name: the one that was loaded first and has it. Found in an index, so that a
// lookup costs the same however many modules there are. A module that is loaded again keeps its place in the order.
import { SmfFormatError } from '@simple-jit/smf-format';
import type { LoadedModule } from './module.js';

/** A module, and its place in the order of loading. */
interface Place {
  readonly order: number;
  readonly module: LoadedModule;
  /** True once the template index has its templates: they are read when a module is asked for what it need not have. */
  hasTemplates: boolean;
}

export class Modules {
  readonly #places = new Map<string, Place>();
  readonly #possible = new FirstPlace();
  readonly #listings = new FirstPlace();
  readonly #instances = new FirstPlace();
  readonly #templates = new FirstPlace();
  readonly #declarations = new FirstPlace();
  readonly #unread = new Set<Place>();
  /** Modules whose templates cannot be read might hold any. */
  readonly #damaged = new FirstPlace();
  #nextOrder = 0;

  get size(): number {
    return this.#places.size;
  }

  values(): LoadedModule[] {
    return Array.from(this.#places.values(), ({ module }) => module);
  }

  get(path: string): LoadedModule | undefined {
    return this.#places.get(path)?.module;
  }

  /** Adds a module, or puts it in the place of the one with its path, which is returned. */
  set(module: LoadedModule): LoadedModule | undefined {
    const before = this.#places.get(module.path);
    if (before !== undefined) this.#leave(before);
    const place: Place = { order: before?.order ?? this.#nextOrder++, module, hasTemplates: false };
    this.#places.set(module.path, place);
    this.#unread.add(place);
    this.#possible.addAll(module.possibleSymbols(), place);
    this.#listings.addAll(module.listedSymbols(), place);
    this.#instances.addAll(module.listedInstances(), place);
    return before?.module;
  }

  delete(path: string): LoadedModule | undefined {
    const place = this.#places.get(path);
    if (place === undefined) return undefined;
    this.#places.delete(path);
    this.#leave(place);
    return place.module;
  }

  /** Forgets all of them, which may be closed already. */
  clear(): void {
    this.#places.clear();
    this.#unread.clear();
    const indexes = [
      this.#possible,
      this.#listings,
      this.#instances,
      this.#templates,
      this.#declarations,
      this.#damaged,
    ];
    for (const index of indexes) index.clear();
  }

  /** The first module whose table of possible instances lists the symbol. */
  withPossible(symbol: string): LoadedModule | undefined {
    return this.#possible.first(symbol)?.module;
  }

  /** The first module that lists the symbol in either table. */
  withListing(symbol: string): LoadedModule | undefined {
    return this.#listings.first(symbol)?.module;
  }

  /** The first module that gives the instance a symbol. @param instance see `instanceKey` */
  withInstance(instance: string): LoadedModule | undefined {
    return this.#instances.first(instance)?.module;
  }

  /** The first module that holds the template, or whose templates cannot be read: asking that one for it throws. */
  withTemplate(name: string): LoadedModule | undefined {
    return this.#firstHolder(this.#templates, name);
  }

  /** The first module that declares the type, or whose declarations cannot be read: asking that one for it throws. */
  withDeclaration(name: string): LoadedModule | undefined {
    return this.#firstHolder(this.#declarations, name);
  }

  #firstHolder(index: FirstPlace, name: string): LoadedModule | undefined {
    for (const place of this.#unread) this.#readTemplates(place);
    const [found, damaged] = [index.first(name), this.#damaged.first('')];
    const isDamagedFirst = damaged !== undefined && (found === undefined || damaged.order < found.order);
    return (isDamagedFirst ? damaged : found)?.module;
  }

  #readTemplates(place: Place): void {
    this.#unread.delete(place);
    place.hasTemplates = true;
    const names = entryNames(place.module);
    if (names === undefined) {
      this.#damaged.add('', place);
      return;
    }
    this.#templates.addAll(names.templates, place);
    this.#declarations.addAll(names.declarations, place);
  }

  #leave(place: Place): void {
    const { module } = place;
    this.#possible.deleteAll(module.possibleSymbols(), place);
    this.#listings.deleteAll(module.listedSymbols(), place);
    this.#instances.deleteAll(module.listedInstances(), place);
    this.#unread.delete(place);
    if (!place.hasTemplates) return;
    const names = entryNames(module);
    if (names === undefined) {
      this.#damaged.deleteAll([''], place);
      return;
    }
    this.#templates.deleteAll(names.templates, place);
    this.#declarations.deleteAll(names.declarations, place);
  }
}

/** The names of a module's templates and types; undefined if they cannot be read. */
export function entryNames(
  module: LoadedModule,
): { readonly templates: Iterable<string>; readonly declarations: Iterable<string> } | undefined {
  try {
    return { templates: module.templateNames(), declarations: module.declarationNames() };
  } catch (error) {
    if (error instanceof SmfFormatError) return undefined;
    throw error;
  }
}

/** By name, the modules that have it, in the order of loading. */
class FirstPlace {
  readonly #places = new Map<string, Place[]>();

  first(name: string): Place | undefined {
    return this.#places.get(name)?.[0];
  }

  addAll(names: Iterable<string>, place: Place): void {
    for (const name of names) this.add(name, place);
  }

  add(name: string, place: Place): void {
    const places = this.#places.get(name);
    if (places === undefined) this.#places.set(name, [place]);
    else if (places.at(-1)!.order < place.order) places.push(place);
    else places.splice(positionOf(places, place.order), 0, place);
  }

  clear(): void {
    this.#places.clear();
  }

  deleteAll(names: Iterable<string>, place: Place): void {
    for (const name of names) {
      const places = this.#places.get(name)!;
      if (places.length === 1) this.#places.delete(name);
      else places.splice(positionOf(places, place.order), 1);
    }
  }
}

/** Where a place of this order is, or belongs. */
function positionOf(places: readonly Place[], order: number): number {
  let low = 0;
  for (let high = places.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (places[middle]!.order < order) low = middle + 1;
    else high = middle;
  }
  return low;
}
