// Random programs with arguments, and what running one gives: for comparing another implementation with the interpreter.
import * as fc from 'fast-check';
import { IrTrapError } from '../errors.js';
import { convert, type IrValue } from '../interpret/arithmetic.js';
import { instances } from '../interpret/instances.js';
import { interpret } from '../interpret/interpret.js';
import { LinearMemory } from '../interpret/memory.js';
import type { ConcreteFunction, TemplateModule, TrapKind } from '../ir.js';
import { printModule } from '../text/print.js';
import { isBool, substitute, type Type, typeToString } from '../types.js';
import type { Lowered } from './call-line.js';
import { declare } from './declare.js';
import { evaluate } from './evaluate.js';
import { guestLibrary } from './externs.js';
import { type LoweringOptions, lowerFunction } from './lower.js';
import { ArbitraryPlan, type ArgumentPlan, type ProgramPlan } from './plan.js';
import { scalarsWith } from './scalars.js';
import { BUFFER_LENGTH } from './straight-line.js';
import { fromTypedArray, type TestArray, toTypedArray, valueFrom } from './values.js';

/**
 * A scalar, or the initial contents of the buffer that a pointer leads to (of bools: their bytes, as bigint). No two
 * pointers lead to one buffer.
 */
export type TestArgument =
  | { readonly kind: 'value'; readonly type: Type; readonly value: IrValue }
  | { readonly kind: 'buffer'; readonly element: Type; readonly values: readonly IrValue[] };

/** A module, one instance of one of its templates, and arguments for it. */
export interface TestProgram {
  /** Its templates are verified by `verifyModule` in our tests, not here. Callees come before callers. */
  readonly module: TemplateModule;
  /** The template to run; `instances(module)` gives it and its callees. */
  readonly entry: { readonly template: string; readonly typeArgs: readonly Type[] };
  /** Arguments of one call each. */
  readonly runs: readonly (readonly TestArgument[])[];
}

export interface ProgramOptions {
  /** Templates may have type parameters; default true. Without, every template is concrete as it is. */
  readonly generic?: boolean;
  /** Runs may trap (any kind but `stack-overflow`; `memory` by null only); default true. */
  readonly traps?: boolean;
  /** Arrays, structs and enums; default true. */
  readonly aggregates?: boolean;
  /** Calls of C functions: `labs`, `toupper`, `fmod`, `floor`, `memcmp`, `malloc` and `free`; default false. */
  readonly externs?: boolean;
  /** Templates in the module at most; default 3. */
  readonly maxFunctions?: number;
  /** Parameters of a function at most, at least 3; default 8. */
  readonly maxParams?: number;
  /** Statements in the outermost body of a function at most; default 10. */
  readonly maxStatements?: number;
  /** Loops and branches inside one another at most; default 3. */
  readonly maxNesting?: number;
}

/**
 * Random well-typed programs that end soon, trap or not, and depend on nothing but their arguments: every operation,
 * every conversion, loops, branches on values and on types, block parameters, memory, slots, structs, enums, arrays, calls,
 * also through pointers, and recursion, at all scalar types and, where `generic`, through type parameters. They never look
 * at the bits of a NaN, at padding, at what is left of another variant, nor at an address. The entry takes and returns
 * scalars and pointers to scalars.
 *
 * ```ts
 * fc.assert(fc.property(arbitraryProgram(), (program) => {
 *   for (const run of program.runs) {
 *     const native = …; // compile and call; materialise(run) gives the arguments
 *     expect(sameOutcome(native, interpretRun(program, run))).toBe(true);
 *   }
 * }));
 * ```
 */
export function arbitraryProgram(options: ProgramOptions = {}): fc.Arbitrary<TestProgram> {
  const complete = {
    generic: options.generic ?? true,
    traps: options.traps ?? true,
    aggregates: options.aggregates ?? true,
    externs: options.externs ?? false,
    maxFunctions: options.maxFunctions ?? 3,
    maxParams: options.maxParams ?? 8,
    maxStatements: options.maxStatements ?? 10,
    maxNesting: options.maxNesting ?? 3,
  };
  return new ArbitraryPlan(complete).map((plan) => lowerProgram(plan, complete));
}

function lowerProgram(plan: ProgramPlan, options: LoweringOptions): TestProgram {
  const types = declare(plan.declarations);
  const functions: Lowered[] = [];
  for (const [i, fn] of plan.functions.entries()) {
    const isEntry = i === plan.functions.length - 1;
    functions.push(lowerFunction(`f${i}`, fn, functions, types, isEntry, options));
  }
  const { template, params } = functions.at(-1)!;
  const typeArgs = template.typeParams.map(({ bound }, i) => {
    const candidates = scalarsWith(bound);
    return candidates[(plan.typeArgs[i] ?? 0) % candidates.length]!;
  });
  const module = { name: 'random', types, templates: functions.map((fn) => fn.template) };
  return new PrintableProgram(
    module,
    { template: template.name, typeArgs },
    plan.runs.map((run) => params.map((type, i) => argument(substitute(type, typeArgs), run, i))),
  );
}

