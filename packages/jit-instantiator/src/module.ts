// A loaded SMF file as the JIT sees it: what its note says can be instantiated, its templates, and its persisted code.
import type { MappedSmf } from '@simple-jit/smf-cache';
import {
  detectCycles,
  type NoteDependency,
  type NoteInstantiation,
  type NotePossible,
  type SmfTemplate,
} from '@simple-jit/smf-format';
import { decodeDeclaration, type TypeDeclaration } from '@simple-jit/template-ir';
import type { Companions, PersistedSource } from './companion.js';
import { sha256Of } from './function.js';
import { instanceKey } from './instance.js';
import { readPersisted } from './persisted.js';
import type { KeyRing } from './signature.js';
import { judge } from './trust.js';

/** A row of a note that says: this symbol is that template for those types. */
export type Listing = NotePossible | NoteInstantiation;

/** The entries of a file's TemplateCode sections, by name. */
interface Entries {
  readonly templates: ReadonlyMap<string, SmfTemplate>;
  readonly declarations: ReadonlyMap<string, SmfTemplate>;
  templateNames?: ReadonlySet<string>;
}

/** Of a struct or enum (docs/spec/smf-format.md, TemplateCode: kinds). */
const isDeclaration = ({ kind }: SmfTemplate): boolean => kind === 1 || kind === 3;

export class LoadedModule {
  readonly path: string;
  readonly file: MappedSmf;
  readonly #possible = new Map<string, NotePossible>();
  readonly #listings = new Map<string, Listing>();
  /** The symbol that this note gives to a template with its types. */
  readonly #symbols = new Map<string, string>();
  readonly #dependencies: readonly NoteDependency[];
  #cycles: Map<string, readonly string[]> | undefined;
  #entries: Entries | undefined;
  readonly #declarations = new Map<string, TypeDeclaration>();
  readonly #companions: Companions;
  readonly #keys: KeyRing;
  #own: PersistedSource | undefined;
  #companion: { readonly source: PersistedSource | undefined } | undefined;

  /** Takes ownership of the handle. @throws SmfFormatError, SdnSyntaxError if the note is damaged */
  constructor(file: MappedSmf, companions: Companions, keys: KeyRing) {
    this.path = file.path;
    this.file = file;
    this.#companions = companions;
    this.#keys = keys;
    const note = file.readNoteSdn();
    this.#dependencies = note?.dependencies ?? [];
    for (const row of note?.possible ?? []) {
      this.#possible.set(row.mangledName, row);
      this.#listings.set(row.mangledName, row);
      this.#symbols.set(instanceKey(row.template, row.typeArgs), row.mangledName);
    }
    for (const row of note?.instantiations ?? []) {
      if (!this.#listings.has(row.mangledName)) this.#listings.set(row.mangledName, row);
      this.#symbols.set(instanceKey(row.template, row.typeArgs), row.mangledName);
    }
  }

  possibleSymbols(): Iterable<string> {
    return this.#possible.keys();
  }

  listedSymbols(): Iterable<string> {
    return this.#listings.keys();
  }

  /** The instances that the note gives symbols to, as `instanceKey` spells them. */
  listedInstances(): Iterable<string> {
    return this.#symbols.keys();
  }

  possible(symbol: string): NotePossible | undefined {
    return this.#possible.get(symbol);
  }

  listing(symbol: string): Listing | undefined {
    return this.#listings.get(symbol);
  }

  /** The symbol that the note gives to an instance, if it lists it. @param instance see `instanceKey` */
  symbolOf(instance: string): string | undefined {
    return this.#symbols.get(instance);
  }

  /** The template of that name, with its body and raw entry, if this file holds it. @throws SmfFormatError if that cannot be told */
  template(name: string): SmfTemplate | undefined {
    const symbol = this.file.file.findSymbol(name);
    if (symbol?.isTemplate) {
      const entry = this.file.file.templateAt(symbol.templateOffset);
      if (entry === undefined || !isDeclaration(entry)) return entry;
    }
    // Version 1 files do not always flag their symbols.
    return this.#allEntries().templates.get(name);
  }

  /**
   * The struct or enum of that name, unverified, if this file declares it.
   * @throws SmfFormatError if that cannot be told, IrDecodeError if it is damaged
   */
  declaration(name: string): TypeDeclaration | undefined {
    let declaration = this.#declarations.get(name);
    if (declaration !== undefined) return declaration;
    const entry = this.#allEntries().declarations.get(name);
    if (entry?.body === undefined) return undefined;
    declaration = decodeDeclaration({ ...entry, body: entry.body });
    this.#declarations.set(name, declaration);
    return declaration;
  }

  /** The names of all templates that `template` finds. @throws SmfFormatError if a part of them cannot be read */
  templateNames(): ReadonlySet<string> {
    const entries = this.#allEntries();
    if (entries.templateNames === undefined) {
      const names = new Set(entries.templates.keys());
      for (const { isTemplate, name } of this.file.file.symbols) if (isTemplate) names.add(name);
      for (const name of names) if (this.template(name) === undefined) names.delete(name);
      entries.templateNames = names;
    }
    return entries.templateNames;
  }

  /** The names of all types that `declaration` finds. @throws SmfFormatError if a part of them cannot be read */
  declarationNames(): Iterable<string> {
    return this.#allEntries().declarations.keys();
  }

  #allEntries(): Entries {
    if (this.#entries === undefined) {
      const all = this.file.file.templates();
      const declarations = all.filter((entry) => isDeclaration(entry) && entry.body !== undefined);
      const templates = all.filter((entry) => !isDeclaration(entry));
      this.#entries = { templates: firstByName(templates), declarations: firstByName(declarations) };
    }
    return this.#entries;
  }

