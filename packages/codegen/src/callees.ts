// What the calls of a unit go to: its own functions, directly, or imports, each through a slot.
import { type Callee, type ConcreteFunction, mangle, type Signature, signatureToString } from '@simple-jit/template-ir';
import { CodegenError } from './errors.js';
import { type ImportKind, slotKeyOf } from './imports.js';
import type { CompiledImport } from './unit.js';

export interface CallDestination {
  /** Index of the function in the unit, or -1 for an import. */
  readonly local: number;
  /** Index among the imports, or -1. */
  readonly imported: number;
}

export class Callees {
  readonly imports: (CompiledImport & { readonly sites: number[] })[] = [];
  /** By the key of its slot: index in `imports`. */
  private readonly importNumbers = new Map<string, number>();
  /** By template and types: calls name these; the symbol that a function is linked under may be another. Made when first needed. */
  private locals: Map<string, number> | undefined;
  /** By function of the unit: its signature, once somebody has called it. */
  private readonly signatures: (Signature | undefined)[] = [];

  /** Throws ERR_DUPLICATE_SYMBOL. */
  constructor(private readonly functions: readonly ConcreteFunction[]) {
    if (functions.length > 1) this.locals = findLocals(functions);
  }

  /** Throws ERR_SIGNATURE_MISMATCH if `caller` relies on another signature than the function has, or than calls before it relied on. */
  resolve(
    caller: ConcreteFunction,
    kind: ImportKind,
    symbol: string,
    { template, typeArgs }: Callee,
    signature: Signature,
  ): CallDestination {
    this.locals ??= findLocals(this.functions);
    const local = kind === 'external' ? undefined : this.locals.get(symbol);
    if (local !== undefined) {
      this.signatures[local] ??= signatureOf(this.functions[local]!);
      expectSame(caller, symbol, signature, this.signatures[local]);
      return { local, imported: -1 };
    }
    const key = slotKeyOf({ kind, symbol });
    const known = this.importNumbers.get(key);
    if (known !== undefined) {
      // C has one `malloc` for all pointer types.
      if (kind !== 'external') expectSame(caller, symbol, signature, this.imports[known]!.signature);
      return { local: -1, imported: known };
    }
    const imported = this.imports.push({ kind, symbol, template, typeArgs, signature, sites: [] }) - 1;
    this.importNumbers.set(key, imported);
    return { local: -1, imported };
  }
}

function findLocals(functions: readonly ConcreteFunction[]): Map<string, number> {
  const symbols = new Set<string>();
  const locals = new Map<string, number>();
  functions.forEach((fn, i) => {
    const known = mangle(fn.name, fn.typeArgs);
    if (symbols.has(fn.symbol) || locals.has(known)) {
      const problem = `${known} is in the unit twice; functions of one unit need distinct symbols, and templates distinct names`;
      throw new CodegenError('ERR_DUPLICATE_SYMBOL', fn.symbol, problem);
    }
    symbols.add(fn.symbol);
    locals.set(known, i);
  });
  return locals;
}

export function signatureOf(fn: ConcreteFunction): Signature {
  return { params: fn.blocks[0]!.params.map((param) => fn.valueTypes[param]!), result: fn.result };
}

function expectSame(caller: ConcreteFunction, symbol: string, relied: Signature, known: Signature): void {
  if (areSameTypes(relied, known)) return;
  const found = signatureToString(relied);
  const expected = signatureToString(known);
  if (expected === found) return;
  const problem = `relies on ${symbol} as ${found}, but it is ${expected}`;
  throw new CodegenError(
    'ERR_SIGNATURE_MISMATCH',
    caller.symbol,
    `${problem}; compile both from one version of their library`,
    {
      expected,
      found,
    },
  );
}

/** The very same types, which is quick to see; other types may still be equal. */
function areSameTypes(one: Signature, other: Signature): boolean {
  if (one.result !== other.result || one.params.length !== other.params.length) return false;
  for (let i = 0; i < one.params.length; i++) if (one.params[i] !== other.params[i]) return false;
  return true;
}
