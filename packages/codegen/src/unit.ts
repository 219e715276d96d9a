// Compiles the functions of one unit: lowering, live ranges, register allocation, emission for each, then the calls between
// them, the constants and the tables that whoever installs the code needs.
import { type ConcreteFunction, lineTable, type Signature, type TrapKind, type Type } from '@simple-jit/template-ir';
import { allocateRegisters } from './allocate.js';
import type { Allocation } from './allocation.js';
import { Callees, signatureOf } from './callees.js';
import { type CpuFeature, CpuFeatures } from './cpu-features.js';
import { emitFunction, type UnitSink } from './emit.js';
import { CodegenError } from './errors.js';
import type { ImportKind } from './imports.js';
import { LiveRanges } from './live-ranges.js';
import { lowerFunction } from './lower/function.js';
import { OutOfScratch } from './scratch.js';
import { type Workspace, withWorkspace } from './workspace.js';

/** Changes whenever the same IR may give other bytes: persisted code of another version is not used. */
export const GENERATOR_VERSION = 'simple-jit-x64-4';

/** Processor and calling convention that the code is for: x86-64, System V (AMD64 psABI). */
export const TARGET = 'x86_64-sysv';

/** Bytes: what displacements of 32 bits span, with room for the constants. */
const MAX_CODE = 2 ** 30;

const BASELINE: ReadonlySet<CpuFeature> = new Set();

export interface CompileOptions {
  /**
   * What the processor that will run the code has beyond the baseline (SSE2); none by default. The bytes depend on it. Whatever is missing
   * is done without, but for `fma`, which then is ERR_CPU_FEATURE.
   */
  readonly cpuFeatures?: ReadonlySet<CpuFeature>;
  /** Make `CompiledUnit.lines`; false by default, as finding the lines takes time. The code is the same either way. */
  readonly lines?: boolean;
}

/** Where a function lies in the code of its unit. */
export interface CompiledFunction {
  /** That of the concrete function. */
  readonly symbol: string;
  /** Of its first instruction, in bytes from the start of `CompiledUnit.code`: a multiple of 16. */
  readonly offset: number;
  /** Bytes of instructions; padding and constants are not among them. */
  readonly size: number;
  readonly signature: Signature;
}

/** A function that the unit needs and does not hold. */
export interface CompiledImport {
  readonly kind: ImportKind;
  /** As `mangle` of template-ir makes it of the two below; of `external`, the C symbol, and both are empty. */
  readonly symbol: string;
  readonly template: string;
  readonly typeArgs: readonly Type[];
  /** What all uses rely on; of `external`, what the first one does: nothing checks the others. */
  readonly signature: Signature;
  /**
   * Offsets in `CompiledUnit.code` of 4-byte displacements (GotPcRel, little-endian) that reach the slot with the function's
   * address: `slotAddress - (codeAddress + site + 4)`. They are 0 until `patchImports` fills them in.
   */
  readonly sites: readonly number[];
}

/** An instruction that traps on purpose. */
export interface CompiledTrap {
  /** In `CompiledUnit.code`. */
  readonly offset: number;
  readonly kind: TrapKind;
}

/** Where code of another line begins. */
export interface CompiledLine {
  /** In `CompiledUnit.code`. */
  readonly offset: number;
  /** Of `printFunction(fn)`, from 1, for the function that lies there; 1 is where it takes its parameters. */
  readonly line: number;
}

/** What `compileUnit` made. It is the caller's: the generator keeps none of it. Offsets count bytes from the start of `code`. */
export interface CompiledUnit {
  readonly target: typeof TARGET;
  /** The `GENERATOR_VERSION` that made it. */
  readonly generator: string;
  /** Position independent: may be installed at any address that is a multiple of 16. */
  readonly code: Uint8Array;
  /** In the order in which they were given. */
  readonly functions: readonly CompiledFunction[];
  /** In the order of their first use. */
  readonly imports: readonly CompiledImport[];
  /** By ascending offset; no two of one offset. A memory access or a call may trap as well, and is not listed. */
  readonly traps: readonly CompiledTrap[];
  /** By ascending offset; empty unless `CompileOptions.lines` asks for it. The return address of a call is that of the next instruction. */
  readonly lines: readonly CompiledLine[];
  /** What the code needs beyond the x86-64 baseline (SSE2): those of the allowed features that it uses. */
  readonly cpuFeatures: readonly CpuFeature[];
}

