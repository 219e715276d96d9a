// Table of contents of `@simple-jit/template-ir/testing`: random programs for property tests. Needs fast-check.
export { type EvaluateOptions, evaluate, type GenericValue } from './evaluate.js';
export { guestLibrary } from './externs.js';
export {
  arbitraryMutants,
  type Mutant,
  type MutantError,
  type MutantResult,
  type MutantRun,
  runMutant,
} from './mutant.js';
export {
  arbitraryProgram,
  arbitraryValue,
  entryOf,
  evaluateRun,
  interpretRun,
  materialise,
  type Outcome,
  type ProgramOptions,
  programToString,
  readBuffers,
  sameOutcome,
  type TestArgument,
  type TestProgram,
} from './program.js';
export { arbitraryTraffic } from './traffic.js';
export { interestingValues, type TestArray } from './values.js';
