// Table of contents of the template IR.
export { decodeDeclaration, encodeDeclaration } from './binary/declarations.js';
export { decodeTemplate } from './binary/decode.js';
export { type EncodedTemplate, encodeModule, encodeTemplate } from './binary/encode.js';
export { boundOf, implies, satisfies } from './bounds.js';
export { FunctionBuilder } from './builder.js';
export { environmentOf } from './declarations.js';
export {
  type DecodeCode,
  diagnosticToString,
  IrBuildError,
  IrDecodeError,
  type IrDiagnostic,
  IrLayoutError,
  IrLinkError,
  IrSpecialiseError,
  IrStepLimitError,
  IrSyntaxError,
  IrTrapError,
  IrVerifyError,
  type LayoutCode,
  type LinkCode,
  type SpecialiseCode,
  type SyntaxCode,
} from './errors.js';
export type { IrValue } from './interpret/arithmetic.js';
export { type CalleeProvider, instances } from './interpret/instances.js';
export { type ExternFunction, type InterpretOptions, interpret } from './interpret/interpret.js';
export { type ByteMemory, LinearMemory, type Memory } from './interpret/memory.js';
export type {
  BinaryOp,
  Block,
  BlockId,
  Callee,
  CompareOp,
  ConcreteFunction,
  ConstValue,
  Edge,
  EnumDeclaration,
  FieldDeclaration,
  Instruction,
  IrFunction,
  Layout,
  Opcode,
  StructDeclaration,
  Template,
  TemplateModule,
  Terminator,
  TrapKind,
  TypeDeclaration,
  TypeEnvironment,
  TypeParam,
  UnaryOp,
  Value,
} from './ir.js';
export { type FieldLayout, layoutOf, type TypeLayout } from './layout.js';
export { ModuleBuilder } from './module-builder.js';
export {
  BINARY_OPS,
  COMPARE_OPS,
  edgesOf,
  isBinary,
  isCompare,
  isUnary,
  operandsOf,
  resultOf,
  terminatorOperands,
  UNARY_OPS,
} from './operations.js';
export { renumber } from './renumber.js';
export {
  type CalleeReference,
  calleesOf,
  type ExternReference,
  externsOf,
  type SpecialiseOptions,
  signatureOf,
  specialise,
} from './specialise.js';
export { type BlockLines, lineTable } from './text/line-table.js';
export { type ParseTypeOptions, parseModule, parseType, parseTypeList } from './text/parse.js';
export { printDeclaration, printFunction, printModule } from './text/print.js';
export {
  type ArrayType,
  arrayOf,
  BOUNDS,
  type Bound,
  depthOf,
  type FloatName,
  type FunctionType,
  fnType,
  type IntName,
  isAggregate,
  isBool,
  isConcrete,
  isFloat,
  isInt,
  isSigned,
  mangle,
  type NamedType,
  named,
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
export type { Variable } from './variables.js';
export {
  diagnoseModule,
  diagnoseTemplate,
  lookupIn,
  type TemplateLookup,
  verifyDeclarations,
  verifyModule,
  verifyTemplate,
} from './verify.js';
export type { VerifyCode } from './verify-code.js';
