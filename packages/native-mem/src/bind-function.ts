// Native functions as JavaScript functions, by a signature.
import { binding } from './binding.js';
import { bindCaller, callerOf } from './caller.js';

/**
 * How a value is passed. `i64` and `u64` are `bigint`; with `:number` they are safe integers instead. `ptr` takes a typed
 * array, ArrayBuffer, DataView, `null` or a `bigint` address, and gives a `bigint`; `ptr<f64>` and the like check the
 * element type of a typed array (`ptr<T>` of any other T takes all of them).
 */
export type NativeTypeName =
  | 'i8'
  | 'i16'
  | 'i32'
  | 'i64'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'f32'
  | 'f64'
  | 'bool'
  | 'ptr'
  | `ptr<${string}>`
  | 'i64:number'
  | 'u64:number';

export interface NativeSignature {
  /** At most 255. */
  readonly params: readonly NativeTypeName[];
  readonly result: NativeTypeName | 'void';
}

/** What a `ptr` parameter takes. The memory must stay valid during the call only. */
export type NativePointer = ArrayBufferView | ArrayBuffer | bigint | null;

type ArgumentOf<T extends NativeTypeName> = T extends 'i64' | 'u64'
  ? bigint
  : T extends 'bool'
    ? boolean
    : T extends 'ptr' | `ptr<${string}>`
      ? NativePointer
      : number;

type ResultOf<T extends NativeTypeName | 'void'> = T extends 'void'
  ? undefined
  : T extends 'i64' | 'u64' | 'ptr' | `ptr<${string}>`
    ? bigint
    : T extends 'bool'
      ? boolean
      : number;

type ArgumentsOf<P extends readonly NativeTypeName[]> = { -readonly [I in keyof P]: ArgumentOf<P[I]> };

/** The TypeScript type of a function bound by signature `S`. */
export type BoundFunction<S extends NativeSignature> = (...args: ArgumentsOf<S['params']>) => ResultOf<S['result']>;

/**
 * A JavaScript function that calls native code by the System V ABI. Bind once and call often.
 *
 * Arguments of the wrong kind or number throw TypeError, those out of range RangeError, and nothing is called. A fault in
 * the code throws `TrapError`. Once the code is freed the function throws `ERR_CODE_FREED`. The function is for the
 * thread that bound it; bind again in another one.
 *
 * @param address in a CodeBlock, in allocExecMemory memory, or in memory made executable: `ERR_NOT_EXECUTABLE` otherwise
 * @example
 * const sum = bindFunction(address, { params: ['ptr<f64>', 'i64:number'], result: 'f64' });
 * sum(new Float64Array([1, 2, 3]), 3); // 6
 */
export function bindFunction<const S extends NativeSignature>(
  address: bigint,
  signature: S,
  options: { readonly name?: string } = {},
): BoundFunction<S> {
  const { params, result } = signature;
  const caller = callerOf(params, result);
  return bindCaller(caller, binding.bindCode(address, options.name ?? '')) as BoundFunction<S>;
}
