// What has to go when templates change: which installed functions are not what their symbols stand for now, and which
// callers rely on something that is no longer so.
import { decodeTemplate, signatureOf, signatureToString, specialise } from '@simple-jit/template-ir';
import type { Installed } from './backend.js';
import { sha256 } from './function.js';
import { InstantiationError } from './instantiation-error.js';
import type { LoadedModule } from './module.js';
import { findTemplate, instanceOf, type Request, requestFor } from './plan.js';

/** True if the key names the function's template (`sort`), or its template with its types (`sort<f64>`). */
export function hasSemanticKey(entry: Installed, key: string): boolean {
  return key === entry.template || key.replace(/\s+/g, '') === instanceOf(entry);
}

/** How the function would be asked for now; undefined if nothing lists it and the module that it is for is gone. */
export function presentRequest(
  { symbol, template, typeArgs, home }: Installed,
  modules: readonly LoadedModule[],
): Request | undefined {
  const listed = requestFor(symbol, modules);
  if (listed !== undefined) return listed;
  const present = modules.find(({ path }) => path === home.path);
  return present && { symbol, template, typeArgs, home: present };
}

/** The functions that are not what would be compiled now: another instance, another template, or none. */
export function findStale(installed: Iterable<Installed>, modules: readonly LoadedModule[]): Set<string> {
  const stale = new Set<string>();
  for (const entry of installed) {
    const hash = attempt(() => {
      const request = presentRequest(entry, modules);
      if (request === undefined || instanceOf(request) !== instanceOf(entry)) return undefined;
      return sha256(findTemplate(request, modules).template.entry);
    });
    if (hash !== entry.code.requirements.templateHash) stale.add(entry.symbol);
  }
  return stale;
}

/**
 * Adds to `dropped` every caller of a function that has another signature now, or none: its code relies on the old one.
 * Where that gives the caller itself another signature, its callers follow. Code calls through slots, and takes nothing
 * else from what it calls.
 */
export function addAffectedCallers(
  dropped: Set<string>,
  installed: ReadonlyMap<string, Installed>,
  modules: readonly LoadedModule[],
): void {
  const callers = new Map<string, string[]>();
  for (const { symbol, code } of installed.values()) {
    for (const callee of code.imports) {
      const list = callers.get(callee.symbol);
      if (list === undefined) callers.set(callee.symbol, [symbol]);
      else list.push(symbol);
    }
  }
  // A Set that grows while it is walked is walked to its new end.
  for (const symbol of dropped) {
    const entry = installed.get(symbol)!;
    if (presentSignature(entry, modules) === signatureToString(entry.code.signature)) continue;
    for (const caller of callers.get(symbol) ?? []) dropped.add(caller);
  }
}

function presentSignature(entry: Installed, modules: readonly LoadedModule[]): string | undefined {
  return attempt(() => {
    const request = presentRequest(entry, modules);
    if (request === undefined) return undefined;
    const { template } = findTemplate(request, modules);
    if (template.body === undefined) return undefined;
    const generic = decodeTemplate({ ...template, body: template.body });
    return signatureToString(signatureOf(specialise(generic, request.typeArgs, { symbol: request.symbol })));
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
