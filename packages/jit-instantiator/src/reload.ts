// What has to go when templates change: which installed functions are not what their symbols stand for now, and which
// callers rely on something that is no longer so.
import { decodeTemplate, signatureOf, signatureToString, specialise } from '@simple-jit/template-ir';
import type { Installed } from './backend.js';
import { sha256 } from './function.js';
import type { Installations } from './installations.js';
import { instanceOf } from './instance.js';
import { InstantiationError } from './instantiation-error.js';
import type { LoadedModule } from './module.js';
import { entryNames, type Modules } from './modules.js';
import { findTemplate, type Request, requestFor } from './plan.js';
import { presentLayout } from './type-layouts.js';
import { typesFor } from './type-scope.js';

/** How the function would be asked for now; undefined if nothing lists it and the module that it is for is gone. */
export function presentRequest({ symbol, template, typeArgs, home }: Installed, modules: Modules): Request | undefined {
  const listed = requestFor(symbol, modules);
  if (listed !== undefined) return listed;
  const present = modules.get(home.path);
  return present && { symbol, template, typeArgs, home: present };
}

/** The installed functions that may be something else once this module comes or goes. */
export function* touchedBy(module: LoadedModule, installed: Installations): Iterable<string> {
  if (installed.size === 0) return;
  yield* installed.ofModule(module);
  for (const symbol of module.listedSymbols()) if (installed.has(symbol)) yield symbol;
  const names = entryNames(module);
  if (names === undefined) {
    for (const { symbol } of installed.values()) yield symbol;
    return;
  }
  for (const name of names.templates) yield* installed.ofTemplate(name);
  for (const name of names.declarations) yield* installed.ofType(name);
}

/** `gone`: no loaded module has it. `replaced`: another instance or another template would be compiled now. */
export type Freshness = 'present' | 'replaced' | 'gone';

/** Whether an installed function is still what its symbol stands for. */
export function freshnessOf(entry: Installed, modules: Modules): Freshness {
  const found = attempt(() => {
    const request = presentRequest(entry, modules);
    if (request === undefined) return undefined;
    const hash = sha256(findTemplate(request, modules).template.entry);
    const { templateHash, layouts } = entry.code.requirements;
    if (hash !== templateHash || instanceOf(request) !== instanceOf(entry)) return false;
    const types = typesFor(request.home, request.typeArgs, modules);
    return layouts.every(({ type, layout }) => presentLayout(type, types) === layout);
  });
  if (found === undefined) return 'gone';
  return found ? 'present' : 'replaced';
}

/**
 * Adds to `dropped` every caller of a function that has another signature now, or none: its code relies on the old one.
 * Where that gives the caller itself another signature, its callers follow. Code calls through slots, and takes nothing
 * else from what it calls.
 */
export function addAffectedCallers(dropped: Map<string, Installed>, installed: Installations, modules: Modules): void {
  // A Map that grows while it is walked is walked to its new end.
  for (const [symbol, entry] of dropped) {
    if (presentSignature(entry, modules) === signatureToString(entry.code.signature)) continue;
    for (const caller of installed.callersOf(symbol)) {
      if (!dropped.has(caller)) dropped.set(caller, installed.get(caller)!);
    }
  }
}

function presentSignature(entry: Installed, modules: Modules): string | undefined {
  return attempt(() => {
    const request = presentRequest(entry, modules);
    if (request === undefined) return undefined;
    const { template } = findTemplate(request, modules);
    if (template.body === undefined) return undefined;
    const generic = decodeTemplate({ ...template, body: template.body });
    const types = typesFor(request.home, request.typeArgs, modules);
    return signatureToString(signatureOf(specialise(generic, request.typeArgs, { symbol: request.symbol, types })));
  });
}

/** Whatever is wrong with a template is told when somebody asks for it; here it only means that there is none. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof InstantiationError || isAboutTemplate(error)) return undefined;
    throw error;
  }
}

const TEMPLATE_ERRORS: ReadonlySet<string> = new Set(['IrDecodeError', 'IrSpecialiseError', 'IrVerifyError']);

const isAboutTemplate = (error: unknown): boolean => error instanceof Error && TEMPLATE_ERRORS.has(error.name);
