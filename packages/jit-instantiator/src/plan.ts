// From a symbol to everything that must be linked for it: finds each template, takes the persisted code if it holds up,
// compiles what has none, and goes on to what that calls, until nothing is missing. Nothing is installed here.

import type { SmfTemplate } from '@simple-jit/smf-format';
import {
  decodeTemplate,
  IrLayoutError,
  IrVerifyError,
  mangle,
  parseTypeList,
  signatureToString,
  specialise,
  type Type,
  type TypeEnvironment,
  verifyTemplate,
} from '@simple-jit/template-ir';
import type { Backend } from './backend.js';
import { checkPersisted } from './check-persisted.js';
import { type FunctionImport, type LinkableFunction, sha256 } from './function.js';
import { type Instance, instanceKey, instanceOf } from './instance.js';
import { InstantiationError } from './instantiation-error.js';
import type { LoadedModule } from './module.js';
import type { Modules } from './modules.js';
import { layoutsOf } from './type-layouts.js';
import { firstAsked, namesIn, typesFor } from './type-scope.js';

/** An instance that somebody needs. */
export interface Request {
  readonly symbol: string;
  readonly template: string;
  readonly typeArgs: readonly Type[];
  /** Where templates and tables are looked up first, and where the result is written back. */
  readonly home: LoadedModule;
}

/** One function of a plan. */
export interface Planned extends Request {
  readonly code: LinkableFunction;
  readonly origin: 'compiled' | 'persisted' | 'interpreted';
  /** Why the persisted code was not taken, where there was some. */
  readonly rejected: string | undefined;
}

export interface PlanContext {
  readonly modules: Modules;
  readonly maxDepth: number;
  readonly backend: Pick<Backend, 'mode' | 'generate' | 'cpuFeatures' | 'externalProblem'>;
  /** The signature of a function that is installed already, as text. */
  installed(symbol: string): string | undefined;
  /** Functions of this and other plans that are ready to be installed, by symbol. */
  readonly prepared: Map<string, Planned>;
  onPrepared(planned: Planned): void;
}

/** The request that a module's note makes of a symbol, from the first module that lists it. */
export function requestFor(symbol: string, modules: Modules): Request | undefined {
  const home = modules.withListing(symbol);
  const row = home?.listing(symbol);
  if (home === undefined || row === undefined) return undefined;
  return { symbol, template: row.template, typeArgs: readTypeArgs(symbol, row.typeArgs), home };
}

/**
 * The request for an instance that need not be listed: under the symbol that a table gives it, or else its mangled name.
 * @throws InstantiationError if no module holds the template, or the types are none
 */
export function requestForInstance(template: string, typeArgs: string | readonly Type[], modules: Modules): Request {
  const types = typeof typeArgs === 'string' ? readTypeArgs(template, typeArgs) : typeArgs;
  const symbol = symbolOf({ template, typeArgs: types }, modules);
  const listed = requestFor(symbol, modules);
  if (listed !== undefined && instanceOf(listed) !== instanceOf({ template, typeArgs: types })) {
    throw new InstantiationError(
      `${symbol} is ${instanceOf(listed)} in the tables of ${listed.home.path}, so it cannot be ${instanceOf({ template, typeArgs: types })}: give that a name of its own in a table`,
    );
  }
  const home = listed?.home ?? holderOf(symbol, template, modules)?.home;
  if (home === undefined) {
    throw new InstantiationError(
      `${symbol}: no loaded module holds the template ${template}; load the SMF file that defines it`,
    );
  }
  return { symbol, template, typeArgs: types, home };
}

/**
 * Every function that `root` needs and that is not installed yet, itself first. Yields after each that it had to prepare.
 * @throws InstantiationError if one of them cannot be had
 */
