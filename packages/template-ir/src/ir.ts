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
 * One argument and result type, the same as the operand's. `neg` and `abs` take numbers (integers wrap; `neg_checked` traps
 * with kind `overflow` instead), `not` integers (inverts the bits) and bool, `popcount` `clz` `ctz` integers (of 0, `clz` and
 * `ctz` give the width), `sqrt` `floor` `ceil` `trunc` `round` floats (`round`: ties to even).
 */
export type UnaryOp =
  | 'neg'
  | 'not'
  | 'sqrt'
  | 'abs'
  | 'floor'
  | 'ceil'
  | 'trunc'
  | 'round'
  | 'popcount'
  | 'clz'
  | 'ctz'
  | 'neg_checked';

/**
 * Both operands and the result have one type. `add`, `sub`, `mul` and `div` take numbers, the others integers; `and`, `or`
 * and `xor` also bool. Integers wrap; `div` is towards zero, `rem` has the dividend's sign; both by zero trap with kind
 * `divide`; the least signed integer divided by -1 wraps (remainder 0). Shift counts are taken modulo the width; `shr`
 * follows the sign. Floats: IEEE 754, each result rounded once to its type; division by zero does not trap. `min` and `max`
 * take numbers; of floats, NaN if either is, and -0 is less than 0. `rotl` and `rotr` rotate by a count modulo the width.
 * The `_checked` forms take integers and trap with kind `overflow` where the exact result is not in the type's range.
 */
export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'rem'
  | 'and'
  | 'or'
  | 'xor'
  | 'shl'
  | 'shr'
  | 'min'
  | 'max'
  | 'rotl'
  | 'rotr'
  | 'add_checked'
  | 'sub_checked'
  | 'mul_checked'
  | 'div_checked';

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

/** One operation, with the values that it reads and the one that it defines (`result`). */
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
   * 0 or 1. Nothing converts to bool, nor from or to a pointer. A number type converts to itself.
   */
  | { readonly op: 'convert'; readonly result: Value; readonly arg: Value }
  /** As `convert`, but traps with kind `overflow` where an integer or float (NaN too) has no value in the integer type of the result. */
  | { readonly op: 'convert_checked'; readonly result: Value; readonly arg: Value }
  /** The same 64 bits as another pointer type, function pointer type, i64 or u64. */
  | { readonly op: 'cast'; readonly result: Value; readonly arg: Value }
  /** `a * b + c` of floats, rounded once. */
  | { readonly op: 'fma'; readonly result: Value; readonly a: Value; readonly b: Value; readonly c: Value }
  /** Reads a value of the pointer's element type, little-endian; any alignment. A bool is true if its byte is not 0. */
  | { readonly op: 'load'; readonly result: Value; readonly address: Value }
  /** Writes a value of the pointer's element type; a bool as the byte 0 or 1. */
  | { readonly op: 'store'; readonly address: Value; readonly value: Value }
  /**
   * Address of element `index` (i64, may be negative): `base + index * size`, wrapping, without a check. `size`, in bytes,
   * is that of the pointer's element type; set in concrete functions, undefined in templates.
   */
  | {
      readonly op: 'elem';
      readonly result: Value;
      readonly base: Value;
      readonly index: Value;
      readonly size: number | undefined;
    }
  /**
   * Address of a field of the struct or enum that `base` points to, `offset` bytes further; nothing is checked. `path` is a
   * field of a struct, `tag` of an enum, or `Variant.field` of an enum. `offset` is set in concrete functions.
   */
  | {
      readonly op: 'field';
      readonly result: Value;
      readonly base: Value;
      readonly path: string;
      readonly offset: number | undefined;
    }
  /**
   * Address of element `index` (i64) of the fixed array that `base` points to; traps with kind `bounds` unless
   * 0 <= index < length of the array type. `size` of an element in bytes is set in concrete functions.
   */
  | {
      readonly op: 'item';
      readonly result: Value;
      readonly base: Value;
      readonly index: Value;
      readonly size: number | undefined;
    }
  /** Size or alignment of `type` in bytes, as i64. A literal in concrete functions. */
  | { readonly op: 'sizeof' | 'alignof'; readonly result: Value; readonly type: Type }
  /** Offset in bytes, as i64, of a field (`path` as of `field`) of a struct or enum type. A literal in concrete functions. */
  | { readonly op: 'offsetof'; readonly result: Value; readonly type: Type; readonly path: string }
  /** The tag, u32, of a variant of an enum type. A literal in concrete functions. */
  | { readonly op: 'tagof'; readonly result: Value; readonly type: Type; readonly variant: string }
  /**
   * Address (`ptr<type>`) of memory of this activation, the same each time; it ends when the function returns. Each execution
   * fills it with zeros, unless `zeroed` is false (which only specialisation makes). `layout` is set in concrete functions.
   */
  | {
      readonly op: 'slot';
      readonly result: Value;
      readonly type: Type;
      readonly zeroed: boolean;
      readonly layout: Layout | undefined;
    }
  /** Copies `count` (i64; nothing if less than 1) elements between two pointers of one type; they may overlap. `size` as of `elem`. */
  | {
      readonly op: 'copy';
      readonly to: Value;
      readonly from: Value;
      readonly count: Value;
      readonly size: number | undefined;
    }
  /** Writes the byte `value` (u8) `count` (i64; nothing if less than 1) times from `to` (`ptr<u8>`) on. */
  | { readonly op: 'fill'; readonly to: Value; readonly value: Value; readonly count: Value }
  /** Traps with kind `bounds` unless 0 <= index < length; both of one integer type. */
  | { readonly op: 'bounds'; readonly index: Value; readonly length: Value }
  /** `result` is undefined if the callee has none. The operands' and the result's types are the signature that the call relies on. */
  | {
      readonly op: 'call';
      readonly result: Value | undefined;
      readonly callee: Callee;
      readonly args: readonly Value[];
    }
  /** The address of an instance of a template, as a function pointer; its type is the signature that is relied on. */
  | { readonly op: 'fnaddr'; readonly result: Value; readonly callee: Callee }
  /** Calls through a function pointer. Null and addresses of no function trap with kind `memory`. */
  | {
      readonly op: 'invoke';
      readonly result: Value | undefined;
      readonly target: Value;
      readonly args: readonly Value[];
    }
  /** Calls a C function of the process by its symbol, by the platform's C ABI; scalars and pointers only, no variadic functions. */
  | {
      readonly op: 'extern';
      readonly result: Value | undefined;
      readonly symbol: string;
      readonly args: readonly Value[];
    };

