// One-operation functions through the interpreter, and integers by schoolbook definitions, for the tests of arithmetic.
import {
  type ConcreteFunction,
  FunctionBuilder,
  IrTrapError,
  type IrValue,
  interpret,
  sizeOf,
  specialise,
  type TrapKind,
  type Type,
  typeToString,
  type Value,
} from '../index.js';

/** A function of those types whose result `body` builds. */
export function build(
  params: readonly Type[],
  result: Type,
  body: (b: FunctionBuilder, args: readonly Value[]) => Value,
): ConcreteFunction {
  const builder = new FunctionBuilder('f');
  const args = params.map((type) => builder.param(type));
  builder.setResult(result);
  builder.return(body(builder, args));
  return specialise(builder.build(), []);
}

/** The kind of a trap, if it traps. */
export function run(fn: ConcreteFunction, ...args: IrValue[]): IrValue | TrapKind | undefined {
  try {
    return interpret(fn, args);
  } catch (error) {
    if (error instanceof IrTrapError) return error.kind;
    throw error;
  }
}

/** The integer as hardware of that width holds it, by way of a typed array. */
export function stored(type: Type, value: bigint): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, BigInt.asIntN(64, value), true);
  const read: Record<string, () => number | bigint> = {
    i8: () => view.getInt8(0),
    u8: () => view.getUint8(0),
    i16: () => view.getInt16(0, true),
    u16: () => view.getUint16(0, true),
    i32: () => view.getInt32(0, true),
    u32: () => view.getUint32(0, true),
    i64: () => view.getBigInt64(0, true),
    u64: () => view.getBigUint64(0, true),
  };
  return BigInt(read[typeToString(type)]!());
}

/** Bits of the value as a string, most significant first. */
export function bitsOf(type: Type, value: bigint): string {
  const width = sizeOf(type)! * 8;
  return ((value + (1n << 64n)) % (1n << BigInt(width))).toString(2).padStart(width, '0');
}

export function fromBits(type: Type, bits: string): bigint {
  return stored(type, BigInt(`0b${bits}`));
}

export function zipBits(type: Type, a: bigint, b: bigint, bit: (x: string, y: string) => boolean): bigint {
  const other = bitsOf(type, b);
  return fromBits(type, Array.from(bitsOf(type, a), (x, i) => (bit(x, other[i]!) ? '1' : '0')).join(''));
}

export const magnitude = (value: bigint) => (value < 0n ? -value : value);
