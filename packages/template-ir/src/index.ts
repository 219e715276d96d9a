// Table of contents of the template IR.
export { decodeTemplate } from './binary/decode.js';
export { type EncodedTemplate, encodeModule, encodeTemplate } from './binary/encode.js';
export { boundOf, implies, satisfies } from './bounds.js';
export { FunctionBuilder, ModuleBuilder } from './builder.js';
export {
  type DecodeCode,
  diagnosticToString,
  IrBuildError,
  IrDecodeError,
  type IrDiagnostic,
  IrLinkError,
  IrSpecialiseError,
  IrStepLimitError,
  IrSyntaxError,
  IrTrapError,
  IrVerifyError,
  type LinkCode,
  type SpecialiseCode,
  type SyntaxCode,
} from './errors.js';
export type { IrValue } from './interpret/arithmetic.js';
export { type CalleeProvider, instances } from './interpret/instances.js';
export { type InterpretOptions, interpret } from './interpret/interpret.js';
export { LinearMemory, type Memory } from './interpret/memory.js';
export type {
  BinaryOp,
  Block,
  BlockId,
  Callee,
  CompareOp,
  ConcreteFunction,
  ConstValue,
  Edge,
  Instruction,
  IrFunction,
  Opcode,
  Template,
  TemplateModule,
  Terminator,
  TrapKind,
  TypeParam,
  UnaryOp,
  Value,
} from './ir.js';
export { BINARY_OPS, COMPARE_OPS, edgesOf, operandsOf, resultOf, UNARY_OPS, type VerifyCode } from './operations.js';
export { renumber } from './renumber.js';
export { type CalleeReference, calleesOf, signatureOf, specialise } from './specialise.js';
export { parseModule, parseType, parseTypeList } from './text/parse.js';
export { printFunction, printModule } from './text/print.js';
export {
  BOUNDS,
  type Bound,
  type FloatName,
  type IntName,
  isBool,
  isConcrete,
  isFloat,
  isInt,
  isSigned,
  mangle,
  type ParamType,
  type PointerType,
  param,
  ptr,
  SCALAR_NAMES,
  type ScalarName,
  type ScalarType,
  type Signature,
  type SignedIntName,
  scalar,
  signatureToString,
  sizeOf,
  substitute,
  type Type,
  typeToString,
  type UnsignedIntName,
} from './types.js';
export {
  diagnoseModule,
  diagnoseTemplate,
  lookupIn,
  type TemplateLookup,
  verifyModule,
  verifyTemplate,
} from './verify.js';
