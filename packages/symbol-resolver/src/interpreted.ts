// Interpreted functions as `bindFunction` of native-mem would give them, `i64:number` included.
import type { Callable } from '@simple-jit/jit-instantiator';
import type { BoundFunction, NativeSignature } from '@simple-jit/native-mem';

/** The callable of an instantiator, whose 64-bit integers are bigint, with those that the signature says as numbers. */
export function bindInterpreted(
  callable: Callable,
  { params, result }: NativeSignature,
): BoundFunction<NativeSignature> {
  const asNumber = [...params, result].map((type) => type.endsWith(':number'));
  if (!asNumber.includes(true)) return callable as BoundFunction<NativeSignature>;
  const bound: Callable = (...args) => {
    const value = callable(...args.map((arg, i) => (i < params.length && asNumber[i] ? toBigInt(arg, i) : arg)));
    return asNumber[params.length] ? toNumber(value as bigint) : value;
  };
  return bound as BoundFunction<NativeSignature>;
}

function toBigInt(arg: unknown, index: number): bigint {
  if (typeof arg !== 'number') throw new TypeError(`argument ${index + 1} must be a number, not a ${typeof arg}`);
  if (!Number.isSafeInteger(arg)) throw new RangeError(`argument ${index + 1} must be a safe integer, not ${arg}`);
  return BigInt(arg);
}

function toNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`the result ${value} is no safe integer: ask for i64`);
  return number;
}