export function* planSteps(root: Request, context: PlanContext): Generator<void, Planned[]> {
  const planned = new Map<string, Planned>();
  const needed: { request: Request; depth: number; expected?: { signature: string; by: string } }[] = [
    { request: root, depth: 0 },
  ];
  // Breadth first, so that a symbol's depth is its shortest distance and the list needs no JS recursion.
  for (const { request, depth, expected } of needed) {
    let signature = context.installed(request.symbol);
    if (signature === undefined) {
      let entry = planned.get(request.symbol);
      if (entry === undefined) {
        if (depth >= context.maxDepth) {
          throw new InstantiationError(`${request.symbol}: Maximum JIT depth (${context.maxDepth}) exceeded`);
        }
        entry = context.prepared.get(request.symbol);
        if (entry === undefined) {
          entry = obtain(request, context);
          context.prepared.set(request.symbol, entry);
          context.onPrepared(entry);
          yield;
        }
        planned.set(request.symbol, entry);
        for (const needs of entry.code.imports) {
          if (needs.kind === 'external') continue;
          needed.push({
            request: {
              symbol: needs.symbol,
              template: needs.template,
              typeArgs: needs.typeArgs,
              home: homeOf(needs, request.home, context.modules),
            },
            depth: depth + 1,
            expected: { signature: signatureToString(needs.signature), by: request.symbol },
          });
        }
      }
      signature = signatureToString(entry.code.signature);
    }
    if (expected !== undefined && expected.signature !== signature) {
      throw new InstantiationError(
        `${expected.by} calls ${request.symbol} as ${expected.signature}, but it is ${signature}: rebuild the library that holds ${expected.by}`,
      );
    }
  }
  return [...planned.values()];
}

/**
 * Whose function a callee is: the module's that asks, unless that does not hold its template and another one lists it. Then it
 * stays when the module that asked goes.
 */
function homeOf(
  { symbol, template, typeArgs }: Omit<Request, 'home'>,
  asking: LoadedModule,
  modules: Modules,
): LoadedModule {
  if (templateIn(asking, symbol, template) !== undefined) return asking;
  const lister = modules.withListing(symbol);
  const row = lister?.listing(symbol);
  return row !== undefined && instanceKey(row.template, row.typeArgs) === instanceOf({ template, typeArgs })
    ? lister!
    : asking;
}

function obtain(request: Request, { modules, backend }: PlanContext): Planned {
  const cycle = request.home.cycleOf(request.symbol);
  if (cycle !== undefined) throw new InstantiationError(`circular dependency: ${cycle.join(' -> ')}`, { cycle });
  const { template, path } = findTemplate(request, modules);
  const templateHash = sha256(template.entry);
  const types = typesFor(request.home, request.typeArgs, modules);
  const wanted = { ...request, templateHash, types, cpuFeatures: backend.cpuFeatures };
  const isNative = backend.mode === 'native';
  let rejected: string | undefined;
  for (const { functions, trust } of isNative ? request.home.persisted() : []) {
    const checked = checkPersisted(functions, wanted, trust);
    if (checked?.ok) {
      checkExternals(checked.code, backend);
      return { ...request, code: checked.code, origin: 'persisted', rejected: undefined };
    }
    rejected ??= checked?.reason;
  }
  const code = naming(`${request.symbol}: template ${request.template} of ${path}`, () =>
    generate(request, template, templateHash, types, modules, backend),
  );
  checkExternals(code, backend);
  return { ...request, code, origin: isNative ? 'compiled' : 'interpreted', rejected };
}

/** The module that asks first, then those of the type arguments, then all others in load order. @throws InstantiationError if none holds it */
export function findTemplate(
  request: Request,
  modules: Modules,
): { readonly template: SmfTemplate; readonly path: string } {
  const { symbol, template, typeArgs, home } = request;
  const found =
    templateIn(home, symbol, template) ??
    (namesIn(typeArgs).size === 0 ? undefined : naming(symbol, () => templateOfTypes(request, modules))) ??
    holderOf(symbol, template, modules);
  if (found !== undefined) return { template: found.template, path: found.home.path };
  throw new InstantiationError(
    `${symbol}: no loaded module holds the template ${template}; load the SMF file that defines it (${home.path} does not)`,
  );
}

interface Holder {
  readonly template: SmfTemplate;
  readonly home: LoadedModule;
}