/** How a value lies in memory, in bytes. */
export interface Layout {
  readonly size: number;
  /** A power of two; the size is a multiple of it. */
  readonly align: number;
}

/** The name of an operation. */
export type Opcode = Instruction['op'];

/** A jump to a block with the arguments for its parameters. */
export interface Edge {
  readonly block: BlockId;
  readonly args: readonly Value[];
}

/** How a block ends. */
export type Terminator =
  | { readonly op: 'jump'; readonly target: Edge }
  | { readonly op: 'branch'; readonly condition: Value; readonly then: Edge; readonly else: Edge }
  | { readonly op: 'return'; readonly value: Value | undefined }
  /**
   * Decided at specialisation, where the branch not taken is dropped: does the type satisfy the bound, or is it that type?
   * Blocks that only `then` leads to may use what the bound promises of a type parameter.
   */
  | { readonly op: 'if'; readonly type: Type; readonly is: Bound | Type; readonly then: Edge; readonly else: Edge }
  /** Traps with kind `unreachable`. */
  | { readonly op: 'unreachable' };

/** Instructions that run in order, and then the terminator. Edges to the block bring the values of its parameters. */
export interface Block {
  readonly name: string | undefined;
  readonly params: readonly Value[];
  readonly instructions: readonly Instruction[];
  readonly terminator: Terminator;
}

/** A type parameter, and what its argument must be able to do. */
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
 * under, `typeArgs` what it was specialised for. `layouts` are the layouts of all structs and enums that it depends on, one
 * line of text each, sorted: code that was kept must not be used where one of them is another.
 */
export interface ConcreteFunction extends IrFunction {
  readonly [verifiedBrand]: true;
  readonly symbol: string;
  readonly typeArgs: readonly Type[];
  readonly layouts: readonly string[];
}

/** A field of a struct, or of a variant of an enum. */
export interface FieldDeclaration {
  readonly name: string;
  readonly type: Type;
}

/** Fields in memory order, laid out as C does it. */
export interface StructDeclaration {
  readonly kind: 'struct';
  readonly name: string;
  readonly typeParams: readonly TypeParam[];
  readonly fields: readonly FieldDeclaration[];
}

/** A u32 tag (the variant's index) and then a union of what the variants carry, laid out as C does it. */
export interface EnumDeclaration {
  readonly kind: 'enum';
  readonly name: string;
  readonly typeParams: readonly TypeParam[];
  readonly variants: readonly { readonly name: string; readonly fields: readonly FieldDeclaration[] }[];
}

/** What a struct or enum type is made of. */
export type TypeDeclaration = StructDeclaration | EnumDeclaration;

/** Finds the declaration of a named type. */
export type TypeEnvironment = (name: string) => TypeDeclaration | undefined;

/** The type declarations and templates of one library, in file order. */
export interface TemplateModule {
  readonly name: string;
  readonly types: readonly TypeDeclaration[];
  readonly templates: readonly Template[];
}

/** Why a program stopped. Native code reports the same kinds. */
export type TrapKind = 'divide' | 'overflow' | 'bounds' | 'memory' | 'unreachable' | 'stack-overflow';
