// Table of contents of the code generator.
export type { CpuFeature } from './cpu-features.js';
export { CodegenError, type CodegenErrorCode, type CodegenErrorDetails } from './errors.js';
export { type ImportKind, type PatchableCode, patchImports, slotKeyOf } from './imports.js';
export {
  type CompiledFunction,
  type CompiledImport,
  type CompiledLine,
  type CompiledTrap,
  type CompiledUnit,
  type CompileOptions,
  compileUnit,
  GENERATOR_VERSION,
  TARGET,
} from './unit.js';
