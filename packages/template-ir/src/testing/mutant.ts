// Damaged modules, taken as far as they go: decoded, verified, specialised, interpreted. All that may come of it is a typed
// error or a result; and which results native code must agree with is told.
import * as fc from 'fast-check';
import {
  IrDecodeError,
  IrLayoutError,
  IrLinkError,
  IrSpecialiseError,
  IrStepLimitError,
  IrTrapError,
  IrVerifyError,
} from '../errors.js';
import type { IrValue } from '../interpret/arithmetic.js';
import { type CalleeProvider, instances } from '../interpret/instances.js';
import { type InterpretOptions, interpretWith } from '../interpret/interpret.js';
import { type Quirks, USUAL } from '../interpret/machine-memory.js';
import { LinearMemory } from '../interpret/memory.js';
import type { ConcreteFunction, TemplateModule } from '../ir.js';
import { signatureOf } from '../specialise.js';
import { ptr } from '../types.js';
import { verifyModule } from '../verify.js';
import { arbitraryChange, type Change, changesBytes, decodeModule, mutate } from './mutate.js';
import {
  arbitraryProgram,
  materialise,
  type Outcome,
  type ProgramOptions,
  readBuffers,
  sameOutcome,
  type TestArgument,
  type TestProgram,
} from './program.js';

/** A program and what is done to its binary form. */
export interface Mutant {
  readonly program: TestProgram;
  readonly changes: readonly Change[];
}

/** Each of these is a proper answer to a damaged module. */
export type MutantError =
  | IrDecodeError
  | IrVerifyError
  | IrSpecialiseError
  | IrLayoutError
  | IrLinkError
  | IrStepLimitError;

export interface MutantRun {
  readonly run: readonly TestArgument[];
  /** How the run ended, if it did within the limits. */
  readonly outcome: Outcome | undefined;
  readonly error: MutantError | undefined;
  /**
   * True if native code may run it and must agree: it ended; it touched nothing but its buffers, its slots and the page at
   * null; and it did not depend on addresses, on the bits of a NaN, nor on bytes that nothing has defined.
   */
  readonly comparable: boolean;
}

export interface MutantResult {
  /** How far it came. `ran`: every run was tried, whatever came of it. */
  readonly stage: 'decode' | 'verify' | 'specialise' | 'ran';
  /** Why it came no further. */
  readonly error: MutantError | undefined;
  /** What was decoded and is valid; undefined at the stages `decode` and `verify`. */
  readonly module: TemplateModule | undefined;
  readonly runs: readonly MutantRun[];
}

/** `count` mutants of one random program each: making the program costs more than damaging it. */
export function arbitraryMutants(count: number, options: ProgramOptions = {}): fc.Arbitrary<readonly Mutant[]> {
  const changes = fc.array(arbitraryChange, { minLength: 1, maxLength: 3 }).map(([first, ...others]) =>
    // Bytes that were changed are refused most often: half of the mutants are without.
    changesBytes(first!) ? [first!, ...others] : [first!, ...others.filter((change) => !changesBytes(change))],
  );
  const program = arbitraryProgram({ maxStatements: 6, maxNesting: 2, ...options });
  return fc
    .tuple(program, fc.array(changes, { minLength: count, maxLength: count }))
    .map(([damaged, all]) => all.map((each) => ({ program: damaged, changes: each })));
}

/**
 * Takes a mutant as far as it goes, within `maxSteps` (default 20,000) for each run. Whatever is thrown is a defect of this
 * package.
 */
export function runMutant({ program, changes }: Mutant, maxSteps = 20_000): MutantResult {
  let stage: MutantResult['stage'] = 'decode';
  let module: TemplateModule | undefined;
  let fn: ConcreteFunction;
  let call: CalleeProvider;
  try {
    const decoded = decodeModule(program.module.name, mutate(program.module, changes));
    stage = 'verify';
    verifyModule(decoded);
    stage = 'specialise';
    module = decoded;
    call = instances(module);
    fn = call(program.entry);
  } catch (error) {
    if (isExpected(error)) return { stage, error, module, runs: [] };
    throw error;
  }
  const runs = program.runs.filter((run) => fits(fn, run)).map((run) => runOnce(fn, run, call, maxSteps));
  return { stage: 'ran', error: undefined, module, runs };
}

/** The signature may have changed: then there are no arguments for it. */
function fits(fn: ConcreteFunction, run: readonly TestArgument[]): boolean {
  const { params } = signatureOf(fn);
  return (
    params.length === run.length &&
    run.every((arg, i) => params[i] === (arg.kind === 'value' ? arg.type : ptr(arg.element)))
  );
}

function isExpected(error: unknown): error is MutantError {
  return [IrDecodeError, IrVerifyError, IrSpecialiseError, IrLayoutError, IrLinkError, IrStepLimitError].some(
    (type) => error instanceof type,
  );
}

/** What must make no difference: slots below the buffers and the later ones first, buffers in the other order, NaN as the hardware makes it. */
const UNUSUAL: Quirks = {
  slots: 0x0107n << 48n,
  areas: 16,
  poison: 0x3c,
  nan: { f32: 0xffc0_0001n, f64: 0xfff8_0000_0000_0001n },
};
const UNUSUAL_BASE = 0x0207n << 48n;

/** Below, nothing is ever mapped: natively, an access traps too. */
const NULL_PAGE = 0x1000n;

function runOnce(
  fn: ConcreteFunction,
  run: readonly TestArgument[],
  call: CalleeProvider,
  maxSteps: number,
): MutantRun {
  // Few enough calls and slots that a thread's stack holds them.
  const limits = { call, maxSteps, maxDepth: 200, maxSlotBytes: 1 << 17 };
  const usual = attempt(fn, run, limits, USUAL);
  if (!('outcome' in usual)) return { run, outcome: undefined, error: usual.error, comparable: false };
  const { outcome, address } = usual;
  const isNative = outcome.trap === 'memory' ? address < NULL_PAGE : outcome.trap !== 'stack-overflow';
  const other = isNative ? attempt(fn, run, limits, UNUSUAL) : undefined;
  const isStable = other !== undefined && 'outcome' in other && sameOutcome(outcome, other.outcome);
  return { run, outcome, error: undefined, comparable: isStable };
}

type Attempt = { readonly outcome: Outcome; readonly address: bigint } | { readonly error: MutantError };

function attempt(
  fn: ConcreteFunction,
  run: readonly TestArgument[],
  limits: InterpretOptions,
  quirks: Quirks,
): Attempt {
  const memory = quirks === USUAL ? new LinearMemory() : new LinearMemory(UNUSUAL_BASE);
  const args = materialise(run);
  const passed: IrValue[] = new Array(args.length);
  const order = [...args.keys()];
  for (const i of quirks === USUAL ? order : order.reverse()) {
    const arg = args[i]!;
    passed[i] = typeof arg === 'object' ? memory.map(arg) : arg;
  }
  try {
    const result = interpretWith(fn, passed, { ...limits, memory }, quirks);
    return { outcome: { trap: undefined, result, buffers: readBuffers(args) }, address: 0n };
  } catch (error) {
    if (error instanceof IrTrapError) {
      const outcome = { trap: error.kind, result: undefined, buffers: readBuffers(args) };
      return { outcome, address: error.address ?? 0n };
    }
    if (isExpected(error)) return { error };
    throw error;
  }
}
