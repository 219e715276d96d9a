// The places where names are looked for, in their order: the compiled symbols of loaded modules, the JIT, the process.
// What was registered goes before all of them, and what was found is remembered: resolver.ts does that.
import { type JitInstantiator, nativeSignature } from '@simple-jit/jit-instantiator';
import { HeaderFlags } from '@simple-jit/smf-format';
import { LinkError, ResolveError } from './errors.js';
import type { Failure, Found } from './found.js';
import type { Import, Linker } from './linker.js';
import type { Definition } from './module.js';
import type { ModuleTable } from './module-table.js';
import type { ProcessSymbols } from './process-symbols.js';
import { MAIN } from './signatures.js';

export interface Places {
  readonly modules: ModuleTable;
  readonly jit: JitInstantiator;
  readonly process: ProcessSymbols;
  /** Undefined where machine code is interpreted. */
  readonly linker: Linker | undefined;
}

/** Where the name leads: the first place that has it; loads or instantiates it. @throws NativeMemError if memory is refused */
export function find(places: Places, name: string, failure: Failure): Found | undefined {
  const inModule = findInModules(places, name, failure);
  // What a module has and cannot give, nothing else is to stand in for.
  if (inModule !== undefined || failure.cause !== undefined) return inModule;
  return findByJit(places, name, failure) ?? findInProcess(places, name, failure);
}

/** What a name leads to that a module does not define itself. Loads and instantiates nothing. */
export function findImport(places: Places, name: string, reasons: string[]): Import | undefined {
  for (const definition of usableDefinitions(places, name, reasons)) {
    return definition.isFunction ? { kind: 'function' } : { kind: 'data', definition };
  }
  // What was asked for by its template need be in no table.
  if (places.jit.canJitInstantiate(name) || places.jit.signatureOf(name) !== undefined) return { kind: 'function' };
  const found = findInProcess(places, name, { reasons });
  return found && { kind: 'address', address: Number(found.address) };
}

/** Where an executable module begins. @throws ResolveError `ERR_NOT_LOADED`, `ERR_NO_ENTRY_POINT`; LinkError */
export function findEntryPoint({ modules, linker }: Places, path: string): bigint {
  const module = modules.get(path);
  if (module === undefined) {
    throw new ResolveError('ERR_NOT_LOADED', `${path} is not loaded: call loadSmf('${path}') first`);
  }
  if (linker === undefined) throw new LinkError('ERR_REFUSED', path, module.refusal()!);
  const image = linker.load(module);
  const { header, firstCodeSection } = module.file;
  if ((header.flags & HeaderFlags.EXECUTABLE) === 0) {
    throw new ResolveError(
      'ERR_NO_ENTRY_POINT',
      `${path} is a library, it has no entry point: call one of its symbols`,
    );
  }
  return BigInt(image.addressIn(firstCodeSection, header.entryPoint, 'the entry point'));
}

function findInModules(places: Places, name: string, failure: Failure): Found | undefined {
  for (const { module, symbol, isFunction } of usableDefinitions(places, name, failure.reasons)) {
    try {
      const address = BigInt(places.linker!.load(module).addressOf(symbol));
      return { from: 'module', address, isFunction, signature: name === 'main' ? MAIN : undefined };
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      failure.reasons.push(error.message);
      failure.cause = error;
      return undefined;
    }
  }
  return undefined;
}

/** The definitions of a name in the order in which they count, but for those in modules whose code may not run here. */
function* usableDefinitions({ modules }: Places, name: string, reasons: string[]): Iterable<Definition> {
  for (const found of modules.definitions(name)) {
    const { module } = found;
    const refusal = module.refusal();
    if (refusal !== undefined) {
      reasons.push(`${module.path}: ${refusal}`);
      continue;
    }
    // What was verified may not be what was looked at before.
    const definition = found.file === module.file ? found : module.definition(name);
    if (definition !== undefined) yield definition;
  }
}

function findByJit({ jit, linker }: Places, name: string, { reasons }: Failure): Found | undefined {
  const result = jit.tryJitInstantiate(name);
  switch (result.kind) {
    case 'success':
    case 'updateFailed': {
      const signature = jit.signatureOf(name);
      if (signature === undefined) {
        reasons.push(`${name} was dropped by a listener while it was instantiated`);
        return undefined;
      }
      return { from: 'jit', address: linker && result.address, signature: nativeSignature(signature) };
    }
    case 'compilationError':
      reasons.push(result.message);
      return undefined;
    case 'circularDependency':
      reasons.push(`circular dependency: ${result.cycle.join(' -> ')}`);
      return undefined;
    case 'notFound':
      return undefined;
  }
}

function findInProcess({ process, linker }: Places, name: string, { reasons }: Failure): Found | undefined {
  const address = linker && process.find(name);
  if (address !== undefined) return { from: 'process', address, signature: undefined };
  const refusal = process.refusal(name);
  if (refusal !== undefined) reasons.push(refusal);
  return undefined;
}