/**
 * Compiles functions that belong together to x86-64 machine code for the System V calling convention. Calls between them are
 * direct; all others go through import slots, one for each symbol and kind. The same input gives the same bytes.
 *
 * Integer and bool arguments and results are only read in their own width; the rest of the register is ignored and undefined.
 *
 * The functions are read and not kept; how the code calls and is called is in the System V AMD64 psABI, 3.2
 * (https://gitlab.com/x86-psABIs/x86-64-ABI).
 *
 * @param functions what `specialise` made, in the order in which their code is to lie; may be none
 * @throws CodegenError `ERR_CPU_FEATURE` for `fma` where it is not allowed; `ERR_SIGNATURE_MISMATCH` and `ERR_DUPLICATE_SYMBOL` for
 * functions that do not fit together; `ERR_TOO_LARGE` for a frame or a unit of more than 1 GiB, or for what takes too
 * much memory to compile; `ERR_NOT_CONCRETE` and
 * `ERR_UNSUPPORTED_TYPE` for what did not come out of `specialise`.
 * @example
 * const unit = compileUnit([specialise(template, [scalar('f64')])]);
 * const block = CodeArena.default().allocate(unit.code, { traps: unit.traps }); // native-mem; see `patchImports` for imports
 */
export function compileUnit(functions: readonly ConcreteFunction[], options: CompileOptions = {}): CompiledUnit {
  return compileWith(functions, options);
}

/** What tests of this package may change or look at. */
export interface InternalOptions extends CompileOptions {
  /** Allocatable registers by class, instead of all. */
  readonly registers?: readonly (readonly number[])[];
  /** Called with every function's allocation before it is emitted. */
  readonly onAllocated?: (live: LiveRanges, allocation: Allocation) => void;
}

/** `compileUnit` with internal options; not part of the package's interface. */
export function compileWith(functions: readonly ConcreteFunction[], options: InternalOptions): CompiledUnit {
  return withWorkspace((workspace) => compileIn(workspace, functions, options));
}

function compileIn(
  { assembler, scratch }: Workspace,
  functions: readonly ConcreteFunction[],
  options: InternalOptions,
): CompiledUnit {
  const callees = new Callees(functions);
  const sink: UnitSink = { traps: [], localCalls: [], importSites: [], lines: [] };
  const features = new CpuFeatures(options.cpuFeatures ?? BASELINE);
  const compile = (fn: ConcreteFunction): CompiledFunction => {
    const lines = options.lines ? lineTable(fn) : undefined;
    const live = new LiveRanges(lowerFunction(fn, scratch, assembler, features, callees, lines));
    const allocation = allocateRegisters(live, options.registers);
    options.onAllocated?.(live, allocation);
    assembler.align(16, 0xcc);
    const offset = assembler.size;
    emitFunction(live, allocation, assembler, sink);
    scratch.release();
    return { symbol: fn.symbol, offset, size: assembler.size - offset, signature: signatureOf(fn) };
  };
  const compiled = functions.map((fn) => {
    try {
      const made = compile(fn);
      if (assembler.size > MAX_CODE) throw tooMuchCode(fn, assembler.size);
      return made;
    } catch (error) {
      throw error instanceof OutOfScratch ? tooMuchMemory(fn, error) : error;
    }
  });
  assembler.emitConstants();
  const { localCalls, importSites } = sink;
  for (let i = 0; i < localCalls.length; i += 2) assembler.patch(localCalls[i]!, compiled[localCalls[i + 1]!]!.offset);
  for (let i = 0; i < importSites.length; i += 2) callees.imports[importSites[i + 1]!]!.sites.push(importSites[i]!);
  return {
    target: TARGET,
    generator: GENERATOR_VERSION,
    code: assembler.finish(),
    functions: compiled,
    imports: callees.imports,
    traps: sink.traps,
    lines: sink.lines,
    cpuFeatures: features.used,
  };
}

function tooMuchCode({ symbol }: ConcreteFunction, bytes: number): CodegenError {
  const problem = `with it the unit has ${bytes} bytes of code, and none has more than ${MAX_CODE}`;
  return new CodegenError('ERR_TOO_LARGE', symbol, `${problem}; compile it in a unit of its own, or split it`, {
    expected: `at most ${MAX_CODE} bytes`,
    found: `${bytes} bytes`,
  });
}

function tooMuchMemory({ symbol }: ConcreteFunction, { bytes, message }: OutOfScratch): CodegenError {
  const problem = `compiling it takes more memory than there is: ${message}`;
  return new CodegenError('ERR_TOO_LARGE', symbol, `${problem}; split the function`, { found: `${bytes} bytes` });
}