function templateOfTypes({ symbol, template, typeArgs, home }: Request, modules: Modules): Holder | undefined {
  for (const module of firstAsked(home, typeArgs, modules)) {
    const found = templateIn(module, symbol, template);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The first module that holds a template. @throws InstantiationError if that cannot be told */
function holderOf(symbol: string, template: string, modules: Modules): Holder | undefined {
  const home = modules.withTemplate(template);
  return home && templateIn(home, symbol, template);
}

function templateIn(home: LoadedModule, symbol: string, name: string): Holder | undefined {
  const template = naming(`${symbol}: ${home.path}`, () => home.template(name));
  return template && { template, home };
}

function generate(
  request: Request,
  template: SmfTemplate,
  templateHash: string,
  types: TypeEnvironment,
  modules: Modules,
  backend: Pick<Backend, 'generate'>,
): LinkableFunction {
  const { symbol, typeArgs } = request;
  if (template.body === undefined) {
    throw new Error(
      'template has no body (TemplateCode version 1 holds names only); rebuild the library with version 2',
    );
  }
  const generic = decodeTemplate({ ...template, body: template.body });
  verifyTemplate(generic, undefined, types);
  const concrete = specialise(generic, typeArgs, { symbol, types });
  const generated = backend.generate(concrete);
  return {
    ...generated,
    symbol,
    template: request.template,
    typeArgs,
    imports: generated.imports.map(
      (needs): FunctionImport => ({
        ...needs,
        symbol: needs.kind === 'external' ? needs.symbol : symbolOf(needs, modules, request.home),
      }),
    ),
    requirements: { ...generated.requirements, templateHash, layouts: layoutsOf(concrete, types) },
  };
}

/** C functions are called by name: only those that the program allows. @throws InstantiationError */
function checkExternals({ symbol, imports }: LinkableFunction, backend: Pick<Backend, 'externalProblem'>): void {
  for (const needs of imports) {
    const problem = needs.kind === 'external' ? backend.externalProblem(needs.symbol) : undefined;
    if (problem !== undefined)
      throw new InstantiationError(`${symbol} calls the C function ${needs.symbol}: ${problem}`);
  }
}

/** What the tables call an instance, those of the module that asks first; a name of our own where none lists it. */
function symbolOf(instance: Instance, modules: Modules, asking?: LoadedModule): string {
  const key = instanceOf(instance);
  return (
    asking?.symbolOf(key) ?? modules.withInstance(key)?.symbolOf(key) ?? mangle(instance.template, instance.typeArgs)
  );
}

function readTypeArgs(symbol: string, text: string): readonly Type[] {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return naming(`${symbol}: type arguments '${shown}'`, () => parseTypeList(text));
}

/** Whatever goes wrong in `action` is said to be about `subject`: the layers below know bytes, not symbols. */
function naming<T>(subject: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const cycle = layoutCycleOf(error);
    const details = cycle === undefined ? { cause: error } : { cause: error, cycle };
    throw new InstantiationError(`${subject}: ${error instanceof Error ? error.message : error}`, details);
  }
}

/** The types that contain each other by value, in order, first = last; undefined for every other error. */
function layoutCycleOf(error: unknown): readonly string[] | undefined {
  if (error instanceof InstantiationError) return error.cycle;
  // What declarations alone tell (types only, the middle of a path of more than ten left out), and what type arguments show.
  if (error instanceof IrVerifyError) return error.code === 'LAYOUT_CYCLE' ? error.found.split(' > ') : undefined;
  if (error instanceof IrLayoutError) return error.code === 'LAYOUT_CYCLE' ? typesOfPath(error.path) : undefined;
  return error instanceof Error ? layoutCycleOf(error.cause) : undefined;
}

/** A layout's path alternates types and the fields that lead on. What leads to the cycle is no part of it. */
function typesOfPath(path: readonly string[]): readonly string[] {
  const cycle = path.slice(path.indexOf(path.at(-1)!));
  return cycle.filter((_, i) => i % 2 === 0);
}