  /** The hard cycle (E0420) of the note's dependencies that the symbol is in or leads to; first = last. */
  cycleOf(symbol: string): readonly string[] | undefined {
    this.#cycles ??= hardCycles(this.#dependencies);
    const cycle = this.#cycles.get(symbol);
    if (cycle === undefined) return undefined;
    const start = cycle.indexOf(symbol);
    return start <= 0 ? cycle : [...cycle.slice(start, -1), ...cycle.slice(0, start), symbol];
  }

  /** Where functions that an earlier run compiled may be: the file itself, then its companion, each looked at when reached. */
  *persisted(): Iterable<PersistedSource> {
    this.#own ??= this.#readOwn();
    yield this.#own;
    if (this.file.identity === undefined) return; // bytes that came from no file have no companion
    this.#companion ??= { source: this.#companions.read(() => sha256Of(this.file.file.pieces())) };
    if (this.#companion.source !== undefined) yield this.#companion.source;
  }

  #readOwn(): PersistedSource {
    const { trust, copy } = judge(this.file, this.#keys);
    return { functions: readPersisted(copy ?? this.file.file), trust };
  }

  close(): void {
    this.file.close();
  }
}

function firstByName(templates: readonly SmfTemplate[]): Map<string, SmfTemplate> {
  const byName = new Map<string, SmfTemplate>();
  for (const template of templates) if (!byName.has(template.name)) byName.set(template.name, template);
  return byName;
}

/** Each instantiation that is in a hard cycle, or needs one that is, with that cycle. */
function hardCycles(dependencies: readonly NoteDependency[]): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const { cycle, severity } of detectCycles({ dependencies })) {
    if (severity === 'error') for (const member of cycle) if (!found.has(member)) found.set(member, cycle);
  }
  if (found.size === 0) return found;
  const dependants = new Map<string, string[]>();
  for (const { fromInst, toInst } of dependencies) {
    const list = dependants.get(toInst);
    if (list === undefined) dependants.set(toInst, [fromInst]);
    else list.push(fromInst);
  }
  const reached = [...found.keys()];
  for (const member of reached) {
    for (const dependant of dependants.get(member) ?? []) {
      if (found.has(dependant)) continue;
      found.set(dependant, found.get(member)!);
      reached.push(dependant);
    }
  }
  return found;
}
