// Table of contents of the code generator.
export { CodegenError, type CodegenErrorCode } from './errors.js';
export { patchImports } from './imports.js';
export {
  type CompiledFunction,
  type CompiledImport,
  type CompiledTrap,
  type CompiledUnit,
  type CompileOptions,
  compileUnit,
  GENERATOR_VERSION,
  TARGET,
} from './unit.js';
