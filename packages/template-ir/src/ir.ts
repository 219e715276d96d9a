// The shape of a function in the template IR: SSA over basic blocks with block parameters. A generic function (a
// template) and its specialised form have the same shape; the specialised one has no type parameters left.
import type { Bound, Type } from './types.js';

declare const valueBrand: unique symbol;
declare const blockBrand: unique symbol;

/** An SSA value: an index into the function's `valueTypes`. Defined once, as a block parameter or an instruction's result. */
export type Value = number & { readonly [valueBrand]: true };

/** A basic block: an index into the function's `blocks`. */
export type BlockId = number & { readonly [blockBrand]: true };

/**
 * One argument and result type, the same as the operand's. `neg` takes numbers (integers wrap), `not` integers (inverts
 * the bits) and bool, `sqrt` floats.
 */
export type UnaryOp = 'neg' | 'not' | 'sqrt';

/**
 * Both operands and the result have one type. `add`, `sub`, `mul` and `div` take numbers, the others integers; `and`, `or`
 * and `xor` also bool. Integers wrap; `div` is towards zero, `rem` has the dividend's sign; both by zero trap with kind
 * `divide`; the least signed integer divided by -1 wraps (remainder 0). Shift counts are taken modulo the width; `shr`
 * follows the sign. Floats: IEEE 754, each result rounded once to its type; division by zero does not trap.
 */
export type BinaryOp = 'add' | 'sub' | 'mul' | 'div' | 'rem' | 'and' | 'or' | 'xor' | 'shl' | 'shr';

/**
 * Operands of one type, result bool. Signed or unsigned by the type; pointers as unsigned addresses; bool has `eq` and
 * `ne` only. IEEE 754 for floats: every comparison with NaN is false but `ne`, and 0 equals -0.
 */
export type CompareOp = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

/**
 * A literal. bigint for integers (also where the type is a float or a type parameter: converted at specialisation),
 * number for floats, boolean for bool, 0n for the null pointer. A specialised function holds bigint exactly where the
 * type is an integer or a pointer, in the type's range.
 */
export type ConstValue = bigint | number | boolean;

/** The template that a call names, and the types it is called for. */
export interface Callee {
  readonly template: string;
  readonly typeArgs: readonly Type[];
}

export type Instruction =
  | { readonly op: 'const'; readonly result: Value; readonly value: ConstValue }
  | { readonly op: UnaryOp; readonly result: Value; readonly arg: Value }
  | { readonly op: BinaryOp; readonly result: Value; readonly left: Value; readonly right: Value }
  | { readonly op: CompareOp; readonly result: Value; readonly left: Value; readonly right: Value }
  /** `condition ? left : right`; both are already computed. */
  | {
      readonly op: 'select';
      readonly result: Value;
      readonly condition: Value;
      readonly left: Value;
      readonly right: Value;
    }
  /**
   * To the type of `result`. Between integers: wraps or extends by the sign of the source. Integer to float, float to
   * float: rounds once to nearest even. Float to integer: truncates, saturates at the ends, NaN gives 0. bool to integer:
   * 0 or 1. Nothing converts to bool, nor from or to a pointer. A type converts to itself.
   */
  | { readonly op: 'convert'; readonly result: Value; readonly arg: Value }
  /** Reads a value of the pointer's element type, little-endian; any alignment. A bool is true if its byte is not 0. */
  | { readonly op: 'load'; readonly result: Value; readonly address: Value }
  /** Writes a value of the pointer's element type; a bool as the byte 0 or 1. */
  | { readonly op: 'store'; readonly address: Value; readonly value: Value }
  /** Address of element `index` (i64, may be negative): `base + index * sizeof(element)`, wrapping, without a check. */
  | { readonly op: 'elem'; readonly result: Value; readonly base: Value; readonly index: Value }
  /** Size of `type` in bytes, as i64. */
  | { readonly op: 'sizeof'; readonly result: Value; readonly type: Type }
  /** `result` is undefined if the callee has none. The operands' and the result's types are the signature that the call relies on. */
  | {
      readonly op: 'call';
      readonly result: Value | undefined;
      readonly callee: Callee;
      readonly args: readonly Value[];
    };

export type Opcode = Instruction['op'];

/** A jump to a block with the arguments for its parameters. */
export interface Edge {
  readonly block: BlockId;
  readonly args: readonly Value[];
}

export type Terminator =
  | { readonly op: 'jump'; readonly target: Edge }
  | { readonly op: 'branch'; readonly condition: Value; readonly then: Edge; readonly else: Edge }
  | { readonly op: 'return'; readonly value: Value | undefined }
  /** Traps with kind `unreachable`. */
  | { readonly op: 'unreachable' };

export interface Block {
  readonly name: string | undefined;
  readonly params: readonly Value[];
  readonly instructions: readonly Instruction[];
  readonly terminator: Terminator;
}

export interface TypeParam {
  readonly name: string;
  readonly bound: Bound;
}

/**
 * A function. `blocks[0]` is the entry; its parameters are the function's, and no edge leads to it. Names of values and
 * blocks are for people: the binary form keeps only those of the function's parameters.
 */
export interface IrFunction {
  readonly name: string;
  readonly typeParams: readonly TypeParam[];
  readonly result: Type | undefined;
  readonly valueTypes: readonly Type[];
  readonly valueNames: readonly (string | undefined)[];
  readonly blocks: readonly Block[];
}

/** A generic function, as a library ships it. `typeParams` may be empty: then it has one instance. */
export type Template = IrFunction;

declare const verifiedBrand: unique symbol;

/**
 * A function without type parameters, produced by `specialise` only, and verified. `symbol` is the name it is linked
 * under, `typeArgs` what it was specialised for.
 */
export interface ConcreteFunction extends IrFunction {
  readonly [verifiedBrand]: true;
  readonly symbol: string;
  readonly typeArgs: readonly Type[];
}

/** The templates of one library, in file order. */
export interface TemplateModule {
  readonly name: string;
  readonly templates: readonly Template[];
}

/** Why a program stopped. Native code reports the same kinds. */
export type TrapKind = 'divide' | 'memory' | 'unreachable' | 'stack-overflow';