function argument(type: Type, run: readonly ArgumentPlan[], i: number): TestArgument {
  const { choice, seed } = run[i % Math.max(run.length, 1)] ?? { choice: 0, seed: 0 };
  if (type.kind !== 'ptr') return { kind: 'value', type, value: valueFrom(type, choice, seed) };
  const element = type.to;
  const values = Array.from({ length: BUFFER_LENGTH }, (_, k) => {
    const [nthChoice, nthSeed] = [(choice + 7 * k) % 256, seed + k];
    return isBool(element) ? BOOL_BYTES[nthChoice % BOOL_BYTES.length]! : valueFrom(element, nthChoice, nthSeed);
  });
  return { kind: 'buffer', element, values };
}

/** Any byte but 0 is true. */
const BOOL_BYTES: readonly bigint[] = [0n, 1n, 2n, 0x80n, 0xffn];

/** fast-check shows a counterexample by its `toString`: as text, not as a tree of objects. */
class PrintableProgram implements TestProgram {
  constructor(
    readonly module: TemplateModule,
    readonly entry: TestProgram['entry'],
    readonly runs: TestProgram['runs'],
  ) {}

  [fc.toStringMethod](): string {
    return programToString(this);
  }
}

/** The module in the text form, and the calls: enough to repeat a failure by hand. */
export function programToString(program: Pick<TestProgram, 'module' | 'entry' | 'runs'>): string {
  const { template, typeArgs } = program.entry;
  const runs = program.runs.map((run) => {
    const args = run.map((arg) =>
      arg.kind === 'value'
        ? `${valueToString(arg.value)}: ${typeToString(arg.type)}`
        : `[${arg.values.map(valueToString).join(', ')}]: ptr<${typeToString(arg.element)}>`,
    );
    return `// run: ${template}<${typeArgs.map(typeToString).join(', ')}>(${args.join(', ')})\n`;
  });
  return `\n${printModule(program.module)}${runs.join('')}`;
}

function valueToString(value: IrValue): string {
  return Object.is(value, -0) ? '-0' : `${value}${typeof value === 'bigint' ? 'n' : ''}`;
}

/** The concrete function to run. */
export function entryOf(program: Pick<TestProgram, 'module' | 'entry'>): ConcreteFunction {
  return instances(program.module)(program.entry);
}

/** How a run ended, and what it left in its buffers, in the order of the parameters. */
export interface Outcome {
  readonly trap: TrapKind | undefined;
  /** undefined if the function returns nothing, or trapped. */
  readonly result: IrValue | undefined;
  readonly buffers: readonly (readonly IrValue[])[];
}

/** Fresh arguments for one call: a typed array for each buffer. What the call leaves in them is `readBuffers`'s. */
export function materialise(run: readonly TestArgument[]): (IrValue | TestArray)[] {
  return run.map((arg) => (arg.kind === 'value' ? arg.value : toTypedArray(arg.element, arg.values)));
}

/** The contents of the typed arrays among arguments, as `Outcome.buffers` wants them. */
export function readBuffers(args: readonly (IrValue | TestArray)[]): readonly (readonly IrValue[])[] {
  return args.filter((arg) => typeof arg === 'object').map(fromTypedArray);
}

/** Far more than what a generated program takes. */
const MAX_STEPS = 10_000_000;

/** Runs the program in the interpreter. Pass `call` (of `instances`) to keep instances over several runs. */
export function interpretRun(
  program: Pick<TestProgram, 'module' | 'entry'>,
  run: readonly TestArgument[],
  call = instances(program.module),
): Outcome {
  return outcomeOf(run, (args, memory) =>
    interpret(call(program.entry), args, { memory, call, externs: guestLibrary(memory), maxSteps: MAX_STEPS }),
  );
}

/** Runs the program without specialising it: what `interpretRun` must give too. */
export function evaluateRun(program: Pick<TestProgram, 'module' | 'entry'>, run: readonly TestArgument[]): Outcome {
  return outcomeOf(run, (args, memory) => {
    const options = { memory, externs: guestLibrary(memory), maxSteps: MAX_STEPS };
    return evaluate(program.module, program.entry, args, options) as IrValue | undefined; // entries return scalars
  });
}

/** Passes fresh buffers to `execute`, and tells how it ended and what it left in them. */
function outcomeOf(
  run: readonly TestArgument[],
  execute: (args: readonly IrValue[], memory: LinearMemory) => IrValue | undefined,
): Outcome {
  const memory = new LinearMemory();
  const args = materialise(run);
  const passed = args.map((arg) => (typeof arg === 'object' ? memory.map(arg) : arg));
  try {
    const result = execute(passed, memory);
    return { trap: undefined, result, buffers: readBuffers(args) };
  } catch (error) {
    if (!(error instanceof IrTrapError)) throw error;
    return { trap: error.kind, result: undefined, buffers: readBuffers(args) };
  }
}

/** True if two runs agree: traps, results and buffers, bit for bit; any NaN equals any NaN. */
export function sameOutcome(left: Outcome, right: Outcome): boolean {
  return (
    left.trap === right.trap &&
    Object.is(left.result, right.result) &&
    left.buffers.length === right.buffers.length &&
    left.buffers.every((buffer, i) => sameValues(buffer, right.buffers[i]!))
  );
}

function sameValues(left: readonly IrValue[], right: readonly IrValue[]): boolean {
  return left.length === right.length && left.every((value, i) => Object.is(value, right[i]));
}

/** Any value of a scalar type: corner cases half of the time. */
export function arbitraryValue(type: Type): fc.Arbitrary<IrValue> {
  return fc.tuple(fc.nat(319), fc.nat()).map(([choice, seed]) => convert(valueFrom(type, choice, seed), type));
}
